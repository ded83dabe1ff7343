"""What one rulebook finds and another does not, note by note, and which of it agrees with what people have stated. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from abstractor.evaluation import GoldFact, GoldNote, Triple
from abstractor.evaluation.scores import counts_in
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.workbench.quotes import Part, Span, quote, sentence_of

OLD, NEW = "old", "new"
"""Names of the marks on what the old and the new rules quote."""


class Kind(StrEnum):
    """What happened to a fact of a note."""

    ADDED = "added"
    GONE = "gone"
    CHANGED = "changed"
    """The same words give another value, assertion, date or detail."""


class Outcome(StrEnum):
    """Whether a change is for the better, by what people have stated."""

    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of one note that the two rulebooks do not tell alike."""

    kind: Kind
    note_id: str
    field: str
    old: Finding | None
    new: Finding | None
    what: str = ""
    """Of a change: `value`, `assertion`, `date` or `details`."""
    sentence: tuple[Part, ...] = ()

    @property
    def rule(self) -> str:
        """The rule that made the difference, as far as findings show it: the new one, else the old one."""
        finding = self.new or self.old
        return finding.rule if finding else ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What people have stated of some words of a note: a gold fact, or a decision in the registry."""

    note_id: str
    field: str
    value: str
    assertion: str
    holds: bool = True
    """False: it was rejected."""
    spans: tuple[Span, ...] = ()
    """() where no place is known: any words of the note will do."""
    source: str = "gold"
    """`gold`, or `decision`."""
    fact: str = ""
    """What several statements have in common (the same fact, quoted from several notes): it is found if one of them is."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statement that only one of the rulebooks finds."""

    outcome: Outcome
    statement: Statement
    found: Finding
    sentence: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Difference:
    """The difference of two rulebooks on some notes."""

    old: str
    new: str
    """Versions of the rulebooks."""
    notes: int
    changes: tuple[Change, ...]
    verdicts: tuple[Verdict, ...]
    statements: int
    """Stated by people, in these notes, and looked at."""

    def by(self, key: Callable[[Change | Verdict], str]) -> dict[str, Counter[str]]:
        """Counts of `added`, `gone`, `changed`, `won`, `lost` in groups, by name of the group."""
        groups: dict[str, Counter[str]] = defaultdict(Counter)
        for change in self.changes:
            groups[key(change)][str(change.kind)] += 1
        for verdict in self.verdicts:
            groups[key(verdict)][str(verdict.outcome)] += 1
        return dict(sorted(groups.items()))

    @property
    def fields(self) -> dict[str, Counter[str]]:
        return self.by(lambda one: one.field if isinstance(one, Change) else one.statement.field)

    @property
    def rules(self) -> dict[str, Counter[str]]:
        return self.by(lambda one: one.rule if isinstance(one, Change) else one.found.rule)


def compare(note: Note, old: Sequence[Finding], new: Sequence[Finding], sentences: Sequence[Span]) -> list[Change]:
    """The changes in one note, by place."""
    before, after = _by_triple(old), _by_triple(new)
    changes: list[Change] = []
    gone = {triple: ones for triple, ones in before.items() if triple not in after}
    added = {triple: ones for triple, ones in after.items() if triple not in before}
    for triple, ones in list(gone.items()):
        partner = next(
            (other for other, theirs in added.items() if other[0] == triple[0] and _meet(ones, theirs)), None
        )
        if partner is not None:
            theirs = added.pop(partner)
            del gone[triple]
            what = "value" if partner[1] != triple[1] else "assertion"
            changes.append(Change(Kind.CHANGED, note.note_id, triple[0], ones[0], theirs[0], what))
    changes += [Change(Kind.GONE, note.note_id, triple[0], ones[0], None) for triple, ones in gone.items()]
    changes += [Change(Kind.ADDED, note.note_id, triple[0], None, ones[0]) for triple, ones in added.items()]
    for triple in before.keys() & after.keys():
        one, two = before[triple][0], after[triple][0]
        if (one.date, one.date_source) != (two.date, two.date_source):
            changes.append(Change(Kind.CHANGED, note.note_id, triple[0], one, two, "date"))
        elif dict(one.attributes) != dict(two.attributes):
            changes.append(Change(Kind.CHANGED, note.note_id, triple[0], one, two, "details"))
    quoted = [_quoted(change, note, sentences) for change in changes]
    return sorted(quoted, key=lambda one: (_start(one), one.field, str(one.kind)))


