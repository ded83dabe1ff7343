"""What reading a dump costs beside the bare library that parses its format, and how much memory it takes.

    python benchmarks/reading_dumps.py [--megabytes N] [--memory]

The notes are generated (nobody's), from a fixed seed: ordinary ones of about 3,000 characters with some thirty lines, and tiny ones of
about 400, as radiology has them; a fifth hold letters beyond ASCII. Each dump is read as CSV, JSONL and Parquet, plain and compressed; the
bare library is `csv.reader` over the decoded file, `json.loads` line by line, and pyarrow's `iter_batches`, turned into Python strings.
Figures are processor time, the best of three. With `--memory` each dump is read in a process of its own, and the peak is shown beside that of
a process which has loaded the same modules and read nothing.
"""

import argparse
import csv
import gzip
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions

COLUMNS = ["note_id", "patient_id", "note_date", "note_type", "text"]
SAID = """the patient was seen today and feels well; no fever, cough or chest pain was reported since the last visit
imaging shows a stable nodule, 12 x 9 mm, "unchanged" and no effusion; blood count normal, creatinine 0.9 mg/dL,
plan: continue the same drugs, come back in three weeks, call earlier with any trouble"""
WORDS = SAID.split()
BEYOND = ["früh", "37.5°", "µg", "naïve", "≥2", "–"]
KINDS = {"ordinary (3,000)": 3000, "tiny (400)": 400}
Row = tuple[str, str, str, str, str]


def rows(length: int, characters: int) -> Iterator[Row]:
    """Notes of about a length, until the characters are used up; the same at each call."""
    dice = random.Random(20240301)  # noqa: S311
    for number in range(max(1, characters // length)):
        words = dice.choices(WORDS, k=length // 6)
        if number % 5 == 0:
            words[:: len(words) // 8 or 1] = dice.choices(BEYOND, k=len(words[:: len(words) // 8 or 1]))
        lines = [" ".join(words[start : start + 16]) for start in range(0, len(words), 16)]
        day = f"20{dice.randrange(10, 25)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
        yield f"N{number:09}", f"P{number // 20:07}", day, "clinic", "\r\n".join(lines)


def write_csv(path: Path, notes: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(notes)


def write_jsonl(path: Path, notes: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for note in notes:
            file.write(json.dumps(dict(zip(COLUMNS, note, strict=True)), ensure_ascii=False) + "\n")


def write_parquet(path: Path, notes: Iterator[Row]) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table(dict(zip(COLUMNS, map(list, zip(*notes, strict=True)), strict=True)))
    parquet.write_table(table, path)


def zipped(path: Path) -> Path:
    """The same file, compressed beside it."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 6))
    return packed


def bare_csv(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def bare_jsonl(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if json.loads(line))


def bare_parquet(path: Path) -> int:
    from pyarrow import parquet

    batches = parquet.ParquetFile(path).iter_batches(batch_size=256, columns=COLUMNS)
    return sum(len(batch.to_pylist()) for batch in batches)


def ours(path: Path) -> int:
    return sum(1 for item in read_notes(path, ReadOptions()) if not isinstance(item, Fault))


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}
BARE = {"csv": bare_csv, "jsonl": bare_jsonl, "parquet": bare_parquet}


def seconds(read: Callable[[Path], int], path: Path, expected: int) -> float:
    """Processor time of the best of three readings.

    Raises:
        SystemExit: a reading did not give every note.
    """
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        count = read(path)
        best = min(best, time.process_time() - begun)
        if count != expected:
            raise SystemExit(f"{path.name}: {count} notes where {expected} were written")
    return best


def measure(folder: Path, characters: int) -> None:
    print(f"{'notes':<18}{'format':<10}{'µs/char':>10}{'µs/note':>10}{'bare µs/char':>14}{'bare µs/note':>14}")
    for kind, length in KINDS.items():
        sizes = [len(note[4]) for note in rows(length, characters)]
        for name, write in WRITERS.items():
            path = folder / f"{length}.{name}"
            write(path, rows(length, characters))
            bare = seconds(BARE[name], path, len(sizes))
            for dump in [path] if name == "parquet" else [path, zipped(path)]:
                cost = seconds(ours, dump, len(sizes))
                print(
                    f"{kind:<18}{dump.name.partition('.')[2]:<10}"
                    f"{1e6 * cost / sum(sizes):>10.4f}{1e6 * cost / len(sizes):>10.1f}"
                    f"{1e6 * bare / sum(sizes):>14.4f}{1e6 * bare / len(sizes):>14.1f}",
                    flush=True,
                )


def show_peaks(folder: Path) -> None:
    """The peak memory of a process for each dump in the folder."""
    print(f"\n{'dump':<18}{'MB on disk':>12}{'peak MB':>10}{'above idle':>12}")
    for dump in sorted(folder.iterdir()):
        here, idle = (_peak(dump, read=read) for read in (True, False))
        print(f"{dump.name:<18}{dump.stat().st_size / 1e6:>12.1f}{here:>10.0f}{here - idle:>12.0f}", flush=True)


def _peak(dump: Path, *, read: bool) -> float:
    command = [sys.executable, __file__, "--peak-of", str(dump), *([] if read else ["--idle"])]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _own_peak() -> float:
    """The peak of this process in MB. Linux hands the peak of the parent on to `getrusage`, but not to /proc."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1000  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--megabytes", type=int, default=20, help="text in each dump (20)")
    options.add_argument("--memory", action="store_true", help="also the peak memory of a process for each dump")
    options.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--idle", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peak_of:
        import pyarrow.parquet  # noqa: F401  (loaded in both processes, so that the difference is the reading)

        if not chosen.idle:
            ours(chosen.peak_of)
        print(_own_peak())
        return
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), chosen.megabytes * 1_000_000)
        if chosen.memory:
            show_peaks(Path(name))


if __name__ == "__main__":
    main()
