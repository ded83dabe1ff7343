"""How far the abstraction itself can move the results: other sets of facts side by side, bounds for what nobody has reviewed, and a
simulation of errors at a measured rate. Sampling error is not in these numbers; the intervals of the results have that.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from abstractor.outcomes.cohort import Analysis, Day, headline, usable_sample
from abstractor.outcomes.error_rates import ErrorRates, Rate, measured_here
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.patient import PatientOutcome, derive_patient
from abstractor.outcomes.proportions import Proportion, proportion
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.survival import Floats, Mask, Quantile, kaplan_meier, quantile, sample
from abstractor.outcomes.timing import TimeToEvent

MACHINE, CONFIRMED, ADJUDICATED = "machine only", "confirmed", "adjudicated"
ACCEPTED, REJECTED = "every pending suggestion accepted", "every pending suggestion rejected"
RESPONDING, CONTROLLED = ("CR", "PR"), ("CR", "PR", "SD")


@dataclass(frozen=True, slots=True)
class Facts:
    """Another set of facts of the same patients."""

    name: str
    records: tuple[PatientRecord, ...]
    changed: int
    """Patients whose facts differ from the confirmed ones."""
    why_not: str = ""
    """Why there is no such set; "" where there is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The main results from one set of facts."""

    name: str
    changed: int
    analysed: int
    orr: Proportion | None
    dcr: Proportion | None
    medians: Mapping[str, tuple[int, int, Quantile]]
    """Endpoint to patients, events, and the median in days."""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Extremes:
    """The lowest and highest response rate when each patient's pending suggestions are all accepted or all rejected, whichever serves."""

    lowest: Proportion
    highest: Proportion
    patients: int
    """Patients with something pending."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the simulated values: the middle, and where the inner 95 % lie; None is not reached (or nobody)."""

    middle: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """Registries with errors corrected at random, at the rates given."""

    rates: ErrorRates
    runs: int
    seed: int
    orr: Spread
    """Shares."""
    median_pfs: Spread
    """Days."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """All of it."""

    response: str
    """`confirmed` or `unconfirmed`: which response counts here."""
    outcomes: tuple[Outcome, ...]
    extremes: Extremes | None
    simulation: Simulation | None
    why_no_simulation: str


def compute_uncertainty(
    analysis: Analysis,
    confirmed: Sequence[PatientRecord],
    others: Sequence[Facts],
    groups: DrugGroups,
    rates: ErrorRates | None = None,
) -> Uncertainty:
    """Derives every set of facts by the same rules, and simulates.

    Args:
        analysis: of the confirmed facts.
        confirmed: the records behind it.
        others: other sets, among them those named `MACHINE` and `ACCEPTED`.
        groups: the drugs, as for the analysis.
        rates: of errors; without them, the machine's suggestions are held against what was confirmed.
    """
    leads = headline(analysis)
    derived: dict[str, Sequence[PatientOutcome]] = {CONFIRMED: analysis.patients}
    for one in others:
        if not one.why_not:
            derived[one.name] = _derive(one.records, analysis.protocol, analysis.cutoff, groups)
    rows = [_outcome(CONFIRMED, 0, analysis.patients, leads, analysis.protocol)]
    for one in others:
        if one.why_not:
            rows.append(Outcome(one.name, 0, 0, None, None, {}, one.why_not))
        else:
            rows.append(_outcome(one.name, one.changed, derived[one.name], leads, analysis.protocol))
    machine = next((one for one in others if one.name == MACHINE and not one.why_not), None)
    if rates is None and machine is not None:
        rates = measured_here(machine.records, confirmed)
    simulation, why = None, "no error rates: give a file with --error-rates (abstractor evaluate --json)"
    if not analysis.protocol.error_runs:
        why = "switched off (error_runs = 0)"
    elif not analysis.treated:
        why = "nobody was treated"
    elif rates is not None:
        simulation, why = _simulate(analysis, confirmed, groups, rates, leads), ""
    return Uncertainty(
        response=leads,
        outcomes=tuple(rows),
        extremes=_extremes(analysis.patients, derived.get(ACCEPTED), leads, analysis.protocol),
        simulation=simulation,
        why_no_simulation=why,
    )


def _derive(
    records: Sequence[PatientRecord], protocol: Protocol, cutoff: Day, groups: DrugGroups
) -> tuple[PatientOutcome, ...]:
    return tuple(derive_patient(one, protocol, cutoff, groups) for one in records)


def _best(outcome: PatientOutcome, leads: str) -> str | None:
    """The best response that counts; None for who is not in the denominator."""
    first = outcome.first_line
    if outcome.excluded or first is None:
        return None
    return (first.confirmed if leads == "confirmed" else first.best).value


def _outcome(name: str, changed: int, patients: Sequence[PatientOutcome], leads: str, protocol: Protocol) -> Outcome:
    best = [value for one in patients if (value := _best(one, leads)) is not None]
    analysed = [one for one in patients if not one.excluded]
    return Outcome(
        name=name,
        changed=changed,
        analysed=len(analysed),
        orr=proportion(sum(one in RESPONDING for one in best), len(best), protocol.conf_level),
        dcr=proportion(sum(one in CONTROLLED for one in best), len(best), protocol.conf_level),
        medians={endpoint: _median(analysed, endpoint, protocol) for endpoint in ("pfs", "os")},
    )


def _median(analysed: Sequence[PatientOutcome], endpoint: str, protocol: Protocol) -> tuple[int, int, Quantile]:
    data = usable_sample([row for one in analysed if (row := one.endpoints[endpoint]).primary])
    return data.n, data.events, quantile(kaplan_meier(data, protocol.conf_type, protocol.conf_level), 0.5)


def _extremes(
    rejected: Sequence[PatientOutcome], accepted: Sequence[PatientOutcome] | None, leads: str, protocol: Protocol
) -> Extremes | None:
    if accepted is None:
        return None
    with_pending = {one.patient_id: one for one in accepted}
    options = []
    moved = 0
    for one in rejected:
        ways = {_counts(_best(one, leads)), _counts(_best(with_pending.get(one.patient_id, one), leads))}
        moved += len(ways) > 1
        options.append(ways)
    (low, n_low), (high, n_high) = _most_extreme(options, -1), _most_extreme(options, 1)
    return Extremes(proportion(low, n_low, protocol.conf_level), proportion(high, n_high, protocol.conf_level), moved)


def _counts(best: str | None) -> tuple[int, int]:
    """What a patient adds to numerator and denominator."""
    return (0, 0) if best is None else (int(best in RESPONDING), 1)


def _most_extreme(options: Sequence[set[tuple[int, int]]], sign: int) -> tuple[int, int]:
    """The choice with the largest (sign 1) or smallest (-1) share: Dinkelbach's iteration, which ends after a few rounds."""
    share = 0.5
    x = n = 0
    for _ in range(50):
        chosen = [max(ways, key=lambda way: (sign * (way[0] - share * way[1]), way)) for ways in options]
        x, n = sum(one[0] for one in chosen), sum(one[1] for one in chosen)
        if not n or math.isclose(x / n, share, abs_tol=1e-15):
            break
        share = x / n
    return x, n


