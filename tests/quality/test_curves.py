"""Survival from two readings of the same patients: nothing differs where nothing differs, and a later death shows."""

import datetime

import pytest

from abstractor.model.fact import Fact
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.quality.curves import CurveAgreement, agree_curves


def records(late: int = 0) -> list[PatientRecord]:
    """Ten patients who start on one day and die one after the other, each `late` days later than they did."""
    start = datetime.date(2020, 1, 10)
    made = []
    for number in range(10):
        death = str(start + datetime.timedelta(days=60 * (number + 1) + late))
        name = f"P{number}"
        facts = (
            Fact(name, "histology", "small_cell", slot="histology"),
            Fact(name, "therapy_line", "1", date=str(start), end_date="2020-02-20", attributes={"drugs": ["carboplatin", "etoposide"]}),
            Fact(name, "vital_status", "dead", slot="vital_status"),
            Fact(name, "death_date", death, slot="death_date"),
        )  # fmt: skip
        made.append(PatientRecord(name, facts))
    return made


def agreed(second: list[PatientRecord]) -> CurveAgreement:
    found = agree_curves(
        records(), second, "os", protocol=Protocol(), cutoff=datetime.date(2024, 1, 1), groups=DrugGroups(), seed=1
    )
    assert found is not None
    return found


def test_the_same_readings_give_the_same_curve() -> None:
    found = agreed(records())
    assert (found.patients, found.only_one) == (10, 0)
    assert found.first_median == found.second_median
    assert found.median_difference.value == 0
    assert found.hazard_ratio.value == pytest.approx(1)
    assert (found.hazard_ratio.lower, found.hazard_ratio.upper) == pytest.approx((1, 1))


def test_a_reader_who_dates_deaths_later_shows_in_median_and_hazard() -> None:
    found = agreed(records(late=30))
    assert found.median_difference.value == pytest.approx(30)
    assert found.hazard_ratio.value is not None
    assert found.hazard_ratio.value < 1


def test_a_patient_of_one_reading_only_is_in_neither_curve() -> None:
    assert agreed(records()[:8]).patients == 8
