"""A registry that reads its own export learns nothing: every row is known already, wherever the registry keeps what it says."""

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry_copies import copied

from abstractor.api import Abstractor
from abstractor.batch.annotate import annotate_registry, unguarded
from abstractor.batch.facts import ImportReport, import_facts
from abstractor.batch.ingest import ingest
from abstractor.batch.records import cases
from abstractor.demo import _abstract_all, samples
from abstractor.exports.facts import facts_csv
from abstractor.model.decision import Action, Decision
from abstractor.model.fact import COLUMNS
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import case_of, decisions_of, record, record_all
from abstractor.registry.engine import Registry, open_registry, utc_now
from abstractor.registry.notes import add_notes, patients
from abstractor.rulebook.schema import FieldSpec
from abstractor.rulebook.slots import slot_key
from abstractor.sources.reader import note_type_mapper
from abstractor.sources.reading import ReadOptions

SAMPLES = ("SP02", "SP18")
"""Sample patients whose suggested events were dated anew: their facts stand in slots of another date."""

NEW = [("SD", "2024-03-01"), ("CR", "2024-03-01"), ("PD", "2024-02-01")]
"""Responses, with their days."""

Reimport = Callable[[], ImportReport]


def exported(registry: Registry, path: Path) -> Path:
    path.write_text(facts_csv(fact for case in cases(registry) for fact in case.facts), encoding="utf-8", newline="")
    return path


def all_decisions(registry: Registry) -> list[Decision]:
    return [decision for patient_id in patients(registry) for decision in decisions_of(registry, patient_id)]


@pytest.fixture
def reimport(registry: Registry, fields: dict[str, FieldSpec], tmp_path: Path) -> Reimport:
    """Exports the facts of the registry and imports them into it again."""

    def done() -> ImportReport:
        return import_facts(registry, exported(registry, tmp_path / "facts.csv"), fields, "mortiz")

    return done


def by_hand(slot: str, value: str, **other: object) -> Decision:
    field = slot.split(":")[0].split("@")[0]
    values: dict[str, object] = {"action": Action.EDIT, "field": field, **other}
    return Decision(
        f"by-hand-{slot}", "P1", slot, decided_by="rchen", decided_at=utc_now(), value=value, **values  # type: ignore[arg-type]
    )  # fmt: skip


# The sample registry


def test_the_sample_registry_knows_every_fact_it_has_exported(registry_file: Path, tmp_path: Path) -> None:
    nlp, registry = Abstractor.load(), open_registry(str(registry_file))
    notes = tmp_path / "notes"
    for patient_id in SAMPLES:
        shutil.copytree(samples() / "notes" / patient_id, notes / patient_id)
    header, *rows = (samples() / "notes" / "notes.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    ours = "".join(row for row in rows if any(patient_id in row for patient_id in SAMPLES))
    (notes / "notes.csv").write_text(header + ours, encoding="utf-8")
    read = ingest(registry, [notes], ReadOptions(note_type=note_type_mapper(nlp.rulebook.note_types)))
    assert read.faults == []
    annotate_registry(registry, nlp.rulebook, unguarded(nlp.annotate_for_registry))
    _abstract_all(registry, nlp.rulebook)
    before = all_decisions(registry)
    facts = [fact for case in cases(registry) for fact in case.facts]
    fields = nlp.rulebook.fields
    slots = {fact.slot: slot_key(fields[fact.field], fact.value, fact.assertion, fact.date) for fact in facts}
    assert any(slot.partition("#")[0] != usual for slot, usual in slots.items())
    assert any(fields[fact.field].kind == "date" and fact.date is None for fact in facts)
    report = import_facts(registry, exported(registry, tmp_path / "facts.csv"), fields, "mortiz")
    assert (report.written, report.known, report.faults) == (0, len(facts), [])
    assert all_decisions(registry) == before
    registry.close()


# One thing at a time


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param([by_hand("diagnosis_date", "2024-03")], id="a date field that was confirmed without a date of its own"),
        pytest.param([by_hand("diagnosis_date", "2024-03", date="2024-03-07")], id="or with another one"),
        pytest.param([by_hand("response@2024-03-01", "PR", date="2024-03-05")], id="an event that was dated anew"),
        pytest.param(
            [by_hand("response@2024-03-01", "PR", date="2024-03-05"), by_hand("response@2024-03-05", "SD", date="2024-03-01")],
            id="two events that changed places",
        ),
        pytest.param(
            [by_hand("response@2024-03-01", "PR", date="2024-03-01"), by_hand("response@2024-03-01#2", "PR", date="2024-03-01")],
            id="two readers who say the same",
        ),
        pytest.param([by_hand("metastasis:liver", "bone")], id="a value that was corrected"),
        pytest.param([by_hand("stage.valg", "limited"), by_hand("stage.valg#2", "extensive", field="stage.valg")],
            id="two values of what has only one",
        ),
        pytest.param([by_hand("radiotherapy:pci@undated", "pci", attributes={"dose_gy": 25.0, "sites": ["é", "=1"]})], id="attributes"),
    ],
)  # fmt: skip
def test_what_stands_is_known_whatever_its_slot(registry: Registry, reimport: Reimport, stated: list[Decision]) -> None:
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1")], "test")
    record_all(registry, stated)
    report = reimport()
    assert (report.written, report.known, report.faults) == (0, len(stated), [])


