"""The outcomes at the screen know nothing of a patient whom the one who asks is still to read blind."""

from collections.abc import Callable

import pytest

from abstractor.cli.beyond import beyond
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Suggestion
from abstractor.quality.desk import Desk
from abstractor.quality.second_readings import assign
from abstractor.registry.decisions import record
from abstractor.registry.readings import Reading, ReadingLog
from abstractor.registry.suggestions import replace_suggestions
from abstractor.review.config import ReviewConfig
from abstractor.review.curves import Ask, OutcomesView

pytestmark = pytest.mark.both_databases

Desks = Callable[[str], Desk]


@pytest.fixture
def undecided(desk: Desks) -> Desks:
    """Two slots of P1 and one of P2 are suggested and not decided."""
    for patient_id, slots in {"P1": ("histology", "sex"), "P2": ("histology",)}.items():
        offered = [
            Suggestion(patient_id, slot, slot, "small_cell", Assertion.PRESENT, evidence=(), confidence=0.9)
            for slot in slots
        ]
        replace_suggestions(desk("qa").registry, patient_id, offered)
    return desk


def seen_by(desk: Desks, user: str) -> OutcomesView:
    """What `g o` shows this person."""
    mine = desk(user)
    outcomes = beyond(mine.registry, mine.book, ReviewConfig(smallest_group=1), user).outcomes
    assert outcomes is not None
    return outcomes(Ask(), lambda: False)


def close(desk: Desks, reading: Reading) -> None:
    mine = desk(reading.reader)
    closing = Decision(mine.new_id(), reading.patient_id, "", Action.CLOSE, mine.user, mine.clock())
    ReadingLog(mine.registry, reading).record(closing, seen=0)


def treated(desk: Desk, patient_id: str, died: str) -> None:
    """What an analysis needs of a patient."""
    for field, value, day in (
        ("histology", "small_cell", None),
        ("diagnosis_date", "2024-01-01", "2024-01-01"),
        ("therapy_line", "1", "2024-01-15"),
        ("death_date", died, died),
    ):
        slot = "therapy_line:1@2024-01-15" if field == "therapy_line" else field
        stated = Decision(
            desk.new_id(), patient_id, slot, Action.EDIT, desk.user, desk.clock(), field, value=value, date=day
        )
        record(desk.registry, stated, seen=10**9)


def test_a_blind_patient_is_in_no_figure_until_the_reading_is_closed(undecided: Desks) -> None:
    reading = assign(undecided("qa"), "P1", "jo", suggesting=False)
    blind, other = seen_by(undecided, "jo"), seen_by(undecided, "pi")
    assert (blind.patients, other.patients) == (3, 4)
    assert (blind.unreviewed, other.unreviewed) == (1, 3)
    close(undecided, reading)
    opened = seen_by(undecided, "jo")
    assert (opened.patients, opened.unreviewed) == (4, 3)


def test_what_was_decided_on_a_blind_patient_changes_nothing_that_is_drawn(undecided: Desks) -> None:
    assign(undecided("qa"), "P1", "jo", suggesting=False)
    for patient_id, died in {"P1": "2024-08-01", "P2": "2024-12-01", "P3": "2025-01-01"}.items():
        treated(undecided("max"), patient_id, died)
    blind, whole = seen_by(undecided, "jo"), seen_by(undecided, "pi")
    assert (blind.analysed, whole.analysed) == (2, 3)
    treated(undecided("max"), "P1", "2024-09-01")
    again = seen_by(undecided, "jo")
    assert (again.curves, again.shares) == (blind.curves, blind.shares)
    assert seen_by(undecided, "pi").curves != whole.curves
