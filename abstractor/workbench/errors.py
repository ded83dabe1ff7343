"""Every miss and false alarm with its sentence, its rule and its likely cause: as JSONL for scripts, as text and as a page for people.

What it writes holds note text.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import IO, cast

from abstractor.evaluation import Error, GoldNote, Scores
from abstractor.files import whole_file
from abstractor.model.errors import InputError
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.pipeline.explain import Fate, Trace
from abstractor.workbench.causes import why_false, why_missed
from abstractor.workbench.pages import render
from abstractor.workbench.quotes import Part, Span, bracketed, quote, sentence_of

ENDINGS = (".jsonl", ".txt", ".html")
_AROUND = 120
"""Characters of the note on either side of an error, for readers of the JSONL."""
_WIDTH = 80
_MARKS = {"missed": "gold", "false": "new"}


@dataclass(frozen=True, slots=True)
class Explained:
    """An error and what there is to say of it."""

    error: Error
    rule: str
    cause: str
    evidence: str | None
    context: str | None
    sentence: tuple[Part, ...]
    """() where the gold names no place."""

    @property
    def kind_of_cause(self) -> str:
        """`assertion`, `value`, `masked` …: what stands before the colon."""
        return self.cause.split(":", maxsplit=1)[0]

    def row(self) -> dict[str, object]:
        """For JSONL."""
        error = self.error
        return {
            "note_id": error.note_id,
            "kind": error.kind,
            "field": error.field,
            "value": error.value,
            "assertion": error.assertion,
            "rule": self.rule or None,
            "cause": self.cause,
            "evidence": self.evidence,
            "sentence": bracketed(self.sentence) or None,
            "context": self.context,
        }


def explain_errors(
    scores: Scores,
    notes: Mapping[str, tuple[Note, GoldNote]],
    trace: Callable[[Note], Sequence[Trace]],
    sentences: Callable[[Note], Sequence[Span]],
) -> list[Explained]:
    """Looks up the cause of every error; each note with an error is read once more.

    Args:
        scores: whose errors.
        notes: by id, with their gold.
        trace: `Abstractor.explain`.
        sentences: `Abstractor.sentences`.
    """
    read: dict[str, tuple[Sequence[Trace], Sequence[Span]]] = {}
    explained = []
    for error in scores.errors:
        note, gold = notes[error.note_id]
        if note.note_id not in read:
            read[note.note_id] = trace(note), sentences(note)
        explained.append(_explained(error, note, gold, *read[note.note_id]))
    return explained


def _explained(
    error: Error, note: Note, gold: GoldNote, traces: Sequence[Trace], sentences: Sequence[Span]
) -> Explained:
    span = (error.start, error.end) if error.start is not None and error.end is not None else None
    if error.kind == "missed":
        fact = next(fact for fact in gold.facts if fact.triple == (error.field, error.value, error.assertion))
        cause = why_missed(fact, traces)
    else:
        cause = why_false(_trace_of(error, traces), gold.facts)
    parts: tuple[Part, ...] = ()
    if span is not None:
        parts = quote(note.text, sentence_of(sentences, [span], len(note.text)), [(span, _MARKS[error.kind])])
    return Explained(
        error,
        error.rule,
        cause,
        note.text[span[0] : span[1]] if span else None,
        note.text[max(0, span[0] - _AROUND) : span[1] + _AROUND] if span else None,
        parts,
    )


def _trace_of(error: Error, traces: Iterable[Trace]) -> Trace:
    """The trace of a finding; a bare one where the trace does not hold it."""
    same = [
        one
        for one in traces
        if (one.field, one.value, str(one.assertion), one.rule)
        == (error.field, error.value, error.assertion, error.rule)
    ]
    near = [one for one in same if one.start == error.start] or same
    start, end = error.start or 0, error.end or 0
    bare = Trace(error.field, error.value, start, end, error.rule, Assertion(error.assertion), Fate.KEPT)
    return near[0] if near else bare


def write_errors(path: Path, explained: Sequence[Explained]) -> None:
    """Writes the errors in the form that the name of the file ends with.

    Raises:
        InputError: an unknown ending, or the place can't be written.
    """
    writers = {".jsonl": _jsonl, ".txt": _text, ".html": _page}
    if path.suffix not in writers:
        raise InputError(f"{path}: can't tell the form of the file; end its name with {', '.join(ENDINGS)}")
    content = writers[path.suffix](explained)
    with whole_file(path) as file:
        cast("IO[str]", file).write(content)


def _jsonl(explained: Sequence[Explained]) -> str:
    return "".join(json.dumps(one.row(), ensure_ascii=False) + "\n" for one in explained)


def _text(explained: Sequence[Explained]) -> str:
    lines = [f"{count:5}  {kind}" for kind, count in causes(explained)]
    for one in sorted(explained, key=lambda each: (each.error.field, each.error.kind, each.error.value)):
        error = one.error
        sign = "-" if error.kind == "missed" else "+"
        lines += ["", f"{sign} {error.kind} {error.field} {error.value} {error.assertion}  note {error.note_id}"]
        lines += [f"  rule {one.rule}"] if one.rule else []
        lines += wrap(one.cause, _WIDTH, initial_indent="  cause ", subsequent_indent="        ")
        lines += wrap(bracketed(one.sentence), _WIDTH, initial_indent="  | ", subsequent_indent="  | ")
    return "\n".join(lines) + "\n"


def _page(explained: Sequence[Explained]) -> str:
    fields = sorted({one.error.field for one in explained})
    groups = {name: sorted((one for one in explained if one.error.field == name), key=_place) for name in fields}
    return render("errors.html.j2", groups=groups, causes=causes(explained), total=len(explained))


def _place(one: Explained) -> tuple[str, str, str]:
    return one.error.kind, one.kind_of_cause, one.error.value


def causes(explained: Iterable[Explained]) -> list[tuple[str, int]]:
    """Kinds of errors and causes, the most frequent first: `missed, assertion`."""
    counted = Counter(f"{one.error.kind}, {one.kind_of_cause}" for one in explained)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
