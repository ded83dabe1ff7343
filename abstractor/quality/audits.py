"""Drawing samples and auditing them: what an auditor does, committed step by step."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from abstractor.model.case import fold
from abstractor.model.decision import Decision
from abstractor.quality.audit import SECOND_READER, UNDO, Audit, Refused, Verdict, check_judgement, fold_audit
from abstractor.quality.desk import Desk
from abstractor.quality.frame import Chart, Flagged, Held, charts, held_decisions, nothing_flagged
from abstractor.quality.plans import plan, size_for_interval
from abstractor.quality.sampling import Drawn, Unit, draw, first_of_newcomers
from abstractor.quality.settings import QualityRules
from abstractor.quality.third_values import read_third
from abstractor.registry.decisions import decisions_of
from abstractor.registry.quality import (
    LOCK,
    REOPEN,
    Sample,
    SampleItem,
    add_sample,
    decider_of,
    items_of,
    sample_of,
    samples,
    steps,
    take_step,
)
from abstractor.registry.readings import read_twice

FACTS, CHARTS = "facts", "charts"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How large a sample of facts is to be, field by field. One of the three is given; without any, the acceptance plan decides."""

    per_field: int | None = None
    half_width: float | None = None
    """Of the 95 % interval of the share of right values."""
    allowed: int | None = None
    """Errors that the acceptance plan of the field's class allows (0: the smallest sample)."""
    by: tuple[str, ...] | None = None
    """Traits that make strata; None: those of the settings."""
    per_abstractor: int = 0
    """At least so many decisions of every abstractor."""
    fields: tuple[str, ...] = ()
    """Only these; none named: all."""
    targeted: bool = True
    """Whether what the settings target is taken in full."""

    def size(self, field: str, rules: QualityRules) -> int:
        """How many of a field, before the frame sets a limit."""
        if self.per_field is not None:
            return self.per_field
        if self.half_width is not None:
            return size_for_interval(rules.sample.expected_share, self.half_width)
        group = rules.rules_of(field)
        return plan(group.plan_limit, group.confidence, self.allowed or 0).n


def draw_facts(desk: Desk, name: str, seed: int, wanted: Wanted, flagged: Flagged = nothing_flagged) -> Sample:
    """Draws decisions to be audited, and stores the sample.

    Args:
        desk: who draws.
        name: of the sample.
        seed: with the same registry, the same seed draws the same decisions.
        wanted: how many.
        flagged: names the edit check whose conflict a chart has (`conflicts.py`).

    Raises:
        RegistryError: the name is taken, or the same draw stands already.
        Refused: nothing has been decided that could be drawn.
    """
    held = {one.unit.key: one for one in held_decisions(desk.registry, desk.rules, flagged)}
    frame = [_unit(one, wanted) for one in held.values() if not wanted.fields or one.decision.field in wanted.fields]
    if not frame:
        raise Refused("nothing has been decided yet that could be drawn")
    sizes = {field: wanted.size(field, desk.rules) for field in {one.domain for one in frame}}
    drawn = draw(
        frame,
        seed=seed,
        by=wanted.by if wanted.by is not None else desk.rules.sample.by,
        sizes=sizes,
        least_per_stratum=desk.rules.sample.least_per_stratum,
        least_of={"abstractor": wanted.per_abstractor} if wanted.per_abstractor else None,
    )
    plan_row = {**asdict(wanted), "by": list(wanted.by or desk.rules.sample.by), "fields": list(wanted.fields)}
    sample = _sample(desk, name, FACTS, seed, plan_row, drawn)
    items = [
        SampleItem(name, place, *_of_decision(held[key].decision), stratum)
        for place, (key, stratum) in enumerate(drawn.units, 1)
    ]
    return add_sample(desk.registry, sample, items)


def _unit(held: Held, wanted: Wanted) -> Unit:
    unit = held.unit
    return unit if wanted.targeted or not unit.certain else Unit(unit.key, unit.domain, unit.traits)


def _of_decision(decision: Decision) -> tuple[str, str, str, str]:
    return decision.patient_id, decision.slot, decision.action_id, decision.field


