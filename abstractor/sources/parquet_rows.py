"""Parquet as a stream: row groups in small batches, so that neither a large file nor a small one that swells takes much memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.columns import require
from abstractor.sources.decoding import decode
from abstractor.sources.parquet_pages import Group, page_sizes, row_groups
from abstractor.sources.reading import UNREADABLE, Fault, Place, ReadOptions, Row, notes_of, visible

_ROWS = 64
_BATCH_BYTES = 8_000_000
_WORST_BATCH_BYTES = 64_000_000
_BUFFER = 1 << 20
_PAGE_BYTES = 256_000_000
"""A page is unpacked whole; one that would take more than this is left alone."""


def read_parquet(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """A column a key; read in batches, never whole."""
    return notes_of(parquet_rows(path, options), options)


def parquet_rows(path: Path, options: ReadOptions, columns: Sequence[str] | None = None) -> Iterator[Row | Fault]:
    """The rows of a Parquet file. A row group that is damaged, or swells beyond measure, is a fault, and the others are read.

    Args:
        path: the file.
        options: as everywhere.
        columns: the columns to read, by the file's names; None for those of a note, of which id and text are then required.

    Raises:
        InputError: no Parquet file, cut short, or a column is missing or of a kind that is no text.
    """
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path)
        with path.open("rb") as file:
            groups = row_groups(file)
    except (arrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(f"{path}: no Parquet file, or cut short ({type(error).__name__}); export it again") from None
    if columns is None:
        require(path, schema.names, options)
        _require_kinds(path, schema, options)
    names = [name for name in columns or options.names if name in schema.names]
    size, before = path.stat().st_size, options.meter.bytes_read
    all_rows, done = sum(group.rows for group in groups), 0
    for number, group in enumerate(groups):
        last = done + group.rows
        try:
            for batch in _batches(path, number, names, _plan(path, group, names)):
                for cells in _cells(batch, names, options.encoding):
                    done += 1
                    yield Place(path.name, done), cells
                options.meter.bytes_read = before + size * done // max(1, all_rows)
        except (arrow.ArrowException, OSError, ValueError, _SwellsError) as error:
            why = str(error) if isinstance(error, _SwellsError) else f"damaged ({type(error).__name__}): export again"
            yield Fault(Place(path.name, done + 1), f"{why}; rows {done + 1} to {last} are skipped")
            done = last


class _SwellsError(Exception):
    """A row group would take more memory than any notes do."""


@dataclass(frozen=True)
class _Plan:
    """How to read a row group."""

    rows: int
    """Rows of a batch."""
    encoded: tuple[str, ...]
    """Columns that repeat few long values, and are left as references to these."""


def _plan(path: Path, group: Group, names: Sequence[str]) -> _Plan:
    rows, encoded = _ROWS, []
    with path.open("rb") as file:
        for chunk in group.chunks:
            if chunk.column not in names:
                continue
            sizes = page_sizes(file, chunk)
            if sizes.largest > _PAGE_BYTES:
                raise _SwellsError(
                    f"{visible(chunk.column)}: a page that unpacks to {sizes.largest // 1_000_000:,} MB; "
                    "if the notes are meant to be so long, write smaller pages (pyarrow: write_batch_size=16)"
                )
            if sizes.dictionary * rows > _WORST_BATCH_BYTES and sizes.data < sizes.dictionary:
                encoded.append(chunk.column)
            else:
                mean = 1 + (sizes.dictionary + sizes.data) // max(1, group.rows)
                rows = min(rows, _BATCH_BYTES // mean, _WORST_BATCH_BYTES // (1 + sizes.dictionary))
    return _Plan(max(1, rows), tuple(encoded))


def _batches(path: Path, group: int, names: Sequence[str], plan: _Plan) -> Iterator[Any]:
    from pyarrow import parquet

    # with a buffer the pages are read as they are needed; without one, a column of the row group at a time
    how = {"read_dictionary": list(plan.encoded), "buffer_size": _BUFFER, "page_checksum_verification": True}
    with parquet.ParquetFile(path, **how) as file:
        yield from file.iter_batches(plan.rows, [group], list(names), use_threads=False)


def _cells(batch: Any, names: Sequence[str], encoding: str | None) -> Iterator[dict[str, object]]:
    columns = [_values(batch.column(name), encoding) for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _values(column: Any, encoding: str | None) -> Iterable[object]:
    import pyarrow as arrow
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        words = column.dictionary
        return (None if place is None else _value(words[place], encoding) for place in column.indices.to_pylist())
    if types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(arrow.timestamp("us", kind.tz), safe=False)  # Python's times hold no more
    if _is_bytes(kind):
        return (_value(item, encoding) for item in column)
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError):  # one of them is no text, or beyond the calendar
        return (_value(item, encoding) for item in column)
    return values


def _value(item: Any, encoding: str | None) -> object:
    """One value; text that was written as bytes, or is not the UTF-8 it is said to be, by the encoding the user names."""
    try:
        value = item.as_py()
    except UnicodeDecodeError:
        value = item.as_buffer().to_pybytes() if encoding else UNREADABLE
    except (ValueError, OverflowError):
        return UNREADABLE
    if not isinstance(value, bytes):
        return value
    try:
        return decode(value, encoding)
    except InputError:
        return UNREADABLE


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _require_kinds(path: Path, schema: Any, options: ReadOptions) -> None:
    """Text is text (or the bytes of one), and ids are text or whole numbers: 7.0 would be no id that another table knows.

    Raises:
        InputError: names the column, what it holds, and the remedy.
    """
    from pyarrow import types

    for ours in ("note_id", "patient_id", "text"):
        name = options.column(ours)
        if name not in schema.names:
            continue
        kind = schema.field(name).type
        plain = kind.value_type if types.is_dictionary(kind) else kind
        texts = types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain)
        whole = ours != "text" and (types.is_integer(plain) or types.is_decimal(plain))
        if not (texts or whole or _is_bytes(plain) or types.is_null(plain)):
            raise InputError(
                f"{path}: the column {name!r} holds {visible(str(kind))[:60]}, not text; "
                f"export it as text, or name another with --column {ours}=YOUR_COLUMN"
            )
