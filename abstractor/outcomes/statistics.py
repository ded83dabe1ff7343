"""The statistics of the outcomes module on any table: what `abstractor stats` answers, as plain numbers ready for JSON.

It computes nothing itself: every number comes from the functions that the report's tables use, so that who checks these numbers against
R or SAS checks those. It reads no registry and draws nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from abstractor.model.errors import InputError
from abstractor.outcomes.competing_risks import cumulative_incidence, incidence_at
from abstractor.outcomes.concordance import concordance, linear_predictor
from abstractor.outcomes.cox import CoxFit, Term, Ties, dummies, fit_cox
from abstractor.outcomes.delayed_entry import check_entry, first_reliable_time, start_at
from abstractor.outcomes.landmarks import Followed, refuse_immortal_time, time_dependent
from abstractor.outcomes.multiplicity import Screened, screen_markers
from abstractor.outcomes.proportional_hazards import Transform, check_hazards
from abstractor.outcomes.proportions import benjamini_hochberg, compare_proportions, holm, proportion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.survival import (
    ConfType,
    Curve,
    Floats,
    LogRank,
    Mask,
    Quantile,
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
from abstractor.outcomes.time_table import Condition, TimeTable, read_time_table

ALL = "all"
PROBABILITIES = (0.25, 0.5, 0.75)
Json = dict[str, Any]

_REACHED, _NOT_REACHED = "reached", "not reached"
_DOUBT = 0.05  # below it the text warns of a hazard ratio that changes over time
_MOST_GROUPS = 100  # more is a column of names or numbers, given by mistake
_MOST_FOR_ENTRY_TEST = 20_000  # it takes the square of the patients
_LIMITS = Protocol.model_fields  # the limits below which no test is published are settings of the protocol


@dataclass(frozen=True, slots=True)
class Question:
    """What to compute, by names of columns; times in the unit of the table."""

    time: str = ""
    event: str = ""
    entry: str = ""
    by: str = ""
    strata: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    """Terms of the Cox model, `a:b` for a product; none: the grouping."""
    factors: tuple[str, ...] = ()
    """Columns of numbers that are to be taken as groups."""
    references: tuple[tuple[str, str], ...] = ()
    """Column and level that the others are compared with in the Cox model; else the first level in order."""
    times: tuple[float, ...] = ()
    tau: float | None = None
    conf_type: ConfType = "log-log"
    conf_level: float = 0.95
    rho: float = 0.0
    ties: Ties = "efron"
    transform: Transform = "km"
    cause: str = ""
    """The code of the event in question where others compete with it."""
    response: str = ""
    landmark: float | None = None
    reached: str = ""
    """Column of the time at which something happened, empty for never; with `landmark` it makes the groups."""
    start_at_risk: int = 0
    """Curves begin when so many are at risk."""
    pairwise: bool = False
    screen: tuple[str, ...] = ()
    """Columns of 0/1, each compared alone, with p values corrected for their number."""
    named_before: tuple[str, ...] = ()
    """Those of the screened columns that were chosen before the data were seen."""
    curve: bool = False
    known_at_start: bool = False
    """The one who asks vouches that groups and covariates were known at time zero."""
    conditions: tuple[Condition, ...] = ()


@dataclass(slots=True)
class _Study:
    """The checked rows, and what there is to say about them."""

    table: TimeTable
    time: Floats
    event: Mask
    """Of any cause."""
    entry: Floats | None
    ours: Mask
    """The event in question."""
    labels: list[str] | None
    kept: Mask
    """Which rows of the table are in the analysis (a landmark leaves some out)."""
    notes: list[str] = field(default_factory=list)

    @property
    def pooled(self) -> Sample:
        return sample(self.time, self.ours, self.entry)

    def group(self, label: str, *, any_cause: bool = False) -> Sample:
        inside = self.inside(label)
        event = self.event if any_cause else self.ours
        return sample(self.time[inside], event[inside], None if self.entry is None else self.entry[inside])

    def inside(self, label: str) -> Mask:
        if self.labels is None:
            return np.ones(self.time.size, dtype=bool)
        chosen: Mask = np.asarray(self.labels) == label
        return chosen

    @property
    def names(self) -> list[str]:
        return [ALL] if self.labels is None else sorted(set(self.labels))

    def cells(self, column: str) -> list[str]:
        labels = self.table.labels(column)
        return [label for label, kept in zip(labels, self.kept, strict=True) if kept]


def compute_statistics(path: Path, asked: Question) -> Json:
    """Reads a table and computes what is asked.

    Returns:
        The layout of `stats --json` (spec: "Statistics out"), and beside it `cox_model`, `settings` and `notes`.

    Raises:
        InputError: the file or a row is at fault, or a grouping would bring immortal time.
    """
    _check_question(asked)
    table = read_time_table(path, _columns(asked), asked.conditions)
    if not asked.time:
        return _responses_only(table, asked)
    study = _study(table, asked)
    groups = {name: _group(study, name, asked) for name in study.names}
    answer: Json = {
        "n": int(study.time.size),
        "events": int(study.ours.sum()),
        "groups": groups,
        "logrank": None,
        "cox": [],
        "zph": [],
    }
    if study.labels is not None:
        _compare(study, asked, answer)
    _model(study, asked, answer)
    if asked.screen:
        answer["screen"] = _screen(study, asked)
    if study.entry is not None:
        answer["truncation"] = _truncation(study)
    if asked.reached:
        answer["time_dependent"] = _time_dependent(table, asked, study)
    if asked.response:
        answer |= _responses(table, asked, study.labels)
    answer["settings"] = _settings(asked)
    answer["notes"] = study.notes
    return answer


def _settings(asked: Question) -> Json:
    return {
        "conf_type": asked.conf_type,
        "conf_level": asked.conf_level,
        "ties": asked.ties,
        "rho": asked.rho,
        "transform": asked.transform,
        "strata": list(asked.strata),
        "cause": asked.cause or None,
        "landmark": asked.landmark,
        "software": {name: version(name) for name in ("abstractor", "numpy", "scipy")},
    }


def _check_question(asked: Question) -> None:
    if bool(asked.time) != bool(asked.event) or not (asked.time or asked.response):
        raise InputError("give both --time and --event (or --response alone)")
    if (asked.landmark is None) != (not asked.reached):
        raise InputError("a landmark analysis needs both --landmark and --reached")
    if asked.reached and (asked.by or asked.cause):
        raise InputError("--reached makes the groups; leave out --by and --cause")
    if asked.cause and (asked.tau is not None or asked.start_at_risk):
        raise InputError("--rmst and --start-at-risk are of survival curves; with --cause there are none")
    if not asked.known_at_start:
        for column in (
            asked.by,
            *asked.strata,
            *asked.screen,
            *(part for term in asked.covariates for part in term.split(":")),
        ):
            refuse_immortal_time(
                column,
                "ask for a landmark analysis with --landmark T --reached COLUMN (the time it happened), "
                "or vouch with --known-at-start that it was known at time zero",
            )


def _columns(asked: Question) -> list[str]:
    parts = [part for term in asked.covariates for part in term.split(":")]
    for column, _ in asked.references:
        if column not in {asked.by, *parts}:
            raise InputError(
                f"reference {column}: neither the grouping nor a covariate; name it in --by or --covariates"
            )
    named = [
        asked.time,
        asked.event,
        asked.entry,
        asked.by,
        asked.response,
        asked.reached,
        *asked.strata,
        *parts,
        *asked.screen,
    ]
    return [name for name in named if name]


def _study(table: TimeTable, asked: Question) -> _Study:
    time = table.numbers(asked.time, "time")
    table.refuse(np.isnan(time), "the time is missing", "complete the row or exclude it (--where)")
    table.refuse(np.isinf(time), "the time is not finite", "correct the row")
    table.refuse(time < 0, "the time is negative", "the event lies before time zero: correct the dates")
    event, ours = _events(table, asked)
    entry = table.numbers(asked.entry, "entry time") if asked.entry else None
    if entry is not None:
        table.refuse(~np.isfinite(entry), "the entry time is missing", "give 0 to who was there from the start")
        table.refuse(
            entry >= time,
            "the entry is not before the exit",
            "who leaves by the day of entry was never at risk: exclude the row and count it in the report",
        )
    labels = _labels(table, asked.by) if asked.by else None
    study = _Study(table, time, event, entry, ours, labels, np.ones(table.n, dtype=bool))
    return _from_landmark(study, asked) if asked.reached else study


def _labels(table: TimeTable, by: str) -> list[str]:
    table.refuse(
        table.missing(by),
        f"the group (column {by}) is missing",
        f"complete the row or exclude it (--where '{by}!=')",
    )
    labels = table.labels(by)
    count = len(set(labels))
    if count > _MOST_GROUPS:
        raise InputError(f"{table.path}: {by} has {count} values (at most {_MOST_GROUPS}): is it a column of groups?")
    return labels


_FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "FALSE": 0, "TRUE": 1, "false": 0, "true": 1, "False": 0, "True": 1}


def _events(table: TimeTable, asked: Question) -> tuple[Mask, Mask]:
    """Who had an event of any cause, and who the one in question."""
    cells = table.cells[asked.event]
    table.refuse(table.missing(asked.event), "the event is missing", "complete the row or exclude it (--where)")
    if asked.cause:
        event = np.array([_FLAGS.get(cell) != 0 for cell in cells])
        ours = event & np.array([cell in (asked.cause, f"{asked.cause}.0") for cell in cells])
        if not ours.any():
            raise InputError(
                f"{table.path}: nobody has event code {asked.cause}; --cause names a code of {asked.event}"
            )
        return event, ours
    codes = set(cells)
    odd = np.array([cell not in _FLAGS for cell in cells]) if codes - set(_FLAGS) else np.zeros(table.n, dtype=bool)
    remedy = (
        "recode it (1/2 to 0/1); if the codes are events that compete, name the one in question with --cause"
        if codes <= {"1", "2", "1.0", "2.0"}
        else "recode it; if the codes are events that compete, name the one in question with --cause"
    )
    table.refuse(odd, f"the event (column {asked.event}) is neither 0 nor 1", remedy)
    event = np.fromiter((_FLAGS[cell] for cell in cells), dtype=bool, count=table.n)
    return event, event


def _from_landmark(study: _Study, asked: Question) -> _Study:
    """Those still followed at the landmark, by what had happened by then, with times from it."""
    day = asked.landmark or 0.0
    happened = study.table.numbers(asked.reached, f"time of {asked.reached}")
    study.table.refuse(happened < 0, f"the time of {asked.reached} is negative", "correct the dates")
    kept = study.time > day
    if not kept.any():
        raise InputError(f"{study.table.path}: nobody is followed beyond the landmark {day:g}; choose an earlier one")
    left = int((~kept).sum())
    note = f"landmark {day:g}: times count from it; {left} of {study.time.size} left before or on it and are out"
    reached = (happened <= day)[kept]  # nan, never, is not
    return _Study(
        study.table,
        study.time[kept] - day,
        study.event[kept],
        None if study.entry is None else np.maximum(study.entry[kept], day) - day,
        study.ours[kept],
        [_REACHED if one else _NOT_REACHED for one in reached],
        kept,
        [note],
    )


def _shown(study: _Study, name: str, asked: Question) -> tuple[Sample, float | None, Sample]:
    """A group, when its curve starts (None: at once), and the sample of the curve."""
    data = study.group(name)
    start = first_reliable_time(data, asked.start_at_risk) if asked.start_at_risk else None
    return data, start, start_at(data, start)[0] if start else data


def _group(study: _Study, name: str, asked: Question) -> Json:
    data, start, shown = _shown(study, name, asked)
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
            "median": _number(potential.estimate),
            "lower": _number(potential.lower),
            "upper": _number(potential.upper),
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
            "rmst": _number(mean.estimate),
            "se": _number(mean.std_err),
            "extrapolated": mean.extrapolated,
        }
    if asked.curve:
        body["curve"] = _steps(curve)
    return head | body | tail


def _quantile_row(one: Quantile) -> Json:
    return {
        "prob": one.prob,
        "est": _number(one.estimate),
        "lower": _number(one.lower),
        "upper": _number(one.upper),
    }


def _survival_row(curve: Curve, data: Sample, at: float) -> Json:
    one = landmark(curve, data, at)
    return {
        "t": at,
        "n_risk": one.at_risk,
        "surv": _number(one.survival),
        "std_err": _number(one.std_err),
        "lower": _number(one.lower),
        "upper": _number(one.upper),
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
            "std_err": _number(curve.std_err[place]),
            "lower": _number(curve.lower[place]),
            "upper": _number(curve.upper[place]),
        }
        for place in range(curve.time.size)
    ]


def _incidence(study: _Study, name: str, asked: Question) -> Json:
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
                "est": _number(one.incidence),
                "std_err": _number(one.std_err),
                "lower": _number(one.lower),
                "upper": _number(one.upper),
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
                "lower": _number(curve.lower[place]),
                "upper": _number(curve.upper[place]),
            }
            for place in range(curve.time.size)
        ]
    return found


def _compare(study: _Study, asked: Question, answer: Json) -> None:
    labels = study.labels or []
    strata, complete = _strata(study, asked)
    if len(set(labels)) < 2:
        study.notes.append("no log-rank test: fewer than two groups")
        return
    chosen = np.flatnonzero(complete)
    data, inside = study.pooled.take(complete), [labels[place] for place in chosen]
    layers = None if strata is None else [strata[place] for place in chosen]
    found = log_rank(data, inside, layers, asked.rho)
    small = _too_small(data, inside)
    if small:
        study.notes.append(f"{small}: tests and hazard ratios are for checking only")
    if found is not None:
        answer["logrank"] = _log_rank_row(found, sorted(set(inside)), asked, data.n, small)
    if asked.tau is not None and len(study.names) == 2:
        answer["rmst_difference"] = _mean_difference(study, asked)
    if asked.pairwise and len(set(inside)) > 2:
        answer["pairwise"] = _pairs(data, inside, layers, asked)


def _too_small(data: Sample, labels: Sequence[str]) -> str:
    names = np.asarray(labels)
    sizes = {name: (int((names == name).sum()), int(data.event[names == name].sum())) for name in sorted(set(labels))}
    return why_no_test(sizes, _LIMITS["min_group_patients"].default, _LIMITS["min_group_events"].default)


def _log_rank_row(found: LogRank, names: Sequence[str], asked: Question, n: int, small: str) -> Json:
    return {
        "chisq": _number(found.chi_square),
        "df": found.df,
        "p": _number(found.p),
        "n": n,
        "rho": asked.rho,
        "strata": list(asked.strata),
        "observed": dict(zip(names, found.observed, strict=True)),
        "expected": dict(zip(names, found.expected, strict=True)),
        "below_limits": small or None,
    }


def _mean_difference(study: _Study, asked: Question) -> Json:
    """Of the second group less the first."""
    first, second = (
        restricted_mean(kaplan_meier(_shown(study, name, asked)[2]), asked.tau or 0.0) for name in study.names
    )
    found = compare_restricted_means(first, second, asked.conf_level)
    return {
        "groups": study.names,
        "tau": found.tau,
        "est": found.estimate,
        "se": found.std_err,
        "lower": found.lower,
        "upper": found.upper,
        "p": _number(found.p),
    }


def _screen(study: _Study, asked: Question) -> list[Json]:
    """Each marker alone; those without a value for it are not in its test."""
    odd = [name for name in asked.named_before if name not in asked.screen]
    if odd:
        raise InputError(f"{odd[0]} is named as pre-specified, but not in --screen")
    strata, complete = _strata(study, asked)
    markers: dict[str, list[bool | None]] = {}
    for name in dict.fromkeys(asked.screen):
        missing = study.table.missing(name)
        odd_cells = np.array([cell not in _FLAGS for cell in study.table.cells[name]]) & ~missing
        study.table.refuse(odd_cells, f"{name} is neither 0 nor 1", "recode it to 0/1, empty for not tested")
        flags = [_FLAGS.get(cell) for cell in study.cells(name)]
        markers[name] = [
            None if flag is None else bool(flag) for flag, known in zip(flags, complete, strict=True) if known
        ]
    layers = None if strata is None else [one for one, known in zip(strata, complete, strict=True) if known]
    found = screen_markers(
        study.pooled.take(complete), markers, asked.named_before, layers, conf_level=asked.conf_level
    )
    study.notes.append(f"{sum(one.test is not None for one in found)} of {len(found)} markers tested")
    return [_screen_row(one) for one in found]


def _screen_row(one: Screened) -> Json:
    ratio = one.ratio
    return {
        "marker": one.marker,
        "n": one.known,
        "altered": one.altered,
        "chisq": one.test.chi_square if one.test else None,
        "p": one.test.p if one.test else None,
        "p_bh": one.q,
        "p_holm": one.p_holm,
        "hr": _number(ratio.hazard_ratio) if ratio else None,
        "lower": _number(ratio.lower) if ratio else None,
        "upper": _number(ratio.upper) if ratio else None,
        "not_tested": one.why_not or None,
    }


def _pairs(data: Sample, labels: Sequence[str], strata: Sequence[str] | None, asked: Question) -> list[Json]:
    names = np.asarray(labels)
    rows: list[Json] = []
    for first, second in combinations(sorted(set(labels)), 2):
        both = (names == first) | (names == second)
        layers = None if strata is None else list(np.asarray(strata)[both])
        found = log_rank(data.take(both), list(names[both]), layers, asked.rho)
        if found is not None:
            small = _too_small(data.take(both), list(names[both]))
            rows.append(
                {"groups": [first, second], "chisq": found.chi_square, "df": found.df, "p": found.p}
                | {"below_limits": small or None}
            )
    p_values = [row["p"] for row in rows]
    for row, by_holm, by_rate in zip(rows, holm(p_values), benjamini_hochberg(p_values), strict=True):
        row |= {"p_holm": by_holm, "p_bh": by_rate}
    return rows


def _strata(study: _Study, asked: Question) -> tuple[list[str] | None, Mask]:
    """The stratum of each row, and where it is known; rows without one are told."""
    complete = np.ones(study.time.size, dtype=bool)
    if not asked.strata:
        return None, complete
    columns = [study.cells(name) for name in asked.strata]
    for name in asked.strata:
        complete &= ~study.table.missing(name)[study.kept]
    _tell_left_out(study, complete, asked.strata, "the stratified analysis")
    return [" / ".join(cells) for cells in zip(*columns, strict=True)], complete


def _tell_left_out(study: _Study, complete: Mask, columns: Sequence[str], where: str) -> None:
    rows = study.table.row[study.kept][~complete]
    if rows.size:
        named = ", ".join(map(str, rows[:10])) + (f" and {rows.size - 10} more" if rows.size > 10 else "")
        note = (
            f"{rows.size} without {' or '.join(columns)} left out of {where}: row{'s' if rows.size > 1 else ''} {named}"
        )
        if note not in study.notes:
            study.notes.append(note)


def _model(study: _Study, asked: Question, answer: Json) -> None:
    """The Cox model of the covariates, or of the groups."""
    if not asked.covariates and study.labels is None:
        return
    strata, complete = _strata(study, asked)
    parts = list(dict.fromkeys(part for term in asked.covariates for part in term.split(":")))
    for part in parts:
        complete = complete & ~study.table.missing(part)[study.kept]
    if parts:
        _tell_left_out(study, complete, [*parts, *asked.strata], "the Cox model")
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
            "chisq": _number(one.chi_square),
            "df": one.df,
            "p": _number(one.p),
        }
        for one in tests
    ]


def _design(study: _Study, asked: Question, complete: Mask) -> tuple[list[Floats], list[str]]:
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


def _coded(study: _Study, asked: Question, part: str, complete: Mask) -> tuple[list[Floats], list[str]]:
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
    if len(levels) > _MOST_GROUPS:
        raise InputError(
            f"covariate {name} has {len(levels)} levels (at most {_MOST_GROUPS}): is it a column of groups?"
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
    if label == _NOT_REACHED:
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


_NO_ESTIMATE: Json = dict.fromkeys(("coef", "se", "hr", "lower", "upper", "z", "p"))


def _term_row(term: Term, fit: CoxFit) -> Json:
    none_known = not fit.converged and all(one.estimable for one in fit.terms)
    if not term.estimable or none_known:
        return {"term": term.name} | _NO_ESTIMATE
    return {
        "term": term.name,
        "coef": _number(term.coef),
        "se": _number(term.se),
        "hr": _number(term.hazard_ratio),
        "lower": _number(term.lower),
        "upper": _number(term.upper),
        "z": _number(term.z),
        "p": _number(term.p),
    }


def _model_row(fit: CoxFit, index: float | None) -> Json:
    df = len(fit.terms)
    return {
        "n": fit.n,
        "events": fit.events,
        "loglik_null": _number(fit.log_likelihood_null),
        "loglik": _number(fit.log_likelihood),
        "lrt": {"chisq": _number(fit.likelihood_ratio), "df": df, "p": _number(fit.likelihood_ratio_p)},
        "wald": {"chisq": _number(fit.wald), "df": df, "p": _number(fit.wald_p)},
        "score": {"chisq": _number(fit.score), "df": df, "p": _number(fit.score_p)},
        "concordance": _number(index),
        "converged": fit.converged,
    }


def _truncation(study: _Study) -> Json | None:
    if study.time.size > _MOST_FOR_ENTRY_TEST:
        study.notes.append(f"entry not tested for independence: more than {_MOST_FOR_ENTRY_TEST} patients")
        return None
    found = check_entry(study.pooled)
    if found is None:
        return None
    return {
        "kendall_tau": _number(found.kendall_tau),
        "z": _number(found.z),
        "p": _number(found.p),
        "cox_entry": {key: value for key, value in _plain_term(found.cox).items() if key != "term"},
    }


def _plain_term(term: Term) -> Json:
    known = term.estimable
    numbers = {
        "coef": term.coef, "se": term.se, "hr": term.hazard_ratio, "lower": term.lower, "upper": term.upper, "z": term.z,
        "p": term.p,
    }  # fmt: skip
    return {"term": term.name} | {name: _number(value) if known else None for name, value in numbers.items()}


def _time_dependent(table: TimeTable, asked: Question, study: _Study) -> Json | None:
    """Cox with a covariate that changes when it happens: everybody counts, from time zero."""
    whole = _study(table, _without_landmark(asked))
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


def _responses_only(table: TimeTable, asked: Question) -> Json:
    labels = _labels(table, asked.by) if asked.by else None
    return _responses(table, asked, labels) | {"settings": _settings(asked), "notes": []}


def _responses(table: TimeTable, asked: Question, labels: Sequence[str] | None) -> Json:
    """Rates of a 0/1 column with both intervals, and two groups compared. Who has no value counts in no denominator, and is told."""
    if asked.reached:
        raise InputError("--response and --reached together: ask for them one at a time")
    cells = table.cells[asked.response]
    missing = table.missing(asked.response)
    odd = np.array([cell not in _FLAGS for cell in cells]) & ~missing
    table.refuse(odd, f"the response (column {asked.response}) is neither 0 nor 1", "recode it")
    names = np.asarray(labels if labels is not None else [ALL] * table.n)
    yes = np.array([_FLAGS.get(cell) == 1 for cell in cells])
    counts = {
        name: (int(yes[names == name].sum()), int((~missing)[names == name].sum())) for name in sorted(set(names))
    }
    found: Json = {"response": {name: _rate_row(x, n, asked.conf_level) for name, (x, n) in counts.items()}}
    found["response_missing"] = int(missing.sum())
    if len(counts) == 2 and all(n for _, n in counts.values()):
        (x1, n1), (x2, n2) = counts.values()
        two = compare_proportions(x1, n1, x2, n2, asked.conf_level)
        found["fisher"] = {
            "p": two.fisher_p,
            "odds_ratio": _number(two.odds_ratio),
            "lower": _number(two.odds_lower),
            "upper": _number(two.odds_upper),
            "difference": two.difference,
            "difference_lower": two.difference_lower,
            "difference_upper": two.difference_upper,
        }
    return found


def _rate_row(x: int, n: int, conf_level: float) -> Json:
    one = proportion(x, n, conf_level)
    return {
        "x": x,
        "n": n,
        "est": one.estimate,
        "lower": one.lower,
        "upper": one.upper,
        "wilson_lower": one.wilson_lower,
        "wilson_upper": one.wilson_upper,
    }


def _number(value: float | None) -> float | None:
    """As JSON has it: what is not a finite number is null."""
    return None if value is None or not math.isfinite(value) else float(value)
