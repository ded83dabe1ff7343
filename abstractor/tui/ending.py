"""How the interface ends when it does not end by a key: by a fault of its own, by a signal, by a terminal that has gone.

What is told and what is left on disk is an id and places in the program: never the words of an exception, never a variable, for both
may be text of a note.
"""

import os
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 5.0
"""Seconds an orderly end may take after a signal: a terminal that has gone can block whoever writes to it."""


def write_crash(folder: Path | None, crash_id: str, error: BaseException, when: str) -> Path | None:
    """Writes where an error arose, without its words and without any variable; None where that is not wanted or possible."""
    if folder is None:
        return None
    frames = traceback.extract_tb(error.__traceback__, limit=-40)
    lines = [f"{when} {crash_id} {type(error).__name__}"]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    path = folder / f"crash-{crash_id}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path


def keep_faults_quiet() -> None:
    """No thread and no finalizer prints an exception, and no core is dumped: all of these hold text of notes."""
    threading.excepthook = _tell_thread
    sys.unraisablehook = lambda unraisable: _tell_kind(unraisable.exc_type, unraisable.exc_traceback)
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _tell_thread(fault: Any) -> None:
    _tell_kind(fault.exc_type, fault.exc_traceback)


def _tell_kind(kind: type[BaseException] | None, trace: TracebackType | None) -> None:
    places = [frame for frame in traceback.extract_tb(trace) if "abstractor" in frame.filename][-3:]
    if kind is not None and places:
        told = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in places)
        sys.stderr.write(f"abstractor: a fault aside ({kind.__name__} at {told})\n")


def end_in_any_case(code: int) -> None:
    """Ends the process some seconds from now, unless it has ended by itself."""
    timer = threading.Timer(PATIENCE, os._exit, (code,))
    timer.daemon = True
    timer.start()
