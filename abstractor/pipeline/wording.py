"""Turns wordings that a clinician can read into patterns. Knows the notation and no word of any language; never reads a note.

A wording is words with blanks between them. In it

    {tumour}          any one of the list `tumour`; {very*} stands for none, one or several of them
    (a|b c)           one of these; [a|b] one of these or nothing
    decreas* tumou?r  any ending; a letter that may be missing
    ..5               up to five words; none of the list `stops`, and none of the phrase's own `not_between`. ...5 reads over commas
    !(a|b)  &(a|b)    only where this does not follow; only where it follows ($ is the end of the clause, ! and & may follow one another)
    <!(a|b)           at the start: only where this does not stand before
    =NED              exactly so, capitals and all
    #                 a number

A blank stands for white space or a hyphen. Nothing repeats without bound, and no part of a repeat can be read in two ways.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from abstractor.pipeline.literals import Outline
from abstractor.pipeline.sieve import Expression, compiled_expression

_SEPARATOR = r"(?:\s+|-)"
_NUMBER = r"\d{1,4}(?:\.\d{1,2})?"
_WORD = r"[\w/()%×.~+\u2013\u2014-]+"
_REPEATS = 9
"""No list is repeated more often."""
_DEPTH = 12
"""Lists may stand in lists; deeper than this is a circle."""
_STEM = 6
_LETTERS = compiled_expression(r"\w+")
_END = r"\s*(?:$|[.,;:)])"
_TOKEN = compiled_expression(
    r"(?P<space>\s+)|(?P<gap>\.{2,3})(?P<reach>\d+)|(?P<slot>\{(?P<list>\w+)(?P<many>\*?)\})|(?P<look><!\(|!\(|&\()"
    r"|(?P<open>[(\[])|(?P<bar>\|)|(?P<close>[)\]])|(?P<exact>=\w[\w/-]*)|(?P<plain>[^\s(){}\[\]|]+)"
)


class WordingError(ValueError):
    """A wording that can't be read: an unknown list, a bracket without its pair."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One piece of a wording."""

    pattern: str
    hints: tuple[frozenset[str], ...] = ()
    """Beginnings of words; a text must hold one of each set."""
    optional: bool = False
    many: bool = False
    zero_width: bool = False
    """A condition on what follows or precedes: takes no room, and no blank of its own."""
    gap: bool = False
    glued: bool = False
    """Whether no blank stands before it."""

    @property
    def times(self) -> str:
        """How often an optional part may stand there."""
        return f"{{0,{_REPEATS}}}" if self.many else "?"


@dataclass(frozen=True)
class Wording:
    """A wording, read; its pattern is compiled when it is first asked for."""

    source: str
    pattern: str
    hints: tuple[frozenset[str], ...]
    """As in `stems`; a text whose stems miss one of these sets can't match."""

    @cached_property
    def regex(self) -> Expression:
        return Expression(self.pattern, re.IGNORECASE, Outline())


def stems(text: str) -> frozenset[str]:
    """The beginnings of the words of a text, and their ends (behind a `*`), in lower case, up to six letters."""
    found: set[str] = set()
    for word in set(_LETTERS.findall(text.lower())):
        for length in range(1, min(len(word), _STEM) + 1):
            found.add(word[:length])
            found.add("*" + word[-length:])
    return frozenset(found)


@dataclass(frozen=True)
class Wordings:
    """The lists that wordings may name."""

    lists: Mapping[str, Iterable[str]]

    @cached_property
    def _known(self) -> dict[str, _Part]:
        return {}

    def compiled(self, source: str, not_between: Iterable[str] = ()) -> Wording:
        """One wording as a pattern that begins and ends at the border of a word.

        Args:
            source: in the notation above.
            not_between: words that a gap doesn't read over, beside those of the list `stops`.

        Raises:
            WordingError: where it can't be read.
        """
        stops = [*self.lists.get("stops", ()), *not_between]
        part = _Parser(self, source, stops).read()
        return Wording(source, _bounded(part.pattern), part.hints)

    def any_of(self, sources: Iterable[str]) -> Expression:
        """A pattern for any one of these wordings; it never matches where there are none."""
        parts = [_Parser(self, source, list(self.lists.get("stops", ()))).read().pattern for source in sources]
        return compiled_expression(_bounded("(?:" + "|".join(parts) + ")") if parts else r"(?!)", re.IGNORECASE)

    def alternatives(self, sources: Iterable[str]) -> str:
        """The same as a pattern to build others with, without borders."""
        return "|".join(_Parser(self, source, []).read().pattern for source in sources)

    def of_list(self, name: str, depth: int) -> _Part:
        """Any one entry of a list.

        Raises:
            WordingError: there is no such list, or it stands in itself.
        """
        if name not in self._known:
            if name not in self.lists:
                raise WordingError(f"there is no list {name!r}")
            if depth > _DEPTH:
                raise WordingError(f"the list {name!r} stands in itself")
            self._known[name] = _either([_Parser(self, entry, [], depth + 1).read() for entry in self.lists[name]])
        return self._known[name]


