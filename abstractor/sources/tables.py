"""Notes in tables: CSV, JSONL and Parquet, read row by row; a bad row is reported and the rest goes on."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.decoding import decode
from abstractor.sources.reading import Fault, ReadOptions, note_from

_BATCH = 256


def read_csv(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A header line, then a row a note; separated by comma, semicolon, tab or bar, whichever the header holds most."""
    text = _decoded(path, options)
    csv.field_size_limit(sys.maxsize)  # the module's own limit of 131,072 characters is shorter than many a note
    header = text[: text.find("\n") if "\n" in text else len(text)]
    separator = max(",;\t|", key=header.count)
    # not splitlines: it also breaks at form feeds and the like, and would lose the line ends inside a note
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = next(reader, [])
        _require(path, names, options)
        while True:
            row = next(reader, None)
            if row is None:
                return
            place = f"{path.name}: row {reader.line_num}"
            if not row:
                continue
            if len(row) != len(names):
                yield Fault(place, f"{len(row)} cells where the header has {len(names)}; skipped")
                continue
            yield from note_from(dict(zip(names, row, strict=True)), place, options)
    except csv.Error as error:
        yield Fault(
            f"{path.name}: row {reader.line_num}", f"not readable as CSV ({error}); the rest of this file is skipped"
        )


def read_jsonl(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A JSON object a line. A gold file is a notes file too: what it holds besides is left alone."""
    required = {options.column("note_id"), options.column("text")}
    seen_any = False
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            place = f"{path.name}: row {number}"
            try:
                cells = json.loads(decode(line, options.encoding))
            except InputError as error:
                yield Fault(place, f"{error}; skipped")
                continue
            except (json.JSONDecodeError, RecursionError) as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
                yield Fault(place, f"not JSON ({reason}); skipped")
                continue
            if not isinstance(cells, dict):
                yield Fault(place, "not a JSON object; skipped")
                continue
            if not seen_any and not required & cells.keys():
                _require(path, list(cells), options)
            seen_any = True
            yield from note_from(cells, place, options)


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
            for cells in batch.to_pylist():
                row += 1
                yield from note_from(cells, f"{path.name}: row {row}", options)
    except (arrow.ArrowException, OSError) as error:
        yield Fault(
            f"{path.name}: row {row + 1}", f"damaged ({type(error).__name__}); the rest of this file is skipped"
        )


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
