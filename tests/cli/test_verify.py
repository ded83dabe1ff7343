"""`verify`, `backup`, `restore` and `trail` as they are typed."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from registry_copies import address
from tampering import past_the_program

from abstractor.cli.main import cli
from abstractor.model.decision import Action, Decision
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import record
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes

REGISTRIES = ("sqlite", "postgresql")

TEXT = "Limited stage <b>disease</b>."


@pytest.fixture
def study(registry_name: str) -> Iterator[Registry]:
    registry = open_registry(registry_name)
    note = Note("N1", TEXT, "P1", "2024-03-01", "clinic")
    add_notes(registry, [note], "test")
    cited = Evidence("N1", 0, len(TEXT), TEXT, note.sha256, "2024-03-01", "clinic")
    for number, value in enumerate(("LD", "ED")):
        decision = Decision(
            f"decision-{number}", "P1", "stage.valg", Action.EDIT, "mortiz", f"2024-05-0{number + 1}T08:00:00+00:00",
            "stage.valg", value, evidence=(cited,), reason="=seen again", rule="valg-1", rulebook="rules-1",
        )  # fmt: skip
        record(registry, decision, seen=number)
    yield registry
    registry.close()


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_registry_that_is_whole_verifies_and_its_head_is_kept(study: Registry, tmp_path: Path) -> None:
    heads = tmp_path / "heads.jsonl"
    assert "whole: 2 entries" in run("verify", "--db", address(study), "--write-anchor", heads)
    assert "1 anchors" in run("verify", "--db", address(study), "--anchor", heads, "--chain-only")
    assert json.loads(heads.read_text())["sequence"] == 2
    assert heads.stat().st_mode & 0o777 == 0o600


def test_the_first_fault_is_named_with_what_to_do_and_no_anchor_is_written(study: Registry, tmp_path: Path) -> None:
    past_the_program(study, "UPDATE decision SET value = 'LD' WHERE sequence = 2")
    said = run("verify", "--db", address(study), "--write-anchor", tmp_path / "heads.jsonl", code=1)
    assert "entry 2 (decision [2], mortiz" in said
    assert "restore the last backup that verifies" in said
    assert not (tmp_path / "heads.jsonl").exists()


def test_a_changed_note_and_words_that_moved_are_found_without_saying_a_word_of_them(study: Registry) -> None:
    past_the_program(study, "UPDATE note_text SET text = 'CANARY stage'")
    said = run("verify", "--db", address(study), code=1)
    assert "note N1, version 1: its text is not the one that was stored" in said
    assert "CANARY" not in said
    assert "Limited" not in said


def test_a_line_that_is_no_anchor_is_named(study: Registry, tmp_path: Path) -> None:
    (tmp_path / "heads.jsonl").write_text('{"sequence": 2}\n')
    assert "line 1: is no anchor" in run("verify", "--db", address(study), "--anchor", tmp_path / "heads.jsonl", code=1)


def test_a_backup_is_restored_and_verified(study: Registry, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.db", "--db", address(study))
    assert "2 decisions" in run("restore", tmp_path / "b.db", "--db", tmp_path / "new.db")
    run("verify", "--db", tmp_path / "new.db", "--chain-only")


def test_the_trail_says_who_when_what_before_after_why_and_from_which_words(study: Registry) -> None:
    first, second = csv.DictReader(io.StringIO(run("trail", "P1", "--db", address(study))))
    assert (second["who"], second["what"], second["at"]) == ("mortiz", "edit", "2024-05-02T08:00:00+00:00")
    assert second["before"] == first["after"] != second["after"]
    assert second["why"] == "'=seen again"  # no spreadsheet takes it for a formula
    assert TEXT in second["evidence"]
    assert second["rules"] == "valg-1 rules-1"
    assert (first["entry"], second["entry"]) == ("1", "2")


def test_the_page_escapes_what_it_quotes_and_leaves_words_out_where_asked(study: Registry, tmp_path: Path) -> None:
    run("trail", "P1", "--db", address(study), "--out", tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text()
    assert "Limited stage &lt;b&gt;disease" in page
    assert "http" not in page
    assert "Limited" not in run("trail", "P1", "--db", address(study), "--no-text")


def test_the_trail_of_nobody_is_refused(study: Registry) -> None:
    assert "patient P9: not in this registry" in run("trail", "P9", "--db", address(study), code=1)
