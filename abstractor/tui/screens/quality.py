"""The desk of quality work: what waits for this person, and `enter` to open it. Its rules and judgements are made elsewhere."""

from collections import Counter
from collections.abc import Sequence

from textual import work

from abstractor.model.errors import AbstractorError
from abstractor.review.desk import KINDS, DeskItem, QualityDesk
from abstractor.tui.actions import Keymap
from abstractor.tui.messages import DeskItemWanted, DeskRead, ReadingFailed
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit


class QualityScreen(ReaderScreen):
    """Audits, second readings, adjudications, queries and the inbox of one person."""

    FOOTER = (("go_there", "open"),)

    def __init__(self, keymap: Keymap, palette: Palette, desk: QualityDesk | None, user: str) -> None:
        super().__init__(keymap, palette, "QUALITY  reading ...", "reading ...")
        self.desk = desk
        self.user = user
        self.items: Sequence[DeskItem] = ()

    def on_mount(self) -> None:
        super().on_mount()
        self.read()

    def on_screen_resume(self) -> None:
        if self.stands:
            self.read()

    def read(self) -> None:
        if self.desk is None:
            self._told(())
        else:
            self._read(self.desk)

    @work(thread=True, exclusive=True, exit_on_error=False, group="desk")
    def _read(self, desk: QualityDesk) -> None:
        try:
            items = tuple(desk.items(self.user))
        except AbstractorError as error:
            self.post_message(ReadingFailed(str(error)))
        else:
            self.post_message(DeskRead(items))

    def on_desk_read(self, message: DeskRead) -> None:
        self._told(message.items)

    def on_reading_failed(self, message: ReadingFailed) -> None:
        self.empty = message.reason
        self.draw()
        self.say(message.reason, alarm=True)

    def _told(self, items: Sequence[DeskItem]) -> None:
        self.items = items
        counts = Counter(one.kind for one in items if one.waits)
        told = "   ".join(f"{words} {counts[kind]}" for kind, words in KINDS.items() if counts[kind])
        self.heading = f"QUALITY  {told or 'nothing waits'}   {self.user}"
        worklist = f"{self.keymap.shown('worklist')} worklist"
        self.empty = f"Nothing to audit, to read again or to settle, and no message. {worklist}"
        self.draw()

    def build(self) -> Sequence[Line]:
        return [self._line(one) for one in self.items]

    def _line(self, one: DeskItem) -> Line:
        style = self.palette.plain if one.waits else self.palette.faint
        count = str(one.items) if one.items and not one.patient_id else ""  # one patient is one line
        text = f" {fit(KINDS.get(one.kind, one.kind), 15)} {fit(one.patient_id or one.name, 20)} {count:>5}  "
        return Line.of((text, style), (one.state, style), (f"   due {one.due}" if one.due else "", self.palette.faint))

    def do_go_there(self) -> None:
        if self.items:
            self.post_message(DeskItemWanted(self.items[self.list.index]))

    def do_repaint(self) -> None:
        super().do_repaint()
        self.read()
