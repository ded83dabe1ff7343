"""The engine on Spark: the same findings as without it, every note once, whatever ends a process on the way; and not a word of a note
outside the findings.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from abstractor.api import Abstractor
from abstractor.batch.engine.guard import Limits
from abstractor.batch.engine.spark import annotate_frame, annotate_with_status, run
from abstractor.batch.engine.spark.place import workplace
from abstractor.batch.engine.spark.session import missing, spark, steady
from abstractor.batch.progress import Status
from abstractor.model.errors import AbstractorError, InputError
from abstractor.model.note import Note
from abstractor.sources.reader import note_type_mapper

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[3]
COLUMNS = ("note_id", "patient_id", "note_date", "note_type", "text")
CANARY = "Xanthippe"

lack = missing()
needs_spark = pytest.mark.skipif(lack is not None, reason=str(lack))
# PySpark leaves the closing of its sockets to the end of the process
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    with spark("local[1]", tmp_path_factory.mktemp("spark")) as started:
        yield started


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Some notes of the sample patients, as rows of a dump."""
    lines = (PROJECT / "corpus_samples" / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    return [{name: json.loads(line).get(name) for name in COLUMNS} for line in lines[::6]]


@pytest.fixture(scope="module")
def expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the pipeline finds in them, note by note, as rows of a findings file."""
    nlp = Abstractor.load()
    note_type = note_type_mapper(nlp.rulebook.note_types)
    found = []
    for row in rows:
        note = Note(row["note_id"], row["text"], row["patient_id"], row["note_date"], note_type(row["note_type"]))
        found += [written(one.row()) for one in nlp.annotate(note)]
    assert len(found) > 200
    return found


def written(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "attributes": json.dumps(row["attributes"], ensure_ascii=False)}


def sorted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By note; the findings of a note stay in their order."""
    return sorted(rows, key=lambda row: str(row["note_id"]))


def read_parts(out: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    return [row for part in sorted(out.glob("part-*.parquet")) for row in parquet.ParquetFile(part).read().to_pylist()]


def put_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def put_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    import csv

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def put_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as arrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    return path


@needs_spark
def test_a_frame_gives_the_findings_of_the_pipeline_row_for_row(
    session: "SparkSession", rows: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    frame = session.createDataFrame([{**row, "ward": "7b"} for row in rows])
    renamed = frame.withColumnRenamed("text", "NOTE TEXT.1").select("ward", "`NOTE TEXT.1`", *COLUMNS[:4])
    found = [row.asDict() for row in annotate_frame(renamed, columns={"text": "NOTE TEXT.1"}).collect()]
    assert sorted_rows(found) == sorted_rows(expected)


@needs_spark
def test_ids_and_dates_of_other_types_are_taken_as_text(session: "SparkSession") -> None:
    frame = session.sql(
        "SELECT 7 AS note_id, DATE '2024-05-03' AS note_date, 'ES-SCLC.' AS text, 'CT scan' AS note_type"
        " UNION ALL SELECT 8, DATE '2024-05-04', 'Nothing of note.', NULL"
    )
    found = annotate_frame(frame).collect()
    assert {(row.note_id, row.patient_id, row.note_date, row.note_type) for row in found} == {
        ("7", "7", "2024-05-03", "radiology")
    }


@needs_spark
def test_a_status_frame_tells_what_became_of_every_row(session: "SparkSession") -> None:
    frame = session.createDataFrame(
        [
            ("1", "ES-SCLC.", None),
            ("2", "Nothing of note.", None),
            ("3", "  ", None),
            ("4", None, None),
            (None, "ES-SCLC.", None),
            ("5", "ES-SCLC.", "2024-31-31"),
        ],
        "note_id string, text string, note_date string",
    )
    told = annotate_with_status(frame.coalesce(1)).collect()
    assert Counter((row.note_id, row.status) for row in told if row.field in (None, "stage.valg")) == {
        ("1", "finding"): 1,
        ("2", "nothing"): 1,
        ("3", "unreadable"): 1,
        ("4", "unreadable"): 1,
        (None, "unreadable"): 1,
        ("5", "unreadable"): 1,  # its date
        ("5", "finding"): 1,
    }
    reasons = {row.note_id: row.reason for row in told if row.status == "unreadable"}
    assert "kept without date" in reasons["5"]
    assert {row.place for row in told if row.note_id == "4"} == {"partition 0: row 4"}


@needs_spark
def test_bytes_that_are_no_text_are_told_and_the_notes_beside_them_are_read(session: "SparkSession") -> None:
    frame = session.sql("SELECT '1' AS note_id, CAST(X'4142FF' AS STRING) AS text UNION ALL SELECT '2', 'ES-SCLC.'")
    told = {row.note_id: row.status for row in annotate_with_status(frame).collect()}
    assert told == {"1": "unreadable", "2": "finding"}


@needs_spark
@pytest.mark.parametrize(
    ("query", "columns", "says"),
    [
        ("SELECT 1 AS note_id, 'x' AS body", {}, "no column 'text'; it has note_id, body"),
        ("SELECT 1 AS note_id, 5 AS text", {}, "'text' is int, not string"),
        ("SELECT 1 AS note_id, 'x' AS text", {"date": "D"}, "date: not one of note_id"),
        ("SELECT 1 AS note_id, 'x' AS text", {"patient_id": "PID"}, "no column 'PID'"),
    ],
)
def test_a_frame_that_is_no_table_of_notes_is_refused(
    session: "SparkSession", query: str, columns: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        annotate_frame(session.sql(query), columns=columns)


def with_words(folder: Path, expression: str) -> Path:
    """A copy of the rules, in which one more expression says extensive disease."""
    rules = folder / "rules"
    shutil.copytree(PROJECT / "rules", rules)
    (rules / "targets" / "more.toml").write_text(
        f"[[target]]\nid = 'more'\nfield = 'stage.valg'\nvalue = 'extensive'\nregex = ['{expression}']\n",
        encoding="utf-8",
    )
    return rules


@needs_spark
def test_rules_of_ones_own_travel_with_the_job_and_a_note_that_loops_is_set_aside(
    session: "SparkSession", tmp_path: Path
) -> None:
    rules = with_words(tmp_path, r"\bquagga\b|\bloop(?:a|aa)+b\b")
    texts = [("1", "SCLC, quagga disease."), ("2", f"SCLC, loop{'a' * 80} disease."), ("3", "SCLC, quagga disease.")]
    frame = session.createDataFrame(texts, "note_id string, text string").coalesce(1)
    told = annotate_with_status(frame, rules=rules, limits=Limits(seconds=5))
    shutil.rmtree(rules)  # the workers have them
    rows = told.collect()
    assert {row.note_id for row in rows if row.rule == "more"} == {"1", "3"}
    ((note_id, stage, reason),) = [(row.note_id, row.stage, row.reason) for row in rows if row.status == "quarantined"]
    assert (note_id, stage, reason) == ("2", "annotating", "time (over 5 s)")


@needs_spark
@pytest.mark.usefixtures("session")
def test_files_of_all_kinds_give_what_the_pipeline_finds(
    tmp_path: Path, rows: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    """Line ends, ids like 007 and bad rows mean the same as without Spark."""
    odd = {
        "note_id": "007",
        "patient_id": "NA",
        "note_date": "",
        "note_type": "",
        "text": "ES-SCLC.\r\n\x0cStable \u00a0\U0001f600 LS-SCLC.\r\n",
    }
    bad = [{**rows[0]}, {**rows[1], "text": "another"}, {**odd, "note_id": "e1", "text": " "}]
    dump = tmp_path / "dump"
    put_csv(dump / "a.csv", [odd, *rows[:12]])
    put_parquet(dump / "b.parquet", rows[12:24])
    put_jsonl(dump / "c.jsonl", [*rows[24:], *bad])
    with (dump / "c.jsonl").open("a") as file:
        file.write('{"note_id": "cut", "te')
    (dump / "d.parquet").write_bytes(b"PAR1 and then nothing")
    report = run([dump, tmp_path / "none.csv"], tmp_path / "out")

    found = read_parts(tmp_path / "out")
    more = [row for row in found if row["note_id"] == "007"]
    assert sorted_rows([row for row in found if row["note_id"] != "007"]) == sorted_rows(expected)
    assert [odd["text"][row["start"] : row["end"]] for row in more] == [row["text"] for row in more] != []
    assert {row["patient_id"] for row in more} == {"NA"}
    totals = report.totals
    assert (totals.notes, totals.rows, totals.duplicates) == (len(rows) + 1, len(found), 1)
    assert (totals.quarantined, totals.unreadable) == (1, 4)
    lines = [json.loads(line) for line in (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["place"]) for line in lines] == [
        ("comparing", f"c.jsonl: note {len(rows) - 24 + 2}"),
        ("reading", f"c.jsonl: row {len(rows) - 24 + 3}"),
        ("reading", f"c.jsonl: row {len(rows) - 24 + 4}"),
        ("reading", "d.parquet"),
        ("reading", str(tmp_path / "none.csv")),
    ]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert sum(part["findings"] for part in manifest["parts"]) == manifest["findings"] == len(found)
    assert sum(part["notes"] for part in manifest["parts"]) == manifest["notes"] == totals.notes
    for part in manifest["parts"]:
        content = (tmp_path / "out" / part["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (part["bytes"], part["sha256"])
    assert {path.name for path in tmp_path.iterdir()} == {"dump", "out"}
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "out", *(tmp_path / "out").iterdir())} == {0}


@needs_spark
@pytest.mark.usefixtures("session")
def test_a_dump_without_findings_is_a_table_without_rows(tmp_path: Path) -> None:
    dump = put_jsonl(
        tmp_path / "dump.jsonl", [{"note_id": str(number), "text": "Nothing of note."} for number in range(9)]
    )
    report = run([dump], tmp_path / "out")
    assert (report.totals.notes, report.totals.rows) == (9, 0)
    assert read_parts(tmp_path / "out") == []
    from pyarrow import parquet

    assert parquet.read_schema(tmp_path / "out" / "part-000001.parquet").names[:2] == ["note_id", "patient_id"]


@needs_spark
@pytest.mark.usefixtures("session")
def test_what_stands_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    dump = put_jsonl(tmp_path / "dump.jsonl", [{"note_id": "1", "text": "ES-SCLC."}])
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="--fresh replaces it"):
        run([dump], out)
    assert (out / "mine.txt").read_text() == "mine"
    run([dump], out, fresh=True)
    assert not (out / "mine.txt").exists()
    assert {row["note_id"] for row in read_parts(out)} == {"1"}


def python_workers() -> list[int]:
    """Spark's Python processes that take notes: forked from the daemon, which is not one of them."""
    family = descendants(os.getpid())
    daemons = {pid for pid in family if "pyspark.daemon" in command_of(pid)}
    return [pid for pid in daemons if parent_of(pid) in daemons]


def descendants(ancestor: int) -> set[int]:
    parents = {int(path.name): parent_of(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found: set[int] = set()
    layer = {ancestor}
    while layer := {pid for pid, parent in parents.items() if parent in layer}:
        found |= layer
    return found


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def again(rows: list[dict[str, Any]], times: int) -> list[dict[str, Any]]:
    """The notes as so many notes of other ids."""
    return [{**row, "note_id": f"{row['note_id']}/{number}"} for number in range(times) for row in rows]


@needs_spark
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
@pytest.mark.usefixtures("session")
def test_every_note_is_done_once_though_workers_are_killed(
    tmp_path: Path, rows: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    dump = put_jsonl(tmp_path / "dump.jsonl", again(rows, 3))
    ended: list[list[int]] = []

    def kill_twice(status: Status) -> None:
        """All that Spark has, busy or not, once the notes are being annotated."""
        if status.read * 20 >= status.size and len(ended) < 2 and (workers := python_workers()):
            ended.append(workers)
            for pid in workers:
                end(pid)

    report = run([dump], tmp_path / "out", limits=Limits(seconds=500), watch=kill_twice)
    assert ended
    assert report.totals.notes == len(rows) * 3
    assert sorted_rows(read_parts(tmp_path / "out")) == sorted_rows(again(expected, 3))


@needs_spark
@pytest.mark.executors
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_an_executor_may_be_killed_and_no_word_of_a_note_is_left_anywhere(
    tmp_path: Path, rows: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    """In a process of its own, with executors of their own: the output is exact, and nothing else holds a note."""
    marked = [{**row, "text": f"{row['text']}\n{CANARY}"} for row in rows]
    dump = put_jsonl(tmp_path / "in" / "dump.jsonl", [*marked, {"note_id": CANARY[:3], "text": 5}])
    home = spark_home(tmp_path / "spark")
    code = "import sys; from pathlib import Path; from abstractor.batch.engine.spark import run\n"
    code += "print(run([Path(sys.argv[1])], Path(sys.argv[2]), master='local-cluster[2,1,1024]').totals.notes)"
    (tmp_path / "work").mkdir()
    with (tmp_path / "stderr").open("w") as stderr:
        running = subprocess.Popen(
            [sys.executable, "-c", code, str(dump), str(tmp_path / "work" / "out")],
            env={**os.environ, "SPARK_HOME": str(home), "TMPDIR": str(tmp_path / "spark")},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        ended = kill_executor(running, tmp_path / "work" / ".out.spark" / "written" / "_temporary")
        told, _ = running.communicate(timeout=300)
    assert ended
    assert told.strip() == str(len(rows))
    assert sorted_rows(read_parts(tmp_path / "work" / "out")) == sorted_rows(expected)
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["out"]
    elsewhere = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != dump.parent]
    assert [path for path in elsewhere if CANARY.encode() in path.read_bytes()] == []
    assert (tmp_path / "stderr").read_text() == ""


def spark_home(folder: Path) -> Path:
    """PySpark's own Spark under another name, so that the logs of executors are written here."""
    import pyspark

    folder.mkdir()
    for path in Path(pyspark.__file__).parent.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


def kill_executor(running: "subprocess.Popen[str]", written: Path) -> int:
    """Ends an executor when the first rows are being written; its process id."""
    while running.poll() is None:
        executors = [pid for pid in descendants(running.pid) if "CoarseGrainedExecutorBackend" in command_of(pid)]
        if executors and written.is_dir():
            end(executors[0])
            return executors[0]
        time.sleep(0.2)
    return 0


@pytest.mark.parametrize("place", ["dump", "dump/found"])
def test_the_folder_that_is_read_is_never_replaced(tmp_path: Path, place: str) -> None:
    dump = put_jsonl(tmp_path / "dump" / "part-000001.jsonl", [{"note_id": "1", "text": "ES-SCLC."}])
    with pytest.raises(InputError, match="the notes are read from; write to another"):
        run([tmp_path / "dump"], tmp_path / place, fresh=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [dump]


@needs_spark
@pytest.mark.usefixtures("session")
def test_machines_with_other_versions_are_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("abstractor.batch.engine.spark.orders.engine_version", lambda: "abstractor 0.0.7")
    dump = put_jsonl(tmp_path / "dump.jsonl", [{"note_id": "1", "text": f"ES-SCLC {CANARY}."}])
    with pytest.raises(AbstractorError, match=r"the driver abstractor 0\.0\.7: install the same versions") as error:
        run([dump], tmp_path / "out")
    assert CANARY not in str(error.value)
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["dump.jsonl"]


def test_nothing_to_read_is_told_before_spark_is_started(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such file or folder"):
        run([tmp_path / "none.csv"], tmp_path / "out")


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_one_file_is_not_what_spark_writes(tmp_path: Path, name: str) -> None:
    dump = put_jsonl(tmp_path / "dump.jsonl", [{"note_id": "1", "text": "ES-SCLC."}])
    with pytest.raises(InputError, match="a folder of Parquet files"):
        run([dump], tmp_path / name)


def test_two_runs_never_write_to_one_place(tmp_path: Path) -> None:
    with (
        workplace(tmp_path / "out", fresh=False) as first,
        pytest.raises(InputError, match="another run is writing there"),
        workplace(tmp_path / "out", fresh=False),
    ):
        pass
    assert not first.exists()


def test_what_an_ended_run_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".out.spark"
    left.mkdir()
    (left / "spill").write_text("rest")
    with workplace(tmp_path / "out", fresh=False) as work:
        assert list(work.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def java(folder: Path, version: str) -> Path:
    """Says it is Java of a version."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o700)
    return folder


@pytest.mark.parametrize(("version", "says"), [("1.8.0_292", "this is Java 8"), ("11.0.2", "this is Java 11")])
def test_an_old_java_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, says: str) -> None:
    monkeypatch.setattr("abstractor.batch.engine.spark.session.find_spec", lambda name: name)
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, version)))
    assert says in str(missing())


def test_java_17_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abstractor.batch.engine.spark.session.find_spec", lambda name: name)
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, "17.0.15")))
    assert missing() is None


def test_without_java_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abstractor.batch.engine.spark.session.find_spec", lambda name: name)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(AbstractorError, match="needs Java 17 or later and none was found"),
        spark("local[1]", tmp_path),
    ):
        pass


def test_without_pyspark_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("abstractor.batch.engine.spark.session.find_spec", lambda _name: None)
    dump = put_jsonl(tmp_path / "dump.jsonl", [{"note_id": "1", "text": "ES-SCLC."}])
    with pytest.raises(AbstractorError, match=r"pip install 'abstractor\[spark\]'"):
        run([dump], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["dump.jsonl"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("local", "local[1,4]"),
        ("local[2]", "local[2,4]"),
        ("local[*]", "local[*,4]"),
        ("local[2,8]", "local[2,8]"),
        ("spark://host:7077", "spark://host:7077"),
    ],
)
def test_on_one_machine_a_task_is_tried_again_as_on_a_cluster(said: str, meant: str) -> None:
    assert steady(said) == meant
