"""Best response of a line, unconfirmed and confirmed, and what follows from it. Pure functions over dated assessments.

The rules are those of RECIST 1.1 confirmation as open ADaM code applies them; where it leaves a choice (NE or SD in
between, PR after CR) the protocol decides.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import Assessment

Day = datetime.date
RESPONDING = frozenset({"CR", "PR"})
CONTROLLED = frozenset({"CR", "PR", "SD"})
UNDETERMINED = "NON-CR/NON-PD"
MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one assessment said: a day and CR, PR, SD, NON-CR/NON-PD, PD or NE."""

    date: Day
    value: str


@dataclass(frozen=True, slots=True)
class Best:
    """A best response and the day of the assessment that gives it (a confirmed response: the first of the pair)."""

    value: str
    date: Day | None
    confirmed_on: Day | None = None


def assessed(
    found: Iterable[Assessment], start: Day, *, next_line: Day | None = None, cutoff: Day | None = None
) -> tuple[Assessment, ...]:
    """The assessments of a line: after its start, up to the first progression, the next line and the cutoff.

    Pseudoprogression that was named so says nothing: it counts as NE.
    """
    kept: list[Assessment] = []
    for one in sorted(found, key=lambda each: each.date):
        late = (next_line is not None and one.date > next_line) or (cutoff is not None and one.date > cutoff)
        if one.date <= start or late:
            continue
        kept.append(one)
        if one.value == "PD" and not one.pseudoprogression:
            break
    return tuple(kept)


def seen(found: Iterable[Assessment]) -> tuple[Seen, ...]:
    """Day and value alone, ascending."""
    return tuple(
        Seen(one.date, "NE" if one.value == "PD" and one.pseudoprogression else one.value)
        for one in sorted(found, key=lambda each: each.date)
    )


def without_response(found: Iterable[Seen]) -> tuple[Seen, ...]:
    """The course where no disease was left at the start (adjuvant treatment): only progression can be judged."""
    return tuple(one if one.value == "PD" else Seen(one.date, "NE") for one in found)


def best_response(found: Sequence[Seen], reference: Day, sd_min_days: int) -> Best:
    """The best of all assessments, without confirmation: CR, PR, SD (late enough), NON-CR/NON-PD, PD, NE.

    The caller has left out what lies before the reference date or after the first progression.
    """
    for value in ("CR", "PR"):
        day = _first(found, {value})
        if day is not None:
            return Best(value, day)
    return _lesser(found, reference, sd_min_days, {"SD"})


def confirmed_best_response(found: Sequence[Seen], reference: Day, protocol: Protocol) -> Best:
    """The best response with CR and PR confirmed; an unconfirmed one counts as SD where it came late enough."""
    counted = _without_later_pr(found) if protocol.response_after_cr == "strict" else tuple(found)
    for value in ("CR", "PR"):
        for place, one in enumerate(counted):
            if one.value == value and (by := _confirmation(counted[place:], protocol)) is not None:
                return Best(value, one.date, by)
    # Not confirmed: then CR and PR are no more than disease control.
    return _lesser(counted, reference, protocol.sd_min_days, CONTROLLED)


def confirmed_response_date(found: Sequence[Seen], protocol: Protocol) -> Day | None:
    """The first CR or PR that is confirmed, a PR also by a CR: where the duration of a confirmed response begins."""
    for place, one in enumerate(found):
        if one.value in RESPONDING and _confirmation(found[place:], protocol) is not None:
            return one.date
    return None


def _confirmation(following: Sequence[Seen], protocol: Protocol) -> Day | None:
    """The day on which the response that `following` begins with is confirmed, or None."""
    first = following[0]
    wanted = {"CR"} if first.value == "CR" else RESPONDING
    undecided = stable = 0
    complete = False
    for later in following[1:]:
        if later.value == "NE":
            undecided += 1
        elif later.value == "SD" and first.value == "PR":
            stable += 1
        elif later.value not in wanted or (complete and later.value == "PR"):
            return None  # PR behind CR is a contradiction and confirms no earlier PR
        elif (later.date - first.date).days >= protocol.confirm_min_days:
            return later.date
        complete = complete or later.value == "CR"
        if undecided > protocol.confirm_max_ne or stable > int(protocol.confirm_accept_sd):
            return None
    return None


def _without_later_pr(found: Sequence[Seen]) -> tuple[Seen, ...]:
    kept: list[Seen] = []
    complete = False
    for one in found:
        kept.append(Seen(one.date, "SD") if complete and one.value == "PR" else one)
        complete = complete or one.value == "CR"
    return tuple(kept)


def _lesser(found: Sequence[Seen], reference: Day, sd_min_days: int, as_stable: Iterable[str]) -> Best:
    """What is left when there is no (confirmed) response."""
    stable = set(as_stable)
    late = [one for one in found if one.date >= reference + datetime.timedelta(days=sd_min_days)]
    for value, day in (
        ("SD", _first(late, stable)),
        (UNDETERMINED, _first(late, {UNDETERMINED})),
        ("PD", _first(found, {"PD"})),
        ("NE", _first(found, {"NE", UNDETERMINED} | stable)),
    ):
        if day is not None:
            return Best(value, day)
    return Best(MISSING, None)


def _first(found: Iterable[Seen], values: Iterable[str]) -> Day | None:
    wanted = set(values)
    return min((one.date for one in found if one.value in wanted), default=None)


def has_benefit(found: Sequence[Seen], reference: Day, best: Best, days: int) -> bool:
    """Clinical benefit: a response, or disease control still seen this many days after the reference."""
    if best.value in RESPONDING:
        return True
    from_day = reference + datetime.timedelta(days=days)
    return best.value == "SD" and any(one.value in CONTROLLED and one.date >= from_day for one in found)
