"""The audit of a sample: what the auditors said of each decision, folded from the steps that were taken. Pure.

Judgements are only ever added. An undo takes back the auditor's last one; a locked audit takes none until it is reopened with a reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from abstractor.model.errors import AbstractorError
from abstractor.registry.quality import LOCK, REOPEN, SampleItem, Step


class Refused(AbstractorError):
    """This step is not allowed; nothing was written."""


class Verdict(StrEnum):
    """What an auditor says of a decision."""

    AGREE = "agree"
    MINOR = "minor"
    """Wrong in a way that changes no analysis."""
    MAJOR = "major"


UNDO = "undo"
OWN = "this is your own decision; somebody else must audit it"
SECOND_READER = "you are the second reader of this patient; somebody else must audit it"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What holds of one item."""

    verdict: Verdict
    auditor: str
    at: str
    event_id: str
    error: str = ""
    """Class of the error (§ error classes of quality.toml)."""
    third: Mapping[str, Any] | None = field(default=None, hash=False)
    """What the auditor holds to be right: value, assertion, date, end_date; None where nothing was given."""
    comment: str = ""


@dataclass(frozen=True)
class Audit:
    """Where the audit of a sample stands."""

    items: tuple[SampleItem, ...]
    said: Mapping[int, tuple[Judgement, ...]] = field(default_factory=dict)
    """Place to the judgements that were not taken back; the last one holds."""
    locked: bool = False
    history: tuple[Step, ...] = ()
    """Everything that was done, oldest first: nothing is ever lost."""
    mine: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Auditor to the places whose judgement of theirs holds, the last one last."""

    @cached_property
    def judged(self) -> Mapping[int, Judgement]:
        """Place to the judgement that holds."""
        return {place: said[-1] for place, said in self.said.items() if said}

    @property
    def version(self) -> int:
        """The sequence of the last step: a writer says that it has seen it."""
        return self.history[-1].sequence if self.history else 0

    @cached_property
    def open(self) -> tuple[SampleItem, ...]:
        """Items nobody has judged, in order."""
        return tuple(one for one in self.items if one.place not in self.judged)

    @cached_property
    def by_place(self) -> Mapping[int, SampleItem]:
        """Place to item."""
        return {one.place: one for one in self.items}

    def after(self, done: Iterable[Step]) -> "Audit":
        """What holds after further steps: an audit of thousands of items is not folded anew with each of them."""
        newer = sorted(done, key=lambda one: one.sequence)
        said, locked = dict(self.said), self.locked
        order = {name: list(self.mine.get(name, ())) for name in {one.done_by for one in newer}}
        for step in newer:
            if not step.subject:
                locked = step.action == LOCK if step.action in (LOCK, REOPEN) else locked
                continue
            place = int(step.subject)
            if step.action == UNDO:
                said[place] = tuple(one for one in said.get(place, ()) if one.event_id != step.content.get("undoes"))
                _drop_last(order[step.done_by], place)
            else:
                said[place] = (*said.get(place, ()), _judgement(step))
                order[step.done_by].append(place)
        mine = {**self.mine, **{name: tuple(places) for name, places in order.items()}}
        return replace(self, said=said, locked=locked, history=(*self.history, *newer), mine=mine)


def fold_audit(items: Iterable[SampleItem], done: Iterable[Step]) -> Audit:
    """Works out what holds from all steps of a sample, those on its items and those on itself."""
    return Audit(tuple(items)).after(done)


def _drop_last(places: list[int], place: int) -> None:
    for at in range(len(places) - 1, -1, -1):
        if places[at] == place:
            del places[at]
            return


def _judgement(step: Step) -> Judgement:
    said = step.content
    return Judgement(
        Verdict(step.action),
        step.done_by,
        step.done_at,
        step.event_id,
        str(said.get("error", "")),
        said.get("third"),
        str(said.get("comment", "")),
    )


def check_judgement(
    audit: Audit, item: SampleItem, decided_by: str, auditor: str, verdict: Verdict, error: str, codes: Iterable[str]
) -> None:
    """Whether an auditor may say this.

    Raises:
        Refused: the audit is locked, the decision is the auditor's own, or a disagreement has no known error class.
    """
    if audit.locked:
        raise Refused("the audit is locked; reopening it needs a reason")
    if decided_by == auditor:
        raise Refused(f"item {item.place}: {OWN}")
    known = tuple(codes)
    if verdict is Verdict.AGREE and error:
        raise Refused(f"item {item.place}: who agrees names no error")
    if verdict is not Verdict.AGREE and error not in known:
        raise Refused(f"item {item.place}: a disagreement needs an error class, one of {', '.join(known)}")
