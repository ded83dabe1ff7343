"""Checks of the person: the id, age, smoking, performance status (E01 to E04)."""

import re
from collections.abc import Iterator

from abstractor.checks.book import CheckRule
from abstractor.checks.facts import PatientFacts, ages, number_in
from abstractor.checks.problem import Hit, hit
from abstractor.model.dates import stated_date
from abstractor.model.fact import Fact


def identity(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E01: an id that looks like one from outside the study."""
    for part, forms in rule.words.items():
        if any(re.fullmatch(form, patient.patient_id.strip()) for form in forms):
            yield hit(part, ())


def age(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E02: birth after the diagnosis, or an age that can't be."""
    birth, diagnosis = patient.only("birth_date"), patient.only("diagnosis_date")
    if birth is None or diagnosis is None:
        return
    facts = (birth[1], diagnosis[1])
    known = {"birth": birth[0], "diagnosis": diagnosis[0]}
    least, most = ages(birth[0], diagnosis[0])
    if birth[0].first > diagnosis[0].last:
        yield hit("born_after", facts, **known)
    elif most < rule.limit("youngest") or least > rule.limit("oldest"):
        bounds = {name: rule.days(name) for name in ("youngest", "oldest")}
        yield hit("age", facts, age=_years(least, most), **known, **bounds)
    elif most < rule.limit("unusual"):
        yield hit("unusual", facts, age=_years(least, most), **known)


def smoking(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E03: pack-years without smoking, more than one can smoke, or given up as a child."""
    status, packs = patient.one("smoking_status"), patient.one("pack_years")
    amount = number_in(packs.value) if packs is not None else None
    birth, diagnosis = patient.only("birth_date"), patient.only("diagnosis_date")
    if status is not None and status.value == "never" and packs is not None and amount:
        yield hit("never", (status, packs), pack_years=packs.value)
    if birth is not None and diagnosis is not None and packs is not None and amount is not None:
        most = ages(birth[0], diagnosis[0])[1]
        if most >= 0 and amount > max(0, most - rule.limit("started")) * rule.limit("packs_a_day"):
            limits = {name: rule.days(name) for name in ("packs_a_day", "started")}
            yield hit("too_many", (packs, birth[1], diagnosis[1]), pack_years=packs.value, age=most, **limits)
    if status is not None and birth is not None:
        quit_day = stated_date(str(status.attributes.get("quit_date") or ""))
        if quit_day is not None and ages(birth[0], quit_day)[1] < rule.limit("quit_age"):
            yield hit(
                "quit_as_child", (status, birth[1]), quit=quit_day, birth=birth[0], quit_age=rule.days("quit_age")
            )


def performance(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E04: scores that can't be, or that contradict each other on one day."""
    scores = [(one, score) for one in patient.present("ecog") if (score := number_in(one.value)) is not None]
    for one, score in scores:
        if score == 5:
            yield from _dead_score(patient, one)
    for kps in patient.present("kps"):
        value = number_in(kps.value)
        if value is None or value % 10 or value > 100:
            yield hit("kps_steps", (kps,), kps=kps.value)
            continue
        for one, score in scores:
            if not one.date or one.date != kps.date:
                continue
            well_but_poor = score <= rule.limit("well_ecog") and value <= rule.limit("poor_kps")
            poor_but_well = score >= rule.limit("poor_ecog") and value >= rule.limit("well_kps")
            if well_but_poor or poor_but_well:
                yield hit("differ", (one, kps), ecog=one.value, kps=kps.value, date=one.date)


def _dead_score(patient: PatientFacts, score: Fact) -> Iterator[Hit]:
    """ECOG 5 of somebody who lives, or who died later."""
    status, death, when = patient.one("vital_status"), patient.only("death_date"), patient.when(score)
    if status is not None and status.value == "alive":
        yield hit("dead_score", (score, status), on="")
    elif death is not None and when is not None and when.last < death[0].first:
        yield hit("dead_score", (score, death[1]), on=f" on {when} (died {death[0]})")


def _years(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} or {most}" if most - least == 1 else f"{least} to {most}"
