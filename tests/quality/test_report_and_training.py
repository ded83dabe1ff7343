"""The report tells what was found and nothing of notes; decoys never reach a registry; scripted abstractors' errors are covered."""

import csv
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from abstractor.cli.main import cli
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Suggestion
from abstractor.quality.adjudication import adjudicate, questions, queue_reading
from abstractor.quality.audit import Refused, Verdict
from abstractor.quality.audits import Wanted, draw_facts, judge
from abstractor.quality.desk import Desk
from abstractor.quality.gathering import gather
from abstractor.quality.mail import ask
from abstractor.quality.report import write_report
from abstractor.quality.second_readings import assign, open_reading
from abstractor.quality.training import Decoy, decoys_of, make_training, noticed, plant
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.quality import is_training, items_of, mark_training
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.review.config import ReviewConfig

Desks = Callable[[str], Desk]
SIMULATION = Path(__file__).resolve().parents[2] / "benchmarks" / "quality_simulation.py"


@pytest.fixture
def at_work(desk: Desks) -> Desk:
    """A half-done audit, a finished second reading with a settled difference, and an open query."""
    qa = desk("qa")
    draw_facts(qa, "may", 7, Wanted(per_field=100))
    for item in items_of(qa.registry, "may")[:12]:
        wrong = item.field == "stage.valg"
        judge(qa, "may", item.place, Verdict.MAJOR if wrong else Verdict.AGREE, error="SCOPE" if wrong else "")
    reading = assign(qa, "P1", "max", suggesting=False)
    session = open_reading(desk("max"), reading, ReviewConfig(close_open=True))
    session.add("stage.valg", "extensive")
    closing = Decision(desk("max").new_id(), "P1", "", Action.CLOSE, "max", desk("max").clock())
    session.log.record(closing, seen=session.case.version)
    queue_reading(qa, reading)
    adjudicate(desk("pi"), questions(desk("pi"))[0].difference, "A", error="HUM")
    ask(qa, "P2", "death_date", "ann", "Which source?")
    return qa


