"""What happened to a patient, in the order of time: events in lanes, and the intervals between them. Pure: no screen, no database.

A date that is known to the month or year stays a span of days; nothing is imputed here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from abstractor.model.dates import PartialDate
from abstractor.model.decision import STATING
from abstractor.model.finding import Assertion
from abstractor.registry.notes import StoredNote
from abstractor.review.rows import Choice, Row, State
from abstractor.review.session import Session
from abstractor.rulebook.lanes import Interval, Lane, Lanes, load_lanes

_HAPPENED = frozenset({Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.HISTORICAL})
"""What is absent, planned or of a relative is no event of this patient."""
_SETTLED = frozenset({State.ACCEPTED, State.CHANGED, State.ADDED})


@dataclass(frozen=True, slots=True)
class Event:
    """Something with a date: a fact of the patient, or a note."""

    lane: str
    mark: str
    start: PartialDate
    end: PartialDate | None
    """Of an episode whose end is known."""
    text: str
    state: State | None
    """None for a note."""
    field: str = ""
    """"" for a note."""
    value: str = ""
    slot: str = ""
    source: str = ""
    """Type of the note that it rests on first."""
    note_id: str = ""
    offset: int | None = None
    listed: bool = True
    """Whether it is in the list of events without being asked for; a note never is."""
    dates: int = 1
    """How many dates are stated that contradict each other."""

    @property
    def first(self) -> date:
        """The earliest day it can have begun."""
        return self.start.first

    @property
    def last(self) -> date:
        """The latest day it can have ended, or begun where no end is known."""
        return max(self.start.last, (self.end or self.start).last)

    @property
    def shown(self) -> str:
        """The date with what is not known of it: `2021-05-??`."""
        return f"{self.start}{'-??' * (('day', 'month', 'year').index(self.start.precision))}"

    @property
    def imprecise(self) -> str:
        """`month only`, `year only`, or ""."""
        return "" if self.start.precision == "day" else f"{self.start.precision} only"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A patient's events with what is told of them."""

    lanes: tuple[Lane, ...]
    """Those that have an event, in the order of the file."""
    events: tuple[Event, ...]
    """By their first day; of one day, by lane."""
    intervals: tuple[str, ...]
    undated: int
    """Facts that hold or are suggested, belong to a lane, and have no date."""


def timeline(rows: Iterable[Row], notes: Iterable[StoredNote], lanes: Lanes) -> Timeline:
    """Puts facts and notes into their lanes.

    Args:
        rows: of one patient; what was rejected is left out.
        notes: of the same patient; those without a date are left out.
        lanes: what belongs where.
    """
    rows = tuple(rows)
    facts = [event for row in rows for event in _events_of_row(row, lanes.lane)]
    noted = [event for note in notes for event in _events_of_note(note, lanes.lane)]
    place = {lane.name: number for number, lane in enumerate(lanes.lane)}
    events = tuple(sorted((*facts, *noted), key=lambda one: (one.first, one.last, place[one.lane], one.text)))
    drawn = {one.lane for one in events}
    asked = [row for row in rows if _stated(row) and _lane_of(row.spec.name, _stated(row)[0].value, lanes.lane)]
    return Timeline(
        lanes=tuple(lane for lane in lanes.lane if lane.name in drawn),
        events=events,
        intervals=tuple(_tell_intervals(facts, lanes.interval)),
        undated=sum(not _dates(row) for row in asked),
    )


def timeline_of(session: Session) -> Timeline:
    """The timeline of an open patient, by the lanes of its rules.

    Raises:
        RulebookError: the file of lanes is at fault.
    """
    return timeline(session.rows, session.notes.all, load_lanes(session.book.root))


def _stated(row: Row) -> tuple[Choice, ...]:
    """What holds, or may hold: the decision's value where there is one, else what is suggested, best first."""
    if row.state in {State.REJECTED, State.NOT_DOCUMENTED}:
        return ()
    held = row.decision
    if held is not None and held.action in STATING:
        choices: tuple[Choice, ...] = (
            Choice(held.value, held.assertion, held.date, held.end_date, held.attributes, held.evidence),
        )
    else:
        choices = row.choices
    return tuple(one for one in choices if one.assertion in _HAPPENED)


def _dates(row: Row) -> list[tuple[PartialDate, Choice]]:
    """The dates that are stated, each with the first choice that states it."""
    found: dict[str, tuple[PartialDate, Choice]] = {}
    for choice in _stated(row):
        text = choice.value if row.spec.kind == "date" else choice.date or row.date
        day = _date(text)
        if day is not None:
            found.setdefault(str(day), (day, choice))
    return list(found.values())


def _date(text: str | None) -> PartialDate | None:
    try:
        return PartialDate.parse(text) if text else None
    except ValueError:
        return None


def _lane_of(field: str, value: str, lanes: Sequence[Lane]) -> Lane | None:
    """The lane that names the value, else the one that takes the field as a whole."""
    of_field = [lane for lane in lanes if field in lane.fields]
    named = next((lane for lane in of_field if value in lane.values), None)
    return named or next((lane for lane in of_field if not lane.values), None)


