"""Screens of lines to read under a title. They change nothing; from each, every other screen is one or two keys away."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from abstractor.tui.actions import READER, Keymap
from abstractor.tui.messages import ScreenWanted, WorklistWanted
from abstractor.tui.screens.listed import ListedScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import LINES_SAID, Bar, Line, LineList


class ReaderScreen(ListedScreen[int | None]):
    """Lines under a title; `enter` hands back the number of the line under the cursor, where that leads somewhere."""

    KIND = READER
    FOOTER: tuple[tuple[str, str], ...] = ()
    """Actions of its own that the footer shows before those of all readers: ids separated by blanks, and a word for them."""

    def __init__(self, keymap: Keymap, palette: Palette, title: str, empty: str = "") -> None:
        super().__init__(keymap, palette)
        self.heading = title
        self.empty = empty
        self.lines: Sequence[Line] = ()

    def build(self) -> Sequence[Line]:
        """The lines, in the styles of the current theme."""
        raise NotImplementedError

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="header")
        yield LineList(lambda index, _width: self.lines[index], id="lines")
        yield Bar(id="footer", most=LINES_SAID)

    def draw(self) -> None:
        self.lines = self.build()
        found = self.list
        found.show(len(self.lines), found.index, self.palette.plain, Line.of((f" {self.empty}", self.palette.plain)))
        self.query_one("#header", Bar).show(Line.of((f" {self.heading}", self.palette.bar)), self.palette.bar)
        self.say("")

    def say(self, text: str, *, alarm: bool = False) -> None:
        palette = self.palette
        told = Line.of((f" {text}", palette.alarm if alarm else palette.bar))
        line = told if text else self.keys_line()
        self.query_one("#footer", Bar).show(line, palette.bar)

    def keys_line(self) -> Line:
        """The footer: the keys that do something here, as many as fit beside how to move, to leave and to get help."""
        palette = self.palette
        always = [("down up", "move"), ("back", "back"), ("help", "help")]
        told = [*self.FOOTER, *always]
        while (
            len(told) > len(always)
            and sum(len(self._keys(ids)) + len(word) + 4 for ids, word in told) > self.app.size.width
        ):
            told.pop(len(told) - len(always) - 1)
        return Line.of(
            *(
                part
                for ids, word in told
                for part in ((f" {self._keys(ids)}", palette.bar_key), (f" {word}  ", palette.bar))
            )
        )

    def _keys(self, ids: str) -> str:
        return "/".join(self.keymap.shown(name) for name in ids.split())

    def on_mount(self) -> None:
        self.draw()

    def do_bottom(self) -> None:
        self.list.go(self.list.count - 1)

    def do_back(self) -> None:
        self.dismiss(None)

    def do_help(self) -> None:
        self.post_message(ScreenWanted("help"))

    def do_go_there(self) -> None:
        self.dismiss(self.list.index if self.list.count else None)

    def on_line_list_chosen(self, _message: LineList.Chosen) -> None:
        self.do_go_there()

    def do_worklist(self) -> None:
        self.dismiss(None)
        self.app.post_message(WorklistWanted())
