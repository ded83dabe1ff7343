"""A folder of files that a cluster wrote: which of them are parts of the dump. Spark leaves marks and sums beside them, Delta leaves old ones."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from abstractor.model.errors import InputError
from abstractor.sources.reading import Fault

_PART = re.compile(r".*\.(csv|tsv|jsonl|ndjson)(\.gz|\.zst)?|.*\.parquet", re.IGNORECASE)
_LOG = "_delta_log"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\.\d+\.\d+)?\.parquet")


def is_parts(root: Path) -> bool:
    """Whether a folder holds parts of tables, and no notes of their own (`.txt` files, or a list of them)."""
    if (root / "notes.csv").is_file():
        return False
    if (root / _LOG).is_dir():
        return True
    kinds = {"text" if path.suffix.lower() == ".txt" else "part" for path in _files(root) if isinstance(path, Path)}
    return kinds == {"part"}


def parts_of(root: Path) -> Iterator[Path | Fault]:
    """The parts, by their path; of a Delta table those of its last version.

    Raises:
        InputError: the log of a Delta table can't be followed.
    """
    if not (root / _LOG).is_dir():
        yield from (path for path in _files(root) if not isinstance(path, Path) or path.suffix.lower() != ".txt")
        return
    for name in sorted(_delta_names(root / _LOG)):
        path = root / unquote(name)
        if not path.resolve().is_relative_to(root.resolve()):
            yield Fault(_LOG, "names a file outside the folder; skipped: copy the table with all its files")
        else:
            yield path


def _files(root: Path) -> Iterator[Path | Fault]:
    """Parts and text files below a folder, by path; names that begin with `_` or `.` belong to the system that wrote them."""
    waiting = [root]
    while waiting:
        path = waiting.pop()
        if path != root and path.name.startswith(("_", ".")):
            continue
        try:
            if path.is_dir() and (path == root or not path.is_symlink()):
                waiting.extend(sorted(path.iterdir(), reverse=True))
            elif _PART.fullmatch(path.name) or path.suffix.lower() == ".txt":
                yield path
        except OSError as error:
            place = path.relative_to(root).as_posix() if path != root else path.name
            yield Fault(place, f"can't be opened ({error.strerror or type(error).__name__}); skipped")


def _delta_names(log: Path) -> set[str]:
    """The files of the last version: what was added and not removed, from the last checkpoint on."""
    names = sorted(path.name for path in log.iterdir())
    commits = {int(found[1]): log / found[0] for name in names if (found := _COMMIT.fullmatch(name))}
    checkpoints = [(int(found[1]), log / found[0]) for name in names if (found := _CHECKPOINT.fullmatch(name))]
    start = max((version for version, _ in checkpoints), default=-1)
    versions = sorted(version for version in commits if version > start)
    if versions != list(range(start + 1, start + 1 + len(versions))) or not (versions or checkpoints):
        raise InputError(f"{log}: versions of the Delta table are missing; copy it again, or export it as Parquet")
    live: set[str] = set()
    try:
        for version, path in checkpoints:
            if version == start:
                live.update(_added(action, log) for action in _checkpoint(path))
        for version in versions:
            _follow(commits[version], live, log)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{log}: the log of the Delta table can't be read; export the table as Parquet") from None
    return live


def _checkpoint(path: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    for row in parquet.read_table(path, columns=["add"]).to_pylist():
        if row["add"]:
            yield row["add"]


def _follow(commit: Path, live: set[str], log: Path) -> None:
    for line in commit.read_text(encoding="utf-8").splitlines():
        action = json.loads(line) if line.strip() else {}
        if "add" in action:
            live.add(_added(action["add"], log))
        if "remove" in action:
            live.discard(action["remove"]["path"])


def _added(action: dict[str, Any], log: Path) -> str:
    if action.get("deletionVector"):
        raise InputError(f"{log}: the Delta table marks deleted rows apart (deletion vectors); export it as Parquet")
    return str(action["path"])
