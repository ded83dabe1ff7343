"""Our statistics against R `survival` 3.5-3, number by number (reference files beside the project; skipped without them)."""

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from abstractor.outcomes.cox import Ties, dummies, fit_cox
from abstractor.outcomes.proportions import proportion
from abstractor.outcomes.survival import (
    CONF_TYPES,
    ConfType,
    Sample,
    at_risk_table,
    follow_up,
    kaplan_meier,
    landmark,
    log_rank,
    quantile,
    restricted_mean,
    sample,
)

REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "survival"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the R reference files are not beside the project")

Row = dict[str, str]
# Times 1 ulp apart: their file was counted without joining them, at times it prints rounded; only the curve can be compared.
UNEQUAL_BY_ROUNDING = {"float_ties"}
SETS = sorted(path.stem for path in (REFERENCE / "data").glob("*.csv")) if REFERENCE.is_dir() else []


def rows_of(name: str) -> list[Row]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_set(name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(name):
        found[row["dataset"]].append(row)
    return found


class Data:
    """One data set, whole and by arm."""

    def __init__(self, name: str) -> None:
        self.rows = rows_of(f"data/{name}.csv")

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]

    def group(self, label: str) -> Sample:
        arm = label.removeprefix("arm=")
        rows = [row for row in self.rows if label == "all" or row["arm"] == arm]
        entry = [float(row["entry"]) for row in rows] if "entry" in self.rows[0] else None
        return sample([float(row["time"]) for row in rows], [int(row["event"]) for row in rows], entry)


def conf(text: str) -> ConfType:
    return next(one for one in CONF_TYPES if one == text)


