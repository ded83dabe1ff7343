"""The patterns and word lists of one file in `rules/settings/`, compiled once. Knows nothing of notes; never holds words itself.

Two conveniences keep the files readable: a blank in a pattern stands for any white space (` ?` for any or none), and `~name~` stands for the
macro of that name in the file's `[macros]`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Assertion
from abstractor.rulebook.book import RuleBook

_MACRO = re.compile(r"~(\w+)~")
_LOOKBEHIND = re.compile(r"\(\?<[!=][^()]*\)")
"""These must have one length: a blank in them is one blank."""
_DEPTH = 12
"""Macros may stand in macros; deeper than this is a circle."""


@dataclass(frozen=True)
class Phrase:
    """Words that state a value: one table of a settings file."""

    id: str
    value: str
    regex: re.Pattern[str]
    """The group `evidence`, if there is one, is the evidence."""
    assertion: Assertion | None = None
    unless: re.Pattern[str] | None = None
    """Silent where the clause holds this."""
    needs: re.Pattern[str] | None = None
    """Silent where the sentence does not hold this."""
    hints: tuple[str, ...] = ()
    """Parts of words in lower case; a sentence without any of them is not searched. Empty: always searched."""

    def may_match(self, lowered: str) -> bool:
        """Whether a text, in lower case, is worth a search."""
        return not self.hints or any(hint in lowered for hint in self.hints)


@dataclass(frozen=True)
class Lexicon:
    """One settings file: patterns by key, compiled on demand at build time."""

    name: str
    tables: Mapping[str, object]

    @classmethod
    def of(cls, rulebook: RuleBook, name: str) -> "Lexicon":
        """The settings file of this name; empty where the rulebook has none."""
        return cls(name, rulebook.settings.get(name, {}))

    def pattern(self, key: str) -> re.Pattern[str]:
        """`[patterns] key`, compiled without regard to case; one that never matches where the file has none."""
        return self.compiled(str(_table(self.tables.get("patterns")).get(key, r"(?!)")))

    def compiled(self, pattern: str) -> re.Pattern[str]:
        """A pattern of this file with its macros put in.

        Raises:
            RulebookError: where it is no regular expression.
        """
        source = pattern
        macros = _table(self.tables.get("macros"))
        for _ in range(_DEPTH):
            expanded = _MACRO.sub(lambda match: f"(?:{macros[match[1]]})" if match[1] in macros else match[0], pattern)
            if expanded == pattern:
                break
            pattern = expanded
        pattern = _LOOKBEHIND.sub(lambda match: match[0].replace(" ", r"\s"), pattern)
        for blank, means in ((" ?", r"\s*"), (" *", r"\s*"), (" ", r"\s+")):
            pattern = pattern.replace(blank, means)
        try:
            return re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise RulebookError([f"settings/{self.name}.toml: no regular expression ({error}): {source!r}"]) from error

    def words(self, key: str) -> frozenset[str]:
        """`[words] key`, in lower case."""
        listed = _table(self.tables.get("words")).get(key, [])
        return frozenset(str(word).lower() for word in listed) if isinstance(listed, list) else frozenset()

    def number(self, key: str, default: float) -> float:
        """`[numbers] key`."""
        value = _table(self.tables.get("numbers")).get(key, default)
        return float(value) if isinstance(value, int | float) else default

    def numbers(self, key: str) -> dict[str, int]:
        """The table `[numbers.key]`: words to whole numbers."""
        listed = _table(_table(self.tables.get("numbers")).get(key))
        return {word.lower(): value for word, value in listed.items() if isinstance(value, int)}

    def rows(self, key: str) -> list[Mapping[str, object]]:
        """The tables `[[key]]`, in order."""
        listed = self.tables.get(key, [])
        return [_table(row) for row in listed] if isinstance(listed, list) else []

    def phrases(self, key: str) -> tuple[Phrase, ...]:
        """The tables `[[key]]` as phrases; their order is their rank. A table may list several regexes."""
        return tuple(
            Phrase(
                id=f"{self.name}.{row.get('id', row['value'])}",
                value=str(row["value"]),
                regex=self.compiled(regex),
                assertion=Assertion(str(row["assertion"])) if "assertion" in row else None,
                unless=self._optional(row.get("unless")),
                needs=self._optional(row.get("needs")),
                hints=tuple(_strings(row.get("hints"))),
            )
            for row in self.rows(key)
            for regex in _strings(row.get("regex"))
        )

    def _optional(self, pattern: object) -> re.Pattern[str] | None:
        return self.compiled(pattern) if isinstance(pattern, str) else None


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list) else []
