"""Which columns of a table are needed, and what to say where they are not as they should be."""

import re
from collections.abc import Sequence
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.sources.reading import REQUIRED, ReadOptions

_NAME = re.compile(r"[^\W\d][\w .#()/-]{0,59}|")


def require(path: Path, names: Sequence[str], options: ReadOptions) -> None:
    """The two columns nothing can be done without, and none of the others twice.

    Raises:
        InputError: one is missing; says which are there, and how to rename. Or two have one name.
    """
    for ours in REQUIRED:
        if options.column(ours) not in names:
            raise InputError(
                f"{path}: no column {options.column(ours)!r}; {_there(names)}. Name yours with --column {ours}=YOUR_COLUMN"
            )
    for name in options.names:
        if names.count(name) > 1:
            raise InputError(f"{path}: {names.count(name)} columns have the name {name!r}; give each a name of its own")


def _there(names: Sequence[str]) -> str:
    """What columns there are; a first line that looks like a row of data is not repeated, for it may hold a patient's."""
    if all(_NAME.fullmatch(name) for name in names):
        return f"it has {', '.join(names[:20]) or 'none'}"
    return "its first line holds no names of columns"
