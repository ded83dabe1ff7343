"""Sends only the cells that differ from what the terminal shows: over a slow line, bytes are what takes time.

Textual sends every line of a widget that was drawn anew, from its first to its last cell, each part with all its colours. Here each update
is compared with what was sent before, cell by cell. It draws nothing itself and knows no screen.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter, ne
from typing import Any, NamedTuple

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App, ReturnType
from textual.screen import Screen
from textual.strip import Strip

from abstractor.tui.wrap import NOT_SINGLE

_GAP = 5
"""So many equal cells between two that differ are sent again: moving the cursor over them costs as much."""

_RESET = "\x1b[0m"

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
"""What takes an attribute back. Bold and dim share it."""

_SEEN_ON_BLANKS = frozenset("479")
"""Attributes that a blank shows as well: underline, reverse, strike."""


class Look(NamedTuple):
    """A style in the codes of the terminal."""

    attributes: frozenset[str] = frozenset()
    front: str = ""
    back: str = ""


def _of_blank(look: Look) -> Look:
    """The same for a blank, on which most of it can't be seen."""
    return look if look.attributes & _SEEN_ON_BLANKS else Look(back=look.back)


_PLAIN = Look()
Cell = tuple[str, Look]
"""What stands in a cell, with the combining characters on it; "" is the second half of a wide character."""


class Shown:
    """What the terminal shows."""

    def __init__(self) -> None:
        self._lines: list[list[Cell]] = []
        self._doubtful: list[bool] = []
        """Of each line: whether terminals may disagree on where its cells stand."""
        self._columns = 0
        self._looks: dict[tuple[Style, ColorSystem], Look] = {}

    def forget(self) -> None:
        """The terminal may show anything: the next update is sent whole."""
        self._lines = []

    def changes(self, update: CompositorUpdate, size: tuple[int, int], system: ColorSystem) -> str:
        """What must be sent to a terminal of that size (columns, lines) to show an update."""
        columns, lines = size
        if len(self._lines) != lines or self._columns != columns:
            self._columns = columns
            self._lines = [[] for _ in range(lines)]
            self._doubtful = [False] * lines
        pen = _Pen()
        for x, y, strip in _pieces(update):
            if 0 <= y < lines:
                self._draw(pen, x, y, self._cells(strip, system))
        return pen.finished()

    def _draw(self, pen: "_Pen", x: int, y: int, new: list[Cell]) -> None:
        line = self._lines[y]
        old = line[x : x + len(new)]
        doubted = self._doubtful[y]
        if old == new and not doubted:
            return
        doubtful = _doubtful(new)
        if len(old) < len(new) or doubted or doubtful:
            # unknown, or terminals disagree on the width of a character: where the cells of this piece stand is not certain
            pen.write_on(x, y, new)
        else:
            for low, high in _runs(old, new):
                pen.write(x + low, y, new[low:high])
        if x > len(line):
            line.extend([("", _PLAIN)] * (x - len(line)))
        line[x : x + len(new)] = new
        self._doubtful[y] = doubtful or (doubted and _doubtful(line))

    def _cells(self, strip: Strip, system: ColorSystem) -> list[Cell]:
        cells: list[Cell] = []
        under = _PLAIN  # the look of the last cell in full: a mark on a blank shows its colour after all
        for text, style, control in strip:
            if control or not text:
                continue
            look = self._look(style, system)
            blank = (" ", _of_blank(look))
            if not NOT_SINGLE.search(text):
                cells.extend(blank if char == " " else (char, look) for char in text)
                under = look
                continue
            for char in text:
                width = get_character_cell_size(char)
                if width == 0 and cells:
                    cells[-1] = (cells[-1][0] + char, under)
                else:
                    under = look
                    cells.append((char, look))
                    cells.extend([("", look)] * (width - 1))
        return cells

    def _look(self, style: Style | None, system: ColorSystem) -> Look:
        if style is None:
            return _PLAIN
        known = self._looks.get((style, system))
        if known is None:
            front, back = style.color, style.bgcolor
            attributes = Strip.render_ansi(style.without_color, system)
            known = self._looks[style, system] = Look(
                frozenset(attributes.split(";") if attributes else ()),
                ";".join(front.downgrade(system).get_ansi_codes()) if front is not None else "",
                ";".join(back.downgrade(system).get_ansi_codes(foreground=False)) if back is not None else "",
            )
        return known


