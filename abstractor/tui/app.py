"""The terminal interface: opens screens, passes them what they need, and ends without telling anything of a patient.

Knows no rules, writes no decision; `review.session` does.
"""

import os
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from abstractor.model.errors import AbstractorError
from abstractor.registry.engine import Registry
from abstractor.review.config import THEMES, ReviewConfig
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from abstractor.tui.actions import Keymap, actions_of
from abstractor.tui.messages import NeighbourWanted, PatientWanted, WorklistWanted
from abstractor.tui.safe import safe
from abstractor.tui.screens.keyed import KeyedScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.themes import PALETTES, Palette


def utc_now() -> str:
    """The wall clock: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class ReviewApp(App[int]):
    """The worklist, and a patient on top of it."""

    TITLE = "Abstractor"
    ENABLE_COMMAND_PALETTE = True
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, system=True),
    ]
    CSS = """
    Screen { layers: base; }
    """

    def __init__(
        self,
        registry: Registry,
        book: RuleBook,
        user: str,
        *,
        patient_id: str | None = None,
        config: ReviewConfig | None = None,
        clock: Callable[[], str] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes everything from outside.

        Args:
            registry: open; the caller closes it.
            book: the rules.
            user: who decides.
            patient_id: the patient to open first; None shows the worklist.
            config: settings of this person.
            clock: gives the time, UTC in ISO 8601.
            monotonic: counts seconds and never goes back.

        Raises:
            InputError: changed keys clash, or name no action.
        """
        self.config = config or ReviewConfig()
        self.keymap = Keymap(self.config.keys)
        mono = "NO_COLOR" in os.environ
        super().__init__()
        self.animation_level = "none"
        self.registry = registry
        self.book = book
        self.user = user
        self.first_patient = patient_id
        self.clock = clock
        self.monotonic = monotonic
        self.crash_id = ""
        self.palette = _palette(self.config.theme, mono=mono)

    def on_mount(self) -> None:
        for palette in PALETTES.values():
            self.register_theme(palette.theme)
        self.theme = self.palette.theme.name
        self.worklist = WorklistScreen(self.keymap, self.palette, self.registry, self.user)
        self.push_screen(self.worklist)
        if self.first_patient is not None:
            self.open_patient(PatientWanted(self.first_patient))

    # Screens

    def on_patient_wanted(self, message: PatientWanted) -> None:
        self.open_patient(message)

    def open_patient(self, wanted: PatientWanted) -> None:
        """Opens a patient in the place of the one that is open; held by somebody else, it is opened to read."""
        try:
            session = Session(self.registry, self.book, wanted.patient_id, self.user, self.clock, self.config)
            session.read_only = wanted.look
            if not wanted.look:
                session.claim(take_over=wanted.take_over and self.config.supervisor)
        except AbstractorError as error:
            self._say(str(error))
            return
        self.worklist.wanted = wanted.patient_id
        screen = ReviewScreen(self.keymap, self.palette, session, self.monotonic)
        if isinstance(self.screen, ReviewScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def on_neighbour_wanted(self, message: NeighbourWanted) -> None:
        """Goes to the next patient with work that nobody else holds, then to any that is not closed; else to the worklist."""
        rows = self.worklist.all or ()
        ids = [row.patient_id for row in rows]
        at = ids.index(message.patient_id) if message.patient_id in ids else -1
        ring = [*rows[at + 1 :], *rows[: max(at, 0)]][:: message.step]
        free = [row for row in ring if not row.closed and row.holder in {None, self.user}]
        following = next((row for row in free if row.undecided), next(iter(free), None))
        if following is not None:
            self.open_patient(PatientWanted(following.patient_id))
            return
        self.to_worklist()
        self._say("no further patient with work")

    def on_worklist_wanted(self, _message: WorklistWanted) -> None:
        self.to_worklist()

    def to_worklist(self) -> None:
        """Takes every screen off the worklist."""
        while self.screen is not self.worklist and len(self.screen_stack) > 1:
            self.pop_screen()

    def _say(self, text: str) -> None:
        if isinstance(self.screen, KeyedScreen):
            self.screen.say(text, alarm=True)

    # Palette and themes

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers: the table's actions of this screen, and the themes. No screenshot."""
        if isinstance(screen, KeyedScreen):
            for action in actions_of(screen.KIND):
                if action.id not in {"palette", "pick"}:
                    yield SystemCommand(
                        action.says, f"{action.where}, {action.id}", partial(screen.run_table_action, action.id)
                    )
        for name in THEMES[1:]:
            yield SystemCommand(f"theme {name}", "colours", partial(self.take_theme, name))

    def take_theme(self, name: str) -> None:
        """Changes the colours of all screens."""
        self.palette = PALETTES[name]
        self.theme = self.palette.theme.name
        for screen in self.screen_stack:
            if isinstance(screen, KeyedScreen):
                screen.repaint(self.palette)

    def on_key(self, event: events.Key) -> None:
        """No key that a screen left over may reach Textual's own bindings, except those of a palette or field."""
        if isinstance(self.screen, KeyedScreen) and self.focused is None:
            event.prevent_default()

    def copy_to_clipboard(self, text: str) -> None:
        """Sends text to the terminal's clipboard, where the settings allow that note text leaves the program."""
        if self.config.clipboard == "osc52":
            super().copy_to_clipboard(text)

    # The end

    async def action_quit(self) -> None:
        self._give_back()
        self.exit(0)

    def _give_back(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen):
                screen.session.release()

    def _handle_exception(self, error: Exception) -> None:
        """Keeps what an exception says away from the terminal: its words and its variables may be those of a note."""
        if hasattr(error, "__rich__"):
            plain = RuntimeError(type(error).__name__)
            plain.__traceback__ = error.__traceback__
            error = plain
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        error = self._exception
        self.crash_id = uuid4().hex[:8]
        where = write_crash(self.config.crash_log, self.crash_id, error, self.clock()) if error is not None else None
        log = f"; see {where}" if where is not None else ""
        kind = type(error).__name__ if error is not None else "unknown"
        told = f"abstractor: stopped by an internal error {self.crash_id} ({kind}){log}. Everything decided is saved."
        self._exit_renderables[:] = [Text(safe(told))]
        self._close_messages_no_wait()


def _palette(name: str, *, mono: bool) -> Palette:
    if mono:
        return PALETTES["mono"]
    return PALETTES["dark" if name == "auto" else name]


def write_crash(folder: Path | None, crash_id: str, error: BaseException, when: str) -> Path | None:
    """Writes where an error arose, without its words and without any variable; None where that is not wanted or possible."""
    if folder is None:
        return None
    frames = traceback.extract_tb(error.__traceback__, limit=-40)
    lines = [f"{when} {crash_id} {type(error).__name__}"]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    path = folder / f"crash-{crash_id}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path


def run_review(
    registry: Registry,
    rulebook: RuleBook,
    user: str,
    *,
    patient_id: str | None = None,
    config: ReviewConfig | None = None,
    clock: Callable[[], str] = utc_now,
) -> int:
    """Runs the interface until the user quits.

    Returns:
        The exit code: 0, or 1 after an internal error.

    Raises:
        InputError: changed keys clash, or name no action.
    """
    app = ReviewApp(registry, rulebook, user, patient_id=patient_id, config=config, clock=clock)
    app.run()
    return app.return_code or 0
