"""Finds regular expressions that can run for ever on some text: where a repeat can be read in several ways, a matcher tries them all.

An expression is taken apart by Python's own parser and made into an automaton (Glushkov's, with how many ways lead from one place to the
next). Two ways round one loop for the same words means exponential time; two loops that can share the same words between them mean time with
a power of the length (Weideman et al. 2016). Conditions (looking ahead, borders of words) are left out, so what is found is a suspicion
with a text to try it on: `probe` does that. Nothing here reads a note.
"""

import importlib
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

_ALPHABET = "".join(map(chr, (9, 10, 13, *range(32, 127)))) + "\xa0é–’µ中\x00"
"""The characters that expressions of rules tell apart; one of each kind beyond ASCII."""
_FAVOURITES = "a1 xe0t-s.,"
"""Taken first for a text to try."""
_COPIES = 3
"""A bounded repeat with a loop in it is written out so often: enough to see that its turns can share words."""
_EXACT = 6
"""A repeat of a fixed number up to this is written out."""
_MOST_BRANCHES = 40
"""Alternatives of one list that are looked at."""
_ROW = 3
"""Loops in a row from which on they are suspicious."""
_TRIED = 2
"""Texts to try of one expression."""
_MOST_STATES = 30_000
"""Of a product that is searched; beyond it an expression is given up as too large to judge."""

