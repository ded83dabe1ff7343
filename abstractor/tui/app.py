"""The terminal interface: opens screens, passes them what they need, and ends without telling anything of a patient.

Knows no rules, writes no decision; `review.session` does.
"""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

from rich.text import Text
from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from abstractor.model.errors import AbstractorError
from abstractor.registry.activity import last_sequence
from abstractor.registry.engine import Registry
from abstractor.registry.places import Place, forget_place, keep_place, place_of
from abstractor.review.clipboard import write_copied
from abstractor.review.config import THEMES, ReviewConfig
from abstractor.review.habits import Habits
from abstractor.review.ordering import next_open
from abstractor.review.session import Session
from abstractor.review.timeline import timeline_of
from abstractor.rulebook.book import RuleBook
from abstractor.tui.actions import Keymap, actions_of, meant_key
from abstractor.tui.ending import end_in_any_case, keep_faults_quiet, write_crash
from abstractor.tui.going import Beyond, Going
from abstractor.tui.messages import (
    DeskItemWanted,
    NeighbourWanted,
    PatientWanted,
    QueryWanted,
    ScreenWanted,
    WorklistWanted,
)
from abstractor.tui.safe import safe
from abstractor.tui.screens.blind import BlindScreen
from abstractor.tui.screens.help import HelpScreen
from abstractor.tui.screens.idle import IdleScreen
from abstractor.tui.screens.keyed import KeyedScreen
from abstractor.tui.screens.queries import ask_somebody
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.screens.tour import TourScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.standing import StandingApp
from abstractor.tui.terminal import driver_class, fit_to_terminal, has_job_control
from abstractor.tui.themes import PALETTES, Palette
from abstractor.tui.tour import invented_registry, steps

_LOOK = 20.0
"""Seconds between two looks at how long nothing was pressed, and at what this person may do."""
_PLACE_EVERY = 1.0


