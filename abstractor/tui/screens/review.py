"""The review screen: one key decides, is committed, then moves. What it may do is settled in `review.session`.

Nothing is shown as decided before the registry has it, and nothing is decided that was not on the screen.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from abstractor.model.case import OVERRIDE_PREFIX
from abstractor.model.decision import Decision
from abstractor.model.errors import AbstractorError, RegistryError, StaleCase
from abstractor.registry.decisions import RegistryLog
from abstractor.registry.leases import LeaseEvent, lease_events
from abstractor.registry.people import require_power
from abstractor.review.history import history
from abstractor.review.ordering import alike, next_open
from abstractor.review.people import held_words, wall_seconds
from abstractor.review.refused import Refused
from abstractor.review.rows import Row, Verb
from abstractor.review.timeline import Event, timeline_of
from abstractor.review.unsaved import write_unsaved
from abstractor.tui.actions import ACTIONS, REVIEW
from abstractor.tui.guard import FastRun
from abstractor.tui.messages import NeighbourWanted, QueryWanted, WorklistWanted
from abstractor.tui.screens.close import CloseScreen
from abstractor.tui.screens.dialogs import Confirm, LinePrompt, Reasons
from abstractor.tui.screens.history import HistoryScreen
from abstractor.tui.screens.problems import ProblemsScreen, unanswered
from abstractor.tui.screens.signing import sign_patient
from abstractor.tui.screens.stating import StatingScreen
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.widgets.lines import Line

_HEARTBEAT = 60.0
_RENEW_AFTER = 20.0
_BLINK = 0.2
_DECIDING = frozenset(action.id for action in ACTIONS if action.where == "decide" and REVIEW in action.screens) | {
    "take",
    "attach",
    "new_fact",
    "reopen",
}
"""What is refused on a signed patient before anything is asked."""


class ReviewScreen(StatingScreen):
    """A patient under review."""

    _blinking: str | None = None
    """The row that a key was too early for, while it is marked."""
    _renewed = 0.0
    """When the lease was last renewed, on the clock that counts seconds."""
    _touched = False
    """Whether a key has done something since the last heartbeat: a program alone keeps the lease, and is no sign of life."""

    def on_mount(self) -> None:
        super().on_mount()
        self._fast = FastRun(self.dwell_clock)
        self._renewed = self.dwell_clock()
        self.set_interval(_HEARTBEAT, self._beat)

    def dwell_clock(self) -> float:
        """Seconds on the clock that was passed in."""
        return self.dwell.now()

    def _beat(self) -> None:
        if self.session.hold.read_only:
            self.attempt(self._see_theirs)
        elif not self.frozen and self.session.hold.lease is not None:
            active, self._touched = self._touched, False
            self.attempt(lambda: self._renew(active=active))

    def run_table_action(self, name: str) -> None:
        self._touched = True
        if name in _DECIDING and self.session.signing.signed is not None:
            self.say(self._frozen_words(), alarm=True)
        else:
            super().run_table_action(name)

    def _renew(self, *, active: bool = True) -> None:
        self.session.hold.claim(active=active)
        self._renewed = self.dwell_clock()
        if self.session.hold.read_only:
            self._see_theirs()

    def _see_theirs(self) -> None:
        """Shows what somebody else has decided meanwhile."""
        seen = self.session.case.version
        self.session.reload()
        if self.session.case.version != seen:
            self.refresh_rows()
        self.draw_anew()

    def failed(self, error: AbstractorError) -> None:
        self.refresh_rows()
        if isinstance(error, StaleCase):
            self.dwell.restart()
        self.draw()
        if self.session.writer.unsaved and isinstance(error, RegistryError):
            self.tell_unsaved(str(error))
        else:
            self.say(str(error), alarm=isinstance(error, RegistryError))

    # Deciding

    def _decide(self, verb: Verb, act: Callable[[str], Decision]) -> None:
        row = self.row
        if row is None:
            raise Refused("there is no row here")
        self._guard(row, verb)
        self.committed(act(row.slot))
        self.advance(row.slot)
        if self._fast.counted(accepted=verb is Verb.ACCEPT):
            self.say("fast run: audit sample may include these")

    def _guard(self, row: Row, verb: Verb) -> None:
        self._guard_shown(row)
        if not (self.query_one("#note-box").display or self.query_one("#evidence-box").display):
            raise Refused(f"the evidence is not on the screen; {self.keymap.shown('zoom')} brings it back")
        if verb in {Verb.ACCEPT, Verb.PICK} and row.evidence and row.confidence < self.session.config.low_confidence:
            seen = any(one.note_id == self.note_id and self.doc.in_view(one.start, one.end) for one in row.evidence)
            if not seen:
                raise Refused(
                    f"low confidence, and its evidence is not in view; {self.keymap.shown('next_evidence')} shows it"
                )

    def _guard_shown(self, row: Row) -> None:
        """Whatever decides a row needs the row to have been on the screen for a moment."""
        if self.has_class("small"):
            raise Refused("the terminal is too small to see what is decided")
        if not self.dwell.allows(row.slot):
            self._blink(row.slot)
            raise Refused("not yet shown: look, then press again")

    def _blink(self, slot: str) -> None:
        """Marks a row once, for a moment, that a key was too early for."""
        self._blinking = slot
        self.rows.refresh_changed()
        self.set_timer(_BLINK, self._blinked)

    def _blinked(self) -> None:
        self._blinking = None
        if self.stands:
            self.rows.refresh_changed()

    def _draw_row(self, at: int, width: int) -> Line:
        line = super()._draw_row(at, width)
        if self.listed[at].slot == self._blinking:
            return Line.of((line.plain, self.palette.alarm))
        return line

    def committed(self, decision: Decision) -> None:
        """The registry has it: only now do the rows show it."""
        self.saved_at = wall_seconds(decision.decided_at)
        self.refresh_rows()
        if self.session.hold.lease is not None and self.dwell_clock() - self._renewed > _RENEW_AFTER:
            self.attempt(self._renew)

    def advance(self, slot: str) -> None:
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
        self._guard_shown(row)

        def reject(reason: str | None) -> None:
            if reason is not None:
                self.attempt(lambda: self._decide(Verb.REJECT, lambda slot: self.session.reject(slot, reason)))

        self.app.push_screen(Reasons(self.keymap, self.palette), reject)

    def do_accept_alike(self) -> None:
        row = self.row
        if row is None or Verb.ACCEPT not in row.verbs:
            raise Refused("nothing here to accept")
        if not self.session.config.bulk_accept:
            raise Refused("accepting several at once is switched off here")
        self._guard(row, Verb.ACCEPT)
        found = self.session.alike(row.slot)
        left_out = len(alike(self.session.rows, row)) - len(found)
        rows = "1 row" if len(found) == 1 else f"{len(found)} rows"
        title = f"Accept {rows}: {row.spec.label} {row.shown}"
        lines = [f"{one.state.value} {one.shown}  {one.date or ''}  x{len(one.evidence)}" for one in found]
        if left_out:
            lines.append(f"  {left_out} more left out: hardly believed, or their words have moved")

        def accept(yes: bool | None) -> None:
            if yes:
                self.attempt(lambda: self._accepted_alike(row.slot))

        self.app.push_screen(Confirm(self.keymap, self.palette, title, lines, "enter accepts all   esc leaves"), accept)

    def _accepted_alike(self, slot: str) -> None:
        decisions = self.session.accept_alike(slot)
        self.committed(decisions[-1])
        self.advance(slot)

    def do_undo(self) -> None:
        self._stepped(self.session.undo(), "undone")

    def do_redo(self) -> None:
        self._stepped(self.session.redo(), "done again")

    def _stepped(self, decisions: Sequence[Decision], word: str) -> None:
        decision = decisions[0]
        self.committed(decisions[-1])
        together = f", {len(decisions)} rows" if len(decisions) > 1 else ""
        if all(row.slot != decision.slot for row in self.listed):
            self.filter = ""
            self.refresh_rows()
        stands = any(row.slot == decision.slot for row in self.listed)
        if decision.slot.startswith(OVERRIDE_PREFIX):
            self.draw()
            self.say(f"{word}: the word on {', '.join(dict.fromkeys(one.field for one in decisions))}")
            return
        self.go_to(decision.slot if stands else next((row.slot for row in self.listed), None))
        self.dwell.restart()
        self.say(f"{word}: {decision.field}{together}")

    def do_comment(self) -> None:
        row = self.row
        if row is None:
            return

        def comment(text: str | None) -> None:
            if text is not None:
                self.attempt(lambda: self._commented(row.slot, text))

        self.app.push_screen(LinePrompt(self.keymap, self.palette, f"Comment on {row.spec.label}"), comment)

    def _commented(self, slot: str, text: str) -> None:
        self.committed(self.session.comment(slot, text))
        self.draw()

    # The patient

    def do_close(self) -> None:
        if self.session.writer.unsaved:
            stored = self.session.writer.retry()
            self.committed(stored[-1])
            self.advance(stored[-1].slot)
            return
        if self.frozen:
            raise Refused(self._frozen_words())
        clear = not self.session.blocking
        if clear and not self.session.problems.fatal and not unanswered(self.session):
            self._close()
        elif clear or self.at == len(self.listed) - 1:
            self._ask_close()
        else:
            following = next_open(self.listed, self.slot)
            self.go_to(following.slot if following is not None else self.listed[-1].slot)

    def _ask_close(self) -> None:
        def close(yes: bool | None) -> None:
            self.refresh_rows()
            self.draw()
            if yes:
                self.attempt(self._close)

        self.app.push_screen(CloseScreen(self.keymap, self.palette, self.session, self._go_unfiltered), close)

    def _go_unfiltered(self, slot: str) -> None:
        """To a row, whatever the filter hides."""
        if all(row.slot != slot for row in self.listed):
            self.filter = ""
            self.refresh_rows()
        self.go_to(slot)

    def do_problems(self) -> None:
        screen = ProblemsScreen(self.keymap, self.palette, self.session)

        def go(at: int | None) -> None:
            self.refresh_rows()
            self.draw()
            if at is not None and at < len(screen.problems) and screen.problems[at].slots:
                self._go_unfiltered(screen.problems[at].slots[0])

        self.app.push_screen(screen, go)

    def _close(self) -> None:
        self.session.close()
        self.session.hold.release()
        self.app.post_message(NeighbourWanted(self.session.patient_id, 1, closed=True))

    def do_reopen(self) -> None:
        if not self.session.case.closed:
            raise Refused("the patient is not closed")

        def reopen(reason: str | None) -> None:
            if reason is not None:
                self.attempt(lambda: self._reopened(reason))

        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Reopen, because"), reopen)

    def _reopened(self, reason: str) -> None:
        self.committed(self.session.reopen(reason))
        self.draw()

    def do_sign(self) -> None:
        session = self.session
        session.signing.read()
        if not session.case.closed:
            raise Refused(
                f"not closed yet: {self.keymap.shown('close')} on the last row closes it, then it can be signed"
            )
        if session.case.recheck:
            raise Refused("a note has changed: reopen it, decide what is marked ^ again, close it, then sign")
        if not session.signing.meanings:
            raise Refused("there is no signature that you could give now; the history of a row tells who has signed")

        def sign(meaning: str | None) -> None:
            if meaning is not None:
                self.attempt(lambda: self._signed(meaning))

        self.app.push_screen(sign_patient(self.keymap, self.palette, session), sign)

    def _signed(self, meaning: str) -> None:
        given = self.session.signing.sign(meaning)
        self.refresh_rows()
        self.draw()
        self.say(f"signed as {given.meaning} by {given.printed_name}")

    def do_unlock(self) -> None:
        self.session.signing.read()
        signed = self.session.signing.signed
        if signed is None:
            raise Refused("the patient is not signed")
        if not self.session.signing.may_unlock:
            raise Refused(self._frozen_words())

        def unlock(reason: str | None) -> None:
            if reason is not None:
                self.attempt(lambda: self._unlocked(reason))

        hint = "all signatures become void; enter unlocks   esc leaves"
        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Unlock, because", hint=hint), unlock)

    def _unlocked(self, reason: str) -> None:
        self.session.signing.unlock(reason)
        self.refresh_rows()
        self.draw()
        self.say(f"unlocked; {self.keymap.shown('reopen')} reopens the patient")

    def do_take_over(self) -> None:
        lease = self.session.hold.claim(take_over=True)
        if not lease.mine:
            words = held_words(lease.patient_id, lease.holder, lease.since, lease.active_at, lease.seen_at)
            idle = self.session.config.idle_minutes
            when = f"after {idle} min idle, or by a supervisor" if idle else "by a supervisor"
            raise Refused(f"{words}; to be taken {when}")
        self.session.reload()
        self.refresh_rows()
        self.go_to(self.slot)
        self.say("the patient is yours")

    def do_next_patient(self) -> None:
        self._leave(NeighbourWanted(self.session.patient_id, 1))

    def do_previous_patient(self) -> None:
        self._leave(NeighbourWanted(self.session.patient_id, -1))

    def do_worklist(self) -> None:
        self._leave(WorklistWanted())

    def _leave(self, wanted: NeighbourWanted | WorklistWanted) -> None:
        self._require_saved()
        self.session.hold.release()
        self.app.post_message(wanted)

    def _require_saved(self) -> None:
        if self.session.writer.unsaved:
            raise Refused(
                f"NOT SAVED yet: enter tries again, {self.keymap.shown('export_unsaved')} writes it to a file"
            )

    def do_ask(self) -> None:
        row = self.row
        if row is None:
            raise Refused("there is no row here")
        held = row.decision.decided_by if row.decision is not None else ""
        self.post_message(QueryWanted(self.session.patient_id, row.slot, row.spec.label, held))

    def do_back(self) -> None:
        if self.end_search():
            self.say("search ended")
        elif self.doc.selected is not None:
            self.do_select_none()
        elif self.has_class("zoomed"):
            self.do_zoom()
        else:
            self.do_worklist()

    def do_export_unsaved(self) -> None:
        if not self.session.writer.unsaved:
            raise Refused("everything is saved")
        path = write_unsaved(self.session.writer.unsaved, Path.cwd())
        self.say(f"written to {path.name} in the current folder; enter still tries again", alarm=True)

    def do_repaint(self) -> None:
        self.session.reload()
        self.refresh_rows()
        self.dwell.restart()
        super().do_repaint()

    # Looking back

    def do_history(self) -> None:
        row = self.row
        if row is None:
            raise Refused("there is no row here")
        session = self.session
        if isinstance(session.log, RegistryLog):
            require_power(session.registry, "read_history")
        steps = history(session.log.decisions_of(session.patient_id), row.slot, row.spec.label_of)
        screen = HistoryScreen(
            self.keymap, self.palette, row.spec, row.slot, steps, (*self.lease_told, *session.signing.signatures)
        )

        def go(at: int | None) -> None:
            span = None if at is None else screen.targets[at]
            if span is not None:
                self.open_note(span.note_id, span.start)
                self.draw()

        self.app.push_screen(screen, go)

    @property
    def lease_told(self) -> Sequence[LeaseEvent]:
        """Who took the patient from whom, as the history tells it."""
        return lease_events(self.session.registry, self.session.patient_id)

    def do_timeline(self) -> None:
        session = self.session
        shown = timeline_of(session)

        def go(at: int | None) -> None:
            if at is not None:
                self._open_event(shown.events[at])

        self.app.push_screen(TimelineScreen(self.keymap, self.palette, shown, session.patient_id), go)

    def _open_event(self, event: Event) -> None:
        """The row of a fact, with its note at the evidence; of a row that the filter hides, and of a note, the note alone."""
        if any(row.slot == event.slot for row in self.listed):
            self.go_to(event.slot)
        elif event.note_id:
            self.open_note(event.note_id, event.offset)
            self.draw()
