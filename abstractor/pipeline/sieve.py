"""Regular expressions that know what they cannot match without, and texts that know which of these words they hold, and where.

A text is searched once for the words of all expressions together (Aho-Corasick). An expression that is then run on the text, or on a part of
it, is not run at all where the words it needs are missing; where they are there, it runs as ever. So the findings are the same with and
without: a plain text (any `str`) is simply read the long way.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from ahocorasick_rs import AhoCorasick

from abstractor.pipeline.literals import BLANKS, Condition, Outline, alternatives, fold, outline, relaxed, remainder
from abstractor.pipeline.outlines import cached_outlines

OUTLINES = cached_outlines()
_END = 1 << 60
_NOTHING: tuple[re.Match[str], ...] = ()


class Search:
    """Looks for the words of some sets in a text, all at once."""

    def __init__(self, sets: Mapping[int, frozenset[str]]) -> None:
        homes: dict[str, list[int]] = {}
        for number, words in sets.items():
            for word in words:
                homes.setdefault(word, []).append(number)
        self._finder = AhoCorasick(list(homes))
        self._homes = list(homes.values())
        self.known = frozenset(sets)

    @classmethod
    def of(cls, expressions: Iterable["Expression"]) -> "Search":
        """For what some expressions need, and nothing else."""
        numbers = {number for one in expressions for number in one.numbers}
        return cls({number: words for words, number in _WORDS.sets.items() if number in numbers})

    def scanned(self, text: str) -> str:
        """The text, searched; the plain text where nothing certain can be said of it (`fold`)."""
        folded = fold(text)
        if folded is None:
            return text
        scanned = ScannedText(text)
        scanned.hits = Hits(self._found(folded), self.known)
        return scanned

    def _found(self, folded: str) -> dict[int, list[list[int]]]:
        """For each set that has a word in the text, the places of each such word, in order."""
        places: dict[int, list[int]] = {}
        for word, start, _ in self._finder.find_matches_as_indexes(folded, overlapping=True):
            if word in places:
                places[word].append(start)
            else:
                places[word] = [start]
        found: dict[int, list[list[int]]] = {}
        for word, starts in places.items():
            for home in self._homes[word]:
                if home in found:
                    found[home].append(starts)
                else:
                    found[home] = [starts]
        return found


class _Words:
    """The sets of words that the expressions of this process need."""

    def __init__(self) -> None:
        self.sets: dict[frozenset[str], int] = {}
        self._search: Search | None = None

    def added(self, words: frozenset[str]) -> int:
        """Number of a set of words."""
        if words not in self.sets:
            self.sets[words] = len(self.sets)
            self._search = None
        return self.sets[words]

    @property
    def search(self) -> Search:
        """For all of them; it is made anew when expressions were added."""
        if self._search is None:
            self._search = Search({number: words for words, number in self.sets.items()})
        return self._search


_WORDS = _Words()
_NOWHERE: list[int] = []


class Hits:
    """Which words stand in a text, and where."""

    __slots__ = ("_by_set", "_found", "known")
    whole: "Hits | None" = None
    """Those of the whole text, where these are of a part of it."""

    def __init__(self, found: dict[int, list[list[int]]], known: Set[int]) -> None:
        self.known = known
        """Sets that the text was searched for; an expression with others can't rely on it."""
        self._found = found
        self._by_set: dict[int, list[int]] = {}

    def places(self, number: int) -> list[int]:
        """Where a word of a set begins, in order."""
        found = self._found.get(number)
        if found is None:
            return _NOWHERE
        if len(found) == 1:
            return found[0]
        known = self._by_set.get(number)
        if known is None:
            known = self._by_set[number] = sorted(chain.from_iterable(found))
        return known


