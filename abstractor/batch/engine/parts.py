"""The files of a run: parts that appear whole or not at all, the list of what was set aside, and a manifest once everything is there."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol, cast

from abstractor.batch.engine.ledger import Fault, Ledger, Part
from abstractor.batch.engine.places import alone
from abstractor.files import whole_file
from abstractor.model.errors import AbstractorError, InputError

MANIFEST = "manifest.json"
QUARANTINE = "quarantine.jsonl"
LEDGER = "ledger.sqlite"
_WORK = ".abstractor"
_DRAFT = ".draft"
_LOCK = "lock"
COHORT = "cohort.jsonl"
"""The table of patients, where the output is a folder."""
_OWN_PART = re.compile(r"part-\d{6,}\.(parquet|jsonl)|\.part-\d{6,}\.(parquet|jsonl)\.draft")


class RowFile(Protocol):
    """A file that takes rows."""

    def write(self, rows: Iterable[Mapping[str, object]]) -> None: ...

    def close(self) -> None: ...


class RowFormat(Protocol):
    """How rows stand in a file (`abstractor.exports.findings.FORMATS`)."""

    suffix: str

    def open(self, file: IO[bytes]) -> RowFile: ...

    def rows(self, path: Path) -> Iterator[dict[str, Any]]: ...

    def join(self, paths: Iterable[Path], file: IO[bytes]) -> None: ...


@dataclass(frozen=True)
class Layout:
    """Where the files of an output stand.

    A folder holds its parts, manifest and quarantine, and the ledger in `.abstractor`. A single file has all that in a hidden folder beside
    it, and the quarantine under its own name with `.quarantine.jsonl`, if anything is in it.
    """

    out: Path
    single: bool = False
    """Whether the output is one file."""
    hidden: bool = False
    """Whether the parts are only steps on the way to the output."""

    @property
    def parts(self) -> Path:
        return self.work if self.single or self.hidden else self.out

    @property
    def work(self) -> Path:
        return self.out.with_name(f".{self.out.name}{_WORK}") if self.single else self.out / _WORK

    @property
    def ledger(self) -> Path:
        return self.work / LEDGER

    @property
    def manifest(self) -> Path:
        return (self.work if self.single else self.out) / MANIFEST

    @property
    def quarantine(self) -> Path:
        return self.out.with_name(f"{self.out.name}.{QUARANTINE}") if self.single else self.out / QUARANTINE

    @property
    def product(self) -> Path | None:
        """The one file that is made of the parts; None where they are the output."""
        if self.single:
            return self.out
        return self.out / COHORT if self.hidden else None

    @contextmanager
    def held(self, *, fresh: bool) -> Iterator[None]:
        """Makes the folders, and keeps others out while the block runs; with `fresh`, removes what an earlier run left.

        Raises:
            InputError: something stands there that no ledger knows, or another run writes there.
            AbstractorError: the folder can't be written.
        """
        with ExitStack() as stack:
            with told(self.out):
                if not fresh and not self._has_ledger():
                    self._refuse_strangers()
                for folder in {self.parts, self.work}:
                    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                stack.enter_context(alone(self.work / _LOCK, self.out))
                if fresh:  # never under the feet of a run that is under way
                    self._clear()
            yield

    def is_whole(self) -> bool:
        """Whether manifest, quarantine and single file stand as a finished run left them; the parts are looked at by `require_parts`."""
        try:
            content = json.loads(self.manifest.read_bytes())
            aside = not self.single or content["quarantined"] or content["unreadable"]
            file = self.product
            return (not aside or self.quarantine.exists()) and (
                file is None or _is(file, content["bytes"], content["sha256"])
            )
        except (OSError, ValueError, KeyError):
            return False

    def put_right(self, parts: Iterable[Part]) -> None:
        """Brings the files to what the ledger says: a part rewritten, and not yet renamed, takes its place; one unfinished goes.

        Raises:
            InputError: a part that the ledger counts is missing, or not as it was written.
        """
        finished = set()
        with told(self.parts):
            for part in parts:
                finished.add(part.name)
                _require(self.parts, part)
            for path in self._part_files():
                if path.name not in finished:
                    path.unlink()

    def _has_ledger(self) -> bool:
        """An empty file knows nothing; it may be all that is left of a ledger."""
        return self.ledger.exists() and self.ledger.stat().st_size > 0

    def _clear(self) -> None:
        """The ledger first: without it, all else is left over."""
        for path in (self.ledger, self.ledger.with_name(f"{LEDGER}-journal"), self.manifest, self.quarantine):
            path.unlink(missing_ok=True)
        for path in self._part_files():
            path.unlink()
        if self.single:
            self.out.unlink(missing_ok=True)

    def _refuse_strangers(self) -> None:
        there = self.out if self.single else self.manifest
        if there.exists() or next(self._part_files(), None) is not None:
            raise InputError(
                f"{self.out}: exists already, without the ledger of a run that could go on; replace it with --fresh"
            )
        if not self.single and self.out.exists() and not self.out.is_dir():
            raise InputError(f"{self.out}: is a file; write to a folder, or to a name ending in .jsonl or .parquet")

    def _part_files(self) -> Iterator[Path]:
        """Those of our making; what else stands in the folder is not ours to remove."""
        for path in sorted(self.parts.glob("*part-*")):
            if _OWN_PART.fullmatch(path.name):
                yield path


class PartFile:
    """A part on its way: under a temporary name until `close`, which puts it in place."""

    def __init__(self, folder: Path, name: str, format_: RowFormat) -> None:
        self.name = name
        self._path = folder / name
        self._draft = folder / f".{name}{_DRAFT}"
        with told(self._path):
            descriptor = os.open(self._draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            self._file = _Hashed(os.fdopen(descriptor, "wb", buffering=1 << 18))
            self._rows = format_.open(cast("IO[bytes]", self._file))

    def write(self, rows: Iterable[Mapping[str, object]]) -> None:
        with told(self._path):
            self._rows.write(rows)

    def close(self) -> tuple[int, str]:
        """Puts the part in place, safe from a loss of power; gives its size in bytes and its SHA-256."""
        whole = self.complete()
        self.put_in_place()
        return whole

    def complete(self) -> tuple[int, str]:
        """Writes all of it to the disk, still under its temporary name; gives its size in bytes and its SHA-256."""
        with told(self._path):
            self._rows.close()
            self._file.sync()
            sync_folder(self._path.parent)
        return self._file.size, self._file.sha256

    def put_in_place(self) -> None:
        """Gives it its name; only once it is complete."""
        with told(self._path):
            self._draft.replace(self._path)
            sync_folder(self._path.parent)

    def drop(self) -> None:
        """Leaves nothing behind."""
        self._file.abandoned = True
        with suppress(OSError):
            self._rows.close()  # else it would want to write when it is thrown away
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._draft.unlink()


class _Hashed:
    """A file that counts and hashes what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.closed = False
        self.abandoned = False
        """Whether what is written goes nowhere."""

    def write(self, data: bytes) -> int:
        if self.abandoned:
            return len(data)
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def rewrite(
    folder: Path, part: Part, format_: RowFormat, without: Collection[str], enter: Callable[[Part], None]
) -> None:
    """The part's file again, without the rows of some notes.

    Args:
        folder: where it stands.
        part: as it is.
        format_: how its rows are written.
        without: ids of the notes.
        enter: has the ledger take in the part as it will be. Only then the file is put in place: a run that ends in between leaves a draft
            that the ledger knows, and the next one puts it in place.
    """
    file = PartFile(folder, part.name, format_)
    try:
        file.write(row for row in format_.rows(folder / part.name) if row["note_id"] not in without)
        size, sha256 = file.complete()
    except BaseException:
        file.drop()
        raise
    enter(replace(part, bytes=size, sha256=sha256))
    file.put_in_place()