def test_a_fact_whose_note_has_a_newer_and_shorter_version_is_known(registry: Registry, reimport: Reimport) -> None:
    note = Note("N1", "Limited stage disease.", "P1")
    add_notes(registry, [note], "test")
    record(
        registry,
        by_hand("stage.valg", "limited", evidence=(Evidence("N1", 0, 21, note.text[:21], note.sha256),)),
        seen=0,
    )
    add_notes(registry, [replace(note, text="Limited.")], "test")
    report = reimport()
    assert (report.written, report.known, report.faults) == (0, 1, [])


@pytest.mark.parametrize("source", ["review", "import"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("slot", ["response@2024-03-01", "response@2024-02-01"])
def test_a_statement_beside_a_known_one_is_new_and_overrides_nothing(
    registry: Registry, fields: dict[str, FieldSpec], reimport: Reimport, tmp_path: Path, slot: str, first: bool, source: str
) -> None:  # fmt: skip
    """Whether it stands before the known one in the file or after it."""
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1")], "test")
    record(registry, by_hand(slot, "PR", date="2024-03-01", source=source), seen=0)
    header, known = exported(registry, tmp_path / "both.csv").read_text().splitlines()
    added = [f"P1,response,{value},present,{day}{',' * (len(COLUMNS) - 5)}" for value, day in NEW]
    path = tmp_path / "both.csv"
    path.write_text("\n".join([header, *added, known] if first else [header, known, *added]) + "\n")
    report = import_facts(registry, path, fields, "mortiz")
    assert (report.written, report.known, report.faults) == (3, 1, [])
    assert sorted((fact.value, fact.date) for fact in case_of(registry, "P1").facts) == sorted(
        [("PR", "2024-03-01"), *NEW]
    )
    assert import_facts(registry, path, fields, "mortiz").known == reimport().known == 4


@pytest.mark.parametrize("first", [True, False])
def test_another_value_beside_a_known_one_is_a_fault_where_there_is_only_one(
    registry: Registry, fields: dict[str, FieldSpec], tmp_path: Path, first: bool
) -> None:
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1")], "test")
    record(registry, by_hand("sex", "female", source="import"), seen=0)
    path = tmp_path / "facts.csv"
    rows = ["P1,sex,male", "P1,sex,female"]
    path.write_text("\n".join(["patient_id,field,value", *(rows if first else reversed(rows))]) + "\n")
    report = import_facts(registry, path, fields, "mortiz")
    assert (report.written, report.known) == (0, 1)
    assert "sex of patient P1 stands in another row with another value; keep one" in report.faults[0]
    assert [fact.value for fact in case_of(registry, "P1").facts] == ["female"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"value": "pci", "attributes": '{"dose_gy": 30}'}, "attributes of its own"),
        ({"value": "pci", "end_date": "2024-04-01"}, "another end"),
    ],
)
def test_what_differs_in_anything_it_says_is_not_taken_as_known(
    registry: Registry, fields: dict[str, FieldSpec], tmp_path: Path, row: dict[str, str], said: str
) -> None:
    add_notes(registry, [Note("N1", "PCI.", "P1")], "test")
    record(
        registry, by_hand("radiotherapy:pci@2024-03-01", "pci", date="2024-03-01", attributes={"dose_gy": 25}), seen=0
    )
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerow({"patient_id": "P1", "field": "radiotherapy", "date": "2024-03-01", **row})
    path = tmp_path / "facts.csv"
    path.write_text(out.getvalue(), newline="")
    report = import_facts(registry, path, fields, "mortiz")
    assert (report.written, report.known) == (0, 0), said
    assert "was decided otherwise by rchen in review" in report.faults[0]


