"""Notes out of the `NOTE` table of the OMOP common data model (5.4, and as far back as 5.2), as CSV or Parquet.

Columns go by their names, in capitals or small letters. The type of a note is told by its class concept, else its type concept, else by its
title and source value (`rules/note_types.toml`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.codes import note_type_of
from abstractor.sources.csv_rows import csv_rows
from abstractor.sources.decoding import encoding_of
from abstractor.sources.parquet_rows import parquet_rows
from abstractor.sources.parts import parts_of
from abstractor.sources.reading import Fault, Meter, ReadOptions, Row, iso_date, note_from
from abstractor.sources.streams import opened_bytes

TABLE = "note"
"""Name of the table, and so of its file or folder."""
_OURS = {"note_id": "note_id", "patient_id": "person_id", "text": "note_text"}
_DATES = ("note_datetime", "note_date")
_CONCEPTS = ("note_class_concept_id", "note_type_concept_id")
_NAMES = ("note_title", "note_source_value")
_LONGEST_HEADER = 100_000


@dataclass(frozen=True)
class _Columns:
    """The file's own names."""

    names: Mapping[str, str]
    """In small letters, to what stands in the file."""
    ours: Mapping[str, str]

    @property
    def wanted(self) -> list[str]:
        beside = [self.names[name] for name in (*_DATES, *_CONCEPTS, *_NAMES) if name in self.names]
        return [*self.ours.values(), *beside]

    def cell(self, cells: Mapping[str, object], name: str) -> object:
        return cells.get(self.names.get(name, ""))


def read_omop(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """The notes of the table: a file, a folder of its parts, or a folder of tables with the table `note` among them.

    Raises:
        InputError: the one file is no such table; says which columns it has.
    """
    files = [path] if path.is_file() else table_files(path) or list(parts_of(path))
    if not files:
        raise InputError(f"{path}: no table {TABLE!r} in it (note.csv, note.parquet or a folder note/)")
    for file in files:
        if isinstance(file, Fault):
            yield file
            continue
        try:
            yield from _read_file(file, options)
        except InputError as error:
            if len(files) == 1:
                raise
            yield Fault(file.name, f"{str(error).removeprefix(f'{file}: ')}; skipped")


def is_note_table(names: list[str]) -> bool:
    """Whether these are the columns of the table."""
    return set(_OURS.values()) <= {name.lower() for name in names}


def table_files(folder: Path) -> list[Path | Fault]:
    """The files of the table in a folder of OMOP tables; none where it holds no such table."""
    named = sorted(one for one in folder.iterdir() if one.name.lower().split(".")[0] == TABLE)
    return [file for one in named for file in (parts_of(one) if one.is_dir() else [one])]


def header(path: Path, encoding: str | None) -> list[str]:
    """Names of the columns of a CSV or Parquet file.

    Raises:
        InputError: it is neither, or damaged.
    """
    with opened_bytes(path, Meter()) as file:
        first = file.readline(_LONGEST_HEADER)
    if first.startswith(b"PAR1"):
        return _schema(path)
    line = first.decode(encoding_of(first, encoding), errors="ignore").strip("\ufeff\r\n \0")
    return [name.strip("\" '") for name in line.split(max(",;\t|", key=line.count))]


def _schema(path: Path) -> list[str]:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        return list(parquet.read_schema(path).names)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: no Parquet file, or cut short ({type(error).__name__}); export it again") from None


def _read_file(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    columns = _columns(path, options)
    theirs = replace(options, columns=columns.ours)
    for row in _rows(path, theirs, columns):
        if isinstance(row, Fault):
            yield row
        else:  # the type is settled, and the names are ours
            yield from note_from(_cells(row[1], columns, options), row[0], replace(options, columns={}, note_type=str))


def _columns(path: Path, options: ReadOptions) -> _Columns:
    there = header(path, options.encoding)
    names = {name.lower(): name for name in there}
    ours = {name: options.columns.get(name) or names.get(omop, omop) for name, omop in _OURS.items()}
    missing = [name for name in ours.values() if name not in there]
    if missing:
        listed = ", ".join(name for name in there[:20] if len(name) < 60)
        raise InputError(f"{path}: no column {missing[0]!r} of an OMOP NOTE table; it has {listed or 'none'}")
    return _Columns(names, ours)


def _rows(path: Path, options: ReadOptions, columns: _Columns) -> Iterator[Row | Fault]:
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    return parquet_rows(path, options, columns.wanted) if is_parquet else csv_rows(path, options)


def _cells(cells: Mapping[str, object], columns: _Columns, options: ReadOptions) -> dict[str, object]:
    dates = [value for name in _DATES if (value := columns.cell(cells, name)) not in (None, "")]
    concepts = [columns.cell(cells, name) for name in _CONCEPTS]
    named = [columns.cell(cells, name) for name in _NAMES]
    return {
        **{ours: cells.get(theirs) for ours, theirs in columns.ours.items()},
        "note_date": next((value for value in dates if iso_date(value)), dates[0] if dates else None),
        "note_type": note_type_of(
            (f"omop|{str(one).strip().removesuffix('.0')}" for one in concepts if one),
            (name for name in named if isinstance(name, str)),
            options,
        ),
    }
