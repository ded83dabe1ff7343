"""Works out which words a regular expression cannot match without, so that a text can be searched for all of them at once.

The expression is taken apart by Python's own parser. What is found is a necessary condition, never a sufficient one: a text without the
words has no match; a text with them may have one. Where nothing certain can be said of an expression, it has no condition, and is always run.
"""

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")

_MOST_WORDS = 6000
"""Of one condition: a list of all genes has some thousands."""
_MOST_JOINED = 400
"""Words that a row of alternatives may multiply out to."""
_SHORTEST = 2
"""A single letter stands everywhere, and so does one beside a blank."""
_MOST_LETTERS = 10
"""A class of more characters than this is taken for any character."""
_DIGITS = frozenset("0123456789")
_ASCII = 128
_MOST_CONDITIONS = 3
_MOST_KEPT = 12
"""While a long row is worked out."""
_MOST_LEADS = 4
_FARTHEST = 16
"""Characters before a word at which it is worth trying to match."""
_STRANGE = re.compile(r"[^\D0-9]|[^\S \t\n\r\x0b\x0c]")
"""Digits of other scripts, and blanks beyond the common ones: expressions take them for digits and blanks."""
BLANKS = dict.fromkeys(map(ord, "\t\n\r\x0b\x0c"), " ")
"""One blank for another."""
_FOLDED = {
    **BLANKS,
    **dict.fromkeys(map(ord, "\u0131\u0130"), "i"),
    0x17F: "s",
    0x212A: "k",
}
"""Characters that expressions take for others when they ignore case, and blanks, which they hardly ever tell apart."""


def fold(text: str) -> str | None:
    """The text in lower case, every blank a plain one, of the same length; None where nothing certain can be said of it.

    What an expression takes for the same letter when it ignores case folds to the same letter.
    """
    folded = text.translate(_FOLDED).lower()
    if not text.isascii() and (len(folded) != len(text) or _STRANGE.search(text)):
        return None
    return folded


@dataclass(frozen=True, slots=True)
class Condition:
    """One of these words stands in every match."""

    words: frozenset[str]
    """Folded."""
    lead: int | None
    """At most so many characters lie between the start of the match and the word; None: any number."""

    @property
    def near(self) -> bool:
        """Whether the word tells where a match may begin."""
        return self.lead is not None and self.lead <= _FARTHEST

    @property
    def worth(self) -> tuple[int, int]:
        """Long words and few of them tell most."""
        return min(map(len, self.words)), -len(self.words)


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of an expression before it is run; it can be kept, while a compiled expression can't."""

    needs: tuple[Condition, ...] = ()
    """One word of each stands in every match."""
    starts: tuple[Condition, ...] = ()
    """A match begins at one of these words, or as many characters before it as they say, unless it is one of the rest."""
    rest: tuple[Condition, ...] | None = None
    """What the alternatives need of which this can't be said; None: there are none."""


def outline(expression: str, flags: int = 0) -> Outline:
    """What is known of an expression.

    Raises:
        re.error: it is no regular expression.
    """
    tree = _parser.parse(expression, flags)
    _compiler.compile(tree, flags)  # what can't be compiled is told at once
    needs = _conditions(tree)
    near = next((one for one in needs if one.near), None)
    if near is not None:
        return Outline(needs, (near,))
    told: dict[int, set[str]] = {}
    rest: list[list[tuple[Any, Any]]] = []
    for row, first in _beginnings(tree):
        if first is None:
            rest.append(row)
        else:
            told.setdefault(first.lead or 0, set()).update(first.words)
    if not told or len(told) > _MOST_LEADS or tree.getwidth()[0] == 0:
        return Outline(needs)
    starts = tuple(Condition(frozenset(words), lead) for lead, words in sorted(told.items()))
    return Outline(needs, starts, _conditions(_any_row(tree, rest)) if rest else None)


