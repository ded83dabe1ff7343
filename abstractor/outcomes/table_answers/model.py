"""The Cox model: columns, coefficients, its tests, delayed entry, and a covariate that changes with time."""

import math
from collections.abc import Sequence

import numpy as np

from abstractor.model.errors import InputError
from abstractor.outcomes.concordance import concordance, linear_predictor
from abstractor.outcomes.cox import CoxFit, Term, dummies, fit_cox
from abstractor.outcomes.delayed_entry import check_entry
from abstractor.outcomes.landmarks import Followed, time_dependent
from abstractor.outcomes.proportional_hazards import check_hazards
from abstractor.outcomes.survival import Floats, Mask
from abstractor.outcomes.table_answers.question import Question
from abstractor.outcomes.table_answers.study import (
    MOST_GROUPS,
    NOT_REACHED,
    Json,
    Study,
    make_study,
    number,
    stratify,
    tell_left_out,
)
from abstractor.outcomes.time_table import TimeTable

_DOUBT = 0.05  # below it the text warns of a hazard ratio that changes over time
_MOST_FOR_ENTRY_TEST = 20_000  # it takes the square of the patients
_NO_ESTIMATE: Json = dict.fromkeys(("coef", "se", "hr", "lower", "upper", "z", "p"))


def fit_model(study: Study, asked: Question, answer: Json) -> None:
    """The Cox model of the covariates, or of the groups."""
    if not asked.covariates and study.labels is None:
        return
    strata, complete = stratify(study, asked)
    parts = list(dict.fromkeys(part for term in asked.covariates for part in term.split(":")))
    for part in parts:
        complete = complete & ~study.table.missing(part)[study.kept]
    if parts:
        tell_left_out(study, complete, [*parts, *asked.strata], "the Cox model")
    columns, names = _design(study, asked, complete)
    data = study.pooled.take(complete)
    if not names or not data.events:
        study.notes.append("no Cox model: " + ("no events" if names else "no covariate that differs between patients"))
        return
    x = np.column_stack(columns)
    layers = None if strata is None else [one for one, known in zip(strata, complete, strict=True) if known]
    free = _independent(x)
    told = [name for name, one in zip(names, free, strict=True) if not one]
    if told:
        study.notes.append(f"no coefficient of {', '.join(told)}: constant, or determined by the terms before")
    x, kept_names = x[:, free], [name for name, one in zip(names, free, strict=True) if one]
    if not kept_names:
        study.notes.append("no Cox model: no covariate that differs between patients")
        return
    fit = fit_cox(data, x, kept_names, layers, asked.conf_level, asked.ties)
    answer["cox"] = [_term_row(term, fit) for term in fit.terms] + [{"term": name} | _NO_ESTIMATE for name in told]
    answer["cox_model"] = _model_row(fit, concordance(data, linear_predictor(x, [t.coef for t in fit.terms]), layers))
    if data.events < 10 * len(kept_names):
        study.notes.append(
            f"{data.events} events and {len(kept_names)} in the Cox model: fewer than 10 events a coefficient"
        )
    if not fit.converged:
        endless = [term.name for term in fit.terms if not term.estimable] or kept_names
        study.notes.append(
            f"no estimate of {', '.join(endless)}: the likelihood has no maximum (a group without events?)"
        )
        return
    tests = check_hazards(data, x, fit, layers, transform=asked.transform, ties=asked.ties)
    if not tests:
        study.notes.append(f"no proportional-hazards test: {asked.transform} of an event at time 0 is not defined")
    if tests and tests[-1].p < _DOUBT:
        study.notes.append(
            f"hazards are not proportional (p {tests[-1].p:.2g}): stratify, let the effect change with time, or compare restricted means"
        )
    answer["zph"] = [
        {
            "term": one.term,
            "transform": one.transform,
            "chisq": number(one.chi_square),
            "df": one.df,
            "p": number(one.p),
        }
        for one in tests
    ]


def _design(study: Study, asked: Question, complete: Mask) -> tuple[list[Floats], list[str]]:
    """Columns and names of the model; factors against their first level, as `column[T.level]`."""
    if not asked.covariates:
        labels = study.labels or []
        name = asked.by or asked.reached
        return _factor(asked, name, [label for label, known in zip(labels, complete, strict=True) if known])
    columns: list[Floats] = []
    names: list[str] = []
    for term in asked.covariates:
        found: list[tuple[Floats, str]] = []
        for part in term.split(":"):
            new = list(zip(*_coded(study, asked, part, complete), strict=True))
            found = [(a * b, f"{left}:{right}") for b, right in new for a, left in found] if found else new
        columns += [column for column, _ in found]
        names += [name for _, name in found]
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise InputError(f"covariate {doubled[0]} is named twice")
    return columns, names


def _coded(study: Study, asked: Question, part: str, complete: Mask) -> tuple[list[Floats], list[str]]:
    if study.table.is_numeric(part) and part not in asked.factors:
        values = study.table.numbers(part, "covariate")[study.kept]
        study.table.refuse(np.isinf(study.table.numbers(part, "covariate")), f"{part} is not finite", "correct the row")
        return [values[complete]], [part]
    if part not in asked.factors:
        table = study.table
        if not table.all_text(part):
            table.refuse(
                table.odd(part),
                f"{part} is not a number, though it is elsewhere",
                f"correct it, or name it in --factor if {part} is a column of groups",
            )
    return _factor(asked, part, [cell for cell, known in zip(study.cells(part), complete, strict=True) if known])


