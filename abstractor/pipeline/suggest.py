"""From the findings of all notes of one patient to what is put to the abstractor: one suggestion a fact.

Equal mentions are one suggestion with many pieces of evidence; a less exact value supports the exact one; differing values of one
question stand side by side. Nothing here decides: the order says only what is offered first. Pure, and free of spaCy.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion, Finding
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_date, slot_key

_STATUS_SECTIONS = frozenset(
    {"impression", "assessment", "assessment_plan", "conclusion", "final_diagnosis", "summary"}
)
"""Where the author sums up: what stands there is offered before what stands elsewhere (DOMAIN §1.9)."""

_BEFORE_TREATMENT = ("y", "r", "a")
"""Prefixes of a stage that is not the stage at diagnosis (edit E15)."""


@dataclass(frozen=True, slots=True)
class _Mention:
    """A finding with what the other notes of the patient say about it."""

    finding: Finding
    evidence: Evidence
    day: str | None
    """The date it is about: stated, else the note's for events; of a course, its start where that is told."""
    last: str | None = None
    """Of a course, the day it was stopped, where that is told."""


def suggest(
    findings: Iterable[Finding],
    fields: Mapping[str, FieldSpec],
    *,
    sha256: Mapping[str, str],
    carried: Callable[[Finding], bool] = lambda _: False,
    decided_slots: Iterable[str] = (),
) -> tuple[Suggestion, ...]:
    """Suggestions of one patient.

    Args:
        findings: of the latest versions of all notes of the patient.
        fields: the registry's questions; suggestions come in their order.
        sha256: note id to the hash of its text.
        carried: whether the words of a finding stood in an earlier note already.
        decided_slots: slots with a decision: what is found near their date belongs to them and opens no new question.
    """
    anchors = sorted(decided_slots)
    by_field: dict[str, list[_Mention]] = defaultdict(list)
    for finding in findings:
        spec = fields.get(finding.field)
        if spec is not None and _registry_takes(finding, spec):
            by_field[finding.field].append(_mention(finding, sha256.get(finding.note_id, ""), carried(finding)))
    suggestions: list[Suggestion] = []
    for name, spec in fields.items():
        suggestions.extend(_SLOTTERS[spec.slot](spec, by_field.get(name, []), anchors))
    return tuple(suggestions)


def _registry_takes(finding: Finding, spec: FieldSpec) -> bool:
    if finding.field.startswith("stage.") and str(finding.attributes.get("prefix", "")).startswith(_BEFORE_TREATMENT):
        return False
    return finding.assertion is Assertion.PRESENT or (finding.assertion is Assertion.ABSENT and spec.absent_counts)


def _mention(finding: Finding, sha256: str, carried: bool) -> _Mention:
    evidence = Evidence(
        note_id=finding.note_id,
        start=finding.start,
        end=finding.end,
        text=finding.text,
        note_sha256=sha256,
        note_date=finding.note_date,
        note_type=finding.note_type,
        section=finding.section,
        rule=finding.rule,
        confidence=finding.confidence,
        carried_forward=carried,
    )
    return _Mention(finding, evidence, finding.date)


def _one_per_patient(spec: FieldSpec, mentions: list[_Mention], _anchors: Sequence[str]) -> list[Suggestion]:
    """Differing values are a conflict; broader ones support the exact one; a final value silences the others."""
    ended = [mention for mention in mentions if mention.finding.value in spec.final]
    by_value = _by_value(ended or mentions)
    _fold_broader(by_value, spec)
    return _ordered(spec, [_suggestion(spec, spec.name, group) for group in by_value.values()])


def _one_per_value(spec: FieldSpec, mentions: list[_Mention], _anchors: Sequence[str]) -> list[Suggestion]:
    groups: dict[str, list[_Mention]] = defaultdict(list)
    for mention in mentions:
        finding = mention.finding
        groups[slot_key(spec, finding.value, finding.assertion, None)].append(mention)
    if spec.name == "variant":
        _fold_unspecific_variants(groups)
    return [_suggestion(spec, slot, group) for slot, group in sorted(groups.items())]


def _one_per_event(spec: FieldSpec, mentions: list[_Mention], anchors: Sequence[str]) -> list[Suggestion]:
    """Mentions about the same time are one question; a copied sentence is never the reason for a new event."""
    dated = [
        replace(mention, day=mention.day or _day(mention.finding.note_date))
        for mention in mentions
        if mention.day or not mention.evidence.carried_forward
    ]
    suggestions: list[Suggestion] = []
    for day, group in _clusters(dated, spec.window_days, _anchor_days(anchors, f"{spec.name}@"), from_first=True):
        slot = slot_key(spec, "", Assertion.PRESENT, day)
        by_value = _by_value(group)
        suggestions.extend(_ordered(spec, [_suggestion(spec, slot, same, day) for same in by_value.values()]))
    return suggestions


