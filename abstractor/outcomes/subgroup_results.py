"""The comparison of the groups inside subgroups, with the test of interaction: the numbers of a forest plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from abstractor.model.errors import InputError
from abstractor.outcomes.baseline import Cell
from abstractor.outcomes.cohort import GROUPINGS, Analysis, from_report, usable_sample
from abstractor.outcomes.cox import Term, dummies, fit_cox
from abstractor.outcomes.landmarks import refuse_immortal_time
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.survival import Floats, why_no_test
from abstractor.outcomes.timing import TimeToEvent

CUTS: Mapping[str, tuple[str, float, str, str]] = {
    "ecog_2": ("ecog", 2.0, "ECOG 0–1", "ECOG 2 or worse"),
    "age_65": ("age_at_index", 65.0, "under 65", "65 or older"),
}
"""Column, limit, and the names below it and from it on."""


@dataclass(frozen=True, slots=True)
class SubgroupRatio:
    """One level of a factor: the groups compared inside it."""

    factor: str
    level: str
    patients: tuple[str, ...]
    events: int
    ratio: Term | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor with its levels, and whether the ratio differs between them."""

    name: str
    levels: tuple[SubgroupRatio, ...]
    missing: tuple[str, ...]
    """Compared patients without a value."""
    interaction_p: float | None
    """Likelihood-ratio test of the product of factor and group."""
    why_not: str


@dataclass(frozen=True, slots=True)
class Forest:
    """One endpoint: the second group against the first, over all and in each subgroup."""

    endpoint: str
    group: str
    reference: str
    overall: Term | None
    patients: tuple[str, ...]
    events: int
    factors: tuple[Factor, ...]
    why_not: str
    """Why there is nothing at all; "" where there is."""


@dataclass(frozen=True, slots=True)
class _Compared:
    patient: str
    row: TimeToEvent
    second: bool
    level: str | None = None


def check_subgroups(protocol: Protocol) -> None:
    """Refuses what is no column, or is known only after time zero.

    Raises:
        InputError: names the column and the choices.
    """
    choices = (*CUTS, *GROUPINGS, *protocol.genes)
    for name in protocol.subgroups:
        if name in choices:
            continue
        refuse_immortal_time(name, "take it out of `subgroups` in the protocol")
        raise InputError(f"protocol: subgroups: there is no column {name}; choose among {', '.join(choices)}")


def subgroup_results(analysis: Analysis) -> tuple[Forest, ...]:
    """Of overall and progression-free survival; only two groups can be compared.

    Raises:
        InputError: see `check_subgroups`.
    """
    check_subgroups(analysis.protocol)
    return tuple(_forest(analysis, endpoint) for endpoint in ("os", "pfs"))


def _forest(analysis: Analysis, endpoint: str) -> Forest:
    groups = [one.group for one in analysis.endpoint(endpoint).groups]
    if len(groups) != 2:
        why = "no groups were asked for" if not analysis.by else f"{len(groups)} groups; a forest plot compares two"
        return Forest(endpoint, "", "", None, (), 0, (), why)
    everybody = _compared(analysis, endpoint, groups)
    overall, why = _ratio(everybody, analysis.protocol, groups)
    factors = [
        _factor(analysis, name, everybody, groups) for name in analysis.protocol.subgroups if name != analysis.by
    ]
    return Forest(
        endpoint,
        groups[1],
        groups[0],
        overall,
        tuple(one.patient for one in everybody),
        sum(bool(one.row.event) for one in everybody),
        tuple(factors),
        why,
    )


def _compared(analysis: Analysis, endpoint: str, groups: Sequence[str]) -> list[_Compared]:
    split = analysis.split
    rows = {
        one.patient_id: row
        for one in analysis.analysed
        if (row := one.endpoints[endpoint]).primary and split.get(one.patient_id) in groups
    }
    if analysis.by in analysis.protocol.genes:
        rows, _ = from_report(analysis.analysed, rows)
    return [_Compared(patient, row, split[patient] == groups[1]) for patient, row in rows.items()]


def _ratio(some: Sequence[_Compared], protocol: Protocol, groups: Sequence[str]) -> tuple[Term | None, str]:
    sizes = {
        name: (
            sum(one.second == second for one in some),
            sum(bool(one.row.event) for one in some if one.second == second),
        )
        for name, second in ((groups[0], False), (groups[1], True))
    }
    why = why_no_test(sizes, protocol.min_group_patients, protocol.min_group_events)
    if why:
        return None, why.removeprefix("no test: ")
    data = usable_sample([one.row for one in some])
    fit = fit_cox(data, [float(one.second) for one in some], [groups[1]], conf_level=protocol.conf_level)
    return (fit.terms[0], "") if fit.converged else (None, "the model did not converge")


def _factor(analysis: Analysis, name: str, everybody: Sequence[_Compared], groups: Sequence[str]) -> Factor:
    outcomes = {one.patient_id: one for one in analysis.analysed}
    placed = [_Compared(one.patient, one.row, one.second, level_of(outcomes[one.patient], name)) for one in everybody]
    levels = sorted({one.level for one in placed if one.level is not None}, key=lambda level: _place(str(level), name))
    rows = []
    for level in levels:
        inside = [one for one in placed if one.level == level]
        ratio, why = _ratio(inside, analysis.protocol, groups)
        patients = tuple(one.patient for one in inside)
        rows.append(SubgroupRatio(name, level, patients, sum(bool(one.row.event) for one in inside), ratio, why))
    p, why = _interaction([one for one in placed if one.level is not None], levels, rows)
    missing = tuple(one.patient for one in placed if one.level is None)
    return Factor(name, tuple(rows), missing, p, why)


def level_of(outcome: PatientOutcome, factor: str) -> str | None:
    """The level of a patient; None where it is not known."""
    if factor not in CUTS:
        value = outcome.baseline.columns.get(factor)
        return None if value is None else str(value)
    column, limit, below, above = CUTS[factor]
    number: Cell = outcome.baseline.columns.get(column)
    if not isinstance(number, int | float):
        return None
    return above if number >= limit else below


def _place(level: str, factor: str) -> tuple[int, str]:
    """Cuts from below, else by name."""
    if factor in CUTS:
        return CUTS[factor].index(level), level
    return 0, level


def _interaction(
    placed: Sequence[_Compared], levels: Sequence[str], rows: Sequence[SubgroupRatio]
) -> tuple[float | None, str]:
    """Twice the gain in log likelihood from letting the ratio differ between levels; only where each level has a ratio."""
    if len(levels) < 2:
        return None, "fewer than two levels"
    if any(one.ratio is None for one in rows):
        return None, "a level is too small"
    data = usable_sample([one.row for one in placed])
    second = np.array([float(one.second) for one in placed])
    coded, names = dummies([str(one.level) for one in placed], levels)
    main: Floats = np.column_stack([second, coded])
    full: Floats = np.column_stack([main, coded * second[:, None]])
    small = fit_cox(data, main, ["group", *names])
    large = fit_cox(data, full, ["group", *names, *(f"group:{name}" for name in names)])
    if not (small.converged and large.converged):
        return None, "the model did not converge"
    gain = 2.0 * (large.log_likelihood - small.log_likelihood)
    return float(chdtrc(len(names), max(gain, 0.0))), ""