def draw_charts(desk: Desk, name: str, seed: int, fraction: float | None = None) -> Sample:
    """Draws closed patients to be read a second time: a share of each stratum, a least number an abstractor, newcomers' first in full.

    Raises:
        RegistryError: the name is taken, or the same draw stands already.
        Refused: no patient is closed.
    """
    rules = desk.rules.sample
    frame = [one for one in charts(desk.registry) if one.closed_at]
    if not frame:
        raise Refused("no patient is closed yet; a second reading is of what the first reader has finished")
    first = first_of_newcomers(
        ((one.patient_id, one.abstractor, one.closed_at) for one in frame), rules.newcomer_charts
    )
    new = first - _drawn_before(desk)
    share = rules.chart_fraction if fraction is None else fraction
    drawn = draw(
        [_chart_unit(one, one.patient_id in new) for one in frame],
        seed=seed,
        by=("abstractor", "year", "stage"),
        sizes={"": math.ceil(share * len(frame) - 1e-9)},
        least_of={"abstractor": rules.charts_per_abstractor},
    )
    sample = _sample(desk, name, CHARTS, seed, {"fraction": share}, drawn)
    items = [SampleItem(name, place, key, "", "", "", stratum) for place, (key, stratum) in enumerate(drawn.units, 1)]
    return add_sample(desk.registry, sample, items)


def _chart_unit(chart: Chart, new: bool) -> Unit:
    return Unit(chart.patient_id, "", chart.traits, "first charts of a new abstractor" if new else "")


def _drawn_before(desk: Desk) -> set[str]:
    """Patients of earlier samples of charts: who had three charts then still has seven first ones to come."""
    earlier = [one for one in samples(desk.registry) if one.kind == CHARTS]
    return {item.patient_id for one in earlier for item in items_of(desk.registry, one.name)}


def _sample(desk: Desk, name: str, kind: str, seed: int, plan_row: Mapping[str, object], drawn: Drawn) -> Sample:
    return Sample(
        name,
        kind,
        seed,
        dict(plan_row),
        drawn.frame_size,
        drawn.frame_hash,
        tuple(asdict(one) for one in drawn.strata),
        desk.user,
        desk.clock(),
    )


def audit_of(desk: Desk, sample: str, known: Audit | None = None) -> Audit:
    """Where the audit of a sample stands.

    Args:
        desk: who asks.
        sample: its name.
        known: the audit as it was seen before: only what came after is read.

    Raises:
        RegistryError: there is no such sample.
        Refused: it is one of charts, which are read a second time and not audited.
    """
    if known is not None:
        return known.after(steps(desk.registry, "audit", sample, after=known.version))
    if sample_of(desk.registry, sample).kind != FACTS:
        raise Refused(f"sample {sample}: holds charts; they are read a second time")
    return fold_audit(items_of(desk.registry, sample), steps(desk.registry, "audit", sample))


@dataclass(frozen=True, slots=True)
class ItemInView:
    """An item as the auditor sees it: what was decided when it was drawn, and whether that still holds."""

    item: SampleItem
    decision: Decision
    stands: bool
    """False where the registry has another decision by now; the one that was drawn is judged."""


def view_item(desk: Desk, item: SampleItem) -> ItemInView:
    """The decision behind an item.

    Raises:
        Refused: the auditor is the second reader of this patient, or the decision is not in this registry.
    """
    _require_no_reader(desk, item)
    made = decisions_of(desk.registry, item.patient_id)
    decision = next((one for one in made if one.action_id == item.action_id), None)
    if decision is None:
        raise Refused(f"item {item.place}: its decision is not in this registry; is it the right one?")
    holds = fold(item.patient_id, made).current.get(item.slot)
    return ItemInView(item, decision, holds is not None and holds.action_id == item.action_id)


def _require_no_reader(desk: Desk, item: SampleItem) -> None:
    if item.patient_id in read_twice(desk.registry, desk.user):
        raise Refused(f"item {item.place}: {SECOND_READER}")


