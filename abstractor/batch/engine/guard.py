"""One worker under guard: notes go in, a result comes out for each, whatever a note does to the process that reads it.

A note over its limit is set aside and the worker replaced. A worker that is ended from outside is replaced, and the note it was at is tried
once more, alone; if that ends the new worker too, the note is set aside.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from abstractor.batch.engine.nursery import Nursery, Worker, nursery
from abstractor.batch.engine.work import NoteFault, NoteResult, Stage
from abstractor.batch.engine.worker import OUT_OF_MEMORY, Answer, Opens, Outcome, parcel
from abstractor.model.errors import AbstractorError
from abstractor.model.note import Note

CHUNK_CHARACTERS = 200_000
"""About so much text goes to a worker at a time."""
CHUNK_NOTES = 500
_FIRST_CHARACTERS = 5_000
"""The first chunk is so small, and each next one half as large again, so that a few notes keep several workers busy."""
POLL = 0.1
"""Seconds between looks at a worker that says nothing."""

_GROWTH = 80
"""Megabytes by which a worker may grow over many notes before it is replaced between two of them."""
_LONGEST_LOOK = 1.0
"""Seconds that count at most between two looks at a note."""
_IDLE_DEATHS = 5
"""So often in a row a worker may be ended before it began a note; then something outside is at fault."""


@dataclass(frozen=True)
class Limits:
    """What one note may cost."""

    seconds: float | None = None
    """None: 30 seconds, and 30 more for each 100,000 characters."""
    memory_mb: int = 1000
    """By how much a worker may grow in one note. Only Linux holds to it; elsewhere only the time is limited."""

    def seconds_for(self, note: Note) -> float:
        return 30 + len(note.text) * 0.0003 if self.seconds is None else self.seconds


class Guard:
    """A worker process and its replacements; use it in a `with` block, or `close()` it.

    Args:
        job: can be pickled; opened once in another process.
        limits: of time and memory, for each note.
        workers: where to get a worker from, shared with other guards; None: its own.
        slot: its place among those who share.
    """

    def __init__(
        self, job: Opens, limits: Limits | None = None, *, workers: Nursery | None = None, slot: int = 0
    ) -> None:
        self._limits = limits or Limits()
        self._owner = workers is None
        self._workers = workers or nursery(job, 1, self._limits.memory_mb)
        self._slot = slot
        self._worker: Worker | None = None
        self._waiting: deque[Note] = deque()
        """Notes without a result, in order."""
        self._first = 0
        """Number of the first of them, counted over all notes ever given."""
        self._suspects: set[int] = set()
        """Notes, by number, at which a worker ended; each is tried once more, alone."""
        self._condemned: dict[int, str] = {}
        """Notes, by number, that are not tried again, and why."""
        self._answered = 0
        """How many results came of the list that the worker has."""
        self._clock = _Clock()
        self._idle_deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker; what it has not given is lost."""
        self._end()
        if self._owner:
            self._workers.close()

    def run(self, notes: Iterable[Note]) -> Iterator[NoteResult]:
        """The result of each note, in order; reads some notes ahead.

        Raises:
            AbstractorError: no worker can be started, or none lives long enough to begin a note.
        """
        for chunk in chunks(notes):
            self.give(chunk)
            while not self.idle:
                wait([self.connection], POLL)
                yield from self.take()

    @property
    def idle(self) -> bool:
        """Whether every note given has its result."""
        return not self._waiting

    @property
    def pid(self) -> int | None:
        """Process id of the worker there is now."""
        return None if self._worker is None else self._worker.pid

    @property
    def connection(self) -> Connection:
        """What to wait on before `take`; only while it is not idle."""
        assert self._worker is not None
        return self._worker.connection

    def give(self, notes: Sequence[Note]) -> None:
        """Hands notes to the worker; only while it is idle."""
        assert self.idle
        self._waiting.extend(notes)
        self._hand_out()

    def take(self) -> list[NoteResult]:
        """The results that have come by now, in order; replaces the worker where a note is over its limit. Never waits for a note."""
        results: list[NoteResult] = []
        try:
            while self._waiting and self.connection.poll():
                answer: Answer = self.connection.recv()
                found, over, grown = answer
                results.extend(map(_result, self._waiting, found))
                self._answer(len(found))
                if over:
                    if grown > _GROWTH:
                        self._end()
                    results.extend(self._hand_out())
        except (EOFError, OSError):
            self._blame()
            return [*results, *self._hand_out()]
        late = self._late()
        if late is not None:
            self._condemned[late[0]] = late[1]
            self._end()
            results.extend(self._hand_out())
        return results

    def _hand_out(self) -> list[NoteResult]:
        """Gives the worker what it can have in one list; returns the results of notes that are not tried again."""
        set_aside = []
        while self._waiting and self._first in self._condemned:
            fault = NoteFault(Stage.ANNOTATING, self._condemned.pop(self._first))
            set_aside.append(NoteResult(self._waiting[0].note_id, fault=fault))
            self._forget(1)
        if self._waiting:
            worker = self._worker = self._worker or self._workers.start(self._slot)
            self._workers.board[self._slot] = 0
            self._answered = 0
            with suppress(OSError):  # a worker that has ended is met at the next `take`
                worker.connection.send(parcel(islice(self._waiting, self._sound())))
        return set_aside

    def _sound(self) -> int:
        """How many of the notes waiting can go together: one that is suspect goes alone."""
        if self._first in self._suspects:
            return 1
        return min((*self._suspects, *self._condemned, self._first + len(self._waiting))) - self._first

    def _answer(self, count: int) -> None:
        self._answered += count
        self._forget(count)
        if count:
            self._idle_deaths = 0

    def _forget(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
            self._suspects.discard(self._first)
            self._first += 1

    def _at(self) -> int | None:
        """Number of the note the worker is at; None between notes."""
        behind = self._workers.board[self._slot] - self._answered - 1
        return self._first + behind if 0 <= behind < len(self._waiting) else None

    def _blame(self) -> None:
        """The worker has ended by itself, or was ended from outside."""
        at = self._at()
        reason = self._reason(self._end())
        if at is None:
            self._idle_deaths += 1
            if self._idle_deaths >= _IDLE_DEATHS:
                raise AbstractorError(f"worker processes are ended before they read a note: {reason}; out of memory?")
        elif at in self._suspects:
            self._suspects.discard(at)
            self._condemned[at] = reason
        else:
            self._suspects.add(at)

    def _late(self) -> tuple[int, str] | None:
        """The note the worker is at, if it has had its time, and the reason to give."""
        at = self._at()
        spent = self._clock.spent_on(at)
        if at is None:
            return None
        limit = self._limits.seconds_for(self._waiting[at - self._first])
        return (at, f"time (over {limit:.0f} s)") if spent > limit else None

    def _reason(self, code: int) -> str:
        if code == OUT_OF_MEMORY:
            return f"memory (over {self._limits.memory_mb} MB)"
        return f"crash (signal {-code})" if code < 0 else f"crash (exit code {code})"

    def _end(self) -> int:
        """Ends the worker; its exit code."""
        worker, self._worker = self._worker, None
        return 0 if worker is None else self._workers.end(worker)


def _result(note: Note, outcome: Outcome) -> NoteResult:
    """The outcome, which is this note's; anything else must end the run, not go out as findings of the wrong note."""
    note_id, rows, reason = outcome
    if note_id != note.note_id:
        raise AbstractorError("a worker gave its results out of order; please report this")
    return NoteResult(note.note_id, rows, None if reason is None else NoteFault(Stage.ANNOTATING, reason))


class _Clock:
    """Counts the seconds a note has had, as far as this process saw them pass: a computer asleep, or a stopped terminal, costs no note its
    time.
    """

    def __init__(self) -> None:
        self._at: int | None = None
        self._spent = 0.0
        self._looked = 0.0

    def spent_on(self, at: int | None) -> float:
        """Seconds since this note was first seen under way."""
        now = time.monotonic()
        self._spent = self._spent + min(now - self._looked, _LONGEST_LOOK) if at == self._at else 0.0
        self._at, self._looked = at, now
        return self._spent


def chunk_characters(number: int) -> int:
    """About how much text goes into a chunk, counted from 0."""
    return min(CHUNK_CHARACTERS, int(_FIRST_CHARACTERS * 1.5 ** min(number, 20)))


def chunks(notes: Iterable[Note]) -> Iterator[list[Note]]:
    """Notes in lists of about `chunk_characters`, one at least."""
    chunk: list[Note] = []
    characters = number = 0
    for note in notes:
        chunk.append(note)
        characters += len(note.text)
        if characters >= chunk_characters(number) or len(chunk) >= CHUNK_NOTES:
            yield chunk
            chunk, characters, number = [], 0, number + 1
    if chunk:
        yield chunk
