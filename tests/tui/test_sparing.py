"""What reaches the terminal: the right picture, and no more of it than has changed."""

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region
from textual.strip import Strip

from abstractor.tui.sparing import Shown

COLUMNS, LINES = 12, 3
TOLD = re.compile(r"\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)|\x1b\[([0-9;?<>=]*)([A-Za-z])|(\n)|([^\x1b\n])")
OFF = {"22": {"1", "2"}, "23": {"3"}, "24": {"4"}, "25": {"5"}, "27": {"7"}, "29": {"9"}}


class Terminal:
    """As much of a terminal as the interface uses."""

    def __init__(self, columns: int = COLUMNS, lines: int = LINES) -> None:
        self.cells = [[(" ", frozenset(), "", "")] * columns for _ in range(lines)]
        self.x = self.y = 0
        self.attributes: set[str] = set()
        self.front = self.back = ""

    def feed(self, sent: str) -> None:
        for match in TOLD.finditer(sent):
            codes, command, newline, char = match.groups()
            if char:
                self._put(char)
            elif newline:
                self.y += 1
            elif command == "H":
                self.y, self.x = (int(one) - 1 for one in codes.split(";"))
            elif command == "C":
                self.x += int(codes)
            elif command == "m":
                self._colour(codes.split(";"))

    def _put(self, char: str) -> None:
        width = get_character_cell_size(char)
        if width == 0:
            base, *look = self.cells[self.y][self.x - 1]
            self.cells[self.y][self.x - 1] = (base + char, *look)
            return
        for half in (char, "")[:width]:
            if self.x < len(self.cells[self.y]):
                self.cells[self.y][self.x] = (half, frozenset(self.attributes), self.front, self.back)
            self.x += 1

    def _colour(self, codes: list[str]) -> None:
        while codes:
            code = codes.pop(0)
            if code in {"0", ""}:
                self.attributes, self.front, self.back = set(), "", ""
            elif code in {"38", "48"}:
                kind = codes.pop(0)
                colour = ";".join([code, kind, *(codes.pop(0) for _ in range(3 if kind == "2" else 1))])
                self.front, self.back = (colour, self.back) if code == "38" else (self.front, colour)
            elif code in OFF:
                self.attributes -= OFF[code]
            elif code == "39":
                self.front = ""
            elif code == "49":
                self.back = ""
            else:
                self.attributes.add(code)

    def seen(self) -> list[list[tuple[str, ...]]]:
        """What an eye can tell apart: on a blank neither colour nor weight of the letters shows."""
        return [[self._seen(*cell) for cell in line] for line in self.cells]

    @staticmethod
    def _seen(char: str, attributes: frozenset[str], front: str, back: str) -> tuple[str, ...]:
        if char == " " and not attributes & set("479"):
            return (char, back)
        return (char, "".join(sorted(attributes)), front, back)

    @property
    def text(self) -> list[str]:
        return ["".join(cell[0] for cell in line) for line in self.cells]


styles = st.builds(
    Style,
    bold=st.booleans(),
    dim=st.booleans(),
    underline=st.booleans(),
    reverse=st.booleans(),
    strike=st.booleans(),
    color=st.sampled_from(["#56b4e9", "#e6e6e6", None]),
    bgcolor=st.sampled_from(["#101418", "#263238", None]),
)
pieces = st.lists(st.tuples(st.text("ab  c\u6f22e\u0301", max_size=8), styles), max_size=4)


def line_of(parts: Sequence[tuple[str, Style]], width: int = COLUMNS) -> Strip:
    return Strip([Segment(text, style) for text, style in parts]).adjust_cell_length(width, Style())


def whole(lines: Sequence[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, COLUMNS, len(lines)))


def part(lines: Sequence[Strip], cut: int, spans: list[tuple[int, int, int]]) -> ChopsUpdate:
    """As Textual hands over what changed, on a screen of two columns of widgets."""
    chops = []
    for line in lines:
        left, right = line.divide([cut, COLUMNS])
        chops.append({0: left, cut: right})
    return ChopsUpdate(chops, spans, [[cut, COLUMNS] for _ in lines])


