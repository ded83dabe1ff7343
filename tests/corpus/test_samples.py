"""The sample charts: built files up to date, every quotation in its place, and hand-worked figures that add up."""

import csv
import importlib.util
import json
import re
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from abstractor.model.dates import PartialDate
from abstractor.model.finding import Assertion
from abstractor.model.note import NOTE_TYPES
from abstractor.rulebook.load import value_fits
from abstractor.rulebook.schema import FieldSpec

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = PROJECT / "corpus_samples"
DAYS_PER_MONTH = 30.4375


@cache
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_samples", PROJECT / "scripts" / "build_samples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def gold() -> list[dict[str, Any]]:
    lines = (SAMPLES / "gold.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


@cache
def truth() -> dict[str, dict[str, Any]]:
    patients: dict[str, dict[str, Any]] = json.loads((SAMPLES / "patients.json").read_text(encoding="utf-8"))[
        "patients"
    ]
    return patients


PATIENTS = sorted(path.stem for path in (SAMPLES / "truth").glob("*.json"))
NOTES = [row["note_id"] for row in gold()]


def of_note(note_id: str) -> dict[str, Any]:
    return next(row for row in gold() if row["note_id"] == note_id)


@pytest.mark.parametrize("name", ["notes/notes.csv", "gold.jsonl", "facts.csv", "patients.json"])
def test_a_built_file_is_up_to_date(name: str) -> None:
    assert (SAMPLES / name).read_bytes() == builder().build(SAMPLES)[name], "run scripts/build_samples.py"


def test_there_are_at_least_sixteen_patients_of_six_to_fourteen_notes() -> None:
    counts = {patient: sum(row["patient_id"] == patient for row in gold()) for patient in PATIENTS}
    assert len(PATIENTS) >= 16
    assert set(truth()) == set(counts)
    assert {patient: count for patient, count in counts.items() if not 6 <= count <= 14} == {}


def test_every_note_on_disk_is_listed_once_and_every_listed_one_is_there() -> None:
    with (SAMPLES / "notes" / "notes.csv").open(encoding="utf-8", newline="") as file:
        listed = [row["path"] for row in csv.DictReader(file)]
    there = [path.relative_to(SAMPLES / "notes").as_posix() for path in (SAMPLES / "notes").rglob("*.txt")]
    assert sorted(listed) == sorted(there)
    assert len(set(NOTES)) == len(NOTES)


@pytest.mark.parametrize("note_id", NOTES)
def test_the_facts_of_a_note_are_valid_and_quoted_where_they_stand(note_id: str, fields: dict[str, FieldSpec]) -> None:
    note = of_note(note_id)
    text = (SAMPLES / "notes" / note["patient_id"] / f"{note_id}.txt").read_bytes().decode("utf-8")
    assert note["text"] == text
    assert note["note_type"] in NOTE_TYPES
    triples = [(fact["field"], fact["value"], fact["assertion"]) for fact in note["facts"]]
    assert len(set(triples)) == len(triples)
    for fact in note["facts"]:
        spec = fields[fact["field"]]
        assert spec.in_notes
        assert value_fits(spec, fact["value"]), fact
        assert fact["assertion"] in set(Assertion)
        assert 1 <= len(fact["spans"]) <= 3
        for start, end in fact["spans"]:
            assert 0 <= start < end <= len(text)
            assert text[start:end] == text[start:end].strip(), fact
        if "date" in fact:
            PartialDate.parse(fact["date"])


def test_the_samples_hold_what_a_registry_meets() -> None:
    held = truth().values()
    assert {one["stage_valg"] for one in held} == {"limited", "extensive"}
    assert {one["histology"] for one in held} == {"small_cell", "combined_small_cell", "transformed_small_cell"}
    assert {len(one["lines"]) for one in held} >= {1, 2, 3}
    assert {one["vital_status"] for one in held} >= {"dead", "alive"}
    assert {one["best_response_line1"]["confirmed"] for one in held if one["best_response_line1"]} >= {"PR", "PD"}
    assert any(course["site"] == "pci" for one in held for course in one["radiotherapy"])
    facts = [fact for row in gold() for fact in row["facts"]]
    assert {fact["assertion"] for fact in facts} == set(Assertion)
    assert {row["note_type"] for row in gold()} >= {
        "clinic",
        "radiology",
        "pathology",
        "molecular",
        "tumour_board",
        "death",
    }


@pytest.mark.parametrize("patient", PATIENTS)
def test_the_facts_of_a_patient_are_valid(patient: str, fields: dict[str, FieldSpec]) -> None:
    with (SAMPLES / "facts.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["patient_id"] == patient]
    assert rows
    for row in rows:
        assert value_fits(fields[row["field"]], row["value"]), row
        assert row["assertion"] in {"present", "absent"}
        for column in ("date", "end_date"):
            if row[column]:
                PartialDate.parse(row[column])
        if row["date"] and row["end_date"]:
            assert row["date"] <= row["end_date"], row
        if row["attributes"]:
            json.loads(row["attributes"])


@pytest.mark.parametrize("patient", PATIENTS)
def test_the_times_worked_out_by_hand_add_up(patient: str) -> None:
    one = truth()[patient]
    for endpoint in ("os", "rwpfs", "trial_pfs"):
        told = one[endpoint]
        if not told or told.get("months") is None:
            assert not one["lines"] or (told or {}).get("reason"), f"{endpoint} is missing without a reason"
            continue
        days = (date.fromisoformat(told["end"]) - date.fromisoformat(one["index"])).days
        assert told["days"] == days, endpoint
        assert told["months"] == pytest.approx(days / DAYS_PER_MONTH, abs=6e-4), endpoint
        assert told["event"] in {0, 1}
        assert told["reason"]


@pytest.mark.parametrize("patient", PATIENTS)
def test_the_course_worked_out_by_hand_is_in_order(patient: str) -> None:
    one = truth()[patient]
    lines = one["lines"]
    assert [line["line"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(line["start"] <= line["stop"] for line in lines if line["stop"])  # none: still going on
    assert all(before["start"] < after["start"] for before, after in pairwise(lines))
    if lines and one["index"]:
        assert one["index"] == lines[0]["start"]
    assert (one["vital_status"] == "dead") == bool(one["death_date"])
    if one["os"] and one["os"].get("months") is not None:
        assert one["os"]["event"] == (one["vital_status"] == "dead")
    if one["death_date"]:
        last = PartialDate.parse(one["death_date"]).last.isoformat()
        assert all(day <= last for day in one["contacts"])
        assert one["last_contact_date"] <= last
    assert one["contacts"] == sorted(set(one["contacts"]))
    days = [response["date"] for response in one["response_assessments"]]
    assert days == sorted(days)
    assert {day for day in one["progression_dates"] if day not in days} <= set(one["contacts"])


@pytest.mark.parametrize("patient", PATIENTS)
def test_best_responses_follow_from_the_assessments(patient: str) -> None:
    """Unconfirmed: the best one of the line; confirmed CR or PR: seen again at least 28 days later (DOMAIN §2)."""
    one = truth()[patient]
    for number in (1, 2):
        best = one.get(f"best_response_line{number}")
        said = [response for response in one["response_assessments"] if response.get("line") == number]
        if not best or not best.get("unconfirmed"):
            continue
        order = ["CR", "PR", "SD", "PD", "NE"]
        known = [response["value"] for response in said if response["value"] in order]
        if not known:
            assert best["unconfirmed"] in {"NE", "PD"}
            continue
        assert best["unconfirmed"] in known or best["unconfirmed"] in {"NE", "PD"}, (patient, number)
        gap = best.get("confirmation_gap_days")
        if best.get("confirmed") in {"CR", "PR"} and gap is not None:
            days = [date.fromisoformat(response["date"]) for response in said]
            assert gap >= 28
            assert gap in {(later - earlier).days for earlier in days for later in days}


def test_charts_are_not_slots_of_one_template() -> None:
    """No long line stands in the charts of two patients."""
    where: dict[str, set[str]] = {}
    for row in gold():
        for line in row["text"].split("\n"):
            plain = re.sub(r"[\W\d_]+", " ", line).strip().lower()
            if len(plain.split()) >= 10:
                where.setdefault(plain, set()).add(row["patient_id"])
    assert {line: patients for line, patients in where.items() if len(patients) > 1} == {}
