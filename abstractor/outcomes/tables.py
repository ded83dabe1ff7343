"""The numbers as files: `analysis.csv`, a row a patient, and `tables/*.csv`, one per kind of result."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from abstractor.outcomes.baseline import COLUMNS
from abstractor.outcomes.cohort import Analysis, EndpointResult, GroupSurvival, analysis_row
from abstractor.outcomes.faults import EXCLUDED
from abstractor.outcomes.further_tables import further_tables
from abstractor.outcomes.numbers import rate_id, slug
from abstractor.outcomes.patient import ENDPOINTS
from abstractor.outcomes.report.shown import Results
from abstractor.outcomes.second_opinion import NOT_COMPARED, SecondOpinion
from abstractor.outcomes.trace_tables import NUMBERS, number_rows, trace_tables
from abstractor.outcomes.writing import write_table

Row = Mapping[str, object]

_ENDPOINT_PARTS = ("months", "event", "start", "stop", "reason", "days", "primary", "entry_days")


def analysis_columns(analysis: Analysis) -> tuple[str, ...]:
    """The header of `analysis.csv`."""
    return (
        "patient_id",
        "analysed",
        "excluded_reason",
        "index_date",
        *COLUMNS,
        *analysis.protocol.genes,
        "n_lines",
        "line1_start",
        "line1_stop",
        "line1_drugs",
        "best_response",
        "best_response_date",
        "confirmed_best_response",
        "response_evaluable",
        "platinum_free_interval_days",
        "platinum_sensitivity",
        *(f"{name}_{part}" for name in ENDPOINTS for part in _ENDPOINT_PARTS),
    )


def write_tables(results: Results, out: Path, opinion: SecondOpinion) -> tuple[Path, ...]:
    """Writes all tables below `out` and returns their paths, `analysis.csv` first. They hold patients: none is for others."""
    analysis, folder = results.analysis, out / "tables"
    rows = (analysis_row(one, analysis.protocol) for one in analysis.patients)
    paths = [write_table(out / "analysis.csv", analysis_columns(analysis), rows)]
    for name, columns, table in (
        ("response_rates", _RATES, _rate_rows(analysis)),
        ("best_response", ("id", "kind", "category", "n"), _best_rows(analysis)),
        ("survival", _SURVIVAL, _survival_rows(analysis)),
        ("comparisons", _COMPARISONS, _comparison_rows(analysis)),
        ("curves", _CURVES, _curve_rows(analysis)),
        ("sensitivity", _SENSITIVITY, _sensitivity_rows(analysis)),
        ("endpoints", _ENDPOINTS, _endpoint_rows(analysis)),
        ("lines", _LINES, _line_rows(analysis)),
        ("faults", ("patient_id", "severity", "scope", "code", "text"), _fault_rows(analysis)),
        ("second_opinion", _OPINION, _opinion_rows(opinion)),
        ("flow", ("step", "n"), ({"step": one.label, "n": one.count} for one in analysis.flow)),
        *_table_one(results),
        *further_tables(results),
        *trace_tables(results),
    ):
        paths.append(write_table(folder / f"{name}.csv", columns, table))
    return tuple(paths)


def write_shareable_tables(results: Results, out: Path) -> tuple[Path, ...]:
    """The tables without patients: every number with its id, the withheld ones without a value."""
    sheets = (("numbers", NUMBERS, number_rows(results)), *_table_one(results))
    return tuple(write_table(out / "tables" / f"{name}.csv", columns, rows) for name, columns, rows in sheets)


def _table_one(results: Results) -> tuple[tuple[str, tuple[str, ...], list[dict[str, str]]], ...]:
    found = results.table_one
    return (("table_one", found.header, found.records()),) if found else ()


_RATES = (
    "id", "measure", "denominator", "group", "x", "n", "estimate", "lower", "upper", "wilson_lower", "wilson_upper", "conf_level",
)  # fmt: skip


def _rate_rows(analysis: Analysis) -> Iterator[Row]:
    for one in analysis.rates:
        value = one.value
        yield {
            "id": f"{rate_id(one.measure, one.denominator, one.group)}.share",
            "measure": one.measure,
            "denominator": one.denominator,
            "group": one.group,
            "x": value.x,
            "n": value.n,
            "estimate": value.estimate,
            "lower": value.lower,
            "upper": value.upper,
            "wilson_lower": value.wilson_lower,
            "wilson_upper": value.wilson_upper,
            "conf_level": value.conf_level,
        }


def _best_rows(analysis: Analysis) -> Iterator[Row]:
    for kind, counts in analysis.best_responses.items():
        for category, n in counts.items():
            yield {"id": f"bor-{kind}.{slug(category)}", "kind": kind, "category": category, "n": n}


_SURVIVAL = (
    "id", "endpoint", "group", "n", "events", "quantity", "at_months", "n_at_risk", "estimate", "lower", "upper", "beyond_last", "unit",
)  # fmt: skip


def _survival_rows(analysis: Analysis) -> Iterator[Row]:
    months = analysis.protocol.month_days
    for result in analysis.endpoints:
        for group in (result.overall, *result.groups):
            head: dict[str, object] = {
                "endpoint": result.endpoint,
                "group": group.group,
                "n": group.sample.n,
                "events": group.sample.events,
            }
            name = f"{result.endpoint}.{slug(group.group)}"
            for label, one in zip(("q25", "median", "q75"), group.quantiles, strict=True):
                yield (
                    head
                    | {"id": f"{name}.{label}"}
                    | _scaled(f"quantile {one.prob:g}", one.estimate, one.lower, one.upper, months)
                )
            middle = group.follow_up[1]
            yield (
                head
                | {"id": f"{name}.followup"}
                | _scaled("median follow-up (reverse KM)", middle.estimate, middle.lower, middle.upper, months)
            )
            mean = group.restricted
            value = None if mean.extrapolated or not group.sample.n else mean.estimate
            label = f"restricted mean to {analysis.protocol.rmst_months:g} months"
            yield head | {"id": f"{name}.rmst"} | _scaled(label, value, None, None, months)
            for mark in group.landmarks:
                known = not mark.beyond_last
                yield head | {
                    "id": f"{name}.s{mark.time / months:g}",
                    "quantity": "survival",
                    "at_months": mark.time / months,
                    "n_at_risk": mark.at_risk,
                    "estimate": mark.survival if known else None,
                    "lower": mark.lower if known else None,
                    "upper": mark.upper if known else None,
                    "beyond_last": int(mark.beyond_last),
                    "unit": "probability",
                }


def _scaled(
    quantity: str, estimate: float | None, lower: float | None, upper: float | None, days: float
) -> dict[str, object]:
    values = {"estimate": estimate, "lower": lower, "upper": upper}
    scaled = {name: None if value is None else value / days for name, value in values.items()}
    return {"quantity": quantity, "unit": "months", **scaled}


_COMPARISONS = (
    "id",
    "endpoint",
    "by",
    "test",
    "group",
    "reference",
    "chi_square",
    "df",
    "p",
    "hazard_ratio",
    "difference",
    "lower",
    "upper",
    "note",
)


def _comparison_rows(analysis: Analysis) -> Iterator[Row]:
    if analysis.by is None:
        return
    for result in analysis.endpoints:
        head = {"endpoint": result.endpoint, "by": analysis.by}
        if result.test is None:
            yield head | {"test": "log-rank", "note": result.no_test}
            continue
        yield head | {
            "id": f"{result.endpoint}.logrank",
            "test": "log-rank",
            "chi_square": result.test.chi_square,
            "df": result.test.df,
            "p": result.test.p,
        }
        for ratio in result.hazard_ratios:
            yield head | {
                "id": f"{result.endpoint}.hr.{slug(ratio.group)}",
                "test": "Cox (Efron), unadjusted",
                "group": ratio.group,
                "reference": ratio.reference,
                "hazard_ratio": ratio.estimate,
                "lower": ratio.lower,
                "upper": ratio.upper,
                "p": ratio.p,
            }
        if result.hazards_test is not None:
            yield head | {
                "id": f"{result.endpoint}.zph",
                "test": "proportional hazards (score test, km)",
                "chi_square": result.hazards_test.chi_square,
                "df": result.hazards_test.df,
                "p": result.hazards_test.p,
            }
        if result.mean_difference is not None:
            gap = result.mean_difference
            yield head | {
                "id": f"{result.endpoint}.rmst-difference",
                "test": "difference of restricted means, months",
                "group": result.groups[1].group,
                "reference": result.groups[0].group,
                "difference": gap.estimate / analysis.protocol.month_days,
                "lower": gap.lower / analysis.protocol.month_days,
                "upper": gap.upper / analysis.protocol.month_days,
                "p": gap.p,
            }


_CURVES = (
    "id", "endpoint", "group", "days", "n_at_risk", "n_event", "n_censored", "survival", "std_err", "lower", "upper",
)  # fmt: skip


def _curve_rows(analysis: Analysis) -> Iterator[Row]:
    for result in analysis.endpoints:
        for group in (result.overall, *result.groups):
            yield from _steps(result, group)


def _steps(result: EndpointResult, group: GroupSurvival) -> Iterator[Row]:
    curve = group.curve
    for place in range(curve.time.size):
        numbers = {
            "survival": float(curve.survival[place]),
            "std_err": float(curve.std_err[place]),
            "lower": float(curve.lower[place]),
            "upper": float(curve.upper[place]),
        }
        yield {
            "id": f"{result.endpoint}.{slug(group.group)}@{int(curve.time[place])}",
            "endpoint": result.endpoint,
            "group": group.group,
            "days": int(curve.time[place]),
            "n_at_risk": int(curve.at_risk[place]),
            "n_event": int(curve.events[place]),
            "n_censored": int(curve.censored[place]),
            **{name: None if value != value else value for name, value in numbers.items()},
        }


_SENSITIVITY = ("endpoint", "choice", "n", "events", "median_months", "lower", "upper")


def _sensitivity_rows(analysis: Analysis) -> Iterator[Row]:
    months = analysis.protocol.month_days
    for one in analysis.sensitivity:
        scaled = _scaled("", one.median.estimate, one.median.lower, one.median.upper, months)
        yield {
            "endpoint": one.endpoint,
            "choice": one.choice,
            "n": one.n,
            "events": one.events,
            "median_months": scaled["estimate"],
            "lower": scaled["lower"],
            "upper": scaled["upper"],
        }


_ENDPOINTS = (
    "patient_id", "endpoint", "start", "stop", "days", "event", "entry_days", "primary", "reason", "rule", "basis", "flags",
    "evidence",
)  # fmt: skip


def _endpoint_rows(analysis: Analysis) -> Iterator[Row]:
    for outcome in analysis.patients:
        for name in ENDPOINTS:
            one = outcome.endpoints[name]
            yield {
                "patient_id": outcome.patient_id,
                "endpoint": name,
                "start": one.start,
                "stop": one.stop,
                "days": one.days,
                "event": None if one.event is None else int(one.event),
                "entry_days": one.entry_days,
                "primary": int(one.primary),
                "reason": one.reason,
                "rule": one.rule,
                "basis": one.basis,
                "flags": "; ".join(one.flags),
                "evidence": "; ".join(one.evidence),
            }


_OPINION = ("endpoint", "group", "statistic", "day", "ours", "lifelines", "difference", "verdict", "why")


def _opinion_rows(opinion: SecondOpinion) -> Iterator[Row]:
    for one in opinion.checks:
        yield {
            "endpoint": one.endpoint,
            "group": one.group,
            "statistic": one.statistic,
            "day": one.day,
            "ours": one.ours,
            "lifelines": one.lifelines,
            "difference": one.difference,
            "verdict": one.verdict,
            "why": one.why,
        }
    if opinion.skipped:
        yield {"statistic": "all", "verdict": NOT_COMPARED, "why": opinion.skipped}


_LINES = (
    "patient_id", "line", "start", "stop", "stop_known", "drugs", "cycles", "opened_by", "flags", "best_response",
    "confirmed_best_response", "evaluable", "n_assessments", "evidence",
)  # fmt: skip


def _line_rows(analysis: Analysis) -> Iterator[Row]:
    for outcome in analysis.patients:
        for one in outcome.lines:
            line = one.line
            yield {
                "patient_id": outcome.patient_id,
                "line": line.number,
                "start": line.start,
                "stop": line.stop,
                "stop_known": int(line.stop_known),
                "drugs": " + ".join(line.drugs),
                "cycles": line.cycles,
                "opened_by": line.opened_by,
                "flags": "; ".join(line.flags),
                "best_response": one.best.value,
                "confirmed_best_response": one.confirmed.value,
                "evaluable": int(one.evaluable),
                "n_assessments": len(one.assessments),
                "evidence": "; ".join(line.evidence),
            }


def _fault_rows(analysis: Analysis) -> Iterator[Row]:
    for outcome in analysis.patients:
        told = {one.text for one in outcome.faults if one.severity == EXCLUDED}
        if outcome.excluded and outcome.excluded not in told:
            yield {
                "patient_id": outcome.patient_id,
                "severity": "excluded",
                "scope": "all",
                "code": "not_analysed",
                "text": outcome.excluded,
            }
        for one in outcome.faults:
            yield {
                "patient_id": one.patient_id,
                "severity": one.severity,
                "scope": one.scope,
                "code": one.code,
                "text": one.text,
            }
