"""Search in the notes of a patient: words in any case, or a regular expression that is given up when it takes too long."""

import time
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Any

import regex as expressions
from sqlalchemy import select

from abstractor.model.errors import InputError
from abstractor.registry.engine import Registry
from abstractor.registry.people import require
from abstractor.registry.tables import NoteRow, NoteTextRow

MOST = 1000
"""Places that are looked for, at most: nobody steps through more."""

_SECONDS = 0.5
"""For one note: a careless expression must not hang the screen."""

_ALTOGETHER = 20.0
"""Seconds for all notes of a patient."""


def find_places(
    text: str, pattern: str, regex: bool = False, *, most: int = MOST, seconds: float = _SECONDS
) -> list[tuple[int, int]]:
    """Where a pattern occurs in a text.

    Words are found in any case, as Unicode folds it ("ß" is "SS"), and across the end of a line. What matches nothing at all, as `x*` does
    everywhere, is left out.

    Args:
        text: a note; offsets are code points of it.
        pattern: words, or a regular expression.
        regex: it is a regular expression.
        most: no more places than that.
        seconds: of searching.

    Returns:
        (start, end), end exclusive; in order, none over another.

    Raises:
        InputError: the expression can't be read, or takes too long.
    """
    compiled = _compiled(pattern, regex)
    try:
        matches = compiled.finditer(text, timeout=seconds, concurrent=True)
        return list(islice((match.span() for match in matches if match.end() > match.start()), most))
    except (TimeoutError, MemoryError, RecursionError):
        raise InputError("this expression takes too long; make it simpler") from None


@lru_cache(maxsize=8)
def _compiled(pattern: str, regex: bool) -> Any:
    wanted = pattern if regex else r"\s+".join(expressions.escape(word) for word in expressions.split(r"\s+", pattern))
    try:
        return expressions.compile(wanted, expressions.IGNORECASE | expressions.FULLCASE)
    except expressions.error as error:
        raise InputError(f"not a regular expression: {error}") from None


def search_notes(
    registry: Registry,
    patient_id: str,
    pattern: str,
    regex: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[tuple[str, int, int]]:
    """Where a pattern occurs in the latest versions of a patient's notes, as `find_places` finds it.

    No lock is held while it searches: each text is read for itself, so that a decision is saved meanwhile.

    Args:
        registry: open; a connection of its own is taken from it, so that this may run in a thread.
        patient_id: whose notes.
        pattern: words, or a regular expression.
        regex: it is a regular expression.
        cancelled: asked before each note; when it says yes, what was found until then is given back.

    Returns:
        (note id, start, end), notes by date and undated ones last, at most `MOST`.

    Raises:
        InputError: the expression can't be read, or takes too long.
    """
    _compiled(pattern, regex)  # a broken one is told also where there is no note
    with registry.read() as connection:
        require(registry, connection, "read_notes")
        statement = (
            select(NoteRow.note_id, NoteRow.note_key)
            .where(NoteRow.patient_id == patient_id, NoteRow.latest)
            .order_by(NoteRow.note_date.nulls_last(), NoteRow.note_id)
        )
        notes = [(row.note_id, row.note_key) for row in connection.execute(statement)]
    until = time.monotonic() + _ALTOGETHER
    hits: list[tuple[str, int, int]] = []
    for note_id, key in notes:
        if cancelled() or len(hits) >= MOST:
            break
        with registry.read() as connection:
            text = connection.scalar(select(NoteTextRow.text).where(NoteTextRow.note_key == key)) or ""
        left = max(0.001, min(_SECONDS, until - time.monotonic()))
        found = find_places(text, pattern, regex, most=MOST - len(hits), seconds=left)
        hits.extend((note_id, *span) for span in found)
    return hits