def judge(
    note_texts: Mapping[str, tuple[Note, Sequence[Span]]],
    old: Mapping[str, Sequence[Finding]],
    new: Mapping[str, Sequence[Finding]],
    statements: Iterable[Statement],
) -> list[Verdict]:
    """What was won or lost: statements that hold and are found by one rulebook only, and refused ones that one still finds.

    Args:
        note_texts: by note id, with the sentences.
        old: what the old rules found, by note id.
        new: what the new rules found.
        statements: by people, about these notes.
    """
    by_fact: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for one in statements:
        by_fact[one.source, one.fact or f"{one.note_id} {one.field} {one.value} {one.assertion}"].append(one)
    verdicts = []
    for group in by_fact.values():
        before = next(((one, found) for one in group if (found := _find(one, old.get(one.note_id, ())))), None)
        after = next(((one, found) for one in group if (found := _find(one, new.get(one.note_id, ())))), None)
        seen = before or after
        if (before is None) == (after is None) or seen is None:
            continue
        statement, found = seen
        outcome = Outcome.WON if (after is not None) == statement.holds else Outcome.LOST
        note, sentences = note_texts[statement.note_id]
        mark = ((found.start, found.end), NEW if after is not None else OLD)
        parts = quote(note.text, sentence_of(sentences, [mark[0]], len(note.text)), [mark])
        verdicts.append(Verdict(outcome, statement, found, parts))
    return sorted(verdicts, key=lambda one: (one.outcome, one.statement.field, one.statement.note_id, one.found.start))


def gold_statements(gold: GoldNote, findings: Iterable[Finding], absent_fields: frozenset[str]) -> list[Statement]:
    """The gold facts of a note that count, and, as refused, what was found in it and is none of them.

    Args:
        gold: the annotator's facts.
        findings: of both rulebooks.
        absent_fields: of which absent facts count.
    """
    facts = {fact.triple: fact for fact in gold.facts if counts_in(fact.triple, absent_fields)}
    stated = [_statement(gold.note_id, fact) for fact in facts.values()]
    false = {
        triple
        for one in findings
        if (triple := (one.field, one.value, str(one.assertion))) not in facts and counts_in(triple, absent_fields)
    }
    return [*stated, *(Statement(gold.note_id, *triple, holds=False) for triple in sorted(false))]


def _statement(note_id: str, fact: GoldFact) -> Statement:
    return Statement(note_id, fact.field, fact.value, fact.assertion)


def _by_triple(findings: Iterable[Finding]) -> dict[Triple, list[Finding]]:
    found: dict[Triple, list[Finding]] = defaultdict(list)
    for one in findings:
        found[one.field, one.value, str(one.assertion)].append(one)
    return dict(found)


def _meet(ours: Iterable[Finding], theirs: Sequence[Finding]) -> bool:
    return any(one.start < two.end and two.start < one.end for one in ours for two in theirs)


def _find(statement: Statement, findings: Iterable[Finding]) -> Finding | None:
    """The finding of the same fact, at the words of the statement if it names any."""
    for one in findings:
        if (one.field, one.value, str(one.assertion)) != (statement.field, statement.value, statement.assertion):
            continue
        if not statement.spans or any(start < one.end and one.start < end for start, end in statement.spans):
            return one
    return None


def _quoted(change: Change, note: Note, sentences: Sequence[Span]) -> Change:
    marks = [((one.start, one.end), name) for one, name in ((change.old, OLD), (change.new, NEW)) if one is not None]
    stretch = sentence_of(sentences, [span for span, _ in marks], len(note.text))
    return Change(
        change.kind, change.note_id, change.field, change.old, change.new, change.what, quote(note.text, stretch, marks)
    )


def _start(change: Change) -> int:
    finding = change.new or change.old
    return finding.start if finding else 0
