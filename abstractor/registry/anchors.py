"""Heads of the audit chain kept in a file outside the registry: a line of JSON each."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.registry.engine import utc_now
from abstractor.registry.verify import Anchor, Checked


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """The heads in a file, as they stand there.

    Raises:
        InputError: the file or a line can't be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read ({type(error).__name__})") from None
    return tuple(_anchor(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip())


def _anchor(line: str, place: str) -> Anchor:
    try:
        row = json.loads(line)
        return Anchor(int(row["sequence"]), str(row["hash"]), str(row.get("at", "")))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{place}: is no anchor; it should be what `verify --write-anchor` writes") from None


def add_anchor(path: Path, chain: Checked, clock: Callable[[], str] = utc_now) -> None:
    """Adds the head of a chain that was found whole; the file is its owner's only, and lines are only ever added.

    Raises:
        InputError: it can't be written.
    """
    line = json.dumps({"sequence": chain.entries, "hash": chain.head, "at": clock()}) + "\n"
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror or type(error).__name__})") from None
