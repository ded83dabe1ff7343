"""`annotate` as users and schedulers run it: a process of its own, its exit codes, its summary, and what stopping it does."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

CANARY = "Xanthippe"
DOUBLES = str(Path(__file__).parent)
BEFORE = f"""
import sys
sys.path.insert(0, {DOUBLES!r})
import abstractor.rulebook.load, abstractor.batch.engine.work, cli_doubles
from abstractor.rulebook.book import RuleBook
book = RuleBook("r1", abstractor.rulebook.load.default_rules(), {{}}, (), (), (), (), ())
abstractor.rulebook.load.load_rulebook = lambda root=None: book
abstractor.batch.engine.work.Job = cli_doubles.Job
from abstractor.cli.main import main
"""


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """`abstractor annotate …` in a process group of its own, with a stand-in for the pipeline."""
    code = f"{BEFORE}\nsys.argv = ['abstractor', 'annotate', *{list(arguments)!r}]\nmain()"
    environment = {**os.environ, "LOGURU_LEVEL": "TRACE"}
    environment.pop("ABSTRACTOR_DB", None)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def annotate(folder: Path, *arguments: str, code: int = 0) -> str:
    """What it says on standard error."""
    process = started(folder, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert CANARY not in err
    return err


def write_notes(path: Path, texts: list[str]) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["note_id", "patient_id", "text"])
        rows.writerows((f"N{number}", f"P{number % 3}", text) for number, text in enumerate(texts))
    return path


def findings(path: Path) -> list[str]:
    return [json.loads(line)["note_id"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet", "parts"])
def test_files_to_findings_without_a_registry(tmp_path: Path, name: str) -> None:
    notes = write_notes(tmp_path / "notes.csv", ["limited stage", f"{CANARY} still limited", "nothing"])
    said = annotate(tmp_path, "notes.csv", "--out", name)
    assert "3 notes, 2 with findings, 2 findings in" in said
    assert (tmp_path / name).exists()
    assert not (tmp_path / "abstractor.db").exists()
    with notes.open("a") as file:
        file.write(f"N9,P2,poison {CANARY}\n")
    said = annotate(tmp_path, "notes.csv", "--out", name, code=3)
    assert "abstractor: note N9: set aside (ValueError while annotating)" in said
    assert "this run: 1 notes" in said
    assert "none.csv: no such file" in annotate(tmp_path, "notes.csv", "none.csv", "--out", name, code=1)


def test_findings_as_json_lines_hold_every_column(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.csv", ["limited stage", "nothing", "still limited"])
    annotate(tmp_path, "notes.csv", "--out", "out.jsonl")
    (one, two) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (one["note_id"], one["start"], one["text"]) == ("N0", 0, "limited")
    assert (two["note_id"], two["start"], two["patient_id"]) == ("N2", 6, "P2")


def test_the_summary_tells_a_scheduler_how_it_went(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.csv", ["limited", "poison", "nothing"])
    said = annotate(tmp_path, "notes.csv", "--out", "out", "--summary", "done.json", "--quiet", code=3)
    assert [line for line in said.splitlines() if not line.startswith("abstractor: note")] == []
    summary = json.loads((tmp_path / "done.json").read_text())
    assert (summary["exit"], summary["reason"]) == (3, "done, with notes set aside")
    assert (summary["notes"], summary["rows"], summary["quarantined"], summary["this_run"]["notes"]) == (3, 1, 1, 3)
    assert summary["faults"] == ["note N1: set aside (ValueError while annotating)"]
    (tmp_path / "file").write_text("")
    annotate(tmp_path, "notes.csv", "--out", "file/y.jsonl", "--summary", "failed.json", code=1)
    failed = json.loads((tmp_path / "failed.json").read_text())
    assert (failed["exit"], failed["reason"]) == (1, "error")
    assert "can't be written" in failed["error"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_at_once_says_how_to_go_on_and_loses_nothing(tmp_path: Path, sign: signal.Signals) -> None:
    long = " and so on" * 1000  # so that few notes go to a worker at once, and parts appear one after another
    texts = [f"slow {'limited' if number % 2 else 'nothing'} {number}{long}" for number in range(100)]
    write_notes(tmp_path / "notes.csv", texts)
    arguments = ("notes.csv", "--out", "out", "--part-notes", "10", "--part-format", "jsonl", "--workers", "2")
    process = started(tmp_path, *arguments, "--summary", "summary.json")
    for _ in range(1200):
        if len(list((tmp_path / "out").glob("part-*"))) >= 2:
            break
        time.sleep(0.05)
    os.killpg(process.pid, sign)  # as a terminal does: to every process
    time.sleep(0.02)
    with suppress(ProcessLookupError):  # nor do more signals do harm
        os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "the same command goes on from there" in err
    assert json.loads((tmp_path / "summary.json").read_text())["reason"] == "stopped"
    assert not (tmp_path / "out" / "manifest.json").exists()
    said = annotate(tmp_path, *arguments, "--resume")
    assert "were done before" in said
    assert "100 notes, 50 with findings" in said
    annotate(tmp_path, *arguments[:2], "whole", *arguments[3:])
    for part in sorted((tmp_path / "whole").iterdir()):
        if part.is_file():
            assert (tmp_path / "out" / part.name).read_bytes() == part.read_bytes(), part.name


def test_shards_are_run_apart_and_put_together(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.csv", ["limited" if number % 3 else "nothing" for number in range(40)])
    annotate(tmp_path, "notes.csv", "--out", "whole.jsonl")
    for number in (2, 1):
        annotate(tmp_path, "notes.csv", "--out", "shards", "--shard", f"{number}/2")
    assert "40 notes, 26 with findings, 26 findings of 2 shards" in annotate(tmp_path, "--merge", "shards")
    annotate(tmp_path, "--merge", "shards", "--out", "all.jsonl")
    assert (tmp_path / "all.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert "exists already" in annotate(tmp_path, "--merge", "shards", "--out", "all.jsonl", code=1)
    annotate(tmp_path, "--merge", "shards", "--out", "all.jsonl", "--fresh")


@pytest.mark.parametrize(
    "arguments",
    [
        ("notes.csv", "--out", "out", "--resume", "--fresh"),
        ("notes.csv", "--out", "out", "--master", "local[2]"),
        ("notes.csv", "--out", "out.jsonl", "--shard", "1/2"),
        ("notes.csv", "--out", "out", "--engine", "spark", "--only-cohort"),
        ("notes.csv", "--merge", "out"),
        ("notes.csv", "--out", "out", "--note-seconds", "0"),
        ("notes.csv", "--out", "out", "--workers", "0"),
        ("notes.csv", "--out", "out", "--fresh", "--retry-quarantined"),
        ("notes.csv", "--out", "out", "--summary", "notes.csv"),
        ("--fresh",),
        ("--shard", "1/2"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write_notes(tmp_path / "notes.csv", ["limited"])
    assert "Usage: " in annotate(tmp_path, *arguments, code=2)


@pytest.mark.parametrize(("name", "words"), [("out.csv", "ending in .jsonl, .parquet"), ("file/x", "can't be written")])
def test_an_output_that_can_not_be_is_one_line(tmp_path: Path, name: str, words: str) -> None:
    write_notes(tmp_path / "notes.csv", ["limited"])
    (tmp_path / "file").write_text("")
    (line,) = annotate(tmp_path, "notes.csv", "--out", name, code=1).splitlines()
    assert words in line


def test_many_faults_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.csv", ["poison"] * 50)
    said = annotate(tmp_path, "notes.csv", "--out", "out", code=3)
    assert said.count("set aside (ValueError") == 20
    assert "and 30 more, in out/quarantine.jsonl" in said
    assert len((tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()) == 50


@pytest.mark.skipif(sys.platform == "win32", reason="closes streams as a Unix shell does")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_do_no_harm(tmp_path: Path, closed: str) -> None:
    """A scheduler may start it so; no file of ours may come to stand where a stream belongs."""
    write_notes(tmp_path / "notes.csv", ["limited", "poison", "nothing"])
    annotate(tmp_path, "notes.csv", "--out", "open.jsonl", code=3)
    code = f"{BEFORE}\nsys.argv = ['abstractor', 'annotate', 'notes.csv', '--out', 'closed.jsonl']\nmain()"
    said = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert said.returncode == 3
    assert (tmp_path / "closed.jsonl").read_bytes() == (tmp_path / "open.jsonl").read_bytes()


def test_a_longer_text_than_is_allowed_is_named_and_not_read(tmp_path: Path) -> None:
    write_notes(tmp_path / "notes.csv", ["limited", "limited " * 200])
    said = annotate(tmp_path, "notes.csv", "--out", "out.jsonl", "--longest-note", "1000", code=1)
    assert "notes.csv: row 3: note N1: 1,600 characters are more than a note may have (1,000)" in said


def test_many_faults_in_the_registry_are_counted_and_the_summary_lists_all(
    tmp_path: Path, empty_registry_file: Path
) -> None:
    from abstractor.model.note import Note
    from abstractor.registry.engine import open_registry
    from abstractor.registry.notes import add_notes

    (tmp_path / "abstractor.db").write_bytes(empty_registry_file.read_bytes())
    registry = open_registry(str(tmp_path / "abstractor.db"))
    add_notes(registry, [Note(f"N{number}", f"poison {number}", "P1") for number in range(50)], "test")
    registry.close()
    said = annotate(tmp_path, "--summary", "summary.json", code=3)
    assert said.count("set aside (ValueError") == 20
    assert "and 30 more, all in summary.json" in said
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["exit"], summary["notes"], summary["quarantined"], len(summary["faults"])) == (3, 50, 50, 50)


def test_a_poison_note_in_the_registry_is_set_aside_and_the_run_goes_on(
    tmp_path: Path, empty_registry_file: Path
) -> None:
    from abstractor.model.note import Note
    from abstractor.registry.engine import open_registry
    from abstractor.registry.findings import findings_of
    from abstractor.registry.notes import add_notes

    (tmp_path / "abstractor.db").write_bytes(empty_registry_file.read_bytes())
    registry = open_registry(str(tmp_path / "abstractor.db"))
    texts = ["limited", f"endless {CANARY}", "limited again", "poison", "limited still"]
    add_notes(registry, [Note(f"N{number}", text, f"P{number}") for number, text in enumerate(texts)], "test")
    registry.close()
    said = annotate(tmp_path, "--note-seconds", "1", "--workers", "2", code=3)
    assert "note N1: set aside (time (over 1 s) while annotating)" in said
    assert "note N3: set aside (ValueError while annotating)" in said
    assert "5 notes annotated, 3 findings" in said
    registry = open_registry(str(tmp_path / "abstractor.db"))
    assert [len(findings_of(registry, f"P{number}")) for number in range(5)] == [1, 0, 1, 0, 1]
    registry.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_the_registry_survives_kills_at_random_moments(tmp_path: Path, empty_registry_file: Path) -> None:
    from abstractor.model.note import Note
    from abstractor.registry.engine import open_registry
    from abstractor.registry.findings import findings_of
    from abstractor.registry.notes import add_notes

    (tmp_path / "abstractor.db").write_bytes(empty_registry_file.read_bytes())
    registry = open_registry(str(tmp_path / "abstractor.db"))
    add_notes(
        registry, [Note(f"N{number:03d}", f"slow limited {number}", f"P{number % 7}") for number in range(70)], "t"
    )
    registry.close()
    chance = random.Random(3)  # noqa: S311  (it keeps no secret)
    for _ in range(4):
        process = started(tmp_path)
        time.sleep(chance.uniform(0.8, 2.5))
        process.kill()
        process.communicate()
    annotate(tmp_path)
    registry = open_registry(str(tmp_path / "abstractor.db"))
    assert [len(findings_of(registry, f"P{number}")) for number in range(7)] == [10] * 7
    registry.close()