def test_the_report_tells_audits_agreement_and_what_waits(at_work: Desk, tmp_path: Path) -> None:
    files = write_report(at_work, gather(at_work), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert {one.name for one in files} == {
        "report.html",
        "audits.csv",
        "agreement.csv",
        "rules.csv",
        "differences.csv",
        "queries.csv",
    }
    for words in (
        "Sample may",
        "8 still open",
        "one site taken as the whole",
        "F1 of the two readings",
        "1 queries are open",
        "P2",
    ):
        assert words in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    with (tmp_path / "out" / "audits.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["field"]: row for row in csv.DictReader(file)}
    assert rows["stage.valg"]["major"] == rows["stage.valg"]["judged"]


def test_a_report_for_others_names_no_patient_and_no_person(at_work: Desk, tmp_path: Path) -> None:
    files = write_report(at_work, gather(at_work), tmp_path, shareable=True)
    told = "".join(re.sub(r"data:image/png;base64,[^\"]+", "", one.read_text(encoding="utf-8")) for one in files)
    for name in ("P1", "P2", ">ann", ">max", "ann to", "Which source", "Limited stage. PR on CT."):
        assert name not in told


def test_no_report_holds_words_of_a_note(at_work: Desk, tmp_path: Path) -> None:
    files = write_report(at_work, gather(at_work), tmp_path)
    assert "PR on CT" not in "".join(one.read_text(encoding="utf-8") for one in files)


def offer(registry: Registry) -> None:
    for patient_id in ("P1", "P2", "P3", "P4"):
        one = Suggestion(patient_id, "stage.valg", "stage.valg", "limited", Assertion.PRESENT, confidence=0.9)
        replace_suggestions(registry, patient_id, [one])


def train(qa: Desk, file: Path, *patients: str) -> tuple[Decoy, ...]:
    return make_training(qa, file, patients or ("P1", "P2", "P3", "P4"), share=1.0, seed=1)


def test_decoys_are_planted_in_a_copy_and_leave_the_registry_as_it_is(desk: Desks, tmp_path: Path) -> None:
    qa = desk("qa")
    offer(qa.registry)
    before = [suggestions_of(qa.registry, one) for one in ("P1", "P2", "P3", "P4")]
    decoys = train(qa, tmp_path / "training.db")
    assert {(one.value, one.true_value) for one in decoys} == {("extensive", "limited")}
    with closing(open_registry(str(tmp_path / "training.db"))) as copy:
        assert [one.value for one in suggestions_of(copy, "P1")] == ["extensive"]
        assert case_of(copy, "P1").current == {}
        assert is_training(copy)
        assert decoys_of(copy) == decoys
    assert [suggestions_of(qa.registry, one) for one in ("P1", "P2", "P3", "P4")] == before
    assert not is_training(qa.registry)


def test_a_real_registry_takes_no_decoy_and_never_becomes_a_training_copy(desk: Desks) -> None:
    qa = desk("qa")
    offer(qa.registry)
    with pytest.raises(Refused, match="training copy only"):
        plant(qa.registry, ["P1"], qa.book.fields.get, share=1.0, seed=1)
    with pytest.raises(RegistryError, match="holds patients"):
        mark_training(qa.registry, qa.step("training", "", "", "marked"))
    assert [one.value for one in suggestions_of(qa.registry, "P1")] == ["limited"]
    with pytest.raises(Refused, match="no training copy"):
        decoys_of(qa.registry)


def test_a_training_copy_that_can_not_be_made_leaves_no_file(desk: Desks, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="annotate"):
        train(desk("qa"), tmp_path / "training.db")  # nothing was suggested
    assert not (tmp_path / "training.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("outcomes", "--out", "OUT"),
        ("export", "facts", "--out", "OUT"),
        ("export", "findings", "--out", "OUT"),
        ("import", "facts", "FACTS"),
        ("ingest", "FACTS"),
    ],
)
def test_nothing_of_a_training_copy_gets_out_or_in(desk: Desks, tmp_path: Path, words: tuple[str, ...]) -> None:
    offer(desk("qa").registry)
    train(desk("qa"), tmp_path / "training.db")
    facts = tmp_path / "facts.csv"
    facts.write_text("patient_id,field,value\nP1,stage.valg,limited\n", encoding="utf-8")
    said = [{"OUT": str(tmp_path / "out.csv"), "FACTS": str(facts)}.get(word, word) for word in words]
    done = CliRunner().invoke(cli, [*said, "--db", str(tmp_path / "training.db")])
    assert done.exit_code == 1
    assert "is a training copy" in done.output
    assert not (tmp_path / "out.csv").exists()


def test_what_was_noticed_is_counted(desk: Desks, decision: Callable[..., Decision], tmp_path: Path) -> None:
    qa = desk("qa")
    offer(qa.registry)
    decoys = train(qa, tmp_path / "training.db", "P1", "P2", "P3")
    made = {
        "P1": [decision("P1", "ann", "stage.valg", "extensive")],
        "P2": [decision("P2", "ann", "stage.valg", "limited", "edit")],
        "P3": [],
    }
    found = noticed(decoys, lambda patient_id: made[patient_id])
    assert (found.value, found.n) == (0.5, 2)


@pytest.fixture(scope="module")
def simulation() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("quality_simulation", SIMULATION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["quality_simulation"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["quality_simulation"]


def test_two_scripted_abstractors_are_audited_and_the_truth_lies_in_the_intervals(
    simulation: ModuleType, registry: Registry, desk: Desks
) -> None:
    book, rules = desk("qa").book, desk("qa").rules
    right = simulation.build(registry, book, copies=1, seed=5)
    held = [
        one
        for one in simulation.held_decisions(registry, rules)
        if one.decision.action_id in right and "-" in one.decision.patient_id
    ]
    assert len(held) == len(right)
    figures = {one.figure: one for one in simulation.cover_audits(held, right, runs=20, seed=5)}
    assert figures["abstractor careful"].truth > figures["abstractor hasty"].truth
    # 20 runs at 95 %: fewer than 15 covered would be a chance of one in three thousand
    assert all(one.covered >= 15 for one in figures.values())


@pytest.mark.both_databases
def test_the_commands_go_from_sample_to_report(at_work: Desk, registry_name: str, tmp_path: Path) -> None:
    def run(*words: str, said: str = "") -> str:
        done = CliRunner().invoke(cli, [*words, "--db", registry_name, "--user", "qb"], input=said)
        assert done.exit_code == 0, done.output
        return done.output

    assert "19 of 19 decisions" in run("qa", "sample", "june", "--seed", "1", "--per-field", "100")
    assert "5 of 19 judged" in run("qa", "audit", "june", said="a\nM TEMP\na\nm SPAN\nu\na\na\nq\n")
    assert "5 of 19 judged" in run("qa", "audit", "june", "--list")
    assert "second readings: 1 of 1 finished" in run("qa", "status")
    assert run("qa", "adjudicate", "list").count("patient P1") == 3
    assert "0 new differences" in run("qa", "adjudicate", "queue")
    run("qa", "report", "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / "report.html").is_file()
    wrong = CliRunner().invoke(cli, ["qa", "lock", "june", "--db", registry_name])
    assert wrong.exit_code == 1
    assert "14 items are not judged yet" in wrong.output
