"""From a whole hospital's dump to the registry of a few: the patients are found, and only their notes are taken in."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from abstractor.cli.main import cli

NOTES = [
    ("N1", "007", "pathology", "Final diagnosis: small cell carcinoma of the lung."),
    ("N2", "007", "clinic", "Seen for a cough. Smokes."),
    ("N3", "P2", "radiology", "A mass at the hilum, suspicious for lung cancer."),
    ("N4", "P3", "clinic", "High blood pressure. Mother died of lung cancer."),
    ("N5", "P4", "nursing", "Flu vaccine given."),
    ("N6", "P2", "clinic", "Ankle sprain."),
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def dump(folder: Path) -> Path:
    path = folder / "dump.jsonl"
    names = ("note_id", "patient_id", "note_type", "text")
    path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in NOTES), encoding="utf-8")
    return path


def test_the_patients_found_in_a_dump_are_those_whose_notes_are_taken(registry_file: Path, tmp_path: Path) -> None:
    source, out = dump(tmp_path), tmp_path / "cohort.jsonl"
    found = run("annotate", source, "--out", out, "--only-cohort")
    assert found.exit_code == 0, found.output
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(row["patient_id"], row["reason"], row["assertion"], row["notes"]) for row in rows] == [
        ("007", "histology", "present", 2),
        ("P2", "lung_cancer", "uncertain", 2),
    ]
    taken = run("ingest", source, "--patients", out, "--db", registry_file)
    assert taken.exit_code == 0, taken.output
    assert "2 of 2 listed patients; 2 notes of other patients left out" in taken.output
    assert "4 notes added" in taken.output


def test_a_listed_patient_without_notes_is_named_and_is_no_fault(registry_file: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "list.csv"
    wanted.write_text("patient_id\nP4\nP9\n")
    taken = run("ingest", dump(tmp_path), "--patients", wanted, "--db", registry_file)
    assert taken.exit_code == 0, taken.output
    assert "1 listed patients have no note here: P9" in taken.output
    assert "1 of 2 listed patients; 5 notes of other patients left out" in taken.output


def test_a_list_that_can_not_be_read_takes_nothing_in(registry_file: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "list.csv"
    wanted.write_text("mrn\nP4\n")
    refused = run("ingest", dump(tmp_path), "--patients", wanted, "--db", registry_file)
    assert refused.exit_code == 1
    assert "no column 'patient_id'; it has mrn" in refused.output
