"""The review screen: one key decides, is committed, then moves. What it may do is settled in `review.session`.

Nothing is shown as decided before the registry has it, and nothing is decided that was not on the screen.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from abstractor.model.decision import Decision
from abstractor.model.errors import AbstractorError, RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.review.ordering import alike, next_open
from abstractor.review.rows import Row, State, Verb
from abstractor.review.session import Refused
from abstractor.review.unsaved import write_unsaved
from abstractor.review.values import read_value
from abstractor.rulebook.schema import FieldSpec
from abstractor.tui.messages import NeighbourWanted, WorklistWanted
from abstractor.tui.screens.dialogs import Confirm, FieldPicker, LinePrompt, Reasons
from abstractor.tui.screens.edit import EditScreen, Stated
from abstractor.tui.screens.finding import FindingScreen
from abstractor.tui.screens.reader import Event, HistoryScreen, TimelineScreen
from abstractor.tui.widgets.note import STATE_WORDS

_HEARTBEAT = 60.0
_RENEW_AFTER = 20.0


class ReviewScreen(FindingScreen):
    """A patient under review."""

    _renewed = 0.0
    """When the lease was last renewed, on the clock that counts seconds."""

    def on_mount(self) -> None:
        super().on_mount()
        self._renewed = self.dwell_clock()
        self.set_interval(_HEARTBEAT, self._beat)

    def dwell_clock(self) -> float:
        """Seconds on the clock that was passed in."""
        return self.dwell.now()

    def _beat(self) -> None:
        if not self.frozen and self.session.lease is not None:
            self.attempt(self._renew)

    def _renew(self) -> None:
        self.session.claim()
        self._renewed = self.dwell_clock()
        if self.session.read_only:
            self.draw()

    def failed(self, error: AbstractorError) -> None:
        self.refresh_rows()
        if isinstance(error, StaleCase):
            self.dwell.restart()
        self.draw()
        if self.session.unsaved and isinstance(error, RegistryError):
            self._tell_unsaved(f"{error}. Nothing advances. ")
        else:
            self.say(str(error), alarm=isinstance(error, RegistryError))

    def _tell_unsaved(self, why: str = "") -> None:
        if self.session.unsaved:
            self.say(f"NOT SAVED: {why}enter retry   {self.keymap.shown('export_unsaved')} to file", alarm=True)

    # Deciding

    def _decide(self, verb: Verb, act: Callable[[str], Decision]) -> None:
        row = self.row
        if row is None:
            raise Refused("there is no row here")
        self._guard(row, verb)
        self._committed(act(row.slot))
        self._advance(row.slot)

    def _guard(self, row: Row, verb: Verb) -> None:
        if not self.dwell.allows(row.slot):
            raise Refused("not yet shown: look, then press again")
        if not (self.query_one("#note-box").display or self.query_one("#evidence-box").display):
            raise Refused(f"the evidence is not on the screen; {self.keymap.shown('zoom')} brings it back")
        if verb in {Verb.ACCEPT, Verb.PICK} and row.evidence and row.confidence < self.session.config.low_confidence:
            seen = any(one.note_id == self.note_id and self.doc.in_view(one.start, one.end) for one in row.evidence)
            if not seen:
                raise Refused(
                    f"low confidence, and its evidence is not in view; {self.keymap.shown('next_evidence')} shows it"
                )

    def _committed(self, decision: Decision) -> None:
        """The registry has it: only now do the rows show it."""
        self.saved_at = decision.decided_at[11:19]
        self.refresh_rows()
        if self.session.lease is not None and self.dwell_clock() - self._renewed > _RENEW_AFTER:
            self.attempt(self._renew)

    def _advance(self, slot: str) -> None:
        self.doc.selection = None
        self.selecting = False
        following = next_open(self.listed, slot)
        if following is not None:
            self.go_to(following.slot)
            return
        left = len(self.session.blocking)
        self.go_to(slot)
        if left:
            self.say(f"{left} open, none of them shown here")
        else:
            self.say(f"all decided; {self.keymap.shown('close')} closes the patient")

    def do_accept(self) -> None:
        self._decide(Verb.ACCEPT, self.session.accept)

    def do_reject(self) -> None:
        self._decide(Verb.REJECT, self.session.reject)

    def do_defer(self) -> None:
        self._decide(Verb.DEFER, self.session.defer)

    def do_not_documented(self) -> None:
        self._decide(Verb.NOT_DOCUMENTED, self.session.not_documented)

    def do_pick(self) -> None:
        number = int(self.pressed)
        self._decide(Verb.PICK, lambda slot: self.session.pick(slot, number))

    def do_reject_why(self) -> None:
        row = self.row
        if row is None or Verb.REJECT not in row.verbs:
            raise Refused("there is nothing to reject here")

        def reject(reason: str | None) -> None:
            if reason is not None:
                self.attempt(lambda: self._decide(Verb.REJECT, lambda slot: self.session.reject(slot, reason)))

        self.app.push_screen(Reasons(self.keymap, self.palette), reject)

    def do_accept_alike(self) -> None:
        row = self.row
        found = alike(self.session.rows, row) if row is not None else ()
        if row is None or not found:
            raise Refused("nothing here to accept")
        if not self.session.config.bulk_accept:
            raise Refused("accepting several at once is switched off here")
        title = f"Accept {len(found)} rows: {row.spec.label} {row.shown}"
        lines = [f"{one.state.value} {one.shown}  {one.date or ''}  x{len(one.evidence)}" for one in found]

        def accept(yes: bool | None) -> None:
            if yes:
                self.attempt(lambda: self._accepted_alike(row.slot))

        self.app.push_screen(Confirm(self.keymap, self.palette, title, lines, "enter accepts all   esc leaves"), accept)

    def _accepted_alike(self, slot: str) -> None:
        decisions = self.session.accept_alike(slot)
        self._committed(decisions[-1])
        self._advance(slot)

    def do_undo(self) -> None:
        self._stepped(self.session.undo(), "undone")

    def do_redo(self) -> None:
        self._stepped(self.session.redo(), "done again")

    def _stepped(self, decision: Decision, word: str) -> None:
        self._committed(decision)
        if all(row.slot != decision.slot for row in self.listed):
            self.filter = ""
            self.refresh_rows()
        stands = any(row.slot == decision.slot for row in self.listed)
        self.go_to(decision.slot if stands else next((row.slot for row in self.listed), None))
        self.dwell.restart()
        self.say(f"{word}: {decision.field}")

    def do_comment(self) -> None:
        row = self.row
        if row is None:
            return

        def comment(text: str | None) -> None:
            if text is not None:
                self.attempt(lambda: self._commented(row.slot, text))

        self.app.push_screen(LinePrompt(self.keymap, self.palette, f"Comment on {row.spec.label}"), comment)

    def _commented(self, slot: str, text: str) -> None:
        self._committed(self.session.comment(slot, text))
        self.draw()

    # Values by hand

    def do_edit(self) -> None:
        row = self.row
        if row is None or self.frozen:
            raise Refused(self._frozen_words() if self.frozen else "there is no row here")
        held = row.decision if row.decision is not None and row.decision.value else None
        first = held or next(iter(row.choices), None)
        start = Stated("", Assertion.PRESENT, row.date)
        if first is not None:
            # where codes are to choose from, the list must not be narrowed to the one that stands
            value = "" if row.spec.codes else first.value
            start = Stated(value, first.assertion, first.date, first.end_date, first.attributes)
        draft = self.session.draft(row.slot)
        if draft:
            start = replace(start, value=draft)
        self._ask(row, start, None, drafted=bool(draft))

    def do_take(self) -> None:
        row = self.row
        evidence = self.selected_evidence()
        if row is None or evidence is None:
            raise Refused(
                f"select words first: {self.keymap.shown('find')} finds, {self.keymap.shown('select')} selects"
            )
        if self.frozen:
            raise Refused(self._frozen_words())
        self._ask(row, self._read(row.spec, evidence, row.date), evidence)

    def _read(self, spec: FieldSpec, evidence: Evidence, date: str | None) -> Stated:
        value = read_value(self.session.book, spec, evidence.text)
        return Stated(value or " ".join(evidence.text.split()), Assertion.PRESENT, date)

    def _ask(self, row: Row, start: Stated, evidence: Evidence | None, *, drafted: bool = False) -> None:
        spans = None if evidence is None else (evidence,)

        def save(stated: Stated) -> None:
            self._committed(
                self.session.edit(
                    row.slot,
                    stated.value,
                    assertion=stated.assertion,
                    date=stated.date,
                    end_date=stated.end_date,
                    evidence=spans,
                    attributes=stated.attributes,
                )
            )

        def saved(stated: Stated | None) -> None:
            self.attempt(lambda: self._forget_draft(row.slot))
            if stated is not None:
                self._advance(row.slot)
            self._tell_unsaved()

        edit = EditScreen(
            self.keymap,
            self.palette,
            self.session.book,
            row.spec,
            start,
            save,
            quote=evidence.text if evidence is not None else "",
            draft=lambda text: self.session.keep_draft(row.slot, text),
            drafted=drafted,
        )
        self.app.push_screen(edit, saved)

    def _forget_draft(self, slot: str) -> None:
        if self.session.draft(slot) is not None:
            self.session.forget_draft(slot)

    def do_attach(self) -> None:
        row, evidence = self.row, self.selected_evidence()
        if row is None or evidence is None:
            raise Refused(
                f"select words first: {self.keymap.shown('find')} finds, {self.keymap.shown('select')} selects"
            )
        decision = self.session.attach(row.slot, evidence)
        self.selecting = False
        self.doc.unselect()
        if decision is not None:
            self._committed(decision)
        self.refresh_rows()
        self.draw()
        self.say("added to what it rests on" if decision is not None else "added; your decision will rest on it")

    def do_new_fact(self) -> None:
        if self.frozen:
            raise Refused(self._frozen_words())
        evidence = self.selected_evidence()
        fields = tuple(self.session.book.fields.values())

        def picked(name: str | None) -> None:
            if name is not None:
                self._ask_new(self.session.book.fields[name], evidence)

        self.app.push_screen(FieldPicker(self.keymap, self.palette, fields), picked)

    def _ask_new(self, spec: FieldSpec, evidence: Evidence | None) -> None:
        dated = spec.slot in {"event", "episode"} and spec.kind != "date"
        day = evidence.note_date[:10] if dated and evidence is not None and evidence.note_date else None
        start = self._read(spec, evidence, day) if evidence is not None else Stated("")

        def save(stated: Stated) -> None:
            self._committed(
                self.session.add(
                    spec.name,
                    stated.value,
                    assertion=stated.assertion,
                    date=stated.date,
                    end_date=stated.end_date,
                    evidence=(evidence,) if evidence is not None else (),
                    attributes=stated.attributes,
                )
            )

        def saved(stated: Stated | None) -> None:
            self._tell_unsaved()
            if stated is not None:
                self.doc.unselect()
                self.selecting = False
                self.draw()
                self.say(f"added: {spec.label} {stated.value}")

        quote = evidence.text if evidence is not None else ""
        self.app.push_screen(
            EditScreen(self.keymap, self.palette, self.session.book, spec, start, save, quote=quote), saved
        )

    # The patient

    def do_close(self) -> None:
        if self.session.unsaved:
            stored = self.session.retry()
            self._committed(stored[-1])
            self._advance(stored[-1].slot)
            return
        if self.frozen:
            raise Refused(self._frozen_words())
        waiting = self.session.blocking
        if not waiting:
            self._close()
        elif self.at == len(self.listed) - 1:
            self._ask_close(waiting)
        else:
            following = next_open(self.listed, self.slot)
            self.go_to(following.slot if following is not None else self.listed[-1].slot)

    def _ask_close(self, waiting: tuple[Row, ...]) -> None:
        allowed = self.session.config.close_open
        lines = [f"{row.state.value} {row.spec.label:<28} {STATE_WORDS[row.state]} {row.shown}" for row in waiting]
        hint = "enter closes all the same   esc leaves" if allowed else "decide these first   esc leaves"
        title = f"{len(waiting)} open in {self.session.patient_id}"

        def close(yes: bool | None) -> None:
            if yes:
                self.attempt(self._close)

        self.app.push_screen(Confirm(self.keymap, self.palette, title, lines, hint, allowed=allowed), close)

    def _close(self) -> None:
        self.session.close()
        self.session.release()
        self.app.post_message(NeighbourWanted(self.session.patient_id, 1))

    def do_reopen(self) -> None:
        if not self.session.case.closed:
            raise Refused("the patient is not closed")

        def reopen(reason: str | None) -> None:
            if reason is not None:
                self.attempt(lambda: self._reopened(reason))

        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Reopen, because"), reopen)

    def _reopened(self, reason: str) -> None:
        self._committed(self.session.reopen(reason))
        self.draw()

    def do_take_over(self) -> None:
        lease = self.session.lease
        if lease is None or lease.mine:
            lease = self.session.claim()
        elif lease.until <= self.session.now() or self.session.config.supervisor:
            lease = self.session.claim(take_over=True)
        else:
            raise Refused(f"{lease.holder} works on it; free after {lease.until[11:16]} UTC, or by a supervisor")
        self.session.reload()
        self.refresh_rows()
        self.go_to(self.slot)
        self.say("the patient is yours" if lease.mine else f"{lease.holder} holds it")

    def do_next_patient(self) -> None:
        self._leave(NeighbourWanted(self.session.patient_id, 1))

    def do_previous_patient(self) -> None:
        self._leave(NeighbourWanted(self.session.patient_id, -1))

    def do_worklist(self) -> None:
        self._leave(WorklistWanted())

    def _leave(self, wanted: NeighbourWanted | WorklistWanted) -> None:
        if self.session.unsaved:
            raise Refused(
                f"NOT SAVED yet: enter tries again, {self.keymap.shown('export_unsaved')} writes it to a file"
            )
        self.session.release()
        self.app.post_message(wanted)

    def do_back(self) -> None:
        if self.doc.selected is not None:
            self.do_select_none()
        elif self.has_class("zoomed"):
            self.do_zoom()
        else:
            self.do_worklist()

    def do_export_unsaved(self) -> None:
        if not self.session.unsaved:
            raise Refused("everything is saved")
        path = write_unsaved(self.session.unsaved, Path.cwd())
        self.say(f"written to {path.name} in the current folder; enter still tries again", alarm=True)

    def do_repaint(self) -> None:
        self.session.reload()
        self.refresh_rows()
        super().do_repaint()

    # Looking back

    def do_history(self) -> None:
        row = self.row
        if row is not None:
            self.app.push_screen(HistoryScreen(self.keymap, self.palette, row, self.session.history(row.slot)))

    def do_timeline(self) -> None:
        events = self._events()

        def go(at: int | None) -> None:
            if at is not None and events[at].note_id:
                self.open_note(events[at].note_id)
                self.draw()

        self.app.push_screen(TimelineScreen(self.keymap, self.palette, events, self.session.patient_id), go)

    def _events(self) -> list[Event]:
        events = [
            Event(note.note_date[:10], "N", f"note {note.note_type}", note.note_id, note.note_id)
            for note in self.session.notes
            if note.note_date
        ]
        for row in self.session.rows:
            if row.state is State.REJECTED:
                continue
            date = row.shown if row.spec.kind == "date" and row.shown[:4].isdigit() else row.date
            if date:
                note_id = row.evidence[0].note_id if row.evidence else ""
                text = "" if row.spec.kind == "date" else row.shown
                events.append(Event(date, row.state.value, row.spec.label, text, note_id))
        return sorted(events, key=lambda event: (event.date, event.glyph != "N"))
