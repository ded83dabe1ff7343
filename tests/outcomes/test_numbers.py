"""Every number has an id, and leads to its patients and their decisions."""

import datetime
from collections.abc import Callable

import pytest

from abstractor.outcomes.cohort import Analysis, analyse
from abstractor.outcomes.further import compute_further
from abstractor.outcomes.numbers import CENSORED, EVENT, Numbers, number_all, slug
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.trail import RESPONSE, decided_facts, trail

MakePatient = Callable[..., PatientRecord]


@pytest.fixture(scope="module")
def records(make_patient: MakePatient) -> list[PatientRecord]:
    return [
        make_patient("a", "43PR 85PR 127PD", death=300),
        make_patient("b", "43SD 100PD", seen=280, stage="extensive"),
        make_patient("c", "43CR 85CR", seen=200),
        make_patient("d", "", death=30, stage="extensive"),
    ]


@pytest.fixture(scope="module")
def analysis(records: list[PatientRecord], cutoff: datetime.date) -> Analysis:
    return analyse(records, Protocol(), cutoff)


@pytest.fixture(scope="module")
def numbers(analysis: Analysis) -> Numbers:
    return number_all(analysis, compute_further(analysis))


def test_no_two_numbers_have_one_id_and_each_rests_on_a_group(numbers: Numbers) -> None:
    ids = [one.id for one in numbers.numbers]
    assert len(set(ids)) == len(ids)
    groups = [one.id for one in numbers.groups]
    assert len(set(groups)) == len(groups)
    assert {one.group for one in numbers.numbers} <= set(groups)


def test_ids_can_be_typed(numbers: Numbers) -> None:
    assert all(not set(one.id) & set(" /@'\"<>") for one in numbers.numbers)
    assert slug("ECOG 0–1") == "ECOG-0-1"


def test_every_count_counts_its_patients(numbers: Numbers) -> None:
    for one in numbers.numbers:
        if one.counts is not None:
            assert one.value == len(one.counts), one.id


def test_what_an_estimate_needs_is_a_count(numbers: Numbers) -> None:
    counts = {one.id for one in numbers.numbers if one.counts is not None}
    for one in numbers.numbers:
        assert set(one.needs) <= counts, one.id


def test_the_members_of_a_curve_are_its_events_and_censorings(numbers: Numbers) -> None:
    group = next(one for one in numbers.groups if one.id == "os.all")
    assert [(one.patient, one.role, one.day) for one in group.members] == [
        ("a", EVENT, 300), ("b", CENSORED, 280), ("c", CENSORED, 200), ("d", EVENT, 30),
    ]  # fmt: skip


def test_a_response_rate_leads_to_who_is_counted(numbers: Numbers) -> None:
    by_id = {one.id: one for one in numbers.numbers}
    assert by_id["orr-confirmed.all.all.x"].counts == frozenset({"a", "c"})
    assert by_id["orr-confirmed.all.all.share"].value == pytest.approx(0.5)
    assert by_id["bor-confirmed.NE"].counts == frozenset({"d"})


@pytest.mark.parametrize(
    ("name", "endpoint", "decisions"),
    [
        ("a", "os", [("start", {"a-line-1"}), ("event", {"a-death"})]),
        ("a", "pfs", [("start", {"a-line-1"}), ("event", {"a-127PD"})]),
        ("b", "os", [("start", {"b-line-1"}), ("censored", {"b-visit-280"})]),
    ],
)
def test_an_endpoint_leads_to_the_decisions_of_its_start_and_end(
    analysis: Analysis, records: list[PatientRecord], name: str, endpoint: str, decisions: list[tuple[str, set[str]]]
) -> None:
    outcome = next(one for one in analysis.patients if one.patient_id == name)
    record = next(one for one in records if one.patient_id == name)
    steps = trail(record, outcome, endpoint)
    assert [(one.what, set(one.decisions)) for one in steps] == decisions
    assert [one.action_id for one in decided_facts(record, steps[-1].decisions)] == list(steps[-1].decisions)


def test_a_response_leads_to_every_assessment(analysis: Analysis, records: list[PatientRecord]) -> None:
    steps = trail(records[0], analysis.patients[0], RESPONSE)
    assert [(one.text, one.decisions) for one in steps[1:-1]] == [
        ("PR", ("a-43PR",)), ("PR", ("a-85PR",)), ("PD", ("a-127PD",)),
    ]  # fmt: skip
    assert steps[-1].text == "best response PR, confirmed PR"


def test_every_end_of_a_time_leads_somewhere(analysis: Analysis, records: list[PatientRecord]) -> None:
    by_name = {one.patient_id: one for one in records}
    for outcome in analysis.analysed:
        for endpoint in ("os", "pfs", "pfs_trial"):
            for step in trail(by_name[outcome.patient_id], outcome, endpoint):
                known = step.decisions or step.notes or step.what == "not computed"
                assert known, (outcome.patient_id, endpoint, step)
