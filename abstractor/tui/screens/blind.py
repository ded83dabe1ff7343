"""A blind second reading: the review screen on the reader's own log. Nothing of the first reader is read here, and nothing leads to it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from abstractor.registry.leases import LeaseEvent
from abstractor.review.refused import Refused
from abstractor.review.rows import Row
from abstractor.review.session import Session
from abstractor.tui.actions import Keymap
from abstractor.tui.evidence import Pane
from abstractor.tui.messages import WorklistWanted
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Bar, Line

if TYPE_CHECKING:
    from abstractor.registry.readings import Reading


class BlindScreen(ReviewScreen):
    """One patient, read a second time. It takes no lease: the first reader may be at it, and neither is to know."""

    def __init__(
        self, keymap: Keymap, palette: Palette, session: Session, clock: Callable[[], float], reading: "Reading"
    ) -> None:
        super().__init__(keymap, palette, session, clock)
        self.reading = reading

    def _draw_header(self) -> None:
        super()._draw_header()
        bar = self.query_one("#header", Bar)
        hidden = ", no suggestions" if self.has_class("wide") and not self.session.suggesting else ""
        mark = (f" BLIND READING{hidden} ", self.palette.alarm)
        bar.show(Line.of(mark, *bar.line.parts), self.palette.bar)

    def draw(self) -> None:
        super().draw()
        row = self.row
        if row is not None and self._says_nothing(row):
            palette = self.palette
            title = Line.of((f" {row.spec.label}", palette.bar_key), ("  nothing stated yet", palette.bar))
            self.query_one("#evidence-title", Bar).show(title, palette.bar)

    def _says_nothing(self, row: Row) -> bool:
        """Whether there is nothing to be told of a row: that nothing was found would be said of rules that were not asked."""
        return not self.session.suggesting and row.decision is None and not row.choices

    def _evidence(self, row: Row | None, width: int) -> list[Line]:
        if row is None or not self._says_nothing(row):
            return super()._evidence(row, width)
        keys = {name: self.keymap.shown(name) for name in ("find", "edit", "new_fact", "not_documented")}
        told = (
            "What the rules found is hidden in this reading.",
            f"{keys['find']} finds words, {keys['edit']} states a value, {keys['not_documented']} not documented; "
            f"{keys['new_fact']} states a fact that is not listed.",
        )
        pane = Pane(self.palette, width, self.has_class("wide"), self.session.notes.text, self.session.notes.stands)
        return [line for one in told for line in pane.told(one, self.palette.plain)]

    def _frozen_words(self) -> str:
        return "FINISHED: it is compared now, and stays as it is"

    @property
    def lease_told(self) -> Sequence[LeaseEvent]:
        return ()

    # What would end the blinding, or has no meaning here

    def do_take_over(self) -> None:
        raise Refused("a second reading is yours alone")

    def do_reopen(self) -> None:
        raise Refused("a finished second reading stays as it is; QA assigns another")

    def do_ask(self) -> None:
        raise Refused("nobody is asked during a blind reading; comment on the row instead")

    def do_next_patient(self) -> None:
        self.do_worklist()

    def do_previous_patient(self) -> None:
        self.do_worklist()

    def do_worklist(self) -> None:
        self._require_saved()
        self.app.post_message(WorklistWanted())

    def do_back(self) -> None:
        if self.doc.selected is not None or self.has_class("zoomed"):
            super().do_back()
        else:
            self._require_saved()
            self.dismiss(None)

    def _close(self) -> None:
        self.session.close()
        self.dismiss(None)