def _one_per_episode(spec: FieldSpec, mentions: list[_Mention], anchors: Sequence[str]) -> list[Suggestion]:
    """A drug given in January and again in November is two episodes; undated mentions support the latest one begun by then."""
    suggestions: list[Suggestion] = []
    by_value: dict[tuple[str, Assertion], list[_Mention]] = defaultdict(list)
    for mention in map(_course, mentions):
        by_value[(mention.finding.value, mention.finding.assertion)].append(mention)
    _lend_broader(by_value, spec)
    for (value, assertion), group in sorted(by_value.items()):
        if assertion is Assertion.ABSENT:
            suggestions.append(_suggestion(spec, slot_key(spec, value, assertion, None), group))
            continue
        dated = [mention for mention in group if mention.day]
        undated = [mention for mention in group if not mention.day]
        begun = _anchor_days(anchors, f"{spec.name}:{value}@")
        episodes = _clusters(dated, spec.window_days, begun, from_first=False)
        for index, (day, episode) in enumerate(episodes):
            following = episodes[index + 1][0] if index + 1 < len(episodes) else None
            until = _first_day(following) if following else None
            support = [one for one in undated if _belongs(one, _first_day(day), until, first=index == 0)]
            slot = slot_key(spec, value, assertion, day)
            suggestions.append(_suggestion(spec, slot, episode + support, day, _last_of(episode, day)))
        if not episodes and undated:
            suggestions.append(_suggestion(spec, slot_key(spec, value, assertion, None), undated))
    return suggestions


_SLOTTERS: dict[str, Callable[[FieldSpec, list[_Mention], Sequence[str]], list[Suggestion]]] = {
    "patient": _one_per_patient,
    "value": _one_per_value,
    "event": _one_per_event,
    "episode": _one_per_episode,
}


def _by_value(mentions: list[_Mention]) -> dict[str, list[_Mention]]:
    groups: dict[str, list[_Mention]] = defaultdict(list)
    for mention in mentions:
        groups[mention.finding.value].append(mention)
    return groups


def _fold_broader(by_value: dict[str, list[_Mention]], spec: FieldSpec) -> None:
    """Moves the mentions of a broader value to the one exact value it can mean; with two such, it stays as it is."""
    broader = {code.code: code.broader for code in spec.codes}
    for value in sorted(by_value, key=len, reverse=True):  # IA into IA2 first: then I has one value to mean, not two
        finer = [other for other in by_value if other != value and _refines(other, value, broader, spec)]
        if len(finer) == 1:
            by_value[finer[0]].extend(by_value.pop(value))


def _lend_broader(by_value: dict[tuple[str, Assertion], list[_Mention]], spec: FieldSpec) -> None:
    """What says less exactly what another episode says (radiotherapy, to what is not told) supports that one and is no question of its own.

    One with a date must lie near a mention of the exact value; without one, any given course may be meant.
    """
    broader = {code.code: code.broader for code in spec.codes}
    for value in sorted({code for code in broader.values() if code}):
        less_exact = by_value.pop((value, Assertion.PRESENT), [])
        finer = [
            group
            for (other, assertion), group in sorted(by_value.items())
            if assertion is Assertion.PRESENT and _refines(other, value, broader, spec)
        ]
        kept: list[_Mention] = []
        for mention in less_exact:
            near = [group for group in finer if _is_near(mention, group, spec.window_days)]
            max(near, key=len, default=kept).append(mention)
        if kept:
            by_value[(value, Assertion.PRESENT)] = kept


def _is_near(mention: _Mention, others: list[_Mention], window: int) -> bool:
    days = [one.day for one in others if one.day]
    if not mention.day or not days:
        return True
    return any(abs((_first_day(mention.day) - _first_day(day)).days) <= window for day in days)


def _refines(finer: str, value: str, broader: Mapping[str, str | None], spec: FieldSpec) -> bool:
    if spec.prefix_refines and finer.startswith(value):
        return True
    step = broader.get(finer)
    while step is not None:
        if step == value:
            return True
        step = broader.get(step)
    return False


def _fold_unspecific_variants(groups: dict[str, list[_Mention]]) -> None:
    """`TP53 mutation` in a clinic note supports `TP53 p.R175H` of the report (FIELDS.md ruling 15, for the patient)."""
    for slot in [slot for slot in groups if slot.endswith(" mutation")]:
        gene = slot.removesuffix(" mutation")
        finer = [other for other in groups if other.startswith((f"{gene} p.", f"{gene} c.")) and ":absent" not in other]
        if len(finer) == 1:
            groups[finer[0]].extend(groups.pop(slot))


def _anchor_days(slots: Sequence[str], start: str) -> list[str]:
    return [day for slot in slots if slot.startswith(start) and (day := slot_date(slot))]


