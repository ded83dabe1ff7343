"""A note may loop, eat memory, crash or leave: it is set aside by name, and every other note has its result, in order."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType

import pytest

from abstractor.batch.engine.guard import Guard, Limits
from abstractor.batch.engine.nursery import ForkingNursery, Nursery, SpawningNursery
from abstractor.batch.engine.pool import read_notes_guarded
from abstractor.batch.engine.work import Job, NoteResult
from abstractor.model.errors import AbstractorError, RulebookError
from abstractor.model.note import Note
from abstractor.rulebook.load import default_rules, load_rulebook

LIMITS = Limits(seconds=1.0, memory_mb=200)
Make = Callable[..., Guard]


def notes(*texts: str) -> list[Note]:
    return [Note(f"N{number}", text) for number, text in enumerate(texts)]


def fates(results: list[NoteResult]) -> list[str]:
    """Of each note: its number of rows, or why it was set aside."""
    return [one.fault.reason if one.fault else str(len(one.rows)) for one in results]


@pytest.fixture(params=[ForkingNursery, SpawningNursery], ids=["forked", "spawned"])
def make(request: pytest.FixtureRequest, doubles: ModuleType) -> Iterator[Make]:
    """Guards of both kinds of systems."""
    sources: list[Nursery] = []

    def guard(limits: Limits = LIMITS) -> Guard:
        sources.append(request.param(doubles.Obedient(), 1, limits.memory_mb))
        return Guard(doubles.Obedient(), limits, workers=sources[-1])

    yield guard
    for source in sources:
        source.close()


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("endless", "time (over 1 s)"),
        ("sleeping", "time (over 1 s)"),
        ("crashing", f"crash (signal {int(signal.SIGSEGV)})"),
        ("killed", "crash (signal 9)"),
        ("leaving", "crash (exit code 7)"),
        ("exiting", "SystemExit"),
        ("failing", "ValueError"),
        ("recursing", "RecursionError"),
    ],
)
def test_a_note_that_does_harm_is_set_aside_and_its_neighbours_are_read(make: Make, deed: str, reason: str) -> None:
    with make() as guard:
        results = list(guard.run(notes("a b", f"{deed} now", "c", "d e f")))
    assert [one.note_id for one in results] == ["N0", "N1", "N2", "N3"]
    assert fates(results) == ["2", reason, "1", "3"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a limit of memory")
def test_a_note_that_eats_memory_is_set_aside(make: Make) -> None:
    with make(Limits(seconds=60, memory_mb=200)) as guard:
        results = list(guard.run(notes("a", "greedy", "b b")))
    assert fates(results) == ["1", "memory (over 200 MB)", "2"]


def test_many_harmful_notes_in_a_row_leave_the_sound_ones_whole(doubles: ModuleType) -> None:
    texts = ["sound one", "crashing", "crashing", "failing", "leaving", "sound", "killed", "sound too", "crashing"] * 5
    with Guard(doubles.Obedient(), LIMITS) as guard:
        results = list(guard.run(notes(*texts)))
    read = [one for one in results if one.fault is None]
    assert [one.note_id for one in results] == [f"N{number}" for number in range(len(texts))]
    assert [len(one.rows) for one in read] == [2, 1, 2] * 5


def test_notes_without_end_are_read_as_they_come(doubles: ModuleType) -> None:
    def endless_source() -> Iterator[Note]:
        number = 0
        while True:
            number += 1
            yield Note(f"N{number}", "a b")

    with Guard(doubles.Obedient(), LIMITS) as guard:
        stream = guard.run(endless_source())
        assert [len(next(stream).rows) for _ in range(3000)] == [2] * 3000


def test_a_worker_ended_from_outside_costs_no_note(doubles: ModuleType) -> None:
    """Somebody (or the system, out of memory) kills workers at random moments; what is read is the same."""
    texts = [f"note {number} takes its time" for number in range(400)]
    killed = 0
    chance = random.Random(5)  # noqa: S311  (it keeps no secret)
    with Guard(doubles.Slow(0.004), Limits(seconds=60)) as guard:
        results: list[NoteResult] = []
        for one in guard.run(notes(*texts)):
            results.append(one)
            if chance.random() < 0.06 and guard.pid is not None:
                os.kill(guard.pid, signal.SIGKILL)
                killed += 1
    assert killed >= 10
    assert fates(results) == ["5"] * 400


def test_the_nursery_ended_from_outside_is_built_again(doubles: ModuleType) -> None:
    source = ForkingNursery(doubles.Slow(0.002), 1, 200)
    with Guard(doubles.Slow(0.002), Limits(seconds=60), workers=source) as guard:
        stream = guard.run(notes(*["a b c"] * 600))
        first = [next(stream)]
        os.kill(source.pid, signal.SIGKILL)
        results = first + list(stream)
    source.close()
    assert fates(results) == ["3"] * 600


def test_rules_at_fault_are_told_as_such(doubles: ModuleType) -> None:
    with Guard(doubles.Unbuildable()) as guard, pytest.raises(AbstractorError, match=r"targets/stage\.toml: line 3"):
        list(guard.run(notes("a")))


def test_a_worker_that_dies_while_it_starts_ends_the_run_with_one_line(doubles: ModuleType) -> None:
    with Guard(doubles.Stillborn()) as guard, pytest.raises(AbstractorError, match="again and again") as error:
        list(guard.run(notes("a")))
    assert "\n" not in str(error.value)


def test_several_workers_give_the_results_in_the_order_of_the_notes(doubles: ModuleType) -> None:
    texts = [f"note {number}" + " word" * (number % 7) + " filling" * 300 for number in range(500)]
    expected = [len(text.split()) for text in texts]
    for workers in (1, 3):
        results = list(read_notes_guarded(doubles.Obedient(), LIMITS, workers, notes(*texts)))
        assert [len(one.rows) for one in results] == expected
        assert [one.note_id for one in results] == [f"N{number}" for number in range(500)]


def test_a_note_that_takes_its_time_does_not_change_the_order(doubles: ModuleType) -> None:
    texts = ["sleeping" if number == 3 else "word " * 2000 for number in range(60)]
    results = list(read_notes_guarded(doubles.Obedient(), LIMITS, 2, notes(*texts)))
    assert fates(results) == ["time (over 1 s)" if number == 3 else "2000" for number in range(60)]


PARENT = """
import sys, time
sys.path.insert(0, {folder!r})
from engine_doubles import Obedient
from abstractor.batch.engine.guard import Guard, Limits
from abstractor.model.note import Note
if __name__ == "__main__":
    guard = Guard(Obedient(), Limits(seconds=600))
    list(guard.run([Note("N0", "a"), Note("N1", "talking {canary}")]))
    guard.give([Note("N2", "{deed} {canary}")])
    while guard._at() is None and not guard.take():
        time.sleep(0.01)
    print(guard.pid, flush=True)
    while not guard.idle:
        guard.take()
