"""The cover over everything when nobody has pressed a key for long. Nothing of a patient is on it; any key takes it off and does no more."""

from collections.abc import Iterable

from textual import events
from textual.widget import Widget

from abstractor.tui.actions import DIALOG, Keymap
from abstractor.tui.screens.keyed import KeyedScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line, Panel


class IdleScreen(KeyedScreen[None]):
    """Covers the whole terminal."""

    KIND = DIALOG

    def __init__(self, keymap: Keymap, palette: Palette, minutes: int, user: str) -> None:
        super().__init__(keymap, palette)
        self.minutes = minutes
        self.user = user

    def contents(self) -> Iterable[Widget]:
        yield Panel(id="cover")

    def on_mount(self) -> None:
        self.draw()

    def draw(self) -> None:
        plain = self.palette.plain
        says = f" Nothing was pressed for {self.minutes} minutes. Everything is saved; any key goes on."
        whose = f" What is decided here is signed {self.user}: somebody else presses {self.keymap.shown('quit')}."
        self.query_one("#cover", Panel).show([Line(), Line.of((says, plain)), Line.of((whose, plain))], plain)

    def say(self, text: str, *, alarm: bool = False) -> None:
        """Nothing is told over the cover."""

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self.app.screen is self and self.keymap.action(DIALOG, event.key) == "quit":
            self.run_table_action("quit")
        elif self.app.screen is self:
            self.dismiss(None)
        else:
            super().on_key(event)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.dismiss(None)
