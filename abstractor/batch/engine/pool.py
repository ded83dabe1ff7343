"""Several guards at work on one stream of notes; the results come in the order of the notes, whatever worker is first."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Generic, Protocol, TypeVar

from abstractor.batch.engine.guard import POLL, Guard, Limits, chunks
from abstractor.batch.engine.nursery import nursery
from abstractor.batch.engine.work import NoteResult
from abstractor.batch.engine.worker import Opens
from abstractor.model.note import Note

_AHEAD = 8
"""So many pieces for each worker may be under way or wait for an earlier one; a note that takes its time holds up no more than that."""


class Piece(Protocol):
    """What a worker is given at a time; it may have no notes, and more about it than notes."""

    @property
    def notes(self) -> list[Note]: ...


P = TypeVar("P", bound=Piece)


@dataclass(frozen=True)
class _Notes:
    notes: list[Note]


def read_notes_guarded(job: Opens, limits: Limits, workers: int, notes: Iterable[Note]) -> Iterator[NoteResult]:
    """The result of each note, in order.

    Raises:
        AbstractorError: no worker can be started.
    """
    pieces = (_Notes(chunk) for chunk in chunks(notes))
    for _, results in annotated(job, limits, workers, pieces):
        yield from results


def annotated(
    job: Opens, limits: Limits, workers: int, pieces: Iterator[P], tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[P, list[NoteResult]]]:
    """Pieces with the results of their notes, in order; only so many are read ahead as keep all workers busy.

    Args:
        job: what each worker opens.
        limits: for each note.
        workers: how many processes read.
        pieces: some notes each; asked for in this process, one at a time.
        tick: called some times a second while there is work.

    Raises:
        AbstractorError: no worker can be started.
    """
    source = nursery(job, workers, limits.memory_mb)
    try:
        guards = [Guard(job, limits, workers=source, slot=slot) for slot in range(workers)]
        yield from _Pool(guards, pieces, tick).results()
    finally:
        source.close()


@dataclass(eq=False)
class _UnderWay(Generic[P]):
    piece: P
    results: list[NoteResult] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return len(self.results) == len(self.piece.notes)


class _Pool(Generic[P]):
    """Guards at work, what they are at, and what waits for an earlier piece."""

    def __init__(self, guards: list[Guard], pieces: Iterator[P], tick: Callable[[], None]) -> None:
        self._pieces = pieces
        self._tick = tick
        self._idle = guards
        self._busy: dict[Guard, _UnderWay[P]] = {}
        self._order: deque[_UnderWay[P]] = deque()
        """All that was read and not given back yet."""
        self._stock: deque[_UnderWay[P]] = deque()
        """That of it which no guard has yet."""
        self._most = _AHEAD * len(guards)
        self._read_all = False

    def results(self) -> Iterator[tuple[P, list[NoteResult]]]:
        while not (self._read_all and not self._order):
            if self._may_read:
                self._read_on()
            self._hand_out()
            self._take()
            while self._order and self._order[0].done:
                first = self._order.popleft()
                yield first.piece, first.results
            self._tick()

    @property
    def _may_read(self) -> bool:
        """Whether another piece is wanted, so that no guard that falls idle has to wait for the reading."""
        return not self._read_all and len(self._stock) <= len(self._idle) and len(self._order) < self._most

    def _read_on(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._read_all = True
            return
        under_way = _UnderWay(piece)
        self._order.append(under_way)
        if piece.notes:
            self._stock.append(under_way)

    def _hand_out(self) -> None:
        while self._stock and self._idle:
            guard, under_way = self._idle.pop(), self._stock.popleft()
            guard.give(under_way.piece.notes)
            self._busy[guard] = under_way

    def _take(self) -> None:
        """What has come; waits for it only where there is nothing to read."""
        if not self._busy:
            return
        wait([guard.connection for guard in self._busy], 0 if self._may_read else POLL)
        for guard, under_way in list(self._busy.items()):
            under_way.results.extend(guard.take())
            if guard.idle:
                del self._busy[guard]
                self._idle.append(guard)
