"""Attributes of a fact (dose, fractions, drugs of a line) as a person reads and types them. Pure.

What the form names (`attributes` of a field) has an entry of its own, checked as it is typed; the rest is one line: `name=value; name=value`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from abstractor.model.errors import InputError
from abstractor.review.entered_drugs import DrugReader
from abstractor.review.picker import Picker
from abstractor.review.typed_dates import typed_date
from abstractor.rulebook.schema import AttributeSpec

NOT_TYPED = frozenset({"rule", "flags", "class", "cue"})
"""How a value was worked out: shown, never typed, and kept only with that value."""


def write_attributes(attributes: Mapping[str, object]) -> str:
    """Attributes on one line; a list is joined by commas."""
    return "; ".join(f"{key}={_written(value)}" for key, value in attributes.items() if key not in NOT_TYPED and value)


def tell_attributes(attributes: Mapping[str, object]) -> str:
    """Everything there is, for reading: what can't be typed too, but for the id of the rule."""
    told = [
        f"{key} {_written(value)}" for key, value in attributes.items() if key != "rule" and value not in ("", [], None)
    ]
    return ", ".join(told).replace(",", ", ").replace(",  ", ", ")


def read_attributes(typed: str, before: Mapping[str, object]) -> dict[str, object]:
    """What was typed, as attributes; what was not changed keeps its kind.

    Raises:
        InputError: a part is not `name=value`.
    """
    read: dict[str, object] = {}
    for part in (one.strip() for one in typed.split(";")):
        if not part:
            continue
        key, equals, value = part.partition("=")
        name, text = key.strip(), value.strip()
        if not equals or not name.replace("_", "").isalnum() or not text:
            raise InputError(f"{part!r}: write name=value; name=value")
        old = before.get(name)
        if old is not None and _written(old) == text:
            read[name] = old
        elif "," in text or isinstance(old, list):
            read[name] = [one.strip() for one in text.split(",") if one.strip()]
        else:
            read[name] = text
    return read


def _written(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(one) for one in value)
    return str(value)


class Ranged(Protocol):
    """What has limits: a field, or an attribute of one."""

    @property
    def lowest(self) -> float | None: ...
    @property
    def highest(self) -> float | None: ...
    @property
    def usual(self) -> tuple[float, float] | None: ...


@dataclass(frozen=True, slots=True)
class AttributeReading:
    """What was typed for one attribute."""

    value: object = None
    """What is stored; None for nothing."""
    problem: str = ""
    """Why it can't be saved."""
    doubt: str = ""
    """Why it is asked for twice."""


def write_attribute(value: object) -> str:
    """A stored attribute as it is typed."""
    if value is None or value is False:
        return ""
    return "y" if value is True else _written(value).replace(",", ", ")


def type_attribute(spec: AttributeSpec, typed: str, drugs: DrugReader) -> AttributeReading:
    """Reads what was typed for an attribute; nothing typed is nothing stored."""
    text = " ".join(typed.split())
    return _KINDS[spec.kind](spec, text, drugs) if text else AttributeReading()


def rest_of(attributes: Mapping[str, object], named: Iterable[AttributeSpec]) -> dict[str, object]:
    """The attributes that the form does not name."""
    known = {one.name for one in named}
    return {key: value for key, value in attributes.items() if key not in known}


def _number(spec: AttributeSpec, text: str, _drugs: DrugReader) -> AttributeReading:
    match = re.fullmatch(r"(-?\d+(?:[.,]\d+)?)\s*(.*)", text)
    if match is None:
        return AttributeReading(problem=_how(spec, "a number"))
    unit = next((name for name in spec.units if name.casefold() == match[2].casefold()), None)
    if match[2] and unit is None:
        return AttributeReading(
            problem=f"{spec.label} in {' or '.join(name for name in spec.units if name) or 'no unit'}"
        )
    first = next(iter(spec.units.values()), 1.0)
    number = round(float(match[1].replace(",", ".")) * (spec.units[unit] if unit is not None else first), 6)
    problem, doubt = range_problem(spec.label, number, spec)
    return AttributeReading(int(number) if number == int(number) else number, problem, doubt)


def range_problem(label: str, number: float, spec: Ranged) -> tuple[str, str]:
    """What is wrong with a number, and what is only unusual about it."""
    low, high = spec.lowest, spec.highest
    if (low is not None and number < low) or (high is not None and number > high):
        return f"{label} {number:g} can't be: {_limits(low, high)}", ""
    if spec.usual is not None and not spec.usual[0] <= number <= spec.usual[1]:
        return "", f"{label} {number:g} is unusual ({spec.usual[0]:g} to {spec.usual[1]:g})"
    return "", ""


def _limits(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _integer(spec: AttributeSpec, text: str, _drugs: DrugReader) -> AttributeReading:
    if not re.fullmatch(r"\d+", text, re.ASCII):
        return AttributeReading(problem=_how(spec, "a whole number"))
    problem, doubt = range_problem(spec.label, int(text), spec)
    return AttributeReading(int(text), problem, doubt)


def _words(spec: AttributeSpec, text: str, _drugs: DrugReader) -> AttributeReading:
    if spec.pattern is not None and not re.fullmatch(spec.pattern, text):
        return AttributeReading(problem=_how(spec, "another form"))
    return AttributeReading(text)


def _drugs(_spec: AttributeSpec, text: str, drugs: DrugReader) -> AttributeReading:
    names, doubt = drugs.several(text)
    return AttributeReading(names or None, doubt=doubt)


def _yes(spec: AttributeSpec, text: str, _drugs: DrugReader) -> AttributeReading:
    low = text.casefold()
    if low in {"y", "yes", "true", "1", "n", "no", "false", "0"}:
        return AttributeReading(low in {"y", "yes", "true", "1"} or None)
    return AttributeReading(problem=f"{spec.label}: y or n")


def _date(_spec: AttributeSpec, text: str, _drugs: DrugReader) -> AttributeReading:
    read = typed_date(text)
    return AttributeReading(read.date or None, read.problem)


def _code(spec: AttributeSpec, text: str, _drugs: DrugReader) -> AttributeReading:
    found = Picker.of(spec.codes).matching(text)
    if not found or (len(found) > 1 and found[0].code.casefold() != text.casefold()):
        return AttributeReading(problem=f"{spec.label}: {', '.join(code.code for code in spec.codes)}")
    return AttributeReading(found[0].code)


def _how(spec: AttributeSpec, wanted: str) -> str:
    return f"{spec.label}: {spec.hint or wanted}"


_KINDS: Mapping[str, Callable[[AttributeSpec, str, DrugReader], AttributeReading]] = {
    "number": _number,
    "integer": _integer,
    "words": _words,
    "drugs": _drugs,
    "yes": _yes,
    "date": _date,
    "code": _code,
}
