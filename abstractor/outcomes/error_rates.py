"""How often an abstracted response or progression is wrong or missing: measured elsewhere and read from a file, or measured here."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abstractor.model.errors import InputError
from abstractor.outcomes.record import PatientRecord

RESPONSE, PROGRESSION = "response", "progression"


@dataclass(frozen=True, slots=True)
class Rate:
    """Precision: the share of what is stated that is right. Recall: the share of what is true that is stated."""

    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Of responses (CR, PR) and of progressions (PD)."""

    response: Rate
    progression: Rate
    source: str
    """Where the rates were measured, in words."""


def read_error_rates(path: Path) -> ErrorRates:
    """Reads what `abstractor evaluate --json` writes, or `{"response": {"precision", "recall"}, "progression": {…}}`.

    With `evaluate`, the rates of the field `response` hold for progressions too.

    Raises:
        InputError: the file can't be read, or a rate is missing or out of range.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as UTF-8 text ({type(error).__name__}); check the path") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not JSON (line {error.lineno}); write what `evaluate --json` writes") from None
    rows = read.get("fields", read) if isinstance(read, Mapping) else {}
    if not isinstance(rows, Mapping) or RESPONSE not in rows:
        raise InputError(f'{path}: no rates of "response"; write what `evaluate --json` writes')
    response = _rate(path, RESPONSE, rows[RESPONSE])
    progression = _rate(path, PROGRESSION, rows[PROGRESSION]) if PROGRESSION in rows else response
    return ErrorRates(response, progression, f"read from {path.name}")


def _rate(path: Path, name: str, row: object) -> Rate:
    found = []
    for part in ("precision", "recall"):
        value = row.get(part) if isinstance(row, Mapping) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{path}: {name}: no {part}; write a number above 0 and up to 1")
        if not 0.0 < value <= 1.0:
            raise InputError(f"{path}: {name}: {part} {value:g} is not above 0 and up to 1; correct it")
        found.append(float(value))
    return Rate(*found)


def measured_here(machine: Sequence[PatientRecord], confirmed: Sequence[PatientRecord]) -> ErrorRates | None:
    """The machine's suggestions held against what people confirmed, of patients with confirmed responses; None without any.

    A suggestion is right when the same value of the same day was confirmed.
    """
    truth = {one.patient_id: one for one in confirmed if one.present("response")}
    said = {one.patient_id: one for one in machine if one.patient_id in truth}
    rates = {}
    for name, values in ((RESPONSE, {"CR", "PR"}), (PROGRESSION, {"PD"})):
        true = {event for one in truth.values() for event in _events(one, values)}
        stated = {event for one in said.values() for event in _events(one, values)}
        right = len(true & stated)
        if not right:
            return None
        rates[name] = Rate(right / len(stated), right / len(true))
    return ErrorRates(
        rates[RESPONSE],
        rates[PROGRESSION],
        f"the program's suggestions against what was confirmed in this registry ({len(truth)} patients); "
        "what people confirmed should be better than that",
    )


def _events(record: PatientRecord, values: set[str]) -> set[tuple[str, str, str]]:
    return {
        (record.patient_id, one.value.upper(), one.date or "")
        for one in record.present("response")
        if one.value.upper() in values
    }