def utc_now() -> str:
    """The wall clock: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class ReviewApp(StandingApp[int]):
    """The worklist, and a patient on top of it."""

    TITLE = "Abstractor"
    ENABLE_COMMAND_PALETTE = True
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, system=True),
    ]
    CSS = """
    Screen { layers: base; }
    CommandPalette { background: $background 0%; }
    CommandPalette > .command-palette--help-text { color: $foreground; text-style: italic; }
    CommandPalette SearchIcon { display: none; }
    CommandPalette CommandInput > .input--placeholder { color: $foreground; }
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
        habits: Habits | None = None,
        tour: bool = False,
        returning: bool = False,
        beyond: Beyond | None = None,
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
            habits: what is remembered of this person; None remembers nothing.
            tour: begin with the tour.
            returning: remember in the registry where this person is, and begin where they were.
            beyond: computes outcomes and quality work; None: those screens say that they have nothing.

        Raises:
            InputError: changed keys clash, or name no action.
        """
        self.config = config or ReviewConfig()
        self.keymap = Keymap(self.config.keys)
        mono = "NO_COLOR" in os.environ
        super().__init__(driver_class=driver_class())
        self.features = frozenset()  # no tools of developers: they log what is typed and shown
        self.animation_level = "none"
        self.registry = registry
        self.book = book
        self.user = user
        self.first_patient = patient_id
        self.clock = clock
        self.monotonic = monotonic
        self.crash_id = ""
        self.habits = habits or Habits()
        self.tour = tour
        self.returning = returning
        self._tour_registry = ExitStack()
        self._place: Place | None = None
        self._pressed_at = monotonic()
        self.keys_pressed = 0
        self.going = Going(registry, book, user, beyond or Beyond(), last_sequence(registry), lambda: self.keys_pressed)
        self.training = self.going.beyond.training
        theme = self.config.theme if self.config.theme != "auto" else self.habits.theme
        self.palette = _palette(theme, mono=mono)

    def on_mount(self) -> None:
        self.take_standing()
        self._watch()
        self.app_resume_signal.subscribe(self, self._come_back)
        for palette in PALETTES.values():
            self.register_theme(palette.theme)
        self.theme = self.palette.theme.name
        self.worklist = WorklistScreen(
            self.keymap, self.palette, self.registry, self.user, self.config, self.clock, self.going.beyond.desk
        )
        self.push_screen(self.worklist)
        place = place_of(self.registry, self.user) if self.returning else None
        if self.first_patient is not None:
            self.open_patient(PatientWanted(self.first_patient))
        elif place is not None:
            self.open_patient(PatientWanted(place.patient_id))
        if place is not None:
            self._back_on(place)
        if self.tour:
            self.open_tour()

    def on_unmount(self) -> None:
        self._tour_registry.close()

    def _watch(self) -> None:
        """What runs beside the screens: the cover after a while without a key, where one is, and the end by a signal."""
        self.set_interval(_LOOK, self.cover_when_idle)
        self.set_interval(_LOOK, self.read_standing)
        if self.returning:
            self.set_interval(_PLACE_EVERY, self.keep_place)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: self._loop_fault(context))
        if self.is_headless or os.name == "nt":
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.end_by_signal, number)

    # Where a person is

    def _back_on(self, place: Place) -> None:
        """Puts the cursor where it was, once the patient's screen stands."""
        screen = self.screen
        if isinstance(screen, ReviewScreen) and screen.session.patient_id == place.patient_id:
            self._place = place
            screen.call_after_refresh(self._back_at_work, screen, place.slot)

    @staticmethod
    def _back_at_work(screen: ReviewScreen, slot: str) -> None:
        """To the row that was left; decided meanwhile (the place is kept once a second), to the next open one."""
        row = next((one for one in screen.listed if one.slot == slot), None)
        if row is None:
            return
        following = None if row.open else next_open(screen.listed, slot)
        screen.go_to(following.slot if following is not None else slot)

    @staticmethod
    def _back_on_row(screen: ReviewScreen, slot: str) -> None:
        if any(row.slot == slot for row in screen.listed):
            screen.go_to(slot)

    def keep_place(self) -> None:
        """Remembers where the cursor is, if that has changed; what can't be remembered is no reason to stop anybody."""
        open_one = next((one for one in self.screen_stack if isinstance(one, ReviewScreen)), None)
        if isinstance(open_one, TourScreen | BlindScreen):
            return
        place = Place(open_one.session.patient_id, open_one.slot or "") if open_one is not None else None
        if place == self._place:
            return
        try:
            if place is None:
                forget_place(self.registry, self.user)
            else:
                keep_place(self.registry, self.user, place, self.clock)
        except AbstractorError:
            return
        self._place = place

    # Nobody there

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste | events.MouseDown):
            self._pressed_at = self.monotonic()
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.keys_pressed += 1
            meant = meant_key(event.key, self.keymap)
            if meant != event.key:
                event = events.Key(meant, None)
        await super().on_event(event)

    def cover_when_idle(self) -> None:
        """Takes the patient off the screen when nothing was pressed for long: somebody else may stand before it."""
        idle, minutes = self.monotonic() - self._pressed_at, self.idle_minutes
        if minutes and idle >= 60 * minutes and not isinstance(self.screen, IdleScreen):
            self.push_screen(IdleScreen(self.keymap, self.palette, minutes, self.user))

    @property
    def idle_minutes(self) -> int:
        """So many minutes without a key cover the screen: the person's setting, which can only shorten the registry's; 0: never."""
        limits = [self.config.idle_minutes, self.standing.idle_minutes if self.standing is not None else 0]
        return min((one for one in limits if one), default=0)

    def standing_changed(self) -> None:
        """Roles were given or taken, or the glass was broken, or is whole again: what is not for them any more goes off the screen."""
        if not self.may("read_notes"):
            self.to_worklist()
        for screen in self.screen_stack:
            if isinstance(screen, KeyedScreen):
                screen.warn(self.warning)
                screen.redraw()
        self.worklist.read()

    # The tour

    def open_tour(self) -> None:
        """Plays the tour over whatever is on the screen, on a registry of its own that is gone afterwards."""
        played = next((screen for screen in self.screen_stack if isinstance(screen, TourScreen)), None)
        if played is not None:
            if played.step is None:
                self.call_later(self.open_tour)  # it is just leaving
            return
        try:
            registry, patient_id = self._tour_registry.enter_context(invented_registry(self.book))
        except (AbstractorError, OSError):
            self._say("no place for the tour: the temporary folder can't be written")
            return
        session = Session(registry, self.book, patient_id, self.user, self.clock, self.config)
        tour = TourScreen(self.keymap, self.palette, session, self.monotonic, steps())

        def over(_answer: None) -> None:
            self._tour_registry.close()
            self.habits.remember(toured=True)

        self.push_screen(tour, over)

    # Screens

    def on_patient_wanted(self, message: PatientWanted) -> None:
        if message.slot:
            self._open_row(message)
        else:
            self.open_patient(message)

    def _open_row(self, wanted: PatientWanted) -> None:
        """Opens a patient at a row, in the place of what is open: what is not saved there keeps it open."""
        below = next((one for one in self.screen_stack if isinstance(one, ReviewScreen)), None)
        if below is not None and below.session.writer.unsaved:
            self._say("something is not saved yet in the patient that is open")
            return
        if below is not None:
            below.session.hold.release()
        self.to_worklist()
        self.open_patient(wanted)
        screen = self.screen
        if isinstance(screen, ReviewScreen):
            screen.call_after_refresh(self._back_on_row, screen, wanted.slot)

    def open_patient(self, wanted: PatientWanted, told: str = "") -> None:
        """Opens a patient in the place of the one that is open; held by somebody else, it is opened to read. `told` is said there."""
        try:
            session = Session(self.registry, self.book, wanted.patient_id, self.user, self.clock, self.config)
            session.hold.read_only = wanted.look or not (self.may("decide") or wanted.take_over)
            if not session.hold.read_only:
                lease = session.hold.claim(take_over=wanted.take_over)
                if wanted.take_over and not lease.mine:
                    self.worklist.tell_held(lease)
                    return
        except AbstractorError as error:
            self._say(str(error))
            return
        self.worklist.wanted = wanted.patient_id
        screen = ReviewScreen(self.keymap, self.palette, session, self.monotonic)
        if isinstance(self.screen, ReviewScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)
        if told:
            self.call_after_refresh(screen.tell, told)

    def on_neighbour_wanted(self, message: NeighbourWanted) -> None:
        """Goes to the next patient with work: one's own or the pool's, held by nobody else; then to any that is not closed."""
        if message.closed:
            self.worklist.note_closed(message.patient_id)
        told = f"{message.patient_id} is closed" if message.closed else ""
        rows = self.worklist.all or ()
        ids = [row.patient_id for row in rows]
        at = ids.index(message.patient_id) if message.patient_id in ids else -1
        ring = [*rows[at + 1 :], *rows[: max(at, 0)]][:: message.step]
        free = [row for row in ring if row.is_open_to(self.user)]
        following = next((row for row in free if row.undecided), next(iter(free), None))
        if following is not None:
            self.open_patient(
                PatientWanted(following.patient_id), f"{told}; {following.patient_id} is next" if told else ""
            )
            return
        self.to_worklist()
        self._say("; ".join(filter(None, (told, "no further patient with work"))))

    def on_worklist_wanted(self, _message: WorklistWanted) -> None:
        self.to_worklist()

    def to_worklist(self) -> None:
        """Takes every screen off the worklist."""
        while self.screen is not self.worklist and len(self.screen_stack) > 1:
            self.pop_screen()

    # Screens that are a key away from everywhere

    def on_screen_wanted(self, message: ScreenWanted) -> None:
        """Goes there in the place of what is only read; help comes over it."""
        here = self.screen
        if message.name == "help" and isinstance(here, KeyedScreen):
            self.push_screen(HelpScreen(self.keymap, self.palette, here.kinds))
            return
        if message.name in {"statistics", "outcomes"} and any(
            isinstance(one, BlindScreen) for one in self.screen_stack
        ):
            self._say("not during a blind reading: it would tell what others decided")
            return
        below = next(one for one in reversed(self.screen_stack) if not isinstance(one, ReaderScreen))
        row = self.worklist.row
        needs = message.name == "history" or (message.name == "timeline" and row is None)
        if needs and not isinstance(below, ReviewScreen):
            self._say("open a patient first")
            return
        while isinstance(self.screen, ReaderScreen):
            self.pop_screen()
        if message.name == "tour":
            self.open_tour()
        elif message.name not in {"timeline", "history"}:
            self.push_screen(self.going.screen(message.name, self.keymap, self.palette, self.waiting))
        elif isinstance(below, ReviewScreen):
            below.run_table_action(message.name)
        elif row is not None:
            self._timeline_of(row.patient_id)

    def _timeline_of(self, patient_id: str) -> None:
        try:
            session = Session(self.registry, self.book, patient_id, self.user, self.clock, self.config)
            shown = timeline_of(session)
        except AbstractorError as error:
            self._say(str(error))
            return

        def go(at: int | None) -> None:
            if at is not None:
                self.open_patient(PatientWanted(patient_id))

        self.push_screen(TimelineScreen(self.keymap, self.palette, shown, patient_id), go)

    def waiting(self) -> list[tuple[str, int]]:
        """What is left to decide: of the patient that is open, and of the worklist."""
        here = next((one for one in self.screen_stack if isinstance(one, ReviewScreen)), None)
        rows = [row for row in self.worklist.all or () if not row.closed]
        patient = [(f"patient {here.session.patient_id}", len(here.session.blocking))] if here is not None else []
        return [*patient, (f"{len(rows)} patients not closed", sum(row.undecided for row in rows))]

    def on_desk_item_wanted(self, message: DeskItemWanted) -> None:
        """Opens a piece of quality work in the screen for it; without a desk behind it, its patient to read."""
        item = message.item
        if self.going.beyond.quality is None and item.kind not in {"blind", "adjudicate"}:
            self.open_patient(PatientWanted(item.patient_id, look=True))
            return
        try:
            screen = self.going.desk_screen(item, self.keymap, self.palette, self.monotonic)
        except AbstractorError as error:
            self._say(str(error))
            return
        self.push_screen(screen)

    def on_query_wanted(self, message: QueryWanted) -> None:
        work, screen = self.going.beyond.quality, self.screen
        if not isinstance(screen, KeyedScreen):
            return
        if work is None:
            self._say("this program was started without the quality desk")
            return
        place = (message.patient_id, message.slot)
        screen.attempt(lambda: ask_somebody(screen, work, place, message.label, message.decided_by))

    def _say(self, text: str) -> None:
        if not isinstance(self.screen, KeyedScreen):
            return
        if self.screen.query("#footer, #hint"):
            self.screen.say(text, alarm=True)
        else:  # the program is only just starting: it is said when the worklist stands
            self.worklist.notice = text

    # Palette and themes

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers: the table's actions of this screen, and the themes. No screenshot."""
        if isinstance(screen, KeyedScreen):
            for action in actions_of(*screen.kinds):
                if action.id not in {"palette", "pick", "choose"} and screen.takes(action.id):
                    keys = self.keymap.all_shown(action.id)
                    told = f"{keys}   {action.where}, {action.id}"
                    title = f"{action.id.replace('_', ' ')}: {action.says}"  # what is searched
                    yield SystemCommand(title, told, partial(screen.run_table_action, action.id))
        for name in THEMES[1:]:
            yield SystemCommand(f"theme {name}", "colours", partial(self.take_theme, name))

    def take_theme(self, name: str) -> None:
        """Changes the colours of all screens."""
        self.palette = PALETTES[name]
        self.theme = self.palette.theme.name
        self.habits.remember(theme=name)
        for screen in self.screen_stack:
            if isinstance(screen, KeyedScreen):
                screen.repaint(self.palette)

    def on_key(self, event: events.Key) -> None:
        """No key that a screen left over may reach Textual's own bindings, except those of a palette or field."""
        if isinstance(self.screen, KeyedScreen) and self.focused is None:
            event.prevent_default()

    def copy_to_clipboard(self, text: str) -> None:
        """Copies text to where the settings allow that note text leaves the program.

        Raises:
            InputError: the private file can't be written.
        """
        if self.config.clipboard == "osc52":
            super().copy_to_clipboard(text)
        elif self.config.clipboard == "file":
            write_copied(text)

    # Put aside for a while

    def action_suspend_process(self) -> None:
        """Back to the shell until it brings the program back; where there is no such shell, nothing would."""
        if self.is_headless or not has_job_control():
            self._say("there is no shell here that could bring the program back")
        else:
            super().action_suspend_process()

    def _come_back(self, _app: object) -> None:
        """Others may have worked meanwhile."""
        if isinstance(self.screen, KeyedScreen):
            self.screen.run_table_action("repaint")

    # The end

    async def action_quit(self) -> None:
        self.leave()

    def leave(self, code: int = 0) -> None:
        """Ends the program: the patient is given back, where the cursor was is remembered."""
        if self.returning:
            self.keep_place()
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen):
                try:
                    screen.session.hold.release()
                except AbstractorError:
                    continue  # the lease ends by time
        self.exit(0, return_code=code)

    def end_by_signal(self, number: int) -> None:
        """Everything decided is saved already; a terminal that has gone must not keep the process."""
        end_in_any_case(128 + number)
        self.leave(128 + number)

    def terminal_gone(self) -> None:
        """The terminal can't be read any more."""
        self.end_by_signal(signal.SIGHUP if os.name != "nt" else signal.SIGTERM)

    def _loop_fault(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._handle_exception(error if isinstance(error, Exception) else RuntimeError("event loop"))

    def panic(self, *renderables: Any) -> None:
        """Textual would show what it is given, tracebacks among it."""
        if self._exception is None:
            self._exception = RuntimeError("terminal")
        self._return_code = 1
        self._fatal_error()

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


def run_review(
    registry: Registry,
    rulebook: RuleBook,
    user: str,
    *,
    patient_id: str | None = None,
    config: ReviewConfig | None = None,
    clock: Callable[[], str] = utc_now,
    habits: Habits | None = None,
    tour: bool = False,
    beyond: Beyond | None = None,
) -> int:
    """Runs the interface until the user quits; it begins where this person was when it last ended.

    Args:
        registry: open; the caller closes it.
        rulebook: the rules.
        user: who decides.
        patient_id: the patient to open first.
        config: settings of this person.
        clock: gives the time, UTC in ISO 8601.
        habits: what is remembered of this person; whoever is new begins with the tour, unless the settings say no.
        tour: begin with the tour in any case.
        beyond: computes outcomes and quality work.

    Returns:
        The exit code: 0, or 1 after an internal error.

    Raises:
        InputError: changed keys clash, or name no action.
    """
    gc.freeze()  # what is here now stays: looking through it again would hold up a key for a twentieth of a second
    fit_to_terminal(getattr(sys.__stderr__, "encoding", None))
    keep_faults_quiet()
    config = config or ReviewConfig()
    is_new = habits is not None and not habits.toured and config.tour and patient_id is None
    app = ReviewApp(
        registry,
        rulebook,
        user,
        patient_id=patient_id,
        config=config,
        clock=clock,
        habits=habits,
        tour=tour or is_new,
        returning=True,
        beyond=beyond,
    )
    app.run()
    return app.return_code or 0
