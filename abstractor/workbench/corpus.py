"""Notes to try rules on: any source of notes, with the gold facts where the source holds some. It never writes."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from abstractor.evaluation import GoldNote
from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.decoding import decode
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions, note_from

Judged = tuple[Note, GoldNote | None]
"""A note, and its gold facts if the source holds any."""


def read_gold(path: Path, options: ReadOptions) -> list[tuple[Note, GoldNote]]:
    """The notes and facts of a gold file.

    Raises:
        InputError: the file can't be read, or a row is not in the gold format.
    """
    pairs = [(note, gold) for note, gold in _rows(path, options) if gold is not None]
    if not pairs:
        raise InputError(f"{path}: the file is empty")
    return pairs


def read_corpus(paths: Iterable[Path], options: ReadOptions) -> list[Judged]:
    """The notes of any sources; with the facts of those files that are gold files.

    Raises:
        InputError: a source can't be read, or a row of it is at fault.
    """
    found: list[Judged] = []
    for path in paths:
        if path.suffix == ".jsonl" and _is_gold(path):
            found.extend(_rows(path, options))
        else:
            found.extend((_sound(item), None) for item in read_notes(path, options))
    if not found:
        raise InputError("there are no notes in what was named")
    return found


def _sound(item: Note | Fault) -> Note:
    if isinstance(item, Fault):
        raise InputError(str(item) if item.place else item.says)
    return item


def _is_gold(path: Path) -> bool:
    """Whether the first row of a file has facts."""
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
    except OSError:
        return False
    return b'"facts"' in first


def _rows(path: Path, options: ReadOptions) -> Iterator[tuple[Note, GoldNote]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _gold_row(line, f"{path.name}: row {number}", options)


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
