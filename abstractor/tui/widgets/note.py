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
from abstractor.tui.wrap import Wrapped, cell_width, column_of, drawn, offset_at, wrap

GUTTER = 3
"""Cells left of the text: the states of up to two facts on the line, and a bar."""

LONGEST = 5_000_000
"""Characters that are shown of a note; of a longer one a bar at its end tells how much is missing."""

_WORD = re.compile(r"\w+(?:[.,:/'\u2019-]\w+)*%?|[^\w\s]")
"""A word as one selects it: 2.4, 12/03/2021, p.R175H, cut-off, 40%; any other character stands alone."""

_FAR = 4000
"""Characters looked at for the ends of a word or sentence, and to which a match that begins before the line may reach."""

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


class DocView(ScrollView):
    """A note with its marks."""

    DEFAULT_CSS = """
    DocView { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size: 0 0; }
    """

    class Selected(Message):
        """The selection has changed."""

    class Resized(Message):
        """Its size has changed: how far down it is shown, too."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.can_focus = False
        self.palette: Palette = PALETTES["dark"]
        self.text = ""
        self.marks: Sequence[Mark] = ()
        self.matches: Sequence[tuple[int, int]] = ()
        self.selection: tuple[int, int] | None = None
        """(anchor, head); the head moves, and may lie before the anchor."""
        self.unreadable = 0
        """Characters of the note that stand for bytes which nobody could read."""
        self._shown = ""
        """The text, or as much of it as is shown."""
        self._wrapped = wrap("", 1)
        self._width = 0
        self._reach: list[int] = []
        self._headings: list[int] | None = None
        self._kept: tuple[int, int] | None = None
        """The first visible offset before the size changed, and the line it was put on: narrow and wide again is where it was."""
        self._dragging = False
        self._anchor = 0
        self._wanted: int | None = None
        """The offset to centre on once the widget has a size."""

    # What is shown

    def load(self, text: str) -> None:
        """Shows another note from its top."""
        self.text = text
        self.unreadable = text.count("\N{REPLACEMENT CHARACTER}")
        self._shown = text[:LONGEST]
        self._headings = None
        self._kept = None
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
        self.refresh()

    def find(self, matches: Sequence[tuple[int, int]]) -> None:
        """Highlights what was searched for; sorted, none over another."""
        self.matches = matches
        self.refresh()

    def _rewrap(self) -> None:
        if not self.size.width:
            # not laid out, or hidden: lines of another text must not be drawn; `on_resize` follows
            self._wrapped, self._width = wrap("", 1), 0
            return
        self._width = max(1, self.size.width - GUTTER)
        self._wrapped = wrap(self._shown, self._width)
        self.virtual_size = Size(self.size.width, max(self.height_of_text, self.size.height))

    def on_resize(self) -> None:
        self.post_message(self.Resized())
        if max(1, self.size.width - GUTTER) == self._width:
            return
        kept = self._kept
        first = kept[0] if kept is not None and kept[1] == self.top else self.first_offset
        self._rewrap()
        line = self._wrapped.line_at(first)
        self._scroll(line)
        self._kept = (first, line)
        if self._wanted is not None:
            self.centre(self._wanted)
        self.refresh()

    @property
    def cut(self) -> int:
        """Characters of the note that are not shown, because it is too long."""
        return len(self.text) - len(self._shown)

    @property
    def height_of_text(self) -> int:
        """Screen lines of the note, with the bar that ends one too long."""
        return len(self._wrapped) + (1 if self.cut else 0)

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
        return min(100, round(100 * (self.top + self.size.height) / self.height_of_text))

    # Moving

    def _scroll(self, line: int) -> None:
        self.scroll_to(y=line, animate=False, force=True, immediate=True)

    def show_offset(self, offset: int) -> None:
        """Brings an offset to a third of the height, unless it is in view already and not at the very edge."""
        line = self._wrapped.line_at(offset)
        around = min(1, line), min(1, len(self._wrapped) - 1 - line)
        bottom = self.top + self.size.height - 1
        if not self.in_view(offset, offset + 1) or line - around[0] < self.top or line + around[1] > bottom:
            self.centre(offset)

    def centre(self, offset: int) -> None:
        """Brings an offset to a third of the height."""
        self._wanted = None if self.size.height else offset
        self._scroll(max(0, self._wrapped.line_at(offset) - self.size.height // 3))

    def in_view(self, start: int, end: int) -> bool:
        """Whether a stretch is on the screen, from its first to its last line or as much as fits."""
        if not self.size.height or not self.display or start >= len(self._shown):
            return False
        first, last = self._wrapped.line_at(start), self._wrapped.line_at(max(start, end - 1))
        bottom = self.top + self.size.height - 1
        return self.top <= first <= bottom and (last <= bottom or first == self.top)

    def page(self, pages: float) -> None:
        lines = max(1, round(abs(pages) * self.size.height) - 1)
        self._scroll(max(0, self.top + (lines if pages > 0 else -lines)))

    def section(self, step: int) -> None:
        """Goes to the next (1) or previous (-1) heading."""
        if self._headings is None:
            self._headings = [match.start() for match in _HEADING.finditer(self._shown)]
        here = self._wrapped.line_at(self.first_offset)
        lines = [self._wrapped.line_at(start) for start in self._headings]
        ahead = [line for line in lines if line > here] if step > 0 else [line for line in lines if line < here][::-1]
        if ahead:
            self._scroll(ahead[0])

    # Selecting

    @property
    def selected(self) -> tuple[int, int] | None:
        """The selected stretch, first before last, with the combining characters on its last one; None without a selection."""
        if self.selection is None or not self._shown:
            return None
        low, high = sorted(self.selection)
        return low, self._beyond(high)

    @property
    def selected_text(self) -> str:
        """The selected words as they stand in the note; "" without a selection."""
        return "" if self.selected is None else self._shown[slice(*self.selected)]

    def _beyond(self, offset: int) -> int:
        """The offset behind a character and what combines with it."""
        offset += 1
        while offset < len(self._shown) and cell_width(self._shown[offset], 0) == 0 and self._shown[offset] != "\r":
            offset += 1
        return min(offset, len(self._shown))

    def select(self, start: int, end: int) -> None:
        """Selects a stretch (end exclusive)."""
        self.selection = (start, max(start, end - 1))
        self._said()

    def unselect(self) -> None:
        self.selection = None
        self._said()

    def _said(self) -> None:
        self.refresh()
        self.post_message(self.Selected())

    def move_head(self, by: str) -> None:
        """Moves the end of the selection: `right` `left` `down` `up` `word` `back`; `sentence` takes the whole one, `swap` the other end."""
        if self.selection is None:
            return
        anchor, head = self.selection
        match by:
            case "right":
                head = self._beyond(head)
            case "left":
                head -= 1
                while head > 0 and cell_width(self._shown[head], 0) == 0 and self._shown[head] != "\r":
                    head -= 1
            case "down" | "up":
                head = self._line_step(head, 1 if by == "down" else -1)
            case "word":
                head = self._word_end(head)
            case "back":
                low = max(0, head - _FAR)
                before = list(_WORD.finditer(self._shown, low, head))
                head = before[-1].start() if before else low
            case "sentence":
                anchor, head = self._sentence(head)
            case "swap":
                anchor, head = head, anchor
        self.selection = (anchor, max(0, min(head, len(self._shown) - 1)))
        if not self.in_view(self.selection[1], self.selection[1] + 1):
            self.centre(self.selection[1])
        self._said()

    def _word_end(self, offset: int) -> int:
        """The last character of the word, or of the next one where it is that already."""
        last = self.word_at(offset)[1] - 1
        if last > offset:
            return last
        after = _WORD.search(self._shown, offset + 1)
        return after.end() - 1 if after else offset

    def _line_step(self, offset: int, step: int) -> int:
        """The offset on the next screen line that is drawn in the same column."""
        lines = self._wrapped
        line = lines.line_at(offset)
        to = max(0, min(len(lines) - 1, line + step))
        column = column_of(self._shown, lines.starts[line], offset)
        return offset_at(self._shown, lines.starts[to], lines.ends[to], column)

    def word_at(self, offset: int) -> tuple[int, int]:
        """The word that a character belongs to; the character alone where it belongs to none."""
        low = max(0, offset - _FAR)
        low = next((at + 1 for at in range(offset - 1, low - 1, -1) if self._shown[at].isspace()), low)
        for word in _WORD.finditer(self._shown, low, min(len(self._shown), offset + _FAR)):
            if word.start() > offset:
                break
            if offset < word.end():
                return word.span()
        return offset, offset + 1

    def _sentence(self, offset: int) -> tuple[int, int]:
        low = max(0, offset - _FAR)
        window = self._shown[low : offset + _FAR]
        ends = [match.end() + low for match in _SENTENCE_END.finditer(window)]
        start = max((end for end in ends if end <= offset), default=low)
        stop = min((end for end in ends if end > offset), default=low + len(window))
        while stop > start + 1 and self._shown[stop - 1].isspace():
            stop -= 1
        return start, stop - 1

    def first_word(self) -> int:
        """The first visible character that is no blank: where a selection starts when nothing else suggests a place."""
        found = re.compile(r"\S").search(self._shown, self.first_offset)
        return found.start() if found else self.first_offset

    def offset_at(self, x: int, y: int) -> int | None:
        """The offset of the character drawn at a cell of this widget; None outside the text."""
        line = self.top + y
        if line >= len(self._wrapped) or not self._shown:
            return None
        return offset_at(self._shown, self._wrapped.starts[line], self._wrapped.ends[line], max(0, x - GUTTER))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        offset = self.offset_at(event.x, event.y)
        if offset is not None and event.button == 1:
            self.selection = None
            self._anchor = offset
            self._dragging = True
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if not self._dragging:
            return
        height = self.size.height
        if not 0 <= event.y < height:
            self._scroll(max(0, self.top + (1 if event.y > 0 else -1)))
        offset = self.offset_at(event.x, max(0, min(event.y, height - 1)))
        if offset is not None:
            self.selection = (self._anchor, offset)
            self._said()

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            self._said()

    def on_click(self, event: events.Click) -> None:
        """A second click takes the word, a third the sentence."""
        offset = self.offset_at(event.x, event.y)
        if offset is None or event.chain < 2:
            return
        if event.chain == 2:
            self.select(*self.word_at(offset))
        else:
            start, last = self._sentence(offset)
            self.select(start, last + 1)

    # Drawing

    def render_line(self, y: int) -> Strip:
        line = self.top + y
        width = self.size.width
        plain = self.palette.plain
        if line >= len(self._wrapped):
            return self._below(line).adjust_cell_length(width, plain)
        start, end = self._wrapped.starts[line], self._wrapped.ends[line]
        marks = self._marks_between(start, end)
        segments = [Segment(self._gutter(marks, start), plain), Segment("|", self.palette.faint)]
        column = 0
        for low, high, style in self._runs(start, end, marks):
            part, column = drawn(self._shown[low:high], column)
            segments.append(Segment(part, style))
        return Strip(segments).adjust_cell_length(width, plain)

    def _below(self, line: int) -> Strip:
        """What stands under the last line: the bar of a note too long, or nothing."""
        if self.cut and line == len(self._wrapped):
            told = f" the first {len(self._shown):,} of {len(self.text):,} characters; the rest is not shown "
            return Strip([Segment(told, self.palette.alarm)])
        return Strip([Segment("  ", self.palette.plain), Segment("|", self.palette.faint)])

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
        low = bisect_right(self.matches, (start - _FAR, 0))
        near = self.matches[low : bisect_right(self.matches, (end, 0))]
        layers.extend((*match, self.palette.match) for match in near)
        if self.selected is not None:
            layers.append((*self.selected, self.palette.selection))
        heading = _HEADING.match(self._shown, start, end) if start == 0 or self._shown[start - 1] == "\n" else None
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