# Any facts

VALUES = {
    "diagnosis_date": ("2024-03-01", "2024-03", "2023"),
    "death_date": ("2025-01-01", "2025"),
    "stage.valg": ("limited", "extensive"),
    "response": ("PR", "SD", "PD"),
    "metastasis": ("liver", "brain"),
    "systemic_therapy": ("carboplatin", "=etoposide"),
    "radiotherapy": ("pci", "thoracic"),
    "variant": ("TP53 p.R175H",),
}
days = st.sampled_from([None, "2024", "2024-03", "2024-03-01", "2024-03-05"])
facts = st.sampled_from([(field, value) for field, values in VALUES.items() for value in values]).flatmap(
    lambda pair: st.fixed_dictionaries(
        {
            "field": st.just(pair[0]),
            "value": st.just(pair[1]),
            "slot": st.sampled_from([pair[0], *(f"{pair[0]}@{day}" for day in ("undated", "2024-03-01", "2024-03-01#2"))]),
            "patient_id": st.sampled_from(["P1", "=P2"]),
            "assertion": st.sampled_from([Assertion.PRESENT, Assertion.ABSENT]),
            "date": days,
            "end_date": days,
            "attributes": st.sampled_from([{}, {"a": ["=1", "é"], "b": 2.5, "c": True}, {"x": "-1"}]),
            "source": st.sampled_from(["review", "import"]),
        }
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def two_patients(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = copied(empty_registry_file, tmp_path_factory.mktemp("two") / "study.db")
    registry = open_registry(str(path))
    add_notes(registry, [Note("N1", "a", "P1"), Note("N2", "b", "=P2")], "test")
    registry.close()
    return path


@settings(max_examples=25)
@given(st.lists(facts, max_size=12))
def test_any_registry_knows_every_fact_it_has_exported(
    two_patients: Path,
    fields: dict[str, FieldSpec],
    tmp_path_factory: pytest.TempPathFactory,
    stated: list[dict[str, object]],
) -> None:
    folder = tmp_path_factory.mktemp("own")
    registry = open_registry(str(copied(two_patients, folder / "study.db")))
    made = [
        Decision(f"d{number}", action=Action.EDIT, decided_by="rchen", decided_at=utc_now(), **one)  # type: ignore[arg-type]
        for number, one in enumerate(stated)
    ]
    record_all(registry, made)
    standing = sum(len(case.facts) for case in cases(registry))
    report = import_facts(registry, exported(registry, folder / "facts.csv"), fields, "mortiz")
    assert (report.rows, report.written, report.known, report.faults) == (standing, 0, standing, [])
    assert [decision.action_id for decision in all_decisions(registry)] == [
        decision.action_id
        for patient_id in patients(registry)
        for decision in made
        if decision.patient_id == patient_id
    ]
    registry.close()
