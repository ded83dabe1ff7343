"""The patterns and word lists of one file in `rules/settings/`, compiled once. Knows nothing of notes; never holds words itself.

Two conveniences keep regular expressions readable: a blank stands for any white space (` ?` for any or none), and `~name~` for the macro
of that name in the file's `[macros]`. Wordings (`abstractor.pipeline.wording`) name the lists of the file's `[lists]` instead.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Assertion
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.wording import Wording, WordingError, Wordings
from abstractor.rulebook.book import RuleBook

_MACRO = compiled_expression(r"~(\w+)~")
_LOOKBEHIND = compiled_expression(r"\(\?<[!=][^()]*\)")
"""These must have one length: a blank in them is one blank."""
_NEVER = compiled_expression(r"(?!)")
_DEPTH = 12
"""Macros may stand in macros; deeper than this is a circle."""


@dataclass(frozen=True)
class Phrase:
    """Words that state a value: one wording or regular expression of a table of a settings file."""

    id: str
    value: str
    wording: Wording | None = None
    expression: Expression | None = None
    assertion: Assertion | None = None
    unless: Expression | None = None
    """Silent where the clause holds this."""
    needs: Expression | None = None
    """Silent where the sentence does not hold this."""
    parts: tuple[str, ...] = ()
    """Parts of words in lower case; a sentence without any of them is not searched. Empty: always searched."""

    @cached_property
    def regex(self) -> Expression:
        """The group `evidence`, if there is one, is the evidence."""
        if self.expression is not None:
            return self.expression
        return self.wording.regex if self.wording else _NEVER

    @cached_property
    def hints(self) -> tuple[frozenset[str], ...]:
        """A text whose `stems` miss one of these sets is not worth a search."""
        return self.wording.hints if self.wording else ()

    def may_match(self, lowered: str) -> bool:
        """Whether a text, in lower case, is worth a search."""
        return not self.parts or any(part in lowered for part in self.parts)


@dataclass(frozen=True)
class Lexicon:
    """One settings file: patterns by key, compiled on demand at build time."""

    name: str
    tables: Mapping[str, object]

    @classmethod
    def of(cls, rulebook: RuleBook, name: str) -> "Lexicon":
        """The settings file of this name; empty where the rulebook has none."""
        return cls(name, rulebook.settings.get(name, {}))

    def pattern(self, key: str) -> Expression:
        """`[patterns] key`, compiled without regard to case; one that never matches where the file has none."""
        return self.compiled(str(_table(self.tables.get("patterns")).get(key, r"(?!)")))

    def compiled(self, pattern: str) -> Expression:
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
            return compiled_expression(pattern, re.IGNORECASE)
        except re.error as error:
            raise RulebookError([f"settings/{self.name}.toml: no regular expression ({error}): {source!r}"]) from error

    @cached_property
    def wordings(self) -> Wordings:
        """The lists in `[lists]`, to read wordings with."""
        return Wordings({name: tuple(_strings(listed)) for name, listed in _table(self.tables.get("lists")).items()})

    def any_of(self, wordings: object) -> Expression:
        """A pattern for any one of these wordings, between borders of words; it never matches where there are none.

        Raises:
            RulebookError: where one can't be read.
        """
        try:
            return self.wordings.any_of(_strings(wordings))
        except (WordingError, re.error) as error:
            raise RulebookError([f"settings/{self.name}.toml: {error}"]) from error

    def table(self, key: str) -> Mapping[str, object]:
        """The table `[key]`."""
        return _table(self.tables.get(key))

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
        """The tables `[[key]]` as phrases; their order is their rank. A table may list several wordings (`words`) and regexes.

        Raises:
            RulebookError: where one can't be read.
        """
        return tuple(phrase for row in self.rows(key) for phrase in self._phrases(row))

    def _phrases(self, row: Mapping[str, object]) -> Iterator[Phrase]:
        make = partial(
            Phrase,
            id=f"{self.name}.{row.get('id', row['value'])}",
            value=str(row["value"]),
            assertion=Assertion(str(row["assertion"])) if "assertion" in row else None,
            unless=self._condition(row.get("unless")),
            needs=self._condition(row.get("needs")),
        )
        for source in _strings(row.get("words")):
            try:
                wording = self.wordings.compiled(source, _strings(row.get("not_between")))
            except (WordingError, re.error) as error:
                raise RulebookError([f"settings/{self.name}.toml: {error}: {source!r}"]) from error
            yield make(wording=wording)
        for regex in _strings(row.get("regex")):
            yield make(expression=self.compiled(regex), parts=tuple(_strings(row.get("hints"))))

    def _condition(self, condition: object) -> Expression | None:
        """A condition on the clause: one regular expression, or a list of wordings."""
        if isinstance(condition, str):
            return self.compiled(condition)
        return self.any_of(condition) if isinstance(condition, list) else None


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list) else []
