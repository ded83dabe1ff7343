"""Overall survival, time to next treatment, time to discontinuation, duration of response, platinum sensitivity.

Pure functions over days that are already imputed; each returns one row with its reason.
"""

import datetime
from dataclasses import dataclass, replace

from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.timing import Dated, TimeToEvent, at, happened, not_computed

Day = datetime.date


def overall_survival(
    index: Day,
    death: Dated | None,
    last_known_alive: Day | None,
    *,
    cutoff: Day,
    protocol: Protocol,
    entry: Day | None = None,
) -> TimeToEvent:
    """OS: death of any cause, else censored when last known alive, at most at the cutoff (2.1).

    Args:
        index: time zero.
        death: imputed; a death after the cutoff means alive at the cutoff.
        last_known_alive: the latest day the patient was demonstrably alive, also after the cutoff.
        cutoff: of the data.
        protocol: for counting days.
        entry: with delayed entry, the day of coming under observation.
    """
    if death is not None and death.date < index:
        return not_computed("os", index, "excluded: death before the index", "EXCLUDED 2.1/5", death.evidence)
    if death is not None and not death.flag and last_known_alive is not None and death.date < last_known_alive:
        return not_computed("os", index, "excluded: alive after the date of death", "EXCLUDED E05", death.evidence)
    if death is not None and death.date <= cutoff:
        row = happened("os", index, death, _death_reason(death), protocol, rule="DEATH 2.1/1")
    elif death is not None:
        row = at(
            "os",
            index,
            cutoff,
            False,
            "censored: death after data cutoff, alive at the cutoff",
            protocol,
            rule="CENS_CUTOFF 2.1/3",
            evidence=death.evidence,
        )
    elif last_known_alive is None:
        return not_computed("os", index, "not computed: neither a death nor a day last known alive")
    elif last_known_alive < index:
        return not_computed("os", index, "excluded: last known alive before the index", "EXCLUDED 2.1/4")
    elif last_known_alive > cutoff:
        row = at("os", index, cutoff, False, "censored: alive at data cutoff", protocol, rule="CENS_CUTOFF 2.1/2")
    else:
        row = at("os", index, last_known_alive, False, "censored: last known alive", protocol, rule="CENS_ALIVE 2.1/2")
    return row if entry is None else _enter(row, index, entry, protocol)


def _death_reason(death: Dated) -> str:
    return {"": "death", "D": "death (month only, day imputed)", "M": "death (year only, imputed; sensitivity only)"}[
        death.flag
    ]


def _enter(row: TimeToEvent, index: Day, entry: Day, protocol: Protocol) -> TimeToEvent:
    days = max((entry - index).days, 0)
    if row.days is not None and days >= row.days:
        return not_computed(
            "os", index, "excluded: came under observation only after the end", "EXCLUDED 2.9", row.evidence
        )
    return replace(row, entry_days=days)


def time_to_next_treatment(
    index: Day,
    next_line: Dated | None,
    death: Dated | None,
    last_known_alive: Day | None,
    *,
    cutoff: Day,
    protocol: Protocol,
) -> TimeToEvent:
    """TTNT: start of the next line or death; else censored when last known alive."""
    known = [
        (one, name) for one, name in ((next_line, "next line"), (death, "death")) if one and index <= one.date <= cutoff
    ]
    if known:
        first, name = min(known, key=lambda pair: pair[0].date)
        return happened("ttnt", index, first, name, protocol, rule=f"{name.upper().replace(' ', '_')} 2.4c")
    if death is not None and death.date > cutoff:
        last_known_alive = max(last_known_alive or cutoff, cutoff)
    if last_known_alive is None or last_known_alive < index:
        return not_computed("ttnt", index, "not computed: not known alive after the index")
    stop = min(last_known_alive, cutoff)
    return at("ttnt", index, stop, False, "censored: last known alive, no next line", protocol, rule="CENS_ALIVE 2.4c")


def time_to_discontinuation(
    index: Day,
    last_dose: Day,
    next_line: Dated | None,
    death: Dated | None,
    last_activity: Day | None,
    *,
    cutoff: Day,
    protocol: Protocol,
) -> TimeToEvent:
    """TTD: the last dose, an event when a new line, death, or long activity without treatment followed it."""
    stop = min(last_dose, cutoff)
    later = [one.date for one in (next_line, death) if one is not None and one.date <= cutoff]
    idle = (min(last_activity, cutoff) - stop).days if last_activity else 0
    if last_dose <= cutoff and (later or idle >= protocol.ttd_gap_days):
        why = "treatment ended: new line or death followed" if later else "treatment ended: seen untreated since"
        return at("ttd", index, stop, True, why, protocol, rule="DISCONTINUED 2.4c")
    return at("ttd", index, stop, False, "censored: may still be on treatment", protocol, rule="CENS_ON_TREATMENT 2.4c")


def duration_of_response(response: Day | None, trial: TimeToEvent, protocol: Protocol) -> TimeToEvent:
    """DoR: from the first response to progression or death, censored as trial PFS is; responders only."""
    if response is None:
        return not_computed("dor", None, "not computed: not a responder", "NOT_A_RESPONDER")
    if trial.stop is None or trial.event is None:
        return not_computed("dor", response, trial.reason, trial.rule)
    return at(
        "dor",
        response,
        max(trial.stop, response),
        trial.event,
        trial.reason,
        protocol,
        rule=trial.rule,
        basis=trial.basis,
        flags=trial.flags,
        evidence=trial.evidence,
    )


@dataclass(frozen=True, slots=True)
class PlatinumSensitivity:
    """How long after the last platinum the cancer progressed."""

    days: int | None
    """Progression minus last platinum dose (the chemotherapy-free interval)."""
    category: str
    """`sensitive`, `resistant`, `refractory` (progression under platinum), `not progressed`, `unknown`."""
    at_cutoffs: tuple[tuple[int, str], ...] = ()
    """The category at each of the cut-offs in days that are reported beside."""


SENSITIVITY_CUTOFFS = (60, 75, 90, 180)


def platinum_sensitivity(last_platinum: Day | None, progression: Day | None, cutoff_days: int) -> PlatinumSensitivity:
    """Sensitive from `cutoff_days` on; progression on or before the last platinum is refractory."""
    if last_platinum is None:
        return PlatinumSensitivity(None, "unknown")
    if progression is None:
        return PlatinumSensitivity(None, "not progressed")
    days = (progression - last_platinum).days
    if days <= 0:
        return PlatinumSensitivity(days, "refractory")
    cutoffs = tuple((one, "sensitive" if days >= one else "resistant") for one in SENSITIVITY_CUTOFFS)
    return PlatinumSensitivity(days, "sensitive" if days >= cutoff_days else "resistant", cutoffs)
