"""An export as a folder that appears whole or not at all: written beside its place, synced, logged, then renamed. For its owner only."""

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from abstractor.files import safe_cell, whole_file
from abstractor.model.errors import InputError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
MANIFEST = "export.json"
"""What was written, with counts and hashes; and how a folder is known as one of ours, to be replaced."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file of an export."""

    name: str
    rows: int
    sha256: str


class Table:
    """A table on its way to a file; cells by column, what a row lacks is blank."""

    def __init__(self, folder: "Folder", name: str, columns: Iterable[str], *, tabs: bool, safe: bool) -> None:
        self._columns, self._safe = tuple(columns), safe
        self._folder, self._name = folder, name
        self._file = folder.open(name)
        self._tabs = tabs
        self._csv = CsvLines(self._file)
        self._write(self._columns)

    def write(self, row: Mapping[str, object]) -> None:
        """Adds a row; a name that is no column is a fault of the program."""
        unknown = row.keys() - set(self._columns)
        if unknown:
            raise ValueError(f"{self._name} has no column {', '.join(sorted(unknown))}")
        self._write([row.get(column) for column in self._columns])
        self._folder.count(self._name)

    def _write(self, cells: Iterable[object]) -> None:
        if self._tabs:
            self._file.write("\t".join(one_line(cell) for cell in cells) + "\n")
        elif self._safe:
            self._csv.write([safe_cell(cell) for cell in cells])
        else:
            self._csv.write(["" if cell is None else str(cell) for cell in cells])


class CsvLines:
    """Lines of a CSV with LF at their end; a cell with a carriage return is quoted too, which `csv` alone does not do."""

    def __init__(self, file: IO[str]) -> None:
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(self, cells: list[str]) -> None:
        """Adds a line."""
        (self._quoted if any("\r" in cell for cell in cells) else self._plain).writerow(cells)


class Folder:
    """The folder while it is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, IO[str]] = {}
        self._rows: dict[str, int] = {}

    def open(self, name: str) -> IO[str]:
        """A new text file (UTF-8, LF), closed with the folder. A lone surrogate, which UTF-8 has not, is a question mark: no offset changes."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._files[name] = os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="")
        self._rows.setdefault(name, 0)
        return self._files[name]

    def text(self, name: str, content: str, rows: int = 0) -> None:
        """A file written and closed at once."""
        with self.open(name) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._rows[name] = rows
        del self._files[name]

    def table(self, name: str, columns: Iterable[str], *, tabs: bool = False, safe: bool = True) -> Table:
        """A table with its header; of tabs, cells are one line each; `safe`, no cell is a formula."""
        return Table(self, name, columns, tabs=tabs, safe=safe)

    def count(self, name: str, rows: int = 1) -> None:
        """Rows that were added to a file."""
        self._rows[name] += rows

    def rows(self, name: str) -> int:
        """How many rows a file has."""
        return self._rows[name]

    def remove(self, name: str) -> None:
        """Takes back a file that turned out empty."""
        self._files.pop(name).close()
        (self.path / name).unlink()
        del self._rows[name]

    def close(self) -> tuple[Written, ...]:
        """Syncs and closes what is open.

        Returns:
            Every file with its rows and hash, by name.
        """
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        return tuple(Written(name, rows, _hash(self.path / name)) for name, rows in sorted(self._rows.items()))

    def abandon(self) -> None:
        """Closes what is open, whatever becomes of it."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()


@contextmanager
def whole_folder(out: Path, finish: Callable[[tuple[Written, ...]], Mapping[str, object]]) -> Iterator[Folder]:
    """A folder that stands at `out` only when the block ends well, and `finish` too.

    Args:
        out: its place; an earlier export there is replaced.
        finish: is given the files before the folder appears, and gives the content of the manifest.

    Raises:
        InputError: `out` holds something else than an export, or can't be written; what stood there still does.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100  (resolve() would follow a link to somewhere else)
    _require_ours(out)
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_dead(out)
        draft.mkdir(mode=0o700)
        folder = Folder(draft)
        try:
            yield folder
            written = folder.close()
        finally:
            folder.abandon()
        manifest = finish(written)
        folder.text(MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        _sync(draft)
        _replace(draft, out)
        _sync(out.parent)
    except OSError as error:
        raise InputError(
            f"{out}: can't be written ({error.strerror or type(error).__name__}); make room, or name another folder with --out"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _require_ours(out: Path) -> None:
    """Nothing that is no export of ours is ever replaced."""
    if not out.exists() or (out.is_dir() and ((out / MANIFEST).is_file() or not any(out.iterdir()))):
        return
    raise InputError(f"{out}: holds something else than an export; name an empty folder, or a new one, with --out")


def _remove_dead(out: Path) -> None:
    """What a killed export left behind: patients' data must not lie about."""
    for part in out.parent.glob(f".{out.name}.*.part"):
        number = part.name.removesuffix(".part").rpartition(".")[2]
        if not number.isdecimal() or int(number) == os.getpid() or not Path(f"/proc/{number}").exists():
            shutil.rmtree(part, ignore_errors=True)


def _replace(draft: Path, out: Path) -> None:
    if not out.exists():
        draft.rename(out)
        return
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.rename(old)
    try:
        draft.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one_line(cell: object) -> str:
    """A cell of a table of tabs: what would end it, or is no character to be read, is a blank."""
    if isinstance(cell, str):
        return " ".join(_CONTROL.sub(" ", cell).split())
    return "" if cell is None else str(cell)


def write_key(path: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """The key of an export: who is who. For its owner only, and never inside the export.

    Raises:
        InputError: it can't be written, or a file stands there already.
    """
    if path.exists():
        raise InputError(f"{path}: exists already; a key is never written over: name another file with --key")
    with whole_file(path) as file:
        writer = csv.writer(cast("IO[str]", file), lineterminator="\n")
        writer.writerow(("kind", "here", "outside"))
        writer.writerows([safe_cell(cell) for cell in row] for row in rows)
