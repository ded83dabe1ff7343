"""Files to rows, on the workers: by the same readers as without Spark, so that every byte means the same.

Spark's own readers would change line ends inside a note, replace bytes that are no UTF-8 without a word, and take `007` for 7.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.batch.engine.spark.columns import NOTES
from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.parts import is_parts, parts_of
from abstractor.sources.reader import read_notes, source_bytes
from abstractor.sources.reading import Fault, ReadOptions

if TYPE_CHECKING:
    import pandas

_CHUNK_CHARACTERS = 1_000_000
_CHUNK_ROWS = 500
_COMPRESSED = {".parquet", ".gz", ".zst"}
_RATIO = 4
"""So many times as much text as there are bytes, in a compressed file of notes."""


@dataclass(frozen=True)
class Unit:
    """What one task reads: a file, or a folder of text files."""

    given: Path
    """What was asked for: this file, or the folder it is in."""
    path: Path
    format_name: str | None
    size: int
    """Bytes on disk."""

    @property
    def place(self) -> str:
        return self.path.name if self.path == self.given else self.path.relative_to(self.given).as_posix()

    @property
    def characters(self) -> int:
        """About so much text; by this the work is divided."""
        return self.size * _RATIO if self.path.suffix.lower() in _COMPRESSED else self.size


def units_of(paths: Sequence[Path], format_name: str | None) -> tuple[list[Unit], list[tuple[Path, Fault]]]:
    """What there is to read, in the order of a run without Spark, and what of it can't be, with the path it was asked for by."""
    units: list[Unit] = []
    faults: list[tuple[Path, Fault]] = []
    for path in paths:
        try:
            if not path.exists():
                raise InputError(f"{path}: no such file or folder")
            for part in parts_of(path) if format_name is None and path.is_dir() and is_parts(path) else [path]:
                if isinstance(part, Fault):
                    faults.append((path, part))
                elif part == path or part.stat().st_size:
                    units.append(Unit(path, part, format_name, source_bytes(part)))
        except OSError as error:
            faults.append((path, Fault(str(path), f"can't be read ({error.strerror or type(error).__name__})")))
        except InputError as error:
            faults.append((path, Fault(str(path), str(error).removeprefix(f"{path}: "))))
    return units, faults


def reading(
    units: Sequence[Unit], options: ReadOptions
) -> Callable[[Iterator["pandas.DataFrame"]], Iterator["pandas.DataFrame"]]:
    """What `mapInPandas` is given: numbers of units come in, the rows of these units go out."""

    def read(batches: Iterator["pandas.DataFrame"]) -> Iterator["pandas.DataFrame"]:
        for batch in batches:
            for number in batch["id"].tolist():
                yield from _frames(_rows(number, units[number], options))

    return read


Row = tuple[str, int, int, str, str | None, str | None, str | None, str | None, str | None, str | None]
"""As in UNITS_SCHEMA."""


def _rows(unit: int, source: Unit, options: ReadOptions) -> Iterator[Row]:
    notes = 0
    for row, item in enumerate(_items(source, options)):
        if isinstance(item, Note):
            notes += 1
            place = f"{source.place}: note {notes}"
            yield item.note_id, unit, row, place, None, *(getattr(item, name) for name in NOTES)
        else:
            yield item.place, unit, row, item.place, item.says, item.note_id, None, None, None, None


def _items(source: Unit, options: ReadOptions) -> Iterator[Note | Fault]:
    """A file at fault is one row; the files beside it are read."""
    try:
        yield from read_notes(source.path.absolute(), options, source.format_name)
    except InputError as error:
        yield Fault(source.place, str(error).removeprefix(f"{source.path.absolute()}: "))
    except Exception as error:  # the message could quote the file
        yield Fault(source.place, f"can't be read any further ({type(error).__name__})")


def _frames(rows: Iterator[Row]) -> Iterator["pandas.DataFrame"]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row[7] or "")
        if size >= _CHUNK_CHARACTERS or len(chunk) >= _CHUNK_ROWS:
            yield _frame(chunk)
            chunk, size = [], 0
    if chunk:
        yield _frame(chunk)


def _frame(rows: list[Row]) -> "pandas.DataFrame":
    import pandas

    names = ("key", "unit", "row", "place", "fault", *NOTES)
    columns = zip(*rows, strict=True)
    return pandas.DataFrame(
        {name: pandas.Series(column, dtype=object) for name, column in zip(names, columns, strict=True)}
    )
