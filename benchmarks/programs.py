"""Runs the rivals: each a process of its own, with the same notes through a pipe, one after the other so that none takes the other's core."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rivals.measure import Terms

from abstractor.model.note import Note

RIVALS = Path(__file__).resolve().parent / "rivals"
OTHER_PYTHON = "ABSTRACTOR_BENCHMARK_PYTHON"
"""Environment variable: the interpreter of a virtual environment with requirements/benchmarks.txt."""


@dataclass(frozen=True)
class Program:
    """One way to read notes."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    elsewhere: bool = False
    """Runs under `OTHER_PYTHON`."""

    def command(self) -> list[str]:
        interpreter = os.environ.get(OTHER_PYTHON, sys.executable) if self.elsewhere else sys.executable
        return [interpreter, str(RIVALS / self.script), *self.arguments]


@dataclass(frozen=True)
class Measurement:
    """What one program took for some notes."""

    cpu: float
    """Processor seconds, reading alone."""
    notes: int
    characters: int
    found: int
    start_cpu: float
    start_wall: float
    """Seconds from the start of the process to the first note read."""
    megabytes: float
    """Peak of the process until then."""

    @property
    def per_character(self) -> float:
        """Microseconds."""
        return 1e6 * self.cpu / max(1, self.characters)

    @property
    def notes_a_second(self) -> float:
        """Of one core."""
        return self.notes / self.cpu if self.cpu else float("inf")


ENGINE = Program("our engine", "ours.py")
PLAIN = Program("ours, --plain", "ours.py", ("--plain",))
STOCK = Program("stock medspaCy", "stock.py")
EDS = Program("EDS-NLP", "eds.py", elsewhere=True)
HYPERSCAN = Program("bare scan (Hyperscan)", "scan.py", ("hyperscan",), elsewhere=True)
AHOCORASICK = Program("bare scan (Aho-Corasick)", "scan.py", ("ahocorasick",), elsewhere=True)


class NotHereError(Exception):
    """The program can't run on this machine; the message says why."""


def run(program: Program, terms: Terms, groups: Mapping[str, Sequence[Note]]) -> dict[str, Measurement]:
    """Reads groups of notes with one program, in one process.

    Returns:
        Name of a group to what it took.

    Raises:
        NotHereError: it is not installed, or failed.
    """
    lines = [json.dumps([name, note.text, note.note_type]) for name, notes in groups.items() for note in notes]
    header = json.dumps({"terms": terms, "begun": time.time()})
    done = subprocess.run(program.command(), input="\n".join([header, *lines]), capture_output=True, text=True)
    if done.returncode:
        raise NotHereError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return {name: Measurement(**one) for name, one in json.loads(done.stdout.splitlines()[-1]).items()}
