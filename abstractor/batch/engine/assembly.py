"""Results to parts, in the order of the input: where one part ends and the next begins depends on the notes alone, never on when a run was
stopped or how many processes read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from abstractor.batch.engine.intake import Chunk, Done, Repeat, Task
from abstractor.batch.engine.ledger import Entry, Fault, Ledger, Part
from abstractor.batch.engine.parts import Layout, PartFile, RowFormat
from abstractor.batch.engine.work import NoteResult
from abstractor.sources.reading import visible

_MOST_WAITING = 200_000
"""Of what is no note to do, so much waits at most before it goes to the ledger."""


@dataclass(frozen=True)
class PartSize:
    """A part ends with the note that fills it."""

    notes: int = 10_000
    characters: int = 20_000_000


@dataclass
class _Batch:
    """What waits for the ledger."""

    entries: list[Entry] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    replaced: list[tuple[str, int]] = field(default_factory=list)
    repeats: int = 0
    characters: int = 0
    others: int = 0
    """What stood between the notes since the part was begun. From there, for where a part ends must not depend on when a run was stopped."""
    rows: int = 0
    with_rows: int = 0
    quarantined: int = 0


class Assembly:
    """Takes chunks with their results, in order; writes parts, and has the ledger take them in.

    Args:
        layout: where the parts go.
        format_: how rows are written.
        ledger: takes in what is finished.
        size: when a part is full.
        settled: told the ids of notes that the ledger has taken in.
        patient_key: where notes are counted by patient, a hash of the patient's id.
    """

    def __init__(
        self,
        layout: Layout,
        format_: RowFormat,
        ledger: Ledger,
        size: PartSize,
        settled: Callable[[Iterable[str]], None],
        patient_key: Callable[[str], int] | None = None,
    ) -> None:
        self._layout = layout
        self._format = format_
        self._ledger = ledger
        self._size = size
        self._settled = settled
        self._patient_key = patient_key
        self._batch = _Batch()
        self._file: PartFile | None = None
        self._items = 0

    def take(self, chunk: Chunk, results: Sequence[NoteResult]) -> None:
        """Takes a chunk in; `results` has one for each of its notes.

        Raises:
            AbstractorError: a file can't be written.
        """
        waiting = iter(results)
        for thing in chunk.things:
            if isinstance(thing, Task):
                self._add(thing, next(waiting))
            else:
                self._pass_over(thing)
            self._items = thing.item
            if self._is_full():
                self._close()
        if self._file is None and len(self._batch.known) + len(self._batch.faults) > _MOST_WAITING:
            self._commit(None)
        self._items = max(self._items, chunk.items)

    def finish(self) -> None:
        """Closes the last part."""
        if self._file is not None:
            self._close()
        else:
            self._commit(None)

    def drop(self) -> None:
        """Leaves nothing unfinished behind."""
        if self._file is not None:
            self._file.drop()
            self._file = None

    def _add(self, task: Task, result: NoteResult) -> None:
        batch = self._batch
        if self._file is None:
            name = f"part-{self._ledger.next_part:06d}{self._format.suffix}"
            self._file = PartFile(self._layout.parts, name, self._format)
        if result.rows:
            self._file.write(result.rows)
        patient = self._patient_key(task.patient_id) if self._patient_key else None
        batch.entries.append(Entry(task.note_id, task.hash, task.item, len(result.rows), patient))
        batch.characters += task.length
        batch.rows += len(result.rows)
        batch.with_rows += bool(result.rows)
        if result.fault is not None:
            batch.quarantined += 1
            batch.faults.append(
                Fault(
                    task.item,
                    task.note_id,
                    task.patient_id,
                    task.source,
                    visible(str(task.place)),
                    result.fault.stage,
                    result.fault.reason,
                )
            )
        if task.replaces is not None:
            batch.replaced.append((task.note_id, task.replaces))

    def _pass_over(self, thing: Done | Repeat | Fault) -> None:
        batch = self._batch
        batch.others += self._file is not None
        if isinstance(thing, Done):
            batch.known.append(thing.note_id)
        elif isinstance(thing, Repeat):
            batch.repeats += 1
        else:
            batch.faults.append(thing)

    def _is_full(self) -> bool:
        batch = self._batch
        return (
            len(batch.entries) >= self._size.notes
            or batch.characters >= self._size.characters
            or batch.others >= _MOST_WAITING
        )

    def _close(self) -> None:
        assert self._file is not None
        size, sha256 = self._file.close()
        batch = self._batch
        part = Part(
            self._ledger.next_part,
            self._file.name,
            len(batch.entries),
            batch.with_rows,
            batch.rows,
            batch.quarantined,
            size,
            sha256,
        )
        self._file = None
        self._commit(part)

    def _commit(self, part: Part | None) -> None:
        batch, self._batch = self._batch, _Batch()
        self._ledger.commit(
            self._items,
            part=part,
            notes=batch.entries,
            known=batch.known,
            faults=batch.faults,
            replaced=batch.replaced,
            duplicates=batch.repeats,
        )
        self._settled(entry.note_id for entry in batch.entries)
        self._settled(batch.known)
