"""Text as both databases keep it to the letter. PostgreSQL refuses NUL, which SQLite and real notes have; there it is written
as two other characters, and read back as what it was.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, String, Text, TypeDecorator

_MARK = "\x10"
"""Begins what stands for NUL, and for itself."""


class StoredText(TypeDecorator[str]):
    """A column of text; nothing but lone surrogates is refused."""

    impl = String
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """How a value is written; None, and so no cost, where the database takes every character."""
        return _written if dialect.name == "postgresql" else None

    def result_processor(self, dialect: Dialect, _coltype: object) -> Callable[[Any], Any] | None:
        return _read if dialect.name == "postgresql" else None


class LongText(StoredText):
    """A column of long text."""

    impl = Text
    cache_ok = True


def _written(text: str | None) -> str | None:
    if text is None or ("\0" not in text and _MARK not in text):
        return text
    return text.replace(_MARK, _MARK + "1").replace("\0", _MARK + "0")


def _read(text: str | None) -> str | None:
    if text is None or _MARK not in text:
        return text
    return text.replace(_MARK + "0", "\0").replace(_MARK + "1", _MARK)
