"""The row every time-to-event endpoint ends in, and the one way to make it: start, stop, event, and why."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from abstractor.outcomes.protocol import Protocol

Day = datetime.date


@dataclass(frozen=True, slots=True)
class TimeToEvent:
    """One endpoint of one patient. `event` None: it can't be computed, and `reason` says why."""

    endpoint: str
    start: Day | None
    stop: Day | None
    days: int | None
    """Stop minus start (plus one where the protocol counts inclusively); at least 1 when censored at the start."""
    event: bool | None
    reason: str
    """Why it is an event or why it is censored, in words."""
    basis: str = ""
    """What progression rests on, or where the date comes from."""
    rule: str = ""
    """The rule that decided, e.g. `CENS_NEW_THERAPY 2.3/4`."""
    flags: tuple[str, ...] = ()
    """`imputed:D`, `sensitivity_only`, `visits_unknown`, ..."""
    evidence: tuple[str, ...] = ()
    """Ids of the decisions (or the facts) that fix start and stop."""
    entry_days: int | None = None
    """With delayed entry: days from start to coming under observation."""

    @property
    def primary(self) -> bool:
        """Whether the row takes part in the primary analysis."""
        return self.event is not None and "sensitivity_only" not in self.flags


def at(
    endpoint: str,
    start: Day,
    stop: Day,
    event: bool,
    reason: str,
    protocol: Protocol,
    *,
    rule: str,
    basis: str = "",
    flags: Iterable[str] = (),
    evidence: Iterable[str] = (),
) -> TimeToEvent:
    """A computed row. The caller guarantees start <= stop."""
    days = protocol.days_between(start, stop)
    if not event:
        days = max(days, 1)
    return TimeToEvent(
        endpoint,
        start,
        stop,
        days,
        event,
        reason,
        basis,
        rule,
        tuple(dict.fromkeys(flags)),
        tuple(dict.fromkeys(evidence)),
    )


def not_computed(
    endpoint: str, start: Day | None, reason: str, rule: str = "MISSING", evidence: Iterable[str] = ()
) -> TimeToEvent:
    """A row without a time, and why."""
    return TimeToEvent(endpoint, start, None, None, None, reason, rule=rule, evidence=tuple(dict.fromkeys(evidence)))


@dataclass(frozen=True, slots=True)
class Dated:
    """A dated event with the evidence behind it and what of its date was imputed."""

    date: Day
    evidence: tuple[str, ...] = ()
    flag: str = ""
    site: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """As they go into a row; a date known to the year only is for sensitivity analyses."""
        if not self.flag:
            return ()
        return (f"imputed:{self.flag}", "sensitivity_only") if self.flag == "M" else (f"imputed:{self.flag}",)


def happened(
    endpoint: str,
    start: Day,
    one: Dated,
    reason: str,
    protocol: Protocol,
    *,
    rule: str,
    basis: str = "",
    flags: Iterable[str] = (),
) -> TimeToEvent:
    """The row of an event, with its evidence and what of its date was imputed. The caller guarantees that it is not before the start."""
    return at(
        endpoint, start, one.date, True, reason, protocol, rule=rule, basis=basis, flags=(*flags, *one.flags),
        evidence=one.evidence,
    )  # fmt: skip


def enter_late(row: TimeToEvent, entry: Day | None) -> TimeToEvent | None:
    """The row at risk from a later day on; None for who was never at risk: no such day, or not before the end."""
    if entry is None or row.start is None or row.days is None:
        return None
    days = max((entry - row.start).days, 0)
    return None if days >= row.days else replace(row, entry_days=days)


def first_event(
    endpoint: str,
    start: Day,
    events: Sequence[tuple[str, Day]],
    censors: Sequence[tuple[str, Day]],
    protocol: Protocol,
) -> TimeToEvent:
    """The plain rule: the earliest event, else the latest censoring; an event wins over a censoring on its day.

    Of two events on a day the first listed gives the name, of two censorings the last. A censoring at the start stays at
    0 days here.
    """
    if events:
        name, day = min(events, key=lambda one: one[1])
        return at(endpoint, start, day, True, name, protocol, rule="first event")
    if not censors:
        return not_computed(endpoint, start, "neither an event nor a censoring date")
    name, day = max(reversed(censors), key=lambda one: one[1])
    days = protocol.days_between(start, day)
    return TimeToEvent(endpoint, start, day, days, False, name, rule="last censoring")
