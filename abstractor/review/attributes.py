"""Attributes of a fact (dose, fractions, drugs of a line) as a person reads and types them: `dose_gy=45; fractions=30`. Pure."""

from collections.abc import Mapping

from abstractor.model.errors import InputError

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
