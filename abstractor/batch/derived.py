"""Suggestions worked out from other suggestions: lines of therapy from the drugs found, dates a record needs that no note states as such.

They are marked `derived` and name their rule; a person confirms them like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from abstractor.batch.staging import derived_stages
from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.outcomes.lines import Line, derive_lines, drug_groups
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import Administration, RadiotherapyCourse
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.slots import slot_key

_MOST_EVIDENCE = 12


def derived_suggestions(found: Sequence[Suggestion], rulebook: RuleBook) -> tuple[Suggestion, ...]:
    """Stages from T, N and M, lines of therapy, and the date of the first molecular report."""
    return (*derived_stages(found, rulebook), *_lines(found, rulebook), *_molecular_report(found, rulebook))


def _lines(found: Sequence[Suggestion], rulebook: RuleBook) -> list[Suggestion]:
    spec = rulebook.fields.get("therapy_line")
    if spec is None:
        return []
    groups = drug_groups(rulebook)
    given = [
        Administration(
            one.value, _first(one.date), max(_first(one.date), _first(one.end_date or one.date)), (one.slot,)
        )
        for one in _present(found, "systemic_therapy")
        if one.date
    ]
    by_slot = {one.slot: one for one in found}
    lines = derive_lines(
        given,
        groups,
        Protocol(),
        progressions=[_first(one.date) for one in _present(found, "response") if one.value == "PD" and one.date],
        radiotherapy=[
            RadiotherapyCourse(one.value, _first(one.date), _first(one.end_date or one.date), bool(one.end_date))
            for one in _present(found, "radiotherapy")
            if one.date
        ],
        diagnosis=_diagnosis(found),
        complete=False,
    )
    return [
        Suggestion(
            patient_id=found[0].patient_id,
            slot=slot_key(spec, str(line.number), Assertion.PRESENT, None),
            field=spec.name,
            value=str(line.number),
            assertion=Assertion.PRESENT,
            date=line.start.isoformat(),
            end_date=line.stop.isoformat() if line.stop > line.start else None,
            attributes={"drugs": list(line.drugs), "rule": line.opened_by, "flags": list(line.flags)},
            confidence=min((by_slot[slot].confidence for slot in line.evidence), default=0.5),
            evidence=_evidence(line, by_slot),
            origin="derived",
            rulebook=rulebook.version,
        )
        for line in lines
    ]


def _evidence(line: Line, by_slot: Mapping[str, Suggestion]) -> tuple[Evidence, ...]:
    """The first words for each drug of the line."""
    firsts = [by_slot[slot].evidence[0] for slot in line.evidence if by_slot[slot].evidence]
    return tuple(dict.fromkeys(firsts))[:_MOST_EVIDENCE]


def _molecular_report(found: Sequence[Suggestion], rulebook: RuleBook) -> list[Suggestion]:
    """The date of the earliest molecular report with a result: the entry of the patient into sequenced follow-up (DOMAIN §2.9)."""
    spec = rulebook.fields.get("molecular_report_date")
    reports = [
        evidence
        for one in found
        if one.field in {"variant", "tmb", "msi"}
        for evidence in one.evidence
        if evidence.note_type == "molecular" and evidence.note_date
    ]
    if spec is None or not reports:
        return []
    first = min(reports, key=lambda evidence: (evidence.note_date or "", evidence.start))
    value = (first.note_date or "")[:10]
    return [
        Suggestion(
            patient_id=found[0].patient_id,
            slot=slot_key(spec, value, Assertion.PRESENT, value),
            field=spec.name,
            value=value,
            assertion=Assertion.PRESENT,
            date=value,
            attributes={"rule": "earliest molecular report with a result"},
            confidence=0.8,
            evidence=(first,),
            origin="derived",
            rulebook=rulebook.version,
        )
    ]


def _present(found: Iterable[Suggestion], field: str) -> list[Suggestion]:
    return [one for one in found if one.field == field and one.assertion is Assertion.PRESENT]


def _diagnosis(found: Iterable[Suggestion]) -> date | None:
    """The first diagnosis date suggested, if known to the day."""
    for one in found:
        if one.field == "diagnosis_date":
            stated = PartialDate.parse(one.value)
            return stated.first if stated.precision == "day" else None
    return None


def _first(day: str | None) -> date:
    assert day is not None
    return PartialDate.parse(day).first
