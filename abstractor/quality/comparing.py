"""Two readings of one patient, question by question: what is the same, what differs and how badly, and what only one has. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from abstractor.model.fact import Fact
from abstractor.quality.day_agreement import days_apart
from abstractor.quality.matching import Found, match_events
from abstractor.quality.settings import QualityRules
from abstractor.review.attributes import NOT_TYPED
from abstractor.rulebook.schema import FieldSpec


class Kind(StrEnum):
    """How two readings of a question stand to each other."""

    SAME = "same"
    VALUE = "value"
    DATE = "date"
    ATTRIBUTES = "attributes"
    FIRST_ONLY = "first only"
    SECOND_ONLY = "second only"


@dataclass(frozen=True, slots=True)
class Pair:
    """One question of both readings."""

    field: str
    kind: Kind
    first: Fact | None
    second: Fact | None
    minor: bool = False
    """Within the tolerance, or one reading says the same more exactly."""
    days: int | None = None
    """Between the two dates; None where one has none, or is not found."""

    @property
    def slot(self) -> str:
        """The question, as the first reader's, else as the second's."""
        return (self.first or self.second or _NOTHING).slot


_NOTHING = Fact("", "", "")


def compare_facts(
    first: Iterable[Fact], second: Iterable[Fact], fields: Mapping[str, FieldSpec], rules: QualityRules
) -> tuple[Pair, ...]:
    """Compares all facts of a patient, in the order of the fields.

    Args:
        first: of the first reading.
        second: of the second.
        fields: the registry's questions.
        rules: tolerances and windows.
    """
    ours, theirs = _by_field(first), _by_field(second)
    names = [*fields, *sorted((ours.keys() | theirs.keys()) - fields.keys())]
    pairs: list[Pair] = []
    for name in names:
        if name in ours or name in theirs:
            pairs += _of_field(ours.get(name, []), theirs.get(name, []), fields.get(name), rules)
    return tuple(pairs)


def _by_field(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.field].append(fact)
    return found


def _of_field(first: list[Fact], second: list[Fact], spec: FieldSpec | None, rules: QualityRules) -> list[Pair]:
    """Matches in rounds, the closest first: what no round matches only one reader has."""
    slot = spec.slot if spec is not None else "value"
    window = rules.window(first[0].field if first else second[0].field)
    rounds = {
        "patient": (_anything,),
        "value": (_same_value, partial(_refines, spec)),
        "event": (partial(_near_and_same, window), partial(_near, window)),
        "episode": (partial(_near_and_same, window),),
    }[slot]
    pairs = []
    for apart in rounds:
        matched = match_events(first, second, apart)
        pairs += [_pair(first[one], second[other], spec, rules) for one, other in matched]
        first = [fact for place, fact in enumerate(first) if place not in {one for one, _ in matched}]
        second = [fact for place, fact in enumerate(second) if place not in {other for _, other in matched}]
    pairs += [Pair(fact.field, Kind.FIRST_ONLY, fact, None) for fact in first]
    pairs += [Pair(fact.field, Kind.SECOND_ONLY, None, fact) for fact in second]
    return pairs


def _anything(_one: Fact, _other: Fact) -> int | None:
    return 0


def _same_value(one: Fact, other: Fact) -> int | None:
    return 0 if (one.value, one.assertion) == (other.value, other.assertion) else None


def _refines(spec: FieldSpec | None, one: Fact, other: Fact) -> int | None:
    return 0 if one.assertion is other.assertion and _more_exact(spec, one.value, other.value) else None


def _near(window: int, one: Fact, other: Fact) -> int | None:
    """Days apart; an event without a date is as far as may be from any."""
    if one.assertion is not other.assertion:
        return None
    days = _days(one.date, other.date)
    return window if days is None else (days if days <= window else None)


def _near_and_same(window: int, one: Fact, other: Fact) -> int | None:
    return _near(window, one, other) if one.value == other.value else None


def _days(one: str | None, other: str | None) -> int | None:
    if not one or not other:
        return None
    try:
        return days_apart(one, other)
    except ValueError:
        return None


def _more_exact(spec: FieldSpec | None, one: str, other: str) -> bool:
    """Whether one of the values says the same as the other, more exactly."""
    if spec is None or one == other:
        return False
    if spec.prefix_refines:
        return one.startswith(other) or other.startswith(one)
    broader = {code.code: code.broader for code in spec.codes}
    return other in _broader(one, broader) or one in _broader(other, broader)


def _broader(value: str, broader: Mapping[str, str | None]) -> set[str]:
    found: set[str] = set()
    above = broader.get(value)
    while above is not None and above not in found:
        found.add(above)
        above = broader.get(above)
    return found


def _pair(first: Fact, second: Fact, spec: FieldSpec | None, rules: QualityRules) -> Pair:
    field = first.field
    if spec is not None and spec.kind == "date":
        return _dated(first, second, first.value, second.value, spec, rules)
    if (first.value, first.assertion) != (second.value, second.assertion):
        minor = first.assertion is second.assertion and _more_exact(spec, first.value, second.value)
        return Pair(field, Kind.VALUE, first, second, minor, _days(first.date, second.date))
    if spec is not None and (spec.slot in {"event", "episode"} or field in rules.dates.of_values):
        dated = _dated(first, second, first.date, second.date, spec, rules)
        if dated.kind is not Kind.SAME:
            return dated
        ends = _dated(first, second, first.end_date, second.end_date, spec, rules)
        if ends.kind is not Kind.SAME:
            return ends
    days = _days(first.date, second.date)
    if _attributes(first) != _attributes(second):
        return Pair(field, Kind.ATTRIBUTES, first, second, minor="drugs" not in _differing(first, second), days=days)
    return Pair(field, Kind.SAME, first, second, days=days)


def _dated(first: Fact, second: Fact, one: str | None, other: str | None, spec: FieldSpec, rules: QualityRules) -> Pair:
    if not one and not other:
        return Pair(first.field, Kind.SAME, first, second)
    days = _days(one, other)
    if days is None:  # a date against none: no tolerance covers it
        return Pair(first.field, Kind.DATE, first, second)
    if one == other or (days <= rules.dates.same_within and not spec.prefix_refines):
        return Pair(first.field, Kind.SAME, first, second, days=days)
    return Pair(first.field, Kind.DATE, first, second, minor=days <= rules.dates.minor_within, days=days)


def _attributes(fact: Fact) -> dict[str, object]:
    """What a person states, lists in no order."""
    return {
        key: _plain(value) for key, value in fact.attributes.items() if key not in NOT_TYPED and value not in (None, "")
    }


def _plain(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _differing(first: Fact, second: Fact) -> set[str]:
    ours, theirs = _attributes(first), _attributes(second)
    return {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}


def found(pairs: Sequence[Pair]) -> Found:
    """How many facts both readers have, the same value with the same assertion, and each alone; a differing value is one of each."""
    both = sum(one.kind in (Kind.SAME, Kind.DATE, Kind.ATTRIBUTES) or one.minor for one in pairs)
    wrong = sum(one.kind is Kind.VALUE and not one.minor for one in pairs)
    first = sum(one.kind is Kind.FIRST_ONLY for one in pairs)
    second = sum(one.kind is Kind.SECOND_ONLY for one in pairs)
    return Found(both, first + wrong, second + wrong)
