"""Questions that quality work asks: how bad an error is, and one out of a list (a class of error, a person)."""

from collections.abc import Iterable, Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from abstractor.tui.actions import Keymap
from abstractor.tui.screens.dialogs import Dialog, Line1
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line, LineList

_LISTED = 8


class Digits(Dialog[str]):
    """Asks for one of a few answers: a digit each."""

    def __init__(self, keymap: Keymap, palette: Palette, title: str, answers: Sequence[tuple[str, str]]) -> None:
        """Takes the answers: what is handed back, and what is shown."""
        told = "   ".join(f"{number} {words}" for number, (_, words) in enumerate(answers, 1))
        super().__init__(keymap, palette, title, f"{told}   esc leaves")
        self.answers = answers

    def on_key(self, event: events.Key) -> None:
        if self.app.screen is self and event.character and event.character.isdecimal():
            event.stop()
            event.prevent_default()  # else the question that follows would get the digit as well
            at = int(event.character)
            if 1 <= at <= len(self.answers):
                self.dismiss(self.answers[at - 1][0])


class OneOf(Dialog[str]):
    """Asks for one out of a list; typing narrows it. Nothing else than what is listed can be answered."""

    def __init__(
        self, keymap: Keymap, palette: Palette, title: str, choices: Sequence[tuple[str, str]], first: str = ""
    ) -> None:
        """Takes the choices: what is handed back, and what it means; `first` is the one the cursor begins on."""
        super().__init__(keymap, palette, title, "type to narrow   up/down choose   enter takes it   esc leaves")
        self.choices = tuple(sorted(choices, key=lambda one: one[0] != first)) if first else tuple(choices)
        self.found: Sequence[tuple[str, str]] = self.choices

    def asks(self) -> Iterable[Widget]:
        yield Line1(id="typed")
        yield LineList(self._line, id="choices")

    def _line(self, at: int, _width: int) -> Line:
        code, says = self.found[at]
        return Line.of((f"   {code:<10} ", self.palette.heading), (says, self.palette.plain))

    def on_mount(self) -> None:
        self.query_one("#typed", Line1).focus()

    def draw(self) -> None:
        super().draw()
        listed = self.query_one("#choices", LineList)
        listed.styles.height = min(_LISTED, max(1, len(self.choices)))
        empty = Line.of(("   nothing like that", self.palette.faint))
        listed.show(len(self.found), listed.index, self.palette.plain, empty)

    def on_input_changed(self, _event: Input.Changed) -> None:
        self._narrow()

    def _narrow(self) -> None:
        """Those that begin so come first, then those whose words hold it."""
        typed = self.query_one("#typed", Line1).value.casefold().strip()
        named = [one for one in self.choices if typed in f"{one[0]} {one[1]}".casefold()]
        found = sorted(named, key=lambda one: not one[0].casefold().startswith(typed)) if typed else named
        if list(found) != list(self.found):
            self.found = found
            self.draw()
            self.query_one("#choices", LineList).go(0)

    def do_choice_down(self) -> None:
        self.query_one("#choices", LineList).move(1)

    def do_choice_up(self) -> None:
        self.query_one("#choices", LineList).move(-1)

    def do_save(self) -> None:
        self._narrow()  # enter may come in one burst with the last letters
        if self.found:
            self.dismiss(self.found[self.query_one("#choices", LineList).index][0])
