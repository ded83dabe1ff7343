"""`abstractor annotate` from file to file, as a user runs it: wall time, processor time, and what part of it is not annotating."""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from abstractor.model.note import Note
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions

STARTS = 3


@dataclass(frozen=True)
class Cost:
    """One run of the command."""

    wall: float
    cpu: float
    """Processor seconds of the command and all its workers."""
    start_wall: float
    """The same command over one note."""
    start_cpu: float


@dataclass(frozen=True)
class Share:
    """Where the processor seconds of a run with one worker go."""

    formats: str
    total: float
    start: float
    reading: float
    annotating: float
    """The same notes from memory, in one process."""

    @property
    def rest(self) -> float:
        """Writing, the ledger, pipes between processes."""
        return max(0.0, self.total - self.start - self.reading - self.annotating)

    @property
    def overhead(self) -> float:
        """What is neither start nor annotating, as a share of all but the start."""
        return max(0.0, 1 - self.annotating / max(1e-9, self.total - self.start))


def write_jsonl(notes: Sequence[Note], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(note), ensure_ascii=False) + "\n" for note in notes)


def write_csv(notes: Sequence[Note], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(asdict(notes[0])))
        table.writeheader()
        table.writerows(map(asdict, notes))


def write_parquet(notes: Sequence[Note], path: Path) -> None:
    import pyarrow as arrow
    from pyarrow import parquet

    parquet.write_table(arrow.Table.from_pylist([asdict(note) for note in notes]), path, row_group_size=5000)


FORMATS: dict[str, tuple[Callable[[Sequence[Note], Path], None], str]] = {
    "jsonl": (write_jsonl, "found.jsonl"),
    "csv": (write_csv, "found.jsonl"),
    "parquet": (write_parquet, "found.parquet"),
}
"""Format of the dump to what writes it, and the name of the findings."""


def repeated(notes: Sequence[Note], characters: int) -> list[Note]:
    """The notes over and over, each time under new ids, until they have so many characters: the start of a run must not weigh much."""
    times = max(1, -(-characters // max(1, sum(len(note.text) for note in notes))))
    return [replace(note, note_id=f"{note.note_id}-{time}") for time in range(times) for note in notes]


def measure_shares(notes: Sequence[Note], annotating: float) -> list[Share]:
    """One run from each format of dump. The dumps lie in a private temporary folder, and go with it."""
    found: list[Share] = []
    with tempfile.TemporaryDirectory(prefix="abstractor-benchmark-") as folder:
        _, start = _start(notes, Path(folder), 1)
        for name, (write, out) in FORMATS.items():
            dump = Path(folder) / f"notes.{name}"
            write(notes, dump)
            _, total = _timed(dump, Path(folder) / f"{name}-{out}", 1)
            found.append(Share(f"{name}, {out.split('.')[1]}", total, start, reading(dump), annotating))
            dump.unlink()
    return found


def two_processes(notes: Sequence[Note]) -> dict[int, Cost]:
    """Number of workers to the cost of a run from JSONL to a folder of parts."""
    with tempfile.TemporaryDirectory(prefix="abstractor-benchmark-") as folder:
        dump = Path(folder) / "notes.jsonl"
        write_jsonl(notes, dump)
        starts = {workers: _start(notes, Path(folder), workers) for workers in (1, 2)}
        return {
            workers: Cost(*_timed(dump, Path(folder) / f"parts-{workers}", workers), *start)
            for workers, start in starts.items()
        }


def _start(notes: Sequence[Note], folder: Path, workers: int) -> tuple[float, float]:
    """Wall and processor seconds of the command over as many notes as it has workers: the middle one of three runs."""
    single = folder / "single.jsonl"
    write_jsonl(notes[:workers], single)
    runs = [_timed(single, folder / f"single-{workers}-{number}", workers) for number in range(STARTS)]
    return median(wall for wall, _ in runs), median(cpu for _, cpu in runs)


def _timed(dump: Path, out: Path, workers: int) -> tuple[float, float]:
    """Wall and processor seconds."""
    words = ["annotate", str(dump), "--out", str(out), "--workers", str(workers), "--quiet"]
    before, begun = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "abstractor", *words], capture_output=True, text=True, env=dict(os.environ)
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"abstractor annotate ended with {done.returncode}")
    return time.perf_counter() - begun, _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def reading(dump: Path) -> float:
    """Processor seconds of reading the notes of a dump and nothing else."""
    begun = time.process_time()
    count = sum(1 for item in read_notes(dump, ReadOptions()) if not isinstance(item, Fault))
    assert count
    return time.process_time() - begun
