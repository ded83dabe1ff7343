"""What the outcomes screen shows: curves, rates and who is in them, as plain numbers. Computed elsewhere; pure, and light to load."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from abstractor.model.errors import InputError

BY = "stage_valg"
"""What patients are compared by where nobody says."""
MOST_ARMS = 3
"""Curves that can be told apart by their marks."""


class Stopped(Exception):
    """The computation was given up because its answer is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which patients, and by what they are compared."""

    by: str | None = BY
    """A baseline column or a gene; None compares nothing."""
    keep: tuple[tuple[str, str], ...] = ()
    """Only patients with this value in this column (or of this gene); several must all hold."""

    @property
    def text(self) -> str:
        """As `read_ask` takes it."""
        return " ".join((*(f"{name}={value}" for name, value in self.keep), f"by={self.by or 'none'}"))


def read_ask(line: str) -> Ask:
    """Reads `histology=small_cell TP53=altered by=stage_valg`; `by=none` compares nothing, no `by` compares by stage.

    Raises:
        InputError: a word that is no `name=value`.
    """
    keep: list[tuple[str, str]] = []
    by: str | None = BY
    for word in line.split():
        name, equals, value = word.partition("=")
        if not (name and equals and value) or not re.fullmatch(r"[\w.\-]+", name):
            raise InputError(f"{word!r}: write name=value, such as histology=small_cell, and by=stage_valg")
        if name == "by":
            by = None if value == "none" else value
        else:
            keep.append((name, value))
    return Ask(by, tuple(keep))


@dataclass(frozen=True, slots=True)
class Arm:
    """One curve; times in months. Of a group that is too small, everything but its name is blank."""

    name: str
    n: int = 0
    events: int = 0
    steps: tuple[tuple[float, float], ...] = ()
    """Time and the survival from then on; the first is at time 0, the last at the last observation."""
    censored: tuple[tuple[float, float], ...] = ()
    """Time, and the survival there."""
    median: float | None = None
    lower: float | None = None
    upper: float | None = None
    """None is not reached (NE)."""
    at_risk: tuple[int, ...] = ()
    """At each of the times of the curves."""
    hidden: bool = False
    """Too few patients to be shown."""


@dataclass(frozen=True, slots=True)
class Curves:
    """One endpoint."""

    endpoint: str
    """As `abstractor outcomes` names it: `os`, `pfs`."""
    title: str
    overall: Arm
    arms: tuple[Arm, ...]
    """One a group; none where nothing is compared."""
    times: tuple[float, ...]
    """Months under which the axis and the numbers at risk stand."""
    p: float | None = None
    """Of the log-rank test; None where there is none."""
    no_test: str = ""
    """Why there is no test."""

    @property
    def drawn(self) -> tuple[Arm, ...]:
        """The curves of the picture: the groups, or all patients where there are none; never more than can be told apart."""
        arms = [one for one in (self.arms or (self.overall,)) if not one.hidden and one.steps]
        return tuple(arms[:MOST_ARMS])


@dataclass(frozen=True, slots=True)
class Share:
    """A response rate."""

    measure: str
    """`ORR`, `confirmed ORR`, `DCR`, `confirmed DCR`."""
    group: str
    x: int = 0
    n: int = 0
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class OutcomesView:
    """Everything the screen shows of one question."""

    ask: Ask
    as_of: str
    """When the registry was read: UTC, ISO 8601. Only what was confirmed by then counts."""
    cutoff: str
    patients: int
    """Who answers the question."""
    analysed: int
    unreviewed: int
    """Suggestions that nobody has decided on, in the whole registry."""
    curves: tuple[Curves, ...]
    shares: tuple[Share, ...]
    least: int
    """Groups with fewer patients are hidden."""
    columns: tuple[str, ...] = ()
    """What may be asked for by name."""


class OutcomesSource(Protocol):
    """Computes the answer to a question; slow, so it runs beside the screen."""

    def __call__(self, ask: Ask, stopped: Callable[[], bool]) -> OutcomesView:
        """The answer.

        Args:
            ask: which patients, compared by what.
            stopped: says, now and then, whether nobody waits any more.

        Raises:
            InputError: an unknown column, or one that must not be compared by; the message lists the choices.
            RegistryError: the registry can't be read.
            Stopped: `stopped` said so.
        """
        ...