def judge(
    desk: Desk,
    sample: str,
    place: int,
    verdict: Verdict,
    *,
    error: str = "",
    third: Mapping[str, object] | None = None,
    comment: str = "",
    known: Audit | None = None,
) -> Audit:
    """Judges one item; a later judgement of the same item takes the place of an earlier one, which stays in the history.

    Args:
        desk: the auditor's.
        sample: its name.
        place: of the item.
        verdict: agree, or a minor or major disagreement.
        error: its class, of a disagreement.
        third: what is right: value, and if need be assertion, date, end_date, attributes. A major disagreement without it says that
            what was stated does not hold at all.
        comment: free text.
        known: the audit as it was seen before: only what came after is read.

    Raises:
        Refused: locked, one's own decision, a patient whose second reader one is, no such item, no known error class, or a value that does
            not fit the field.
        StaleCase: another auditor has judged it since.
    """
    audit = audit_of(desk, sample, known)
    item = _item(audit, place)
    _require_no_reader(desk, item)
    decided_by = decider_of(desk.registry, item.action_id)
    if decided_by is None:
        raise Refused(f"item {item.place}: its decision is not in this registry; is it the right one?")
    check_judgement(audit, item, decided_by, desk.user, verdict, error, desk.rules.error_codes)
    if verdict is Verdict.AGREE and third:
        raise Refused(f"item {place}: who agrees names no other value")
    stated = {key: one for key, one in read_third(desk.book, item.field, third).items() if one} if third else None
    step = desk.step("audit", sample, str(place), str(verdict), error=error, third=stated, comment=comment)
    take_step(desk.registry, step, seen=audit.version)
    return audit_of(desk, sample, audit)


def _item(audit: Audit, place: int) -> SampleItem:
    if place not in audit.by_place:
        raise Refused(f"item {place}: this sample has items 1 to {len(audit.items)}")
    return audit.by_place[place]


def undo(desk: Desk, sample: str, known: Audit | None = None) -> Audit:
    """Takes back this auditor's last judgement; the one before it holds again. `known`: as for `judge`.

    Raises:
        Refused: there is none, or the audit is locked.
    """
    audit = audit_of(desk, sample, known)
    if audit.locked:
        raise Refused("the audit is locked; reopening it needs a reason")
    places = audit.mine.get(desk.user, ())
    if not places:
        raise Refused("nothing to undo")
    place = places[-1]
    judgement = audit.judged.get(place)
    if judgement is None or judgement.auditor != desk.user:
        raise Refused(f"item {place}: somebody else has judged it since; nothing was undone")
    step = desk.step("audit", sample, str(place), UNDO, undoes=judgement.event_id)
    take_step(desk.registry, step, seen=audit.version)
    return audit_of(desk, sample, audit)


def lock(desk: Desk, sample: str) -> Audit:
    """Finishes an audit: from now on nothing in it changes.

    Raises:
        Refused: items are open, or it is locked already.
    """
    audit = audit_of(desk, sample)
    if audit.locked:
        raise Refused("the audit is locked already")
    if audit.open:
        raise Refused(f"{len(audit.open)} items are not judged yet; the first is item {audit.open[0].place}")
    take_step(desk.registry, desk.step("audit", sample, "", LOCK), seen=audit.version)
    return audit_of(desk, sample)


def reopen(desk: Desk, sample: str, reason: str) -> Audit:
    """Opens a locked audit again; the reason is kept.

    Raises:
        Refused: it is not locked, or no reason was given.
    """
    audit = audit_of(desk, sample)
    if not audit.locked:
        raise Refused("the audit is not locked")
    if not reason.strip():
        raise Refused("reopening needs a reason")
    step = desk.step("audit", sample, "", REOPEN, reason=reason.strip())
    take_step(desk.registry, step, seen=audit.version)
    return audit_of(desk, sample)


def history(audits: Iterable[Audit]) -> Sequence[tuple[str, str, str, str]]:
    """Everything that was done: when, who, what, on which sample and item."""
    found = [
        (one.done_at, one.done_by, one.action, f"{one.scope} {one.subject}".strip())
        for audit in audits
        for one in audit.history
    ]
    return sorted(found)
