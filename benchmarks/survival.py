"""Our survival statistics beside lifelines', in one run and on the same data: time, memory, growth, agreement.

    python benchmarks/survival.py [PATIENTS ...]

Each measurement is a process of its own; CPU seconds are of the computing alone, without loading and simulating, so that other work
on the machine counts little, and memory is the peak of the whole process. Each size is simulated anew (exponential times in whole
days, a third censored, two groups, hazard ratio 1.5). The last lines hold the limits of the project against the largest size.
"""

import json
import math
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

SIZES = (10_000, 100_000, 1_000_000)
SEED = 20_250_630
OURS, THEIRS = "ours", "lifelines"
CURVES, COX, RISKS = "curves", "Cox", "competing"
LIMITS = ((CURVES, 2.0, 500.0), (COX, 10.0, math.inf))
"""Of a million patients: CPU seconds, and peak memory in MB."""

Numbers = dict[str, float]
Timed = dict[str, tuple[float, float]]


def simulated(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Times, events and arms."""
    random = np.random.default_rng(SEED)
    arm = random.integers(0, 2, size)
    died = np.ceil(random.exponential(300.0 / np.where(arm == 1, 1.5, 1.0)))
    left = np.ceil(random.exponential(600.0, size))
    return np.minimum(died, left), died <= left, arm


def timed(compute: Callable[[], float]) -> tuple[float, float]:
    """CPU seconds, and the number that came out."""
    start = time.process_time()
    value = compute()
    return time.process_time() - start, value


def measure_ours(size: int, what: str) -> Timed:
    from abstractor.outcomes.competing_risks import cumulative_incidence, incidence_at
    from abstractor.outcomes.cox import fit_cox
    from abstractor.outcomes.proportional_hazards import check_hazards
    from abstractor.outcomes.survival import kaplan_meier, landmark, log_rank, sample

    when, event, arm = simulated(size)
    if what == CURVES:
        labels = np.where(arm == 1, "B", "A").tolist()

        def survival_at_a_year() -> float:
            data = sample(when, event)
            return landmark(kaplan_meier(data), data, 365.0).survival or math.nan

        def chi_square() -> float:
            found = log_rank(sample(when, event), labels)
            return found.chi_square if found else math.nan

        return {"Kaplan-Meier, S at a year": timed(survival_at_a_year), "log-rank chi-square": timed(chi_square)}
    data, x = sample(when, event), arm.astype(float)
    if what == COX:
        found = timed(lambda: fit_cox(data, x, ["B"]).terms[0].coef)
        fit = fit_cox(data, x, ["B"])
        return {
            "Cox coefficient (Efron)": found,
            "proportional hazards chi-square": timed(lambda: check_hazards(data, x, fit)[0].chi_square),
        }
    cause = event & (np.arange(size) % 3 == 0)
    return {
        "cumulative incidence at a year": timed(
            lambda: incidence_at(cumulative_incidence(data, cause), data, 365.0).incidence or math.nan
        )
    }


def measure_lifelines(size: int, what: str) -> Timed:
    import pandas as pd
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test

    when, event, arm = simulated(size)
    if what == CURVES:
        labels = np.where(arm == 1, "B", "A").tolist()
        return {
            "Kaplan-Meier, S at a year": timed(lambda: float(KaplanMeierFitter().fit(when, event).predict(365.0))),
            "log-rank chi-square": timed(lambda: float(multivariate_logrank_test(when, labels, event).test_statistic)),
        }
    if what == COX:
        table = pd.DataFrame({"time": when, "event": event, "arm": arm.astype(float)})
        options = {"precision": 1e-12, "r_precision": 1e-14}
        return {
            "Cox coefficient (Efron)": timed(
                lambda: float(CoxPHFitter().fit(table, "time", "event", fit_options=options).params_["arm"])
            )
        }
    return {}  # its Aalen-Johansen estimate moves ties apart at random: another number each time


def run_child(program: str, size: int, what: str) -> tuple[Timed, float]:
    """What a fresh process measured, and its peak memory in MB."""
    arguments = [sys.executable, __file__, "--child", program, str(size), what]
    told = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    return {name: (spent, value) for name, (spent, value) in told["timed"].items()}, told["megabytes"]


def child(program: str, size: int, what: str) -> None:
    found = (measure_ours if program == OURS else measure_lifelines)(size, what)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(json.dumps({"timed": found, "megabytes": peak}))


def main(sizes: list[int]) -> None:
    spent: dict[tuple[str, str], list[tuple[int, float]]] = {}
    totals: dict[str, tuple[float, float]] = {}
    print(f"{'patients':>9}  {'':32} {'ours s':>8} {'MB':>5}  {'lifelines s':>11} {'MB':>5}  {'ratio':>6}  difference")
    for size in sizes:
        for what in (CURVES, COX, RISKS):
            ours, ours_memory = run_child(OURS, size, what)
            theirs, their_memory = run_child(THEIRS, size, what)
            for name, (own, value) in ours.items():
                spent.setdefault((OURS, name), []).append((size, own))
                line = f"{size:>9,}  {name:32} {own:8.3f} {ours_memory:5.0f}"
                if name in theirs:
                    other, reference = theirs[name]
                    spent.setdefault((THEIRS, name), []).append((size, other))
                    gap = abs(value - reference) / max(abs(reference), 1e-12)
                    line += f"  {other:11.3f} {their_memory:5.0f}  {other / max(own, 1e-4):6.1f}  {gap:.0e}"
                print(line, flush=True)
            totals[what] = sum(own for own, _ in ours.values()), ours_memory
    if len(sizes) > 1:
        print("\ngrowth (seconds as patients to the power of), from the two largest sizes")
        for (program, name), points in spent.items():
            (few, before), (many, after) = points[-2:]
            power = math.log(max(after, 1e-4) / max(before, 1e-4)) / math.log(many / few)
            print(f"  {name:32} {program:10} {power:5.2f}")
    if sizes[-1] >= 1_000_000:
        print("\nlimits")
        for what, seconds, megabytes in LIMITS:
            own, memory = totals[what]
            if what == COX:
                own = dict(spent[OURS, "Cox coefficient (Efron)"])[sizes[-1]]
            kept = "kept" if own < seconds and memory < megabytes else "NOT KEPT"
            most = "" if math.isinf(megabytes) else f" (limit {megabytes:.0f})"
            print(f"  {what:32} {own:.2f} s (limit {seconds:g}), {memory:.0f} MB{most}: {kept}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main(sorted(int(one) for one in sys.argv[1:]) or list(SIZES))
