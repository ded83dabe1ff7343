"""A dump through the engine: the same output however often it was stopped, whoever was killed, and however many workers read."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet
import pytest

from abstractor.batch.engine import run as engine
from abstractor.batch.engine.assembly import PartSize
from abstractor.batch.engine.endings import cohort, ledger_key, one_file
from abstractor.batch.engine.guard import Limits
from abstractor.batch.engine.intake import Source
from abstractor.batch.engine.ledger import Ledger
from abstractor.batch.engine.merge import merge_shards
from abstractor.batch.engine.run import Order, Report, annotate_dump
from abstractor.batch.engine.shards import Shard
from abstractor.exports.findings import FORMATS
from abstractor.model.errors import AbstractorError, InputError
from abstractor.sources.reading import ReadOptions

CANARY = "Xanthippe"
ABOUT = {"rulebook": "r1", "engine": "e1", "mode": "findings", "plain": False}
Make = Callable[..., Order]


def write_dump(path: Path, texts: list[str] | dict[str, str]) -> Path:
    named = texts if isinstance(texts, dict) else {f"N{number:04d}": text for number, text in enumerate(texts)}
    rows = [{"note_id": name, "patient_id": f"P{name[-1]}", "text": text} for name, text in named.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def content(out: Path) -> dict[str, str]:
    """Every visible file of an output and its hash."""
    files = out.rglob("*") if out.is_dir() else [out]
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and ".abstractor" not in path.parts
    }


def rows(out: Path) -> list[dict[str, Any]]:
    paths = sorted(out.rglob("part-*")) if out.is_dir() else [out]
    return [row for path in paths for row in FORMATS[path.suffix].rows(path)]


def texts(count: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)  # noqa: S311  (it keeps no secret)
    words = ["nothing", "limited stage", "ECOG 1", "partial response", f"{CANARY} was seen", "\U0001f9ec é"]
    return [" ".join(chance.choices(words, k=chance.randint(1, 6))) for _ in range(count)]


@pytest.fixture
def order(tmp_path: Path, doubles: ModuleType) -> Make:
    """An order to annotate `dump.jsonl` into `out`."""

    def made(**options: Any) -> Order:
        dump = options.pop("dump", tmp_path / "dump.jsonl")
        plain = Order(
            source=Source((dump,), ReadOptions()),
            out=tmp_path / "out",
            job=doubles.Obedient(),
            format=FORMATS[".jsonl"],
            about=ABOUT,
            size=PartSize(notes=20),
            limits=Limits(seconds=20),
        )
        return replace(plain, **options)

    return made


def test_findings_come_in_the_order_of_the_notes_whatever_the_workers(tmp_path: Path, order: Make) -> None:
    said = texts(230)
    write_dump(tmp_path / "dump.jsonl", said)
    one = annotate_dump(order(out=tmp_path / "one"))
    three = annotate_dump(order(out=tmp_path / "three", workers=3))
    found = rows(tmp_path / "one")
    assert [row["text"] for row in found] == [
        word for text in said if not text.startswith("nothing") for word in text.split()
    ]
    assert content(tmp_path / "one") == content(tmp_path / "three")
    assert one == three
    assert (one.totals.notes, one.totals.parts, one.totals.rows) == (230, 12, len(found))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_one_file_holds_what_the_parts_hold(tmp_path: Path, order: Make, suffix: str) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(90))
    annotate_dump(order(out=tmp_path / "parts", format=FORMATS[suffix]))
    out = tmp_path / f"out{suffix}"
    annotate_dump(order(out=out, format=FORMATS[suffix], single=True, ending=one_file))
    assert rows(out) == rows(tmp_path / "parts")
    assert {path.name for path in tmp_path.iterdir()} == {"dump.jsonl", "parts", out.name, f".{out.name}.abstractor"}


def test_the_manifest_counts_what_is_there(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", [*texts(45), "failing " + CANARY])
    annotate_dump(order())
    out = tmp_path / "out"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["rulebook"] == "r1"
    assert (manifest["notes"], manifest["quarantined"], len(manifest["parts"])) == (46, 1, 3)
    assert manifest["findings"] == len(rows(out)) == sum(part["findings"] for part in manifest["parts"])
    for part in manifest["parts"]:
        written = (out / part["name"]).read_bytes()
        assert (part["bytes"], part["sha256"]) == (len(written), hashlib.sha256(written).hexdigest())
    (aside,) = map(json.loads, (out / "quarantine.jsonl").read_text().splitlines())
    assert aside == {
        "note_id": "N0045",
        "patient_id": "P5",
        "source": str(tmp_path / "dump.jsonl"),
        "place": "dump.jsonl: row 46",
        "stage": "annotating",
        "reason": "ValueError",
    }


def test_a_run_that_is_done_does_nothing_when_run_again(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", [*texts(45), "failing"])
    first = annotate_dump(order())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir() if path.is_file()}
    again = annotate_dump(order(job=None))  # type: ignore[arg-type]  # no worker is wanted
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir() if path.is_file()} == before
    assert (again.notes, again.totals, again.faults) == (0, first.totals, first.faults)


class Stop(Exception):
    """Stands for Ctrl-C."""


@pytest.mark.parametrize("point", range(8))
def test_a_run_stopped_anywhere_and_run_again_is_one_never_stopped(
    tmp_path: Path, order: Make, point: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dump(tmp_path / "dump.jsonl", [*texts(100), "failing"])
    annotate_dump(order(out=tmp_path / "whole"))
    chance = random.Random(point)  # noqa: S311
    calls = {"left": chance.randint(1, 9)}
    place = ["close", "commit", "write"][point % 3]
    target: Any = Ledger if place == "commit" else engine.Assembly.take.__globals__["PartFile"]
    real = getattr(target, place)
    after = bool(chance.randint(0, 1))

    def stopping(*arguments: Any, **named: Any) -> Any:
        calls["left"] -= 1
        if calls["left"] == 0 and not after:
            raise Stop
        result = real(*arguments, **named)
        if calls["left"] == 0:
            raise Stop
        return result

    monkeypatch.setattr(target, place, stopping)
    for _ in range(4):
        try:
            annotate_dump(order())
        except Stop:
            assert not (tmp_path / "out" / "manifest.json").exists()
            calls["left"] = chance.randint(1, 9)
    monkeypatch.setattr(target, place, real)
    annotate_dump(order())
    assert content(tmp_path / "out") == content(tmp_path / "whole")


RUNNER = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from engine_doubles import Slow
from abstractor.batch.engine.assembly import PartSize
from abstractor.batch.engine.guard import Limits
from abstractor.batch.engine.intake import Source
from abstractor.batch.engine.run import Order, annotate_dump
from abstractor.exports.findings import FORMATS
from abstractor.sources.reading import ReadOptions
if __name__ == "__main__":
    annotate_dump(Order(
        source=Source((Path("dump.jsonl"),), ReadOptions()), out=Path(sys.argv[1]), job=Slow(0.002), format=FORMATS[".jsonl"],
        about={about!r}, size=PartSize(notes=20), limits=Limits(seconds=60), workers=2,
    ))
"""


