"""From an analysis and its records to what the figures draw. Selects and renames; derives nothing."""

import datetime
from collections import Counter
from collections.abc import Callable, Sequence

from abstractor.model.dates import exact_day
from abstractor.model.finding import Assertion
from abstractor.outcomes.baseline import genes_of
from abstractor.outcomes.cohort import Analysis, stages
from abstractor.outcomes.cox import Term
from abstractor.outcomes.definitions import column_title
from abstractor.outcomes.figures.alteration_kinds import AlterationKinds
from abstractor.outcomes.figures.consort import Stage
from abstractor.outcomes.figures.forest import Factor, Subgroup
from abstractor.outcomes.figures.lines_flow import Path as LinePath
from abstractor.outcomes.figures.oncoprint import Alteration, Profile
from abstractor.outcomes.figures.swimmer import ALIVE, DIED, Lane, LineBar, Mark
from abstractor.outcomes.figures.waterfall import Change
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.record import PatientRecord, change_percent
from abstractor.outcomes.subgroup_results import Forest

NOT_TREATED = "no dated line 1 of systemic therapy"
NOT_EVALUABLE = "no disease at the start, or no adequate assessment after it"
_REASONS = {
    "no_line_1": "a later line is stated, but line 1 is not",
    "line_twice": "a line starts on two days",
    "lines_out_of_order": "lines out of order",
    "death_before_diagnosis": "death dated before the diagnosis",
    "therapy_before_diagnosis": "all systemic therapy long before the diagnosis",
    "undated_therapy": "systemic therapy without a dated dose",
}
"""What is at fault, without the dates of the patient."""
_STAGES = (
    "Patients in the registry", "With small cell lung cancer", "With a dated line 1 of systemic therapy", "Analysed",
    "Evaluable for response",
)  # fmt: skip


def swimmer_lanes(analysis: Analysis) -> tuple[Lane, ...]:
    """The analysed patients with an overall survival, from time zero on; grouped as the analysis is."""
    found = []
    for one in _by_group(analysis):
        survival = one.endpoints["os"]
        if one.index is None or survival.days is None or survival.event is None:
            continue
        found.append(
            Lane(
                patient=one.patient_id,
                end=survival.days,
                ended=DIED if survival.event else ALIVE,
                bars=_bars(one, survival.days),
                marks=_marks(one, survival.days),
                group=_group(analysis, one),
            )
        )
    return tuple(found)


def _bars(outcome: PatientOutcome, end: int) -> tuple[LineBar, ...]:
    """Lines as far as they lie between time zero and the end."""
    found = []
    for one in (each.line for each in outcome.lines):
        start, stop = _day(outcome, one.start), _day(outcome, one.stop)
        if stop >= 0 and start <= end:
            found.append(LineBar(one.number, max(start, 0), min(stop, end) if one.stop_known else None))
    return tuple(found)


def _marks(outcome: PatientOutcome, end: int) -> tuple[Mark, ...]:
    days = {(_day(outcome, seen.date), seen.value) for one in outcome.lines for seen in one.assessments}
    return tuple(Mark(day, value) for day, value in sorted(days) if 0 <= day <= end)


def _day(outcome: PatientOutcome, date: datetime.date) -> int:
    assert outcome.index is not None
    return (date - outcome.index).days


def _group(analysis: Analysis, outcome: PatientOutcome) -> str:
    """The patient's group as it is printed; "" without a grouping."""
    if analysis.by is None:
        return ""
    value = outcome.baseline.columns.get(analysis.by)
    title = column_title(analysis.by)
    if value is None:
        return f"{title} not known"
    text = str(value).replace("_", " ")
    return f"{title} {text}" if text.isdecimal() else text


def _by_group(analysis: Analysis) -> list[PatientOutcome]:
    """The analysed patients, in the order of the groups."""
    order = [name for name, _ in analysed_groups(analysis)]
    return sorted(analysis.analysed, key=lambda one: order.index(_group(analysis, one)) if order else 0)


def best_changes(analysis: Analysis, records: Sequence[PatientRecord]) -> tuple[Change, ...]:
    """The analysed patients with a line 1: the lowest measured change between its start and the next line, if there is any."""
    by_name = {one.patient_id: one for one in records}
    found = []
    for one in analysis.treated:
        first = one.first_line
        assert first is not None
        until = one.lines[1].line.start if len(one.lines) > 1 else analysis.cutoff
        measured = [
            change
            for fact in by_name[one.patient_id].present("response")
            if (day := exact_day(fact.date)) is not None and first.line.start < day <= min(until, analysis.cutoff)
            if (change := change_percent(fact)) is not None
        ]
        found.append(Change(one.patient_id, min(measured, default=None), first.best.value))
    return tuple(found)


