"""The filter line of the list: `conf<0.8 state:? item:stage note:path word`. Pure; all parts must hold."""

import re
from collections.abc import Callable, Iterable

from abstractor.model.errors import InputError
from abstractor.review.rows import Row

Test = Callable[[Row], bool]

_CONFIDENCE = re.compile(r"conf(<=|>=|<|>)(\d*\.?\d+)")
_HALF_CONFIDENCE = re.compile(r"conf\s*[<>=:]")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, two: one < two,
    ">": lambda one, two: one > two,
    "<=": lambda one, two: one <= two,
    ">=": lambda one, two: one >= two,
}


def parse_filter(line: str) -> Test:
    """Reads a filter line.

    Raises:
        InputError: a part that is not understood, with what there is.
    """
    tests = [_test(part) for part in line.split()]
    return lambda row: all(test(row) for test in tests)


def _test(part: str) -> Test:
    confidence = _CONFIDENCE.fullmatch(part)
    if confidence:
        compare, limit = _COMPARE[confidence[1]], float(confidence[2])
        return lambda row: bool(row.choices) and compare(row.confidence, limit)
    if _HALF_CONFIDENCE.match(part):
        raise InputError(f"{part!r} can't be read; write conf<0.8, with <, >, <= or >=")
    key, colon, value = part.partition(":")
    if colon and not value:
        raise InputError(f"{part!r} says nothing; write {key}:something")
    low = value.casefold()
    match key if colon else "":
        case "state":
            return lambda row: row.state.value in value or ("^" in value and bool(row.changed))
        case "item":
            return lambda row: low in _item(row)
        case "note":
            return lambda row: any(low in f"{one.note_type} {one.note_id}".casefold() for one in row.evidence)
        case "":
            word = part.casefold()
            return lambda row: word in f"{_item(row)} {_values(row)}"
        case _:
            raise InputError(f"unknown filter {key!r}; there are conf<0.8 state:? item:stage note:path, and words")


def _item(row: Row) -> str:
    return f"{row.spec.name} {row.spec.label} {row.spec.group}".casefold()


def _values(row: Row) -> str:
    """What the row shows, and the codes behind it: either may be typed."""
    codes = " ".join(choice.value for choice in row.choices)
    return f"{row.shown} {codes} {row.decision.value if row.decision is not None else ''}".casefold()


def filter_rows(rows: Iterable[Row], line: str) -> tuple[Row, ...]:
    """The rows that a filter line lets through; all for an empty line."""
    test = parse_filter(line)
    return tuple(row for row in rows if test(row))
