"""Findings as files: lines of JSON, or Parquet (INTERFACE.md "Findings out"); written row by row, and put together again from parts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol, cast

from abstractor.files import whole_file
from abstractor.model.errors import InputError
from abstractor.model.finding import Finding

Row = Mapping[str, object]

_BEFORE = ("note_id", "patient_id", "note_date", "note_type", "field", "value", "assertion")
_BEHIND = ("text", "section", "date", "date_precision", "date_source", "attributes", "rule", "rulebook")
_GROUP = 5000
"""Rows of a row group of Parquet."""


class RowFile(Protocol):
    """A file on its way: rows go in, `close` writes what must stand at the end. The file below is closed by who opened it."""

    def write(self, rows: Iterable[Row]) -> None: ...

    def close(self) -> None: ...


class RowFormat(Protocol):
    """A form in which rows stand in files."""

    suffix: str

    def open(self, file: IO[bytes]) -> RowFile: ...

    def rows(self, path: Path) -> Iterator[dict[str, Any]]:
        """The rows of a file, read piece by piece."""

    def join(self, paths: Iterable[Path], file: IO[bytes]) -> None:
        """All rows of several files, in order, as one file."""


class JsonLines:
    """A JSON object a line."""

    suffix = ".jsonl"

    def open(self, file: IO[bytes]) -> RowFile:
        return _JsonLinesFile(file)

    def rows(self, path: Path) -> Iterator[dict[str, Any]]:
        with path.open("rb") as file:
            for line in file:
                yield json.loads(line)

    def join(self, paths: Iterable[Path], file: IO[bytes]) -> None:
        for path in paths:
            with path.open("rb") as part:
                while piece := part.read(1 << 20):
                    file.write(piece)


class _JsonLinesFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Nothing stands behind the last line."""


class Parquet:
    """A column a key; `attributes` is JSON text."""

    suffix = ".parquet"

    def open(self, file: IO[bytes]) -> RowFile:
        return _ParquetFile(file)

    def rows(self, path: Path) -> Iterator[dict[str, Any]]:
        for table in self._tables(path):
            for row in table.to_pylist():
                row["attributes"] = json.loads(row["attributes"])
                yield row

    def join(self, paths: Iterable[Path], file: IO[bytes]) -> None:
        with closing(self.open(file)) as rows:
            for path in paths:
                rows.write(self.rows(path))

    def _tables(self, path: Path) -> Iterator[Any]:
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=_GROUP)


class _ParquetFile:
    def __init__(self, file: IO[bytes]) -> None:
        import pyarrow as arrow
        from pyarrow import parquet

        self._table = arrow.Table
        self._schema = arrow.schema(
            [
                *((name, arrow.string()) for name in _BEFORE),
                ("start", arrow.int64()),
                ("end", arrow.int64()),
                *((name, arrow.string()) for name in _BEHIND),
                ("confidence", arrow.float64()),
            ]
        )
        self._writer = parquet.ParquetWriter(file, self._schema)
        self._waiting: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._waiting.append({**row, "attributes": _as_json(row["attributes"])})
            if len(self._waiting) == _GROUP:
                self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._waiting, schema=self._schema))
        self._waiting.clear()


def _as_json(attributes: object) -> str:
    return attributes if isinstance(attributes, str) else json.dumps(attributes, ensure_ascii=False)


FORMATS: dict[str, RowFormat] = {one.suffix: one for one in (JsonLines(), Parquet())}
"""Ending of a file's name to its form."""


def write_findings(findings: Iterable[Finding], out: Path) -> int:
    """Writes all findings to one file; the ending of its name says how.

    Returns:
        How many were written.

    Raises:
        InputError: the ending is unknown, or the file can't be written.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"{out}: write to a name ending in {', '.join(FORMATS)}")
    count = 0
    with whole_file(out, "wb") as file, closing(FORMATS[out.suffix].open(cast("IO[bytes]", file))) as rows:
        for batch in _batches(findings):
            rows.write(batch)
            count += len(batch)
    return count


def _batches(findings: Iterable[Finding]) -> Iterator[list[dict[str, object]]]:
    stream = iter(findings)
    while chunk := list(islice(stream, _GROUP)):
        yield [one.row() for one in chunk]