class _Parser:
    """Reads one wording, from the left."""

    def __init__(self, wordings: Wordings, source: str, stops: Iterable[str], depth: int = 0) -> None:
        self._wordings = wordings
        self._source = source
        self._stops = tuple(stops)
        self._depth = depth
        self._tokens = list(_TOKEN.finditer(source))
        self._next = 0

    def read(self) -> _Part:
        if sum(len(token[0]) for token in self._tokens) != len(self._source):
            raise WordingError(f"not a wording: {self._source!r}")
        part = self._either_until("")
        if self._next < len(self._tokens):
            raise WordingError(f"a bracket without its pair: {self._source!r}")
        return part

    def _either_until(self, closing: str) -> _Part:
        """Alternatives up to the closing bracket (left in place)."""
        found = [self._sequence()]
        while self._peek("bar"):
            self._next += 1
            found.append(self._sequence())
        if closing:
            if self._next >= len(self._tokens) or self._tokens[self._next][0] != closing:
                raise WordingError(f"a bracket without its pair: {self._source!r}")
            self._next += 1
        return _either(found)

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        spaced = True
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token["bar"] or token["close"]:
                break
            self._next += 1
            if token["space"]:
                spaced = True
                continue
            part = self._part(token)
            parts.append(replace(part, glued=not spaced))
            spaced = False
        return _joined(parts)

    def _part(self, token: re.Match[str]) -> _Part:
        if token["gap"]:
            word = _WORD + (",?" if token["gap"] == "..." else "")
            stop = f"(?!(?:{self._wordings.alternatives(self._stops)})(?!\\w))" if self._stops else ""
            return _Part(rf"(?:\s+{stop}{word}){{0,{int(token['reach'])}}}?", optional=True, gap=True)
        if token["slot"]:
            entry = self._wordings.of_list(token["list"], self._depth)
            return replace(entry, optional=True, many=True) if token["many"] else entry
        if token["look"]:
            inner = self._either_until(")")
            if token["look"] == "<!(":
                return _Part(f"<{inner.pattern}", zero_width=True)
            ahead = "?!" if token["look"] == "!(" else "?="
            end = f"|{_END}" if r"\$" in inner.pattern else ""
            follows = inner.pattern.replace(r"\$", r"(?!)")
            return _Part(rf"({ahead}{_SEPARATOR}?(?:{follows})(?!\w){end})", zero_width=True)
        if token["open"]:
            inner = self._either_until(")" if token[0] == "(" else "]")
            return replace(inner, optional=token[0] == "[")
        if token["exact"]:
            written = token[0][1:]
            return _Part(f"(?-i:{re.escape(written)})", _stem(written))
        return _plain(token[0])

    def _peek(self, kind: str) -> bool:
        return self._next < len(self._tokens) and self._tokens[self._next][kind] is not None


def _plain(word: str) -> _Part:
    """One word: `*` any ending, `x?` a letter that may be missing, `#` a number."""
    if "#" in word:
        return _Part(_NUMBER.join(re.escape(piece) for piece in word.split("#")))
    pattern = re.sub(r"\\\*", r"\\w*", re.sub(r"(\w|,)\\\?", r"\1?", re.escape(word)))
    return _Part(pattern.replace("\\-", f"{_SEPARATOR}?"), _stem(word))


def _stem(word: str) -> tuple[frozenset[str], ...]:
    """What a text must hold of a word: its beginning up to the first letter that may differ, or its end."""
    lowered = word.lower()
    if beginning := re.match(r"\w+?(?=\w\?|\W|$)", lowered):
        return (frozenset([beginning[0][:_STEM]]),)
    if end := re.fullmatch(r"\*(\w+)", lowered):
        return (frozenset(["*" + end[1][-_STEM:]]),)
    return ()


def _either(parts: list[_Part]) -> _Part:
    """One of several: a text must hold a stem of one of them."""
    if len(parts) == 1:
        return parts[0]
    best = [min(part.hints, key=len, default=frozenset[str]()) for part in parts]
    hints = (frozenset[str]().union(*best),) if all(best) else ()
    return _Part("(?:" + "|".join(part.pattern for part in parts) + ")", hints)


def _joined(parts: list[_Part]) -> _Part:
    """Parts one after the other, with blanks between them; optional ones bring their blank along."""
    anchor = next((index for index, part in enumerate(parts) if not part.optional and not part.zero_width), None)
    written = ""
    for index, part in enumerate(parts):
        pattern = part.pattern
        if part.zero_width:
            written += _before(pattern[1:]) if pattern.startswith("<") else pattern
            continue
        if part.gap:
            written += pattern
            continue
        follows = _SEPARATOR if not _glued_next(parts, index) else ""
        leads = "" if part.glued else _SEPARATOR
        if anchor is None or index < anchor:
            written += (
                f"(?:(?:{pattern}){',?' if part.many else ''}{follows}){part.times}" if part.optional else pattern
            )
        elif part.optional:
            written += f"(?:{leads}(?:{pattern}){',?' if part.many else ''}){part.times}"
        else:
            written += (leads if index > anchor else "") + (f"(?:{pattern})" if "|" in pattern else pattern)
    needed = [part.hints for part in parts if not (part.optional or part.zero_width or part.glued)]
    return _Part(written, tuple(dict.fromkeys(one for hints in needed for one in hints)))


def _glued_next(parts: list[_Part], index: int) -> bool:
    return index + 1 < len(parts) and parts[index + 1].glued


def _before(alternatives: str) -> str:
    """What must not stand before: one look back for each alternative, of one length."""
    inner = re.sub(r"^\(\?:|\)$", "", alternatives) if alternatives.startswith("(?:") else alternatives
    return "".join(f"(?<!{one.replace(_SEPARATOR, chr(92) + 's')}[\\s-])" for one in inner.split("|"))


def _bounded(pattern: str) -> str:
    return rf"(?<![\w])(?:{pattern})(?!\w)"
