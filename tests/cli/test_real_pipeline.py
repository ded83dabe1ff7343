"""The real pipeline behind the command line, on one sample patient and one odd note: the one test here that needs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.findings import findings_of
from abstractor.registry.notes import note_text, patients
from abstractor.registry.suggestions import suggestions_of

PROJECT = Path(__file__).resolve().parents[2]
CANARY = "Xanthippe"
ODD = f"{CANARY} {CANARY}: small cell carcinoma, limited stage.\r\n\x00\u2028\U0001f9ec ECOG 1.\r\n"


def run(folder: Path, *arguments: str) -> str:
    """What a command told; the splitter's own log is turned up."""
    environment = {**os.environ, "LOGURU_LEVEL": "TRACE"}
    environment.pop("ABSTRACTOR_DB", None)
    command = [sys.executable, "-m", "abstractor", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_notes_become_suggestions_that_quote_them_and_none_of_their_words_is_told(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "corpus_samples" / "notes" / "SP01", tmp_path / "notes" / "SP01")
    (tmp_path / "notes" / "P9").mkdir()
    (tmp_path / "notes" / "P9" / "odd.txt").write_bytes(ODD.encode())
    told = run(tmp_path, "init") + run(tmp_path, "ingest", "notes") + run(tmp_path, "annotate")
    told += run(tmp_path, "annotate", "notes", "--out", "findings.jsonl", "--workers", "2")
    assert "notes annotated" in told
    assert CANARY not in told
    assert "DEBUG" not in told
    registry = open_registry(str(tmp_path / "abstractor.db"))
    evidence_stands_in_its_note(registry)
    the_registry_holds(registry, tmp_path / "findings.jsonl")
    registry.close()


def evidence_stands_in_its_note(registry: Registry) -> None:
    found = [finding for patient in patients(registry) for finding in findings_of(registry, patient)]
    suggested = [one for patient in patients(registry) for one in suggestions_of(registry, patient)]
    evidence = [each for one in suggested for each in one.evidence]
    assert len(found) > 50
    assert len(evidence) > 30
    for one in (*found, *evidence):
        assert note_text(registry, one.note_id)[one.start : one.end] == one.text
    assert {one.field for one in found if one.note_id == "odd"} >= {"histology", "stage.valg", "ecog"}
    assert any(one.origin == "derived" for one in suggested)


def the_registry_holds(registry: Registry, dump: Path) -> None:
    """Two workers find what the registry holds, to the letter; who the patient is stays in the registry."""
    stored = [
        finding.row()
        for patient in patients(registry)
        for finding in findings_of(registry, patient)
        if finding.field not in {"sex", "birth_date"}
    ]
    lines = [line for line in dump.read_bytes().decode().split("\n") if line]
    assert sorted(lines) == sorted(json.dumps(row, ensure_ascii=False) for row in stored)
