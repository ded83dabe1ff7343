"""`evaluate`: figures against annotated notes, on the terminal and as JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from abstractor.api import Abstractor
from abstractor.cli.main import cli
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.pipeline.explain import Fate, Trace
from abstractor.rulebook.book import RuleBook

TEXT = "Limited stage; liver spared. Perhaps brain."
CANARY = "Xanthippe"
Run = Callable[..., Result]


class Reader:
    """Finds the stage rightly, a response that nobody annotated, and misses the liver."""

    def __init__(self, rulebook: RuleBook, found_in: Callable[..., Finding]) -> None:
        self.rulebook = rulebook
        self.found_in = found_in

    def annotate(self, note: Note) -> list[Finding]:
        return [
            self.found_in(note, "Limited", "stage.valg", "limited"),
            self.found_in(note, "spared", "response", "PD"),
            self.found_in(note, "brain", "metastasis", "brain", "uncertain"),
        ]

    def explain(self, note: Note) -> tuple[Trace, ...]:
        start = note.text.index("liver")
        return (Trace("metastasis", "liver", start, start + 5, "r1", Assertion.PRESENT, Fate.MASKED, "mask legend"),)

    def sentences(self, note: Note) -> list[tuple[int, int]]:
        return [(0, len(note.text))]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rulebook: RuleBook, found_in: Callable[..., Finding]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Abstractor, "load", lambda _rules=None: Reader(rulebook, found_in))

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["evaluate", *arguments])
        assert result.exit_code == code, result.output
        return result

    return invoke


def gold(path: Path, **changes: object) -> None:
    facts = [
        {"field": "stage.valg", "value": "limited", "assertion": "present", "spans": [[0, 13]]},
        {"field": "metastasis", "value": "liver", "assertion": "absent", "spans": [[15, 20]]},
        {"field": "metastasis", "value": "brain", "assertion": "uncertain", "spans": [[37, 42]]},
    ]
    path.write_text(json.dumps({"note_id": "N1", "text": TEXT, "facts": facts, **changes}) + "\n")


def test_the_figures_have_the_published_shape(run: Run, tmp_path: Path) -> None:
    gold(tmp_path / "gold.jsonl")
    printed = run("gold.jsonl", "--json", "figures.json", "--errors", "errors.jsonl", "--quiet").stdout
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {name: figures["micro"][name] for name in ("tp", "fp", "fn")} == {"tp": 1, "fp": 1, "fn": 1}
    assert figures["micro"]["precision"] == figures["micro"]["recall"] == figures["micro"]["f1"] == 0.5
    assert set(figures) >= {"micro", "macro_f1", "fields", "evidence_overlap"}
    assert figures["macro_f1"] == 0.5  # of the fields that the gold holds: 1 and 0
    assert figures["evidence_overlap"] == 1.0
    assert figures["fields"]["metastasis"] == {"tp": 0, "fp": 0, "fn": 1, "precision": 0, "recall": 0, "f1": 0}
    assert "stage.valg" in printed
    errors = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()]
    assert [(one["kind"], one["field"], one["evidence"]) for one in errors] == [
        ("missed", "metastasis", "liver"),
        ("false", "response", "spared"),
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b'{"note_id": "N1", "text": "Xanthippe"}\n', "gold.jsonl: row 1: not in the gold format"),
        (
            b'\n{"note_id": "N1", "text": "Xanthippe", "facts": [{"field": "x"}]}\n',
            "gold.jsonl: row 2: not in the gold",
        ),
        (b'["Xanthippe"]\n', "gold.jsonl: row 1: not in the gold format"),
        (b"Xanthippe\n", "gold.jsonl: row 1: not JSON"),
        (b"\xff\xff Xanthippe\n", "gold.jsonl: row 1: not UTF-8"),
        (b'{"note_id": "N1", "text": "", "facts": []}\n', "gold.jsonl: row 1: note N1: the text is empty"),
    ],
)
def test_a_file_that_is_no_gold_is_one_line_by_row(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "gold.jsonl").write_bytes(content)
    (line,) = run("gold.jsonl", "--quiet", code=1).stderr.splitlines()
    assert says in line
    assert CANARY not in line


def test_a_missing_file_is_one_line(run: Run) -> None:
    (line,) = run("none.jsonl", code=1).stderr.splitlines()
    assert "none.jsonl" in line


def test_every_error_has_its_sentence_and_likely_cause(run: Run, tmp_path: Path) -> None:
    gold(tmp_path / "gold.jsonl")
    run("gold.jsonl", "--errors", "errors.jsonl", "--quiet")
    errors = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()]
    assert errors[0]["cause"] == "masked: by mask legend"
    assert "[[liver]]" in errors[0]["sentence"]
    assert errors[1]["cause"].startswith("no fact")


@pytest.mark.parametrize("name", ["errors.txt", "errors.html"])
def test_errors_are_written_for_people_too_and_for_their_owner_only(run: Run, tmp_path: Path, name: str) -> None:
    gold(tmp_path / "gold.jsonl")
    run("gold.jsonl", "--errors", name, "--quiet")
    content = (tmp_path / name).read_text()
    assert "mask legend" in content
    assert "http://" not in content
    assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_an_unknown_ending_is_one_line(run: Run, tmp_path: Path) -> None:
    gold(tmp_path / "gold.jsonl")
    assert "end its name with .jsonl, .txt, .html" in run("gold.jsonl", "--errors", "e.doc", "--quiet", code=1).stderr
    assert "end its name with .svg or .png" in run("gold.jsonl", "--reliability", "e.doc", "--quiet", code=1).stderr


def test_the_reliability_is_drawn_and_told(run: Run, tmp_path: Path) -> None:
    gold(tmp_path / "gold.jsonl")
    printed = run("gold.jsonl", "--reliability", "figure.svg", "--quiet").stdout
    assert "2 facts found; expected calibration error 0.400" in printed  # of two facts given 0.9 one is right
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")


def test_figures_are_given_by_kind_of_note(run: Run, tmp_path: Path) -> None:
    gold(tmp_path / "gold.jsonl", note_type="clinic")
    printed = run("gold.jsonl", "--by", "note_type", "--json", "f.json", "--quiet").stdout
    assert "clinic" in printed
    assert json.loads((tmp_path / "f.json").read_text())["groups"]["clinic"]["notes"] == 1
