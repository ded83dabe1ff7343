"""Rates of a 0/1 column, and two groups compared."""

from collections.abc import Sequence

import numpy as np

from abstractor.model.errors import InputError
from abstractor.outcomes.proportions import compare_proportions, proportion
from abstractor.outcomes.table_answers.question import Question
from abstractor.outcomes.table_answers.study import ALL, FLAGS, Json, number
from abstractor.outcomes.time_table import TimeTable


def response_rates(table: TimeTable, asked: Question, labels: Sequence[str] | None) -> Json:
    """Rates of a 0/1 column with both intervals, and two groups compared. Who has no value counts in no denominator, and is told."""
    if asked.reached:
        raise InputError("--response and --reached together: ask for them one at a time")
    cells = table.cells[asked.response]
    missing = table.missing(asked.response)
    odd = np.array([cell not in FLAGS for cell in cells]) & ~missing
    table.refuse(odd, f"the response (column {asked.response}) is neither 0 nor 1", "recode it")
    names = np.asarray(labels if labels is not None else [ALL] * table.n)
    yes = np.array([FLAGS.get(cell) == 1 for cell in cells])
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
            "odds_ratio": number(two.odds_ratio),
            "lower": number(two.odds_lower),
            "upper": number(two.odds_upper),
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