class _PartOfHits:
    """What stands in a part of a searched text, with places counted from its start."""

    __slots__ = ("_by_set", "_end", "_of", "_start", "known", "whole")

    def __init__(self, whole: "Hits | _PartOfHits", start: int, end: int) -> None:
        self.known: Set[int] = whole.known
        self.whole: Hits | _PartOfHits = whole.whole or whole
        self._of = whole
        self._start = start
        self._end = end
        self._by_set: dict[int, list[int]] = {}

    def places(self, number: int) -> list[int]:
        """Where a word of a set begins, in order."""
        whole = self._of.places(number)
        if not whole:
            return whole
        known = self._by_set.get(number)
        if known is None:
            start = self._start
            first = bisect_left(whole, start)
            known = [place - start for place in whole[first : bisect_left(whole, self._end, first)]]
            self._by_set[number] = known
        return known


class Gate:
    """Tells of a whole text, at the cost of one quick search, which of some expressions may match in it.

    First it asks whether the words of any one alternative are there. Where they are, each expression is tried at these words, without what it
    asks for around the match and without regard to the kind of blanks.
    """

    def __init__(self, expressions: Mapping[str, tuple[str, int]]) -> None:
        listed = {name: alternatives(*one) for name, one in expressions.items()}
        words = sorted({word for among in listed.values() for row in among for need in row for word in need.words})
        numbers = {word: number for number, word in enumerate(words)}
        self._finder = AhoCorasick(words)
        self.always = frozenset(name for name, among in listed.items() if not all(among))
        """Those of which it can never be told: an alternative can match without any certain word."""
        self._rows: dict[int, list[tuple[str, tuple[frozenset[int], ...]]]] = {}
        for name, among in listed.items():
            for row in filter(None, among):
                needs = tuple(frozenset(numbers[word] for word in need.words) for need in row)
                for number in needs[0]:
                    self._rows.setdefault(number, []).append((name, needs))
        self._leads = {name: _leads(among, numbers) for name, among in listed.items()}
        self._relaxed = {name: relaxed(*one) for name, one in expressions.items()}

    def open_to(self, text: str) -> frozenset[str]:
        """Names of the expressions that may match; all of them where nothing certain can be said of the text."""
        folded = fold(text)
        if folded is None:
            return frozenset(self._relaxed)
        places: dict[int, list[int]] = {}
        for number, start, _ in self._finder.find_matches_as_indexes(folded, overlapping=True):
            places.setdefault(number, []).append(start)
        rows = {row for number in places for row in self._rows.get(number, ())}
        near = {name for name, needs in rows if not any(need.isdisjoint(places) for need in needs)} | self.always
        if not near:
            return frozenset()
        blanked = text.translate(BLANKS)
        return frozenset(name for name in near if self._matches(name, blanked, places))

    def _matches(self, name: str, text: str, places: Mapping[int, list[int]]) -> bool:
        pattern, leads = self._relaxed[name], self._leads[name]
        if pattern is None:
            return True
        if leads is None:
            return pattern.search(text) is not None
        return any(
            pattern.match(text, max(0, place - back))
            for number in leads.keys() & places.keys()
            for place in places[number]
            for back in range(leads[number] + 1)
        )


def _leads(rows: Iterable[tuple[Condition, ...]], numbers: Mapping[str, int]) -> dict[int, int] | None:
    """For each word that a match begins with, or nearly so, how far before it; None where an alternative has no such word."""
    leads: dict[int, int] = {}
    for row in rows:
        near = next((one for one in row if one.near), None)
        if near is None:
            return None
        for word in near.words:
            leads[numbers[word]] = max(leads.get(numbers[word], 0), near.lead or 0)
    return leads


class ScannedText(str):
    """A text with what stands in it; parts that are cut out of it are plain texts again."""

    hits: "Hits | _PartOfHits"

    __slots__ = ("hits",)

    @classmethod
    def of(cls, text: str) -> str:
        """The text, searched for the words of all expressions; the plain text where offsets could shift (letters whose lower case is longer) or digits are not 0 to 9."""
        return _WORDS.search.scanned(text)

    def replaced(self, text: str) -> "ScannedText":
        """Another text that folds to the same: only blanks were put in the place of other blanks."""
        scanned = type(self)(text)
        scanned.hits = self.hits
        return scanned


