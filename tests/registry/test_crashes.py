"""What was acknowledged is on the disk, whoever is killed and however many write at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from writing import WRITER

from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import open_registry


def writer(path: Path, name: str, patient: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, patient, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1)


def test_every_acknowledged_decision_survives_a_killed_program_and_no_half_one_does(registry_file: Path) -> None:
    for number, after in enumerate((1, 23, 60)):
        process = writer(registry_file, f"w{number}", "P1", 200)
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        said += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        registry = open_registry(str(registry_file))
        saved = [one for one in decisions_of(registry, "P1") if one.decided_by == f"w{number}"]
        with registry.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        registry.close()
        ids = [one.action_id for one in saved]
        assert after <= len(said) < 200
        assert ids[: len(said)] == said
        assert len(ids) <= len(said) + 1  # the last one may have been saved before it could be said
        assert all(len(one.evidence) == 20 and len(one.reason) == 2000 for one in saved)


def test_four_programs_that_write_at_once_lose_nothing(registry_file: Path) -> None:
    processes = [writer(registry_file, f"w{number}", "P1", 25) for number in range(4)]
    said = []
    for process in processes:
        out, _ = process.communicate()
        assert process.returncode == 0
        said += out.split()
    registry = open_registry(str(registry_file))
    saved = decisions_of(registry, "P1")
    registry.close()
    assert len(said) == 100
    assert sorted(one.action_id for one in saved) == sorted(said)
    assert [one.sequence for one in saved] == list(range(1, 101))