"""
CANARY = "Xanthippe"


def started(tmp_path: Path, deed: str) -> tuple["subprocess.Popen[str]", int]:
    """A process with a worker that is at a note; and the worker's process id."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(folder=str(Path(__file__).parent), canary=CANARY, deed=deed))
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def is_gone(pid: int) -> bool:
    for _ in range(200):
        with suppress(ProcessLookupError, FileNotFoundError):
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                time.sleep(0.05)
                continue
        return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("deed", ["endless", "sleeping"])
def test_no_worker_outlives_its_parent_even_in_the_middle_of_a_note(tmp_path: Path, deed: str) -> None:
    parent, worker = started(tmp_path, deed)
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=60)
    assert is_gone(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_note_makes_its_worker_say_is_heard_by_nobody(tmp_path: Path) -> None:
    parent, _ = started(tmp_path, "failing")
    out, err = parent.communicate(timeout=60)
    assert parent.returncode == 0
    assert CANARY not in out + err
    assert err == ""


def test_ctrl_c_is_the_parents_business(doubles: ModuleType) -> None:
    """A terminal sends it to every process of the group; workers go on with their note."""
    with Guard(doubles.Slow(0.01), LIMITS) as guard:
        stream = guard.run(notes(*["a b"] * 60))
        results = [next(stream)]
        assert guard.pid is not None
        os.kill(guard.pid, signal.SIGINT)
        results += list(stream)
    assert fates(results) == ["2"] * 60


def test_a_stopped_computer_costs_no_note_its_time() -> None:
    """Seconds that this process did not see pass do not count."""
    from abstractor.batch.engine import guard as module

    clock = module._Clock()
    clock.spent_on(1)
    clock._looked -= 3600
    assert clock.spent_on(1) <= 1.0
    assert clock.spent_on(2) == 0.0


def test_a_result_of_another_note_ends_the_run(doubles: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings must never go out under the wrong note."""
    with Guard(doubles.Obedient(), LIMITS) as guard:
        guard.give(notes("a", "b"))
        guard._waiting.rotate()
        wait([guard.connection], 20)
        with pytest.raises(AbstractorError, match="out of order"):
            guard.take()


def test_rules_that_were_edited_during_a_run_are_not_mixed_with_the_old_ones(tmp_path: Path) -> None:
    """A nursery that is built again reads the files again."""
    shutil.copytree(default_rules(), tmp_path / "rules")
    version = load_rulebook(tmp_path / "rules").version
    with (tmp_path / "rules" / "masks.toml").open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    with (
        Guard(Job(tmp_path / "rules", rulebook=version), LIMITS) as guard,
        pytest.raises(AbstractorError, match="the rules were changed during the run"),
    ):
        list(guard.run(notes("a")))


def test_a_broken_rulebook_error_keeps_its_kind_where_it_is_known(doubles: ModuleType) -> None:
    with pytest.raises(RulebookError):
        doubles.Unbuildable().open()


def test_threads_of_the_parent_do_no_harm(doubles: ModuleType) -> None:
    """A progress bar has one; forking a process with threads would be asking for a deadlock."""
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        with Guard(doubles.Obedient(), LIMITS) as guard:
            assert fates(list(guard.run(notes("a", "b c")))) == ["1", "2"]
    finally:
        stop.set()
        other.join()
