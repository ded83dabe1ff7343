"""From patients to published numbers: who is analysed, response rates, curves, comparisons, sensitivity analyses.

Holds results as plain frozen values; drawing and writing are elsewhere. A grouping that uses what happens after time zero
is refused, and a test on groups that are too small is not done, with the reason in its place.
"""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from abstractor.model.errors import InputError
from abstractor.outcomes.baseline import COLUMNS, Cell
from abstractor.outcomes.cox import dummies, fit_cox
from abstractor.outcomes.definitions import TIME_ZERO
from abstractor.outcomes.delayed_entry import first_reliable_time, start_at
from abstractor.outcomes.faults import WARNING, Fault
from abstractor.outcomes.imputation import Scheme
from abstractor.outcomes.landmarks import refuse_immortal_time
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.patient import ENDPOINTS, PatientOutcome, derive_patient
from abstractor.outcomes.proportional_hazards import HazardsTest, check_hazards
from abstractor.outcomes.proportions import Proportion, proportion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.survival import (
    Curve,
    Landmark,
    LogRank,
    MeanDifference,
    Quantile,
    RestrictedMean,
    Sample,
    compare_restricted_means,
    follow_up,
    kaplan_meier,
    landmark,
    log_rank,
    quantile,
    restricted_mean,
    sample,
    why_no_test,
)
from abstractor.outcomes.timing import TimeToEvent, enter_late

Day = datetime.date
ALL = "all"

GROUPINGS = (
    "stage_valg", "histology", "sex", "smoking_status", "ecog", "primary_site", "stage_t", "stage_n", "stage_m",
    "stage_group", "n_metastatic_sites", "brain_metastases", "liver_metastases",
)  # fmt: skip
"""Baseline columns to group by; the genes of the protocol beside them."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A response rate of one group."""

    measure: str
    """`ORR`, `confirmed ORR`, `DCR`, `confirmed DCR`, `CBR`."""
    denominator: str
    """`all` who started line 1 (A), or the `evaluable` ones (B)."""
    group: str
    value: Proportion


@dataclass(frozen=True, slots=True, eq=False)
class GroupSurvival:
    """One endpoint in one group; times in days."""

    group: str
    sample: Sample
    curve: Curve
    quantiles: tuple[Quantile, Quantile, Quantile]
    landmarks: tuple[Landmark, ...]
    follow_up: tuple[Quantile, ...]
    restricted: RestrictedMean
    patients: tuple[str, ...] = ()
    """Whose times the sample holds, in its order."""
    start: float = 0.0
    """With delayed entry: the day from which the curve is given, the first with enough at risk."""

    @property
    def shown(self) -> Sample:
        """Those the curve is of: who left before its start is in the tests alone."""
        return start_at(self.sample, self.start)[0] if self.start else self.sample

    @property
    def median(self) -> Quantile:
        return self.quantiles[1]


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """One group against the reference group, unadjusted."""

    group: str
    reference: str
    estimate: float
    lower: float
    upper: float
    p: float
    coef: float
    """The logarithm of the ratio, and its standard error."""
    se: float


