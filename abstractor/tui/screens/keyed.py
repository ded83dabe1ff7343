"""What all screens share: keys go through the action table, errors become one line, and a terminal too small says so.

A screen has a method `do_ID` for each action the table gives it.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from abstractor.model.errors import AbstractorError
from abstractor.tui.actions import BY_ID, Keymap, is_sequence, key_name, spell
from abstractor.tui.messages import ScreenWanted
from abstractor.tui.sparing import SparingApp
from abstractor.tui.standing import StandingApp
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line

Answer = TypeVar("Answer")

SMALLEST = (60, 16)
_CHOICES_AFTER = 0.5


class KeyedScreen(Screen[Answer], Generic[Answer]):
    """A screen whose keys are those of the table."""

    KIND: ClassVar[str]
    """Its name in the action table."""
    TITLE = None

    DEFAULT_CSS = """
    KeyedScreen #small { display: none; height: 1fr; }
    KeyedScreen #all { height: 1fr; width: 1fr; }
    KeyedScreen.small #small { display: block; }
    KeyedScreen.small #all { display: none; }
    """

    def __init__(self, keymap: Keymap, palette: Palette) -> None:
        super().__init__()
        self.keymap = keymap
        self.palette = palette
        self.pressed = ""
        """The key that led to the running action."""
        self._first = ""
        self._timer: Timer | None = None

    # To be filled by each screen

    def contents(self) -> Iterable[Widget]:
        """The widgets, from the top."""
        raise NotImplementedError

    def say(self, text: str, *, alarm: bool = False) -> None:
        """Tells the user one line until the next key."""
        raise NotImplementedError

    def tell(self, text: str) -> None:
        """Says something, unless the screen has gone meanwhile."""
        if self.stands:
            self.say(text)

    def draw(self) -> None:
        """Draws everything anew, after a change of theme or size."""
        raise NotImplementedError

    @property
    def kinds(self) -> tuple[str, ...]:
        """The parts of the table whose keys count now, the first before the others."""
        return (self.KIND,)

    # What they share

    def compose(self) -> ComposeResult:
        yield Bar(id="small")
        with Vertical(id="all"):
            if isinstance(self.app, SparingApp) and self.app.training:
                yield self._training_bar()
            if isinstance(self.app, StandingApp) and self.app.warning:
                yield self._warning_bar(self.app.warning)
            yield from self.contents()

    def _training_bar(self) -> Bar:
        """Over every screen of a training copy, so that nobody takes it for the registry."""
        bar = Bar(id="training")
        told = " TRAINING COPY: some suggestions are wrong on purpose; nothing here reaches the registry"
        bar.show(Line.of((told, self.palette.alarm)), self.palette.alarm)
        return bar

    def _warning_bar(self, text: str) -> Bar:
        bar = Bar(id="warning")
        bar.show(Line.of((f" {text}", self.palette.alarm)), self.palette.alarm)
        return bar

    def warn(self, text: str) -> None:
        """Puts a line over the screen that stays; "" takes it off."""
        for bar in self.query("#warning"):
            bar.remove()
        if text and self.stands:
            self.query_one("#all", Vertical).mount(self._warning_bar(text), before=0)

    def on_resize(self, event: events.Resize) -> None:
        if not self.stands:
            return
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "small")
        says = f"Needs {SMALLEST[0]}x{SMALLEST[1]}, has {width}x{height}. Everything is saved."
        self.query_one("#small", Bar).show(Line.of((says, self.palette.plain)), self.palette.plain)
        self.call_after_refresh(self.redraw)

    @property
    def stands(self) -> bool:
        """Whether it is open and its widgets are there: a question answered at once may be gone before its first refresh."""
        return self in self.app.screen_stack and bool(self.query("#all > *"))

    def redraw(self) -> None:
        """Draws, unless the screen has gone meanwhile."""
        if self.stands:
            self.draw()

    def repaint(self, palette: Palette) -> None:
        """Takes another theme."""
        self.palette = palette
        self.draw()

    def on_key(self, event: events.Key) -> None:
        if self.app.screen is not self:
            self._pass_on(event)
            return
        key = key_name(event.key, event.character)
        if self._first:
            key, self._first = f"{self._first}+{key}", ""
            if self._timer is not None:
                self._timer.stop()
        for kind in self.kinds:
            name = self.keymap.action(kind, key)
            if name is not None:
                event.stop()
                event.prevent_default()
                self.pressed = key
                self.run_table_action(name)
                return
            if self.keymap.follows(kind, key):
                event.stop()
                event.prevent_default()
                self._first = key
                self._timer = self.set_timer(_CHOICES_AFTER, self._show_choices)
                return
        if is_sequence(key):
            event.stop()
            self.say(f"{spell(key)} does nothing; ? helps")

    def _pass_on(self, event: events.Key) -> None:
        """A key that was typed ahead, while another screen was opening, is meant for that one and never for this."""
        event.stop()
        event.prevent_default()
        current = self.app.screen
        if isinstance(current, KeyedScreen):
            current.post_message(events.Key(event.key, event.character))

    def _show_choices(self) -> None:
        choices = [one for kind in self.kinds for one in self.keymap.follows(kind, self._first)]
        self.say("   ".join(f"{self._first} {key} {BY_ID[name].label}" for key, name in choices))

    def run_table_action(self, name: str) -> None:
        """Does what the table calls `name`; what goes wrong on purpose is said in one line."""
        act: Callable[[], None] | None = getattr(self, f"do_{name}", None)
        if act is None:
            return
        if self.takes(name):
            self.attempt(act)
        else:
            self.say(self._not_for_them(name))

    def takes(self, name: str) -> bool:
        """Whether the person at work may do what the table calls `name`, as far as roles go."""
        return not isinstance(self.app, StandingApp) or self.app.allows(name)

    def _not_for_them(self, name: str) -> str:
        held = self.app.held_roles if isinstance(self.app, StandingApp) else ""
        return f"not for {held}: {BY_ID[name].says}"

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of the program in a thread ends it as one anywhere else does; else the screen would wait for ever."""
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.app._handle_exception(event.worker.error)

    def attempt(self, act: Callable[[], object]) -> bool:
        """Runs an action; whether it went through."""
        try:
            act()
        except AbstractorError as error:
            self.failed(error)
            return False
        return True

    def failed(self, error: AbstractorError) -> None:
        """Tells what went wrong on purpose."""
        self.say(str(error))

    def do_quit(self) -> None:
        self.app.call_later(self.app.action_quit)

    def do_suspend(self) -> None:
        self.app.call_later(self.app.action_suspend_process)

    def do_timeline(self) -> None:
        self.post_message(ScreenWanted("timeline"))

    def do_history(self) -> None:
        self.post_message(ScreenWanted("history"))

    def do_quality(self) -> None:
        self.post_message(ScreenWanted("quality"))

    def do_outcomes(self) -> None:
        self.post_message(ScreenWanted("outcomes"))

    def do_statistics(self) -> None:
        self.post_message(ScreenWanted("statistics"))

    def do_palette(self) -> None:
        self.app.action_command_palette()

    def do_copy(self) -> None:
        self.say(f"{self.keymap.shown('quit')} quits")

    def do_repaint(self) -> None:
        if isinstance(self.app, SparingApp):
            self.app.send_all()
        if isinstance(self.app, StandingApp):
            self.app.read_standing()
        self.draw()
