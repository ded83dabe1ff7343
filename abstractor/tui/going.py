"""The screens that are one or two keys away from everywhere, made when somebody goes there. It decides nothing and draws nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from abstractor.registry.engine import Registry
from abstractor.review.curves import OutcomesSource
from abstractor.review.desk import QualityDesk
from abstractor.rulebook.book import RuleBook
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.quality import QualityScreen
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.screens.statistics import StatisticsScreen, Work
from abstractor.tui.themes import Palette


@dataclass(frozen=True)
class Beyond:
    """What the interface shows and does not know how to compute: passed in by who starts it."""

    outcomes: OutcomesSource | None = None
    desk: QualityDesk | None = None


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

    def _label(self, field: str) -> str:
        spec = self.book.fields.get(field)
        return spec.label if spec is not None else field