def _clusters(
    mentions: list[_Mention], window: int, anchors: list[str], *, from_first: bool
) -> list[tuple[str | None, list[_Mention]]]:
    """Groups by date: no further than `window` days from the first of the group (events) or from the last one (episodes).

    A group near a decided date goes by that date. Mentions without any date are a group of their own, last.
    """
    dated = sorted((mention for mention in mentions if mention.day), key=lambda one: (_first_day(one.day), one.day))
    clusters: list[tuple[str | None, list[_Mention]]] = []
    edge = date.min
    for mention in dated:
        first = _first_day(mention.day)
        if clusters and (first - edge).days <= window:
            clusters[-1][1].append(mention)
        else:
            clusters.append((mention.day, [mention]))
            edge = first
        if not from_first:
            edge = max(edge, first, _first_day(mention.last))
    named = [(_name(group, anchors, window), group) for _, group in clusters]
    merged: dict[str | None, list[_Mention]] = {}
    for day, group in named:
        merged.setdefault(day, []).extend(group)
    undated = [mention for mention in mentions if not mention.day]
    if undated and from_first:
        merged.setdefault(None, []).extend(undated)
    return list(merged.items())


def _name(group: list[_Mention], anchors: list[str], window: int) -> str | None:
    """The date a group goes by: a decided one near it, else its first exact one."""
    days = [mention.day for mention in group if mention.day]
    near = [
        anchor for anchor in anchors if any(abs((_first_day(anchor) - _first_day(day)).days) <= window for day in days)
    ]
    if near:
        return near[0]
    exact = [day for day in days if len(day) == 10]
    return min(exact) if exact else max(days, key=len)


def _belongs(mention: _Mention, start: date, until: date | None, *, first: bool) -> bool:
    said = mention.finding.note_date
    if said is None:
        return first
    day = _first_day(_day(said))
    return (first or day >= start) and (until is None or day < until)


def _course(mention: _Mention) -> _Mention:
    """With the ends of the course that its words tell ("from 3 June to 12 July")."""
    told = mention.finding.attributes
    started, stopped = told.get("started"), told.get("stopped")
    day = str(started) if started else mention.day
    return replace(mention, day=day or (str(stopped) if stopped else None), last=str(stopped) if stopped else None)


def _last_of(group: list[_Mention], begun: str | None) -> str | None:
    days = [day for mention in group for day in (mention.day, mention.last) if day]
    last = max(days, key=_first_day, default=None)
    return last if last != begun else None


def _suggestion(
    spec: FieldSpec, slot: str, mentions: list[_Mention], day: str | None = None, end: str | None = None
) -> Suggestion:
    ranked = sorted(mentions, key=lambda mention: _rank(spec, mention.evidence))
    best = mentions[0].finding  # what supports it was put behind
    attributes: dict[str, object] = {}
    for mention in reversed(ranked):
        attributes.update({key: value for key, value in mention.finding.attributes.items() if value is not None})
    if day is None and spec.slot == "value":
        day = min((mention.day for mention in mentions if mention.day), key=_first_day, default=None)
    return Suggestion(
        patient_id=best.patient_id,
        slot=slot,
        field=spec.name,
        value=best.value,
        assertion=best.assertion,
        date=day,
        end_date=end,
        attributes=attributes,
        confidence=together(mention.evidence for mention in mentions),
        evidence=tuple(mention.evidence for mention in ranked),
        rulebook=best.rulebook,
    )


def _rank(spec: FieldSpec, evidence: Evidence) -> tuple[bool, int, bool, int, str, int]:
    """Best first: own words before copied ones, trusted sources, summing-up sections, then by date."""
    trusted = spec.source_priority
    source = trusted.index(evidence.note_type) if evidence.note_type in trusted else len(trusted)
    day = _first_day(_day(evidence.note_date)).toordinal() if evidence.note_date else 0
    by_date = -day if spec.latest_wins else day
    summing_up = evidence.section not in _STATUS_SECTIONS
    return (evidence.carried_forward, source, summing_up, by_date, evidence.note_id, evidence.start)


def _ordered(spec: FieldSpec, suggestions: list[Suggestion]) -> list[Suggestion]:
    """The value with the best evidence first; of alike evidence the decisive one, then the one more notes support."""
    decisive = {value: place for place, value in enumerate(spec.decisive_first)}

    def key(one: Suggestion) -> tuple[tuple[bool, int, bool], int, int, float]:
        place = decisive.get(one.value, len(decisive))
        notes = len({each.note_id for each in one.evidence})
        return (_rank(spec, one.evidence[0])[:3], place, -notes, -one.confidence)

    return sorted(suggestions, key=key)


def together(evidence: Iterable[Evidence]) -> float:
    """The confidence of a suggestion: several notes that say the same make it surer; copies of one sentence do not."""
    spans = list(evidence)
    best: dict[str, float] = {}
    for one in spans:
        if not one.carried_forward:
            best[one.note_id] = max(best.get(one.note_id, 0.0), one.confidence)
    if not best:
        return round(max(one.confidence for one in spans) / 2, 3)
    doubt = 1.0
    for confidence in sorted(best.values(), reverse=True)[:3]:
        doubt *= 1 - confidence
    return round(min(1 - doubt, 0.99), 3)


def _day(note_date: str | None) -> str | None:
    return note_date[:10] if note_date else None


def _first_day(day: str | None) -> date:
    return PartialDate.parse(day).first if day else date.min
