"""A list of patients: whose notes are wanted out of a larger dump."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from abstractor.files import plain_cell
from abstractor.model.errors import InputError
from abstractor.sources.decoding import decode
from abstractor.sources.reading import Place, visible

COLUMN = "patient_id"
IN_FOLDER = "cohort.jsonl"
"""Where a cohort that was written to a folder has its list."""
_Ids = Iterator[tuple[int, object]]


def read_patients(path: Path) -> frozenset[str]:
    """The ids in the column `patient_id` of a CSV, JSON lines or Parquet file; in a folder, of its `cohort.jsonl`. What else stands there is left alone.

    Raises:
        InputError: the file can't be read, a row has no id, or there is none at all. Part of a list would be a wrong cohort, so nothing is skipped.
    """
    file = path / IN_FOLDER if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            begin = opened.read(64)
        ids = _parquet(file) if begin.startswith(b"PAR1") else _text(file, decode(file.read_bytes(), None))
        patients = frozenset(_checked(file, ids))
    except OSError as error:
        raise InputError(f"{file}: can't be read ({error.strerror or type(error).__name__})") from None
    if not patients:
        raise InputError(f"{file}: names no patient; put their ids into a column {COLUMN!r}")
    return patients


def _checked(file: Path, ids: Iterable[tuple[int, object]]) -> Iterator[str]:
    for row, value in ids:
        patient_id = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not patient_id:
            raise InputError(f"{Place(str(file), row)}: no {COLUMN}; mend the list")
        yield patient_id


def _text(file: Path, text: str) -> _Ids:
    return _json_lines(file, text) if text.lstrip("\ufeff \r\n\t").startswith("{") else _csv(file, text)


def _json_lines(file: Path, text: str) -> _Ids:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{Place(str(file), number)}: not JSON; mend the list") from None
        yield number, row.get(COLUMN) if isinstance(row, dict) else None


def _csv(file: Path, text: str) -> _Ids:
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    separator = max(",;\t|", key=(lines or [""])[0].count)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = 1
    try:
        place = _place(file, next(reader, []))
        for number, row in enumerate(reader, 2):
            if row:
                yield number, plain_cell(row[place]) if place < len(row) else None
    except csv.Error as error:
        raise InputError(f"{Place(str(file), number + 1)}: not readable as CSV ({error}); mend the list") from None


def _place(file: Path, names: list[str]) -> int:
    if COLUMN not in names:
        there = ", ".join(visible(name) for name in names[:20] if len(name) < 60)
        raise InputError(f"{file}: no column {COLUMN!r}; it has {there or 'none'}")
    return names.index(COLUMN)


def _parquet(file: Path) -> _Ids:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        _place(file, list(parquet.read_schema(file).names))
        yield from enumerate(parquet.read_table(file, columns=[COLUMN])[COLUMN].to_pylist(), 1)
    except arrow.ArrowException as error:
        raise InputError(f"{file}: no Parquet file, or cut short ({type(error).__name__}); write it again") from None
