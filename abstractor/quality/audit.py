"""The audit of a sample: what the auditors said of each decision, folded from the steps that were taken. Pure.

Judgements are only ever added. An undo takes back the auditor's last one; a locked audit takes none until it is reopened with a reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
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
    judged: Mapping[int, Judgement]
    """Place to the judgement that holds."""
    locked: bool
    history: tuple[Step, ...]
    """Everything that was done, oldest first: nothing is ever lost."""
    mine: Mapping[str, tuple[int, ...]]
    """Auditor to the places whose judgement of theirs holds, the last one last."""

    @property
    def version(self) -> int:
        """The sequence of the last step: a writer says that it has seen it."""
        return self.history[-1].sequence if self.history else 0

    @property
    def open(self) -> tuple[SampleItem, ...]:
        """Items nobody has judged, in order."""
        return tuple(one for one in self.items if one.place not in self.judged)


def fold_audit(items: Iterable[SampleItem], done: Iterable[Step]) -> Audit:
    """Works out what holds from all steps of a sample, those on its items and those on itself."""
    live: dict[int, list[Judgement]] = {}
    order: dict[str, list[int]] = {}
    locked = False
    history = tuple(sorted(done, key=lambda one: one.sequence))
    for step in history:
        if not step.subject:
            locked = step.action == LOCK if step.action in (LOCK, REOPEN) else locked
            continue
        place = int(step.subject)
        if step.action == UNDO:
            live[place] = [one for one in live.get(place, []) if one.event_id != step.content.get("undoes")]
            _drop_last(order.get(step.done_by, []), place)
        else:
            live.setdefault(place, []).append(_judgement(step))
            order.setdefault(step.done_by, []).append(place)
    judged = {place: said[-1] for place, said in live.items() if said}
    return Audit(tuple(items), judged, locked, history, {name: tuple(places) for name, places in order.items()})


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
        raise Refused(f"item {item.place}: this is your own decision; somebody else must audit it")
    known = tuple(codes)
    if verdict is Verdict.AGREE and error:
        raise Refused(f"item {item.place}: who agrees names no error")
    if verdict is not Verdict.AGREE and error not in known:
        raise Refused(f"item {item.place}: a disagreement needs an error class, one of {', '.join(known)}")
