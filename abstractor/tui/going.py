"""The screens that are one or two keys away from everywhere, made when somebody goes there. It decides nothing and draws nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from abstractor.registry.engine import Registry
from abstractor.review.curves import OutcomesSource
from abstractor.review.desk import DeskItem, QualityDesk
from abstractor.review.refused import Refused
from abstractor.rulebook.book import RuleBook
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.adjudicate import AdjudicateScreen
from abstractor.tui.screens.audit import AuditScreen
from abstractor.tui.screens.blind import BlindScreen
from abstractor.tui.screens.inbox import InboxScreen
from abstractor.tui.screens.keyed import KeyedScreen
from abstractor.tui.screens.quality import QualityScreen
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.screens.statistics import StatisticsScreen, Work
from abstractor.tui.themes import Palette

if TYPE_CHECKING:
    from abstractor.quality.at_screen import QualityWork


@dataclass(frozen=True)
class Beyond:
    """What the interface shows and does not know how to compute: passed in by who starts it."""

    outcomes: OutcomesSource | None = None
    desk: QualityDesk | None = None
    """Tells what waits; `quality` does, too."""
    quality: "QualityWork | None" = None
    """Everything that can be done from the desk."""
    training: bool = False
    """Whether the registry is a training copy, with wrong suggestions planted in it."""


@dataclass(frozen=True)
class Going:
    """Makes the further screens of one person on one registry."""

    registry: Registry
    book: RuleBook
    user: str
    beyond: Beyond
    since: int
    """Place in the log of decisions after which those of this run come."""
    keys: Callable[[], int]
    """Keys pressed in this run."""

    def screen(
        self, name: str, keymap: Keymap, palette: Palette, waiting: Callable[[], Sequence[tuple[str, int]]]
    ) -> ReaderScreen:
        """The screen that an action leads to: `quality`, `outcomes` or `statistics`.

        Args:
            name: id of the action.
            keymap: of this person.
            palette: the colours.
            waiting: what is left to decide, in words and facts.
        """
        if name == "quality":
            return QualityScreen(keymap, palette, self.beyond.desk, self.user)
        if name == "outcomes":
            from abstractor.tui.screens.outcomes import OutcomesScreen  # draws with plotext, which is slow to load

            return OutcomesScreen(keymap, palette, self.beyond.outcomes)
        work = Work(self.registry, self.user, self.since, self.keys, waiting, self._label)
        return StatisticsScreen(keymap, palette, work)

    def desk_screen(
        self, item: DeskItem, keymap: Keymap, palette: Palette, clock: Callable[[], float]
    ) -> KeyedScreen[Any]:
        """The screen of a piece of quality work.

        Args:
            item: what is to be opened.
            keymap: of this person.
            palette: the colours.
            clock: counts seconds.

        Raises:
            AbstractorError: it can't be read, or there is nothing left to do in it.
        """
        work = self.beyond.quality
        if work is None:
            raise Refused("this program was started without the quality desk")
        match item.kind:
            case "audit":
                return AuditScreen(keymap, palette, work, clock, work.audit(item.id))
            case "blind":
                reading, session = work.reading(item.id)
                return BlindScreen(keymap, palette, session, clock, reading)
            case "adjudicate":
                questions = work.questions()
                if not questions:
                    raise Refused("nothing is left to settle")
                return AdjudicateScreen(keymap, palette, work, clock, questions)
            case _:
                return InboxScreen(keymap, palette, work)

    def _label(self, field: str) -> str:
        spec = self.book.fields.get(field)
        return spec.label if spec is not None else field
