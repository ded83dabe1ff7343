"""What is wrong with a question of `fields.toml` that its keys one by one can't show: limits the wrong way round, codes that nobody lists."""

import re
from collections.abc import Iterable, Iterator

from abstractor.model.note import NOTE_TYPES
from abstractor.rulebook.schema import AttributeSpec, Code, FieldSpec

_NUMBERS = frozenset({"integer", "number"})
_CATEGORIES = ("t", "n", "m")


def field_faults(spec: FieldSpec) -> Iterator[str]:
    """Every fault of a field and its attributes, each with the field's name in front."""
    for says in (*_values(spec), *_codes(spec.codes), *_limits(spec), *_slots(spec)):
        yield f"field {spec.name!r}: {says}"
    for name in spec.source_priority:
        if name not in NOTE_TYPES:
            yield f"field {spec.name!r}: unknown note type {name!r}; there are {', '.join(NOTE_TYPES)}"
    seen: set[str] = set()
    for one in spec.attributes:
        if one.name in seen:
            yield f"field {spec.name!r}: attribute {one.name!r} stands twice"
        seen.add(one.name)
        for says in _attribute(one):
            yield f"field {spec.name!r}: attribute {one.name!r}: {says}"


def _values(spec: FieldSpec) -> Iterator[str]:
    if spec.kind == "code" and not spec.codes:
        yield 'kind is "code", but there are no codes'
    if spec.kind == "integer" and spec.pattern is None:
        yield "a number needs a pattern, such as '\\d{1,3}'"
    if spec.codes:
        known = {one.code for one in spec.codes}
        for key, named in (("final", spec.final), ("decisive_first", spec.decisive_first)):
            for value in named:
                if value not in known:
                    yield f"{key} names {value!r}, which is no code of it"
    if spec.entry == "tnm" and (spec.name.rpartition(".")[2] not in _CATEGORIES or spec.pattern is None):
        yield 'entry "tnm" is for a field whose name ends with .t, .n or .m, and which has a pattern'


def _codes(codes: Iterable[Code]) -> Iterator[str]:
    several = tuple(codes)
    known = {one.code for one in several}
    if len(known) < len(several):
        yield "a code stands twice"
    for one in several:
        if one.broader is not None and one.broader not in known:
            yield f"code {one.code!r} names {one.broader!r} as the broader one, which is no code"


def _limits(spec: FieldSpec | AttributeSpec) -> Iterator[str]:
    low, high = spec.lowest, spec.highest
    if low is not None and high is not None and low > high:
        yield f"lowest {low:g} lies above highest {high:g}"
    if spec.usual is not None:
        first, last = spec.usual
        within = (low is None or low <= first) and (high is None or last <= high)
        if first > last or not within:
            yield f"usual [{first:g}, {last:g}] is no range within lowest and highest"


def _slots(spec: FieldSpec) -> Iterator[str]:
    if spec.window_days and spec.slot not in {"event", "episode"}:
        yield f'window_days is for slot "event" or "episode", not {spec.slot!r}'


def _attribute(spec: AttributeSpec) -> Iterator[str]:
    yield from _limits(spec)
    yield from _codes(spec.codes)
    if (spec.kind == "code") != bool(spec.codes):
        yield 'codes go with kind "code", and it with codes'
    if spec.kind not in _NUMBERS and (spec.units or (spec.lowest, spec.highest, spec.usual) != (None, None, None)):
        yield f"units and limits are for numbers, not for kind {spec.kind!r}"
    if spec.kind == "integer" and spec.units:
        yield 'units are for kind "number"'
    if spec.pattern is not None:
        if spec.kind != "words":
            yield f'pattern is for kind "words", not {spec.kind!r}'
        try:
            re.compile(spec.pattern)
        except re.error as error:
            yield f"pattern is no regular expression ({error}): {spec.pattern!r}"