def children(pid: int) -> list[int]:
    """All processes below one, as far as they can be seen."""
    try:
        below = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return below + [one for child in below for one in children(child)]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_again_and_again_worker_or_parent_the_output_is_the_same(tmp_path: Path) -> None:
    """kill -9 at random moments, one time the run itself, another one of its processes."""
    write_dump(tmp_path / "dump.jsonl", texts(800))
    script = tmp_path / "runner.py"
    script.write_text(RUNNER.format(folder=str(Path(__file__).parent), about=ABOUT))

    def start(out: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(script), out], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    whole = start("whole")
    assert whole.communicate(timeout=120)[1] == ""
    chance = random.Random(20)  # noqa: S311
    kills = 0
    said = ""
    while kills < 14 and not (tmp_path / "out" / "manifest.json").exists():
        process = start("out")
        wait_for_a_part(tmp_path / "out", process)
        time.sleep(chance.uniform(0, 0.1))
        below = children(process.pid)
        while chance.random() < 0.6 and below:
            kill(below.pop(chance.randrange(len(below))))
            kills += 1
            time.sleep(chance.uniform(0, 0.1))
        kill(process.pid)
        kills += 1
        said += process.communicate(timeout=60)[1]
    assert kills >= 7
    last = start("out")
    said += last.communicate(timeout=120)[1]
    assert last.returncode == 0
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert CANARY not in said
    assert not list((tmp_path / "out").rglob("*draft*"))


