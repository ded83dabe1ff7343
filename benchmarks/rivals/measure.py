"""What all rivals share: a line of terms and the notes from standard input, one line of measurements to standard output.

Only the standard library: a rival's interpreter need not have this project installed.
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable

Terms = dict[str, list[str]]
"""Label to the words that are looked for, as they are, in any case."""
Read = Callable[[str, str], int]
"""Reads a text, with its note type; tells how many things were found."""
_FIRST = "Small cell lung cancer, liver metastases, partial response after 4 cycles of carboplatin and etoposide."
"""Read before the clock runs: much is compiled on first use."""


def measured(prepare: Callable[[Terms], Read]) -> None:
    """Prepares once, reads every group of texts, and prints what each took.

    Processor seconds count all threads; those of the start count the interpreter, too.
    """
    header = json.loads(sys.stdin.readline())
    read = prepare(header["terms"])
    read(_FIRST, "clinic")
    ready = {"start_cpu": time.process_time(), "start_wall": time.time() - header["begun"]}
    groups: dict[str, list[tuple[str, str]]] = {}
    for group, text, kind in map(json.loads, sys.stdin):
        groups.setdefault(group, []).append((text, kind))
    gc.collect()
    print(json.dumps({name: {**ready, **_timed(read, notes)} for name, notes in groups.items()}))


def _timed(read: Read, notes: list[tuple[str, str]]) -> dict[str, float]:
    begun = time.process_time()
    found = sum(read(text, kind) for text, kind in notes)
    return {
        "cpu": time.process_time() - begun,
        "notes": len(notes),
        "characters": sum(len(text) for text, _ in notes),
        "found": found,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
