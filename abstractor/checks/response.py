"""Checks of responses and progression (E20, E21, E24, E25)."""

from collections.abc import Iterator
from itertools import pairwise

from abstractor.checks.book import CheckRule
from abstractor.checks.evidence import copies
from abstractor.checks.facts import TREATMENTS, PatientFacts
from abstractor.checks.problem import Hit, hit
from abstractor.model.dates import PartialDate, stated_date
from abstractor.model.fact import Fact

_PROGRESSION = "PD"
_COMPLETE = "CR"
_LESS = frozenset({"PR", "SD"})
_HELD = frozenset({"CR", "PR", "SD"})

Seen = tuple[PartialDate, Fact]


def _progressions(seen: list[Seen]) -> list[Seen]:
    return [(when, one) for when, one in seen if one.value == _PROGRESSION]


def _treated_between(patient: PatientFacts, first: PartialDate, last: PartialDate) -> bool:
    """Whether a treatment may have started between two days."""
    return any(when.last >= first.first and when.first <= last.last for when, _ in patient.dated(*TREATMENTS))


def remission(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E20: a complete response right after a progression, or one that fades without a progression."""
    seen = patient.dated("response")
    for when, one in seen:
        if one.value != _COMPLETE:
            continue
        for progressed, other in _progressions(seen):
            days = (when.last - progressed.first).days
            surely = progressed.last < when.first and days <= rule.limit("soon")
            if surely and not _treated_between(patient, progressed, when):
                yield hit("soon", (one, other), date=when, days=days, progression=progressed)
    yield from _faded(patient, [found for found in seen if found[1].value in {*_HELD, _PROGRESSION}])


def _faded(patient: PatientFacts, seen: list[Seen]) -> Iterator[Hit]:
    for (before, one), (when, after) in pairwise(seen):
        fades = one.value == _COMPLETE and after.value in _LESS and before.last < when.first
        if fades and not _treated_between(patient, before, when):
            yield hit("lost", (one, after), response=after.value, date=when, complete=before)


def copied(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E21: a quiet assessment between two progressions close together, or notes copied whole."""
    seen = patient.dated("response")
    for (first, one), (second, other) in pairwise(_progressions(seen)):
        if (second.last - first.first).days >= rule.limit("apart"):
            continue
        for when, between in seen:
            if between.value in _HELD and first.last < when.first and when.last < second.first:
                told = {"first": first, "second": second, "apart": rule.days("apart")}
                yield hit("between", (one, between, other), response=between.value, date=when, **told)
    yield from copies(patient, rule)


def progression(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E24: a progression on the first day, or one that nothing follows though the patient was seen long after."""
    line_1 = patient.line_1
    for when, one in _progressions(patient.dated("response")):
        if line_1 is not None and when.precision == "day" and when == line_1.start:
            yield hit("first_day", (one, line_1.fact), date=when)
        else:
            yield from _without_consequence(patient, rule, when, one)


def _without_consequence(patient: PatientFacts, rule: CheckRule, when: PartialDate, fact: Fact) -> Iterator[Hit]:
    running = [line for line in patient.lines if line.start.last <= when.first]
    if not running or patient.pending & {*TREATMENTS, "death_date", "vital_status"}:
        return
    line = running[-1]
    within, before = rule.limit("within"), rule.limit("before")
    if any(reason in known.attributes for known in (fact, line.fact) for reason in rule.words["reasons"]):
        return
    started = [day for day, _ in patient.dated(*TREATMENTS)]
    died = patient.only("death_date")
    followed = any(day.last >= when.first and (day.first - when.last).days <= within for day in started)
    followed = followed or any(0 <= (when.first - day.last).days <= before and day != line.start for day in started)
    stopped = line.stop is not None and (line.stop.first - when.last).days <= within
    dead = patient.value("vital_status") == "dead" if died is None else (died[0].first - when.last).days <= within
    if not followed and not stopped and not dead and (_last_seen(patient) - when.last.toordinal()) > within:
        yield hit("no_consequence", (fact, line.fact), date=when, within=rule.days("within"), line=line.number)


def _last_seen(patient: PatientFacts) -> int:
    """The last day (as an ordinal) that anything is known of; 0 for none."""
    facts = patient.dated("visit", "last_contact_date", "response", "therapy_line", "death_date")
    days = [when.first.toordinal() for when, _ in facts]
    return max(
        [*days, *(when.first.toordinal() for note in patient.notes if (when := stated_date(note.date)))], default=0
    )


def linked(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E25: responses before any treatment, or without one. What tells the course of the disease is only warned of."""
    first = patient.first_treatment
    treated = patient.present(*rule.words["treatments"])
    undecided = bool(patient.pending & set(rule.words["treatments"]))
    for when, one in patient.dated("response"):
        course = "course_" if one.value in rule.words["course"] else ""
        if first is not None and when.last < first[0].first:
            if not undecided and len(patient.dated(*TREATMENTS)) == len(treated):
                part = f"{course}before"
                yield hit(part, (one, first[1]), response=one.value, date=when, first=first[0])
        elif not treated and not undecided:
            yield hit(f"{course}untreated", (one,), response=one.value, date=when)