def remainder(expression: str, flags: int = 0) -> re.Pattern[str]:
    """An expression of those alternatives of another of which no word tells where they begin.

    Raises:
        re.error: it is no regular expression.
    """
    tree = _parser.parse(expression, flags)
    rows = [row for row, first in _beginnings(tree) if first is None]
    rest: re.Pattern[str] = _compiler.compile(_any_row(tree, rows), flags)
    return rest


def _beginnings(tree: Any) -> Iterator[tuple[list[tuple[Any, Any]], Condition | None]]:
    """The alternatives of an expression, each with the words at which it begins."""
    for row, part in _alternatives(_items(tree)):
        yield row, next((one for one in _chosen(part.closed()) if one.near), None)


def _any_row(tree: Any, rows: list[list[tuple[Any, Any]]]) -> Any:
    """An expression of some of the alternatives of another."""
    kind = type(tree)
    return kind(tree.state, [(_parser.BRANCH, (None, [kind(tree.state, row) for row in rows]))])


def conditions(expression: str, flags: int = 0) -> tuple[Condition, ...]:
    """What must stand in every match of an expression: one word of each condition. Empty where nothing is certain.

    Raises:
        re.error: it is no regular expression.
    """
    return _conditions(_parser.parse(expression, flags))


def relaxed(expression: str, flags: int = 0) -> re.Pattern[str] | None:
    """An expression that matches at least wherever the given one does, whatever blanks stand in the text in the place of others.

    It asks for nothing ahead or behind; None where the given one asks for a certain kind of blank.

    Raises:
        re.error: it is no regular expression.
    """
    tree = _parser.parse(expression, flags)
    return _compiler.compile(tree, flags) if _relax(tree) else None


def _relax(tree: Any) -> bool:
    """Takes the conditions out of a parsed expression; False where it tells blanks apart."""
    tree.data = [(operation, argument) for operation, argument in tree.data if _stays(str(operation), argument)]
    return all(_relax_item(str(operation), argument) for operation, argument in tree.data)


def _relax_item(operation: str, argument: Any) -> bool:
    match operation:
        case "LITERAL":
            return chr(argument) == " " or not chr(argument).isspace()
        case "NOT_LITERAL":
            return chr(argument) == "\n" or not chr(argument).isspace()
        case "IN":
            return _tells_no_blanks_apart(argument)
        case "SUBPATTERN":
            return _relax(argument[3])
        case "ATOMIC_GROUP":
            return False
        case "BRANCH":
            return all(_relax(branch) for branch in argument[1])
        case "MAX_REPEAT" | "MIN_REPEAT":
            return _relax(argument[2])
        case "POSSESSIVE_REPEAT" | "GROUPREF" | "GROUPREF_EXISTS":
            return False
        case _:
            return True


def _tells_no_blanks_apart(items: list[tuple[Any, Any]]) -> bool:
    """Whether a class of characters that takes another blank takes the plain one too."""
    listed = {chr(value) for kind, value in items if str(kind) == "LITERAL"}
    ranges = [value for kind, value in items if str(kind) == "RANGE"]
    if any(low <= ord(blank) <= high for low, high in ranges for blank in "\t\n\r\x0b\x0c "):
        return False
    if str(items[0][0]) == "NEGATE":
        return " " not in listed
    return " " in listed or not any(map(str.isspace, listed))


def _stays(operation: str, argument: Any) -> bool:
    """Whether a part of an expression means the same for every kind of blank; borders of words do, and looks at one letter."""
    match operation:
        case "AT":
            return "BOUNDARY" in str(argument)
        case "ASSERT" | "ASSERT_NOT":
            looked = list(argument[1])
            return len(looked) == 1 and _is_letters(*looked[0])
        case _:
            return True


def _is_letters(operation: Any, argument: Any) -> bool:
    if str(operation) == "LITERAL":
        return not chr(argument).isspace()
    return str(operation) == "IN" and all(
        str(kind) == "RANGE" or (str(kind) == "LITERAL" and not chr(value).isspace()) for kind, value in argument
    )