def _simulate(
    analysis: Analysis, confirmed: Sequence[PatientRecord], groups: DrugGroups, rates: ErrorRates, leads: str
) -> Simulation:
    """Each run takes back stated events that would be false and puts in some that would have been missed, at the rates."""
    protocol = analysis.protocol
    random = np.random.default_rng(protocol.error_seed)
    best = [value for one in analysis.treated if (value := _best(one, leads)) is not None]
    shares = _simulated_shares(random, sum(one in RESPONDING for one in best), len(best), rates.response, protocol)
    medians = _simulated_medians(random, analysis, confirmed, groups, rates.progression)
    return Simulation(rates, protocol.error_runs, protocol.error_seed, _spread(shares), _spread(medians))


def _simulated_shares(random: np.random.Generator, x: int, n: int, rate: Rate, protocol: Protocol) -> list[float]:
    if not n:
        return []
    right = random.binomial(x, rate.precision, protocol.error_runs)
    missed = random.binomial(n - x, _missed_share(x, n - x, rate), protocol.error_runs)
    return [float(one) for one in (right + missed) / n]


def _missed_share(stated: int, others: int, rate: Rate) -> float:
    """Of those without the event on record, how many are expected to have had it: recall says how many true ones are not stated."""
    missed = stated * rate.precision * (1.0 / rate.recall - 1.0)
    return min(missed / others, 1.0) if others else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The patients' times in days, as arrays."""

    days: Floats
    event: Mask
    progressed: Mask
    days_without: Floats
    """If the progression on record were false; nan where nothing else is known of the course."""
    event_without: Mask


