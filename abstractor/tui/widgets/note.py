"""The note on the screen: wrapped, highlighted, selectable. Offsets are code points of the stored text, which is never changed.

Draws only the lines that are seen; one instance shows one note after another.
"""

import itertools
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from abstractor.review.rows import State
from abstractor.tui.themes import PALETTES, Palette
from abstractor.tui.widgets.lines import Changing
from abstractor.tui.wrap import Wrapped, cell_width, drawn, wrap

GUTTER = 3
"""Cells left of the text: the states of up to two facts on the line, and a bar."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=\s*[-*])")
_HEADING = re.compile(
    r"^[ \t]*[A-Z][A-Z0-9 /&'(),.-]{2,58}(?::|[ \t]*$)|^[ \t]*[A-Z][A-Za-z /&'()-]{2,38}:[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the note that bears on a fact."""

    start: int
    end: int
    state: State
    current: bool = False
    """It is the evidence the cursor is on."""
    of_row: bool = False
    """It belongs to the current row."""


class DocView(Changing, ScrollView):
    """A note with its marks."""

    DEFAULT_CSS = """
    DocView { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size: 0 0; }
    """

    class Selected(Message):
        """The selection has changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.can_focus = False
        self.palette: Palette = PALETTES["dark"]
        self.text = ""
        self.marks: Sequence[Mark] = ()
        self.matches: Sequence[tuple[int, int]] = ()
        self.selection: tuple[int, int] | None = None
        """(anchor, head); the head moves, and may lie before the anchor."""
        self._wrapped = wrap("", 1)
        self._width = 0
        self._reach: list[int] = []
        self._cuts: list[int] = []
        self._dragging = False
        self._anchor = 0
        self._wanted: int | None = None
        """The offset to centre on once the widget has a size."""

    # What is shown

    def load(self, text: str) -> None:
        """Shows another note from its top."""
        self.text = text
        self.selection = None
        self.matches = ()
        self.marks = ()
        self._wanted = None
        self._rewrap()
        self._scroll(0)

    def mark(self, marks: Sequence[Mark]) -> None:
        """Highlights stretches; the current one is drawn over all others."""
        self.marks = sorted(marks, key=lambda one: (one.start, one.end))
        self._reach = []
        furthest = 0
        for one in self.marks:
            furthest = max(furthest, one.end)
            self._reach.append(furthest)
        self.refresh_changed()

    def find(self, matches: Sequence[tuple[int, int]]) -> None:
        self.matches = matches
        self.refresh_changed()

    def _rewrap(self) -> None:
        if not self.size.width:
            # not laid out, or hidden: lines of another text must not be drawn; `on_resize` follows
            self._wrapped, self._width = wrap("", 1), 0
            return
        self._width = max(1, self.size.width - GUTTER)
        self._wrapped = wrap(self.text, self._width)
        # never less than the widget: a short note after another short note then redraws only the lines that differ
        self.virtual_size = Size(self.size.width, max(len(self._wrapped), self.size.height))

    def on_resize(self) -> None:
        if max(1, self.size.width - GUTTER) == self._width:
            return
        first = self.first_offset
        self._rewrap()
        self._scroll(self._wrapped.line_at(first))
        if self._wanted is not None:
            self.centre(self._wanted)
        self.refresh()

    @property
    def wrapped(self) -> Wrapped:
        return self._wrapped

    @property
    def top(self) -> int:
        """Number of the first screen line in view."""
        return round(self.scroll_offset.y)

    @property
    def first_offset(self) -> int:
        lines = self._wrapped
        return lines.starts[min(self.top, len(lines) - 1)]

    @property
    def percent(self) -> int:
        """How far down the last visible line is."""
        return min(100, round(100 * (self.top + self.size.height) / max(1, len(self._wrapped))))

    # Moving

    def _scroll(self, line: int) -> None:
        self.scroll_to(y=line, animate=False, force=True, immediate=True)

    def show_offset(self, offset: int) -> None:
        """Brings an offset to a third of the height, unless it is in view already."""
        if not self.in_view(offset, offset + 1):
            self._scroll(max(0, self._wrapped.line_at(offset) - self.size.height // 3))

    def centre(self, offset: int) -> None:
        """Brings an offset to a third of the height."""
        self._wanted = None if self.size.height else offset
        self._scroll(max(0, self._wrapped.line_at(offset) - self.size.height // 3))

    def in_view(self, start: int, end: int) -> bool:
        """Whether a stretch is on the screen, from its first to its last line or as much as fits."""
        if not self.size.height or not self.display:
            return False
        first, last = self._wrapped.line_at(start), self._wrapped.line_at(max(start, end - 1))
        bottom = self.top + self.size.height - 1
        return self.top <= first <= bottom and (last <= bottom or first == self.top)

    def page(self, pages: float) -> None:
        lines = max(1, round(abs(pages) * self.size.height) - 1)
        self._scroll(max(0, self.top + (lines if pages > 0 else -lines)))

    def section(self, step: int) -> None:
        """Goes to the next (1) or previous (-1) heading."""
        at = self.first_offset
        starts = [match.start() for match in _HEADING.finditer(self.text)]
        lines = sorted({self._wrapped.line_at(start) for start in starts})
        here = self._wrapped.line_at(at)
        ahead = [line for line in lines if line > here] if step > 0 else [line for line in lines if line < here][::-1]
        if ahead:
            self._scroll(ahead[0])

    # Selecting

    @property
    def selected(self) -> tuple[int, int] | None:
        """The selected stretch, first before last; None without a selection."""
        if self.selection is None:
            return None
        anchor, head = self.selection
        return min(anchor, head), min(len(self.text), max(anchor, head) + 1)

    def select(self, start: int, end: int) -> None:
        """Selects a stretch (end exclusive)."""
        self.selection = (start, max(start, end - 1))
        self._said()

    def unselect(self) -> None:
        self.selection = None
        self._said()

    def _said(self) -> None:
        self.refresh_changed()
        self.post_message(self.Selected())

    def move_head(self, by: str) -> None:
        """Moves the end of the selection: `right` `left` `down` `up` `word` `back`; `sentence` takes the whole one, `swap` the other end."""
        if self.selection is None:
            return
        anchor, head = self.selection
        match by:
            case "right" | "left":
                head += 1 if by == "right" else -1
            case "down" | "up":
                head = self._line_step(head, 1 if by == "down" else -1)
            case "word":
                after = re.compile(r"\S+").search(self.text, min(len(self.text), head + 1))
                head = after.end() - 1 if after else head
            case "back":
                before = list(re.finditer(r"\S+", self.text[max(0, head - 400) : head]))
                head = max(0, head - 400) + before[-1].start() if before else 0
            case "sentence":
                anchor, head = self._sentence(head)
            case "swap":
                anchor, head = head, anchor
        self.selection = (anchor, max(0, min(head, len(self.text) - 1)))
        line = self._wrapped.line_at(self.selection[1])
        if not self.top <= line < self.top + self.size.height:
            self.show_offset(self.selection[1])
        self._said()

    def _line_step(self, offset: int, step: int) -> int:
        lines = self._wrapped
        line = lines.line_at(offset)
        to = max(0, min(len(lines) - 1, line + step))
        return min(lines.starts[to] + offset - lines.starts[line], max(lines.starts[to], lines.ends[to] - 1))

    def _sentence(self, offset: int) -> tuple[int, int]:
        low = max(0, offset - 2000)
        window = self.text[low : offset + 2000]
        ends = [match.end() + low for match in _SENTENCE_END.finditer(window)]
        start = max((end for end in ends if end <= offset), default=low)
        stop = min((end for end in ends if end > offset), default=low + len(window))
        while stop > start + 1 and self.text[stop - 1].isspace():
            stop -= 1
        return start, stop - 1

    def first_word(self) -> int:
        """The first visible character that is no blank: where a selection starts when nothing else suggests a place."""
        found = re.compile(r"\S").search(self.text, self.first_offset)
        return found.start() if found else self.first_offset

    def offset_at(self, x: int, y: int) -> int | None:
        """The offset of the character drawn at a cell of this widget; None outside the text."""
        line = self.top + y
        if line >= len(self._wrapped) or not self.text:
            return None
        start, end = self._wrapped.starts[line], self._wrapped.ends[line]
        column, wanted = 0, max(0, x - GUTTER)
        for offset in range(start, end):
            column += cell_width(self.text[offset], column)
            if column > wanted:
                return offset
        return max(start, end - 1) if end > start else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        offset = self.offset_at(event.x, event.y)
        if offset is not None and event.button == 1:
            self.selection = None
            self._anchor = offset
            self._dragging = True
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            offset = self.offset_at(event.x, max(0, min(event.y, self.size.height - 1)))
            if offset is not None:
                self.selection = (self._anchor, offset)
                self._said()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            self._said()

    # Drawing

    def visible_lines(self) -> Sequence[object]:
        return [list(self.render_line(y)) for y in range(self.size.height)]

    def render_line(self, y: int) -> Strip:
        line = self.top + y
        width = self.size.width
        plain = self.palette.plain
        if line >= len(self._wrapped):
            return Strip(
                [Segment("  ", plain), Segment("|", self.palette.faint), Segment(" " * (width - 3), plain)], width
            )
        start, end = self._wrapped.starts[line], self._wrapped.ends[line]
        marks = self._marks_between(start, end)
        segments = [Segment(self._gutter(marks, start), plain), Segment("|", self.palette.faint)]
        column = 0
        for low, high, style in self._runs(start, end, marks):
            part, column = drawn(self.text[low:high], column)
            segments.append(Segment(part, style))
        return Strip(segments).adjust_cell_length(width, plain)

    def _marks_between(self, start: int, end: int) -> list[Mark]:
        """The marks that touch a line, found without looking at those far from it."""
        stop = bisect_right(self.marks, end, key=lambda one: one.start)
        touching = []
        for at in range(stop - 1, -1, -1):
            if self._reach[at] <= start:
                break
            mark = self.marks[at]
            if mark.start < max(end, start + 1) and mark.end > start:
                touching.append(mark)
        return touching[::-1]

    def _gutter(self, marks: Sequence[Mark], start: int) -> str:
        begun = [mark for mark in marks if mark.start >= start or mark.of_row]
        glyphs = ">" if any(mark.current for mark in begun) else ""
        for mark in sorted(begun, key=lambda one: not one.of_row):
            if len(glyphs) < 2 and mark.state.value not in glyphs:
                glyphs += mark.state.value
        return f"{glyphs:<2}"

    def _runs(self, start: int, end: int, marks: Sequence[Mark]) -> list[tuple[int, int, Style]]:
        layers: list[tuple[int, int, Style]] = [
            (mark.start, mark.end, self._mark_style(mark))
            for mark in sorted(marks, key=lambda one: (one.of_row, one.current))
        ]
        low = bisect_right(self.matches, (start - 4000, 0))
        near = self.matches[low : bisect_right(self.matches, (end, 0))]
        layers.extend((*match, self.palette.match) for match in near)
        if self.selected is not None:
            layers.append((*self.selected, self.palette.selection))
        heading = _HEADING.match(self.text, start, end) if start == 0 or self.text[start - 1] == "\n" else None
        if heading is not None:
            layers.insert(0, (heading.start(), heading.end(), self.palette.heading))
        cuts = sorted({start, end, *(edge for layer in layers for edge in layer[:2] if start < edge < end)})
        runs = []
        for low_cut, high_cut in itertools.pairwise(cuts):
            style = self.palette.plain
            for layer_start, layer_end, layer_style in layers:
                if layer_start <= low_cut < layer_end:
                    style = layer_style
            runs.append((low_cut, high_cut, style))
        return runs

    def _mark_style(self, mark: Mark) -> Style:
        if mark.current:
            return self.palette.evidence
        style = self.palette.state(mark.state)
        return style + Style(reverse=True) if mark.of_row else style


STATE_WORDS: Mapping[State, str] = {
    State.SUGGESTED: "suggested",
    State.CONFLICT: "CONFLICT",
    State.MISSING: "required, not found",
    State.DEFERRED: "deferred",
    State.ACCEPTED: "accepted",
    State.CHANGED: "edited or picked",
    State.ADDED: "added",
    State.REJECTED: "rejected",
    State.NOT_DOCUMENTED: "not documented",
}
