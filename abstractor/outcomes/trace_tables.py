"""The way from a number to its patients and their decisions, as tables: what `abstractor trace` reads. Ids and days, never words of notes."""

from collections.abc import Iterable, Iterator, Mapping

from abstractor.outcomes.numbers import Numbers, withheld_estimates
from abstractor.outcomes.patient import ENDPOINTS
from abstractor.outcomes.report.shown import Results
from abstractor.outcomes.trail import RESPONSE, trail

Row = Mapping[str, object]

NUMBERS = ("id", "what", "unit", "value", "lower", "upper", "members", "withheld")
MEMBERS = ("members", "title", "trail", "patient_id", "role", "day")
TRAIL = ("patient_id", "endpoint", "step", "date", "text", "decisions", "notes")
BETWEEN = "; "


def trace_tables(results: Results) -> tuple[tuple[str, tuple[str, ...], Iterable[Row]], ...]:
    """Name, columns and rows of the three tables."""
    return (
        ("numbers", NUMBERS, number_rows(results)),
        ("members", MEMBERS, _member_rows(results.numbers)),
        ("trail", TRAIL, _trail_rows(results)),
    )


def number_rows(results: Results) -> Iterator[Row]:
    """Every number with its id; what is withheld has no value."""
    hidden = {*results.withheld.small, *results.withheld.with_others}
    hidden |= withheld_estimates(results.numbers.numbers, hidden)
    for one in results.numbers.numbers:
        gone = one.id in hidden
        yield {
            "id": one.id,
            "what": one.what,
            "unit": one.unit,
            "value": None if gone else one.value,
            "lower": None if gone else one.lower,
            "upper": None if gone else one.upper,
            "members": one.group,
            "withheld": int(gone),
        }


def _member_rows(numbers: Numbers) -> Iterator[Row]:
    for group in numbers.groups:
        for one in group.members:
            yield {
                "members": group.id,
                "title": group.title,
                "trail": group.trail,
                "patient_id": one.patient,
                "role": one.role,
                "day": one.day,
            }


def _trail_rows(results: Results) -> Iterator[Row]:
    for outcome in results.analysis.patients:
        record = results.records.get(outcome.patient_id)
        if record is None:
            continue
        for endpoint in (RESPONSE, *ENDPOINTS):
            for step in trail(record, outcome, endpoint):
                yield {
                    "patient_id": outcome.patient_id,
                    "endpoint": endpoint,
                    "step": step.what,
                    "date": step.day,
                    "text": step.text,
                    "decisions": BETWEEN.join(step.decisions),
                    "notes": BETWEEN.join(step.notes),
                }
