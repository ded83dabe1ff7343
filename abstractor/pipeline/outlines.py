"""Keeps between runs what was worked out of expressions (`literals`), so that a process is ready in a second or two instead of several.

The file in the user's cache folder holds words of the rulebook and hashes, nothing of a note. A file that is damaged, of another version or
not there is as good as none: everything is worked out again.
"""

import hashlib
import inspect
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from abstractor.files import whole_file
from abstractor.model.errors import InputError
from abstractor.pipeline import literals
from abstractor.pipeline.literals import Condition, Outline

_MOST = 6_000
"""Outlines that are kept: those of a few rulebooks."""


class Outlines:
    """Outlines by expression and flags."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Outline] | None = None
        self._added: dict[str, Outline] = {}

    def of(self, expression: str, flags: int, work_out: Callable[[str, int], Outline]) -> Outline:
        """The outline of an expression, worked out where it is not known."""
        if self._known is None:
            self._known = _read(self._path)
        key = hashlib.sha256(f"{flags}\0{expression}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        if key not in self._known:
            self._known[key] = self._added[key] = work_out(expression, flags)
        return self._known[key]

    def keep(self) -> None:
        """Writes what was worked out since; where that can't be done, the next process works it out again."""
        if not self._added or self._known is None:
            return
        old = [(key, one) for key, one in self._known.items() if key not in self._added]
        kept = dict([*old, *self._added.items()][-_MOST:])
        with suppress(InputError), whole_file(self._path) as file:
            file.write(_written(kept))  # type: ignore[call-overload]
        self._added = {}


def cached_outlines() -> Outlines:
    """Those in the user's cache folder that this very program and this Python worked out: what another one did could hide words."""
    method = hashlib.sha256(f"{sys.version}\0{inspect.getsource(literals)}".encode()).hexdigest()[:12]
    return Outlines(user_cache_path("abstractor", appauthor=False) / f"outlines-{method}.json")


def _written(outlines: dict[str, Outline]) -> str:
    """A line with the hash of what follows, and the outlines; every set of words stands once."""
    numbers: dict[frozenset[str], int] = {}

    def rows(conditions: tuple[Condition, ...]) -> list[list[int | None]]:
        return [[numbers.setdefault(one.words, len(numbers)), one.lead] for one in conditions]

    kept = {
        key: [rows(one.needs), rows(one.starts), None if one.rest is None else rows(one.rest)]
        for key, one in outlines.items()
    }
    body = json.dumps({"outlines": kept, "sets": [sorted(words) for words in numbers]})
    return f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def _read(path: Path) -> dict[str, Outline]:
    try:
        checked, _, body = path.read_text("utf-8").partition("\n")
        if hashlib.sha256(body.encode()).hexdigest() != checked:
            return {}
        content: Any = json.loads(body)
        sets = [frozenset(words) for words in content["sets"]]
        return {
            key: Outline(
                _conditions(needs, sets), _conditions(starts, sets), None if rest is None else _conditions(rest, sets)
            )
            for key, (needs, starts, rest) in content["outlines"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {}


def _conditions(rows: list[list[Any]], sets: list[frozenset[str]]) -> tuple[Condition, ...]:
    return tuple(Condition(sets[number], lead) for number, lead in rows)
