"""Values by hand: an edit, a selection taken as the value, further evidence, a fact nobody had found. What is half typed is kept."""

from collections.abc import Callable

from abstractor.model.decision import Decision
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.review.drafts import NEW, Draft, read_draft, write_draft
from abstractor.review.refused import Refused
from abstractor.review.rows import Row
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_key
from abstractor.tui.screens.dialogs import FieldPicker
from abstractor.tui.screens.edit import EditScreen, Form, Stated
from abstractor.tui.screens.finding import FindingScreen


class StatingScreen(FindingScreen):
    """A patient on the screen whose facts can be stated by hand."""

    def committed(self, decision: Decision) -> None:
        """The registry has it: only now do the rows show it."""
        raise NotImplementedError

    def advance(self, slot: str) -> None:
        """Goes on to the next open row."""
        raise NotImplementedError

    _begun: tuple[str, ...] = ()
    """Slots of what is half typed."""

    def on_mount(self) -> None:
        self._begun = tuple(self.session.drafts.all())
        super().on_mount()

    @property
    def notices(self) -> tuple[str, ...]:
        """... and what was half typed when the terminal died, until it is gone on with or left."""
        told = []
        for slot in self._begun:
            row = next((row for row in self.session.rows if row.slot == slot), None)
            spec = self.session.book.fields.get(slot.removeprefix(NEW))
            if row is not None:
                told.append(f"{row.spec.label} ({self.keymap.shown('edit')} goes on)")
            elif spec is not None:
                told.append(f"new {spec.label} ({self.keymap.shown('new_fact')} goes on)")
        return (*((f"half typed and kept: {', '.join(told)}",) if told else ()), *super().notices)

    # Rows

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
        standing = first.value if first is not None and (held is not None or len(row.choices) == 1) else ""
        kept = self.session.drafts.get(row.slot)
        draft = read_draft(kept) if kept else None
        self._ask(row, start, self._evidence_at(draft), draft, standing)

    def do_take(self) -> None:
        row, evidence = self.row, self._wanted_evidence()
        if row is None:
            raise Refused("there is no row here")
        if self.frozen:
            raise Refused(self._frozen_words())
        self._ask(row, self._read(row.spec, evidence, row.date), evidence)

    def _wanted_evidence(self) -> Evidence:
        evidence = self.selected_evidence()
        if evidence is None:
            find, select = self.keymap.shown("find"), self.keymap.shown("select")
            raise Refused(f"select words first: {find} finds, {select} selects")
        return evidence

    def _read(self, spec: FieldSpec, evidence: Evidence, date: str | None) -> Stated:
        reader = self.session.reader
        words = " ".join(evidence.text.split())
        value = reader.read_selected(spec, evidence.text)
        attributes = reader.read(spec, words).attributes if value is not None else {}
        unread = "" if spec.codes else words  # words that are no code would only hide the list of codes
        return Stated(value or unread, Assertion.PRESENT, date, attributes=attributes or None)

    def _ask(
        self, row: Row, start: Stated, evidence: Evidence | None, draft: Draft | None = None, standing: str = ""
    ) -> None:
        spans = None if evidence is None else (evidence,)

        def save(stated: Stated) -> None:
            decision = self.session.edit(
                row.slot,
                stated.value,
                assertion=stated.assertion,
                date=stated.date,
                end_date=stated.end_date,
                evidence=spans,
                attributes=stated.attributes,
            )
            self.committed(decision)

        def saved(stated: Stated | None) -> None:
            self._forget_draft(row.slot)
            if stated is not None:
                self.advance(row.slot)
            self.tell_unsaved()

        self._open(row.spec, start, save, saved, row.slot, evidence, draft, standing)

    # New facts

    def do_new_fact(self) -> None:
        if self.frozen:
            raise Refused(self._frozen_words())
        evidence = self.selected_evidence()
        drafts = self.session.drafts.all()
        begun = frozenset(slot.removeprefix(NEW) for slot in drafts if slot.startswith(NEW))
        fields = tuple(self.session.book.fields.values())

        def picked(name: str | None) -> None:
            if name is not None:
                kept = drafts.get(NEW + name)
                self._ask_new(self.session.book.fields[name], evidence, read_draft(kept) if kept else None)

        self.app.push_screen(FieldPicker(self.keymap, self.palette, fields, begun), picked)

    def _ask_new(self, spec: FieldSpec, evidence: Evidence | None, draft: Draft | None) -> None:
        evidence = evidence or self._evidence_at(draft)
        dated = spec.slot in {"event", "episode"} and spec.kind != "date"
        day = evidence.note_date[:10] if dated and evidence is not None and evidence.note_date else None
        start = self._read(spec, evidence, day) if evidence is not None else Stated("")

        def save(stated: Stated) -> None:
            decision = self.session.add(
                spec.name,
                stated.value,
                assertion=stated.assertion,
                date=stated.date,
                end_date=stated.end_date,
                evidence=(evidence,) if evidence is not None else (),
                attributes=stated.attributes,
            )
            self.committed(decision)

        def saved(stated: Stated | None) -> None:
            self._forget_draft(NEW + spec.name)
            if stated is not None:
                self.doc.unselect()
                self.selecting = False
                self.draw()
                self.say(f"added: {spec.label} {spec.label_of(stated.value)}")
            self.tell_unsaved()

        self._open(spec, start, save, saved, NEW + spec.name, evidence, draft)

    # Both

    def _open(
        self,
        spec: FieldSpec,
        start: Stated,
        save: Callable[[Stated], None],
        saved: Callable[[Stated | None], None],
        slot: str,
        evidence: Evidence | None,
        draft: Draft | None,
        standing: str = "",
    ) -> None:
        session = self.session
        place = None
        if evidence is not None:
            place = (evidence.note_id, evidence.note_sha256, evidence.start, evidence.end)
        form = Form(
            reader=session.reader,
            save=save,
            standing=standing,
            year=session.year,
            remarks=lambda stated: self._remarks(spec, slot, stated),
            borrowed=lambda stated: self._borrowed(slot, stated) if evidence is None else "",
            quote=evidence.text if evidence is not None else "",
            place=place,
            keep=lambda typed: session.drafts.keep(slot, write_draft(typed)),
            draft=draft,
        )
        self.app.push_screen(EditScreen(self.keymap, self.palette, spec, start, form), saved)

    def _borrowed(self, slot: str, stated: Stated) -> str:
        """What an edit without words of its own would rest on, where that speaks for another value."""
        row = next((row for row in self.session.rows if row.slot == slot), None)
        read = self.session.read_as(row, stated.value, stated.assertion) if row is not None else ""
        return f"keeps words read as {read}; esc and {self.keymap.shown('take')} quote others" if read else ""

    def _remarks(self, spec: FieldSpec, slot: str, stated: Stated) -> list[str]:
        """What follows from what is typed, and what the edit checks would say of it."""
        session = self.session
        row = next((row for row in session.rows if row.slot == slot), None)
        if row is None:
            row = Row(slot_key(spec, stated.value, stated.assertion, stated.date), spec)
        problems = session.problems.would_fire(
            row,
            stated.value,
            assertion=stated.assertion,
            date=stated.date,
            end_date=stated.end_date,
            attributes=stated.attributes,
        )
        return [
            *session.remarks(spec, stated.value, stated.attributes or {}),
            *(f"{one.severity.value} {one.message}" for one in problems),
        ]

    def _evidence_at(self, draft: Draft | None) -> Evidence | None:
        """The words that a half-typed value was about, if they still stand there."""
        if draft is None or draft.place is None:
            return None
        note_id, digest, start, end = draft.place
        note = self.session.notes.get(note_id)
        if note is None or note.sha256 != digest:
            return None
        return self.session.notes.quote(note_id, start, end)

    def _forget_draft(self, slot: str) -> None:
        def forget() -> None:
            if self.session.drafts.get(slot) is not None:
                self.session.drafts.forget(slot)

        if self.attempt(forget) and slot in self._begun:
            self._begun = tuple(one for one in self._begun if one != slot)
            self.draw()

    def tell_unsaved(self, why: str = "") -> None:
        """Says what could not be written: the ways on first, because a long reason may be cut off."""
        if self.session.writer.unsaved:
            to_file = self.keymap.shown("export_unsaved")
            reason = why.removeprefix(f"{self.session.registry.name}: ")  # its name alone may fill the line
            self.say(f"NOT SAVED, nothing advances: enter retry   {to_file} to file   {reason}".rstrip(), alarm=True)

    def say(self, text: str, *, alarm: bool = False) -> None:
        """Tells one line; in the place of the keys it stays told that something is not saved."""
        if not text and self.session.writer.unsaved:
            self.tell_unsaved()
        else:
            super().say(text, alarm=alarm)

    def do_attach(self) -> None:
        row, evidence = self.row, self._wanted_evidence()
        if row is None:
            raise Refused("there is no row here")
        decision = self.session.attach(row.slot, evidence)
        self.selecting = False
        self.doc.unselect()
        if decision is not None:
            self.committed(decision)
        self.refresh_rows()
        self.draw()
        self.say("added to what it rests on" if decision is not None else "added; your decision will rest on it")