def _simulated_medians(
    random: np.random.Generator,
    analysis: Analysis,
    confirmed: Sequence[PatientRecord],
    groups: DrugGroups,
    rate: Rate,
) -> list[float]:
    rows = _rows(analysis, confirmed, groups)
    if not rows.days.size:
        return []
    progressed = int(rows.progressed.sum())
    share = _missed_share(progressed, rows.days.size - progressed, rate)
    found = []
    for _ in range(analysis.protocol.error_runs):
        times, events = _one_run(random, rows, rate.precision, share, analysis.protocol.date_error_days)
        estimate = quantile(kaplan_meier(sample(times, events)), 0.5).estimate
        found.append(math.inf if estimate is None else estimate)
    return found


def _one_run(
    random: np.random.Generator, rows: _Rows, precision: float, missed: float, date_error: float
) -> tuple[Floats, Mask]:
    """A progression on record is false, or right on another day (each as often as one is false); another one was missed."""
    size = rows.days.size
    chance, again = random.random(size), random.random(size)
    moved = np.maximum(np.rint(rows.days + random.normal(0.0, date_error, size)), 1.0)
    earlier = np.maximum(np.rint(random.random(size) * rows.days), 1.0)
    false = rows.progressed & (chance >= precision)
    misdated = rows.progressed & ~false & (again >= precision)
    added = ~rows.progressed & (chance < missed)
    days = np.select([false, misdated, added], [rows.days_without, moved, earlier], rows.days)
    event = np.select([false, added], [rows.event_without, np.ones(size, dtype=bool)], rows.event)
    known = np.isfinite(days)
    return days[known], event[known].astype(bool)


def _rows(analysis: Analysis, confirmed: Sequence[PatientRecord], groups: DrugGroups) -> _Rows:
    records = {one.patient_id: one for one in confirmed}
    days, events, progressed, others = [], [], [], []
    for outcome in analysis.analysed:
        row = outcome.endpoints["pfs"]
        if not row.primary or row.days is None:
            continue
        has_progressed = bool(row.event) and not row.rule.startswith("DEATH")
        other = _without_progression(records[outcome.patient_id], analysis, groups) if has_progressed else None
        days.append(float(row.days))
        events.append(bool(row.event))
        progressed.append(has_progressed)
        others.append(other or (math.nan, False))
    return _Rows(
        np.array(days),
        np.array(events, dtype=bool),
        np.array(progressed, dtype=bool),
        np.array([one[0] for one in others], dtype=float),
        np.array([one[1] for one in others], dtype=bool),
    )


def _without_progression(record: PatientRecord, analysis: Analysis, groups: DrugGroups) -> tuple[int, bool] | None:
    """The patient's time if the first progression on record were none (a later one stays)."""
    events = sorted(
        (one for one in record.present("response") if one.value.upper() == "PD" and one.date),
        key=lambda one: one.date or "",
    )
    first = events[0].date if events else None
    kept = tuple(one for one in record.facts if not (one.field == "response" and one.date == first and first))
    row: TimeToEvent = derive_patient(
        replace(record, facts=kept), analysis.protocol, analysis.cutoff, groups
    ).endpoints["pfs"]
    return (row.days, bool(row.event)) if row.primary and row.days is not None else None


def _spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(None, None, None)
    ordered = np.sort(np.array(values))
    last = ordered.size - 1
    picks = (ordered[last // 2], ordered[math.floor(0.025 * last)], ordered[math.ceil(0.975 * last)])
    middle, lower, upper = (float(one) if math.isfinite(one) else None for one in picks)
    return Spread(middle, lower, upper)
