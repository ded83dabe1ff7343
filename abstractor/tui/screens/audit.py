"""The audit of a sample: each decision as it was drawn, with its evidence; agree, or disagree with a class of error and what is right.

A judgement is shown once it is committed. Which are allowed is settled in `quality.audits`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.registry.quality import SampleItem
from abstractor.review.attributes import tell_attributes
from abstractor.review.people import wall_seconds
from abstractor.review.refused import Refused
from abstractor.review.rows import Choice, Row, State
from abstractor.tui.actions import AUDIT, Keymap
from abstractor.tui.evidence import Pane
from abstractor.tui.screens.asking import Digits
from abstractor.tui.screens.audit_figures import AuditFiguresScreen
from abstractor.tui.screens.dialogs import Confirm, LinePrompt
from abstractor.tui.screens.edit import Stated
from abstractor.tui.screens.examining import ExaminingScreen, in_words, said
from abstractor.tui.screens.queries import ask_somebody
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.wrap import fit

if TYPE_CHECKING:
    from abstractor.quality.at_screen import OpenAudit, QualityWork

_DONE = {
    Action.ACCEPT: "accepted",
    Action.PICK: "picked",
    Action.EDIT: "edited to",
    Action.ADD: "added",
    Action.REJECT: "rejected",
    Action.NOT_DOCUMENTED: "not documented",
}
AGREE, MINOR, MAJOR = "agree", "minor", "major"
_STATES = {AGREE: State.ACCEPTED, MINOR: State.CHANGED, MAJOR: State.REJECTED}
"""How a verdict is marked in the list."""


class AuditScreen(ExaminingScreen):
    """The items of one sample."""

    OWN = AUDIT

    def __init__(
        self,
        keymap: Keymap,
        palette: Palette,
        work: "QualityWork",
        clock: Callable[[], float],
        opened: "OpenAudit",
    ) -> None:
        self.opened = opened
        self._items = {str(one.place): one for one in opened.audit.items}
        self._stands: dict[str, bool] = {}
        self._words: dict[str, Sequence[Evidence]] = {}
        self._counted: tuple[OpenAudit, Sequence[str]] | None = None
        super().__init__(keymap, palette, work, clock, tuple(self._items))

    # What is shown

    @property
    def item(self) -> SampleItem:
        """The current item."""
        return self._items[self.key]

    @property
    def decision(self) -> Decision | None:
        """What was decided; None where it is not in this registry."""
        return self.opened.decisions.get(self.item.action_id)

    @property
    def waiting(self) -> Sequence[str]:
        return () if self.opened.audit.locked else self._waiting_of(self.opened)

    def _waiting_of(self, opened: "OpenAudit") -> Sequence[str]:
        """Kept until the next judgement: a sample may have thousands of items."""
        if self._counted is None or self._counted[0] is not opened:
            self._counted = (opened, [str(one.place) for one in opened.waiting])
        return self._counted[1]

    def patient_of(self, key: str) -> str:
        return self._items[key].patient_id

    def row_of(self, key: str) -> Row:
        item = self._items[key]
        decision = self.opened.decisions.get(item.action_id)
        if decision is None:
            return Row(item.slot, self.spec_of(item.field), ())
        words = self._words_of(key, decision)
        choices = (_choice(decision, words),) if decision.value or words else ()
        return Row(item.slot, self.spec_of(item.field), choices)

    def _words_of(self, key: str, decision: Decision) -> Sequence[Evidence]:
        """Read once: the cursor comes back to an item."""
        if key not in self._words:
            self._words[key] = self.work.words_of(decision)
        return self._words[key]

    def reread(self) -> None:
        self.opened = self.work.refresh(self.opened)
        self._stands = {}

    def item_line(self, key: str, width: int) -> tuple[str, Line]:
        item, palette = self._items[key], self.palette
        judged = self.opened.audit.judged.get(item.place)
        state = _STATES[str(judged.verdict)] if judged is not None else State.SUGGESTED
        mark = "-" if judged is None and item.place in self.opened.barred else state.value
        spec = self.spec_of(item.field)
        decision = self.opened.decisions.get(item.action_id)
        value = _value(decision, spec.label_of) if decision is not None else self._unseen(item)
        wide = self.has_class("wide")
        who = f"{item.place:>4} " if wide else f"{item.place:>4} {fit(item.patient_id, 12)} "
        error = f"{judged.verdict} {judged.error}".rstrip() if judged is not None and judged.error else ""
        room = max(8, width - len(who) - 18 - len(error) - 1)
        return mark, Line.of(
            (who, palette.faint),
            (f"{fit(spec.label, 17)} ", palette.plain),
            (fit(value, room), palette.state(state)),
            (f" {error}", palette.faint),
        )

    def _unseen(self, item: SampleItem) -> str:
        return "hidden: you read it blind" if item.place in self.opened.hidden else "not in this registry"

    def header(self) -> str:
        audit = self.opened.audit
        if audit.locked:
            return f"AUDIT {self.opened.sample}   LOCKED: {self.keymap.shown('reopen')} reopens"
        done = len(audit.items) - len(audit.open)
        verdicts = Counter(one.verdict for one in audit.judged.values())
        counts = [f"{verdicts[one]} {one}" for one in verdicts if one != AGREE]  # a verdict is its word
        return "   ".join([f"AUDIT {self.opened.sample}", f"{done}/{len(audit.items)} judged", *counts])

    def asked(self, row: Row) -> tuple[str, str]:
        return row.spec.label, f"item {self.item.place} of {len(self.keys)}   {self.work.field_class(row.spec.name)}"

    def told(self, row: Row, pane: Pane) -> list[Line]:
        palette, decision = self.palette, self.decision
        if self.item.place in self.opened.hidden:
            told = "Hidden: you are to read this patient a second time, blind. Somebody else must audit it."
            return pane.told(told, palette.alarm)
        if decision is None:
            return pane.told("This decision is not in this registry: it can't be judged.", palette.alarm)
        lines = pane.told(_decided(row, decision), palette.heading)
        lines += self._judged(pane)
        lines += pane.told(tell_attributes(decision.attributes), palette.plain)
        words = self._words_of(self.key, decision)
        if words and not decision.evidence:
            lines += pane.told("refused were these words:", palette.faint)
        lines += pane.quotes(words) or pane.told("It rests on no words of a note.", palette.faint)
        if decision.offered and decision.offered != decision.value:
            offered = " | ".join(row.spec.label_of(one) for one in decision.offered.split(" | "))
            lines += pane.told(f"offered: {offered}", palette.faint)
        if not self._still_stands(decision):
            told = "decided anew since it was drawn; what stands above is to be judged"
            lines += pane.told(told, palette.faint)
        return lines

    def _still_stands(self, decision: Decision) -> bool:
        if self.key not in self._stands:
            self._stands[self.key] = self.work.stands(self.item, decision)
        return self._stands[self.key]

    def _judged(self, pane: Pane) -> list[Line]:
        palette, spec = self.palette, self.spec_of(self.item.field)
        judged = self.opened.audit.judged.get(self.item.place)
        lines: list[Line] = []
        if judged is not None:
            who = "you" if judged.auditor == self.work.user else judged.auditor
            label = next((one.label for one in self.work.errors if one.code == judged.error), "")
            told = " ".join(one for one in (f"{who}: {judged.verdict}", judged.error, label) if one)
            if judged.third:
                told += f"   right: {in_words(spec, _stated_choice(judged.third))}"
            lines += pane.told(told, palette.state(_STATES[str(judged.verdict)]))
            lines += pane.told(judged.comment and f"c {judged.comment}", palette.plain)
        elif self.item.place in self.opened.barred:
            lines += pane.told(self.opened.barred[self.item.place], palette.alarm)
        pending = self.comments.get(self.key)
        lines += pane.told(f"c {pending}   (saved with your answer)" if pending else "", palette.faint)
        return lines

    @property
    def offered(self) -> Sequence[str]:
        if self.opened.audit.locked:
            return ["reopen", "figures"]
        if self.item.place in self.opened.barred:
            return ["next_open", "figures", "ask"]
        ends = [] if self.opened.audit.open else ["next_open"]
        return [*ends, "agree", "disagree", "third", "comment", "undo", "figures"]

    # Judging

    def _judge(
        self, verdict: str, error: str = "", third: dict[str, object] | None = None, comment: str | None = None
    ) -> None:
        kept = self.comments.get(self.key, "") if comment is None else comment
        place = self.item.place
        self.opened = self.work.judge(self.opened, place, verdict, error=error, third=third, comment=kept)
        self.answered(self.opened.audit.judged[place].at, self._what_next())

    def _what_next(self) -> str:
        if self.waiting:
            return ""
        left = len(self.opened.audit.open)
        if left:
            return f"nothing more for you; {left} must be judged by somebody else"
        return f"all judged; {self.keymap.shown('next_open')} finishes the audit"

    def _may_judge(self) -> None:
        if self.opened.audit.locked:
            raise Refused(f"the audit is locked; {self.keymap.shown('reopen')} reopens it, with a reason")
        if self.item.place in self.opened.barred:
            raise Refused(self.opened.barred[self.item.place])
        self.guard()

    def do_agree(self) -> None:
        self._may_judge()
        self._judge(AGREE)

    def do_disagree(self) -> None:
        self._may_judge()
        self._ask_how_bad(None)

    def _ask_how_bad(self, third: dict[str, object] | None) -> None:
        answers = ((MAJOR, "major: changes an analysis"), (MINOR, "minor"))

        def took(verdict: str | None) -> None:
            if verdict is not None:
                self.ask_class(f"{verdict}: which error?", lambda error: self._judge(verdict, error, third))

        self.app.push_screen(Digits(self.keymap, self.palette, "Disagree", answers), took)

    def do_third(self) -> None:
        self._may_judge()
        row = self._current
        if row is None or self.decision is None:
            raise Refused("there is nothing to judge here")
        self.ask_value(row, self._third)

    def _third(self, stated: Stated) -> None:
        """What is right: with the class that was named already, else it is asked for."""
        judged = self.opened.audit.judged.get(self.item.place)
        if judged is not None and judged.error and judged.auditor == self.work.user:
            self._judge(str(judged.verdict), judged.error, said(stated), judged.comment)
        else:
            self._ask_how_bad(said(stated))

    def do_comment(self) -> None:
        if self.opened.audit.locked:
            raise Refused(f"the audit is locked; {self.keymap.shown('reopen')} reopens it, with a reason")
        self.ask_comment(f"Comment on item {self.item.place}", self._comment)

    def _comment(self, text: str) -> None:
        judged = self.opened.audit.judged.get(self.item.place)
        if judged is None or judged.auditor != self.work.user:
            self.keep_comment(text)
            return
        third = dict(judged.third) if judged.third else None
        place = self.item.place
        self.opened = self.work.judge(
            self.opened, place, str(judged.verdict), error=judged.error, third=third, comment=text.strip()
        )
        self.saved_at = wall_seconds(self.opened.audit.judged[place].at)
        self.draw()

    def do_undo(self) -> None:
        self.opened, place = self.work.undo(self.opened)
        self.go_to(str(place))
        self.dwell.restart()
        self.say(f"undone: item {place}")

    # The end

    def do_next_open(self) -> None:
        audit = self.opened.audit
        if audit.locked:
            self.do_figures()
        elif not audit.open:
            self._ask_finish()
        elif self.waiting:
            self.go_to(self.next_waiting() or self.key)
        else:
            self.say(self._what_next())

    def _ask_finish(self) -> None:
        verdicts = [str(one.verdict) for one in self.opened.audit.judged.values()]
        lines = [f"{verdicts.count(one):>5} {one}" for one in (AGREE, MINOR, MAJOR)]
        title = f"Finish the audit {self.opened.sample}: after that it changes only if it is reopened with a reason"

        def finish(yes: bool | None) -> None:
            if yes:
                self.attempt(self._finish)

        hint = "enter finishes and shows what it says   esc leaves"
        self.app.push_screen(Confirm(self.keymap, self.palette, title, lines, hint), finish)

    def _finish(self) -> None:
        self.opened = self.work.lock(self.opened)
        self.draw()
        self.do_figures()

    def do_figures(self) -> None:
        self.app.push_screen(AuditFiguresScreen(self.keymap, self.palette, self.work, self.opened))

    def do_reopen(self) -> None:
        if not self.opened.audit.locked:
            raise Refused("the audit is not locked")

        def reopen(reason: str | None) -> None:
            if reason is not None:
                self.attempt(lambda: self._reopened(reason))

        self.app.push_screen(LinePrompt(self.keymap, self.palette, "Reopen the audit, because"), reopen)

    def _reopened(self, reason: str) -> None:
        self.opened = self.work.reopen(self.opened, reason)
        self.draw()
        self.say("reopened; the reason is kept")

    def do_ask(self) -> None:
        decision = self.decision
        whom = decision.decided_by if decision is not None else ""
        label = self.spec_of(self.item.field).label
        ask_somebody(self, self.work, (self.item.patient_id, self.item.slot), label, whom)


def _choice(decision: Decision, words: Sequence[Evidence] = ()) -> Choice:
    return Choice(
        decision.value,
        decision.assertion,
        decision.date,
        decision.end_date,
        decision.attributes,
        tuple(words),
        confidence=1.0,
    )


def _stated_choice(third: object) -> Choice:
    """A third value as it is stored."""
    held = dict(third) if isinstance(third, dict) else {}
    return Choice(
        str(held.get("value", "")),
        Assertion(str(held.get("assertion", "present"))),
        held.get("date"),
        held.get("end_date"),
        held.get("attributes") or {},
    )


def _value(decision: Decision, label_of: Callable[[str], str]) -> str:
    if decision.action is Action.NOT_DOCUMENTED:
        return "not documented"
    told = _choice(decision).told(label_of)
    told = f"not: {told}" if decision.action is Action.REJECT else told
    return f"{told} {decision.date}" if decision.date and decision.date != decision.value else told


def _decided(row: Row, decision: Decision) -> str:
    """What was decided, as a sentence."""
    done = _DONE.get(decision.action, str(decision.action))
    if decision.action is Action.NOT_DOCUMENTED:
        return f"{done}: the record does not say"
    told = f"{done} {in_words(row.spec, _choice(decision))}"
    return f"{told}: does not hold" if decision.action is Action.REJECT else told