def wait_for_a_part(out: Path, process: "subprocess.Popen[str]") -> None:
    """Until there is one more than before, or nothing more is done."""
    before = len(list(out.glob("part-*")))
    for _ in range(3000):
        if len(list(out.glob("part-*"))) > before or process.poll() is not None:
            return
        time.sleep(0.02)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_notes_added_since_go_to_further_parts_and_the_others_are_left_alone(tmp_path: Path, order: Make) -> None:
    said = texts(70)
    write_dump(tmp_path / "dump.jsonl", said[:50])
    annotate_dump(order())
    before = content(tmp_path / "out")
    write_dump(tmp_path / "dump.jsonl", said)
    report = annotate_dump(order())
    after = content(tmp_path / "out")
    assert (report.notes, report.known, report.totals.notes) == (20, 50, 70)
    assert {name: after[name] for name in before if name.startswith("part-")} == {
        name: digest for name, digest in before.items() if name.startswith("part-")
    }
    annotate_dump(order(out=tmp_path / "whole"))
    assert rows(tmp_path / "out") == rows(tmp_path / "whole")


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_note_whose_text_changed_is_done_again_and_its_old_findings_go(
    tmp_path: Path, order: Make, suffix: str, single: bool
) -> None:
    said = {f"N{number:04d}": text for number, text in enumerate(texts(60))}
    said["N0009"], said["N0011"] = "old words", "failing"
    write_dump(tmp_path / "dump.jsonl", said)
    out = tmp_path / (f"out{suffix}" if single else "out")
    options = {"out": out, "format": FORMATS[suffix], "single": single}
    wanted = order(**options, ending=one_file) if single else order(**options)
    annotate_dump(wanted)
    write_dump(tmp_path / "dump.jsonl", {**said, "N0009": "new words", "N0011": "mended"})
    report = annotate_dump(wanted)
    found = {(row["note_id"], row["text"]) for row in rows(out)}
    assert (report.notes, report.totals.notes, report.totals.quarantined) == (2, 60, 0)
    assert {("N0009", "new"), ("N0009", "words"), ("N0011", "mended")} <= found
    assert ("N0009", "old") not in found
    assert len(rows(out)) == report.totals.rows
    assert annotate_dump(wanted).notes == 0


