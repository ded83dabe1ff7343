"""The further analyses as tables: competing events, response from the landmark, genes, subgroups, course, uncertainty of abstraction."""

from collections.abc import Iterable, Iterator, Mapping

from abstractor.outcomes.numbers import cause_id, ending_id, forest_id, interval_id, platinum_id, slug
from abstractor.outcomes.report.shown import Results

Row = Mapping[str, object]
Sheet = tuple[str, tuple[str, ...], Iterable[Row]]

_CAUSES = ("id", "question", "group", "cause", "n", "events", "at_months", "incidence", "lower", "upper", "beyond_last")
_RESPONSE = (
    "endpoint",
    "analysis",
    "group",
    "n",
    "events",
    "median_months",
    "lower",
    "upper",
    "hazard_ratio",
    "p",
    "note",
)
_GENES = (
    "id", "endpoint", "gene", "tested", "altered", "hazard_ratio", "lower", "upper", "p", "q_bh", "p_holm", "not_tested",
)  # fmt: skip
_SUBGROUPS = (
    "id", "endpoint", "group", "reference", "factor", "level", "n", "events", "hazard_ratio", "lower", "upper",
    "p_interaction", "note",
)  # fmt: skip
_COURSE = ("id", "what", "of", "level", "n", "estimate", "lower", "upper", "unit")
_ABSTRACTION = ("facts", "patients_changed", "analysed", "quantity", "x", "n", "estimate", "lower", "upper", "note")


def further_tables(results: Results) -> tuple[Sheet, ...]:
    """Name, columns and rows of each."""
    return (
        ("competing_risks", _CAUSES, _cause_rows(results)),
        ("response_landmark", _RESPONSE, _response_rows(results)),
        ("genes", _GENES, _gene_rows(results)),
        ("subgroups", _SUBGROUPS, _subgroup_rows(results)),
        ("course", _COURSE, _course_rows(results)),
        ("abstraction", _ABSTRACTION, _abstraction_rows(results)),
    )


def _cause_rows(results: Results) -> Iterator[Row]:
    months = results.analysis.protocol.month_days
    for question in results.further.causes:
        for one in question.curves:
            for at in one.at:
                known = not at.beyond_last
                yield {
                    "id": cause_id(question.name, one.cause, one.group),
                    "question": question.name,
                    "group": one.group,
                    "cause": one.cause,
                    "n": one.curve.n,
                    "events": one.events,
                    "at_months": at.time / months,
                    "incidence": at.incidence if known else None,
                    "lower": at.lower if known else None,
                    "upper": at.upper if known else None,
                    "beyond_last": int(at.beyond_last),
                }


def _response_rows(results: Results) -> Iterator[Row]:
    for one in results.further.responses:
        head: dict[str, object] = {"endpoint": one.endpoint, "analysis": f"landmark day {one.landmark_days}"}
        for group in one.groups:
            median = group.median
            scaled = [
                None if days is None else results.analysis.protocol.months(days)
                for days in (median.estimate, median.lower, median.upper)
            ]
            yield head | {
                "group": group.group,
                "n": group.sample.n,
                "events": group.sample.events,
                **dict(zip(("median_months", "lower", "upper"), scaled, strict=True)),
            }
        if one.ratio is None or one.test is None:
            yield head | {"note": one.no_test or "no hazard ratio: the model did not converge"}
        else:
            ratio = one.ratio
            yield head | {
                "group": ratio.group,
                "hazard_ratio": ratio.estimate,
                "lower": ratio.lower,
                "upper": ratio.upper,
                "p": one.test.p,
                "note": "p of the log-rank test",
            }
        term = one.time_dependent
        head = {"endpoint": one.endpoint, "analysis": "time-dependent"}
        if term is None:
            yield head | {"note": one.why_not}
        else:
            values = {"hazard_ratio": term.hazard_ratio, "lower": term.lower, "upper": term.upper, "p": term.p}
            yield {**head, "group": "after the response", **values}


