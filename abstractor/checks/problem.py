"""What a check finds: a hit names the facts and the values, a problem tells it in words and can be told again by its key."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from abstractor.model.case import OVERRIDE_PREFIX
from abstractor.model.fact import Fact

_KEY_LENGTH = 12


class Severity(StrEnum):
    """How bad it is; the value is its letter on the screen and in files."""

    FATAL = "F"
    WARNING = "W"
    INFO = "I"


@dataclass(frozen=True, slots=True)
class Hit:
    """A part of a check fired."""

    part: str
    """Names the message and the severity in `edits.toml`."""
    facts: tuple[Fact, ...]
    """The facts that can't all be right."""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the message names."""
    beside: str = ""
    """What the hit rests on that is no fact (the date of a note): it belongs to the key."""


def hit(part: str, facts: Iterable[Fact], *, beside: object = "", **values: object) -> Hit:
    """A hit, with its values as text."""
    return Hit(part, tuple(facts), {name: str(value) for name, value in values.items()}, str(beside))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a patient that is wrong, or hardly right."""

    check: str
    """Id of the check: `E14`."""
    part: str
    severity: Severity
    message: str
    """In plain words with the values; never words of a note."""
    slots: tuple[str, ...]
    """The rows concerned."""
    key: str
    """Stays the same as long as the values concerned do, whatever else is decided."""

    @property
    def slot(self) -> str:
        """Where the word that lets it pass is kept."""
        return f"{OVERRIDE_PREFIX}{self.check}:{self.key}"


def key_of(found: Hit) -> str:
    """The key of a hit: of its part and of the values concerned, in whatever order they come."""
    stated = sorted(
        "\x1f".join(
            (one.slot or one.field, one.value, str(one.assertion), one.date or "", one.end_date or "", told(one))
        )
        for one in found.facts
    )
    content = "\x1e".join([found.part, found.beside, *stated])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_LENGTH]


def told(fact: Fact) -> str:
    """The attributes of a fact in one form, for comparing."""
    return "\x1d".join(f"{name}={value!s}" for name, value in sorted(fact.attributes.items(), key=lambda one: one[0]))
