"""Widgets that draw lines: a bar of one line, a panel, and a list with a cursor. They hold styled text that is safe already.

They never take the keyboard: keys belong to the screen, so that a letter means the same wherever the eye is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from abstractor.tui.safe import safe
from abstractor.tui.wrap import fit, wrap

_BEYOND = 2
"""Rows that stay in view before and after the cursor, where there is room: what comes next is seen before it is there."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line to draw: parts of text with their styles. The only way text reaches these widgets; it is made safe here."""

    parts: tuple[tuple[str, Style], ...] = ()

    @classmethod
    def of(cls, *parts: tuple[str, Style]) -> "Line":
        return cls(tuple((safe(text), style) for text, style in parts if text))

    def strip(self, width: int, fill: Style, *, reverse: bool = False) -> Strip:
        """Padded to the right edge, so that a width the terminal draws otherwise never shifts what comes after."""
        turned = Style(reverse=True) if reverse else Style()
        segments = []
        left = width
        for text, style in self.parts:
            if left <= 0:
                break
            shown = text if cell_len(text) <= left else fit(text, left)
            segments.append(Segment(shown, style + turned))
            left -= cell_len(shown)
        if left > 0:
            segments.append(Segment(" " * left, fill + turned))
        return Strip(segments, width).simplify()

    @property
    def plain(self) -> str:
        return "".join(text for text, _ in self.parts)

    def part(self, start: int, end: int) -> "Line":
        """The characters from `start` to `end`, in their styles."""
        found, at = [], 0
        for text, style in self.parts:
            low, high = max(start - at, 0), min(end - at, len(text))
            if low < high:
                found.append((text[low:high], style))
            at += len(text)
        return Line(tuple(found))


class Drawn(NamedTuple):
    """A line as it stands on the screen."""

    line: Line
    fill: Style
    is_cursor: bool = False


class Changing(Widget):
    """Sends to the terminal only the lines that differ from those it shows: over a slow line, bytes are what takes time."""

    _shown: Sequence[Drawn] = ()
    _shown_size = Size()

    def visible_lines(self) -> Sequence[Drawn]:
        """The lines of the widget, from the top."""
        raise NotImplementedError

    def refresh_changed(self) -> None:
        """Draws the lines anew that have changed since this was last called."""
        before = self._shown
        self._take_lines()
        if len(before) != len(self._shown):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, self._shown, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _take_lines(self) -> None:
        self._shown, self._shown_size = self.visible_lines(), self.size

    def render_line(self, y: int) -> Strip:
        if self._shown_size != self.size:
            self._take_lines()
        drawn = self._shown[y] if y < len(self._shown) else Drawn(Line(), Style())
        return drawn.line.strip(self.size.width, drawn.fill, reverse=drawn.is_cursor)


LINES_SAID = 3
"""Lines that what is told above a list, or in the footer, may take."""


class Bar(Widget):
    """One line; or as many as a long one needs, where it may have more."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, most: int = 1) -> None:  # noqa: A002 - Textual's name
        """Takes how many lines of the screen it may have at most."""
        super().__init__(id=id)
        self.line = Line()
        self.fill = Style()
        self._most = most
        self._rows: Sequence[Line] = ()

    def show(self, line: Line, fill: Style) -> None:
        if (line, fill) != (self.line, self.fill):
            self.line, self.fill = line, fill
            self._fold()
            self.refresh()

    def on_resize(self) -> None:
        self._fold()

    def _fold(self) -> None:
        """Wraps the line at the width there is; the height follows."""
        self._rows = (self.line,)
        width = self.size.width
        if self._most == 1 or not width:
            return
        text = self.line.plain
        if cell_len(text) > width:
            rows = wrap(text, width)
            self._rows = [self.line.part(*place) for place in zip(rows.starts, rows.ends, strict=True)][: self._most]
        if self.styles.height is None or self.styles.height.value != len(self._rows):
            self.styles.height = len(self._rows)

    def render_line(self, y: int) -> Strip:
        return (self._rows[y] if y < len(self._rows) else Line()).strip(self.size.width, self.fill)


class Panel(Changing):
    """Some lines, from the top; what does not fit is reached by scrolling."""

    DEFAULT_CSS = "Panel { height: 1fr; width: 1fr; }"

    class Resized(Message):
        """Its size has changed: lines that were cut for the size before must be made anew."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()
        self.fill = Style()
        self.first = 0

    def show(self, lines: Sequence[Line], fill: Style) -> None:
        self.lines, self.fill, self.first = lines, fill, 0
        self.refresh_changed()

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def move(self, lines: int) -> None:
        self.first = max(0, min(self.first + lines, len(self.lines) - self.size.height))
        self.refresh_changed()

    def visible_lines(self) -> Sequence[Drawn]:
        return [Drawn(self._line(y), self.fill) for y in range(self.size.height)]

    def _line(self, y: int) -> Line:
        at = self.first + y
        return self.lines[at] if at < len(self.lines) else Line()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)