@dataclass(frozen=True, slots=True, eq=False)
class EndpointResult:
    """One endpoint: over all, by group, and the comparison or why there is none."""

    endpoint: str
    overall: GroupSurvival
    groups: tuple[GroupSurvival, ...]
    test: LogRank | None
    no_test: str
    """Why there is no test; "" where there is one or no grouping was asked."""
    hazard_ratios: tuple[HazardRatio, ...]
    not_computed: int
    """Analysed patients without this endpoint."""
    sensitivity_only: int
    """... and with it, but for sensitivity analyses only."""
    hazards_test: HazardsTest | None = None
    """Of all hazard ratios together: do they stay the same over time?"""
    mean_difference: MeanDifference | None = None
    """Restricted means of the second group less the first, where there are two that may be tested and both reach tau."""
    never_at_risk: tuple[str, ...] = ()
    """With delayed entry of the groups: patients without a molecular report, or with one only after the end."""
    groups_delayed: bool = False
    """The groups are at risk from the molecular report on only (a gene is compared)."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """An endpoint's median under another choice."""

    endpoint: str
    choice: str
    n: int
    events: int
    median: Quantile


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step from the notes to the analysis."""

    label: str
    count: int
    patients: tuple[str, ...] | None = None
    """Who is counted; None where it is not patients."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All results of one run."""

    protocol: Protocol
    cutoff: Day
    by: str | None
    patients: tuple[PatientOutcome, ...]
    """Everybody in the registry, by id."""
    flow: tuple[FlowStep, ...]
    best_responses: Mapping[str, Mapping[str, int]]
    """`unconfirmed` and `confirmed`, each category to its number of analysed patients."""
    rates: tuple[Rate, ...]
    endpoints: tuple[EndpointResult, ...]
    sensitivity: tuple[Sensitivity, ...]
    missing_group: tuple[str, ...]
    """Analysed patients without a value of the grouping."""
    split: Mapping[str, str | None]
    """Each analysed patient's group; empty without a grouping."""

    @property
    def analysed(self) -> tuple[PatientOutcome, ...]:
        return tuple(one for one in self.patients if not one.excluded)

    @property
    def treated(self) -> tuple[PatientOutcome, ...]:
        return tuple(one for one in self.analysed if one.first_line is not None)

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(fault for one in self.patients for fault in one.faults)

    def rate(self, measure: str, denominator: str = ALL, group: str = ALL) -> Proportion:
        """One of the rates."""
        return next(
            one.value
            for one in self.rates
            if (one.measure, one.denominator, one.group) == (measure, denominator, group)
        )

    def endpoint(self, name: str) -> EndpointResult:
        """The result of one endpoint."""
        return next(one for one in self.endpoints if one.endpoint == name)


def grouping(by: str | None, protocol: Protocol) -> str | None:
    """The column a `--by` means; `stage.valg` is `stage_valg`.

    Raises:
        InputError: not a column to group by; the choices are listed. Or one that is known only after time zero.
    """
    if by is None:
        return None
    column = by.strip()
    if column not in protocol.genes:
        column = column.removeprefix("variant.").removeprefix("variant:")
    if column not in protocol.genes:
        column = column.replace(".", "_")
    choices = (*GROUPINGS, *protocol.genes)
    if column in choices:
        return column
    refuse_immortal_time(column, "use a landmark analysis, or group by one of " + ", ".join(choices))
    raise InputError(f"unknown field to group by: {by}; choose one of {', '.join(choices)}")


def analyse(
    records: Sequence[PatientRecord],
    protocol: Protocol,
    cutoff: Day,
    *,
    by: str | None = "stage_valg",
    groups: DrugGroups | None = None,
) -> Analysis:
    """Derives every patient and computes all results.

    Args:
        records: one per patient.
        protocol: the settings.
        cutoff: nothing later is used; the protocol's own cutoff, if it has one, wins when it is earlier.
        by: a baseline column or a gene, see `grouping`.
        groups: what the drugs are, from `rules/lines.toml`.

    Raises:
        InputError: `by` is unknown or brings immortal time; two records have one patient id.
    """
    column = grouping(by, protocol)
    doubled = [name for name, count in Counter(one.patient_id for one in records).items() if count > 1]
    if doubled:
        raise InputError(f"patient {doubled[0]} comes twice; merge the records")
    if protocol.data_cutoff is not None:
        cutoff = min(cutoff, protocol.data_cutoff)
    drug_groups = groups or DrugGroups()
    ordered = sorted(records, key=lambda one: one.patient_id)
    patients = tuple(derive_patient(one, protocol, cutoff, drug_groups) for one in ordered)
    analysed = [one for one in patients if not one.excluded]
    split = {one.patient_id: _label(one.baseline.columns.get(column)) for one in analysed} if column else {}
    return Analysis(
        protocol=protocol,
        cutoff=cutoff,
        by=column,
        patients=patients,
        flow=_flow(ordered, patients, protocol),
        best_responses=_best_responses(analysed),
        rates=_rates(analysed, split, protocol),
        endpoints=tuple(_endpoint(name, analysed, split, protocol, column) for name in ENDPOINTS),
        sensitivity=_sensitivity(ordered, protocol, cutoff, drug_groups, any(one.has_imputed for one in analysed)),
        missing_group=tuple(name for name, label in split.items() if label is None),
        split=split,
    )


def _label(value: Cell) -> str | None:
    return None if value is None else str(value)


def _levels(split: Mapping[str, str | None]) -> list[str]:
    """The first is what the others are compared with: limited disease, a gene as it should be, else by name."""
    return sorted({label for label in split.values() if label is not None}, key=lambda one: (one not in _FIRST, one))


_FIRST = frozenset({"limited", "wild_type"})


