"""What the checks look at: a patient's standing facts, the days of the notes, and what is known beside them. Pure, built once a decision."""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from abstractor.checks.stated import StatedLine, stated_lines
from abstractor.model.case import Case
from abstractor.model.dates import PartialDate, stated_date
from abstractor.model.decision import READ_AS, Action
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.stages import Edition, editions_of

Day = datetime.date

TREATMENTS = ("therapy_line", "systemic_therapy", "radiotherapy", "surgery")
_NUMBER = re.compile(r"[<>]?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Known:
    """What the rulebook knows that checks need."""

    date_fields: frozenset[str] = frozenset()
    """Fields whose value is a date."""
    in_notes: frozenset[str] = frozenset()
    """Fields that notes state in words."""
    labels: Mapping[str, str] = field(default_factory=dict)
    genes: frozenset[str] = frozenset()
    """Approved symbols; empty: not known, and not looked for."""
    drugs: frozenset[str] = frozenset()
    platinum: frozenset[str] = frozenset()
    immunotherapy: frozenset[str] = frozenset()
    editions: tuple[Edition, ...] = ()
    """The TNM tables, the oldest first."""


def known_of(book: RuleBook) -> Known:
    """What a rulebook knows that checks need."""
    drugs = book.drugs()
    return Known(
        date_fields=frozenset(name for name, spec in book.fields.items() if spec.kind == "date"),
        in_notes=frozenset(name for name, spec in book.fields.items() if spec.in_notes),
        labels={name: spec.label for name, spec in book.fields.items()},
        genes=frozenset(gene.symbol for gene in book.genes()),
        drugs=frozenset(drug.generic for drug in drugs),
        platinum=frozenset(drug.generic for drug in drugs if drug.group == "platinum") | {"platinum"},
        immunotherapy=frozenset(drug.generic for drug in drugs if drug.therapy_class == "immunotherapy"),
        editions=editions_of(book),
    )


@dataclass(frozen=True, slots=True)
class NoteDay:
    """A note: its day, its type and the hash of its text; never the text."""

    note_id: str
    date: str | None
    note_type: str
    sha256: str


@dataclass(frozen=True)
class PatientFacts:
    """A patient, as the checks see it."""

    patient_id: str
    facts: tuple[Fact, ...]
    today: Day
    known: Known
    notes: tuple[NoteDay, ...] = ()
    moved: frozenset[str] = frozenset()
    """Slots whose evidence does not stand in its note any more."""
    read_as: Mapping[str, str] = field(default_factory=dict)
    """By slot, what the words of a typed value were read as instead."""
    pending: frozenset[str] = frozenset()
    """Fields that still wait for a decision: that such a fact is missing is no fault yet."""
    cutoff: Day | None = None
    """The data cutoff, where one is given."""

    def present(self, *fields: str) -> tuple[Fact, ...]:
        """The facts of these fields that hold."""
        return tuple(one for one in self.facts if one.field in fields and one.assertion is Assertion.PRESENT)

    def one(self, name: str) -> Fact | None:
        """The fact of a field that a patient has once."""
        return next(iter(self.present(name)), None)

    def value(self, name: str) -> str:
        """The value of such a field; "" without one."""
        found = self.one(name)
        return found.value if found is not None else ""

    def when(self, fact: Fact) -> PartialDate | None:
        """When a fact happened, or started."""
        if fact.field in self.known.date_fields:
            return stated_date(fact.value) or stated_date(fact.date)
        return stated_date(fact.date)

    def dated(self, *fields: str) -> list[tuple[PartialDate, Fact]]:
        """The facts of these fields that hold and have a date, the earliest first."""
        found = [(when, one) for one in self.present(*fields) if (when := self.when(one)) is not None]
        return sorted(found, key=lambda one: (one[0].first, one[0].last, one[1].slot))

    def only(self, name: str) -> tuple[PartialDate, Fact] | None:
        """The date of a field that a patient has once, with its fact."""
        return next(iter(self.dated(name)), None)

    def name(self, fact: Fact) -> str:
        """A fact as messages name it: the label, and the value where that is not the date itself."""
        label = self.known.labels.get(fact.field, fact.field)
        return label if fact.field in self.known.date_fields else f"{label} {fact.value}"

    @property
    def lines(self) -> tuple[StatedLine, ...]:
        """The lines of therapy with a number and a start, by number."""
        return stated_lines(self.facts)

    @property
    def line_1(self) -> StatedLine | None:
        return next((line for line in self.lines if line.number == 1), None)

    @property
    def first_treatment(self) -> tuple[PartialDate, Fact] | None:
        """The treatment that started first."""
        return next(iter(self.dated(*TREATMENTS)), None)

    @property
    def limit(self) -> tuple[Day, str]:
        """The last day that a fact can be of, and its name: the cutoff; without one today, or the day of the last note.

        Dates of records without names are often shifted far ahead, and the notes with them.
        """
        if self.cutoff is not None:
            return self.cutoff, "the data cutoff"
        days = [when.last for note in self.notes if (when := stated_date(note.date)) is not None]
        latest = max(days, default=self.today)
        return (latest, "the last note") if latest > self.today else (self.today, "today")

    def at_diagnosis(self, when: PartialDate, days: int) -> bool:
        """Whether something was surely found before line 1; without one, within so many days of the diagnosis."""
        line = self.line_1
        if line is not None:
            return when.last <= line.start.first
        diagnosed = self.only("diagnosis_date")
        return diagnosed is not None and (when.last - diagnosed[0].first).days <= days


def facts_of(
    case: Case,
    notes: Iterable[NoteDay],
    known: Known,
    today: Day,
    *,
    stands: Callable[[Evidence], bool] = lambda _one: True,
    pending: Iterable[str] = (),
    cutoff: Day | None = None,
) -> PatientFacts:
    """A patient as the checks see it.

    Args:
        case: what holds now.
        notes: the latest version of each note.
        known: of the rulebook.
        today: nothing can have happened after it.
        stands: whether quoted words still stand where they were found.
        pending: fields that wait for a decision.
        cutoff: the data cutoff, where one is given.
    """
    facts = case.facts
    moved = frozenset(one.slot for one in facts if any(not stands(words) for words in one.evidence))
    ordered = tuple(sorted(notes, key=lambda note: (note.date or "", note.note_id)))
    return PatientFacts(
        case.patient_id, facts, today, known, ordered, moved, _read_as(case), frozenset(pending), cutoff
    )


def _read_as(case: Case) -> dict[str, str]:
    return {
        slot: one.reason.removeprefix(READ_AS)
        for slot, one in case.current.items()
        if one.action is Action.EDIT and one.reason.startswith(READ_AS)
    }


def number_in(value: object) -> float | None:
    """The number a value begins with (`<5`, `>90`, `45.0`); None for none."""
    found = _NUMBER.match(str(value).strip()) if value is not None else None
    return float(found[1]) if found else None


def years_between(earlier: Day, later: Day) -> int:
    """Whole years, as birthdays count them; negative where the days are the other way round."""
    return later.year - earlier.year - ((later.month, later.day) < (earlier.month, earlier.day))


def ages(birth: PartialDate, at: PartialDate) -> tuple[int, int]:
    """The least and the greatest age that two partial dates leave open."""
    return years_between(birth.last, at.first), years_between(birth.first, at.last)


def days_apart(one: PartialDate, other: PartialDate) -> int:
    """The fewest days that can lie between two partial dates; 0 where they can be the same."""
    return max(0, (one.first - other.last).days, (other.first - one.last).days)