def gene_profiles(
    analysis: Analysis, records: Sequence[PatientRecord], kinds: AlterationKinds
) -> tuple[tuple[Profile, ...], tuple[Alteration, ...]]:
    """Every analysed patient, and the alterations of all genes that any note names, of the protocol or not."""
    by_name = {one.patient_id: one for one in records}
    profiles, alterations = [], []
    for one in _by_group(analysis):
        record = by_name[one.patient_id]
        about = [
            fact
            for fact in record.facts
            if fact.field == "variant" and fact.assertion in (Assertion.PRESENT, Assertion.ABSENT)
        ]
        tested = frozenset(gene for fact in about for gene in genes_of(fact.value))
        reported = bool(record.present("molecular_report_date"))
        profiles.append(Profile(one.patient_id, tested if about or reported else None, _group(analysis, one)))
        alterations += [
            Alteration(one.patient_id, gene, kind)
            for fact in about
            if fact.assertion is Assertion.PRESENT
            for kind in (kinds.of(fact.value.partition(" ")[2], vus=bool(fact.attributes.get("vus"))),)
            for gene in genes_of(fact.value)
        ]
    return tuple(profiles), tuple(dict.fromkeys(alterations))


def line_paths(analysis: Analysis) -> tuple[LinePath, ...]:
    """The drugs of each line of the analysed patients with a line 1."""
    return tuple(
        LinePath(
            tuple(" + ".join(line.line.drugs) or "drugs not stated" for line in one.lines),
            DIED if one.endpoints["os"].event else ALIVE,
        )
        for one in analysis.treated
    )


def consort_stages(analysis: Analysis) -> tuple[Stage, ...]:
    """From the notes to who can be evaluated for response; each stage holds only patients of the one before."""
    steps = list(zip(_STAGES, stages(analysis.patients), strict=True))
    if any(one.first_line is None for one in steps[3][1]):  # another time zero needs no treatment
        del steps[2]
    boxes = [Stage("Dated notes", analysis.flow[0].count, unit="notes")]
    for place, (label, here) in enumerate(steps):
        there = {one.patient_id for one in (steps[place + 1][1] if place + 1 < len(steps) else here)}
        reasons = Counter(_why_left(one) for one in here if one.patient_id not in there)
        boxes.append(Stage(label, len(here), left_out=tuple(reasons.most_common())))
    return tuple(boxes)


def _why_left(outcome: PatientOutcome) -> str:
    if not outcome.excluded:
        return NOT_EVALUABLE
    known = next(
        (_REASONS[one.code] for one in outcome.faults if one.text == outcome.excluded and one.code in _REASONS), ""
    )
    return known or outcome.excluded


def analysed_groups(analysis: Analysis) -> tuple[tuple[str, int], ...]:
    """The groups of the analysed, those without a value among them; empty without a grouping."""
    if analysis.by is None:
        return ()
    counts = Counter(_group(analysis, one) for one in analysis.analysed)
    return tuple(sorted(counts.items(), key=lambda one: (one[0].endswith("not known"), one[0] != "limited", one[0])))


def forest_factors(forest: Forest, title: Callable[[str], str] = column_title) -> tuple[Subgroup, tuple[Factor, ...]]:
    """The rows of a comparison in subgroups: over all, and by factor with the name that `title` gives it."""
    overall = _subgroup("All patients", len(forest.patients), forest.events, forest.overall, forest.why_not)
    factors = []
    for one in forest.factors:
        rows = [_subgroup(row.level, len(row.patients), row.events, row.ratio, row.why_not) for row in one.levels]
        factors.append(Factor(_capital(title(one.name)), tuple(rows), one.interaction_p, one.why_not))
    return overall, tuple(factors)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _subgroup(label: str, n: int, events: int, term: Term | None, why: str) -> Subgroup:
    label = label.replace("_", " ")
    if term is None:
        return Subgroup(label, n, events, None, why=why)
    return Subgroup(label, n, events, term.hazard_ratio, term.lower, term.upper)