def agrees(ours: float | None, theirs: str, rel: float = 1e-6) -> bool:
    if theirs in ("", "NA"):
        return ours is None or math.isnan(ours)
    return ours is not None and ours == pytest.approx(float(theirs), rel=rel, abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_curves_agree(name: str) -> None:
    data = Data(name)
    steps: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(f"curves/{name}.csv"):
        steps[row["group"]].append(row)
    for label, rows in steps.items():
        for conf_type in CONF_TYPES:
            curve = kaplan_meier(data.group(label), conf_type)
            assert curve.time.size == len(rows), label
            short = conf_type.replace("-", "")
            for place, row in enumerate(rows):
                assert agrees(float(curve.time[place]), row["time"])
                assert curve.at_risk[place] == int(row["n_risk"])
                assert curve.events[place] == int(row["n_event"])
                assert curve.censored[place] == int(row["n_censor"])
                assert agrees(float(curve.survival[place]), row["surv"])
                assert agrees(float(curve.lower[place]), row[f"lower_{short}"]), (label, conf_type, row)
                assert agrees(float(curve.upper[place]), row[f"upper_{short}"]), (label, conf_type, row)


@pytest.mark.parametrize("name", SETS)
def test_quantiles_agree(name: str) -> None:
    data = Data(name)
    for row in by_set("quantiles.csv")[name]:
        curve = kaplan_meier(data.group(row["group"]), conf(row["conf_type"]))
        ours = quantile(curve, float(row["prob"]))
        assert agrees(ours.estimate, row["est"]), row
        assert agrees(ours.lower, row["lower"]), row
        assert agrees(ours.upper, row["upper"]), row


@pytest.mark.parametrize("name", sorted(set(SETS) - UNEQUAL_BY_ROUNDING))
def test_landmarks_agree(name: str) -> None:
    data = Data(name)
    for row in by_set("km_landmarks.csv")[name]:
        group = data.group(row["group"])
        ours = landmark(kaplan_meier(group, conf(row["conf_type"])), group, float(row["t"]))
        assert ours.beyond_last == (row["beyond_last"] == "TRUE"), row
        if row["n_risk"]:
            assert ours.at_risk == int(row["n_risk"]), row
        assert agrees(ours.survival, row["surv"]), row
        assert agrees(ours.std_err, row["std_err"]), row
        assert agrees(ours.lower, row["lower"]), row
        assert agrees(ours.upper, row["upper"]), row


@pytest.mark.parametrize("name", sorted(set(SETS) - UNEQUAL_BY_ROUNDING))
def test_numbers_at_risk_agree(name: str) -> None:
    data = Data(name)
    for row in by_set("numbers_at_risk.csv")[name]:
        (ours,) = at_risk_table(data.group(row["group"]), [float(row["t"])])
        assert (ours.at_risk, ours.events, ours.censored) == (
            int(row["at_risk"]),
            int(row["cum_events"]),
            int(row["cum_censored"]),
        ), row


@pytest.mark.parametrize("name", SETS)
def test_reverse_kaplan_meier_follow_up_agrees(name: str) -> None:
    data = Data(name)
    for row in by_set("reverse_km_followup.csv")[name]:
        median = follow_up(data.group(row["group"]), conf(row["conf_type"]))[1]
        assert agrees(median.estimate, row["median_followup"]), row
        assert agrees(median.lower, row["lower"]), row
        assert agrees(median.upper, row["upper"]), row


@pytest.mark.parametrize("name", SETS)
def test_restricted_means_agree(name: str) -> None:
    data = Data(name)
    for row in by_set("rmst.csv")[name]:
        ours = restricted_mean(kaplan_meier(data.group(row["group"])), float(row["tau"]))
        assert agrees(ours.estimate, row["rmst"]), row
        assert agrees(ours.std_err, row["se"]), row
        assert ours.extrapolated == (row["extrapolated"] == "TRUE"), row


@pytest.mark.parametrize("name", SETS)
def test_log_rank_tests_agree(name: str) -> None:
    data = Data(name)
    observed: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in by_set("logrank_obs_exp.csv")[name]:
        observed[row["rho"], row["strata"]].append(row)
    for row in by_set("logrank.csv")[name]:
        arms, pooled, strata = data.column("arm"), data.group("all"), None
        if row["strata"] != "none":
            known = np.array([value not in ("", "NA") for value in data.column(row["strata"])])
            pooled = pooled.take(known)
            arms = list(np.array(arms)[known])
            strata = list(np.array(data.column(row["strata"]))[known])
        assert pooled.n == int(row["n"]), row
        ours = log_rank(pooled, arms, strata, float(row["rho"]))
        assert ours is not None
        assert agrees(ours.chi_square, row["chisq"]), row
        assert ours.df == int(row["df"]), row
        assert agrees(ours.p, row["p"]), row
        theirs = sorted(observed[row["rho"], row["strata"]], key=lambda one: one["arm"])
        assert all(agrees(mine, one["obs"]) for mine, one in zip(ours.observed, theirs, strict=True)), row
        assert all(agrees(mine, one["exp"]) for mine, one in zip(ours.expected, theirs, strict=True)), row


def test_binomial_intervals_agree() -> None:
    for row in rows_of("binom_ci.csv"):
        ours = proportion(int(row["x"]), int(row["n"]), float(row["conf"]))
        assert agrees(ours.lower, row["cp_lower"]), row
        assert agrees(ours.upper, row["cp_upper"]), row
        assert agrees(ours.wilson_lower, row["wilson_lower"]), row
        assert agrees(ours.wilson_upper, row["wilson_upper"]), row


def design(data: Data, formula: str, keep: list[bool]) -> tuple[np.ndarray, list[str]]:  # type: ignore[type-arg]
    columns: list[np.ndarray] = []  # type: ignore[type-arg]
    names: list[str] = []
    for term in formula.split("+"):
        values = [value for value, kept in zip(data.column(term), keep, strict=True) if kept]
        try:
            columns.append(np.array([float(value) for value in values])[:, None])
            names.append(term)
        except ValueError:
            levels = sorted(set(values), key=LEVELS.index) if set(values) <= set(LEVELS) else sorted(set(values))
            coded, labels = dummies(values, levels)
            columns.append(coded)
            names.extend(f"{term}{label}" for label in labels)
    return np.hstack(columns), names


LEVELS = ["Lev", "Lev+5FU", "Obs", "female", "male", "standard", "test", "rx1", "rx2"]


@pytest.mark.parametrize("name", SETS)
def test_cox_models_agree(name: str) -> None:
    data = Data(name)
    terms: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in by_set("cox_terms.csv")[name]:
        terms[row["model"], row["ties"]].append(row)
    for row in by_set("cox_models.csv")[name]:
        formula, _, stratum = row["formula"].partition("+strata(")
        stratum = stratum.removesuffix(")")
        used = [*formula.split("+"), *([stratum] if stratum else [])]
        keep = [all(one[column] not in ("", "NA") for column in used) for one in data.rows]
        covariates, names = design(data, formula, keep)
        strata = [value for value, kept in zip(data.column(stratum), keep, strict=True) if kept] if stratum else None
        ties: Ties = "efron" if row["ties"] == "efron" else "breslow"
        ours = fit_cox(data.group("all").take(np.array(keep)), covariates, names, strata, ties=ties)
        assert (ours.n, ours.events) == (int(row["n"]), int(row["events"])), row
        assert ours.converged == (row["converged_flag"] == "TRUE"), row
        assert agrees(ours.log_likelihood_null, row["loglik0"], 1e-9), row
        assert agrees(ours.log_likelihood, row["loglik"], 1e-9), row
        assert agrees(ours.score, row["score"]), row
        assert agrees(ours.likelihood_ratio, row["lrt"]), row
        if not ours.converged:
            continue
        for mine, theirs in zip(ours.terms, terms[row["model"], row["ties"]], strict=True):
            assert mine.name == theirs["term"]
            assert agrees(mine.coef, theirs["coef"], 1e-6), (mine, theirs)
            assert agrees(mine.se, theirs["se"], 1e-6), (mine, theirs)
            assert agrees(mine.hazard_ratio, theirs["hr"], 1e-6), (mine, theirs)
            assert agrees(mine.lower, theirs["lower"], 1e-6), (mine, theirs)
            assert agrees(mine.upper, theirs["upper"], 1e-6), (mine, theirs)
            assert agrees(mine.p, theirs["p"], 1e-6), (mine, theirs)
