"""Groups against each other: log-rank, restricted means, pairs, and markers one by one."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from abstractor.model.errors import InputError
from abstractor.outcomes.multiplicity import Screened, screen_markers
from abstractor.outcomes.proportions import benjamini_hochberg, holm
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.survival import (
    LogRank,
    Sample,
    compare_restricted_means,
    kaplan_meier,
    log_rank,
    restricted_mean,
    why_no_test,
)
from abstractor.outcomes.table_answers.question import Question
from abstractor.outcomes.table_answers.study import FLAGS, Json, Study, number, shown_curve, stratify

_LIMITS = Protocol.model_fields  # the limits below which no test is published are settings of the protocol


def compare_groups(study: Study, asked: Question, answer: Json) -> None:
    labels = study.labels or []
    strata, complete = stratify(study, asked)
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
        "chisq": number(found.chi_square),
        "df": found.df,
        "p": number(found.p),
        "n": n,
        "rho": asked.rho,
        "strata": list(asked.strata),
        "observed": dict(zip(names, found.observed, strict=True)),
        "expected": dict(zip(names, found.expected, strict=True)),
        "below_limits": small or None,
    }


def _mean_difference(study: Study, asked: Question) -> Json:
    """Of the second group less the first."""
    first, second = (
        restricted_mean(kaplan_meier(shown_curve(study, name, asked)[2]), asked.tau or 0.0) for name in study.names
    )
    found = compare_restricted_means(first, second, asked.conf_level)
    return {
        "groups": study.names,
        "tau": found.tau,
        "est": found.estimate,
        "se": found.std_err,
        "lower": found.lower,
        "upper": found.upper,
        "p": number(found.p),
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


def screen_columns(study: Study, asked: Question) -> list[Json]:
    """Each marker alone; those without a value for it are not in its test."""
    odd = [name for name in asked.named_before if name not in asked.screen]
    if odd:
        raise InputError(f"{odd[0]} is named as pre-specified, but not in --screen")
    strata, complete = stratify(study, asked)
    markers: dict[str, list[bool | None]] = {}
    for name in dict.fromkeys(asked.screen):
        missing = study.table.missing(name)
        odd_cells = np.array([cell not in FLAGS for cell in study.table.cells[name]]) & ~missing
        study.table.refuse(odd_cells, f"{name} is neither 0 nor 1", "recode it to 0/1, empty for not tested")
        flags = [FLAGS.get(cell) for cell in study.cells(name)]
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
        "hr": number(ratio.hazard_ratio) if ratio else None,
        "lower": number(ratio.lower) if ratio else None,
        "upper": number(ratio.upper) if ratio else None,
        "not_tested": one.why_not or None,
    }