class LineList(Changing):
    """A list of any length with a cursor; a line is drawn only when it is seen."""

    DEFAULT_CSS = "LineList { height: 1fr; width: 1fr; }"

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, source: "LineList", index: int) -> None:
            super().__init__()
            self.source = source
            self.index = index

    class Chosen(Message):
        """A row was clicked a second time."""

        def __init__(self, source: "LineList", index: int) -> None:
            super().__init__()
            self.source = source
            self.index = index

    def __init__(self, draw: Callable[[int, int], Line], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        """Takes what draws row `index` in `width` cells."""
        super().__init__(id=id)
        self._draw = draw
        self.count = 0
        self.index = 0
        self.first = 0
        self.fill = Style()
        self.empty = Line()

    def show(self, count: int, index: int, fill: Style, empty: Line | None = None) -> None:
        """Takes a new number of rows; `empty` is shown when there are none."""
        self.count, self.fill = count, fill
        self.empty = empty or Line()
        index = max(0, min(index, count - 1))
        # what was clicked has the cursor already, and must not move away under the mouse
        beyond = _BEYOND if index != self.index else 0
        self.index = index
        self._keep_in_view(beyond)
        self.refresh_changed()

    def go(self, index: int) -> None:
        """Moves the cursor and says so."""
        index = max(0, min(index, self.count - 1))
        if self.count and index != self.index:
            self.index = index
            self._keep_in_view()
            self.refresh_changed()
            self.post_message(self.Moved(self, index))

    def move(self, rows: int) -> None:
        self.go(self.index + rows)

    @property
    def page(self) -> int:
        return max(1, self.size.height)

    def _keep_in_view(self, beyond: int = 0) -> None:
        """Where the cursor would leave the view, or come nearer to its edge than `beyond`, scrolls so far that a quarter of the view lies ahead.

        Every scroll draws and sends all lines: one of a quarter shows what comes next, and is due only now and then.
        """
        height = self.page
        beyond = min(beyond, (height - 1) // 2)
        ahead = max(beyond, height // 4)
        if self.index - beyond < self.first:
            self.first = self.index - ahead
        elif self.index + beyond >= self.first + height:
            self.first = self.index + ahead - height + 1
        self.first = max(0, min(self.first, self.count - height))

    def on_resize(self) -> None:
        self._keep_in_view()
        self.refresh_changed()

    def visible_lines(self) -> Sequence[Drawn]:
        return [Drawn(self._line(y), self.fill, self._is_cursor(y)) for y in range(self.size.height)]

    def _line(self, y: int) -> Line:
        at = self.first + y
        if not self.count:
            return self.empty if y == 0 else Line()
        return self._draw(at, self.size.width) if at < self.count else Line()

    def _is_cursor(self, y: int) -> bool:
        return bool(self.count) and self.first + y == self.index

    def on_click(self, event: events.Click) -> None:
        event.stop()
        at = self.first + event.y
        if at < self.count:
            if at == self.index:
                self.post_message(self.Chosen(self, at))
            self.go(at)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-1)
