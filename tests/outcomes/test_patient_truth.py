"""Patients whose endpoints were worked out by hand, derived from their lists of events: exactly the same."""

import datetime
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from abstractor.model.fact import Fact
from abstractor.outcomes.lines import load_drug_groups
from abstractor.outcomes.patient import PatientOutcome, derive_patient
from abstractor.outcomes.protocol import Protocol, load_protocol
from abstractor.outcomes.record import NoteContact, PatientRecord

PROJECT = Path(__file__).resolve().parents[2]
GOLD = PROJECT / ".." / "shared" / "gold" / "dev" / "sclc_patients.json"
SAMPLES = PROJECT / "corpus_samples" / "truth"
CUTOFF = datetime.date(2025, 6, 30)


_PLATINUM_END = re.compile(r"(?:chemo[^;]*? to|C\d day 1|last platinum|chemo[^;]*?last) (\d{4}-\d{2}-\d{2})")


def record_of(name: str, truth: Mapping[str, Any], notes: Sequence[NoteContact] = ()) -> PatientRecord:
    """The facts a reader would have confirmed: stage, lines, drugs, responses, radiotherapy, contacts, death."""
    facts: list[Fact] = []

    def add(field: str, value: object, date: str | None = None, end: str | None = None, **attributes: object) -> None:
        action_id = f"{name}-{len(facts)}"
        facts.append(Fact(name, field, str(value), date=date, end_date=end, attributes=attributes, action_id=action_id))

    add("histology", truth["histology"])
    add("diagnosis_date", truth["diagnosis_date"])
    if truth.get("stage_valg"):
        add("stage.valg", truth["stage_valg"], truth["diagnosis_date"])
    for site in truth["metastatic_sites_at_diagnosis"]:
        add("metastasis", site, truth["diagnosis_date"])
    for line in truth["lines"]:
        add("therapy_line", line["line"], line["start"], line["stop"], drugs=line["drugs"], cycles=line["cycles"])
    first = truth["lines"][0] if truth["lines"] else None
    interval = truth.get("platinum_free_interval_days")
    if first and isinstance(interval, int):
        progressed = datetime.date.fromisoformat(truth["progression_dates"][0])
        end = (progressed - datetime.timedelta(days=interval)).isoformat()
        match = _PLATINUM_END.search(first["note"] or "")
        add("systemic_therapy", "carboplatin", first["start"], match.group(1) if match else end)
    for course in truth["radiotherapy"]:
        add("radiotherapy", course["site"], course["start"], course["end"])
    for one in truth["surgery"]:
        add("surgery", one.get("procedure") or one.get("type") or one.get("value"), one["date"])
    for one in truth["response_assessments"]:
        add("response", "CR" if one.get("status") == "NED" else one["value"], one["date"])
    for day in truth["contacts"]:
        add("visit", day, day)
    if truth.get("death_date"):
        add("death_date", truth["death_date"])
    return PatientRecord(name, tuple(facts), tuple(notes))


def truths() -> dict[str, dict[str, Any]]:
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*.json"))}
    if GOLD.is_file():
        found.update(json.loads(GOLD.read_text(encoding="utf-8"))["patients"])
    return found


TRUTHS = truths()
PROTOCOL = load_protocol(PROJECT / "rules" / "protocol.toml")


def notes_of(name: str) -> list[NoteContact]:
    path = PROJECT / "corpus_samples" / "gold" / f"{name}.toml"
    if not path.is_file():
        return []
    notes = tomllib.loads(path.read_text(encoding="utf-8"))["note"]
    return [NoteContact(datetime.date.fromisoformat(note["date"]), note["type"]) for note in notes if "date" in note]


def derive(name: str, protocol: Protocol = PROTOCOL) -> PatientOutcome:
    groups = load_drug_groups(PROJECT / "rules" / "lines.toml")
    return derive_patient(record_of(name, TRUTHS[name], notes_of(name)), protocol, CUTOFF, groups)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize(("endpoint", "key"), [("pfs", "rwpfs"), ("pfs_trial", "trial_pfs"), ("os", "os")])
def test_times_are_those_worked_out_by_hand(name: str, endpoint: str, key: str) -> None:
    expected = TRUTHS[name].get(key)
    row = derive(name).endpoints[endpoint]
    if not expected or expected.get("end") is None:
        assert row.event is None
        return
    ours = (str(row.stop), row.days, row.event)
    assert ours == (expected["end"], expected["days"], bool(expected["event"])), (row, expected)
    assert row.days is not None
    assert PROTOCOL.months(row.days) == pytest.approx(expected["months"], abs=6e-4)


@pytest.mark.parametrize("name", TRUTHS)
def test_best_responses_by_line_are_those_worked_out_by_hand(name: str) -> None:
    outcome = derive(name)
    for one in outcome.lines:
        expected = TRUTHS[name].get(f"best_response_line{one.line.number}")
        if expected:
            ours = (one.best.value, one.confirmed.value)
            assert ours == (expected["unconfirmed"] or "NE", expected["confirmed"] or "NE"), one.line.number


@pytest.mark.parametrize("name", TRUTHS)
def test_platinum_free_interval_is_that_worked_out_by_hand(name: str) -> None:
    expected = TRUTHS[name].get("platinum_free_interval_days")
    if isinstance(expected, int):
        assert derive(name).platinum.days == expected


@pytest.mark.parametrize("name", TRUTHS)
def test_nobody_with_a_full_record_is_excluded(name: str) -> None:
    outcome = derive(name)
    transformed = TRUTHS[name]["histology"] == "transformed_small_cell"
    assert bool(outcome.excluded) == (transformed or not TRUTHS[name]["lines"]), outcome.excluded


@pytest.mark.skipif("P08" not in TRUTHS, reason="the patient truth is not beside the project")
def test_progression_in_the_brain_alone_is_left_out_of_systemic_pfs() -> None:
    record = record_of("P08", TRUTHS["P08"])
    facts = tuple(
        fact
        if fact.date != "2024-06-11" or fact.field != "response"
        else type(fact)(fact.patient_id, "response", "PD", date=fact.date, attributes={"site": "cns"})
        for fact in record.facts
    )
    groups = load_drug_groups(PROJECT / "rules" / "lines.toml")
    outcome = derive_patient(type(record)("P08", facts), PROTOCOL, CUTOFF, groups)
    systemic = outcome.endpoints["pfs_systemic"]
    assert (str(systemic.stop), systemic.days, systemic.event) == ("2024-10-09", 310, True)
    assert outcome.endpoints["pfs"].days == 190
    assert outcome.endpoints["pfs"].reason == "progression (cns)"
