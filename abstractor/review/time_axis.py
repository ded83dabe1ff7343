"""The picture of a timeline in characters: a window on time, an axis, and events as marks and spans. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from abstractor.review.timeline import Event

SHORTEST = 14.0
"""Days of the closest view."""


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that is drawn; days are counted as `date.toordinal` does."""

    first: float
    days: float

    def cell(self, day: date, width: int) -> int:
        """The column of a day in a picture of `width` columns; outside it where the day is not in view."""
        return int((day.toordinal() - self.first) // (self.days / width))

    def shows(self, day: date) -> bool:
        return self.first <= day.toordinal() < self.first + self.days

    def zoomed(self, factor: float, around: date) -> "Window":
        """Another length, with a day kept where it stands; a day out of view comes to the middle."""
        days = max(SHORTEST, self.days * factor)
        share = (around.toordinal() - self.first) / self.days if self.shows(around) else 0.5
        return Window(around.toordinal() - share * days, days)

    def moved(self, share: float) -> "Window":
        """Later by a share of its length; a negative share is earlier."""
        return Window(self.first + share * self.days, self.days)

    def within(self, whole: "Window") -> "Window":
        """Moved so far that no time before or after `whole` is shown, and never longer than it."""
        days = min(self.days, whole.days)
        return Window(min(max(self.first, whole.first), whole.first + whole.days - days), days)

    def around(self, day: date) -> "Window":
        """The same where it shows the day, else moved until the day is in the middle."""
        return self if self.shows(day) else Window(day.toordinal() - self.days / 2, self.days)


def whole_window(events: Sequence[Event]) -> Window:
    """All events, with a little room at both sides."""
    first = min(one.first for one in events).toordinal()
    days = max(one.last for one in events).toordinal() + 1 - first
    room = max(2.0, days * 0.02)
    return Window(first - room, max(SHORTEST, days + 2 * room))


Cell = tuple[str, int | None]
"""A character, and the number of the event it belongs to."""


def draw_lane(
    events: Sequence[tuple[int, Event]], window: Window, width: int, current: int | None = None
) -> list[Cell]:
    """A lane as `width` characters.

    An event of a day is its mark; an episode `[===]` with its text where there is room; days that are possible and not known are `~`.

    Args:
        events: those of the lane, each with its number.
        window: the stretch of time.
        width: columns.
        current: the number of the event that lies on top of all others.
    """
    cells: list[Cell] = [("-", None)] * width
    for number, event in sorted(events, key=lambda one: one[0] == current):
        for at, char in _span(event, window, width):
            if 0 <= at < width:
                cells[at] = (char, number)
    for number, event in events:
        _name(cells, number, event)
    return cells


def _name(cells: list[Cell], number: int, event: Event) -> None:
    """Writes what an episode is into the part of it that is certain and that nothing else lies on."""
    free = [at for at, cell in enumerate(cells) if cell == ("=", number)]
    label = f" {event.text.partition(': ')[2] or event.text} "
    if len(free) < len(label) + 2 or free[-1] - free[0] >= len(free) or not label.isascii():
        return
    left = free[0] + (len(free) - len(label)) // 2
    cells[left : left + len(label)] = [(char, number) for char in label]


def _span(event: Event, window: Window, width: int) -> Iterable[tuple[int, str]]:
    begin, known = window.cell(event.start.first, width), window.cell(event.start.last, width)
    end = window.cell(event.last, width)
    if end == begin:
        return [(begin, event.mark)]
    if event.end is None:
        return [(begin, event.mark), *((at, "~") for at in range(begin + 1, end + 1))]
    certain = window.cell(event.end.first, width)
    drawn = {at: "~" if (at <= known and known > begin) or at > certain else "=" for at in range(begin, end + 1)}
    drawn |= {begin: "[", end: "]"}
    return drawn.items()


_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TICK = 6
"""Cells that a label of the axis needs."""


def draw_axis(window: Window, width: int) -> str:
    """Years and months over the lanes, in exactly `width` characters; in close view, days."""
    cells = [" "] * width
    free = 0
    for day, label in _ticks(window, width):
        at = window.cell(day, width)
        if free <= at <= width - len(label):
            cells[at : at + len(label)] = label
            free = at + len(label) + 1
    return "".join(cells)


def _ticks(window: Window, width: int) -> Iterable[tuple[date, str]]:
    per_cell = window.days / width
    begin = date.fromordinal(max(1, int(window.first)))
    if window.days < 100:
        step = next((step for step in (1, 2, 7, 14) if step / per_cell >= _TICK), 14)
        first = begin.toordinal() + 1
        for number, ordinal in enumerate(
            range(first, min(int(window.first + window.days), date.max.toordinal()), step)
        ):
            day = date.fromordinal(ordinal)
            yield day, day.isoformat() if number == 0 else f"{day:%m-%d}"
        return
    step = next((step for step in _MONTH_STEPS if step * 30.4 / per_cell >= _TICK), _MONTH_STEPS[-1])
    month = (begin.year * 12 + begin.month - 1) // step * step
    told = 0
    while True:
        year, rest = divmod(month, 12)
        day = date(year, rest + 1, 1)
        if day.toordinal() >= window.first + window.days or year >= date.max.year:
            return
        if window.shows(day):
            month_told = f"{year} {_MONTHS[rest]}" if not told and rest else str(year)
            yield day, month_told if year != told else _MONTHS[rest]
            told = year
        month += step