def _factor(asked: Question, name: str, labels: Sequence[str]) -> tuple[list[Floats], list[str]]:
    levels = sorted(set(labels), key=_level_order)
    if len(levels) > MOST_GROUPS:
        raise InputError(
            f"covariate {name} has {len(levels)} levels (at most {MOST_GROUPS}): is it a column of groups?"
        )
    chosen = dict(asked.references).get(name)
    if chosen is not None:
        if chosen not in levels:
            raise InputError(f"reference {name}={chosen}: no such level; the levels are {', '.join(levels[:20])}")
        levels = [chosen, *(level for level in levels if level != chosen)]
    if len(levels) < 2:
        return [], []
    coded, rest = dummies(labels, levels)
    return [coded[:, place] for place in range(len(rest))], [f"{name}[T.{level}]" for level in rest]


def _level_order(label: str) -> tuple[float, str]:
    """Numbers by size, then names; what was not reached is the reference."""
    if label == NOT_REACHED:
        return -math.inf, label
    try:
        return float(label), label
    except ValueError:
        return math.inf, label


def _independent(x: Floats) -> Mask:
    """Which columns are not constant and not determined by those before them."""
    kept: list[Floats] = []
    free = np.zeros(x.shape[1], dtype=bool)
    for place in range(x.shape[1]):
        column = x[:, place] - x[:, place].mean()
        size = float(np.linalg.norm(column))
        rest = column.copy()
        for _ in range(2):  # once more, for the digits the first pass loses
            for other in kept:
                rest = rest - other * float(other @ rest)
        left = float(np.linalg.norm(rest))
        if size > 1e-12 * max(float(np.abs(x[:, place]).max(initial=0.0)), 1e-300) and left > 1e-9 * size:
            free[place] = True
            kept.append(rest / left)
    return free


def _term_row(term: Term, fit: CoxFit) -> Json:
    none_known = not fit.converged and all(one.estimable for one in fit.terms)
    if not term.estimable or none_known:
        return {"term": term.name} | _NO_ESTIMATE
    return {
        "term": term.name,
        "coef": number(term.coef),
        "se": number(term.se),
        "hr": number(term.hazard_ratio),
        "lower": number(term.lower),
        "upper": number(term.upper),
        "z": number(term.z),
        "p": number(term.p),
    }


def _model_row(fit: CoxFit, index: float | None) -> Json:
    df = len(fit.terms)
    return {
        "n": fit.n,
        "events": fit.events,
        "loglik_null": number(fit.log_likelihood_null),
        "loglik": number(fit.log_likelihood),
        "lrt": {"chisq": number(fit.likelihood_ratio), "df": df, "p": number(fit.likelihood_ratio_p)},
        "wald": {"chisq": number(fit.wald), "df": df, "p": number(fit.wald_p)},
        "score": {"chisq": number(fit.score), "df": df, "p": number(fit.score_p)},
        "concordance": number(index),
        "converged": fit.converged,
    }


def check_truncation(study: Study) -> Json | None:
    if study.time.size > _MOST_FOR_ENTRY_TEST:
        study.notes.append(f"entry not tested for independence: more than {_MOST_FOR_ENTRY_TEST} patients")
        return None
    found = check_entry(study.pooled)
    if found is None:
        return None
    return {
        "kendall_tau": number(found.kendall_tau),
        "z": number(found.z),
        "p": number(found.p),
        "cox_entry": {key: value for key, value in _plain_term(found.cox).items() if key != "term"},
    }


def _plain_term(term: Term) -> Json:
    known = term.estimable
    numbers = {
        "coef": term.coef, "se": term.se, "hr": term.hazard_ratio, "lower": term.lower, "upper": term.upper, "z": term.z,
        "p": term.p,
    }  # fmt: skip
    return {"term": term.name} | {name: number(value) if known else None for name, value in numbers.items()}


def time_dependent_effect(table: TimeTable, asked: Question, study: Study) -> Json | None:
    """Cox with a covariate that changes when it happens: everybody counts, from time zero."""
    whole = make_study(table, _without_landmark(asked))
    happened = table.numbers(asked.reached, "time")
    patients = [
        Followed(None if math.isnan(when) else float(when), float(end), bool(flag))
        for when, end, flag in zip(happened, whole.time, whole.ours, strict=True)
    ]
    data, after, _ = time_dependent(patients, None if whole.entry is None else [float(one) for one in whole.entry])
    if not data.events or not 0.0 < float(after.sum()) < after.size:
        return None
    fit = fit_cox(data, after, [asked.reached], conf_level=asked.conf_level, ties=asked.ties)
    if not fit.converged:
        study.notes.append("no time-dependent hazard ratio: the likelihood has no maximum")
    return _plain_term(fit.terms[0]) | {"n": table.n, "events": fit.events}


def _without_landmark(asked: Question) -> Question:
    return Question(time=asked.time, event=asked.event, entry=asked.entry)
