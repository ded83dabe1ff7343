"""Each group on its own: curve, quantiles, survival at times, cumulative incidence."""

from abstractor.outcomes.competing_risks import cumulative_incidence, incidence_at
from abstractor.outcomes.survival import (
    Curve,
    Quantile,
    Sample,
    follow_up,
    kaplan_meier,
    landmark,
    quantile,
    restricted_mean,
)
from abstractor.outcomes.table_answers.question import Question
from abstractor.outcomes.table_answers.study import Json, Study, number, shown_curve

PROBABILITIES = (0.25, 0.5, 0.75)


def group_statistics(study: Study, name: str, asked: Question) -> Json:
    data, start, shown = shown_curve(study, name, asked)
    if asked.start_at_risk and start is None:
        study.notes.append(f"group {name}: never {asked.start_at_risk} at risk; its curve starts at the first entry")
    elif start:
        study.notes.append(
            f"group {name}: its curve starts at {start:g}, the first time with {asked.start_at_risk} at risk"
        )
    head: Json = {"n": data.n, "events": data.events}
    if start is not None:
        head["start"] = start
    potential = follow_up(
        study.group(name, any_cause=True) if asked.cause else shown, asked.conf_type, asked.conf_level
    )[1]
    tail: Json = {
        "followup": {
            "median": number(potential.estimate),
            "lower": number(potential.lower),
            "upper": number(potential.upper),
        }
    }
    if asked.cause:
        return head | _incidence(study, name, asked) | tail
    curve = kaplan_meier(shown, asked.conf_type, asked.conf_level)
    body: Json = {
        "quantiles": [_quantile_row(quantile(curve, prob)) for prob in PROBABILITIES],
        "survival": [_survival_row(curve, shown, at) for at in asked.times],
        "rmst": None,
    }
    if asked.tau is not None:
        mean = restricted_mean(curve, asked.tau)
        body["rmst"] = {
            "tau": mean.tau,
            "rmst": number(mean.estimate),
            "se": number(mean.std_err),
            "extrapolated": mean.extrapolated,
        }
    if asked.curve:
        body["curve"] = _steps(curve)
    return head | body | tail


def _quantile_row(one: Quantile) -> Json:
    return {"prob": one.prob, "est": number(one.estimate), "lower": number(one.lower), "upper": number(one.upper)}


def _survival_row(curve: Curve, data: Sample, at: float) -> Json:
    one = landmark(curve, data, at)
    return {
        "t": at,
        "n_risk": one.at_risk,
        "surv": number(one.survival),
        "std_err": number(one.std_err),
        "lower": number(one.lower),
        "upper": number(one.upper),
        "beyond_last": one.beyond_last,
        "events": int(curve.events[curve.time <= at].sum()),
        "censored": int(curve.censored[curve.time <= at].sum()),
    }


def _steps(curve: Curve) -> list[Json]:
    return [
        {
            "t": float(curve.time[place]),
            "n_risk": int(curve.at_risk[place]),
            "n_event": int(curve.events[place]),
            "n_censor": int(curve.censored[place]),
            "surv": float(curve.survival[place]),
            "std_err": number(curve.std_err[place]),
            "lower": number(curve.lower[place]),
            "upper": number(curve.upper[place]),
        }
        for place in range(curve.time.size)
    ]


def _incidence(study: Study, name: str, asked: Question) -> Json:
    data = study.group(name, any_cause=True)
    inside = study.inside(name)
    curve = cumulative_incidence(data, study.ours[inside], asked.conf_type, asked.conf_level)
    rows: list[Json] = []
    for at in asked.times:
        one = incidence_at(curve, data, at)
        rows.append(
            {
                "t": at,
                "n_risk": one.at_risk,
                "est": number(one.incidence),
                "std_err": number(one.std_err),
                "lower": number(one.lower),
                "upper": number(one.upper),
                "beyond_last": one.beyond_last,
            }
        )
    found: Json = {"competing_events": int((study.event & ~study.ours)[inside].sum()), "cumulative_incidence": rows}
    if asked.curve:
        found["curve"] = [
            {
                "t": float(curve.time[place]),
                "n_risk": int(curve.at_risk[place]),
                "n_event": int(curve.events[place]),
                "n_competing": int(curve.others[place]),
                "est": float(curve.incidence[place]),
                "std_err": float(curve.std_err[place]),
                "lower": number(curve.lower[place]),
                "upper": number(curve.upper[place]),
            }
            for place in range(curve.time.size)
        ]
    return found
