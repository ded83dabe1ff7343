"""Our survival statistics beside lifelines', in one run and on the same data: times, growth, agreement.

    python benchmarks/survival.py [PATIENTS ...]

Prints CPU seconds of this process, so that other work on the machine counts little; the ratios are what to look at. Each
size is simulated anew (exponential times in whole days, a third censored, two groups, hazard ratio 1.5).
"""

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from abstractor.outcomes.cox import fit_cox
from abstractor.outcomes.survival import kaplan_meier, log_rank, sample

SIZES = (10_000, 100_000, 1_000_000)
SEED = 20_250_630


def timed(compute: Callable[[], float]) -> tuple[float, float]:
    """CPU seconds, and the number that came out."""
    start = time.process_time()
    value = compute()
    return time.process_time() - start, value


def run(size: int) -> None:
    random = np.random.default_rng(SEED)
    arm = random.integers(0, 2, size)
    died = np.ceil(random.exponential(300.0 / np.where(arm == 1, 1.5, 1.0)))
    left = np.ceil(random.exponential(600.0, size))
    when, event = np.minimum(died, left), died <= left
    data = sample(when, event)
    labels = np.where(arm == 1, "B", "A").tolist()
    table = pd.DataFrame({"time": when, "event": event, "arm": arm.astype(float)})
    options = {"precision": 1e-12, "r_precision": 1e-14}
    pairs: dict[str, tuple[Callable[[], float], Callable[[], float]]] = {
        "Kaplan-Meier, S at a year": (
            lambda: float((curve := kaplan_meier(data)).survival[np.searchsorted(curve.time, 365.0, side="right") - 1]),
            lambda: float(KaplanMeierFitter().fit(when, event).predict(365.0)),
        ),
        "log-rank chi-square": (
            lambda: result.chi_square if (result := log_rank(data, labels)) else float("nan"),
            lambda: float(multivariate_logrank_test(when, labels, event).test_statistic),
        ),
        "Cox coefficient (Efron)": (
            lambda: fit_cox(data, arm.astype(float), ["B"]).terms[0].coef,
            lambda: float(CoxPHFitter().fit(table, "time", "event", fit_options=options).params_["arm"]),
        ),
    }
    for name, (ours, theirs) in pairs.items():
        own, value = timed(ours)
        other, reference = timed(theirs)
        print(
            f"{size:>9,}  {name:26} ours {own:8.3f} s  lifelines {other:8.3f} s  ratio {other / max(own, 1e-4):7.1f}  "
            f"difference {abs(value - reference) / max(abs(reference), 1e-12):.1e}"
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for patients in [int(one) for one in sys.argv[1:]] or SIZES:
        run(patients)
