"""What runs in Spark's Python processes: batches of rows in, batches of rows out.

Nothing a note does gets out of here as an exception, for Spark would print it, and try the same rows again. Only what is wrong with the
machine does: other versions than the driver's, no worker to be had.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.batch.engine.intake import CONTRADICTION, note_hash
from abstractor.batch.engine.spark.columns import NOTES, STATUS_TYPES, Outcome
from abstractor.batch.engine.spark.orders import Orders, Station, station
from abstractor.batch.engine.work import NoteResult, Stage
from abstractor.model.errors import AbstractorError
from abstractor.model.note import Note
from abstractor.sources.reading import UNREADABLE, Fault, ReadOptions, note_from

if TYPE_CHECKING:
    import pandas

Batches = Iterator["pandas.DataFrame"]
Cells = dict[str, object]

_CHUNK_CHARACTERS = 1_000_000
_CHUNK_NOTES = 1000


def annotating(orders: Orders, *, once: bool = False) -> Callable[[Batches], Batches]:
    """What `mapInPandas` is given to find facts.

    Args:
        orders: the same for every worker.
        once: the rows of one note id come one after the other, and only the first is read: a dump may hold a note twice.
    """

    def annotate(batches: Batches) -> Batches:
        from pyspark import SparkFiles, TaskContext

        ready = station(orders, Path(SparkFiles.getRootDirectory()))
        context = TaskContext.get()
        partition = context.partitionId() if context else 0
        rows = _rows(batches, f"partition {partition}")
        items = _only_first(_items(rows, ready)) if once else _items(rows, ready)
        for chunk in _chunks(items):
            yield _frame(_status_rows(chunk, ready))

    return annotate


def _rows(batches: Batches, partition: str) -> Iterator[Cells]:
    number = 0
    for batch in batches:
        columns = [batch[name].tolist() for name in batch.columns]
        for values in zip(*columns, strict=True):
            number += 1
            cells = dict(zip(batch.columns, values, strict=True))
            cells.setdefault("place", f"{partition}: row {number}")
            yield cells


@dataclass(frozen=True)
class Taken:
    """A note to read."""

    note: Note
    where: Cells
    """`place`, and of a file `unit` and `row`."""

    def said(self, status: Outcome, **why: str) -> Cells:
        """A row about the note itself."""
        whose = {name: getattr(self.note, name) for name in ("note_id", "patient_id", "note_date", "note_type")}
        return {**whose, **self.where, "status": status, **why}


Item = Taken | Cells
"""A note, or the row that says why there is none."""


def _items(rows: Iterator[Cells], ready: Station) -> Iterator[Item]:
    options = ReadOptions(note_type=ready.note_type, longest=ready.orders.longest)
    for cells in rows:
        where = {name: cells.get(name) for name in ("place", "unit", "row")}
        if cells.get("fault") is not None:
            yield _unreadable(where, str(cells["fault"]), cells.get("note_id"))
            continue
        for item in note_from({name: _text(cells.get(name)) for name in NOTES}, str(cells["place"]), options):
            yield _unreadable(where, item.says, item.note_id) if isinstance(item, Fault) else Taken(item, where)


def _text(value: object) -> object:
    """Spark holds text as bytes and never looks whether they are UTF-8; here it is looked at."""
    if not isinstance(value, bytes | bytearray):
        return value
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        return UNREADABLE


def _unreadable(where: Cells, reason: str, note_id: object) -> Cells:
    return {**where, "note_id": note_id or None, "status": Outcome.UNREADABLE, "stage": Stage.READING, "reason": reason}


def _only_first(items: Iterable[Item]) -> Iterator[Item]:
    """Of notes of one id the first; the same note again is told, another note under the same id is set aside."""
    first, its_hash = "", b""
    for item in items:
        if not isinstance(item, Taken):
            yield item
        elif item.note.note_id != first:
            first, its_hash = item.note.note_id, note_hash(item.note)
            yield item
        elif note_hash(item.note) == its_hash:
            yield item.said(Outcome.REPEATED)
        else:
            yield item.said(Outcome.QUARANTINED, stage=Stage.COMPARING, reason=CONTRADICTION)


def _chunks(items: Iterator[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.note.text) if isinstance(item, Taken) else 0
        if size >= _CHUNK_CHARACTERS or len(chunk) >= _CHUNK_NOTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _status_rows(chunk: list[Item], ready: Station) -> Iterator[Cells]:
    """The rows of a chunk, in its order: the rows of a note stand together."""
    results = iter(list(ready.guard.run(item.note for item in chunk if isinstance(item, Taken))))
    for item in chunk:
        if isinstance(item, Taken):
            yield from _result_rows(item, _of(item, next(results)))
        else:
            yield item


def _of(item: Taken, result: NoteResult) -> NoteResult:
    """The result, which is this note's; anything else must end the job, not go out as findings of the wrong note."""
    if result.note_id != item.note.note_id:
        raise AbstractorError("a worker gave its results out of order; please report this")
    return result


def _result_rows(item: Taken, result: NoteResult) -> Iterator[Cells]:
    if result.fault is not None:
        yield item.said(Outcome.QUARANTINED, stage=result.fault.stage, reason=result.fault.reason)
    elif not result.rows:
        yield item.said(Outcome.NOTHING)
    for row in result.rows:
        yield {**row, "attributes": json.dumps(row["attributes"], ensure_ascii=False), "status": Outcome.FINDING}


def _frame(rows: Iterable[Mapping[str, object]]) -> "pandas.DataFrame":
    import pandas

    table: dict[str, list[object]] = {name: [] for name in STATUS_TYPES}
    for row in rows:
        for name, column in table.items():
            value = row.get(name)
            column.append(str(value) if isinstance(value, str) else value)  # of an enumeration, its plain value
    return pandas.DataFrame({name: pandas.Series(column, dtype=object) for name, column in table.items()})
