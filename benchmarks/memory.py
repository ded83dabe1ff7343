"""Resident memory of a worker over many notes, and of parent and workers over one large file.

    python benchmarks/memory.py worker [--bare] [--notes 200000] [--every 10000] [--dense 0.05] [--new-words 4] [--seed S]
    python benchmarks/memory.py file [--megabytes 100] [--workers 2] [--format jsonl|csv|parquet]

worker  a guarded worker, as in every run, reads general notes over and over, a share of them dense with oncology, each time with new made-up
        words inside the sentences: names and slips make every real note different. At intervals: resident MB of the worker, the most it
        had, how often it was replaced. With `--bare`, the pipeline in one process without a guard, with the strings that spaCy remembers
        and the words that the speller does: what a notebook sees, and the reason for the guard's replacing. The last line projects the growth
        of the second half to a million notes.
file    `abstractor annotate` on one generated file; memory of the parent and of each process below it is looked at twice a second.

Only on Linux: it reads /proc.
"""

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from corpora import corpus, generated, with_new_words
from whole_run import FORMATS

from abstractor.api import Abstractor
from abstractor.model.note import Note
from abstractor.rulebook.load import load_rulebook

MOST = 350
"""MB that a worker may take."""
LONGEST = 1000
"""Characters; of the corpora only notes up to this length are read, so that many fit in a few minutes."""
MILLION = 1_000_000
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Look:
    """How much there is after so many notes."""

    notes: int
    megabytes: float
    peak: float
    """The most until then."""
    seconds: float
    """By the clock."""
    told: tuple[int, ...]
    """Bare: strings in all of spaCy's stores, words in the memory of the speller. Guarded: workers so far."""


