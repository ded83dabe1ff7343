"""The command line: what goes where, and with which exit code."""

import csv
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abstractor.api import Abstractor
from abstractor.cli.main import cli
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RulebookError
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, record
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import all_notes
from abstractor.registry.suggestions import suggestions_of
from abstractor.rulebook.book import RuleBook

CANARY = "Xanthippe"
Run = Callable[..., Result]


class Reader:
    """Stands for the pipeline: knows two words, and fails at a third."""

    def __init__(self, rulebook: RuleBook, found_in: Callable[..., Finding]) -> None:
        self.rulebook = rulebook
        self.found_in = found_in

    def annotate(self, note: Note) -> list[Finding]:
        if "poison" in note.text:
            raise ValueError(note.text)
        return [self.found_in(note, "limited", "stage.valg", "limited")] if "limited" in note.text else []

    annotate_for_registry = annotate


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rulebook: RuleBook, found_in: Callable[..., Finding]) -> Run:
    """Runs a command in a folder of its own, with the reader above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABSTRACTOR_DB", raising=False)
    monkeypatch.setattr("abstractor.rulebook.load.load_rulebook", lambda _root=None: rulebook)
    monkeypatch.setattr(Abstractor, "load", lambda _rules=None: Reader(rulebook, found_in))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr("abstractor.batch.engine.work.Job", importlib.import_module("cli_doubles").Job)

    def invoke(*arguments: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, [str(one) for one in arguments])
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        assert CANARY not in result.output
        return result

    return invoke


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.csv"
    rows = ["N1,P1,2024-03-01,limited stage", f"N2,P1,2024-04-01,{CANARY} still limited", "N3,P2,2024-03-01,nothing"]
    path.write_text("\n".join(["note_id,patient_id,note_date,text", *rows]) + "\n")
    return path


def one_line(result: Result) -> str:
    (line,) = result.stderr.splitlines()
    assert line.startswith("abstractor: ")
    return line


def test_a_first_round_from_notes_to_facts(run: Run, notes: Path, tmp_path: Path) -> None:
    run("init")
    assert "3 notes added, 0 known already, 0 new versions, 0 faults" in run("ingest", notes).stderr
    assert "3 notes annotated, 2 findings; 1 suggestions for 2 patients; 0 notes set aside" in run("annotate").stderr
    registry = open_registry("abstractor.db")
    (suggestion,) = suggestions_of(registry, "P1")
    record(
        registry,
        Decision(
            "a1", "P1", suggestion.slot, Action.ACCEPT, "mortiz", "2024-05-01T08:00:00+00:00", "stage.valg", "limited"
        ),
        seen=0,
    )
    registry.close()
    run("export", "facts", "--out", tmp_path / "out")
    with (tmp_path / "out" / "facts.csv").open(newline="") as file:
        assert [(row["patient_id"], row["field"], row["value"]) for row in csv.DictReader(file)] == [
            ("P1", "stage.valg", "limited")
        ]
    run("export", "findings", "--out", tmp_path / "out")
    assert len((tmp_path / "out" / "findings.jsonl").read_text().splitlines()) == 2


def test_results_go_to_standard_output_and_everything_else_to_standard_error(
    run: Run, notes: Path, tmp_path: Path
) -> None:
    run("init")
    for command in (("ingest", notes), ("annotate",), ("export", "facts", "--out", tmp_path), ("upgrade",)):
        result = run(*command)
        assert result.stdout == ""
        assert result.stderr != ""
    assert run("ingest", notes, "--quiet").output == ""
    assert run("annotate", "--quiet").output == ""


def test_the_registry_is_named_by_option_or_environment(
    run: Run, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "--db", tmp_path / "a.db")
    monkeypatch.setenv("ABSTRACTOR_DB", f"sqlite:///{tmp_path / 'a.db'}")
    run("ingest", notes)
    registry = open_registry(str(tmp_path / "a.db"))
    assert len(all_notes(registry)) == 3
    registry.close()
    assert not (tmp_path / "abstractor.db").exists()


@pytest.mark.parametrize(
    "command", [("annotate",), ("upgrade",), ("export", "facts", "--out", "x"), ("ingest", "notes.csv")]
)
@pytest.mark.usefixtures("notes")
def test_without_a_registry_each_command_says_how_to_make_one(run: Run, command: tuple[str, ...]) -> None:
    assert "abstractor init" in one_line(run(*command, code=1))


def test_a_second_init_harms_nothing(run: Run) -> None:
    run("init")
    assert "exists already" in one_line(run("init", code=1))


def test_faults_of_the_input_are_told_line_by_line_and_the_rest_is_done(run: Run, notes: Path, tmp_path: Path) -> None:
    run("init")
    with notes.open("a") as file:
        file.write(f"N4,P2,yesterday,{CANARY}\nN5,P2\n")
    result = run("ingest", notes, tmp_path / "none.csv", code=1)
    faults = [line for line in result.stderr.splitlines() if line.startswith("abstractor: ")]
    assert len(faults) == 3
    assert "4 notes added" in result.stderr
    assert "3 faults" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("ingest",),
        ("ingest", "notes.csv", "--format", "docx"),
        ("ingest", "notes.csv", "--column", "text"),
        ("ingest", "notes.csv", "--column", "words=TEXT"),
        ("annotate", "notes.csv"),
        ("annotate", "--out", "x.jsonl"),
        ("annotate", "notes.csv", "--out", "x.jsonl", "--workers", "0"),
        ("export", "facts"),
        ("outcomes",),
        ("outcomes", "--out", "x", "--cutoff", "soon"),
        ("import", "facts"),
        ("rules", "nonsense"),
    ],
)
@pytest.mark.usefixtures("notes")
def test_wrong_usage_gives_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    run("init")
    result = run(*arguments, code=2)
    assert "Usage: " in result.output


def test_renamed_columns_are_read(run: Run, tmp_path: Path) -> None:
    run("init")
    (tmp_path / "dump.csv").write_text("ID;WHO;BODY\nN1;P1;limited\n")
    run(
        "ingest", tmp_path / "dump.csv", "--column", "note_id=ID", "--column", "patient_id=WHO", "--column", "text=BODY"
    )
    registry = open_registry("abstractor.db")
    assert [(note.note_id, note.patient_id) for note in all_notes(registry)] == [("N1", "P1")]
    registry.close()


def test_facts_are_imported_and_their_faults_told(run: Run, tmp_path: Path) -> None:
    run("init")
    (tmp_path / "facts.csv").write_text("patient_id,field,value\nP1,sex,female\nP1,sex,unsaid\n")
    result = run("import", "facts", tmp_path / "facts.csv", "--user", "kbauer", code=1)
    assert "1 facts imported, 0 known already, 1 rows at fault" in result.stderr
    assert "facts.csv: row 3" in result.stderr
    registry = open_registry("abstractor.db")
    (fact,) = case_of(registry, "P1").facts
    registry.close()
    assert (fact.value, fact.decided_by, fact.source) == ("female", "kbauer", "import")


def test_output_that_can_not_be_written_is_one_line(run: Run, notes: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "a file where a folder should be"
    blocked.touch()
    run("init")
    assert "can't be written" in one_line(run("export", "facts", "--out", notes, code=1))
    assert "can't be written" in one_line(run("export", "findings", "--out", notes / "below", code=1))
    assert "can't be written" in one_line(run("annotate", notes, "--out", blocked / "x.jsonl", code=1))


def test_every_fault_of_the_rules_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_root: Path | None = None) -> RuleBook:
        raise RulebookError(["a.toml:3: unknown key 'x'", "b.toml:9: no regular expression"])

    monkeypatch.setattr("abstractor.rulebook.load.load_rulebook", broken)
    checked = run("rules", "check", code=1)
    assert checked.stdout.splitlines() == ["a.toml:3: unknown key 'x'", "b.toml:9: no regular expression"]
    ingested = run("ingest", "notes.csv", code=1)
    assert "the rulebook has 2 faults" in ingested.stderr
    assert "b.toml:9" in ingested.stderr


def test_out_of_memory_is_one_line(run: Run, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init")

    def hungry(*_: object, **__: object) -> None:
        raise MemoryError(CANARY)

    monkeypatch.setattr("abstractor.batch.ingest.ingest", hungry)
    assert "out of memory" in one_line(run("ingest", notes, code=1))


def test_review_opens_the_registry_for_the_acting_person(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rulebook: RuleBook
) -> None:
    opened: list[tuple[object, ...]] = []

    def run_review(
        registry: Registry, rules: RuleBook, user: str, *, patient_id: str | None, config: object, **_more: object
    ) -> int:
        opened.append((registry.name, rules, user, patient_id, config))
        return 0

    monkeypatch.setattr("abstractor.tui.app.run_review", run_review)
    monkeypatch.setattr("abstractor.cli.review._require_terminal", lambda: None)
    run("init")
    assert "patient P1: not in this registry" in one_line(run("review", "--patient", "P1", code=1))
    (tmp_path / "facts.csv").write_text("patient_id,field,value\nP1,sex,female\n")
    run("import", "facts", "facts.csv")
    (tmp_path / "mine.toml").write_text('order = "note"\n')
    run("review", "--user", "mortiz", "--patient", "P1")
    run("review", "--user", "mortiz", "--config", "mine.toml")
    assert opened[0][:4] == ("abstractor.db", rulebook, "mortiz", "P1")
    assert [getattr(one[4], "order", "") for one in opened] == ["item", "note"]
    assert all(getattr(one[4], "crash_log", None) is not None for one in opened)
    (tmp_path / "mine.toml").write_text("colour = 1\n")
    assert "unknown setting 'colour'" in one_line(run("review", "--config", "mine.toml", code=1))


def test_the_calls_of_the_command_line_fit_what_they_call() -> None:
    """Functions that are replaced above are called as they are."""
    from abstractor.pipeline.examples import run_examples
    from abstractor.tui.app import run_review

    inspect.signature(run_review).bind("registry", "rules", "user", patient_id=None, config=None, habits=None)
    inspect.signature(run_examples).bind("rules", "annotate")


def test_the_acting_person_is_asked_for_where_the_system_knows_none(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    run("init")
    (tmp_path / "facts.csv").write_text("patient_id,field,value\nP1,sex,female\n")
    assert "--user" in one_line(run("import", "facts", "facts.csv", code=1))
