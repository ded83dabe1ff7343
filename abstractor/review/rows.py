"""A row of the review screen is one question about a patient: what is suggested for it, and what was decided.

Pure: from suggestions, the case and the fields to rows. Nothing here knows of a screen or a database.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from abstractor.model.case import Case
from abstractor.model.decision import READ_AS, STATING, Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_date

BETWEEN = " | "
"""Joins the values of a conflict in `Decision.offered`."""


class State(StrEnum):
    """Where a row stands; the value is its glyph."""

    SUGGESTED = "?"
    CONFLICT = "!"
    MISSING = "_"
    """Required, and nothing is suggested (or what was suggested has been rejected)."""
    DEFERRED = "z"
    ACCEPTED = "+"
    CHANGED = "~"
    """Edited or picked: differs from what was offered first."""
    ADDED = "*"
    """Stated by a person or an import where nothing had been found."""
    REJECTED = "x"
    NOT_DOCUMENTED = "0"


UNDECIDED = frozenset({State.SUGGESTED, State.CONFLICT, State.MISSING, State.DEFERRED})


class Verb(StrEnum):
    """What can be done with a row."""

    ACCEPT = "accept"
    PICK = "pick"
    REJECT = "reject"
    DEFER = "defer"
    EDIT = "edit"
    NOT_DOCUMENTED = "not_documented"


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that can be taken, with everything a decision for it will hold."""

    value: str
    assertion: Assertion
    date: str | None = None
    end_date: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict, hash=False)
    evidence: tuple[Evidence, ...] = ()
    confidence: float = 0.0
    origin: str = "nlp"
    """`nlp`, `derived`, or `standing` (decided before, and now in question)."""
    rule: str = ""
    rulebook: str = ""

    def told(self, label_of: Callable[[str], str]) -> str:
        """The value as a row shows it: a code by its label, a line with its drugs; what does not hold says so."""
        drugs = self.attributes.get("drugs")
        named = label_of(self.value)
        if isinstance(drugs, list | tuple) and drugs:
            named = f"{named} {'+'.join(map(str, drugs))}"
        return named if self.assertion is Assertion.PRESENT else f"{named} {ASSERTION_WORDS[self.assertion]}"