class _Pen:
    """Collects what is sent: each move and each change of colour in as few characters as can be.

    Pieces of one look are written together, wherever they stand: a move is shorter than a colour, and the terminal shows it all at once.
    """

    def __init__(self) -> None:
        self._sent: list[str] = []
        self._look = _PLAIN
        self._at = (-1, -1)
        self._waiting: dict[Look, list[tuple[int, int, str]]] = {}

    def write(self, x: int, y: int, cells: Sequence[Cell]) -> None:
        """Writes cells from a place on."""
        for look, text in _fragments(cells):
            self._waiting.setdefault(look, []).append((x, y, text))
            x += len(text)

    def write_on(self, x: int, y: int, cells: Sequence[Cell]) -> None:
        """Writes cells of which some may be drawn wider or narrower than thought: in one go, so that none overwrites another."""
        self._move(x, y)
        for look, text in _fragments(cells):
            self._take(look)
            self._sent.append(text)
        self._at = (-1, -1)

    def finished(self) -> str:
        """Everything to send; the terminal is left without colours."""
        for look in sorted(self._waiting, key=lambda one: (one.back, one.front, sorted(one.attributes))):
            self._take(look)
            for x, y, text in self._waiting[look]:
                self._move(x, y)
                self._sent.append(text)
                self._at = (x + len(text), y)
        if self._look != _PLAIN:
            self._sent.append(_RESET)
        return "".join(self._sent)

    def _move(self, x: int, y: int) -> None:
        column, line = self._at
        if line == y and column < x:
            self._sent.append(f"\x1b[{x - column}C")
        elif (column, line) != (x, y):
            self._sent.append(Control.move_to(x, y).segment.text)

    def _take(self, look: Look) -> None:
        held = self._look
        if look == held:
            return
        codes = []
        gone = held.attributes - look.attributes
        kept = held.attributes & look.attributes
        if gone:
            off = {_OFF.get(one, "0") for one in gone}
            if "0" in off:
                off, held, kept = {"0"}, _PLAIN, frozenset()
            codes += sorted(off)
            kept = frozenset(one for one in kept if _OFF.get(one) not in off)
        codes += sorted(look.attributes - kept)
        if look.front != held.front:
            codes.append(look.front or "39")
        if look.back != held.back:
            codes.append(look.back or "49")
        self._sent.append(f"\x1b[{';'.join(codes)}m")
        self._look = look


def _fragments(cells: Sequence[Cell]) -> Iterator[tuple[Look, str]]:
    """Stretches of one look; blanks take that of their neighbours where it does not show."""
    held, text = _PLAIN, ""
    for look, same in itertools.groupby(cells, key=itemgetter(1)):
        part = "".join([cell[0] for cell in same])
        blank = not part.strip(" ")
        if text and (look == held or (blank and _of_blank(held) == look)):
            text += part
        elif text and _of_blank(look) == held and not text.strip(" "):
            held, text = look, text + part
        else:
            if text:
                yield held, text
            held, text = look, part
    if text:
        yield held, text


def _pieces(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The stretches of lines in an update: column, line, content."""
    match update:
        case LayoutUpdate():
            for y, strips in enumerate(update.strips, update.region.y):
                x = update.region.x
                for strip in strips:
                    yield x, y, strip
                    x += strip.cell_length
        case ChopsUpdate():
            for y, first, last in update.spans:
                for end, (x, piece) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                    if piece is not None and x <= last and end > first:
                        yield x, y, piece if end <= last else piece.crop(0, last - x)


def _doubtful(cells: Iterable[Cell]) -> bool:
    """Whether terminals may disagree on where these cells stand."""
    return NOT_SINGLE.search("".join([cell[0] for cell in cells])) is not None


def _runs(old: list[Cell], new: list[Cell]) -> list[tuple[int, int]]:
    """Where two lines differ, as few and as short stretches as pay."""
    runs: list[tuple[int, int]] = []
    for at in itertools.compress(itertools.count(), map(ne, old, new)):
        if runs and at - runs[-1][1] <= _GAP:
            runs[-1] = (runs[-1][0], at + 1)
        else:
            runs.append((at, at + 1))
    return runs


class _Changes(CompositorUpdate):
    """An update, cut to what differs at the moment when it is sent."""

    def __init__(self, update: CompositorUpdate, shown: Shown, size: tuple[int, int]) -> None:
        self._update = update
        self._shown = shown
        self._size = size

    def render_segments(self, console: Console) -> str:
        return self._shown.changes(self._update, self._size, console._color_system or ColorSystem.TRUECOLOR)


class SparingApp(App[ReturnType]):
    """An app that remembers what its terminal shows."""

    training = False
    """Whether it works on a training copy: every screen says so."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._shown = Shown()

    def send_all(self) -> None:
        """The terminal may show anything: draws the whole screen anew."""
        self._shown.forget()
        self.refresh(layout=True)

    def on_resize(self, _event: events.Resize) -> None:
        self._shown.forget()  # also where the size is the same: somebody may have come back to a terminal of another kind

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.send_all())

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """The one place through which Textual sends a screen to the terminal."""
        if isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            renderable = _Changes(renderable, self._shown, self.size)
        super()._display(screen, renderable)
