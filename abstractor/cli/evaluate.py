"""`abstractor evaluate`: annotates the gold's notes and scores the findings against its facts."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, cast

from abstractor.api import Abstractor
from abstractor.evaluation import GoldNote, Scores, score
from abstractor.files import whole_file
from abstractor.model.errors import InputError
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.sources.decoding import decode
from abstractor.sources.reader import note_type_mapper
from abstractor.sources.reading import Fault, ReadOptions, note_from

_AROUND = 120
"""Characters of the note shown on either side of an error."""


def run_evaluation(
    paths: Iterable[Path],
    rules: Path | None,
    json_file: Path | None,
    errors_file: Path | None,
    progress: Callable[[int, int | None], None],
) -> str:
    """Scores all files together.

    Returns:
        The table of figures.

    Raises:
        InputError: a file or row is not in the gold format.
    """
    nlp = Abstractor.load(rules)
    options = ReadOptions(note_type=note_type_mapper(nlp.rulebook.note_types))
    rows = [pair for path in paths for pair in _gold(path, options)]
    findings: list[Finding] = []
    for done, (note, _) in enumerate(rows, 1):
        findings.extend(nlp.annotate(note))
        progress(done, len(rows))
    absent = [name for name, spec in nlp.rulebook.fields.items() if spec.absent_counts]
    scores = score([gold for _, gold in rows], findings, absent)
    if json_file is not None:
        with whole_file(json_file) as file:
            cast("IO[str]", file).write(json.dumps(scores.row(), indent=1) + "\n")
    if errors_file is not None:
        _write_errors(errors_file, scores, {note.note_id: note for note, _ in rows})
    return table(scores, len(rows))


def _gold(path: Path, options: ReadOptions) -> list[tuple[Note, GoldNote]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from None
    pairs = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            pairs.append(_gold_row(line, f"{path.name}: row {number}", options))
    if not pairs:
        raise InputError(f"{path}: the file is empty")
    return pairs


def _gold_row(line: bytes, place: str, options: ReadOptions) -> tuple[Note, GoldNote]:
    try:
        row: dict[str, Any] = json.loads(decode(line, None))
        gold = GoldNote.from_row(row)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: not JSON ({error.msg})") from None
    except (KeyError, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise InputError(
            f'{place}: not in the gold format ({kind}); it needs note_id, text and facts [{{"field", "value", "assertion", "spans"}}]'
        ) from None
    for item in note_from(row, place, options):
        if isinstance(item, Fault):
            raise InputError(str(item))
        return item, gold
    raise InputError(f"{place}: no note")


def _write_errors(path: Path, scores: Scores, notes: dict[str, Note]) -> None:
    with whole_file(path) as file:
        out = cast("IO[str]", file)
        for error in scores.errors:
            text = notes[error.note_id].text
            shown = None
            if error.start is not None and error.end is not None:
                shown = text[max(0, error.start - _AROUND) : error.end + _AROUND]
            row = {
                "note_id": error.note_id,
                "kind": error.kind,
                "field": error.field,
                "value": error.value,
                "assertion": error.assertion,
                "rule": error.rule or None,
                "evidence": text[error.start : error.end] if error.start is not None else None,
                "context": shown,
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def table(scores: Scores, notes: int) -> str:
    """The figures as text, a line a field."""
    row = scores.row()
    lines = [f"{'field':18} {'tp':>5} {'fp':>5} {'fn':>5}  {'prec':>6} {'recall':>6} {'F1':>6}"]
    lines += [_line(name, counts) for name, counts in row["fields"].items()]
    lines.append(_line("all (micro)", row["micro"]))
    lines.append(
        f"macro F1 {row['macro_f1']:.3f}; evidence overlaps in {row['evidence_overlap']:.3f} of hits; {notes} notes"
    )
    lines += [_line(f"({name})", counts) for name, counts in row["other_assertions"].items()]
    return "\n".join(lines)


def _line(name: str, counts: dict[str, float]) -> str:
    figures = f"{counts['precision']:6.3f} {counts['recall']:6.3f} {counts['f1']:6.3f}"
    return f"{name:18} {counts['tp']:5.0f} {counts['fp']:5.0f} {counts['fn']:5.0f}  {figures}"
