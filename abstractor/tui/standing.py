"""What the person at work may do, as the interface knows it: read at the start and every few seconds, for roles come and go while it runs.

It spares people keys that lead nowhere, and tells them what holds. What may be done is asked by the registry each time.
"""

from collections.abc import Callable

from textual import work
from textual.app import ReturnType
from textual.message import Message

from abstractor.model.errors import AbstractorError, NotAllowed
from abstractor.registry.engine import Registry
from abstractor.registry.policy import Standing, standing
from abstractor.review.people import wall_time
from abstractor.tui.actions import NEEDS
from abstractor.tui.sparing import SparingApp


class StandingRead(Message):
    """Where the person stands was read; None: the roles are off."""

    def __init__(self, found: Standing | None) -> None:
        super().__init__()
        self.found = found


class StandingApp(SparingApp[ReturnType]):
    """An app that knows who is at work, where its registry has people."""

    registry: Registry
    user: str
    clock: Callable[[], str]
    standing: Standing | None = None
    """None where the roles are off: then everybody may do everything."""

    def take_standing(self) -> None:
        """Reads where the person stands, before anything is shown."""
        self.standing = self._read()

    @work(thread=True, exclusive=True, exit_on_error=False, group="standing")
    def read_standing(self) -> None:
        """Reads it again beside the screen: a server that does not answer stops nobody."""
        found = self._read()
        if found != self.standing:
            self.post_message(StandingRead(found))

    def _read(self) -> Standing | None:
        try:
            return standing(self.registry, self.clock)
        except NotAllowed:
            before = self.standing
            minutes = before.idle_minutes if before is not None else 0
            return Standing(self.user, "no role", frozenset(), "", minutes)
        except AbstractorError:
            return self.standing  # what held goes on until the registry answers

    def on_standing_read(self, message: StandingRead) -> None:
        self.standing = message.found
        self.standing_changed()

    def standing_changed(self) -> None:
        """Draws what depends on it."""

    def allows(self, name: str) -> bool:
        """Whether an action of the table is for this person."""
        needs = NEEDS.get(name)
        return self.standing is None or needs is None or bool(needs & self.standing.powers)

    def may(self, power: str) -> bool:
        """Whether this person holds a power of `rules/roles.toml`."""
        return self.standing is None or power in self.standing.powers

    @property
    def held_roles(self) -> str:
        """The person's roles in words; "" where the roles are off."""
        return self.standing.roles if self.standing is not None else ""

    @property
    def warning(self) -> str:
        """What stands over every screen as long as it holds: that somebody reads by breaking the glass."""
        if self.standing is None or not self.standing.glass_until:
            return ""
        until = wall_time(self.standing.glass_until)
        return f"! GLASS BROKEN by {self.standing.name} until {until}: you read as an exception, and it is logged"
