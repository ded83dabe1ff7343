"""The processes that read notes: a nursery that builds the pipeline once, and workers forked from it. Nothing here ever prints.

They speak through connections: to a worker goes a list of notes, back come lists of results in the same order; to the nursery go commands.
A worker tells which note it is at in shared memory, so that no message a note is needed, and a note can be named after a sudden end.
"""

import gc
import os
import signal
import sys
import time
from collections.abc import Iterable, MutableSequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Protocol

from abstractor.batch.engine.work import Read, Row
from abstractor.model.errors import AbstractorError
from abstractor.model.note import Note

Board = MutableSequence[int]
"""Shared memory; for each worker the number of the note it is at, in its list, counted from one; 0 between lists."""

OUT_OF_MEMORY = 86
"""Exit code of a worker that a note drove over its limit of memory."""

_SEND_EVERY = 0.2
"""Seconds between messages: at most so much work is done again when a worker is ended."""
_MEGABYTE = 1_048_576


class Opens(Protocol):
    """A job: what a process builds once, to read notes with."""

    def open(self) -> Read: ...


Parcel = list[tuple[str, str, str, str | None, str]]
"""Notes as they travel: their fields in order. Plain tuples take a fifth of the time of the dataclass."""

Outcome = tuple[str, list[Row], str | None]
"""Of a note its id, its rows, and why it failed, if it did."""
Answer = tuple[list[Outcome], bool, int]
"""What became of each note; whether the list of notes is done; megabytes by which the process has grown since
its start."""


def parcel(notes: Iterable[Note]) -> Parcel:
    """Notes for a worker."""
    return [(note.note_id, note.text, note.patient_id, note.note_date, note.note_type) for note in notes]


def run_nursery(job: Opens, control: Connection, board: Board, memory_mb: int, parent: int) -> None:
    """Builds the pipeline, then forks workers and ends them when asked; ends with all its workers when the parent is gone.

    Args:
        job: what to open.
        control: commands `("fork", slot)` and `("end", pid)`; answers a pid followed by a connection, or an exit code.
        board: see `Board`.
        memory_mb: by how much a worker may grow in one note.
        parent: process id of the one who asks.
    """
    _quiet()
    children: set[int] = set()
    try:
        read = _opened(job, control)
        while read is not None:
            command, value = control.recv()
            if command == "fork":
                children.add(_fork(read, control, board, value, memory_mb, parent))
            else:
                control.send(_ended(value))
                children.discard(value)
    except (EOFError, OSError):
        pass  # the parent is gone
    for child in children:
        _ended(child)
    os._exit(0)


def run_worker(job: Opens, connection: Connection, board: Board, slot: int, memory_mb: int) -> None:
    """One worker with a pipeline of its own, where processes can't be forked."""
    _quiet()
    with suppress(EOFError, OSError):
        read = _opened(job, connection)
        if read is not None:
            _work(read, connection, board, slot, memory_mb)
    os._exit(0)


def _opened(job: Opens, connection: Connection) -> Read | None:
    """The pipeline; says whether it could be built, with the reason (of the rules, never of a note)."""
    try:
        read = job.open()
        with suppress(Exception):  # what is built on first use is built here, before there are many of us
            read(Note("", "."))
    except AbstractorError as error:
        connection.send(str(error))
        return None
    except Exception as error:  # whatever it is, the parent has to be told
        connection.send(f"the pipeline can't be built ({type(error).__name__}); try `abstractor rules check`")
        return None
    gc.collect()
    gc.freeze()  # a collection in a forked worker would copy every page
    connection.send(None)
    return read


def _fork(read: Read, control: Connection, board: Board, slot: int, memory_mb: int, parent: int) -> int:
    ours, theirs = Pipe()
    child = os.fork()
    if child == 0:
        control.close()
        theirs.close()
        _end_with_parent()
        try:
            _work(read, ours, board, slot, memory_mb)
        finally:
            os._exit(1)  # whatever ended it: what follows here is the nursery's
    control.send(child)
    send_handle(control, theirs.fileno(), parent)
    ours.close()
    theirs.close()
    return child


def _ended(child: int) -> int:
    """Ends a child, if it still runs, and gives its exit code (-9: ended by signal 9)."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return -signal.SIGKILL


def _work(read: Read, connection: Connection, board: Board, slot: int, memory_mb: int) -> None:
    """Reads lists of notes until the other side is gone."""
    _limit_memory(memory_mb)
    before = _private_megabytes()
    while True:
        notes: Parcel = connection.recv()
        done: list[Outcome] = []
        sent = time.monotonic()
        for number, fields in enumerate(notes, 1):
            board[slot] = number
            try:
                done.append((fields[0], read(Note(*fields)), None))
            except MemoryError:
                connection.send((done, False, 0))
                os._exit(OUT_OF_MEMORY)  # who knows what is half done in here
            except (Exception, SystemExit) as error:
                # a note may provoke anything; the message may quote it, so only its kind is kept
                done.append((fields[0], [], type(error).__name__))
            # the last result goes with the word that the list is done: the other side listens no longer than for that
            if number < len(notes) and time.monotonic() - sent > _SEND_EVERY:
                connection.send((done, False, 0))
                done, sent = [], time.monotonic()
        board[slot] = 0
        connection.send((done, True, _private_megabytes() - before))


def _quiet() -> None:
    """No word of a note leaves by another way: nothing is printed, no core is dumped. Stopping is the parent's business."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(library, "1")  # threads would be lost in a fork, and there is one process a core
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_memory(megabytes: int) -> None:
    """Lets this process grow by so much from here; then a note's demand fails in it. Only Linux holds to it."""
    if sys.platform != "linux":
        return
    import resource

    size = _pages(0) * resource.getpagesize() + megabytes * _MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    with suppress(OSError):  # where memory runs out all the same, the system ends a worker and not the run
        Path("/proc/self/oom_score_adj").write_text("500")


def _private_megabytes() -> int:
    """Memory of this process alone, in MB; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    return (_pages(1) - _pages(2)) * os.sysconf("SC_PAGESIZE") // _MEGABYTE


def _pages(column: int) -> int:
    """Of `/proc/self/statm`: 0 size, 1 resident, 2 shared."""
    return int(Path("/proc/self/statm").read_text().split()[column])


def _end_with_parent() -> None:
    """Has the system end this process when the nursery is ended, even in the middle of a note."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, int(signal.SIGKILL))
