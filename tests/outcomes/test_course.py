"""What ended the times, platinum sensitivity at several cut-offs, days between assessments: against cases counted by hand."""

import csv
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from abstractor.model.fact import Fact
from abstractor.outcomes.cohort import Analysis, analyse
from abstractor.outcomes.course import describe_course
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.run import run_outcomes

MakePatient = Callable[..., PatientRecord]
Day = Callable[[int], str]
GROUPS = DrugGroups(platinum=frozenset({"carboplatin"}))


@pytest.fixture(scope="module")
def records(make_patient: MakePatient) -> list[PatientRecord]:
    """Last platinum on day 70: progression 77, 57, 0 and 200 days after it, one without progression."""
    return [
        make_patient("a", "42SD 147PD", death=150),
        make_patient("b", "42SD 127PD", death=150),
        make_patient("c", "40SD 70PD", death=150),
        make_patient("d", "30SD 100SD 170SD 270PD", seen=280, stage="extensive"),
        make_patient("e", "60SD 120SD", seen=150, stage="extensive"),
    ]


@pytest.fixture(scope="module")
def analysis(records: list[PatientRecord], cutoff: datetime.date) -> Analysis:
    return analyse(records, Protocol(), cutoff, groups=GROUPS)


def test_platinum_sensitivity_is_counted_at_every_cut_off(analysis: Analysis) -> None:
    counts = {
        one.cutoff: {name: "".join(who) for name, who in one.patients} for one in describe_course(analysis).platinum
    }
    assert list(counts) == [60, 75, 90, 180]
    rest = {"refractory": "c", "not progressed": "e", "unknown": ""}
    assert counts[60] == counts[75] == {"sensitive": "ad", "resistant": "b"} | rest
    assert counts[90] == counts[180] == {"sensitive": "d", "resistant": "ab"} | rest


def test_the_cut_off_of_the_protocol_is_counted_too(records: list[PatientRecord], cutoff: datetime.date) -> None:
    own = analyse(records, Protocol(platinum_free_cutoff=50), cutoff, groups=GROUPS)
    first = describe_course(own).platinum[0]
    assert (first.cutoff, dict(first.patients)["sensitive"]) == (50, ("a", "b", "d"))


def test_every_time_is_counted_in_one_ending(analysis: Analysis) -> None:
    endings = describe_course(analysis).endings
    for endpoint in ("os", "pfs", "pfs_trial"):
        whole = analysis.endpoint(endpoint).overall
        told = [one for one in endings if one.endpoint == endpoint]
        assert sorted(patient for one in told for patient in one.patients) == sorted(whole.patients)
        assert sum(len(one.patients) for one in told if one.event) == whole.sample.events
    assert [(one.reason, one.patients) for one in endings if one.endpoint == "os"] == [
        ("death", ("a", "b", "c")),
        ("censored: last known alive", ("d", "e")),
    ]


def test_the_interval_between_assessments_is_the_median_of_the_patients_medians(analysis: Analysis) -> None:
    """Gaps a 42 105, b 42 85, c 40 30: 73.5, 63.5, 35. d 30 70 70 100, e 60 60: 70 and 60."""
    found = {one.group: one.quartiles for one in describe_course(analysis).intervals}
    assert found["limited"] == pytest.approx((49.25, 63.5, 68.5))
    assert found["extensive"] == pytest.approx((62.5, 65.0, 67.5))
    assert found["all"] == pytest.approx((60.0, 63.5, 70.0))


def test_the_report_shows_them_with_their_ids(
    records: list[PatientRecord], cutoff: datetime.date, tmp_path: Path
) -> None:
    run_outcomes(records, tmp_path, protocol=Protocol(), cutoff=cutoff, groups=GROUPS, second_opinion_most=0)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("How the times ended", "Platinum sensitivity", "How often patients were assessed", "end.os.death"):
        assert words in page
    with (tmp_path / "tables" / "numbers.csv").open(encoding="utf-8", newline="") as file:
        values = {row["id"]: row["value"] for row in csv.DictReader(file)}
    assert values["platinum.90.sensitive"] == "1.0"
    assert values["assessment-interval.limited.median"] == "63.5"
    assert values["end.os.censored-last-known-alive"] == "2.0"


def test_therapy_long_before_the_diagnosis_is_not_called_undated(day: Day, cutoff: datetime.date) -> None:
    facts = (
        Fact("a", "histology", "small_cell"),
        Fact("a", "diagnosis_date", day(300)),
        Fact("a", "systemic_therapy", "etoposide", date=day(0)),
    )
    (patient,) = analyse([PatientRecord("a", facts)], Protocol(), cutoff).patients
    assert patient.excluded.startswith("all dated systemic therapy lies more than 14 days before the diagnosis")


def test_a_patient_taken_as_small_cell_for_the_stage_alone_is_named(
    make_patient: MakePatient, cutoff: datetime.date
) -> None:
    (patient,) = analyse([make_patient("a", "43PR", without=("histology",))], Protocol(), cutoff).patients
    assert not patient.excluded
    assert "no_histology" in {one.code for one in patient.faults}
