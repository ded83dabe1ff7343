"""What reviewers made of each rule's suggestions: read from the decisions that hold, never stored, and changing none."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from abstractor.model.case import fold
from abstractor.model.decision import Action, Decision
from abstractor.registry.codec import read_evidence
from abstractor.registry.engine import Registry
from abstractor.registry.light import LIGHT, light_decision
from abstractor.registry.people import require_person
from abstractor.registry.tables import DecisionRow, FindingRow, NoteRow, SuggestionRow

_BETWEEN = " | "
"""Joins the values of a conflict in `Decision.offered`."""
_JUDGING = frozenset({Action.ACCEPT, Action.PICK, Action.EDIT, Action.REJECT})


@dataclass(slots=True)
class RuleRecord:
    """One rule in one registry."""

    rule: str
    field: str = ""
    fired: int = 0
    """Findings in the latest versions of all notes."""
    accepted: int = 0
    picked: int = 0
    """Taken out of several values; those not taken are judged neither way, for they may hold at another time."""
    edited: int = 0
    """Given another date or details: the value was right."""
    replaced: int = 0
    """Given another value."""
    rejected: int = 0
    pending: int = 0
    """Suggestions that wait for a decision, or were put off."""
    offered: int = 0
    """Suggestions that stand now, decided or not: what a derivation makes of findings is no finding itself."""

    @property
    def right(self) -> int:
        """Suggestions whose value a person let stand."""
        return self.accepted + self.picked + self.edited

    @property
    def judged(self) -> int:
        """Suggestions whose value a person let stand or refused."""
        return self.right + self.replaced + self.rejected


@dataclass(frozen=True, slots=True)
class _Offer:
    """A suggestion, as far as its rule goes."""

    field: str
    rule: str


def rule_records(registry: Registry) -> dict[str, RuleRecord]:
    """The record of every rule that fired or was judged, by its id. Only decisions made in review count, and of them those that hold."""
    with registry.read() as connection:
        require_person(registry, connection)
        offers = _offers(connection)
        decisions = _decisions(connection)
        fired = connection.execute(
            select(FindingRow.rule, FindingRow.field, func.count())
            .join(NoteRow, NoteRow.note_key == FindingRow.note_key)
            .where(NoteRow.latest)
            .group_by(FindingRow.rule, FindingRow.field)
            .order_by(FindingRow.field, FindingRow.rule)
        ).all()
    records: dict[str, RuleRecord] = {}
    for rule, field, count in fired:
        _record(records, rule, field).fired += count
    settled: set[tuple[str, str]] = set()
    for patient_id, made in decisions.items():
        case = fold(patient_id, made)
        for slot, decision in case.current.items():
            if decision.action is not Action.DEFER and slot not in case.recheck:
                settled.add((patient_id, slot))
            if decision.source == "review" and decision.action in _JUDGING:
                for rule in _rules_of(decision, offers.get((patient_id, slot), [])):
                    _count(_record(records, rule, decision.field), decision)
    for place, several in offers.items():
        for offer in several:
            record = _record(records, offer.rule, offer.field)
            record.offered += 1
            record.pending += place not in settled
    return records


def _record(records: dict[str, RuleRecord], rule: str, field: str) -> RuleRecord:
    found = records.setdefault(rule, RuleRecord(rule, field))
    if field and field not in found.field.split(", "):
        found.field = f"{found.field}, {field}" if found.field else field
    return found


def _rules_of(decision: Decision, offers: list[_Offer]) -> list[str]:
    """The rules whose suggestion a decision judges: the one it names, else that of its evidence, else those that are offered now."""
    if decision.rule:
        return [decision.rule]
    quoted = [one.rule for one in decision.evidence if one.rule]
    return quoted[:1] or [offer.rule for offer in offers]


def _count(record: RuleRecord, decision: Decision) -> None:
    match decision.action:
        case Action.ACCEPT:
            record.accepted += 1
        case Action.PICK:
            record.picked += 1
        case Action.EDIT if decision.value in decision.offered.split(_BETWEEN):
            record.edited += 1
        case Action.EDIT:
            record.replaced += 1
        case _:
            record.rejected += 1


def _offers(connection: Connection) -> dict[tuple[str, str], list[_Offer]]:
    """Suggestions by patient and slot; the rule is the derivation's, else that of the best evidence."""
    found: dict[tuple[str, str], list[_Offer]] = defaultdict(list)
    statement = select(
        SuggestionRow.patient_id,
        SuggestionRow.slot,
        SuggestionRow.field,
        SuggestionRow.attributes,
        SuggestionRow.evidence,
    ).order_by(SuggestionRow.suggestion_key)
    for patient_id, slot, field, attributes, evidence in connection.execute(statement):
        rule = str(attributes.get("rule") or (evidence[0].get("rule", "") if evidence else ""))
        if rule:
            found[patient_id, slot].append(_Offer(field, rule))
    return found


def _decisions(connection: Connection) -> dict[str, list[Decision]]:
    """All decisions by patient, oldest first, as far as they judge: without attributes and dates, with evidence only where it is needed."""
    table = DecisionRow
    judged = (table.field, table.value, table.offered, table.rule)
    unnamed = select(table.sequence, table.evidence).where(table.action == str(Action.EDIT), table.rule == "")
    quoted = {sequence: read_evidence(evidence) for sequence, evidence in connection.execute(unnamed)}
    found: dict[str, list[Decision]] = defaultdict(list)
    for row in connection.execute(select(*LIGHT, *judged).order_by(table.sequence)):
        *light, field, value, offered, rule = row
        evidence = quoted.get(row.sequence, ())
        decision = light_decision(*light, field=field, value=value, offered=offered, rule=rule, evidence=evidence)
        found[decision.patient_id].append(decision)
    return found