def _flow(
    records: Sequence[PatientRecord], patients: Sequence[PatientOutcome], protocol: Protocol
) -> tuple[FlowStep, ...]:
    labels = (
        "patients",
        "with small cell lung cancer",
        "with a dated line 1 of systemic therapy",
        f"analysed ({TIME_ZERO[protocol.time_zero]} known, data without contradiction)",
        "evaluable for response (disease at the start, an adequate assessment after it)",
    )
    steps = zip(labels, stages(patients), strict=True)
    return (
        FlowStep("dated notes", sum(len(one.notes) for one in records)),
        *(FlowStep(label, len(some), tuple(one.patient_id for one in some)) for label, some in steps),
    )


def stages(patients: Sequence[PatientOutcome]) -> tuple[tuple[PatientOutcome, ...], ...]:
    """All, with the disease, treated, analysed, evaluable for response: who is left after each step."""
    eligible = tuple(one for one in patients if one.eligible)
    treated = tuple(one for one in eligible if one.first_line is not None)
    analysed = tuple(one for one in eligible if not one.excluded)
    return tuple(patients), eligible, treated, analysed, tuple(one for one in analysed if one.evaluable)


def _best_responses(analysed: Sequence[PatientOutcome]) -> dict[str, dict[str, int]]:
    order = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
    lines = [one.first_line for one in analysed if one.first_line is not None]
    counts = {
        "unconfirmed": Counter(line.best.value for line in lines),
        "confirmed": Counter(line.confirmed.value for line in lines),
    }
    return {
        name: {value: found[value] for value in order if found[value] or value != order[3]}
        for name, found in counts.items()
    }


def _rates(analysed: Sequence[PatientOutcome], split: Mapping[str, str | None], protocol: Protocol) -> tuple[Rate, ...]:
    found: list[Rate] = []
    for group in (ALL, *_levels(split)):
        members = [one for one in analysed if group == ALL or split[one.patient_id] == group]
        lines = [one.first_line for one in members if one.first_line is not None]
        for denominator in (ALL, "evaluable"):
            counted = [line for line in lines if denominator == ALL or line.evaluable]
            for measure, hits in (
                ("ORR", sum(line.best.value in ("CR", "PR") for line in counted)),
                ("confirmed ORR", sum(line.confirmed.value in ("CR", "PR") for line in counted)),
                ("DCR", sum(line.best.value in ("CR", "PR", "SD") for line in counted)),
                ("confirmed DCR", sum(line.confirmed.value in ("CR", "PR", "SD") for line in counted)),
                ("CBR", sum(line.benefit for line in counted)),
            ):
                found.append(Rate(measure, denominator, group, proportion(hits, len(counted), protocol.conf_level)))
    return tuple(found)


def usable_sample(rows: Sequence[TimeToEvent]) -> Sample:
    """The times of computed rows, with their entries where any enters late."""
    delayed = any(row.entry_days is not None for row in rows)
    return sample(
        [float(row.days or 0) for row in rows],
        [int(bool(row.event)) for row in rows],
        [float(row.entry_days or 0) for row in rows] if delayed else None,
    )


def survive(group: str, rows: Mapping[str, TimeToEvent], protocol: Protocol) -> GroupSurvival:
    """The curve of some patients' rows, with all that is read from it. With delayed entry it starts when enough are at risk."""
    data = usable_sample(list(rows.values()))
    start = (first_reliable_time(data, protocol.start_at_risk) or 0.0) if data.delayed else 0.0
    shown = start_at(data, start)[0] if start else data
    curve = kaplan_meier(shown, protocol.conf_type, protocol.conf_level)
    return GroupSurvival(
        group=group,
        sample=data,
        curve=curve,
        quantiles=(quantile(curve, 0.25), quantile(curve, 0.5), quantile(curve, 0.75)),
        landmarks=tuple(landmark(curve, shown, month * protocol.month_days) for month in protocol.landmark_months),
        follow_up=follow_up(shown, protocol.conf_type, protocol.conf_level),
        restricted=restricted_mean(curve, protocol.rmst_months * protocol.month_days),
        patients=tuple(rows),
        start=start,
    )


