"""Derives the published best-response and time-to-event cases, in their layout, from the functions the analysis uses.

For the validation pack: `{id: {"value", "date"}}` for responses, `{id: {"date", "event", "days"}}` for times. Nothing of
the analysis depends on this module.
"""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from abstractor.model.dates import PartialDate
from abstractor.model.errors import InputError
from abstractor.outcomes.imputation import impute_death
from abstractor.outcomes.progression import FollowUp, real_world_pfs, trial_pfs
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import Assessment
from abstractor.outcomes.response import (
    RESPONDING,
    Best,
    Seen,
    best_response,
    confirmed_best_response,
    confirmed_response_date,
)
from abstractor.outcomes.timing import Dated, TimeToEvent, first_event

Day = datetime.date
Case = Mapping[str, Any]
Answer = dict[str, object]

_KNOWN = frozenset({"CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"})
_BENEFIT = ("CR", "PR", "SD")


def read_cases(path: Path) -> list[Case]:
    """The cases of a file: a list, or an object with `cases`.

    Raises:
        InputError: the file can't be read, is no JSON, or holds no cases.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as UTF-8 text ({type(error).__name__}); check the path") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({getattr(error, 'msg', 'nested too deeply')})") from None
    cases = content.get("cases") if isinstance(content, dict) else content
    if not isinstance(cases, list) or not cases or not all(isinstance(case, dict) for case in cases):
        raise InputError(f"{path}: no cases; it must hold a list of objects, or an object with such a list as `cases`")
    return cases


def derive_cases(cases: Sequence[Case]) -> dict[str, Answer]:
    """The answer to each case.

    Raises:
        InputError: a case is of a kind that is not known, or lacks a part; it is named.
    """
    answers: dict[str, Answer] = {}
    for place, case in enumerate(cases, start=1):
        name = str(case.get("id", f"number {place}"))
        if name in answers:
            raise InputError(f"case {name} comes twice; give each its own id")
        try:
            answers[name] = derive_case(case)
        except KeyError as error:
            raise InputError(f"case {name}: {_lacking(case, error)}; the layout is in the docs") from None
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise InputError(f"case {name}: {error}; the layout is in the docs") from None
    return answers


def _lacking(case: Case, error: KeyError) -> str:
    if case.get("endpoint") is None:
        return "no endpoint"
    return f"no {error.args[0]}"


def derive_case(case: Case) -> Answer:
    """The answer to one case; raises KeyError or ValueError where a part is missing or wrong."""
    endpoint = str(case["endpoint"])
    if endpoint in _RESPONSES:
        return _RESPONSES[endpoint](case)
    row = _time(case, endpoint)
    return {
        "date": row.stop.isoformat() if row is not None and row.stop else None,
        "event": int(row.event) if row is not None and row.event is not None else None,
        "days": row.days if row is not None else None,
    }


def _day(text: object) -> Day | None:
    return Day.fromisoformat(str(text)) if text else None


def _course(case: Case) -> list[Seen]:
    """The known assessments up to the first progression, that day included."""
    stop = _day(case.get("first_pd_date"))
    found = [
        Seen(Day.fromisoformat(one["date"]), one["response"])
        for one in case["assessments"]
        if one["response"] in _KNOWN
    ]
    return sorted((one for one in found if stop is None or one.date <= stop), key=lambda one: one.date)


def _settings(case: Case) -> Protocol:
    given = case.get("parameters", {})
    return Protocol(
        sd_min_days=given.get("sd_min_days", 42),
        confirm_min_days=given.get("confirm_min_days", 28),
        confirm_max_ne=given.get("max_ne_between", 1),
        confirm_accept_sd=given.get("accept_one_sd_between_pr", False),
    )


def _best(case: Case) -> Answer:
    reference = Day.fromisoformat(case["reference_date"])
    return _answer(best_response(_course(case), reference, _settings(case).sd_min_days))


def _confirmed(case: Case) -> Answer:
    reference = Day.fromisoformat(case["reference_date"])
    return _answer(confirmed_best_response(_course(case), reference, _settings(case)))


def _answer(found: Best) -> Answer:
    return {"value": found.value, "date": found.date.isoformat() if found.date else None}


def _yes(day: Day | None) -> Answer:
    return {"value": "N" if day is None else "Y", "date": day.isoformat() if day else None}


def _response(case: Case) -> Answer:
    return _yes(min((one.date for one in _course(case) if one.value in RESPONDING), default=None))


def _confirmed_response(case: Case) -> Answer:
    return _yes(confirmed_response_date(_course(case), _settings(case)))


def _benefit(case: Case) -> Answer:
    given = case.get("parameters", {})
    wanted = set(given.get("benefit_values", _BENEFIT))
    late = Day.fromisoformat(case["reference_date"]) + datetime.timedelta(days=given.get("sd_min_days", 42))
    return _yes(
        min(
            (
                one.date
                for one in _course(case)
                if one.value in wanted and (one.value in RESPONDING or one.date >= late)
            ),
            default=None,
        )
    )


_RESPONSES = {
    "BOR": _best,
    "CBOR": _confirmed,
    "CBOR_RECIST": _confirmed,
    "RSP": _response,
    "CRSP": _confirmed_response,
    "CLINBEN": _benefit,
}


def _time(case: Case, endpoint: str) -> TimeToEvent | None:
    start = Day.fromisoformat(case["start_date"])
    events = [(str(one["kind"]), str(one["date"])) for one in case.get("events", [])]
    censors = [(str(one["kind"]), Day.fromisoformat(one["date"])) for one in case.get("censors", [])]
    if "inputs" in case:
        return _real_world(start, case["inputs"])
    if endpoint == "rwPFS":
        last = max(day for _, day in censors)
        found = [Dated(Day.fromisoformat(day)) for kind, day in events if kind == "PD"]
        died = next((Dated(Day.fromisoformat(day)) for kind, day in events if kind == "DEATH"), None)
        follow = FollowUp(last, last)
        return real_world_pfs(start, found, died, follow, cutoff=Day.max, protocol=Protocol())
    if any(kind == "ADEQUATE ASSESSMENT" for kind, _ in censors) and all(kind == "PD" for kind, _ in events):
        seen = [Assessment(day, "SD") for _, day in censors]
        seen += [Assessment(Day.fromisoformat(day), "PD") for _, day in events]
        return trial_pfs(start, seen, None, cutoff=Day.max, protocol=Protocol())
    alive = max((day for kind, day in censors if kind == "LAST KNOWN ALIVE"), default=None)
    dated: list[tuple[str, Day]] = []
    for kind, text in events:
        stated = PartialDate.parse(text)
        day = impute_death(stated, last_known_alive=alive, cutoff=None).date if kind == "DEATH" else stated.first
        if kind == "DEATH" and alive is not None and day < alive:
            return None  # alive after death: for review, never computed
        dated.append((kind, day))
    row = first_event(endpoint, start, dated, censors, Protocol())
    entry = _entry(case)
    return None if entry is not None and row.stop is not None and entry >= row.stop else row


def _entry(case: Case) -> Day | None:
    """Delayed entry: `entry_date`; the published layout has no place for it and says `delayed entry on DATE` in the note."""
    _, said, after = str(case.get("note", "")).partition("delayed entry on ")
    return _day(case.get("entry_date") or (after[:10] if said else None))


def _real_world(start: Day, given: Mapping[str, Any]) -> TimeToEvent:
    progressed = _day(given.get("progression_date"))
    died = _day(given.get("death_date"))
    window = given.get("death_window_days", 30)
    follow = FollowUp(
        _day(given.get("last_progression_abstraction_date")),
        _day(given.get("last_activity_date")),
        _day(given.get("visit_gap_start_date")),
    )
    return real_world_pfs(
        start,
        [Dated(progressed)] if progressed else [],
        Dated(died) if died else None,
        follow,
        cutoff=Day.max,
        protocol=Protocol(rwp_grace_days=given.get("grace_days", 0), death_window_days=window),
    )
