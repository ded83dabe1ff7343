"""The files of a run, each whole or not there (`abstractor.files`): text, bytes, and CSV tables with cells no spreadsheet runs."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from abstractor.files import safe_cell, whole_file
from abstractor.model.errors import InputError


@contextmanager
def _told() -> Iterator[None]:
    """Adds to what can't be written what can be done."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"{error}; make room, or name another folder with --out; the report there is not complete"
        ) from None


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a file; raises InputError where it can't be written."""
    with _told(), whole_file(path, "wb") as file:
        cast(IO[bytes], file).write(content)
    return path


def write_text(path: Path, content: str) -> Path:
    """Writes UTF-8 text; raises InputError where it can't be written."""
    return write_bytes(path, content.encode("utf-8", "backslashreplace"))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Path:
    """Writes a CSV (UTF-8, LF, header first); a missing value is an empty cell."""
    with _told(), whole_file(path) as file:
        writer = csv.writer(cast(IO[str], file), lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([safe_cell(row.get(column)) for column in columns] for row in rows)
    return path