Edges = dict[int, dict[int, int]]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A loop that may be read in several ways, with a text that shows it: the prefix, the pump often, and something that does not fit."""

    exponential: bool
    prefix: str
    pump: str


@dataclass
class _Automaton:
    """Places in an expression where one character is read, and how they follow one another."""

    masks: list[int] = field(default_factory=list)
    """For each place, the characters it takes, a bit each."""
    follow: Edges = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """From place to place, in how many ways."""
    endless: set[tuple[int, int]] = field(default_factory=set)
    """Steps that a repeat without bound allows."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the expression: where it may begin, where it may end (a place stands twice if two ways lead to it), and in how many ways it
    may be nothing, up to 2.
    """

    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    nothing: int = 1


def suspect(expression: str, flags: int = 0) -> list[Suspicion]:
    """The loops of an expression that may run without bound, the worst first.

    Raises:
        re.error: it is no regular expression.
    """
    tree = _parser.parse(expression, flags)
    automaton = _Automaton()
    whole = _build(automaton, tree, flags | tree.state.flags)
    if not automaton.endless:
        return []
    loops = _loops(automaton)
    ways = _ways(automaton, whole.first)
    found = [one for loop in loops for one in _twice_round(automaton, loop, ways)]
    if not found:
        found = list(_shared(automaton, loops, ways))
    return list({(one.prefix, one.pump): one for one in found}.values())


# From the parsed expression to the automaton


def _build(automaton: _Automaton, tree: Iterable[tuple[Any, Any]], flags: int) -> _Piece:
    whole = _Piece()
    for operation, argument in tree:
        whole = _then(automaton, whole, _item(automaton, str(operation), argument, flags))
    return whole


def _item(automaton: _Automaton, operation: str, argument: Any, flags: int) -> _Piece:
    match operation:
        case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY":
            return _place(automaton, _mask(operation, argument, flags))
        case "SUBPATTERN":
            _, add, remove, inner = argument
            return _build(automaton, inner, (flags | add) & ~remove)
        case "ATOMIC_GROUP":
            return _build(automaton, argument, flags)
        case "BRANCH":
            return _either([_build(automaton, branch, flags) for branch in _some(argument[1])])
        case "GROUPREF_EXISTS":
            return _either(
                [_build(automaton, branch, flags) for branch in argument[1:] if branch is not None] + [_Piece()]
            )
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, tree = argument
            return _repeat(automaton, least, most, tree, flags)
        case "ASSERT" | "ASSERT_NOT" if argument[0] > 0:
            looked = _build(automaton, argument[1], flags)
            return _Piece(looked.first)  # it may be read, and leads nowhere
        case _:
            return _Piece()


def _some(branches: list[Any]) -> list[Any]:
    """The alternatives that are looked at: of a long list of words (drugs, organs) every so manyth, and all that are more than words."""
    if len(branches) <= _MOST_BRANCHES:
        return branches
    step = len(branches) / _MOST_BRANCHES
    taken = {int(number * step) for number in range(_MOST_BRANCHES)}
    return [branch for number, branch in enumerate(branches) if number in taken or not _is_words(branch)]


def _is_words(tree: Iterable[tuple[Any, Any]]) -> bool:
    """Whether a part is characters alone, each perhaps repeated."""
    return all(
        str(operation) in _CHARACTERS
        or (str(operation) == "MAX_REPEAT" and len(argument[2]) == 1 and _is_words(argument[2]))
        for operation, argument in tree
    )


_CHARACTERS = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY", "AT"})


def _place(automaton: _Automaton, mask: int) -> _Piece:
    automaton.masks.append(mask)
    here = (len(automaton.masks) - 1,)
    return _Piece(here, here, 0)


def _then(automaton: _Automaton, one: _Piece, two: _Piece) -> _Piece:
    for end in one.last:
        for start in two.first:
            automaton.follow[end][start] += 1
    first = (*one.first, *(two.first * one.nothing))
    last = (*(one.last * two.nothing), *two.last)
    return _Piece(first, last, min(one.nothing * two.nothing, 2))


def _either(pieces: list[_Piece]) -> _Piece:
    first = tuple(place for piece in pieces for place in piece.first)
    last = tuple(place for piece in pieces for place in piece.last)
    return _Piece(first, last, min(sum(piece.nothing for piece in pieces), 2))


def _repeat(automaton: _Automaton, least: int, most: Any, tree: Any, flags: int) -> _Piece:
    endless = most is _constants.MAXREPEAT
    if endless:
        body = _build(automaton, tree, flags)
        _again(automaton, body, endless=True)
        return _Piece(body.first, body.last, _nothing(body, least))
    before = len(automaton.endless)
    size = len(automaton.masks)
    body = _build(automaton, tree, flags)
    loops_inside = len(automaton.endless) > before
    small = int(most) <= _COPIES or (least == most and int(most) <= _EXACT and len(automaton.masks) - size <= _EXACT)
    if most == 0:
        return _Piece()
    if not small and not loops_inside:
        _again(automaton, body, endless=False)
        return _Piece(body.first, body.last, _nothing(body, least))
    whole = _Piece(body.first, body.last, _nothing(body, least))
    for number in range(1, min(int(most), _EXACT if small else _COPIES)):
        copy = _build(automaton, tree, flags)
        whole = _then(automaton, whole, _Piece(copy.first, copy.last, _nothing(copy, least - number)))
    return whole


def _nothing(body: _Piece, least: int) -> int:
    """In how many ways a repeated part may be nothing: not there at all, or there and empty."""
    return min(body.nothing + (least <= 0), 2)


def _again(automaton: _Automaton, body: _Piece, *, endless: bool) -> None:
    for end in body.last:
        for start in body.first:
            automaton.follow[end][start] += 1
            if endless:
                automaton.endless.add((end, start))


def _mask(operation: str, argument: Any, flags: int) -> int:
    if operation == "ANY":
        return _bits(lambda letter: letter != "\n" or bool(flags & re.DOTALL))
    if operation == "IN":
        items = [(str(kind), value) for kind, value in argument]
        negated = items[0][0] == "NEGATE"
        taken = 0
        for kind, value in items[negated:]:
            taken |= _class(kind, value, bool(flags & re.IGNORECASE))
        return _all() & ~taken if negated else taken
    taken = _class("LITERAL", argument, bool(flags & re.IGNORECASE))
    return _all() & ~taken if operation == "NOT_LITERAL" else taken


@lru_cache(maxsize=4096)
def _class(kind: str, value: Any, any_case: bool) -> int:
    if kind == "CATEGORY":
        return _bits(_CATEGORIES[str(value)])
    low, high = (value, value) if kind == "LITERAL" else value
    if any_case:
        return _bits(
            lambda letter: any(low <= ord(one) <= high for one in {letter, letter.lower(), letter.upper()[:1]})
        )
    return _bits(lambda letter: low <= ord(letter) <= high)


_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_NOT_DIGIT": lambda letter: not letter.isdecimal(),
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_NOT_SPACE": lambda letter: not letter.isspace(),
    "CATEGORY_WORD": lambda letter: letter.isalnum() or letter == "_",
    "CATEGORY_NOT_WORD": lambda letter: not (letter.isalnum() or letter == "_"),
}


def _bits(taken: Callable[[str], bool]) -> int:
    return sum(1 << number for number, letter in enumerate(_ALPHABET) if taken(letter))


@lru_cache(maxsize=1)
def _all() -> int:
    return (1 << len(_ALPHABET)) - 1


def _letter(mask: int) -> str:
    """A character of a class, a plain one if there is one."""
    for letter in _FAVOURITES:
        if mask >> _ALPHABET.index(letter) & 1:
            return letter
    return _ALPHABET[(mask & -mask).bit_length() - 1] if mask else ""


# Loops and the words that lead through them


def _loops(automaton: _Automaton) -> list[frozenset[int]]:
    """The strongly connected places that a repeat without bound joins (Tarjan, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[frozenset[int]] = []
    for root in range(len(automaton.masks)):
        if root in order:
            continue
        work = [(root, iter(automaton.follow.get(root, {})))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            place, following = work[-1]
            step = next(following, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == order[place]:
                    found.append(_popped(stack, on_stack, place))
            elif step not in order:
                order[step] = low[step] = len(order)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(automaton.follow.get(step, {}))))
            elif step in on_stack:
                low[place] = min(low[place], order[step])
    home = {place: number for number, loop in enumerate(found) for place in loop}
    endless = {home[one] for one, two in automaton.endless if home[one] == home[two]}
    return [found[number] for number in sorted(endless)]


def _popped(stack: list[int], on_stack: set[int], place: int) -> frozenset[int]:
    loop = set()
    while True:
        top = stack.pop()
        on_stack.discard(top)
        loop.add(top)
        if top == place:
            return frozenset(loop)


def _ways(automaton: _Automaton, first: Iterable[int]) -> dict[int, str]:
    """A shortest text that leads up to and through each place that can be reached."""
    ways = {place: _letter(automaton.masks[place]) for place in first if automaton.masks[place]}
    queue = deque(ways)
    while queue:
        place = queue.popleft()
        for step in automaton.follow.get(place, {}):
            if step not in ways and automaton.masks[step]:
                ways[step] = ways[place] + _letter(automaton.masks[step])
                queue.append(step)
    return ways


def _twice_round(automaton: _Automaton, loop: frozenset[int], ways: dict[int, str]) -> Iterator[Suspicion]:
    """Whether the same words lead round a loop in two ways (exponential)."""
    inside = {place: {step: n for step, n in automaton.follow.get(place, {}).items() if step in loop} for place in loop}
    for place, steps in inside.items():
        for step, count in steps.items():
            if count > 1 and place in ways:
                back = _word(automaton, inside, step, place)
                yield Suspicion(True, ways[place], _letter(automaton.masks[step]) + back)
                return
    parted: dict[tuple[int, int], tuple[int, str]] = {}
    seen: set[frozenset[int]] = set()
    for place in loop:
        nexts = list(inside[place])
        alike = frozenset(nexts)
        if alike in seen:
            continue  # the ends of a list of words all lead to the same beginnings
        seen.add(alike)
        for number, one in enumerate(nexts):
            for two in nexts[number + 1 :]:
                common = automaton.masks[one] & automaton.masks[two]
                if common and (one, two) not in parted:
                    parted[one, two] = (place, _letter(common))
    queue = deque(parted)
    while queue and len(parted) < _MOST_STATES:
        pair = queue.popleft()
        origin, word = parted[pair]
        for one in inside[pair[0]]:
            for two in inside[pair[1]]:
                common = automaton.masks[one] & automaton.masks[two]
                if not common:
                    continue
                longer = word + _letter(common)
                if one == two:
                    if origin in ways:
                        yield Suspicion(True, ways[origin], longer + _word(automaton, inside, one, origin))
                        return
                elif (one, two) not in parted:
                    parted[one, two] = (origin, longer)
                    queue.append((one, two))


def _word(automaton: _Automaton, inside: dict[int, dict[int, int]], start: int, goal: int) -> str:
    """The characters behind `start` on a shortest way to `goal`."""
    if start == goal:
        return ""
    words = {start: ""}
    queue = deque([start])
    while queue:
        place = queue.popleft()
        for step in inside[place]:
            if step not in words:
                words[step] = words[place] + _letter(automaton.masks[step])
                if step == goal:
                    return words[step]
                queue.append(step)
    return ""


def _shared(automaton: _Automaton, loops: list[frozenset[int]], ways: dict[int, str]) -> Iterator[Suspicion]:
    """Rows of three or more loops of which each can take the words of the next, and the way between them too: the time grows with the
    length to the power of their number. Two in a row (a square) are common, and no fault within a page of text.
    """
    words: dict[int, dict[int, str]] = {number: _sharing(automaton, loops, number) for number in range(len(loops))}
    depth: dict[int, int] = {}
    for number in range(len(loops)):  # Tarjan gives the last ones first
        depth[number] = 1 + max((depth.get(other, 1) for other in words[number]), default=0)
    found = 0
    for number in sorted(depth, key=lambda one: -depth[one]):
        place = min(loops[number])
        if depth[number] >= _ROW and place in ways and found < _TRIED:
            best = max(words[number], key=lambda other: depth.get(other, 1))
            found += 1
            yield Suspicion(False, ways[place], words[number][best])


def _sharing(automaton: _Automaton, loops: list[frozenset[int]], number: int) -> dict[int, str]:
    """The loops that can take the words of one loop, and such a word each."""
    loop = loops[number]
    taken = 0
    for place in loop:
        taken |= automaton.masks[place]
    near = _reached(automaton, loop, taken)
    found: dict[int, str] = {}
    for index, other in enumerate(loops):
        if index == number or not other & near:
            continue
        if len(loop) == len(other) == 1:
            word = _straight(automaton, min(loop), min(other))
        else:
            pairs = ((one, two) for one in sorted(loop)[:_ROW] for two in sorted(other & near)[:_ROW])
            word = next((word for one, two in pairs if (word := _pumped(automaton, loop, other, one, two, near))), "")
        if word:
            found[index] = word
    return found


def _straight(automaton: _Automaton, one: int, two: int) -> str:
    """A word from one character's loop to another's that both loops take; "" where there is none."""
    common = automaton.masks[one] & automaton.masks[two]
    words = {one: ""}
    queue = deque([one] if common else [])
    while queue:
        place = queue.popleft()
        for step in automaton.follow.get(place, {}):
            if step not in words and automaton.masks[step] & common:
                words[step] = words[place] + _letter(automaton.masks[step] & common)
                if step == two:
                    return words[step]
                queue.append(step)
    return ""


def _reached(automaton: _Automaton, loop: frozenset[int], taken: int) -> set[int]:
    """The places behind a loop that can be come to by characters the loop takes."""
    near = set(loop)
    queue = deque(loop)
    while queue:
        for step in automaton.follow.get(queue.popleft(), {}):
            if step not in near and automaton.masks[step] & taken:
                near.add(step)
                queue.append(step)
    return near


def _pumped(
    automaton: _Automaton, loop: frozenset[int], other: frozenset[int], one: int, two: int, near: set[int]
) -> str:
    """A word that leads from `one` round its loop, from `one` to `two`, and from `two` round its own; "" where there is none."""
    goal = (one, two, two)
    words = {(one, one, two): ""}
    queue = deque(words)
    while queue and len(words) < _MOST_STATES // 10:
        here = queue.popleft()
        for a in automaton.follow.get(here[0], {}):
            if a not in loop:
                continue
            for c in automaton.follow.get(here[2], {}):
                both = automaton.masks[a] & automaton.masks[c]
                if c not in other or not both:
                    continue
                for b in automaton.follow.get(here[1], {}):
                    common = both & automaton.masks[b]
                    step = (a, b, c)
                    if b in near and common and (step == goal or step not in words):
                        word = words[here] + _letter(common)
                        if step == goal:
                            return word
                        words[step] = word
                        queue.append(step)
    return ""