def part(text: str, start: int, end: int) -> str:
    """A part of a text, cut out; of a searched text a searched one."""
    hits = getattr(text, "hits", None)
    if hits is None or not 0 <= start < end:
        return text[start:end]
    cut = ScannedText(text[start:end])
    cut.hits = _PartOfHits(hits, start, end)
    return cut


def like(text: str, other: str) -> str:
    """Another text that folds to the same as one that may have been searched; it is a searched one then."""
    return text.replaced(other) if isinstance(text, ScannedText) else other


class Expression:
    """A compiled regular expression with the methods of `re.Pattern` that are used here."""

    __slots__ = ("_needs", "_rest", "_rest_needs", "_seen", "_starts", "flags", "pattern", "regex")

    def __init__(self, pattern: str, flags: int, known: Outline) -> None:
        self.pattern = pattern
        """As it was written."""
        self.flags = flags
        """As they were given."""
        self._needs = tuple(_WORDS.added(one.words) for one in known.needs)
        self._starts = tuple((_WORDS.added(one.words), one.lead or 0) for one in known.starts)
        self._seen: tuple[Hits | _PartOfHits | None, bool] = None, False
        self._rest: re.Pattern[str] | None
        self._rest_needs = tuple(_WORDS.added(one.words) for one in known.rest or ())
        if known.rest is None:
            self._rest = None
        self.regex: re.Pattern[str]

    def __getattr__(self, name: str) -> Any:
        """Compiles when it is first run: most expressions of a rulebook never are, in most notes."""
        if name == "regex":
            self.regex = re.compile(self.pattern, self.flags)
            return self.regex
        if name == "_rest":
            self._rest = remainder(self.pattern, self.flags)
            return self._rest
        raise AttributeError(name)

    @property
    def numbers(self) -> set[int]:
        """The sets of words that it asks for."""
        return {*self._needs, *self._rest_needs, *(number for number, _ in self._starts)}

    @property
    def groupindex(self) -> Any:
        """As `re.Pattern.groupindex`."""
        return self.regex.groupindex

    def _possible(self, hits: Hits | _PartOfHits, start: int, end: int) -> bool:
        """Whether all that a match needs begins within a stretch."""
        whole = hits.whole or hits
        seen = self._seen
        if seen[0] is not whole:
            seen = self._seen = whole, self._anywhere(whole)
        return seen[1] and _all_begin(self._needs, hits, start, end)

    def _starts_among(self, known: Set[int]) -> bool:
        """Whether a text was searched for the words that a match begins with."""
        for number, _ in self._starts:  # noqa: SIM110  (run for every stretch)
            if number not in known:
                return False
        return True

    def _anywhere(self, hits: Hits | _PartOfHits) -> bool:
        """Whether all that a match needs stands in the whole text: most often not, and this is remembered for its sentences."""
        for number in self._needs:  # noqa: SIM110  (run for every expression and note)
            if number in hits.known and not hits.places(number):
                return False
        return True

    def may_match(self, text: str, start: int = 0, end: int = _END) -> bool:
        """Whether a match is possible; True for a plain text."""
        hits = getattr(text, "hits", None)
        return hits is None or self._possible(hits, start, end)

    def search(self, text: str, start: int = 0, end: int = _END) -> re.Match[str] | None:
        """As `re.Pattern.search`."""
        hits = getattr(text, "hits", None)
        if hits is None:
            return self.regex.search(text, start, end)
        if not self._possible(hits, start, end):
            return None
        if not self._starts or not self._starts_among(hits.known):
            return self.regex.search(text, start, end)
        return next(self._tried(text, hits, start, end), None)

    def finditer(self, text: str, start: int = 0, end: int = _END) -> Iterator[re.Match[str]]:
        """As `re.Pattern.finditer`."""
        hits = getattr(text, "hits", None)
        if hits is None:
            return self.regex.finditer(text, start, end)
        if not self._possible(hits, start, end):
            return iter(_NOTHING)
        if not self._starts or not self._starts_among(hits.known):
            return self.regex.finditer(text, start, end)
        return self._tried(text, hits, start, end)

    def _tried(self, text: str, hits: Hits | _PartOfHits, start: int, end: int) -> Iterator[re.Match[str]]:
        """The matches of a stretch, in order, tried only where one can begin.

        A search takes the first place at which the expression matches; all such places are among those tried, so it finds the same.
        """
        match = self.regex.match
        other = self._other(text, hits, start, end)
        for first in chain(self._beginnings(hits, start, end), (_END,)):
            while other is not None and other.start() <= first:
                if other.start() < start:  # the last match reached over it
                    other = self._other(text, hits, start, end)
                    continue
                found = match(text, other.start(), end)
                if found is None:  # it can't be: what is left is searched the long way
                    yield from self.regex.finditer(text, start, end)
                    return
                yield found
                start = found.end()
            if start <= first < end and (found := match(text, first, end)):
                yield found
                start = found.end()

    def _other(self, text: str, hits: Hits | _PartOfHits, start: int, end: int) -> re.Match[str] | None:
        """The first match of those alternatives of which it can't be told where they begin."""
        if self._rest is None or not _all_begin(self._rest_needs, hits, start, end):
            return None
        return self._rest.search(text, start, end)

    def _beginnings(self, hits: Hits | _PartOfHits, start: int, end: int) -> Iterable[int]:
        """Where a match may begin, in order; a place may stand twice."""
        if len(self._starts) == 1:
            number, lead = self._starts[0]
            return _before(hits.places(number), lead, start, end)
        return sorted(
            chain.from_iterable(_before(hits.places(number), lead, start, end) for number, lead in self._starts)
        )

    def match(self, text: str, start: int = 0, end: int = _END) -> re.Match[str] | None:
        """As `re.Pattern.match`."""
        return self.regex.match(text, start, end)

    def fullmatch(self, text: str, start: int = 0, end: int = _END) -> re.Match[str] | None:
        """As `re.Pattern.fullmatch`."""
        return self.regex.fullmatch(text, start, end)

    def findall(self, text: str, start: int = 0, end: int = _END) -> list[Any]:
        """As `re.Pattern.findall`."""
        return self.regex.findall(text, start, end) if self.may_match(text, start, end) else []

    def split(self, text: str, most: int = 0) -> list[str | Any]:
        """As `re.Pattern.split`."""
        return self.regex.split(text, most)

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str) -> str:
        """As `re.Pattern.sub`."""
        return self.regex.sub(replacement, text)