def alternatives(expression: str, flags: int = 0) -> tuple[tuple[Condition, ...], ...]:
    """What must stand in a match, for each alternative of an expression apart: all the conditions of one of them hold.

    Raises:
        re.error: it is no regular expression.
    """
    return tuple(_chosen(part.closed()) for _, part in _alternatives(_items(_parser.parse(expression, flags))))


def _alternatives(row: list[tuple[Any, Any]]) -> list[tuple[list[tuple[Any, Any]], "_Part"]]:
    """The alternatives of a row, each with what stands before and behind them all: only its first list of alternatives is taken apart."""
    for index, (operation, argument) in enumerate(row):
        branches: list[Any] = []
        if operation is _parser.BRANCH:
            branches = [one for branch in argument[1] for one in _alternatives(_items(branch))]
        elif operation is _parser.SUBPATTERN:
            group, add, remove, inner = argument  # the flags of the part go with each of its alternatives
            kind = type(inner)
            branches = [
                ([(operation, (group, add, remove, kind(inner.state, one)))], part)
                for one, part in _alternatives(_items(inner))
            ]
        if len(branches) > 1:
            before, behind = _of_row(row[:index]), _of_row(row[index + 1 :])
            return [
                ([*row[:index], *one, *row[index + 1 :]], _then(_then(before, part), behind)) for one, part in branches
            ]
    return [(row, _of_row(row))]


def _conditions(tree: Iterable[tuple[Any, Any]]) -> tuple[Condition, ...]:
    return _chosen(_of_row(tree).closed())


def _chosen(found: Iterable[Condition]) -> tuple[Condition, ...]:
    """The conditions that tell most, one that tells where a match begins among them."""
    useful = sorted((one for one in found if all(map(_tells, one.words))), key=_rank)
    near = [one for one in useful if one.near]
    kept = useful[:_MOST_CONDITIONS]
    return tuple(kept if not near or near[0] in kept else [*kept[:-1], near[0]])


def _tells(word: str) -> bool:
    """Whether a word is rare enough to be looked for."""
    return len(word) > _SHORTEST or (len(word) == _SHORTEST and word.isalnum())


