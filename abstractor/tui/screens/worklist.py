"""The worklist: whose case is next, what is left in it, and who holds it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from textual import work
from textual.widget import Widget

from abstractor.model.errors import AbstractorError, NotAllowed
from abstractor.registry.assignments import claim_next, give_back
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.leases import Lease
from abstractor.registry.signatures import sign, to_sign
from abstractor.registry.worklist import WorklistRow, keep_counts, read_worklist
from abstractor.review.config import ReviewConfig
from abstractor.review.desk import DeskItem, QualityDesk
from abstractor.review.people import held_words, wall_time
from abstractor.tui.actions import WORKLIST, Keymap
from abstractor.tui.drawing import keys_that_fit
from abstractor.tui.messages import (
    DeskItemWanted,
    PatientsClaimed,
    PatientsSigned,
    PatientWanted,
    QualityCounted,
    WorklistFailed,
    WorklistRead,
)
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.help import HelpScreen
from abstractor.tui.screens.listed import ListedScreen
from abstractor.tui.screens.signing import sign_listed, signed_words
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import LINES_SAID, Bar, Line, LineList
from abstractor.tui.wrap import fit

VIEWS = ("all", "mine", "pool")
"""What the list shows, one after the other."""


class WorklistScreen(ListedScreen[None]):
    """All patients: those this person is at, then their work, then the pool, then others' work."""

    KIND = WORKLIST

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        registry: Registry,
        user: str,
        config: ReviewConfig | None = None,
        clock: Callable[[], str] = utc_now,
        desk: QualityDesk | None = None,
    ) -> None:
        super().__init__(keymap, palette)
        self.registry = registry
        self.user = user
        self.config = config or ReviewConfig()
        self.clock = clock
        self.desk = desk
        self.quality_items: int | None = None
        """Pieces of quality work that wait for this person; None where there is no desk, or it was not asked yet."""
        self.read_at = ""
        self.fault = ""
        """Why there is no list; "" where there is one, or it was not read yet."""
        self.view = VIEWS[0]
        self.all: tuple[WorklistRow, ...] | None = None
        self.mine = 0
        """Of all: this person's work that is not closed."""
        self.pool = 0
        """Of all: those with work that are nobody's."""
        self.rows: Sequence[WorklistRow] = ()
        self.filter = ""
        self.notice = ""
        """What is said until the next key, however often the list is read meanwhile."""
        self.wanted: str | None = None
        """The patient the cursor goes to."""

    def contents(self) -> Iterable[Widget]:
        yield Bar(id="header")
        yield Bar(id="columns")
        yield LineList(self._line, id="patients")
        yield Bar(id="footer", most=LINES_SAID)

    def on_mount(self) -> None:
        self.draw()
        self.read()

    def on_screen_resume(self) -> None:
        self.read()

    def run_table_action(self, name: str) -> None:
        self.notice = ""
        super().run_table_action(name)

    def read(self) -> None:
        self._read()

    @work(thread=True, exclusive=True, exit_on_error=False, group="worklist")
    def _read(self) -> None:
        try:
            read = read_worklist(self.registry, self.user, self.clock)
        except AbstractorError as error:
            self.post_message(WorklistFailed(str(error), refused=isinstance(error, NotAllowed)))
            return
        self.post_message(WorklistRead(read.rows, read.read_at))
        with suppress(AbstractorError):  # the list stands; the next one is only slower
            keep_counts(self.registry, read)
        if self.desk is not None:
            with suppress(AbstractorError):  # the desk's own screen tells why
                self.post_message(QualityCounted(sum(one.waits for one in self.desk.items(self.user))))

    def on_quality_counted(self, message: QualityCounted) -> None:
        self.quality_items = message.items
        self._draw_header()

    def on_worklist_read(self, message: WorklistRead) -> None:
        current = self.wanted or (self.rows[self.list.index].patient_id if self.rows else None)
        self.wanted = None
        self._take(message.rows)
        self.read_at = message.read_at or self.clock()
        self._settle(current)
        self.say(self.notice)

    def _take(self, rows: tuple[WorklistRow, ...]) -> None:
        self.all, self.fault = rows, ""
        self.mine = sum(row.is_mine(self.user) and not row.closed for row in rows)
        self.pool = sum(row.in_pool and row.has_work for row in rows)

    def on_worklist_failed(self, message: WorklistFailed) -> None:
        if message.refused:  # what was read of it before is not shown any more
            self.all, self.rows, self.mine, self.pool = None, (), 0, 0
        self.fault = message.reason.partition(";")[0] if self.all is None else ""
        self.draw()
        self.say(message.reason, alarm=True)

    @property
    def list(self) -> LineList:
        return self.query_one("#patients", LineList)

    @property
    def row(self) -> WorklistRow | None:
        return self.rows[self.list.index] if self.rows else None

    def note_closed(self, patient_id: str) -> None:
        """A patient was closed since the list was read: it is not offered again before the next reading."""
        self._take(tuple(replace(row, closed=True) if row.patient_id == patient_id else row for row in self.all or ()))

    def _settle(self, current: str | None) -> None:
        self.rows = [row for row in self.all or () if self._in_view(row)]
        if words := self.filter.casefold().split():
            said = ((row, _words(row, self.user)) for row in self.rows)
            self.rows = [row for row, text in said if all(word in text for word in words)]
        ids = [row.patient_id for row in self.rows]
        if current in ids:
            self.list.index = ids.index(current)
        self.draw()

    def _in_view(self, row: WorklistRow) -> bool:
        if self.view == "mine":
            return row.is_mine(self.user) and not row.closed
        return self.view == "all" or row.in_pool

    def _draw_header(self) -> None:
        palette = self.palette
        rows = self.all or ()
        waiting = f" | QA {self.quality_items}" if self.quality_items is not None else ""
        counts = f" WORKLIST  mine {self.mine} | pool {self.pool}{waiting} | all {len(rows)}"
        parts = [f"only {self.view}"] * (self.view != "all") + [f"filter: {self.filter}"] * bool(self.filter)
        shown = f"   {', '.join(parts)} ({len(self.rows)})" if parts else ""
        self.query_one("#header", Bar).show(
            Line.of((counts, palette.bar_key), (shown, palette.bar), (f"   {self.user}", palette.bar)), palette.bar
        )

    def draw(self) -> None:
        palette = self.palette
        self._draw_header()
        columns = (
            f"   {'patient':<16} {'notes':>5} {'todo':>5} {'!':>3} {'z':>3} {'oldest':>7}  {'state':<25} {'due':<7}"
        )
        self.query_one("#columns", Bar).show(Line.of((columns, palette.faint)), palette.plain)
        self.list.show(len(self.rows), self.list.index, palette.plain, Line.of((self._empty(), palette.plain)))
        self.say("")

    def _empty(self) -> str:
        if self.fault:
            return f"   {self.fault}"
        if self.all is None:
            return "   reading ..."
        key = self.keymap.shown
        if not self.all:
            return "   No patients yet: `abstractor ingest` and `abstractor annotate` bring them here."
        if self.filter:
            return f"   0 of {len(self.all)} match {self.filter!r}. {key('unfilter')} shows all"
        if self.view == "mine":
            quality = f"   {key('quality')} QA ({self.quality_items})" if self.quality_items else ""
            return (
                f"   Nothing assigned. {key('claim')} claim {self.config.claim_count} from pool ({self.pool}){quality}"
            )
        return f"   The pool is empty. {key('view')} shows all patients"

    def _line(self, at: int, width: int) -> Line:
        row = self.rows[at]
        cursor = ">" if at == self.list.index else " "
        style = self.palette.faint if row.closed or not row.undecided else self.palette.plain
        days = row.waiting_days(self.read_at)
        oldest = "" if days is None else f"{days} d"
        text = (
            f" {cursor} {fit(row.patient_id, 16)} {row.notes:>5} {row.undecided:>5} {row.conflicts or '':>3} "
            f"{row.deferred or '':>3} {oldest:>7}  {fit(self._state(row), 25)} {self._due(row)}"
        )
        return Line.of((text, style))

    def _state(self, row: WorklistRow) -> str:
        if row.blind:
            return "blind second reading"
        if row.signed:
            return signed_words(row.signed)
        if row.closed:
            return "closed"
        if row.holder and row.holder != self.user:
            return f"held {row.holder} {wall_time(row.held_since or self.read_at)}"
        state = _progress(row)
        if row.assigned and row.assigned != self.user:
            return f"{state}, for {row.assigned}"
        return f"{state}, mine" if row.is_mine(self.user) else state

    def _due(self, row: WorklistRow) -> str:
        left = row.due_days(self.read_at, self.config.due_days) if row.is_mine(self.user) else None
        if left is None:
            return ""
        return f"{left} d" if left >= 0 else f"{-left} d late"

    def say(self, text: str, *, alarm: bool = False) -> None:
        palette = self.palette
        keys = [
            ("open", "open"),
            ("look", "read only"),
            ("claim", "claim"),
            ("view", "mine/pool"),
            ("find_patient", "find"),
            ("help", "help"),
            ("quit", "quit"),
            ("filter", "filter"),
            ("give_back", "give back"),
            ("sign_all", "sign closed"),
        ]
        keys = [one for one in keys if self.takes(one[0])]
        text = self.notice = text or self.notice
        told = Line.of((f" {text}", palette.alarm if alarm else palette.bar))
        line = told if text else keys_that_fit(keys, self.keymap, palette, self.app.size.width)
        self.query_one("#footer", Bar).show(line, palette.bar)

    # Actions

    def on_line_list_chosen(self, _message: LineList.Chosen) -> None:
        self.do_open()

    def do_open(self) -> None:
        row = self.row
        if row is None:
            return
        if row.blind:
            self.post_message(DeskItemWanted(DeskItem(row.blind, "blind", row.patient_id, 1, "")))
        elif row.holder and row.holder != self.user:
            self._tell(row.patient_id, row.holder, row.held_since or "", row.active_at or "", self.read_at)
        else:
            self.post_message(PatientWanted(row.patient_id))

    def tell_held(self, lease: Lease) -> None:
        """Says who is at a patient, and what can be done."""
        self._tell(lease.patient_id, lease.holder, lease.since, lease.active_at, lease.seen_at)

    def _tell(self, patient_id: str, holder: str, since: str, active_at: str, now: str) -> None:
        key = self.keymap.shown
        words = held_words(patient_id, holder, since, active_at, now)
        self.say(f"{words}. {key('look')} read only  {key('next_patient')} next  {key('take_over')} take over")

    def do_next_patient(self) -> None:
        """The cursor goes to the next patient to work on."""
        count = len(self.rows)
        behind = (self.rows[at % count] for at in range(self.list.index + 1, self.list.index + count))
        free = next((row for row in behind if row.has_work and row.is_open_to(self.user)), None)
        if free is None:
            self.say("no further patient with work here")
        else:
            self.list.go(self.rows.index(free))

    def do_claim(self) -> None:
        self.say("claiming ...")
        self._claim()

    @work(thread=True, exclusive=True, exit_on_error=False, group="claim")
    def _claim(self) -> None:
        try:
            claimed = claim_next(self.registry, self.user, self.config.claim_count, self.clock)
        except AbstractorError as error:
            self.post_message(WorklistFailed(str(error)))
        else:
            self.post_message(PatientsClaimed(claimed))

    def on_patients_claimed(self, message: PatientsClaimed) -> None:
        if not message.patient_ids:
            self.say("the pool is empty: nothing to claim")
            return
        self.wanted = message.patient_ids[0]
        self.notice = f"{len(message.patient_ids)} patients are yours now"
        self.read()

    def do_sign_all(self) -> None:
        closed = [row for row in self.rows if row.closed and not row.blind]
        found = to_sign(self.registry, [row.patient_id for row in closed], self.user)
        if not found:
            self.say("no closed patient in this list that you could sign now")
            return
        listed = [row for row in closed if row.patient_id in found]

        def sign_them(meaning: str | None) -> None:
            if meaning is not None:
                self.say("signing ...")
                self._sign(meaning, [one for one, meanings in found.items() if meaning in meanings])

        self.app.push_screen(sign_listed(self.keymap, self.palette, listed, found), sign_them)

    @work(thread=True, exclusive=True, exit_on_error=False, group="sign")
    def _sign(self, meaning: str, patient_ids: Sequence[str]) -> None:
        refused: list[str] = []
        for patient_id in patient_ids:
            try:
                sign(self.registry, patient_id, meaning, self.user, clock=self.clock)
            except AbstractorError as error:
                refused.append(str(error))
        self.post_message(PatientsSigned(meaning, len(patient_ids) - len(refused), tuple(refused)))

    def on_patients_signed(self, message: PatientsSigned) -> None:
        self.notice = f"{message.signed} signed as {message.meaning}"
        if message.refused:
            self.notice += f"; {len(message.refused)} not: {message.refused[0]}"
        self.read()

    def do_give_back(self) -> None:
        row = self.row
        if row is None:
            return
        if give_back(self.registry, row.patient_id, self.user):
            self.notice = f"{row.patient_id} is back in the pool"
            self.read()
        else:
            self.say(f"{row.patient_id} is not your work")

    def do_view(self) -> None:
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self._settle(self.row.patient_id if self.row else None)

    def do_look(self) -> None:
        if self.row is not None:
            self.post_message(PatientWanted(self.row.patient_id, look=True))

    def do_take_over(self) -> None:
        if self.row is not None:
            self.post_message(PatientWanted(self.row.patient_id, take_over=True))

    def do_bottom(self) -> None:
        self.list.go(len(self.rows) - 1)

    def do_filter(self) -> None:
        prompt = LinePrompt(
            self.keymap,
            self.palette,
            "Show patients with",
            self.filter,
            "words: an id, new, begun, closed, signed, locked, mine, pool, held, all",
        )
        self.app.push_screen(prompt, self._filtered)

    def _filtered(self, line: str | None) -> None:
        if line is not None:
            words = line.split()
            named = [word for word in words if word in VIEWS]
            self.view = named[-1] if named else self.view
            self.filter = " ".join(word for word in words if word not in VIEWS)
            self._settle(self.row.patient_id if self.row else None)

    def do_unfilter(self) -> None:
        self._filtered("all")

    def do_find_patient(self) -> None:
        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Find a patient", hint="part of an id"), self._found)

    def _found(self, wanted: str | None) -> None:
        if not wanted:
            return
        ids = [row.patient_id.casefold() for row in self.rows]
        behind = self.list.index + 1
        for at in (*range(behind, len(ids)), *range(behind)):
            if at < len(ids) and wanted.casefold() in ids[at]:
                self.list.go(at)
                return
        self.say(f"no patient here with {wanted!r} in the id")

    def do_repaint(self) -> None:
        super().do_repaint()
        self.read()

    def do_back(self) -> None:
        self.say(f"this is the first screen; {self.keymap.shown('quit')} quits, all is saved")

    def do_help(self) -> None:
        self.app.push_screen(HelpScreen(self.keymap, self.palette, self.kinds))


def _progress(row: WorklistRow) -> str:
    if not row.suggested:
        return "no suggestions"
    done = row.suggested - row.undecided
    if not row.undecided:
        return "to be closed"
    return f"in progress {100 * done // row.suggested}%" if done else "new"


def _words(row: WorklistRow, user: str) -> str:
    state = "closed" if row.closed else "new" if row.undecided == row.suggested else "begun"
    held = "" if not row.holder else "mine" if row.holder == user else f"held {row.holder}"
    whose = "pool" if row.in_pool else "mine" if row.assigned == user else f"for {row.assigned}" if row.assigned else ""
    return f"{row.patient_id} {state} {signed_words(row.signed)} {held} {whose}".casefold()
