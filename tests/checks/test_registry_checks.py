"""The checks over a registry: `abstractor checks`, and what a review of one patient sees of them."""

import csv
import io
import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from abstractor.cli.main import cli
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes
from abstractor.registry.worklist import worklist
from abstractor.review.config import ReviewConfig
from abstractor.review.refused import Refused
from abstractor.review.session import Session
from abstractor.rulebook.load import load_rulebook

BOOK = load_rulebook()
TEXT = "Small cell carcinoma, limited stage, M1b. Diagnosed 2024-01-10. Died 2024-03-05."


REGISTRIES = ("sqlite", "postgresql")


@pytest.fixture
def db(registry_name: str) -> str:
    return registry_name


@pytest.fixture
def registry(db: str) -> Iterator[Registry]:
    made = open_registry(db)
    add_notes(made, [Note("n1", TEXT, "P-1", "2024-03-05", "death"), Note("n2", TEXT, "P-2", "2024-03-05")], "test")
    yield made
    made.close()


def open_patient(registry: Registry, patient: str = "P-1", **settings: object) -> Session:
    config = ReviewConfig(close_open=True, **settings)  # type: ignore[arg-type]
    return Session(registry, BOOK, patient, "ann", lambda: "2025-06-30T08:00:00.000+00:00", config)


def state(session: Session, field: str, value: str, words: str, **more: str) -> None:
    note = session.notes.all[0].note_id
    at = TEXT.index(words)
    session.add(field, value, evidence=(session.notes.quote(note, at, at + len(words)),), **more)  # type: ignore[arg-type]


def contradict(session: Session) -> None:
    """Limited with M1: a warning."""
    state(session, "histology", "small_cell", "Small cell carcinoma")
    state(session, "stage.valg", "limited", "limited stage")
    state(session, "stage.m", "M1b", "M1b")


def checks_of(session: Session) -> list[str]:
    return [one.check for one in session.problems.standing]


def test_problems_come_and_go_with_each_decision(registry: Registry) -> None:
    session = open_patient(registry)
    contradict(session)
    assert checks_of(session) == ["E14"]
    session.undo()
    assert checks_of(session) == []


def test_what_a_value_would_bring_is_known_before_it_is_saved(registry: Registry) -> None:
    session = open_patient(registry)
    state(session, "histology", "small_cell", "Small cell carcinoma")
    state(session, "stage.valg", "limited", "limited stage")
    row = session.row("stage.valg")
    assert [one.check for one in session.problems.would_fire(row, "extensive")] == []
    state(session, "stage.m", "M0", "M1b")
    assert [one.check for one in session.problems.would_fire(session.row("stage.m"), "M1c")] == ["E14"]
    assert checks_of(session) == []


def test_a_fatal_problem_keeps_the_patient_open_whatever_the_policy_says(registry: Registry) -> None:
    session = open_patient(registry)
    state(session, "vital_status", "alive", "Died")
    state(session, "death_date", "2024-03-05", "2024-03-05")
    with pytest.raises(Refused, match="E05"):
        session.close()
    with pytest.raises(Refused, match="fatal"):
        session.problems.override(session.problems.fatal[0], "I am sure")
    session.edit("vital_status", "dead")
    session.close()
    assert case_of(registry, "P-1").closed


def test_a_warning_is_let_pass_with_a_word_that_is_kept_and_can_be_taken_back(registry: Registry) -> None:
    session = open_patient(registry)
    contradict(session)
    with pytest.raises(Refused, match="word"):
        session.problems.override(session.problems.all[0], " ")
    session.problems.override(session.problems.all[0], "as the board said")
    assert checks_of(session) == []
    assert open_patient(registry).problems.word_for(session.problems.all[0]) == "as the board said"
    session.undo()
    assert checks_of(session) == ["E14"]
    session.redo()
    assert checks_of(session) == []


def test_a_word_changes_no_count_of_the_worklist(registry: Registry) -> None:
    session = open_patient(registry)
    contradict(session)
    before = worklist(registry, "ann")
    session.problems.override(session.problems.all[0], "as the board said")
    assert worklist(registry, "ann") == before


def test_a_value_whose_note_has_changed_is_fatal_until_it_is_found_again(registry: Registry) -> None:
    session = open_patient(registry)
    contradict(session)
    add_notes(registry, [Note("n1", "Another text altogether, of the same note.", "P-1", "2024-03-05")], "test")
    session.reload()
    assert "E30" in checks_of(session)


def run(db: str, *options: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["checks", "--db", db, *options])
    return done.exit_code, done.stdout, done.stderr


def test_the_command_lists_what_stands_and_counts_it(registry: Registry, db: str) -> None:
    contradict(open_patient(registry))
    code, out, err = run(db)
    assert out == "P-1          E14 W  limited stage, but M1b\n"
    assert "1 open problems in 1 patients, 0 fatal" in err
    assert code == 0


def test_the_exit_code_says_that_something_fatal_stands(registry: Registry, db: str) -> None:
    session = open_patient(registry, "P-2")
    contradict(session)
    state(session, "vital_status", "alive", "Died")
    state(session, "death_date", "2024-03-05", "2024-03-05")
    code, out, _ = run(db, "--severity", "F", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 1
    assert [(row["patient_id"], row["check"], row["rows"]) for row in rows] == [
        ("P-2", "E05", "vital_status death_date")
    ]


def test_what_was_let_pass_is_listed_only_on_demand_with_its_word(registry: Registry, db: str) -> None:
    session = open_patient(registry)
    contradict(session)
    session.problems.override(session.problems.all[0], "as the board said")
    assert run(db, "--format", "json")[1] == ""
    told = json.loads(run(db, "--format", "json", "--passed")[1])
    assert (told["check"], told["word"]) == ("E14", "as the board said")


def test_with_a_cutoff_later_dates_and_lost_patients_are_told(registry: Registry, db: str) -> None:
    session = open_patient(registry)
    state(session, "histology", "small_cell", "Small cell carcinoma")
    session.add("last_contact_date", "2024-03-01")
    assert "E29 W" in run(db, "--cutoff", "2025-06-30")[1]
    assert "E08 F" in run(db, "--cutoff", "2024-01-31")[1]


def test_no_words_of_a_note_are_printed(registry: Registry, db: str) -> None:
    session = open_patient(registry)
    contradict(session)
    add_notes(registry, [Note("n1", "Another text altogether.", "P-1", "2024-03-05")], "test")
    _, out, _ = run(db, "--format", "csv")
    assert "E30" in out
    assert "carcinoma" not in out.lower()
