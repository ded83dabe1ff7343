"""Other sets of facts of the registry's patients: what the rules alone say, what pending suggestions would add, what was adjudicated.

Read only: nothing is decided here, and no report takes these for the facts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from abstractor.model.case import Case
from abstractor.model.decision import Action
from abstractor.model.fact import Fact
from abstractor.model.suggestion import Suggestion
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.uncertainty import ACCEPTED, ADJUDICATED, MACHINE, REJECTED, Facts
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry
from abstractor.registry.suggestions import suggestions_of

ADJUDICATION = "adjudication"
"""The source of decisions that settled what two readers saw differently."""


def scenarios(registry: Registry, confirmed: Sequence[PatientRecord]) -> tuple[Facts, ...]:
    """The machine's facts, pending suggestions accepted and rejected, and the adjudicated patients.

    Args:
        registry: an open registry.
        confirmed: its records, one a patient.
    """
    machine, accepted, adjudicated = [], [], []
    for record in confirmed:
        offered = best_offers(suggestions_of(registry, record.patient_id))
        case = case_of(registry, record.patient_id)
        machine.append(replace(record, facts=tuple(_fact(one) for one in offered)))
        pending = [one for one in offered if _waits(case, one.slot)]
        taken = {one.slot for one in pending}
        kept = tuple(fact for fact in record.facts if fact.slot not in taken)
        accepted.append(replace(record, facts=(*kept, *(_fact(one) for one in pending))))
        if any(one.source == ADJUDICATION for one in case.current.values()):
            adjudicated.append(record)
    changed = sum(_differ(one, other) for one, other in zip(accepted, confirmed, strict=True))
    return (
        Facts(MACHINE, tuple(machine), sum(_differ(one, other) for one, other in zip(machine, confirmed, strict=True))),
        _adjudicated(adjudicated),
        Facts(ACCEPTED, tuple(accepted), changed),
        Facts(REJECTED, tuple(confirmed), 0),
    )


def _differ(one: PatientRecord, other: PatientRecord) -> bool:
    """Whether two sets of facts state different things, whoever decided them."""
    stated = [
        {(fact.field, fact.value, str(fact.assertion), fact.date, fact.end_date) for fact in record.facts}
        for record in (one, other)
    ]
    return stated[0] != stated[1]


def _adjudicated(records: list[PatientRecord]) -> Facts:
    if not records:
        return Facts(ADJUDICATED, (), 0, "nothing in this registry was adjudicated")
    return Facts(f"{ADJUDICATED} patients only", tuple(records), 0)


def best_offers(suggestions: Iterable[Suggestion]) -> tuple[Suggestion, ...]:
    """Of each question the value that is offered first: in a conflict, what an accepting machine would take."""
    first: dict[str, Suggestion] = {}
    for one in suggestions:
        first.setdefault(one.slot, one)
    return tuple(first.values())


def _waits(case: Case, slot: str) -> bool:
    decision = case.current.get(slot)
    return decision is None or decision.action is Action.DEFER or slot in case.recheck


def _fact(one: Suggestion) -> Fact:
    return Fact(
        patient_id=one.patient_id,
        field=one.field,
        value=one.value,
        assertion=one.assertion,
        date=one.date,
        end_date=one.end_date,
        attributes=one.attributes,
        source="machine",
        evidence=one.evidence,
        slot=one.slot,
        action_id=f"suggestion:{one.slot}",
    )