def _endpoint(
    name: str, analysed: Sequence[PatientOutcome], split: Mapping[str, str | None], protocol: Protocol, by: str | None
) -> EndpointResult:
    rows = {one.patient_id: one.endpoints[name] for one in analysed}
    primary = {patient: row for patient, row in rows.items() if row.primary}
    compared: Mapping[str, TimeToEvent] = primary
    never: tuple[str, ...] = ()
    if by in protocol.genes:  # who was sequenced had to live until then (DOMAIN 2.9)
        compared, never = from_report(analysed, {one: row for one, row in primary.items() if split[one] is not None})
    levels = [level for level in _levels(split) if any(split[patient] == level for patient in compared)]
    by_level = {
        level: {patient: row for patient, row in compared.items() if split[patient] == level} for level in levels
    }
    groups = tuple(survive(level, of_level, protocol) for level, of_level in by_level.items())
    sized = {level: list(of_level.values()) for level, of_level in by_level.items()}
    test, no_test = _compare(sized, protocol) if split else (None, "")
    ratios, hazards_test = _hazard_ratios(sized, protocol) if test is not None else ((), None)
    return EndpointResult(
        endpoint=name,
        overall=survive(ALL, primary, protocol),
        groups=groups,
        test=test,
        no_test=no_test,
        hazard_ratios=ratios,
        not_computed=sum(row.event is None for row in rows.values()),
        sensitivity_only=sum(row.event is not None and not row.primary for row in rows.values()),
        hazards_test=hazards_test,
        mean_difference=_mean_difference(groups, protocol) if test is not None else None,
        never_at_risk=never,
        groups_delayed=by in protocol.genes,
    )


def from_report(
    outcomes: Sequence[PatientOutcome], rows: Mapping[str, TimeToEvent]
) -> tuple[dict[str, TimeToEvent], tuple[str, ...]]:
    """The rows of patients at risk from their molecular report on, and who never was (no report, or after the end)."""
    reported = {one.patient_id: one.molecular_report for one in outcomes}
    kept = {patient: late for patient, row in rows.items() if (late := enter_late(row, reported[patient])) is not None}
    return kept, tuple(patient for patient in rows if patient not in kept)


def _mean_difference(groups: Sequence[GroupSurvival], protocol: Protocol) -> MeanDifference | None:
    if len(groups) != 2 or any(one.restricted.extrapolated for one in groups):
        return None
    return compare_restricted_means(groups[0].restricted, groups[1].restricted, protocol.conf_level)


def _compare(by_level: Mapping[str, Sequence[TimeToEvent]], protocol: Protocol) -> tuple[LogRank | None, str]:
    sizes = {level: (len(rows), sum(bool(row.event) for row in rows)) for level, rows in by_level.items()}
    reason = why_no_test(sizes, protocol.min_group_patients, protocol.min_group_events)
    if reason:
        return None, reason
    labels = [level for level, rows in by_level.items() for _ in rows]
    return log_rank(usable_sample([row for rows in by_level.values() for row in rows]), labels), ""


def _hazard_ratios(
    by_level: Mapping[str, Sequence[TimeToEvent]], protocol: Protocol
) -> tuple[tuple[HazardRatio, ...], HazardsTest | None]:
    """Each group against the first, and whether the hazards are proportional."""
    levels = list(by_level)
    labels = [level for level, rows in by_level.items() for _ in rows]
    covariates, names = dummies(labels, levels)
    data = usable_sample([row for rows in by_level.values() for row in rows])
    fit = fit_cox(data, covariates, names, conf_level=protocol.conf_level)
    if not fit.converged:
        return (), None
    ratios = tuple(
        HazardRatio(term.name, levels[0], term.hazard_ratio, term.lower, term.upper, term.p, coef=term.coef, se=term.se)
        for term in fit.terms
    )
    tests = check_hazards(data, covariates, fit)
    return ratios, tests[-1] if tests else None


