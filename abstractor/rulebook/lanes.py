"""The lanes and intervals of the timeline: `rules/timeline.toml`, read and checked. It changes nothing that is found or computed."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from abstractor.model.errors import RulebookError
from abstractor.rulebook.load import default_rules
from abstractor.rulebook.schema import Entry

FILE = "timeline.toml"


class Lane(Entry):
    """A line of the picture: which facts and notes are events in it."""

    name: str = Field(min_length=1, max_length=5)
    mark: str = Field(min_length=1, max_length=1, pattern=r"[!-~]")
    """ASCII, so that every terminal draws it in one cell."""
    says: str
    fields: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """Only these values of the fields; none: all that no other lane of the field names."""
    note_types: tuple[str, ...] = ()
    brief: str = ""
    """What the one line of the evidence pane calls an event, `{value}` its value; "" leaves the lane out."""
    listed: bool = True
    """False: drawn, and in the list of events only together with the notes."""


class Interval(Entry):
    """A length of time told below the picture; without `begin`, a date."""

    says: str
    begin: tuple[str, ...] = Field(default=(), alias="from")
    """Fields whose earliest event begins it."""
    end: tuple[str, ...] = Field(alias="to")
    values: tuple[str, ...] = ()
    """Only these values of the fields that end it; none: all."""


class Lanes(Entry):
    """All of the file, in its order."""

    lane: tuple[Lane, ...]
    interval: tuple[Interval, ...] = ()


def load_lanes(root: Path | None = None) -> Lanes:
    """Reads the file of a rules folder; a folder without one takes the program's own.

    Raises:
        RulebookError: not TOML, or keys that are unknown or of the wrong kind; all faults are named at once.
    """
    path = (root or default_rules()) / FILE
    if not path.is_file():
        path = default_rules() / FILE
    try:
        return Lanes.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RulebookError([f"{FILE}: can't be read as TOML ({error})"]) from None
    except ValidationError as error:
        raise RulebookError([f"{FILE}: {_place(one['loc'])}: {one['msg']}" for one in error.errors()]) from None


def _place(location: tuple[int | str, ...]) -> str:
    """`lane 3 mark`, counted from 1."""
    return " ".join(str(part + 1) if isinstance(part, int) else part for part in location)
