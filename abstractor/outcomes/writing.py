"""The files of a run, each whole or not there (`abstractor.files`): text, bytes, and CSV tables with cells no spreadsheet runs."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from abstractor.files import safe_cell, whole_file


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a file; raises InputError where it can't be written."""
    with whole_file(path, "wb") as file:
        cast(IO[bytes], file).write(content)
    return path


def write_text(path: Path, content: str) -> Path:
    """Writes UTF-8 text; raises InputError where it can't be written."""
    return write_bytes(path, content.encode("utf-8", "backslashreplace"))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Path:
    """Writes a CSV (UTF-8, LF, header first); a missing value is an empty cell."""
    with whole_file(path) as file:
        writer = csv.writer(cast(IO[str], file), lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([safe_cell(row.get(column)) for column in columns] for row in rows)
    return path