def test_the_same_note_twice_is_one_and_the_same_id_for_another_text_is_set_aside(tmp_path: Path, order: Make) -> None:
    lines = [
        {"note_id": "N1", "text": "a b"},
        {"note_id": "N2", "text": "c"},
        {"note_id": "N1", "text": "a b"},
        {"note_id": "N2", "text": f"{CANARY} d"},
    ]
    for size in (1, 20):  # the first one stands in the ledger already, or not yet
        out = tmp_path / f"out{size}"
        (tmp_path / "dump.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        report = annotate_dump(order(out=out, size=PartSize(notes=size)))
        assert [row["text"] for row in rows(out)] == ["a", "b", "c"]
        assert (report.totals.notes, report.totals.duplicates, report.totals.quarantined) == (2, 1, 1)
        (aside,) = map(json.loads, (out / "quarantine.jsonl").read_text().splitlines())
        assert (aside["note_id"], aside["stage"]) == ("N2", "comparing")
        assert CANARY not in (out / "quarantine.jsonl").read_text()


def test_rows_that_can_not_be_read_are_listed_and_the_rest_is_done(tmp_path: Path, order: Make) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", ["a", "b"])
    with dump.open("a") as file:
        file.write('{"note_id": "N9"\n')
    wanted = order(source=Source((dump, tmp_path / "none.csv"), ReadOptions()))
    report = annotate_dump(wanted)
    assert (report.totals.notes, report.totals.unreadable) == (2, 2)
    assert any("dump.jsonl: row 3" in fault for fault in report.faults)
    assert any("none.csv" in fault and "no such file" in fault for fault in report.faults)
    assert annotate_dump(wanted).faults == report.faults
    write_dump(dump, ["a", "b", "c"])
    mended = annotate_dump(replace(wanted, source=Source((dump,), ReadOptions())))
    assert (mended.totals.notes, [fault for fault in mended.faults if "dump.jsonl" in fault]) == (3, [])


@pytest.mark.parametrize(
    "change", [{"about": {**ABOUT, "rulebook": "r2"}}, {"size": PartSize(notes=21)}, {"format": FORMATS[".parquet"]}]
)
def test_other_options_than_those_it_was_begun_with_are_refused_by_name(
    tmp_path: Path, order: Make, change: dict[str, Any]
) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(30))
    annotate_dump(order())
    before = content(tmp_path / "out")
    with pytest.raises(InputError, match=r"begun with other options \(.* was .*, is now .*--fresh"):
        annotate_dump(order(**change))
    assert content(tmp_path / "out") == before
    annotate_dump(order(**change, fresh=True))
    assert {path.name.split(".")[-1] for path in (tmp_path / "out").glob("part-*")} == {
        "parquet" if "format" in change else "jsonl"
    }


def test_what_no_ledger_knows_is_not_written_over(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(3))
    out = tmp_path / "out.jsonl"
    out.write_text("somebody's work")
    wanted = order(out=out, single=True, ending=one_file)
    with pytest.raises(InputError, match="--fresh"):
        annotate_dump(wanted)
    assert out.read_text() == "somebody's work"
    annotate_dump(replace(wanted, fresh=True))
    assert len(rows(out)) > 0


def test_a_part_that_was_taken_away_is_told(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(50))
    annotate_dump(order())
    (tmp_path / "out" / "part-000002.jsonl").unlink()
    with pytest.raises(InputError, match=r"part-000002\.jsonl: missing"):
        annotate_dump(order())


def test_two_runs_at_once_into_one_output_are_refused(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(50))
    """Nor does --fresh pull the output from under a run that is writing it."""
    annotate_dump(order())
    before = content(tmp_path / "out")
    write_dump(tmp_path / "dump.jsonl", texts(60))
    with order().layout.held(fresh=False):
        for fresh in (False, True):
            with pytest.raises(InputError, match="another run is writing there"):
                annotate_dump(order(fresh=fresh))
    assert content(tmp_path / "out") == before


@pytest.mark.parametrize("fresh", [False, True])
def test_an_output_that_is_the_input_or_lies_in_it_is_refused_and_nothing_is_touched(
    tmp_path: Path, order: Make, fresh: bool
) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    inside = write_dump(folder / "part-000001.jsonl", texts(3))
    (tmp_path / "linked.jsonl").symlink_to(inside)
    (tmp_path / "hard.jsonl").hardlink_to(inside)
    before = inside.read_bytes()
    for dump, out, single in [
        (inside, inside, True),
        (inside, tmp_path / "linked.jsonl", True),
        (inside, tmp_path / "hard.jsonl", True),
        (folder, folder, False),
        (folder, folder / "found", False),
        (inside, folder, False),
    ]:
        with pytest.raises(InputError, match="the notes are read from; write to another --out"):
            annotate_dump(order(dump=dump, out=out, single=single, fresh=fresh))
        assert inside.read_bytes() == before
        assert list(folder.iterdir()) == [inside]


