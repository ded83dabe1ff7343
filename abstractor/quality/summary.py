"""What audits and second readings come to, field by field: the figures of the report, as plain values."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from abstractor.model.case import Case
from abstractor.model.decision import STATING
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.quality.agreement import Estimate, ac1, cohen_kappa, cross_table, pabak, percent_agreement
from abstractor.quality.audit import Audit, Judgement, Verdict
from abstractor.quality.clusters import f1_by_patient, share_by_patient
from abstractor.quality.comparing import Kind, Pair, found
from abstractor.quality.day_agreement import BlandAltman, bland_altman, middle
from abstractor.quality.desk import Desk
from abstractor.quality.estimates import Acceptance, Audited, StratumSize, accept, is_even, share_right
from abstractor.quality.many_readers import ManyReaders, many_readers
from abstractor.quality.matching import Found, estimated_total
from abstractor.quality.second_readings import Comparison
from abstractor.quality.settings import QualityRules
from abstractor.registry.quality import Sample, SampleItem, drawn_decisions
from abstractor.rulebook.schema import FieldSpec

NOTHING = "(nothing)"
"""The category of a reader who states nothing."""


@dataclass(frozen=True, slots=True)
class FieldAudit:
    """One field in one audit."""

    field: str
    group: str
    """Its class."""
    frame: int
    drawn: int
    judged: int
    minor: int
    major: int
    right: Estimate
    """Agreed without reserve."""
    sound: Estimate
    """Agreed, or with a minor reserve."""
    precision: Estimate
    """Of the facts that were stated (not of what was rejected or not documented): agreed without reserve."""
    acceptance: Acceptance


def audit_fields(desk: Desk, sample: Sample, audit: Audit) -> tuple[FieldAudit, ...]:
    """Every field of a sample, in the order of the fields."""
    decisions = drawn_decisions(desk.registry, sample.name)
    stated = {item.place: decisions[item.action_id].action in STATING for item in audit.items}
    strata = judged_strata(sample, audit)
    names = dict.fromkeys([*desk.book.fields, *(item.field for item in audit.items)])
    made = []
    for name in names:
        items = [item for item in audit.items if item.field == name]
        if items:
            drawn = [StratumSize(int(one["size"]), int(one["drawn"])) for one in sample.strata if one["domain"] == name]
            made.append(_field_audit(name, items, audit.judged, stated, strata, drawn, desk.rules))
    return tuple(made)


def judged_strata(sample: Sample, audit: Audit) -> dict[str, StratumSize]:
    """The strata of a sample with what was judged in each."""
    judged = Counter(item.stratum for item in audit.items if item.place in audit.judged)
    return {str(one["name"]): StratumSize(int(one["size"]), judged[str(one["name"])]) for one in sample.strata}


def _field_audit(
    name: str,
    items: Sequence[SampleItem],
    judged: Mapping[int, Judgement],
    stated: Mapping[int, bool],
    strata: dict[str, StratumSize],
    drawn: Sequence[StratumSize],
    rules: QualityRules,
) -> FieldAudit:
    said = [(item, judged[item.place]) for item in items if item.place in judged]
    verdicts = Counter(one.verdict for _, one in said)
    group, frame = rules.rules_of(name), sum(one.size for one in drawn)
    errors = sum(str(one.verdict) in group.counted for _, one in said)

    def share(kept: Iterable[tuple[SampleItem, Judgement]], *right: Verdict) -> Estimate:
        return share_right([Audited(item.stratum, one.verdict in right) for item, one in kept], strata)

    weighted = None
    if not is_even(drawn):
        marked = [Audited(item.stratum, str(one.verdict) not in group.counted) for item, one in said]
        weighted = share_right(marked, strata, 2 * group.confidence - 1)
    return FieldAudit(
        name,
        rules.class_of(name),
        frame,
        len(items),
        len(said),
        verdicts[Verdict.MINOR],
        verdicts[Verdict.MAJOR],
        share(said, Verdict.AGREE),
        share(said, Verdict.AGREE, Verdict.MINOR),
        share([one for one in said if stated[one[0].place]], Verdict.AGREE),
        accept(len(said), errors, len(items), frame, group, weighted),
    )


def error_classes(audits: Iterable[Audit]) -> Counter[tuple[str, str]]:
    """How often each error class was named, by field and class."""
    found: Counter[tuple[str, str]] = Counter()
    for audit in audits:
        fields = {item.place: item.field for item in audit.items}
        found.update((fields[place], one.error) for place, one in audit.judged.items() if one.error)
    return found


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """One field in all finished second readings."""

    field: str
    group: str
    patients: int
    """With the field in at least one reading."""
    found: Found
    f1: Estimate
    """Intervals of shares of facts take patients as the units."""
    first_recall: Estimate
    """Of what the second reader has, the first has too."""
    second_recall: Estimate
    total: Estimate
    """Facts there may be in all (capture–recapture)."""
    percent: Estimate
    """Of fields with one answer a patient: both state the same, or both nothing."""
    kappa: Estimate
    pabak: Estimate
    ac1: Estimate
    dates: tuple[tuple[int, Estimate], ...]
    """Days, and the share of dated pairs within them."""
    bias: BlandAltman | None
    """Days, second reader less first."""


def agree_fields(
    comparisons: Sequence[Comparison], fields: Mapping[str, FieldSpec], rules: QualityRules
) -> tuple[FieldAgreement, ...]:
    """Every field that a reader has stated, in the order of the fields."""
    stated = {pair.field for one in comparisons for pair in one.pairs}
    names = [name for name in dict.fromkeys([*fields, *sorted(stated)]) if name in stated]
    return tuple(_agreement(name, comparisons, fields.get(name), rules) for name in names)


def _agreement(
    name: str, comparisons: Sequence[Comparison], spec: FieldSpec | None, rules: QualityRules
) -> FieldAgreement:
    by_chart = [[pair for pair in one.pairs if pair.field == name] for one in comparisons]
    pairs = [pair for chart in by_chart for pair in chart]
    counts = found(pairs)
    patients = _by_patient(comparisons, by_chart)
    by_patient = [found(one) for one in patients]
    whole = [pair for pair in pairs if pair.days is not None]
    single = spec is not None and spec.slot == "patient" and spec.kind != "date"
    answers = [_answer(chart) for chart in by_chart] if single else []
    labels = sorted({value for pair in answers for value in pair})
    table = cross_table(answers, labels)
    return FieldAgreement(
        name,
        rules.class_of(name),
        sum(bool(chart) for chart in patients),
        counts,
        f1_by_patient([(one.both, one.both + one.first_only + one.second_only) for one in by_patient]),
        share_by_patient([(one.both, one.both + one.second_only) for one in by_patient]),
        share_by_patient([(one.both, one.both + one.first_only) for one in by_patient]),
        estimated_total(counts),
        percent_agreement(table),
        cohen_kappa(table),
        pabak(table),
        ac1(table),
        tuple((days, _within(patients, days)) for days in rules.dates.steps) if whole else (),
        bland_altman([_difference(pair, spec) for pair in whole]),
    )


def agree_many(
    comparisons: Sequence[Comparison], fields: Mapping[str, FieldSpec], *, seed: int = 0
) -> tuple[ManyReaders, ...]:
    """Questions with one answer a patient, where a patient was read by more than two. The first reading counts once."""
    charts: dict[str, list[Case]] = {}
    for one in comparisons:
        charts.setdefault(one.reading.patient_id, [one.first]).append(one.second)
    if not any(len(cases) > 2 for cases in charts.values()):
        return ()
    made = []
    for name, spec in fields.items():
        if spec.slot == "patient" and spec.kind != "date":
            answers = [[_stated(case, name) for case in cases] for cases in charts.values()]
            if any(one != NOTHING for each in answers for one in each):
                made.append(many_readers(name, answers, seed=seed))
    return tuple(made)


def _stated(case: Case, name: str) -> str:
    return _said(next((fact for fact in case.facts if fact.field == name), None))


def _by_patient(comparisons: Sequence[Comparison], charts: Sequence[Sequence[Pair]]) -> list[list[Pair]]:
    """All pairs of a patient, who may have been read by more than two."""
    patients: dict[str, list[Pair]] = defaultdict(list)
    for one, chart in zip(comparisons, charts, strict=True):
        patients[one.reading.patient_id] += chart
    return list(patients.values())


def _within(patients: Sequence[Sequence[Pair]], days: int) -> Estimate:
    dated = [[pair.days for pair in one if pair.days is not None] for one in patients]
    return share_by_patient([(sum(apart <= days for apart in one), len(one)) for one in dated])


def _answer(chart: Sequence[Pair]) -> tuple[str, str]:
    """What each reader answers to a question with one answer a patient; a more exact answer is the same."""
    if not chart:
        return NOTHING, NOTHING
    pair = chart[0]
    first, second = _said(pair.first), _said(pair.second)
    return (first, first) if pair.kind is Kind.VALUE and pair.minor else (first, second)


def _said(fact: Fact | None) -> str:
    if fact is None:
        return NOTHING
    return fact.value if fact.assertion is Assertion.PRESENT else f"{fact.value}, {fact.assertion}"


def _difference(pair: Pair, spec: FieldSpec | None) -> float:
    assert pair.first is not None
    assert pair.second is not None
    texts = [
        one.value if spec is not None and spec.kind == "date" else one.date or "" for one in (pair.first, pair.second)
    ]
    return 0.0 if pair.days == 0 else float((middle(texts[1]) - middle(texts[0])).days)