@given(st.lists(st.lists(pieces, min_size=LINES, max_size=LINES), min_size=1, max_size=5), st.data())
def test_the_terminal_shows_the_same_as_if_all_had_been_sent(screens, data):
    """Any sequence of screens, each sent whole or in part; parts are sent as they stand, whatever else has changed."""
    console = Console(force_terminal=True, color_system="truecolor", _environ={})
    shown, stock, spared = Shown(), Terminal(), Terminal()
    for number, content in enumerate(screens):
        lines = [line_of(parts) for parts in content]
        if number == 0 or data.draw(st.booleans()):
            update = whole(lines)
        else:
            rows = sorted(data.draw(st.sets(st.integers(0, LINES - 1), min_size=1)))
            first, last = data.draw(st.sampled_from([(0, 6), (6, COLUMNS), (0, COLUMNS)]))
            update = part(lines, 6, [(y, first, last) for y in rows])
        stock.feed(update.render_segments(console))
        spared.feed(shown.changes(update, (COLUMNS, LINES), ColorSystem.TRUECOLOR))
        assert spared.seen() == stock.seen()


def changes(shown: Shown, *lines: Strip) -> str:
    return shown.changes(whole(lines), (COLUMNS, len(lines)), ColorSystem.TRUECOLOR)


def test_the_same_picture_again_sends_nothing():
    shown = Shown()
    line = line_of([("stage", Style(bold=True))])
    assert "stage" in changes(shown, line)
    assert changes(shown, line_of([("stage", Style(bold=True))])) == ""


def test_one_changed_letter_is_one_move_and_one_letter():
    shown = Shown()
    changes(shown, line_of([("limited", Style())]))
    assert changes(shown, line_of([("limiTed", Style())])) == "\x1b[1;5HT"


def test_a_colour_that_stays_is_not_told_again():
    shown = Shown()
    dark = Style(color="#e6e6e6", bgcolor="#101418")
    changes(shown, line_of([("a" * COLUMNS, dark)]))
    sent = changes(shown, line_of([("bbbbbb", dark), ("bbb", dark + Style(reverse=True)), ("bbb", dark)]))
    assert sent.count("48;2;16;20;24") == 1
    assert sent.endswith("\x1b[0m")


def test_after_forgetting_all_is_sent():
    shown = Shown()
    line = line_of([("limited", Style())])
    first = changes(shown, line)
    shown.forget()
    assert changes(shown, line) == first


def test_another_size_sends_all():
    shown = Shown()
    line = line_of([("limited", Style())])
    changes(shown, line)
    assert "limited" in changes(shown, line, line)


def test_where_widths_are_in_doubt_the_piece_is_sent_whole():
    """Terminals disagree on emoji: what stands behind one may stand elsewhere than thought."""
    shown = Shown()
    changes(shown, line_of([("\U0001f9ec gene ab", Style())]))
    assert "\U0001f9ec gene ac" in changes(shown, line_of([("\U0001f9ec gene ac", Style())]))
    assert "gene ac" in changes(shown, line_of([("  gene ac", Style())]))


async def test_the_terminal_shows_what_the_screens_draw(opened, monkeypatch):
    """Through decisions, dialogs on top of the screen, zoom, search, another theme, the palette and a repaint."""
    terminal = Terminal(100, 30)
    sent: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda _: False))
    monkeypatch.setattr(HeadlessDriver, "write", lambda _, data: (sent.append(data), terminal.feed(data)))
    keys = (
        "j j 1 a r u ? q e escape v s escape / s m a l l enter ] escape z tab z n p . c o k escape t q A escape w enter"
    )
    async with opened(size=(100, 30)) as hand:
        for key in [*keys.split(), "ctrl+l"]:
            sent.clear()
            await hand.press(key)
            await hand.settle()
            drawn = [strip.text.ljust(100) for strip in hand.screen._compositor.render_strips()]
            assert terminal.text == drawn, f"after {key}"
        assert len("".join(sent)) > 100 * 30  # the last key sends everything again
        hand.app.take_theme("light")
        await hand.settle()
        assert terminal.text == [strip.text for strip in hand.screen._compositor.render_strips()]
