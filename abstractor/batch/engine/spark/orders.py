"""What the driver tells every worker: which rules, how, and within which limits. It travels with the job."""

import io
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.batch.engine.guard import Guard, Limits
from abstractor.batch.engine.work import Job, engine_version
from abstractor.model.errors import AbstractorError, RulebookError
from abstractor.rulebook.load import default_rules, load_rulebook
from abstractor.sources.reader import note_type_mapper
from abstractor.sources.reading import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable

_RULE_FILES = (".toml", ".csv")


@dataclass(frozen=True)
class Orders:
    """All that a worker needs; compared with what it finds on its own machine before the first note."""

    rulebook: str
    """The version (content hash) that the rules must have there too."""
    engine: str
    """The versions of program and libraries that must be installed there too."""
    rules: bytes | None
    """A folder of rules as a ZIP file; None: those that came with the program."""
    plain: bool
    limits: Limits
    longest: int = LONGEST
    """Characters of the longest text that is taken for a note."""


def orders_for(rules: str | Path | None, *, plain: bool, limits: Limits | None, longest: int = LONGEST) -> Orders:
    """Reads and checks the rules here, so that a fault in them is told before any machine starts.

    Raises:
        RulebookError: the rules are at fault.
    """
    book = load_rulebook(Path(rules) if rules is not None else None)
    own = book.root.resolve() == default_rules().resolve()
    return Orders(
        book.version, engine_version(), None if own else _packed(book.root), plain, limits or Limits(), longest
    )


def _packed(root: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            if path.suffix in _RULE_FILES and path.is_file():
                archive.write(path, path.relative_to(root).as_posix())
    return content.getvalue()


@dataclass(frozen=True)
class Station:
    """What a worker process holds ready from one partition to the next."""

    orders: Orders
    guard: Guard
    note_type: "Callable[[str], str]"


_READY: list[Station] = []
"""The station of this process: building one takes seconds, and Spark's Python processes live through many partitions."""


def station(orders: Orders, shared: Path) -> Station:
    """This process's pipeline for these orders, built the first time.

    Args:
        orders: what the driver said.
        shared: a folder of this machine that Spark removes at the end of the job; rules that were sent are laid down there.

    Raises:
        AbstractorError: what is installed here differs from what the driver runs.
    """
    if _READY and _READY[0].orders == orders:
        return _READY[0]
    for old in _READY:
        old.guard.close()
    _READY.clear()
    _READY.append(_built(orders, shared))
    return _READY[0]


def _built(orders: Orders, shared: Path) -> Station:
    here = engine_version()
    if here != orders.engine:
        raise AbstractorError(
            f"this worker has {here}, the driver {orders.engine}: install the same versions on every machine"
        )
    root = None if orders.rules is None else _laid_down(orders.rules, shared / f"abstractor-rules-{orders.rulebook}")
    book = load_rulebook(root)
    if book.version != orders.rulebook:
        raise RulebookError([f"the rules of this worker are {book.version}, the driver's {orders.rulebook}"])
    guard = Guard(Job(root, orders.plain, rulebook=orders.rulebook), orders.limits)
    return Station(orders, guard, note_type_mapper(book.note_types))


def _laid_down(rules: bytes, folder: Path) -> Path:
    """The rules as files; of several processes of a machine the first one to finish puts them in place, whole."""
    if not folder.is_dir():
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        with zipfile.ZipFile(io.BytesIO(rules)) as archive:
            archive.extractall(draft)
        try:
            draft.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return folder
