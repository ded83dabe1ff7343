"""What a report is made of, before it is a web page or paper: headings, paragraphs, tables, pictures. Plain frozen values."""

from dataclasses import dataclass, field

from abstractor.outcomes.figures.style import Picture


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    below: tuple[str, ...] = ()
    """Smaller lines below, such as an interval."""
    note: str = ""
    """Small print that may wrap."""
    link: str = ""
    """Anchor within the report."""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    right: bool = False
    """Set flush right: numbers."""
    id: str = ""
    """What the id of a number in this column ends in."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `starts` are the rows that begin a block."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    starts: frozenset[int] = frozenset()
    small: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    anchor: str = ""
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    kind: str = ""
    """`note`, `warn`, `alarm`, or plain."""


@dataclass(frozen=True, slots=True)
class Card:
    """One key result at the top of the page."""

    name: str
    value: str
    interval: str
    of: str


@dataclass(frozen=True, slots=True)
class Cards:
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    pictures: tuple[Picture, ...]
    wide: bool = False
    """One beneath the other."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and what they mean."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a note."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Folded:
    """What opens when it is asked for; on paper it is left out."""

    title: str
    blocks: "tuple[Block, ...]"
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """Links to the sections; on paper it is left out."""

    items: tuple[tuple[str, str], ...]
    """Anchor and words."""


Block = Heading | Paragraph | Table | Cards | Figures | Terms | Settings | Quote | Folded | Contents


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    blocks: tuple[Block, ...] = field(default=())


def table(
    columns: list[Column], rows: list[list[Cell]], starts: set[int] | None = None, *, small: bool = False
) -> Table:
    """A table from lists."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows), frozenset(starts or ()), small)