def require_parts(folder: Path, parts: Iterable[Part]) -> None:
    """Raises:
    InputError: a part that the ledger counts is missing, or not as it was written.
    """
    for part in parts:
        _require(folder, part)


def _require(folder: Path, part: Part) -> None:
    path, draft = folder / part.name, folder / f".{part.name}{_DRAFT}"
    if _is(path, part.bytes, part.sha256):
        return
    if not _is(draft, part.bytes, part.sha256):
        raise InputError(f"{path}: missing, or not as it was written; put it back, or start over with --fresh")
    draft.replace(path)
    sync_folder(folder)


def _is(path: Path, size: int, sha256: str) -> bool:
    """Whether a file holds what was written."""
    try:
        return path.stat().st_size == size and describe(path)["sha256"] == sha256
    except OSError:
        return False


def write_quarantine(path: Path, faults: Iterable[Fault], *, always: bool) -> None:
    """A line of JSON for each row or note that was set aside; no file where there is none, unless `always`."""
    lines = (_quarantine_line(fault) for fault in faults)
    first = next(lines, None)
    if first is None and not always:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as file:
        text = cast("IO[str]", file)
        if first is not None:
            text.write(first)
        text.writelines(lines)


def _quarantine_line(fault: Fault) -> str:
    row = {
        "note_id": fault.note_id,
        "patient_id": fault.patient_id,
        "source": fault.source,
        "place": fault.place,
        "stage": fault.stage,
        "reason": fault.reason,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def manifest(ledger: Ledger, options: Mapping[str, object], input_: str) -> dict[str, object]:
    """What the output holds and how it was made. Equal output has an equal manifest: it names no time and no machine.

    Args:
        ledger: of the run.
        options: what the run was held to.
        input_: what tells the notes that were read from others (`Intake.digest`).
    """
    return {
        "manifest": 1,
        **options,
        "input": input_,
        **ledger.totals().told(),
        "parts": [_manifest_part(part) for part in ledger.parts()],
    }


def _manifest_part(part: Part) -> dict[str, object]:
    row = asdict(part)
    del row["number"]
    row["notes_with_findings"], row["findings"] = row.pop("with_rows"), row.pop("rows")
    return row


def write_manifest(path: Path, content: Mapping[str, object]) -> None:
    with whole_file(path) as file:
        cast("IO[str]", file).write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def join_parts(layout: Layout, parts: Iterable[Part], format_: RowFormat) -> dict[str, object]:
    """Puts the parts together as the one file that was asked for; gives its size and hash."""
    with whole_file(layout.out, "wb") as file:
        hashed = _Hashed(cast("IO[bytes]", file))
        format_.join((layout.parts / part.name for part in parts), cast("IO[bytes]", hashed))
    sync_folder(layout.out.parent)
    return {"bytes": hashed.size, "sha256": hashed.sha256}


def describe(path: Path) -> dict[str, object]:
    """Size and hash of a finished file."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def sync_folder(folder: Path) -> None:
    """Makes a rename last through a loss of power; where folders can't be synced (Windows), the system sees to it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """A full disk, or a folder that can't be written, as one line.

    Raises:
        AbstractorError: the place and the system's reason.
    """
    try:
        yield
    except OSError as error:
        raise AbstractorError(
            f"{path}: can't be written ({error.strerror or type(error).__name__}); what was finished stays: mend that and "
            "run the same command again"
        ) from None
