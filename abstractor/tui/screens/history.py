"""Everything that was ever done with one row, and who took the patient over; `enter` on quoted words opens their note."""

from collections.abc import Sequence

from abstractor.model.decision import READ_AS, Action, Decision
from abstractor.model.suggestion import Evidence
from abstractor.registry.leases import LeaseEvent
from abstractor.registry.signatures import Signature
from abstractor.registry.signed import UNLOCKED
from abstractor.review.attributes import tell_attributes
from abstractor.review.history import Step
from abstractor.review.rows import BETWEEN
from abstractor.rulebook.schema import FieldSpec
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.screens.signing import SIGNED
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import wrap

_CHANGES_NOTHING = frozenset({Action.COMMENT, Action.RECHECK, Action.CLOSE, Action.REOPEN})
_INDENT = "     "


class HistoryScreen(ReaderScreen):
    """The log of a row, the latest last."""

    FOOTER = (("go_there", "open the words"),)

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        spec: FieldSpec,
        slot: str,
        steps: Sequence[Step],
        around: Sequence[LeaseEvent | Signature] = (),
    ) -> None:
        super().__init__(keymap, palette, f"HISTORY  {spec.label}  {slot}", "Nothing was done with it yet.")
        self.spec = spec
        self.steps = steps
        self.around = around
        """What concerned the whole patient: who took it over, who signed or unlocked it."""
        self.targets: list[Evidence | None] = []
        """Of each line, the words it quotes."""

    def build(self) -> Sequence[Line]:
        self.targets = []
        lines: list[Line] = []
        log: list[Step | LeaseEvent | Signature] = [*self.steps, *self.around]
        for one in sorted(log, key=_at):
            if isinstance(one, Step):
                more = self._step(one)
            else:
                more = [(self._takeover(one) if isinstance(one, LeaseEvent) else self._signature(one), None)]
            lines.extend(line for line, _ in more)
            self.targets.extend(target for _, target in more)
        return lines

    def do_go_there(self) -> None:
        at = self.list.index
        if not self.lines or self.targets[at] is None:
            self.say("no words are quoted on this line")
        else:
            self.dismiss(at)

    def _step(self, step: Step) -> list[tuple[Line, Evidence | None]]:
        one, palette = step.decision, self.palette
        gone = step.taken_back
        style = palette.faint if gone else palette.plain
        words = _action_words(one.action)
        changed = "" if one.action in _CHANGES_NOTHING else f"{step.before} -> {step.after}"
        told = [f"{words:<14} {changed}".rstrip()]
        if gone is not None:
            told.append(f"taken back {_time(gone.decided_at)} by {gone.decided_by}")
        if one.reason:
            told.append(_why(one))
        if one.offered and one.offered != one.value:
            told.append(f"offered: {BETWEEN.join(map(self.spec.label_of, one.offered.split(BETWEEN)))}")
        if one.attributes:
            told.append(tell_attributes(one.attributes))
        head = f" {_time(one.decided_at)}  {one.decided_by:<10} "
        found: list[tuple[Line, Evidence | None]] = []
        for number, text in enumerate(told):
            found.extend(
                (line, None) for line in self._wrapped(head if not number else _INDENT, text, number > 0 or gone)
            )
        if one.action is not Action.UNDO:
            found.extend((Line.of((f'{_INDENT}{_place(span)} "{span.text}"', style)), span) for span in one.evidence)
        return found

    def _wrapped(self, head: str, text: str, faint: object) -> list[Line]:
        style = self.palette.faint if faint else self.palette.plain
        text = " ".join(text.split())
        rows = wrap(text, max(20, self.app.size.width - len(head) - 1))
        pieces = [text[start:end] for start, end in zip(rows.starts, rows.ends, strict=True)]
        return [Line.of((f"{head if not at else ' ' * len(head)}{one}", style)) for at, one in enumerate(pieces)]

    def _takeover(self, one: LeaseEvent) -> Line:
        why = f", because: {one.reason}" if one.reason else ""
        told = f"took the patient from {one.taken_from} ({one.kind}){why}"
        return Line.of((f" {_time(one.happened_at)}  {one.taken_by:<10} {told}", self.palette.plain))

    def _signature(self, one: Signature) -> Line:
        told = f"{SIGNED} signed as {one.meaning}" if one.meaning != UNLOCKED else f"{SIGNED} unlocked: signatures void"
        told += f", because: {one.reason}" if one.reason else ""
        void = "" if one.stands or one.meaning == UNLOCKED else " (void)"
        style = self.palette.faint if void else self.palette.plain
        return Line.of((f" {_time(one.signed_at)}  {one.signed_by:<10} {told}{void}", style))


def _at(one: Step | LeaseEvent | Signature) -> str:
    if isinstance(one, Step):
        return one.decision.decided_at
    return one.signed_at if isinstance(one, Signature) else one.happened_at


def _action_words(action: Action) -> str:
    return {Action.CLOSE: "patient closed", Action.REOPEN: "patient reopened"}.get(
        action, action.value.replace("_", " ")
    )


def _why(one: Decision) -> str:
    if one.action is Action.COMMENT:
        return f"said: {one.reason}"
    return f"but {one.reason}" if one.reason.startswith(READ_AS) else f"because: {one.reason}"


def _time(at: str) -> str:
    return at[:19].replace("T", " ")


def _place(span: Evidence) -> str:
    return f"{span.note_id} {span.note_type} {(span.note_date or '')[:10]} ch {span.start}-{span.end}"