def _gene_rows(results: Results) -> Iterator[Row]:
    for screen in results.further.genes:
        for one in screen.genes:
            ratio = one.ratio
            yield {
                "id": f"gene.{screen.endpoint}.{slug(one.marker)}",
                "endpoint": screen.endpoint,
                "gene": one.marker,
                "tested": one.known,
                "altered": one.altered,
                "hazard_ratio": ratio.hazard_ratio if ratio else None,
                "lower": ratio.lower if ratio else None,
                "upper": ratio.upper if ratio else None,
                "p": one.test.p if one.test else None,
                "q_bh": one.q,
                "p_holm": one.p_holm,
                "not_tested": one.why_not or None,
            }


def _subgroup_rows(results: Results) -> Iterator[Row]:
    for forest in results.further.forests:
        if not forest.factors:
            yield {"endpoint": forest.endpoint, "note": forest.why_not}
        for factor in forest.factors:
            for one in factor.levels:
                ratio = one.ratio
                yield {
                    "id": forest_id(forest.endpoint, factor.name, one.level),
                    "endpoint": forest.endpoint,
                    "group": forest.group,
                    "reference": forest.reference,
                    "factor": factor.name,
                    "level": one.level,
                    "n": len(one.patients),
                    "events": one.events,
                    "hazard_ratio": ratio.hazard_ratio if ratio else None,
                    "lower": ratio.lower if ratio else None,
                    "upper": ratio.upper if ratio else None,
                    "p_interaction": factor.interaction_p,
                    "note": one.why_not or None,
                }


def _course_rows(results: Results) -> Iterator[Row]:
    course = results.further.course
    for ending in course.endings:
        yield {
            "id": ending_id(ending.endpoint, ending.reason),
            "what": "event" if ending.event else "censored",
            "of": ending.endpoint,
            "level": ending.reason,
            "n": len(ending.patients),
        }
    for one in course.platinum:
        for category, who in one.patients:
            yield {
                "id": platinum_id(one.cutoff, category),
                "what": "platinum sensitivity",
                "of": f"cut-off {one.cutoff} days",
                "level": category,
                "n": len(who),
            }
    for gap in course.intervals:
        low, middle, high = gap.quartiles or (None, None, None)
        head = {"id": f"{interval_id(gap.group)}.median", "what": "assessment interval", "of": gap.group}
        yield {
            **head,
            "level": "median and quartiles of patients",
            "n": len(gap.patients),
            "estimate": middle,
            "lower": low,
            "upper": high,
            "unit": "days",
        }


def _abstraction_rows(results: Results) -> Iterator[Row]:
    found = results.uncertainty
    if found is None:
        return
    protocol = results.analysis.protocol
    for one in found.outcomes:
        head: dict[str, object] = {"facts": one.name, "patients_changed": one.changed, "analysed": one.analysed}
        if one.orr is None or one.dcr is None:
            yield {"facts": one.name, "note": one.why_not}
            continue
        for name, rate in (("ORR", one.orr), ("DCR", one.dcr)):
            values = {"x": rate.x, "n": rate.n, "estimate": rate.estimate, "lower": rate.lower, "upper": rate.upper}
            yield head | {"quantity": f"{name}, {found.response}"} | values
        for endpoint, (n, events, median) in one.medians.items():
            yield head | {
                "quantity": f"median {endpoint}, months",
                "x": events,
                "n": n,
                "estimate": None if median.estimate is None else protocol.months(median.estimate),
                "lower": None if median.lower is None else protocol.months(median.lower),
                "upper": None if median.upper is None else protocol.months(median.upper),
            }
    if found.extremes is not None:
        for name, rate in (("lowest", found.extremes.lowest), ("highest", found.extremes.highest)):
            values = {"x": rate.x, "n": rate.n, "estimate": rate.estimate}
            yield {"facts": "pending suggestions, patient by patient", "quantity": f"{name} ORR", **values}
    if found.simulation is not None:
        run = found.simulation
        note = f"{run.runs} runs, seed {run.seed}; {run.rates.source}"
        scale = protocol.month_days
        for name, spread, unit in (("ORR", run.orr, 1.0), ("median pfs, months", run.median_pfs, scale)):
            middle, lower, upper = (
                None if value is None else value / unit for value in (spread.middle, spread.lower, spread.upper)
            )
            yield {
                "facts": "errors at the measured rate",
                "quantity": name,
                "estimate": middle,
                "lower": lower,
                "upper": upper,
                "note": note,
            }