def resident(process: int | str = "self") -> float:
    """Resident MB of a process; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE / 1e6
    except (OSError, IndexError):
        return 0.0


def remembered() -> tuple[int, int]:
    """Strings of spaCy, and words of the speller, in this process."""
    from spacy.vocab import Vocab

    from abstractor.pipeline.spelling import Speller

    living = gc.get_objects()
    strings = sum(len(one.strings) for one in living if isinstance(one, Vocab))
    return strings, sum(len(one.guesses) for one in living if isinstance(one, Speller))


def stream(general: Sequence[Note], dense: Sequence[Note], given: argparse.Namespace) -> Iterator[Note]:
    """Notes of both kinds, each with new words and an id of its own."""
    draw = random.Random(given.seed)  # noqa: S311 - drawing, not secrecy
    for number in range(given.notes):
        note = draw.choice(dense if draw.random() < given.dense else general)
        yield replace(with_new_words(note, draw, given.new_words), note_id=f"n{number}")


def worker(given: argparse.Namespace) -> None:
    """Reads notes, and prints how memory goes."""
    rulebook = load_rulebook()
    general, dense = (
        [note for note in corpus(name, rulebook, given.seed).notes if len(note.text) <= LONGEST]
        for name in ("general", "sclc")
    )
    looks: list[Look] = []
    print(
        f"{'notes':>9} {'MB':>7} {'most':>7} {'notes/s':>8}  {'spaCy strings, guesses' if given.bare else 'workers so far'}"
    )
    for look in (bare if given.bare else guarded)(stream(general, dense, given), given.every):
        looks.append(look)
        before = looks[-2] if len(looks) > 1 else Look(0, 0, 0, 0, ())
        rate = (look.notes - before.notes) / max(1e-9, look.seconds - before.seconds)
        told = ", ".join(f"{one:,}" for one in look.told)
        print(f"{look.notes:>9,} {look.megabytes:>7.1f} {look.peak:>7.1f} {rate:>8,.0f}  {told}", flush=True)
    _judge(looks)
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in looks], indent=1), encoding="utf-8")


def bare(notes: Iterable[Note], every: int) -> Iterator[Look]:
    """The pipeline in this process."""
    nlp = Abstractor.load()
    begun, peak = time.perf_counter(), 0.0
    for number, note in enumerate(notes, 1):
        nlp.annotate(note)
        if number % every == 0 or number == 1:
            peak = max(peak, resident())
            yield Look(number, resident(), peak, time.perf_counter() - begun, remembered())


def guarded(notes: Iterable[Note], every: int) -> Iterator[Look]:
    """One worker under guard; its memory is looked at after every hundredth note.

    The worker is a child of a process that only starts workers, holds the pipeline, too, and shares its memory with them.
    """
    from abstractor.batch.engine.guard import Guard
    from abstractor.batch.engine.work import Job

    begun = time.perf_counter()
    peak, seen = 0.0, set[int]()
    with Guard(Job()) as guard:
        for number, _ in enumerate(guard.run(notes), 1):
            if number % 100 == 0 or number == 1:
                started = [process for process, depth in _below(os.getpid()) if depth > 1]
                seen.update(started)
                now = max(map(resident, started), default=0.0)
                peak = max(peak, now)
                if number % every == 0 or number == 1:
                    yield Look(number, now, peak, time.perf_counter() - begun, (len(seen),))


def _judge(looks: Sequence[Look]) -> None:
    later = looks[len(looks) // 2 :]
    grown = (later[-1].peak - later[0].peak) / max(1, later[-1].notes - later[0].notes)
    at_a_million = later[-1].peak + grown * max(0, MILLION - later[-1].notes)
    verdict = "kept" if at_a_million <= MOST else "NOT KEPT"
    print(
        f"second half: most grew by {grown * MILLION:.1f} MB for each million notes; at a million notes {at_a_million:.0f} MB "
        f"(at most {MOST}: {verdict})"
    )


def file(given: argparse.Namespace) -> None:
    """Runs the command on a large file and looks at the processes while it runs."""
    with tempfile.TemporaryDirectory(prefix="abstractor-benchmark-") as folder:
        dump = Path(folder) / f"notes.{given.format}"
        notes = _enough(given.megabytes, given.seed)
        FORMATS[given.format][0](notes, dump)
        print(f"{len(notes):,} generated notes, {dump.stat().st_size / 1e6:.0f} MB of {given.format}", flush=True)
        del notes
        peaks = _watched(
            ["annotate", str(dump), "--out", str(Path(folder) / "parts"), "--workers", str(given.workers), "--quiet"]
        )
    parent, *others = peaks
    print(f"parent: peak {parent:.0f} MB")
    for peak in sorted(others, reverse=True):
        print(f"process below it: peak {peak:.0f} MB ({'kept' if peak <= MOST else 'NOT KEPT'}: at most {MOST})")


def _enough(megabytes: int, seed: int) -> list[Note]:
    notes: list[Note] = []
    left = megabytes * 1_000_000
    for note in generated("general", 10**9, seed):
        notes.append(note)
        left -= len(note.text)
        if left <= 0:
            return notes
    return notes


def _watched(words: list[str]) -> list[float]:
    """Peaks of the command's process and of every process below it."""
    running = subprocess.Popen([sys.executable, "-m", "abstractor", *words], stderr=subprocess.PIPE)
    peaks: dict[int, float] = {running.pid: 0.0}
    while running.poll() is None:
        for process in (running.pid, *(below for below, _ in _below(running.pid))):
            peaks[process] = max(peaks.get(process, 0.0), resident(process))
        time.sleep(0.5)
    if running.returncode not in (0, 3):
        raise SystemExit(f"abstractor annotate ended with {running.returncode}")
    return [peaks.pop(running.pid), *peaks.values()]


def _below(process: int, depth: int = 1) -> Iterator[tuple[int, int]]:
    """Processes that this one started (depth 1), those that they started (depth 2), and so on."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        listed = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return
    for child in listed:
        yield child, depth
        yield from _below(child, depth + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a worker and of a whole run.")
    parts = parser.add_subparsers(required=True)
    one = parts.add_parser("worker")
    one.set_defaults(do=worker)
    one.add_argument("--notes", type=int, default=200_000)
    one.add_argument("--every", type=int, default=10_000)
    one.add_argument("--dense", type=float, default=0.05, help="share of notes dense with oncology")
    one.add_argument("--new-words", type=int, default=4)
    one.add_argument("--bare", action="store_true", help="without guard, in this process")
    one.add_argument("--json", type=Path)
    other = parts.add_parser("file")
    other.set_defaults(do=file)
    other.add_argument("--megabytes", type=int, default=100)
    other.add_argument("--workers", type=int, default=2)
    other.add_argument("--format", choices=FORMATS, default="jsonl")
    for each in (one, other):
        each.add_argument("--seed", type=int, default=20_250_630)
    given = parser.parse_args()
    given.do(given)


if __name__ == "__main__":
    main()