def _events_of_row(row: Row, lanes: Sequence[Lane]) -> Iterable[Event]:
    stated = _dates(row)
    if not stated:
        return
    start, choice = stated[0]
    lane = _lane_of(row.spec.name, choice.value, lanes)
    if lane is None:
        return
    best = next(iter(choice.evidence or row.evidence), None)
    yield Event(
        lane=lane.name,
        mark=lane.mark,
        start=start,
        end=_end(start, _date(choice.end_date)),
        text=row.spec.label if row.spec.kind == "date" else f"{row.spec.label}: {choice.told(row.spec.label_of)}",
        state=row.state,
        field=row.spec.name,
        value=choice.value,
        slot=row.slot,
        source=best.note_type if best is not None else "",
        note_id=best.note_id if best is not None else "",
        offset=best.start if best is not None else None,
        listed=lane.listed,
        dates=_contradicting([day for day, _ in stated]),
    )


def _end(start: PartialDate, end: PartialDate | None) -> PartialDate | None:
    """An end that lies before the start is a fault of the record, told by the checks; no span is drawn of it."""
    return end if end is not None and end.last >= start.first else None


def _contradicting(days: Sequence[PartialDate]) -> int:
    """How many dates there are when one that only says more exactly what another says counts with it."""
    texts = [str(day) for day in days]
    return sum(not any(other != one and other.startswith(f"{one}-") for other in texts) for one in texts)


def _events_of_note(note: StoredNote, lanes: Sequence[Lane]) -> Iterable[Event]:
    day = _date((note.note_date or "")[:10])
    lane = next((lane for lane in lanes if note.note_type in lane.note_types), None)
    if day is not None and lane is not None:
        yield Event(
            lane.name,
            lane.mark,
            day,
            None,
            f"note {note.note_id}",
            None,
            source=note.note_type,
            note_id=note.note_id,
            listed=False,
        )


# In brief

_MOST_IN_BRIEF = 3
"""Events of a lane in the brief line: the first ones."""


def brief_line(rows: Iterable[Row], lanes: Lanes) -> str:
    """The few events that frame a case, on a line: `2023 Dx 11-09  L1 11-21  2024 PD 05-14?`; "" where there are none.

    A year stands once before its events; what nobody has decided has a question mark.
    """
    briefs = {lane.name: lane.brief for lane in lanes.lane if lane.brief}
    asked = {name for lane in lanes.lane if lane.brief for name in lane.fields}
    events = [one for row in rows if row.spec.name in asked for one in _events_of_row(row, lanes.lane)]
    shown: dict[str, list[Event]] = {}
    for one in sorted((one for one in events if one.lane in briefs), key=lambda one: (one.first, one.last)):
        shown.setdefault(one.lane, []).append(one)
    framing = [one for of_lane in shown.values() for one in of_lane[:_MOST_IN_BRIEF]]
    told, year = [], ""
    for one in sorted(framing, key=lambda one: (one.first, one.last)):
        day = str(one.start)
        told += [day[:4]] if day[:4] != year else []
        year = day[:4]
        sure = "" if one.state in _SETTLED else "?"
        told.append(f"{briefs[one.lane].replace('{value}', one.value)} {day[5:]}".rstrip() + f"{sure} ")
    return " ".join(told).strip()


# Intervals


def _tell_intervals(facts: Sequence[Event], intervals: Sequence[Interval]) -> Iterable[str]:
    for interval in intervals:
        ends = [
            one for one in facts if one.field in interval.end and (one.value in interval.values or not interval.values)
        ]
        begins = [one for one in facts if one.field in interval.begin]
        if not ends or (interval.begin and not begins):
            continue
        sure = (
            ""
            if all(one.state in _SETTLED for one in (_earliest(ends), *map(_earliest, [begins] if begins else [])))
            else " ?"
        )
        if interval.begin:
            yield f"{interval.says} {tell_days(*_between(begins, ends))}{sure}"
        else:
            yield f"{interval.says} {_earliest(ends).shown}{sure}"


def _earliest(events: Sequence[Event]) -> Event:
    return min(events, key=lambda one: (one.start.first, one.start.last))


def _between(begins: Sequence[Event], ends: Sequence[Event]) -> tuple[int, int]:
    """Fewest and most days between the earliest of both: it lies no later than the first that must have happened."""
    soonest_begin, latest_begin = (min(one.start.first for one in begins), min(one.start.last for one in begins))
    soonest_end, latest_end = (min(one.start.first for one in ends), min(one.start.last for one in ends))
    return (soonest_end - latest_begin).days, (latest_end - soonest_begin).days


def tell_days(fewest: int, most: int) -> str:
    """`11 d`, `31-61 d`, or `-4 to 26 d`."""
    if fewest == most:
        return f"{fewest} d"
    return f"{fewest}-{most} d" if fewest >= 0 else f"{fewest} to {most} d"