def _all_begin(numbers: Iterable[int], hits: Hits | _PartOfHits, start: int, end: int) -> bool:
    """Whether a word of each set begins in a stretch; what a text was not searched for is taken to be there."""
    for number in numbers:
        if number in hits.known:
            places = hits.places(number)
            index = bisect_left(places, start)
            if index == len(places) or places[index] >= end:
                return False
    return True


def _before(places: list[int], lead: int, start: int, end: int) -> Iterable[int]:
    """The places of a stretch, each with as many characters before it as a match may begin earlier."""
    index = bisect_left(places, start)
    if not lead:
        return places[index : bisect_left(places, end)]
    return _stepped(places, index, lead, start, end)


def _stepped(places: list[int], index: int, lead: int, start: int, end: int) -> Iterator[int]:
    for place in islice(places, index, None):
        if place >= end:
            return
        yield from range(max(start, place - lead), place + 1)
        start = place + 1


@lru_cache(maxsize=8192)
def _made(expression: str, flags: int) -> Expression:
    return Expression(expression, flags, OUTLINES.of(expression, flags, outline))


def compiled_expression(expression: str, flags: int = 0) -> Expression:
    """As `re.compile`.

    Raises:
        re.error: it is no regular expression.
    """
    return _made(expression, int(flags))
