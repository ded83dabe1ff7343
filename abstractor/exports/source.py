"""Patients on their way out, one at a time: the confirmed facts, the notes, and the dates as the profile lets them leave."""

import datetime
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from abstractor.exports.leaving import Calendar, Leaving
from abstractor.exports.masking import Masking
from abstractor.model.fact import Fact
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.outcomes.baseline import baseline, diagnosis_day
from abstractor.outcomes.lines import DrugGroups, drug_groups
from abstractor.outcomes.patient import LineResponse, PatientOutcome, derive_patient
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import NoteContact, PatientRecord
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry
from abstractor.registry.findings import NoteReading, findings_of, readings_of
from abstractor.registry.notes import StoredNote, notes_of, patients, whole_note
from abstractor.rulebook.book import RuleBook


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient."""

    patient_id: str
    """As it leaves."""
    record: PatientRecord
    """The standing decisions that state something, as they may leave: what was rejected or waits never does, nor free text but identified."""
    whole: PatientRecord
    """The same decisions unmasked: endpoints are derived from them, and nothing of it is written."""
    notes: tuple[StoredNote, ...]
    calendar: Calendar
    age: int | None
    """In years at diagnosis; not pooled."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self.record.facts

    def value(self, field: str) -> str | None:
        """The present value of a question asked once a patient."""
        return next(iter(self.record.values(field)), None)

    def dated(self, fact: Fact) -> str | None:
        """When a fact was: as stated, else the day of the first dated note that states it."""
        if fact.date:
            return fact.date
        return min((one.note_date[:10] for one in fact.evidence if one.note_date), default=None)


@dataclass(frozen=True, slots=True)
class Source:
    """The registry as an export sees it."""

    registry: Registry
    rulebook: RuleBook
    leaving: Leaving
    protocol: Protocol
    cutoff: datetime.date
    groups: DrugGroups
    masking: Masking

    def charts(self) -> Iterator[Chart]:
        """Every patient, by id; where ids do not leave, in an order that says nothing of them."""
        ids = list(patients(self.registry))
        if not self.leaving.identified:
            random.SystemRandom().shuffle(ids)
        for patient_id in ids:
            yield self._chart(patient_id)

    def _chart(self, patient_id: str) -> Chart:
        facts = tuple(fact for fact in case_of(self.registry, patient_id).facts if self.leaving.may_leave(fact))
        notes = notes_of(self.registry, patient_id)
        contacts = tuple(
            NoteContact(datetime.date.fromisoformat(note.note_date[:10]), note.note_type, note.note_id)
            for note in notes
            if note.note_date
        )
        whole = PatientRecord(patient_id, facts, contacts)
        diagnosis = diagnosis_day(whole)
        age = baseline(whole, diagnosis, self.protocol).columns["age_at_index"]
        return Chart(
            patient_id=self.leaving.patient(patient_id),
            record=whole if self.leaving.identified else replace(whole, facts=self._masked(facts)),
            whole=whole,
            notes=notes,
            calendar=self.leaving.calendar(diagnosis),
            age=age if isinstance(age, int) else None,
        )

    def outcome(self, chart: Chart, *, from_diagnosis: bool = False) -> PatientOutcome:
        """Lines, responses and endpoints of a patient; from the diagnosis, or from where the protocol counts."""
        protocol = replace_time_zero(self.protocol) if from_diagnosis else self.protocol
        found = derive_patient(chart.whole, protocol, self.cutoff, self.groups)
        return found if self.leaving.identified else replace(found, lines=tuple(map(self._masked_line, found.lines)))

    def _masked(self, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
        return tuple(shown for shown in map(self.masking.fact, facts) if shown is not None)

    def _masked_line(self, line: LineResponse) -> LineResponse:
        drugs = tuple(dict.fromkeys(self.masking.drug(one) for one in line.line.drugs))
        return replace(line, line=replace(line.line, drugs=drugs))

    def findings(self, chart: Chart) -> tuple[Finding, ...]:
        """What the machine found in the patient's notes, without what no note states."""
        asked = {name for name, spec in self.rulebook.fields.items() if spec.in_notes}
        return tuple(one for one in findings_of(self.registry, chart.record.patient_id) if one.field in asked)

    def readings(self, chart: Chart) -> dict[str, NoteReading]:
        """By note: when which rules read it."""
        return {one.note_id: one for one in readings_of(self.registry, chart.record.patient_id)}

    def note(self, stored: StoredNote) -> Note:
        """A note with its text, to the letter."""
        return whole_note(self.registry, stored)


def replace_time_zero(protocol: Protocol) -> Protocol:
    """The same settings, counting from the diagnosis."""
    return protocol.model_copy(update={"time_zero": "diagnosis"})


def source_of(
    registry: Registry, rulebook: RuleBook, leaving: Leaving, protocol: Protocol, cutoff: datetime.date
) -> Source:
    """A source with the drugs as the rules for lines see them."""
    groups = drug_groups(rulebook)
    masking = Masking(rulebook, groups, dates=not leaving.deidentified)
    return Source(registry, rulebook, leaving, protocol, cutoff, groups, masking)
