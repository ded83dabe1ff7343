"""Scores findings against annotated notes (INTERFACE.md, "Gold in")."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from abstractor.model.finding import Assertion, Finding

Triple = tuple[str, str, str]
"""Field, value, assertion."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class GoldFact:
    """One annotated fact of a note."""

    field: str
    value: str
    assertion: str
    spans: tuple[Span, ...] = ()
    date: str | None = None

    @property
    def triple(self) -> Triple:
        return self.field, self.value, self.assertion


@dataclass(frozen=True, slots=True)
class GoldNote:
    """The facts of one annotated note."""

    note_id: str
    facts: tuple[GoldFact, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "GoldNote":
        """Reads a row of a gold file.

        Raises:
            KeyError, TypeError, ValueError: the row is not in the gold format.
        """
        return cls(
            str(row["note_id"]),
            tuple(
                GoldFact(
                    str(fact["field"]),
                    str(fact["value"]),
                    str(Assertion(fact["assertion"])),
                    tuple((int(start), int(end)) for start, end in fact.get("spans", ())),
                    fact.get("date"),
                )
                for fact in row["facts"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Error:
    """A fact that was missed, or one that nobody annotated."""

    note_id: str
    kind: str
    """`missed` or `false`."""
    field: str
    value: str
    assertion: str
    start: int | None = None
    end: int | None = None
    rule: str = ""


@dataclass(slots=True)
class Counts:
    """True and false positives, false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def add(self, other: "Counts") -> None:
        """Takes in the counts of another stretch of notes."""
        self.tp += other.tp
        self.fp += other.fp
        self.fn += other.fn

    def row(self) -> dict[str, int | float]:
        """With precision, recall and F1; 0 where there is nothing to divide by."""
        precision = self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0
        recall = self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return {"tp": self.tp, "fp": self.fp, "fn": self.fn, "precision": precision, "recall": recall, "f1": f1}


@dataclass(frozen=True)
class Scores:
    """How well the findings agree with the gold."""

    micro: Counts
    fields: Mapping[str, Counts]
    other: Mapping[str, Counts]
    """By assertion, for the assertions that the main figures leave out."""
    evidence_right: int
    evidence_judged: int
    errors: tuple[Error, ...] = field(default=())
    parts: Mapping[str, Counts] = field(default_factory=dict)
    """The main figures by assertion: `present`, `absent`."""
    notes: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)
    """The main figures by note and field, for intervals and for groups of notes."""

    def row(self) -> dict[str, Any]:
        """The shape of `evaluate --json`."""
        rows = {name: counts.row() for name, counts in sorted(self.fields.items())}
        judged = [row["f1"] for name, row in rows.items() if self.fields[name].tp + self.fields[name].fn]
        return {
            "micro": self.micro.row(),
            "macro_f1": sum(judged) / len(judged) if judged else 0.0,
            "fields": rows,
            "evidence_overlap": self.evidence_right / self.evidence_judged if self.evidence_judged else 0.0,
            "assertions": {name: counts.row() for name, counts in sorted(self.parts.items())},
            "other_assertions": {name: counts.row() for name, counts in sorted(self.other.items())},
        }


def score(gold: Iterable[GoldNote], findings: Iterable[Finding], absent_fields: Iterable[str]) -> Scores:
    """Compares sets of facts note by note.

    Args:
        gold: the annotated notes; findings of other notes are not looked at.
        findings: of all notes, in any order.
        absent_fields: the fields of which `absent` facts count beside the `present` ones (± in FIELDS.md).
    """
    counted_absent = frozenset(absent_fields)
    by_note: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_note[finding.note_id].append(finding)
    micro = Counts()
    fields: dict[str, Counts] = defaultdict(Counts)
    other: dict[str, Counts] = defaultdict(Counts)
    parts: dict[str, Counts] = defaultdict(Counts)
    notes: dict[str, dict[str, Counts]] = defaultdict(lambda: defaultdict(Counts))
    right = judged = 0
    errors: list[Error] = []
    for note in gold:
        found = _spans_by_triple(by_note[note.note_id])
        wanted = {fact.triple: fact for fact in note.facts}
        for triple in found.keys() | wanted.keys():
            main = counts_in(triple, counted_absent)
            here = notes[note.note_id]
            groups = (micro, fields[triple[0]], parts[triple[2]], here[triple[0]]) if main else (other[triple[2]],)
            _tally(groups, triple in found, triple in wanted)
            if main and triple in found and triple in wanted and wanted[triple].spans:
                judged += 1
                right += _overlap(found[triple], wanted[triple].spans)
        errors.extend(_errors(note, by_note[note.note_id], counted_absent))
    return Scores(micro, dict(fields), dict(other), right, judged, tuple(errors), dict(parts), dict(notes))


def counts_in(triple: Triple, counted_absent: frozenset[str]) -> bool:
    """Whether a fact belongs to the main figures: what is present, and what is absent of the fields where that counts."""
    return triple[2] == Assertion.PRESENT or (triple[2] == Assertion.ABSENT and triple[0] in counted_absent)


def _tally(groups: Sequence[Counts], is_found: bool, is_wanted: bool) -> None:
    for counts in groups:
        if is_found and is_wanted:
            counts.tp += 1
        elif is_found:
            counts.fp += 1
        else:
            counts.fn += 1


def _spans_by_triple(findings: Iterable[Finding]) -> dict[Triple, list[Span]]:
    spans: dict[Triple, list[Span]] = defaultdict(list)
    for one in findings:
        spans[one.field, one.value, str(one.assertion)].append((one.start, one.end))
    return spans


def _overlap(ours: Iterable[Span], theirs: Sequence[Span]) -> bool:
    return any(start < end_of and begin < end for start, end in ours for begin, end_of in theirs)


def _errors(note: GoldNote, findings: Sequence[Finding], counted_absent: frozenset[str]) -> Iterator[Error]:
    found = {(one.field, one.value, str(one.assertion)): one for one in reversed(findings)}
    wanted = {fact.triple: fact for fact in note.facts}
    for triple, fact in wanted.items():
        if triple not in found and counts_in(triple, counted_absent):
            start, end = fact.spans[0] if fact.spans else (None, None)
            yield Error(note.note_id, "missed", *triple, start=start, end=end)
    for triple, one in found.items():
        if triple not in wanted and counts_in(triple, counted_absent):
            yield Error(note.note_id, "false", *triple, start=one.start, end=one.end, rule=one.rule)