def _sensitivity(
    records: Sequence[PatientRecord], protocol: Protocol, cutoff: Day, groups: DrugGroups, imputed: bool
) -> tuple[Sensitivity, ...]:
    """The medians of OS and PFS under the choices DOMAIN names; each a full derivation."""
    runs: list[tuple[str, tuple[str, ...], Protocol, Scheme, bool]] = [
        ("as in the protocol", ("os", "pfs", "pfs_trial"), protocol, "mid", False),
        *(
            (label, ("pfs",), protocol.model_copy(update=change), "mid", False)
            for label, change in (
                ("death window 60 d", {"death_window_days": 60}),
                ("death window unlimited", {"death_window_days": None}),
                ("no grace period", {"rwp_grace_days": 0}),
                ("no visit gap rule", {"visit_gap_days": None}),
                ("censored at the next line", {"line_change_before_rwp": "censor"}),
                ("next line counted as event", {"line_change_before_rwp": "event"}),
                ("imaging only", {"progression_basis": "imaging"}),
            )
        ),
        ("events after missed assessments counted", ("pfs_trial",), protocol.model_copy(update={"recist_gap_days": None}), "mid", False),
    ]  # fmt: skip
    if imputed:
        runs += [
            ("partial dates at their earliest", ("os", "pfs"), protocol, "lo", True),
            ("partial dates in the middle, year-only ones too", ("os", "pfs"), protocol, "mid", True),
            ("partial dates at their latest", ("os", "pfs"), protocol, "hi", True),
        ]
    found = []
    for label, names, settings, scheme, everything in runs:
        outcomes = [derive_patient(one, settings, cutoff, groups, scheme) for one in records]
        kept = [one for one in outcomes if not one.excluded]
        for name in names:
            rows = [
                row for one in kept if (row := one.endpoints[name]).event is not None and (everything or row.primary)
            ]
            data = usable_sample(rows)
            median = quantile(kaplan_meier(data, settings.conf_type, settings.conf_level), 0.5)
            found.append(Sensitivity(name, label, data.n, data.events, median))
    return tuple(found)


def headline(analysis: Analysis) -> str:
    """Which response rate leads: the protocol's, or with `both` the confirmed one where a later scan is usual."""
    choice = analysis.protocol.confirm_response
    if choice != "both":
        return choice
    wait = datetime.timedelta(days=analysis.protocol.confirm_min_days)
    lines = [one.first_line for one in analysis.analysed if one.first_line is not None]
    responders = [one for one in lines if one.best.value in ("CR", "PR") and one.best.date is not None]
    followed = [
        one
        for one in responders
        if one.best.date is not None and any(later.date >= one.best.date + wait for later in one.assessments)
    ]
    return "confirmed" if 2 * len(followed) >= len(responders) else "unconfirmed"


def exclusions(analysis: Analysis) -> tuple[Fault, ...]:
    """Everybody who is not in the analysis, with the reason; one row a patient."""
    return tuple(
        Fault(one.patient_id, "not_analysed", "excluded", "all", one.excluded)
        for one in analysis.patients
        if one.excluded
    )


def analysis_row(outcome: PatientOutcome, protocol: Protocol) -> dict[str, Cell]:
    """A patient's row of `analysis.csv`: baseline, lines, best response, and five columns an endpoint."""
    columns = outcome.baseline.columns
    first = outcome.first_line
    row: dict[str, Cell] = {
        "patient_id": outcome.patient_id,
        "analysed": 0 if outcome.excluded else 1,
        "excluded_reason": outcome.excluded or None,
        "index_date": str(outcome.index) if outcome.index else None,
    }
    row |= {name: columns[name] for name in (*COLUMNS, *protocol.genes)}
    row |= {
        "n_lines": len(outcome.lines),
        "line1_start": str(first.line.start) if first else None,
        "line1_stop": str(first.line.stop) if first and first.line.stop_known else None,
        "line1_drugs": " + ".join(first.line.drugs) if first else None,
        "best_response": first.best.value if first else None,
        "best_response_date": str(first.best.date) if first and first.best.date else None,
        "confirmed_best_response": first.confirmed.value if first else None,
        "response_evaluable": int(first.evaluable) if first else None,
        "platinum_free_interval_days": outcome.platinum.days,
        "platinum_sensitivity": outcome.platinum.category,
    }
    for name in ENDPOINTS:
        row |= _endpoint_cells(name, outcome.endpoints[name], protocol)
    return row


def _endpoint_cells(name: str, one: TimeToEvent, protocol: Protocol) -> dict[str, Cell]:
    known = one.event is not None and one.days is not None
    return {
        f"{name}_months": round(protocol.months(one.days), 6) if one.days is not None else None,
        f"{name}_days": one.days,
        f"{name}_event": int(bool(one.event)) if known else None,
        f"{name}_start": str(one.start) if one.start else None,
        f"{name}_stop": str(one.stop) if one.stop else None,
        f"{name}_reason": one.reason,
        f"{name}_primary": int(one.primary) if known else None,
        f"{name}_entry_days": one.entry_days,
    }


def warnings(analysis: Analysis) -> tuple[Fault, ...]:
    """Faults that were told and computed with."""
    return tuple(one for one in analysis.faults if one.severity == WARNING)
