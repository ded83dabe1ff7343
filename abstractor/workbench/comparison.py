"""Reads notes with two rulebooks and gathers what they do not tell alike. It writes nothing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from abstractor.api import Abstractor
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.workbench.corpus import Judged
from abstractor.workbench.difference import Change, Difference, Statement, compare, gold_statements, judge
from abstractor.workbench.quotes import Span


def compare_rules(
    old: Abstractor,
    new: Abstractor,
    notes: Iterable[Judged],
    statements: Iterable[Statement] = (),
    *,
    total: int | None = None,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> Difference:
    """The difference of two rulebooks on some notes.

    Args:
        old: the rules as they were.
        new: the rules as they are to be.
        notes: read one at a time, each with its gold facts if there are any.
        statements: what people have decided on these notes.
        total: of the notes, if it is known.
        progress: told after each note.
    """
    absent = frozenset(name for name, spec in new.rulebook.fields.items() if spec.absent_counts)
    stated: dict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        stated[one.note_id].append(one)
    changes: list[Change] = []
    kept: dict[str, tuple[Note, Sequence[Span]]] = {}
    before: dict[str, Sequence[Finding]] = {}
    after: dict[str, Sequence[Finding]] = {}
    annotated: set[str] = set()
    read = looked_at = 0
    for note, gold in notes:
        ours, theirs = old.annotate(note), new.annotate(note)
        if gold is not None:
            annotated.update(fact.field for fact in gold.facts)
            stated[note.note_id] += gold_statements(gold, (*ours, *theirs), absent)
        sentences = new.sentences(note)
        changes += compare(note, ours, theirs, sentences)
        if note.note_id in stated:
            kept[note.note_id], before[note.note_id], after[note.note_id] = (note, sentences), ours, theirs
            looked_at += sum(one.holds or one.source != "gold" for one in stated[note.note_id])
        read += 1
        progress(read, total)
    # gold in which nobody annotated a field says nothing of it: a new field has no false alarms yet
    present = [
        one
        for note_id in kept
        for one in stated[note_id]
        if one.source != "gold" or one.holds or one.field in annotated
    ]
    return Difference(
        old.rulebook.version,
        new.rulebook.version,
        read,
        tuple(changes),
        tuple(judge(kept, before, after, present)),
        looked_at,
    )
