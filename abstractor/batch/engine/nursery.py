"""Where workers come from: forked from a process that has built the pipeline once, or, where there is no fork, each built for itself."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import c_long
from dataclasses import dataclass
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import recv_handle
from typing import Protocol, cast

from abstractor.batch.engine.worker import Board, Opens, run_nursery, run_worker
from abstractor.model.errors import AbstractorError

_STARTS = 3
"""So often a process is started again that is ended from outside while it builds its pipeline."""


@dataclass(frozen=True)
class Worker:
    """A process that waits for notes."""

    pid: int
    connection: Connection
    slot: int
    """Its place on the board."""


class Nursery(Protocol):
    """Starts and ends workers of one job."""

    board: Board

    def start(self, slot: int) -> Worker: ...

    def end(self, worker: Worker) -> int:
        """Ends a worker, if it still runs; gives its exit code, negative for a signal."""

    def close(self) -> None: ...


def nursery(job: Opens, workers: int, memory_mb: int) -> Nursery:
    """What this system allows: one built pipeline for all workers, or one each. Nothing starts before the first worker is asked for.

    Args:
        job: can be pickled; what the processes open.
        workers: how many there may be at a time.
        memory_mb: by how much a worker may grow in one note.
    """
    kind = ForkingNursery if hasattr(os, "fork") else SpawningNursery
    return kind(job, workers, memory_mb)


class ForkingNursery:
    """Forks workers from a process that holds the pipeline and nothing else: a new one is there in some milliseconds, and shares its memory.

    This process itself is never forked: it may have threads, open files and a terminal.
    """

    def __init__(self, job: Opens, workers: int, memory_mb: int) -> None:
        self._job = job
        self._memory_mb = memory_mb
        self.board: Board = _board(workers)
        self._process: BaseProcess | None = None
        self._control: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the one that holds the pipeline, once there is one."""
        return None if self._process is None else self._process.pid

    def start(self, slot: int) -> Worker:
        """A new worker.

        Raises:
            AbstractorError: the pipeline can't be built, or its process is ended again and again.
        """
        self.board[slot] = 0
        for _ in range(_STARTS):
            try:
                return self._forked(slot)
            except (EOFError, OSError):
                self.close()  # ended from outside: its workers ended with it
        raise AbstractorError("the process that builds the pipeline is ended again and again (out of memory?)")

    def end(self, worker: Worker) -> int:
        worker.connection.close()
        try:
            if self._control is not None:
                self._control.send(("end", worker.pid))
                return int(self._control.recv())
        except (EOFError, OSError):
            self.close()
        return -int(signal.SIGTERM)

    def close(self) -> None:
        """Ends the pipeline's process, which ends its workers."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.join(2)
            _end(self._process)
        self._control = self._process = None

    def _forked(self, slot: int) -> Worker:
        control = self._control or self._started()
        control.send(("fork", slot))
        pid = int(control.recv())
        return Worker(pid, Connection(recv_handle(control)), slot)

    def _started(self) -> Connection:
        self._process, self._control = _launched(
            lambda theirs: (run_nursery, (self._job, theirs, self.board, self._memory_mb, os.getpid()))
        )
        return self._control


class SpawningNursery:
    """Starts each worker as a new process with a pipeline of its own."""

    def __init__(self, job: Opens, workers: int, memory_mb: int) -> None:
        self._job = job
        self._memory_mb = memory_mb
        self.board: Board = _board(workers)
        self._processes: dict[int, BaseProcess] = {}

    def start(self, slot: int) -> Worker:
        """A new worker; takes as long as it takes to build the pipeline.

        Raises:
            AbstractorError: the pipeline can't be built, or its process is ended again and again.
        """
        self.board[slot] = 0
        for _ in range(_STARTS):
            with suppress(EOFError, OSError):
                process, connection = _launched(
                    lambda theirs: (run_worker, (self._job, theirs, self.board, slot, self._memory_mb))
                )
                assert process.pid is not None
                self._processes[process.pid] = process
                return Worker(process.pid, connection, slot)
        raise AbstractorError("a worker process is ended again and again before it has built its pipeline")

    def end(self, worker: Worker) -> int:
        worker.connection.close()
        process = self._processes.pop(worker.pid)
        process.kill()
        process.join()
        return process.exitcode or 0

    def close(self) -> None:
        for process in self._processes.values():
            _end(process)
        self._processes.clear()


def _board(workers: int) -> Board:
    return cast("Board", get_context("spawn").RawArray(c_long, max(workers, 1)))


_Entry = tuple[Callable[..., None], tuple[object, ...]]
"""What a process runs, and with what."""


def _launched(entry: Callable[[Connection], _Entry]) -> tuple[BaseProcess, Connection]:
    """A new process that has built its pipeline, and the connection to it.

    Raises:
        AbstractorError: it can't be built; the process is over.
        EOFError: the process was ended before it could tell.
    """
    ours, theirs = Pipe()
    target, arguments = entry(theirs)
    process = get_context("spawn").Process(target=target, args=arguments, daemon=True)
    with _interrupts_blocked():
        process.start()
    theirs.close()
    try:
        fault = ours.recv()
    except BaseException:
        ours.close()
        _end(process)
        raise
    if fault is not None:
        ours.close()
        _end(process)
        raise AbstractorError(fault)
    return process, ours


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C reaches every process of a terminal; a new one must not die of it, with a traceback, before it has learnt to leave it alone."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: BaseProcess) -> None:
    process.kill()
    process.join()
