"""How long `abstractor review` takes to show its first screen on a large registry, and what the worklist itself costs.

A registry of invented content is built by bulk insert (not through the program: half a million notes would take long), and kept for
the next run. Three states of it are measured: as new, half decided, and all decided; each when the counts must be made first (the
first opening after a load) and when they are kept (every other opening).

    python benchmarks/worklist_size.py --folder /tmp/size --patients 5000 --notes 500000 --suggestions 100000

Times are of the whole process, from its start to the moment when a patient of the list is on the terminal (a pty of 80x24).
"""

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from abstractor.registry.engine import create_registry, open_registry
from abstractor.registry.worklist import keep_counts, read_worklist

NOW = "2026-01-15T08:00:00.000+00:00"
SHOWN = b"S-00"
"""Begins the id of every patient of the list."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=5_000)
    parser.add_argument("--notes", type=int, default=500_000)
    parser.add_argument("--suggestions", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=3)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, decided in (("new", 0.0), ("half decided", 0.5), ("all decided", 1.0)):
        path = options.folder / f"{name.replace(' ', '-')}.db"
        if not path.exists():
            build(path, options.patients, options.notes, options.suggestions, decided)
        measure(name, path, options.starts)


def build(path: Path, patients: int, notes: int, suggestions: int, decided: float) -> None:
    """Every patient gets the same share; a `decided` part of the patients has every question answered, one undone, and is closed."""
    began = time.monotonic()
    create_registry(str(path)).close()
    ids = [f"S-{number:06d}" for number in range(patients)]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO patient (patient_id, created_at) VALUES (?, ?)", ((one, NOW) for one in ids)
        )
        connection.executemany(
            "INSERT INTO note (note_key, note_id, version, latest, patient_id, note_date, note_type, sha256, length, source, "
            "ingested_at) VALUES (?, ?, 1, 1, ?, ?, 'clinic', ?, 40, 'made', ?)",
            (
                (at, f"N{at:07d}", ids[at % patients], f"20{10 + at % 15}-0{1 + at % 9}-1{at % 10}", "ab" * 32, NOW)
                for at in range(notes)
            ),
        )
        connection.executemany(
            "INSERT INTO note_text (note_key, text) VALUES (?, ?)",
            ((at, f"An invented note about nothing, number {at}.") for at in range(notes)),
        )
        connection.executemany(
            "INSERT INTO suggestion (patient_id, slot, field, value, assertion, attributes, confidence, origin, rulebook, evidence) "
            "VALUES (?, ?, 'metastasis', ?, 'present', '{}', 0.9, 'nlp', 'made', ?)",
            (
                (ids[at % patients], f"metastasis:{at // patients}", "liver", json.dumps([_evidence(at)]))
                for at in range(suggestions)
            ),
        )
        connection.executemany(
            "INSERT INTO decision (action_id, patient_id, slot, action, decided_by, decided_at, field, value, assertion, "
            "attributes, evidence, source, reason, undoes, offered, rule, rulebook) "
            "VALUES (?, ?, ?, ?, 'ann', ?, 'metastasis', 'liver', 'present', '{}', ?, 'review', '', ?, 'liver', '', 'made')",
            _decisions(ids[: int(decided * patients)], suggestions // patients),
        )
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    print(f"built {path.name}: {path.stat().st_size >> 20} MB in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _evidence(at: int) -> dict[str, object]:
    return {"note_id": f"N{at:07d}", "start": 3, "end": 11, "text": "invented", "note_sha256": "ab" * 32}


def _decisions(ids: list[str], each: int) -> Iterator[tuple[object, ...]]:
    evidence = json.dumps([_evidence(1)])
    for one in ids:
        for number in range(each):
            yield (f"{one}-{number}", one, f"metastasis:{number}", "accept", NOW, evidence, None)
        yield (f"{one}-u", one, "metastasis:0", "undo", NOW, "[]", f"{one}-0")
        yield (f"{one}-r", one, "metastasis:0", "redo", NOW, "[]", f"{one}-0")
        yield (f"{one}-c", one, "", "close", NOW, "[]", None)


def measure(name: str, path: Path, starts: int) -> None:
    forget_counts(path)
    cold = [start(path)]
    for _ in range(starts - 1):
        forget_counts(path)
        cold.append(start(path))
    start(path)
    warm = [start(path) for _ in range(starts)]
    print(f"{name}: start of the process to the painted list, {starts} times (median, worst)")
    for label, found in (("counts made", cold), ("counts kept", warm)):
        wall, cpu = zip(*found, strict=True)
        print(
            f"  {label}: wall {statistics.median(wall):.2f} s, {max(wall):.2f} s   "
            f"process {statistics.median(cpu):.2f} s, {max(cpu):.2f} s"
        )
    forget_counts(path)
    registry = open_registry(str(path))
    made, read = timed(lambda: read_worklist(registry, "ann"))
    kept, _ = timed(lambda: keep_counts(registry, read))
    again, read = timed(lambda: read_worklist(registry, "ann"))
    print(
        f"  the list alone: counted {made:.0f} ms, kept in {kept:.0f} ms, read {again:.0f} ms ({len(read.rows)} rows)"
    )
    registry.close()


def timed(work: "object") -> "tuple[float, object]":
    began = time.perf_counter()
    found = work()  # type: ignore[operator]
    return 1000 * (time.perf_counter() - began), found


def forget_counts(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM tally")
        connection.execute("DELETE FROM draft")
        connection.commit()


def start(path: Path) -> tuple[float, float]:
    """Seconds of wall and of process time until a patient's row is painted."""
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "HOME": str(path.parent)}
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    code = "from abstractor.cli.main import main; main()"
    settings = path.with_suffix(".toml")
    settings.write_text("tour = false\n", encoding="utf-8")
    command = [sys.executable, "-c", code, "review", "--db", str(path), "--user", "bench", "--config", str(settings)]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        start_new_session=True,
        close_fds=True,
    )
    os.close(terminal)
    wall = _until_shown(controller, began)
    cpu = _process_time(process.pid)
    time.sleep(1.5)  # counts are kept after the list is shown
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    os.close(controller)
    return wall, cpu


def _until_shown(controller: int, began: float) -> float:
    seen = b""
    while SHOWN not in seen:
        if time.monotonic() - began > 60:
            raise SystemExit(f"no list after a minute; the terminal shows {seen[-300:]!r}")
        if select.select([controller], [], [], 1)[0]:
            seen += os.read(controller, 65536)
    return time.monotonic() - began


def _process_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
