"""Checks of radiotherapy and of lines of therapy (E22, E23)."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from abstractor.checks.book import CheckRule
from abstractor.checks.facts import PatientFacts, number_in
from abstractor.checks.problem import Hit, hit
from abstractor.checks.stated import StatedLine, split_drugs
from abstractor.model.dates import PartialDate
from abstractor.model.fact import Fact

_YES = frozenset({"true", "yes", "1"})


def radiotherapy(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E22: doses that do not add up, and prophylactic irradiation that can't have been prophylactic."""
    for one in patient.present("radiotherapy"):
        yield from _doses(one, rule)
    line = patient.line_1
    for when, one in patient.dated("radiotherapy"):
        if one.value != "pci":
            continue
        yield from _known_spread(patient, rule, when, one)
        if line is not None and when.last < line.start.first:
            yield hit("before_line_1", (one, line.fact), date=when, line=line.start)


def _doses(fact: Fact, rule: CheckRule) -> Iterator[Hit]:
    dose, fractions = (number_in(fact.attributes.get(name)) for name in ("dose_gy", "fractions"))
    if not dose or not fractions:
        return
    each = dose / fractions
    most = rule.limit("most_stereotactic" if fact.value in rule.words["stereotactic"] else "most")
    if not rule.limit("least") <= each <= most:
        yield hit("fraction", (fact,), dose=f"{dose:g}", fractions=f"{fractions:g}", each=f"{each:.3g}")
    twice = str(fact.attributes.get("twice_daily") or "").lower() in _YES or each <= rule.limit("twice_daily_fraction")
    if fact.value == "thoracic" and twice and dose > rule.limit("twice_daily_total"):
        yield hit("twice_daily", (fact,), dose=f"{dose:g}", twice_daily_total=f"{rule.limit('twice_daily_total'):g}")


def _known_spread(patient: PatientFacts, rule: CheckRule, when: PartialDate, fact: Fact) -> Iterator[Hit]:
    for found, one in patient.dated("metastasis"):
        if one.value in rule.words["brain"] and found.last < when.first:
            yield hit("brain", (fact, one), date=when, site=one.value, spread=found)


def lines(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E23: lines out of order, missing or overlapping, cycles that can't be, drugs nobody knows."""
    found = patient.lines
    for one, after in pairwise(found):
        yield from _pair(one, after)
    yield from _gaps(patient, found)
    for line in found:
        yield from _cycles(patient, rule, line)
    for fact in patient.present("therapy_line", "systemic_therapy"):
        for drug in _drugs_of(fact) if patient.known.drugs else ():
            if drug not in patient.known.drugs and not any(re.fullmatch(form, drug) for form in rule.words["known"]):
                yield hit("drug", (fact,), drug=drug)


def _drugs_of(fact: Fact) -> tuple[str, ...]:
    return (fact.value.lower(),) if fact.field == "systemic_therapy" else split_drugs(fact.attributes.get("drugs"))


def _pair(one: StatedLine, after: StatedLine) -> Iterator[Hit]:
    facts = (one.fact, after.fact)
    told = {"line": one.number, "next": after.number, "next_start": after.start}
    if one.is_doubled_by(after):
        yield hit("twice", facts, start=one.start, **told)
    elif one.is_out_of_order_with(after):
        yield hit("order", facts, start=one.start, **told)
    elif one.overlaps(after):
        yield hit("overlap", facts, stop=one.stop, **told)


def _gaps(patient: PatientFacts, found: Sequence[StatedLine]) -> Iterator[Hit]:
    numbers = {line.number for line in found}
    if "therapy_line" in patient.pending:
        return
    for line in found:
        if line.number > 1 and line.number - 1 not in numbers:
            yield hit("gap", (line.fact,), line=line.number, missing=line.number - 1)


def _cycles(patient: PatientFacts, rule: CheckRule, line: StatedLine) -> Iterator[Hit]:
    cycles, drugs = line.cycles, set(line.drugs)
    if cycles is None or not drugs & patient.known.platinum:
        return
    told = {"line": line.number, "cycles": cycles}
    if cycles > rule.limit("cycles"):
        yield hit("cycles", (line.fact,), limit=rule.days("cycles"), **told)
    if line.stop is None or cycles < 2:
        return
    most = (line.stop.last - line.start.first).days
    least = (line.stop.first - line.start.last).days
    if 0 <= most < rule.limit("shortest") * (cycles - 1):
        yield hit("short", (line.fact,), days=most, shortest=rule.days("shortest"), **told)
    # immunotherapy goes on after the last platinum, so that the end of its line says nothing of the cycles
    if least > rule.limit("longest") * (cycles - 1) and not drugs & patient.known.immunotherapy:
        yield hit("long", (line.fact,), days=least, longest=rule.days("longest"), **told)