ASSERTION_WORDS: Mapping[Assertion, str] = {
    Assertion.PRESENT: "",
    Assertion.ABSENT: "ABSENT",
    Assertion.UNCERTAIN: "UNCERTAIN",
    Assertion.HYPOTHETICAL: "PLANNED",
    Assertion.HISTORICAL: "HISTORICAL",
    Assertion.OTHER_EXPERIENCER: "FAMILY/OTHER",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One question, all that bears on it, and its state."""

    slot: str
    spec: FieldSpec
    choices: tuple[Choice, ...] = ()
    """What can be taken, best first; two or more are a conflict."""
    decision: Decision | None = None
    changed: str = ""
    """Why it must be looked at again though it is decided; "" where it need not."""
    comments: tuple[Decision, ...] = ()
    added: tuple[Evidence, ...] = ()
    """Evidence a person has attached and not yet decided on."""

    @property
    def state(self) -> State:
        if self.decision is None:
            return (State.MISSING, State.SUGGESTED)[len(self.choices)] if len(self.choices) < 2 else State.CONFLICT
        return _decided_state(self.decision, self.spec)

    @property
    def open(self) -> bool:
        """Whether it still waits for a decision."""
        return self.state in UNDECIDED or bool(self.changed)

    @property
    def conflict(self) -> bool:
        """Whether there are values to pick from."""
        return len(self.choices) > 1

    @property
    def confidence(self) -> float:
        return max((choice.confidence for choice in self.choices), default=0.0)

    @property
    def date(self) -> str | None:
        """When it happened, as far as anybody says."""
        if self.decision is not None and self.decision.date:
            return self.decision.date
        return next((choice.date for choice in self.choices if choice.date), slot_date(self.slot))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every span that bears on it, of the best value first, each once."""
        spans = [*self.added, *(self.decision.evidence if self.decision is not None else ())]
        for choice in self.choices:
            spans.extend(choice.evidence)
        return _unique(spans)

    @property
    def shown(self) -> str:
        """The value, or values, as the list shows them."""
        if self.decision is not None and self.decision.action in STATING:
            held = self.decision
            return Choice(held.value, held.assertion, attributes=held.attributes).told(self.spec.label_of)
        if self.state is State.MISSING:
            return "-- not suggested"
        if self.state is State.NOT_DOCUMENTED:
            return "-- not documented"
        stated = self.spec.label_of(self.decision.value) if self.decision else ""
        return BETWEEN.join(choice.told(self.spec.label_of) for choice in self.choices) or stated

    @property
    def verbs(self) -> frozenset[Verb]:
        """What the guards allow: a conflict is never accepted, only picked from."""
        allowed = {Verb.EDIT, Verb.DEFER}
        if self.state is State.MISSING:
            return frozenset(allowed | {Verb.NOT_DOCUMENTED})
        if self.choices:
            allowed.add(Verb.PICK)
        if len(self.choices) == 1 and (self.state not in {State.ACCEPTED, State.CHANGED, State.ADDED} or self.changed):
            allowed.add(Verb.ACCEPT)
        if self.choices or (self.decision is not None and self.decision.action in STATING):
            allowed.add(Verb.REJECT)
        if self.spec.slot == "patient":
            allowed.add(Verb.NOT_DOCUMENTED)
        return frozenset(allowed)

    @property
    def read_as(self) -> str:
        """What the words of a typed value were read as, which nobody has replaced since; "" where they say what was typed."""
        held = self.decision
        typed = held is not None and held.action is Action.EDIT and held.reason.startswith(READ_AS)
        return held.reason.removeprefix(READ_AS) if held is not None and typed else ""

    @property
    def offered(self) -> str:
        """The values on the table, for the record."""
        return BETWEEN.join(choice.value for choice in self.choices if choice.origin != "standing")


def build_rows(
    suggestions: Iterable[Suggestion],
    case: Case,
    fields: Mapping[str, FieldSpec],
    added: Mapping[str, tuple[Evidence, ...]] | None = None,
) -> tuple[Row, ...]:
    """Rows for all that is suggested or decided, and for what is required and was not found.

    Args:
        suggestions: those of one patient, within a slot the one to offer first comes first.
        case: what was decided on the patient.
        fields: the registry's questions by name.
        added: evidence by slot that a person has attached and not yet decided on.
    """
    offers: dict[str, list[Choice]] = {}
    names: dict[str, str] = {}
    for suggestion in suggestions:
        offers.setdefault(suggestion.slot, []).append(_choice(suggestion))
        names[suggestion.slot] = suggestion.field
    for slot, decision in case.current.items():
        names.setdefault(slot, decision.field or _field_of(slot))
    asked = set(names.values())
    for spec in fields.values():
        if spec.required and spec.name not in asked:
            names[spec.name] = spec.name
    return tuple(
        _row(slot, fields.get(name) or _unknown(name), tuple(offers.get(slot, ())), case, (added or {}).get(slot, ()))
        for slot, name in names.items()
    )


def _row(slot: str, spec: FieldSpec, offers: tuple[Choice, ...], case: Case, added: tuple[Evidence, ...]) -> Row:
    merged = _merge(offers)
    decision = case.current.get(slot)
    changed = _change(decision, merged, spec, slot in case.recheck) if decision is not None else ""
    if changed and decision is not None and decision.action in STATING:
        merged = _merge((_standing(decision), *merged))
    return Row(slot, spec, merged, decision, changed, case.comments.get(slot, ()), added)


def _decided_state(decision: Decision, spec: FieldSpec) -> State:
    match decision.action:
        case Action.ACCEPT:
            return State.ACCEPTED
        case Action.PICK | Action.EDIT:
            return State.CHANGED
        case Action.ADD | Action.IMPORT:
            return State.ADDED
        case Action.DEFER:
            return State.DEFERRED
        case Action.REJECT:
            return State.MISSING if spec.required and spec.slot == "patient" else State.REJECTED
        case _:
            return State.NOT_DOCUMENTED


def _choice(suggestion: Suggestion) -> Choice:
    stated_rule = suggestion.attributes.get("rule")
    return Choice(
        value=suggestion.value,
        assertion=suggestion.assertion,
        date=suggestion.date,
        end_date=suggestion.end_date,
        attributes=suggestion.attributes,
        evidence=suggestion.evidence,
        confidence=suggestion.confidence,
        origin=suggestion.origin,
        rule=str(stated_rule) if stated_rule else next((one.rule for one in suggestion.evidence if one.rule), ""),
        rulebook=suggestion.rulebook,
    )


def _standing(decision: Decision) -> Choice:
    return Choice(
        value=decision.value,
        assertion=decision.assertion,
        date=decision.date,
        end_date=decision.end_date,
        attributes=decision.attributes,
        evidence=decision.evidence,
        confidence=1.0,
        origin="standing",
        rule=decision.rule,
        rulebook=decision.rulebook,
    )


def _merge(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The same value with the same assertion is one choice, with the evidence of all."""
    merged: dict[tuple[str, Assertion], Choice] = {}
    for choice in choices:
        key = (choice.value, choice.assertion)
        first = merged.get(key)
        if first is None:
            merged[key] = choice
        else:
            merged[key] = replace(
                first,
                evidence=_unique([*first.evidence, *choice.evidence]),
                confidence=max(first.confidence, choice.confidence),
                date=first.date or choice.date,
                end_date=first.end_date or choice.end_date,
            )
    return tuple(merged.values())


def read_otherwise(row: Row, value: str, assertion: Assertion, spans: Iterable[Evidence]) -> str:
    """What words were read as by the rules, where all of them were read as something else than `value`; "" otherwise."""
    places = {_place(one) for one in spans}
    offers = [one for one in row.choices if one.origin != "standing" and places & {_place(it) for it in one.evidence}]
    read = {_place(one) for offer in offers for one in offer.evidence}
    if any((one.value, one.assertion) == (value, assertion) for one in offers) or not places <= read:
        return ""
    return BETWEEN.join(one.told(row.spec.label_of) for one in offers)


def _place(one: Evidence) -> tuple[str, str, int, int]:
    return one.note_id, one.note_sha256, one.start, one.end


def _unique(spans: Iterable[Evidence]) -> tuple[Evidence, ...]:
    seen: dict[tuple[str, str, int, int], Evidence] = {}
    for one in spans:
        seen.setdefault(_place(one), one)
    return tuple(seen.values())


def _change(decision: Decision, offers: tuple[Choice, ...], spec: FieldSpec, recheck: bool) -> str:
    if decision.action is Action.DEFER:
        return ""
    known = {decision.value, *decision.offered.split(BETWEEN)}
    new = [spec.label_of(choice.value) for choice in offers if choice.value not in known]
    if new:
        return f"now also {', '.join(new)}"
    return "a note it rests on has a new version" if recheck else ""


def _field_of(slot: str) -> str:
    """Of a decision that states no field (a deferral of long ago): the part of its slot before value and date."""
    return slot.split("@", maxsplit=1)[0].split(":", maxsplit=1)[0]


def _unknown(name: str) -> FieldSpec:
    """A field that this rulebook no longer has: its facts stay visible."""
    return FieldSpec(name=name, label=name, group="other", kind="text", slot="value")
