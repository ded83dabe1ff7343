"""Notes in tables: CSV, JSONL and Parquet, read row by row; a bad row is reported and the rest goes on."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.decoding import decode, marked
from abstractor.sources.reading import Fault, ReadOptions, note_from

_BATCH = 256


def read_csv(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A header line, then a row a note; separated by comma, semicolon, tab or bar, whichever the header holds most."""
    text = _decoded(path, options)
    csv.field_size_limit(sys.maxsize)  # the module's own limit of 131,072 characters is shorter than many a note
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = max(",;\t|", key=header.count)
    # not splitlines: it also breaks at form feeds and the like, and would lose the line ends inside a note
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        names = next(reader, [])
        _require(path, names, options)
        for row in reader:
            number += 1  # as a spreadsheet counts: a note of forty lines is one row
            place = f"{path.name}: row {number}"
            if not row:
                continue
            if len(row) != len(names):
                yield Fault(place, f"{len(row)} cells where the header has {len(names)}; skipped")
                continue
            yield from note_from(dict(zip(names, row, strict=True)), place, options)
    except csv.Error as error:
        yield Fault(
            f"{path.name}: row {number + 1}", f"not readable as CSV ({error}); the rest of this file is skipped"
        )


def read_jsonl(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A JSON object a line. A gold file is a notes file too: what it holds besides is left alone."""
    required = {options.column("note_id"), options.column("text")}
    any_line = seen_any = False
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file, path, options), 1):
            if not line.strip():
                continue
            any_line = True
            place = f"{path.name}: row {number}"
            try:
                cells = json.loads(line if isinstance(line, str) else decode(line, options.encoding))
            except InputError as error:
                yield Fault(place, f"{error}; skipped")
                continue
            except (ValueError, RecursionError) as error:
                yield Fault(place, f"not JSON ({_reason(error)}); skipped")
                continue
            if not isinstance(cells, dict):
                yield Fault(place, "not a JSON object; skipped")
                continue
            if not seen_any and not required & cells.keys():
                _require(path, list(cells), options)
            seen_any = True
            yield from note_from(cells, place, options)
    if not any_line:
        raise InputError(f"{path}: the file is empty")


def _lines(file: BinaryIO, path: Path, options: ReadOptions) -> Iterator[bytes | str]:
    """Bytes line by line, so that one bad line spoils no other; UTF-16 and UTF-32 can only be cut once decoded."""
    wide = options.encoding or marked(file.read(4)) or ""
    file.seek(0)
    if not wide.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32")):
        return iter(file)
    try:
        return iter(decode(file.read(), options.encoding).removeprefix("\ufeff").split("\n"))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deep" if isinstance(error, RecursionError) else "a number too long to read"


def read_parquet(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A column a key; read in batches, never whole."""
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: no Parquet file, or cut short ({type(error).__name__}); export it again") from None
    names = list(file.schema_arrow.names)
    _require(path, names, options)
    wanted = [options.column(name) for name in ("note_id", "patient_id", "text", "note_date", "note_type")]
    row = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH, columns=[name for name in wanted if name in names]):
            for cells in _rows(batch):
                row += 1
                place = f"{path.name}: row {row}"
                if cells is None:
                    yield Fault(place, "not UTF-8; skipped")
                else:
                    yield from note_from(cells, place, options)
    except (arrow.ArrowException, OSError) as error:
        yield Fault(
            f"{path.name}: row {row + 1}", f"damaged ({type(error).__name__}); the rest of this file is skipped"
        )


def _rows(batch: Any) -> Iterator[dict[str, object] | None]:
    """The rows of a Parquet batch; None for one that holds bytes which are no text."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for number in range(batch.num_rows):
            try:
                yield batch.slice(number, 1).to_pylist()[0]
            except UnicodeDecodeError:
                yield None


def _decoded(path: Path, options: ReadOptions) -> str:
    try:
        content = path.read_bytes()
        if not content.strip():
            raise InputError("the file is empty")
        return decode(content, options.encoding)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _require(path: Path, names: list[str], options: ReadOptions) -> None:
    """The two columns nothing can be done without.

    Raises:
        InputError: one is missing; says which are there, and how to rename.
    """
    for wanted in ("note_id", "text"):
        if options.column(wanted) not in names:
            there = ", ".join(name for name in names[:20] if len(name) < 60)
            raise InputError(
                f"{path}: no column {options.column(wanted)!r}; it has {there or 'none'}. "
                f"Name yours with --column {wanted}=YOUR_COLUMN"
            )
