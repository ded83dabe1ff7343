"""What an audit says so far: of each field how much is right, with its interval, and whether the field passes, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from abstractor.model.errors import AbstractorError
from abstractor.tui.actions import Keymap
from abstractor.tui.messages import ReadingFailed
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit, wrap

if TYPE_CHECKING:
    from abstractor.quality.agreement import Estimate
    from abstractor.quality.at_screen import OpenAudit, QualityWork
    from abstractor.quality.summary import FieldAudit


class FiguresComputed(Message):
    """The figures of an audit are there."""

    def __init__(self, fields: "Sequence[FieldAudit]") -> None:
        super().__init__()
        self.fields = fields


class AuditFiguresScreen(ReaderScreen):
    """Two lines a field: the figures, and the sentence."""

    def __init__(self, keymap: Keymap, palette: Palette, of: "QualityWork", opened: "OpenAudit") -> None:
        super().__init__(keymap, palette, f"AUDIT {opened.sample}", "computing ...")
        self.of = of
        self.opened = opened
        self.fields: Sequence[FieldAudit] = ()

    def on_mount(self) -> None:
        self._compute()

    @work(thread=True, exclusive=True, exit_on_error=False, group="figures")
    def _compute(self) -> None:
        try:
            found = self.of.figures(self.opened.sample)
        except AbstractorError as error:
            self.post_message(ReadingFailed(str(error)))
        else:
            self.post_message(FiguresComputed(found))

    def on_figures_computed(self, message: FiguresComputed) -> None:
        self.fields = message.fields
        verdicts = [one.acceptance.verdict for one in self.fields]
        counts = [f"{verdicts.count(one)} {one}" for one in ("accepted", "failed", "open") if one in verdicts]
        locked = "locked" if self.opened.audit.locked else "not finished"
        self.heading = f"AUDIT {self.opened.sample}   {locked}   fields: {', '.join(counts)}"
        self.draw()

    def on_reading_failed(self, message: ReadingFailed) -> None:
        self.empty = message.reason
        self.draw()
        self.say(message.reason, alarm=True)

    def build(self) -> Sequence[Line]:
        if not self.fields:
            return ()
        palette = self.palette
        head = f" {'field':<{self._room}} {'class':<8} {'judged':>9} {'minor':>5} {'major':>5}  right (95 % interval)"
        lines = [Line.of((head, palette.faint))]
        for one in self.fields:
            lines += self._field(one)
        note = "right: agreed without reserve; drawn by strata, the shares and intervals are weighted"
        return [*lines, Line(), *self._wrapped(note, "   ", failed=False)]

    @property
    def _room(self) -> int:
        """For the name of a field: what the figures leave, so that the interval is whole."""
        return max(12, min(30, self.app.size.width - 57))

    def _field(self, one: "FieldAudit") -> list[Line]:
        spec = self.of.book.fields.get(one.field)
        label = spec.label if spec is not None else one.field
        judged = f"{one.judged}/{one.drawn}"
        figures = (
            f" {fit(label, self._room)} {fit(one.group, 8)} {judged:>9} {one.minor or '':>5} {one.major or '':>5}  "
        )
        line = Line.of((figures, self.palette.heading), (in_percent(one.right), self.palette.heading))
        return [line, *self._wrapped(one.acceptance.text, "     ", failed=one.acceptance.verdict == "failed")]

    def _wrapped(self, text: str, indent: str, *, failed: bool) -> list[Line]:
        rows = wrap(text, max(30, self.app.size.width - len(indent) - 1))
        style = self.palette.alarm if failed else self.palette.plain
        return [
            Line.of((indent, self.palette.plain), (text[start:end], style))
            for start, end in zip(rows.starts, rows.ends, strict=True)
        ]

    def do_go_there(self) -> None:
        """A line leads nowhere."""
        self.dismiss(None)


def in_percent(estimate: "Estimate") -> str:
    """A share with its interval: `91.7 % (61.5 to 99.8)`."""
    if estimate.value is None:
        return "-"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.1%}".replace("%", " %")
    low, high = 100 * estimate.lower, 100 * estimate.upper
    return f"{100 * estimate.value:.1f} % ({low:.1f} to {high:.1f})"
