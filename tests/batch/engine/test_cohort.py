"""The notes of a patient put together: who is found and why, who is only counted, and that the order of the work changes nothing."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.batch.engine import cohort
from abstractor.batch.engine.cohort import COLUMNS, CohortTable, PatientCounts, patient_key, write_cohort
from abstractor.sources.patients import read_patients

Piece = dict[str, Any]
KINDS = [
    ("histology", "small_cell", "present", 1),
    ("lung_cancer", "non_small_cell", "present", 3),
    ("histology", "small_cell", "uncertain", 6),
    ("lung_cancer", "unspecified", "uncertain", 7),
]


def piece(patient: str, note: str, kind: tuple[str, str, str, int] = KINDS[0], **other: object) -> Piece:
    field, value, assertion, strength = kind
    reason = None if strength == 0 else "histology" if strength == 1 else "lung_cancer"
    row: Piece = {"patient_id": patient, "note_id": note, "note_date": None, "note_type": "clinic", "reason": reason}
    row |= {"field": field, "value": value, "assertion": assertion, "strength": strength, "source": 3}
    row |= {"start": 4, "end": 14, "text": "small cell", "rule": "r", "confidence": 0.9, "rulebook": "rules-1"}
    return row | other


def table_of(*notes: tuple[str, list[Piece]]) -> CohortTable:
    table = CohortTable()
    for patient, rows in notes:
        table.add(patient, rows)
    return table


def only(table: CohortTable) -> dict[str, object]:
    [row] = table.rows()
    return row


def test_a_patient_is_one_row_and_the_others_are_only_counted() -> None:
    table = table_of(
        ("P1", [piece("P1", "N1", note_date="2024-05-01")]),
        ("P1", [piece("P1", "N2", note_date="2023-02-03T10:00:00")]),
        ("P1", []),
        ("P2", []),
        ("P3", []),
        ("P3", []),
    )
    row = only(table)
    assert list(row) == list(COLUMNS)
    assert (row["patient_id"], row["notes"], row["notes_with_evidence"]) == ("P1", 3, 2)
    assert (row["first_date"], row["last_date"]) == ("2023-02-03T10:00:00", "2024-05-01")
    assert (table.found, table.others, table.notes) == (1, 2, 6)
    assert table.reasons() == {"histology": 1}


def test_the_strongest_evidence_is_shown_and_of_equals_the_best_source() -> None:
    weak = piece("P1", "N1", KINDS[3], confidence=1.0, source=0)
    strong = piece("P1", "N2", KINDS[0], confidence=0.6, source=3)
    report = piece("P1", "N3", KINDS[0], confidence=0.6, source=0)
    doubtful = piece("P1", "N4", KINDS[0], confidence=0.2, source=0)
    assert only(table_of(("P1", [weak]), ("P1", [strong])))["note_id"] == "N2"
    assert only(table_of(("P1", [weak]), ("P1", [strong]), ("P1", [report])))["note_id"] == "N3"
    assert only(table_of(("P1", [doubtful]), ("P1", [strong])))["note_id"] == "N2"


def test_patients_stand_in_the_order_of_their_evidence_and_then_of_their_ids() -> None:
    table = table_of(*((f"P{n}", [piece(f"P{n}", f"N{n}", kind)]) for n, kind in enumerate(reversed(KINDS * 2))))
    assert [row["patient_id"] for row in table.rows()] == ["P3", "P7", "P2", "P6", "P1", "P5", "P0", "P4"]


@pytest.mark.parametrize(
    ("assertions", "told"),
    [
        (["present", "absent"], "present"),
        (["absent", "uncertain"], "uncertain"),
        (["hypothetical"], "uncertain"),
        (["historical", "absent"], "historical"),
        (["absent"], "absent"),
        ([], None),
    ],
)
def test_what_is_said_of_small_cell_in_all_notes_together(assertions: list[str], told: str | None) -> None:
    notes = [("P1", [piece("P1", "N0", KINDS[1])])]
    for number, assertion in enumerate(assertions, 1):
        strength = 0 if assertion == "absent" else 6
        notes.append(("P1", [piece("P1", f"N{number}", ("histology", "small_cell", assertion, strength))]))
    assert only(table_of(*notes))["small_cell"] == told


def test_small_cell_that_is_only_denied_finds_nobody() -> None:
    table = table_of(("P1", [piece("P1", "N1", ("histology", "small_cell", "absent", 0))]))
    assert list(table.rows()) == []
    assert (table.found, table.others, table.notes_with_evidence) == (0, 1, 0)


@st.composite
def dumps(draw: st.DrawFn) -> list[tuple[str, list[Piece]]]:
    notes = []
    for number in range(draw(st.integers(0, 12))):
        patient = draw(st.sampled_from(["P1", "P2", "007", "é"]))
        kinds = draw(st.lists(st.sampled_from([*KINDS, ("histology", "small_cell", "absent", 0)]), max_size=2))
        date = draw(st.sampled_from([None, "2023-01-01", "2024"]))
        notes.append((patient, [piece(patient, f"N{number}", kind, note_date=date) for kind in kinds]))
    return notes


@given(dumps(), st.randoms(use_true_random=False))
def test_in_whatever_pieces_and_order_the_table_comes_out_the_same(
    notes: list[tuple[str, list[Piece]]], chance: random.Random
) -> None:
    whole = table_of(*notes)
    shuffled = chance.sample(notes, len(notes))
    pieces = [table_of(*shuffled[start::3]) for start in range(3)]
    together = CohortTable()
    for one in chance.sample(pieces, 3):
        together.merge(one)
    nested = table_of()
    pieces[1].merge(pieces[2])
    nested.merge(pieces[0])
    nested.merge(pieces[1])
    for table in (together, nested):
        assert list(table.rows()) == list(whole.rows())
        assert (table.found, table.others, table.notes) == (whole.found, whole.others, whole.notes)


def test_patients_without_evidence_are_counted_exactly_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "_RECENT", 1000)  # so many are counted one by one
    counts, other = PatientCounts(), PatientCounts()
    for number in range(45_000):
        (counts if number % 3 else other).add(f"P{number % 30_000}")
    counts.merge(other)
    assert (len(counts), counts.notes) == (30_000, 45_000)
    assert (counts.of("P0"), counts.of("P14999"), counts.of("P29999"), counts.of("nobody")) == (2, 2, 1, 0)
    assert counts._keys.nbytes + counts._notes.nbytes == 12 * 30_000


def test_the_key_of_a_patient_fits_every_database_and_never_changes() -> None:
    assert patient_key("P1") == patient_key("P1") != patient_key("p1")
    assert all(0 <= patient_key(f"P{number}") < 2**63 for number in range(1000))


@pytest.mark.parametrize("name", ["cohort.jsonl", "cohort.csv", "cohort.parquet", "folder"])
def test_the_table_as_a_file_is_for_its_owner_and_serves_as_a_list(tmp_path: Path, name: str) -> None:
    ids = ["007", "=1+1", "NA", "P 1"]
    table = table_of(*((one, [piece(one, f"N{one}")]) for one in ids))
    assert write_cohort(table, tmp_path / name) == 4
    assert read_patients(tmp_path / name) == frozenset(ids)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o077 == 0


def test_lines_of_json_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    from pyarrow import parquet

    table = table_of(("P1", [piece("P1", "N1", note_date="2024-01-02")]), ("P2", [piece("P2", "N2", KINDS[1])]))
    for name in ("a.jsonl", "a.parquet"):
        write_cohort(table, tmp_path / name)
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == list(table.rows()) == parquet.read_table(tmp_path / "a.parquet").to_pylist()