@pytest.mark.parametrize("damage", ["same size", "cut", "gone"])
def test_a_part_that_was_changed_afterwards_is_told_and_no_other_is_removed(
    tmp_path: Path, order: Make, damage: str
) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(50))
    annotate_dump(order())
    part = tmp_path / "out" / "part-000002.jsonl"
    bytes_ = bytearray(part.read_bytes())
    bytes_[20] ^= 1
    part.unlink() if damage == "gone" else part.write_bytes(bytes_[:-1] if damage == "cut" else bytes_)
    left = content(tmp_path / "out")
    with pytest.raises(InputError, match=r"part-000002\.jsonl: missing, or not as it was written; put it back"):
        annotate_dump(order())
    assert content(tmp_path / "out") == left


@pytest.mark.parametrize("damage", ["emptied", "overwritten", "cut short", "gone", "a page lost"])
def test_a_damaged_ledger_is_told_and_the_parts_stay(tmp_path: Path, order: Make, damage: str) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(300))
    annotate_dump(order())
    ledger = tmp_path / "out" / ".abstractor" / "ledger.sqlite"
    whole = ledger.read_bytes()
    spoilt = {
        "emptied": b"",
        "overwritten": b"not a database" * 1000,
        "cut short": whole[:9000],
        "a page lost": whole[:8192] + bytes(range(256)) * 16 * ((len(whole) - 8192) // 4096),
    }
    ledger.unlink() if damage == "gone" else ledger.write_bytes(spoilt[damage])
    before = content(tmp_path / "out")
    with pytest.raises(InputError, match="--fresh"):
        annotate_dump(order())
    assert content(tmp_path / "out") == before
    annotate_dump(order(fresh=True))
    assert content(tmp_path / "out") == before


def test_what_is_not_of_our_making_stays_even_when_starting_over(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(30))
    annotate_dump(order())
    for name in ("part-00000-5f1c.snappy.parquet", "part-000001.jsonl.bak", "mine.txt"):
        (tmp_path / "out" / name).write_text("mine")
    annotate_dump(order(fresh=True))
    assert len([path for path in (tmp_path / "out").iterdir() if path.is_file() and path.read_bytes() == b"mine"]) == 3


def test_a_list_or_manifest_that_was_taken_away_comes_back(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", [*texts(30), "failing"])
    annotate_dump(order())
    before = content(tmp_path / "out")
    for name in ("quarantine.jsonl", "manifest.json"):
        (tmp_path / "out" / name).unlink()
        annotate_dump(order(job=None))  # no note is read again
        assert content(tmp_path / "out") == before


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_ended_while_old_findings_are_taken_out_the_next_run_goes_on(
    tmp_path: Path, order: Make, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is written anew without them; the ledger and the file must never be at odds for good."""
    said = texts(60)
    write_dump(tmp_path / "dump.jsonl", said)
    annotate_dump(order())
    write_dump(tmp_path / "dump.jsonl", ["changed text", *said[1:30], "changed too", *said[31:]])
    shutil.copytree(tmp_path / "out", tmp_path / "never_stopped")
    annotate_dump(order(out=tmp_path / "never_stopped"))
    file = engine.Assembly.take.__globals__["PartFile"]
    owner, name = {"before": (Ledger, "rewritten"), "between": (file, "put_in_place"), "after": (Ledger, "recount")}[
        place
    ]
    real = getattr(owner, name)
    calls = {"left": {"before": 1, "between": 2, "after": 1}[place]}  # the first to be put in place is the new part

    def stopping(*arguments: Any) -> Any:
        calls["left"] -= 1
        if calls["left"] == 0:
            raise Stop
        return real(*arguments)

    monkeypatch.setattr(owner, name, stopping)
    monkeypatch.setattr(file, "drop", lambda self: self._file.close())  # kill -9 tidies nothing up
    with pytest.raises(Stop):
        annotate_dump(order())
    monkeypatch.undo()
    annotate_dump(order())
    assert content(tmp_path / "out") == content(tmp_path / "never_stopped")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [part["findings"] for part in manifest["parts"]] == [
        len(list(FORMATS[".jsonl"].rows(tmp_path / "out" / part["name"]))) for part in manifest["parts"]
    ]


def test_notes_set_aside_are_tried_again_when_asked(tmp_path: Path, order: Make, doubles: ModuleType) -> None:
    write_dump(tmp_path / "dump.jsonl", [*texts(30), "sleeping soundly", *texts(5, seed=2), "failing"])
    strict = order(limits=Limits(seconds=0.5))
    assert annotate_dump(strict).totals.quarantined == 2
    again = annotate_dump(order(job=None))
    assert (again.notes, again.totals.quarantined) == (0, 2)
    retried = annotate_dump(replace(strict, retry=True))
    assert (retried.notes, retried.totals.quarantined, retried.totals.notes) == (2, 2, 37)
    lenient = annotate_dump(replace(strict, retry=True, job=doubles.Mild()))
    assert (lenient.notes, lenient.totals.quarantined, lenient.totals.notes) == (2, 0, 37)
    assert max(row["note_id"] for row in rows(tmp_path / "out")) == "N0036"
    assert (tmp_path / "out" / "quarantine.jsonl").read_text() == ""
    assert annotate_dump(replace(strict, retry=True, job=None)).notes == 0


def test_what_stands_twice_is_counted_once_however_often_the_dump_is_read(tmp_path: Path, order: Make) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", texts(20))
    line = dump.read_text().splitlines(keepends=True)[3]
    dump.write_text(dump.read_text() + line * 2)
    assert annotate_dump(order()).totals.duplicates == 2
    with dump.open("a") as file:
        file.write(json.dumps({"note_id": "more", "text": "limited"}) + "\n")
    assert annotate_dump(order()).totals.duplicates == 2


def test_a_part_ends_at_the_same_place_though_little_of_the_dump_are_notes(
    tmp_path: Path, order: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that can't be read do not pile up in memory; and where a part ends does not depend on when a run was stopped."""
    monkeypatch.setattr("abstractor.batch.engine.assembly._MOST_WAITING", 50)
    note = json.dumps({"note_id": "%s", "text": "limited"})
    dump = tmp_path / "dump.jsonl"
    dump.write_text("\n".join(note % number if number % 30 == 0 else "{" for number in range(600)))
    annotate_dump(order(out=tmp_path / "whole"))
    real, calls = Ledger.commit, {"left": 4}

    def stopping(*arguments: Any, **named: Any) -> None:
        calls["left"] -= 1
        if calls["left"] < 0:
            raise Stop
        real(*arguments, **named)

    for _ in range(6):
        monkeypatch.setattr(Ledger, "commit", stopping)
        calls["left"] = 2
        with suppress(Stop):
            annotate_dump(order())
    monkeypatch.setattr(Ledger, "commit", real)
    report = annotate_dump(order())
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert (report.totals.notes, report.totals.unreadable) == (20, 580)
    assert report.totals.parts >= 9


@pytest.mark.skipif(sys.platform == "win32", reason="file names are text there")
def test_a_file_whose_name_is_no_text_is_read_like_any_other(tmp_path: Path, order: Make) -> None:
    dump = write_dump(Path(os.fsdecode(bytes(tmp_path) + b"/dump \xff.jsonl")), ["limited", "failing"])
    report = annotate_dump(order(dump=dump))
    assert (report.totals.notes, report.totals.quarantined) == (2, 1)
    assert "dump \\udcff.jsonl: row 2" in (tmp_path / "out" / "quarantine.jsonl").read_text().replace("\\\\", "\\")


def merged(tmp_path: Path, order: Make, of: int) -> list[Report]:
    return [annotate_dump(order(out=tmp_path / "shards", shard=Shard(number, of))) for number in range(1, of + 1)]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_shards_put_together_are_the_output_of_one_run(tmp_path: Path, order: Make, suffix: str) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", [*texts(150), "failing"])
    with dump.open("a") as file:
        file.write("no json\n")
    whole = tmp_path / f"whole{suffix}"
    annotate_dump(order(out=whole, format=FORMATS[suffix], single=True, ending=one_file))
    reports = merged(tmp_path, lambda **options: order(**options, format=FORMATS[suffix]), 4)
    assert sum(report.totals.notes for report in reports) == 151
    assert min(report.totals.notes for report in reports) > 10
    manifest = merge_shards(tmp_path / "shards", tmp_path / f"all{suffix}", FORMATS)
    assert rows(tmp_path / f"all{suffix}") == rows(whole)
    assert (manifest["notes"], manifest["quarantined"], manifest["unreadable"], manifest["shards"]) == (151, 1, 1, 4)
    listed = merge_shards(tmp_path / "shards", None, FORMATS)
    assert sum(part["findings"] for part in listed["parts"]) == listed["findings"] == len(rows(whole))
    assert all((tmp_path / "shards" / part["name"]).is_file() for part in listed["parts"])
    assert len((tmp_path / "shards" / "quarantine.jsonl").read_text().splitlines()) == 2


def test_shards_that_are_missing_unfinished_or_strangers_are_named(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(60))
    merged(tmp_path, order, 3)
    shards = tmp_path / "shards"
    other = order(out=tmp_path / "other", shard=Shard(2, 3), about={**ABOUT, "rulebook": "r2"})
    annotate_dump(other)
    (shards / "shard-0002-of-0003").rename(tmp_path / "kept")
    with pytest.raises(InputError, match="2 of 3 shards missing"):
        merge_shards(shards, None, FORMATS)
    (tmp_path / "other" / "shard-0002-of-0003").rename(shards / "shard-0002-of-0003")
    with pytest.raises(InputError, match="rulebook is r1 and r2"):
        merge_shards(shards, None, FORMATS)
    (shards / "shard-0002-of-0003" / "manifest.json").unlink()
    with pytest.raises(InputError, match="not finished; run --shard 2/3"):
        merge_shards(shards, None, FORMATS)


def test_shards_of_another_dump_with_as_many_notes_are_strangers(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(40))
    annotate_dump(order(out=tmp_path / "shards", shard=Shard(1, 2)))
    write_dump(tmp_path / "dump.jsonl", texts(40, seed=9))
    annotate_dump(order(out=tmp_path / "shards", shard=Shard(2, 2)))
    with pytest.raises(InputError, match="do not belong together: input is"):
        merge_shards(tmp_path / "shards", None, FORMATS)


def test_shards_may_have_read_copies_of_the_dump_that_lie_elsewhere(tmp_path: Path, order: Make) -> None:
    for number in (1, 2):
        dump = write_dump(tmp_path / f"copy{number}.jsonl", texts(40))
        annotate_dump(order(dump=dump, out=tmp_path / "shards", shard=Shard(number, 2)))
    assert merge_shards(tmp_path / "shards", None, FORMATS)["notes"] == 40
    assert merge_shards(tmp_path / "shards", None, FORMATS)["notes"] == 40, "a second time"


def test_merging_does_not_take_the_place_of_a_run_that_could_go_on(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(40))
    merged(tmp_path, order, 2)
    out = tmp_path / "all.jsonl"
    annotate_dump(order(out=out, single=True, ending=one_file))
    out.unlink()
    with pytest.raises(InputError, match="begun by a run of its own"):
        merge_shards(tmp_path / "shards", out, FORMATS)


@pytest.mark.parametrize("said", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_that_can_not_be_is_refused(said: str) -> None:
    with pytest.raises(InputError, match="write I/N"):
        Shard.parse(said)


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of file size")
def test_where_no_more_can_be_written_one_line_says_so_and_the_next_run_goes_on(tmp_path: Path, order: Make) -> None:
    """A limit of file size stands for a full disk: the ledger or a part grows beyond it."""
    write_dump(tmp_path / "dump.jsonl", ["word " * 40] * 300)
    code = FULL.format(bytes=60_000) + RUNNER.format(folder=str(Path(__file__).parent), about=ABOUT)
    script = tmp_path / "runner.py"
    script.write_text(code)
    command = [sys.executable, str(script), "out"]
    stopped = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert stopped.returncode == 1
    assert "can't be written (File too large)" in stopped.stderr.splitlines()[-1]
    assert not list((tmp_path / "out").glob(".part-*"))
    about = order(source=Source((tmp_path / "dump.jsonl",), ReadOptions()))
    report = annotate_dump(about)
    assert report.totals.notes == 300
    annotate_dump(order(out=tmp_path / "whole"))
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", texts(3))
    (tmp_path / "file").write_text("")
    with pytest.raises(AbstractorError, match="can't be written") as error:
        annotate_dump(order(out=tmp_path / "file" / "below"))
    assert "\n" not in str(error.value)


def test_no_word_of_a_note_stands_in_anything_but_the_findings(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", [f"nothing {CANARY}", f"failing {CANARY}", f"crashing {CANARY}", "sound"])
    annotate_dump(order())
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_parquet_parts_have_the_columns_of_findings_out(tmp_path: Path, order: Make) -> None:
    write_dump(tmp_path / "dump.jsonl", ["a"])
    annotate_dump(order(format=FORMATS[".parquet"]))
    table = pyarrow.parquet.read_table(tmp_path / "out" / "part-000001.parquet")
    assert table.column_names[:3] == ["note_id", "patient_id", "note_date"]
    assert table.column("attributes").to_pylist() == ['{"length": 1}']


def test_progress_tells_notes_findings_and_how_much_is_read(tmp_path: Path, order: Make) -> None:
    dump = write_dump(tmp_path / "dump.jsonl", ["nothing", "a", "failing"])
    seen: list[Any] = []
    annotate_dump(order(), seen.append)
    last = seen[-1]
    assert (last.notes, last.with_findings, last.quarantined) == (3, 1, 1)
    assert last.read == last.size == dump.stat().st_size


def cohort_order(order: Make, doubles: ModuleType, **options: Any) -> Order:
    about = {**ABOUT, "mode": "cohort"}
    return order(job=doubles.Hints(), about=about, hidden=True, ending=cohort, patient_key=ledger_key, **options)


def test_a_cohort_is_the_same_in_one_run_resumed_or_in_shards_put_together(
    tmp_path: Path, order: Make, doubles: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [f"{CANARY} has lung cancer" if number % 4 == 1 else "nothing" for number in range(90)]
    write_dump(tmp_path / "dump.jsonl", said)  # patients P0 to P9; the odd ones have evidence
    whole = tmp_path / "whole.jsonl"
    report = annotate_dump(cohort_order(order, doubles, out=whole, single=True))
    patients = [json.loads(line) for line in whole.read_text().splitlines()]
    assert [(one["patient_id"], one["notes"]) for one in patients] == [(f"P{odd}", 9) for odd in (1, 3, 5, 7, 9)]
    assert (report.manifest["patients"], report.manifest["patients_without"]) == (5, 5)

    real = Ledger.commit
    calls = {"left": 3}

    def stopping(*arguments: Any, **named: Any) -> None:
        calls["left"] -= 1
        if calls["left"] == 0:
            raise Stop
        real(*arguments, **named)

    monkeypatch.setattr(Ledger, "commit", stopping)
    resumed = tmp_path / "resumed.jsonl"
    with pytest.raises(Stop):
        annotate_dump(cohort_order(order, doubles, out=resumed, single=True))
    annotate_dump(cohort_order(order, doubles, out=resumed, single=True))
    assert resumed.read_bytes() == whole.read_bytes()

    for number in (1, 2, 3):
        annotate_dump(cohort_order(order, doubles, out=tmp_path / "shards", shard=Shard(number, 3)))
    merge_shards(tmp_path / "shards", tmp_path / "merged.jsonl", FORMATS)
    assert (tmp_path / "merged.jsonl").read_bytes() == whole.read_bytes()