def _rank(condition: Condition) -> tuple[int, int, list[str]]:
    length, number = condition.worth
    return -length, -number, sorted(condition.words)


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of a part of an expression."""

    conditions: tuple[Condition, ...] = ()
    """Of what lies before the words below; counted from the start of the part."""
    words: frozenset[str] = frozenset({""})
    """All that may stand at the end of the part, next to what follows; "" alone: anything."""
    lead: int | None = 0
    """Most characters before these words."""

    @property
    def exact(self) -> bool:
        """Whether the words are all that the part can be."""
        return not self.conditions and self.lead == 0

    @property
    def longest(self) -> int | None:
        """Most characters of the whole part."""
        return None if self.lead is None else self.lead + max(map(len, self.words))

    def closed(self) -> tuple[Condition, ...]:
        """All conditions, that of the last words among them."""
        if "" in self.words:
            return self.conditions
        return (*self.conditions, Condition(self.words, self.lead))


def _of_row(tree: Iterable[tuple[Any, Any]]) -> _Part:
    return reduce(_then, _parts(tree), _Part())


def _items(tree: Any) -> list[tuple[Any, Any]]:
    """The items of a parsed row; its own iterator is slow."""
    items: list[tuple[Any, Any]] = getattr(tree, "data", tree)
    return items


def _parts(tree: Iterable[tuple[Any, Any]]) -> Iterator[_Part]:
    """The parts of a row; letters in a row are one."""
    word = ""
    for operation, argument in _items(tree):
        if operation is _parser.LITERAL and argument < _ASCII:
            word += chr(argument)
            continue
        if word:
            yield _Part(words=frozenset({fold(word) or ""}))
            word = ""
        yield from _of_item(str(operation), argument)
    if word:
        yield _Part(words=frozenset({fold(word) or ""}))


def _then(before: _Part, part: _Part) -> _Part:
    """Two parts, one behind the other."""
    if part.exact:
        if before.words == {""}:
            return _Part(before.conditions, part.words, before.lead)
        if len(before.words) * len(part.words) <= _MOST_JOINED:
            joined = frozenset(one + other for one in before.words for other in part.words)
            return _Part(before.conditions, joined, before.lead)
    shift = before.longest
    moved = tuple(Condition(one.words, _plus(shift, one.lead)) for one in part.conditions)
    known = (*before.closed(), *moved)
    return _Part(known if len(known) <= _MOST_KEPT else _best(known), part.words, _plus(shift, part.lead))


def _best(known: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions of a long row that tell most, and those that tell where it begins."""
    ranked = sorted(known, key=_rank)
    return tuple(dict.fromkeys([*ranked[: _MOST_KEPT // 2], *[one for one in ranked if one.near][: _MOST_KEPT // 2]]))


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _gap(most: int | None) -> _Part:
    """Something of which only the length is known."""
    return _Part(words=frozenset({""}), lead=most)


def _of_item(operation: str, argument: Any) -> tuple[_Part, ...]:
    match operation:
        case "LITERAL":
            return (_letters([chr(argument)]),)
        case "IN":
            return (_of_class(argument),)
        case "ANY" | "NOT_LITERAL":
            return (_gap(1),)
        case "SUBPATTERN":
            return (_of_row(argument[3]),)
        case "ATOMIC_GROUP":
            return (_of_row(argument),)
        case "BRANCH":
            return (_either([_of_row(branch) for branch in argument[1]]),)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _repeated(int(argument[0]), argument[1], argument[2])
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return ()
        case _:
            return (_gap(None),)


def _letters(letters: Iterable[str]) -> _Part:
    """One of some characters."""
    folded = {fold(one) for one in letters}
    known = {one for one in folded if one is not None and one.isascii()}
    return _Part(words=frozenset(known)) if len(known) == len(folded) <= _MOST_LETTERS else _gap(1)


def _of_class(items: list[tuple[Any, Any]]) -> _Part:
    letters: set[str] = set()
    for kind, value in items:
        match str(kind):
            case "LITERAL":
                letters.add(chr(value))
            case "RANGE" if value[1] - value[0] < _MOST_LETTERS:
                letters.update(map(chr, range(value[0], value[1] + 1)))
            case "CATEGORY" if str(value) == "CATEGORY_DIGIT":
                letters.update(_DIGITS)
            case _:
                return _gap(1)
    return _letters(letters)


def _either(parts: list[_Part]) -> _Part:
    if all(part.exact for part in parts):
        words = frozenset[str]().union(*(part.words for part in parts))
        if len(words) <= _MOST_WORDS:
            return _Part(words=words)
    longest = _most([part.longest for part in parts])
    closed = [part.closed() for part in parts]
    near = [tuple(one for one in conditions if one.lead is not None) for conditions in closed]
    found = {one for among in (closed, near) if (one := _any_of(among)) is not None}
    return _Part(tuple(found), frozenset({""}), longest)


def _any_of(alternatives: Sequence[tuple[Condition, ...]]) -> Condition | None:
    """The best condition of each alternative, as one; None where one of them has none."""
    if not all(alternatives):
        return None
    best = [max(conditions, key=lambda one: one.worth) for conditions in alternatives]
    words = frozenset[str]().union(*(one.words for one in best))
    return Condition(words, _most([one.lead for one in best])) if len(words) <= _MOST_WORDS else None


def _most(lengths: list[int | None]) -> int | None:
    known = [one for one in lengths if one is not None]
    return max(known, default=0) if len(known) == len(lengths) else None


def _repeated(least: int, most: Any, tree: Iterable[tuple[Any, Any]]) -> tuple[_Part, ...]:
    part = _of_row(tree)
    bounded = most is not _parser.MAXREPEAT
    if least == 0 and most == 1 and part.exact and len(part.words) <= _MOST_LETTERS:
        return (_Part(words=part.words | {""}),)
    longest = part.longest
    if least == 0:
        return (_gap(longest * int(most) if bounded and longest is not None else None),)
    if least == most == 1:
        return (part,)
    return part, _gap(longest * (int(most) - 1) if bounded and longest is not None else None)
