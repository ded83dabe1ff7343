"""What an extractor hands on: a value and the words that state it, before context, dates and rulings have had their say."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.pipeline.view import NoteView


@dataclass(frozen=True, slots=True)
class StatedDate:
    """A date that the text ties to a mention."""

    iso: str
    """Partial ISO date."""
    source: str
    """`stated`, `relative` or `note`."""

    @property
    def precision(self) -> str:
        return ("year", "month", "day")[self.iso.count("-")]


@dataclass(frozen=True, slots=True)
class Mention:
    """One statement of a field's value at one place of the note."""

    field: str
    value: str
    start: int
    end: int
    """Offsets into the note's text, end exclusive: the shortest phrase that supports the value."""
    rule: str
    assertion: Assertion | None = None
    """Set where the words themselves settle it ("TP53 wild-type", "no evidence of progression"); None: context decides."""
    date: StatedDate | None = None
    """Set where the extractor knows it; None: the date stage looks for one."""
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict, hash=False)
    confidence: float = 0.9
    scope: tuple[int, int] | None = None
    """The stretch of text whose words may modify this mention, if narrower than its sentence (a table row, a list item)."""


Extractor = Callable[[NoteView], Iterable[Mention]]
"""Finds mentions in one note. Pure; sees one note; never raises on any text."""
