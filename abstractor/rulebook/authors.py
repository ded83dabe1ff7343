"""Who wrote a note, as its own words say it: `rules/authors.toml`, read and applied. For the eye only; nothing is found or computed by it."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import regex
from pydantic import ValidationError

from abstractor.model.errors import RulebookError
from abstractor.rulebook.load import default_rules
from abstractor.rulebook.schema import Entry

FILE = "authors.toml"
_LOOKED_AT = 1500
"""Characters at the beginning and at the end of a note in which its author stands, if anywhere."""
_SECONDS = 0.05
"""A pattern that takes longer finds nobody."""


class Author(Entry):
    """One way in which notes name who wrote them."""

    pattern: str
    """A regular expression with a group `who`."""


class Authors(Entry):
    """All of the file, in its order."""

    author: tuple[Author, ...] = ()


def load_authors(root: Path | None = None) -> Callable[[str], str]:
    """Reads the file of a rules folder; a folder without one takes the program's own.

    Returns:
        What tells the author from the text of a note; "" where the note does not say.

    Raises:
        RulebookError: not TOML, an unknown key, or a pattern that is no regular expression with a group `who`.
    """
    path = (root or default_rules()) / FILE
    if not path.is_file():
        path = default_rules() / FILE
    try:
        found = Authors.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulebookError([f"{FILE}: can't be read as TOML ({error})"]) from None
    except ValidationError as error:
        raise RulebookError([f"{FILE}: {one['loc']}: {one['msg']}" for one in error.errors()]) from None
    patterns = [_compiled(number, one.pattern) for number, one in enumerate(found.author, 1)]
    return lambda text: _author(text, patterns)


def _compiled(number: int, pattern: str) -> Any:
    try:
        made = regex.compile(pattern, regex.IGNORECASE | regex.MULTILINE)
    except regex.error as error:
        raise RulebookError([f"{FILE}: author {number}: {pattern!r} is no regular expression ({error})"]) from None
    if "who" not in made.groupindex:
        raise RulebookError([f"{FILE}: author {number}: the pattern has no group `who`"])
    return made


def _author(text: str, patterns: list[Any]) -> str:
    ends = text if len(text) <= 2 * _LOOKED_AT else f"{text[:_LOOKED_AT]}\n{text[-_LOOKED_AT:]}"
    for pattern in patterns:
        try:
            places = list(pattern.finditer(ends, timeout=_SECONDS))
        except TimeoutError:
            continue
        if places:
            return " ".join(str(places[-1]["who"]).split()).strip(" ,.")
    return ""
