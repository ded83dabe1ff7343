"""Checks of dates and their order: death, contact, diagnosis, first treatment, the future (E05 to E08, E28, E29)."""

import re
from collections.abc import Iterator

from abstractor.checks.book import CheckRule
from abstractor.checks.facts import PatientFacts
from abstractor.checks.problem import Hit, hit
from abstractor.checks.stated import ends_before_it_starts, other_deaths, stated_deaths
from abstractor.model.dates import PartialDate, stated_date
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion

_CONTACTS = ("last_contact_date", "visit")
_STATED = frozenset({Assertion.PRESENT, Assertion.ABSENT})
_NUMBERS = re.compile(r"\d+")


def death(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E05: death and vital status belong together, and nobody is seen after it."""
    status, dated = patient.one("vital_status"), patient.only("death_date")
    if dated is None:
        unknown = patient.one("death_date") is None and "death_date" not in patient.pending
        if status is not None and status.value == "dead" and stated_date(status.date) is None and unknown:
            yield hit("undated", (status,))
        return
    died, fact = dated
    for other in other_deaths(stated_deaths(patient.facts)):
        yield hit("two_dates", (fact, other.fact), death=died, other=other.date)
    if status is None:
        if "vital_status" not in patient.pending:
            yield hit("not_dead", (fact,), death=died)
    elif status.value != "dead":
        yield hit("alive", (status, fact), death=died)
    later = [(when, one) for when, one in patient.dated(*_CONTACTS) if when.first > died.last]
    if later:
        when, one = max(later, key=lambda found: (found[0].first, found[1].slot))
        yield hit("contact_after", (fact, one), death=died, what=patient.name(one), date=when)
    limit, name = patient.limit
    if died.first > limit:
        yield hit("after_limit", (fact,), death=died, limit=limit, limit_name=name)
    yield from _notes_after(patient, rule, died, fact)


def _notes_after(patient: PatientFacts, rule: CheckRule, died: PartialDate, fact: Fact) -> Iterator[Hit]:
    kinds = rule.words["note_types"]
    notes = [(when, note) for note in patient.notes if note.note_type in kinds and (when := stated_date(note.date))]
    later = [(when, note) for when, note in notes if when.first > died.last]
    if later:
        when, note = max(later, key=lambda found: (found[0].first, found[1].note_id))
        beside = f"{note.note_id} {when}"
        yield hit("note_after", (fact,), beside=beside, death=died, type=note.note_type.replace("_", " "), date=when)


def after_death(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E06: death before the diagnosis, treatment or assessment after it."""
    dated = patient.only("death_date")
    if dated is None:
        return
    died, fact = dated
    diagnosis = patient.only("diagnosis_date")
    if diagnosis is not None and died.is_before(diagnosis[0]):
        yield hit("before_diagnosis", (fact, diagnosis[1]), death=died, diagnosis=diagnosis[0])
    for one in patient.present(*rule.words["fields"]):
        days = [
            day for day in (patient.when(one), stated_date(one.end_date)) if day is not None and day.first > died.last
        ]
        if days and not _only_told(one, rule):
            yield hit("after", (one, fact), what=patient.name(one), date=days[-1], death=died)


def _only_told(fact: Fact, rule: CheckRule) -> bool:
    """Whether a fact carries no other date than that of a note that may have been written later."""
    kinds = {words.note_type for words in fact.evidence if fact.date and (words.note_date or "")[:10] == fact.date}
    return bool(kinds) and not kinds & set(rule.words["note_types"])


def treated_early(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E07: the first treatment lies before the diagnosis."""
    diagnosis, first = patient.only("diagnosis_date"), patient.first_treatment
    if diagnosis is None or first is None or patient.value("histology") in rule.words["exempt"]:
        return
    days = (diagnosis[0].first - first[0].last).days
    part = "far" if days > rule.limit("far") else "early" if days > rule.limit("early") else ""
    if part:
        told = {"what": patient.name(first[1]), "date": first[0], "days": days, "diagnosis": diagnosis[0]}
        yield hit(part, (first[1], diagnosis[1]), **told)


def future(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E08: what has not come yet. Deaths are told by E05."""
    limit, name = patient.limit
    tolerance = rule.days("tolerance") if name == "today" else 0
    for one in patient.facts:
        if one.field == "death_date" or one.assertion not in _STATED:
            continue
        days = [day for day in (patient.when(one), stated_date(one.end_date)) if day is not None]
        late = [day for day in days if (day.first - limit).days > tolerance]
        if late:
            yield hit("future", (one,), what=patient.name(one), date=late[-1], limit=limit, limit_name=name)


def meant(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E28: dates that can't be read, that end before they start, or that say more than the words they rest on."""
    for one in patient.facts:
        value = one.value if one.field in patient.known.date_fields else None
        for text in (value, one.date, one.end_date):
            if text and stated_date(text) is None:
                yield hit("unreadable", (one,), what=patient.name(one), date=text)
                break
        if ends_before_it_starts(one):
            yield hit("order", (one,), what=patient.name(one), start=one.date, end=one.end_date)
        less = _less_precise(patient, one, rule)
        if less:
            yield hit("precision", (one,), what=patient.name(one), date=patient.when(one), precision=less)


def _less_precise(patient: PatientFacts, fact: Fact, rule: CheckRule) -> str:
    """`year` or `month` where a day is given and the words, or the precision kept with it, name no day."""
    when = patient.when(fact)
    if when is None or when.precision != "day":
        return ""
    kept = str(fact.attributes.get("date_precision") or "")
    if kept in {"year", "month"}:
        return kept
    if fact.field not in patient.known.date_fields or not fact.evidence:
        return ""
    return "year" if all(_only_a_year(one.text, when.year, rule) for one in fact.evidence) else ""


def _only_a_year(words: str, year: int, rule: CheckRule) -> bool:
    if _NUMBERS.findall(words) != [str(year)]:
        return False
    folded = words.casefold()
    return not any(one in folded for one in rule.words["more"])


def lost(patient: PatientFacts, rule: CheckRule) -> Iterator[Hit]:
    """E29: nothing has been heard of the patient for long before the cutoff."""
    status = patient.one("vital_status")
    if patient.cutoff is None or patient.one("death_date") or (status is not None and status.value == "dead"):
        return
    seen = [(when.last, (one,)) for when, one in patient.dated(*_CONTACTS, "response", "therapy_line")]
    days = [*seen, *((when.last, ()) for note in patient.notes if (when := stated_date(note.date)))]
    before = [found for found in days if found[0] <= patient.cutoff]
    if not before:
        return
    last, facts = max(before, key=lambda found: (found[0], len(found[1])))
    gap = (patient.cutoff - last).days
    if gap > rule.limit("days"):
        about = (status,) if status is not None else ()
        yield hit("lost", (*about, *facts), beside=str(last), date=last, days=gap, cutoff=patient.cutoff)
