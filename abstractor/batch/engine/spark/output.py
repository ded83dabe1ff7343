"""From what Spark wrote to the folder of findings: numbered parts, the list of what was set aside, and a manifest that counts."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abstractor.batch.engine.ledger import Fault, Part, Totals
from abstractor.batch.engine.parts import MANIFEST, QUARANTINE, sync_folder, write_manifest, write_quarantine
from abstractor.batch.engine.spark.columns import FINDING_TYPES, Outcome
from abstractor.batch.engine.work import Stage

_BATCH = 10_000
_TASK = re.compile(r"part-(\d+)-")
"""Spark names a file by the task that wrote it."""


@dataclass(frozen=True)
class Gathered:
    """What a run came to."""

    parts: list[Part]
    faults: list[Fault]
    """Rows that could not be read and notes that were set aside, in the order of the dump."""
    duplicates: int

    @property
    def totals(self) -> Totals:
        unreadable = sum(fault.stage is Stage.READING for fault in self.faults)
        notes = sum(part.notes for part in self.parts)
        return Totals(
            parts=len(self.parts),
            notes=notes,
            with_rows=sum(part.with_rows for part in self.parts),
            rows=sum(part.rows for part in self.parts),
            quarantined=len(self.faults) - unreadable,
            unreadable=unreadable,
            duplicates=self.duplicates,
            items=notes + self.duplicates + sum(fault.stage is not Stage.ANNOTATING for fault in self.faults),
        )


def gathered(written: Path, folder: Path, sources: Sequence[str]) -> Gathered:
    """Moves the parts that hold findings from a folder with one subfolder an outcome into `folder`, and counts all.

    Args:
        written: what Spark committed: `status=finding/part-….parquet` and so on.
        folder: a new folder on the same disk.
        sources: of each unit, the path it was asked for by.
    """
    folder.mkdir(mode=0o700)
    tasks = {outcome: _by_task(written, outcome) for outcome in Outcome}
    aside = {task: _faults(path, sources) for task, path in tasks[Outcome.QUARANTINED].items()}
    unreadable = [fault for path in tasks[Outcome.UNREADABLE].values() for fault in _faults(path, sources)]
    parts = []
    working = sorted(tasks[Outcome.FINDING].keys() | tasks[Outcome.NOTHING].keys() | aside.keys()) or [0]
    for number, task in enumerate(working, 1):
        target = folder / f"part-{number:06d}.parquet"
        if task in tasks[Outcome.FINDING]:
            tasks[Outcome.FINDING][task].replace(target)
        else:
            _write_empty(target)
        quarantined = sum(fault.stage is Stage.ANNOTATING for fault in aside.get(task, ()))
        parts.append(_counted(number, target, _rows(tasks[Outcome.NOTHING].get(task)), quarantined))
    faults = sorted([*unreadable, *(fault for some in aside.values() for fault in some)], key=lambda one: one.item)
    (written / "_SUCCESS").replace(folder / "_SUCCESS")
    return Gathered(parts, faults, sum(_rows(path) for path in tasks[Outcome.REPEATED].values()))


def _by_task(written: Path, status: Outcome) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in (written / f"status={status}").glob("part-*.parquet"):
        task = _TASK.match(path.name)
        assert task is not None
        found[int(task[1])] = path
    return found


def _rows(path: Path | None) -> int:
    from pyarrow import parquet

    return 0 if path is None else int(parquet.read_metadata(path).num_rows)


def _faults(path: Path, sources: Sequence[str]) -> list[Fault]:
    """The rows of notes set aside; what became of them travels in `attributes`."""
    from pyarrow import parquet

    rows = parquet.ParquetFile(path).read(columns=["note_id", "patient_id", "attributes"]).to_pylist()
    return [_fault(row, json.loads(row["attributes"]), sources) for row in rows]


def _fault(row: Mapping[str, Any], told: Mapping[str, Any], sources: Sequence[str]) -> Fault:
    unit, number = int(told["unit"]), int(told["row"])
    order = (unit << 40) + number
    return Fault(
        order,
        row["note_id"],
        row["patient_id"],
        sources[unit],
        told["place"],
        Stage(told["stage"]),
        told["reason"],
    )


def _counted(number: int, path: Path, nothing: int, quarantined: int) -> Part:
    """Counts a part's rows and the notes they are of, whose rows stand together; syncs it to the disk."""
    with_rows, rows = _notes_and_rows(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    path.chmod(0o600)
    notes = with_rows + nothing + quarantined
    return Part(number, path.name, notes, with_rows, rows, quarantined, path.stat().st_size, digest.hexdigest())


def _notes_and_rows(path: Path) -> tuple[int, int]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        notes, last = 0, None
        for batch in file.iter_batches(batch_size=_BATCH, columns=["note_id"]):
            for note_id in batch.column(0).to_pylist():
                notes += note_id != last
                last = note_id
        return notes, file.metadata.num_rows


def _write_empty(path: Path) -> None:
    """Nothing found is a table without rows, not no table."""
    import pyarrow as arrow
    from pyarrow import parquet

    types = {"bigint": arrow.int64(), "double": arrow.float64()}
    schema = arrow.schema([(name, types.get(kind, arrow.string())) for name, kind in FINDING_TYPES.items()])
    parquet.write_table(schema.empty_table(), path)


def write_lists(folder: Path, found: Gathered, about: Mapping[str, object]) -> None:
    """The list of what was set aside, and the manifest: the same keys as of a run without Spark.

    Args:
        folder: with the parts.
        found: of the run.
        about: rulebook, engine and options.
    """
    write_quarantine(folder / QUARANTINE, found.faults, always=True)
    content = {
        "manifest": 1,
        **about,
        "input": None,
        **found.totals.told(),
        "parts": list(_manifest_parts(found.parts)),
    }
    write_manifest(folder / MANIFEST, content)


def _manifest_parts(parts: Sequence[Part]) -> Iterator[dict[str, object]]:
    for part in parts:
        yield {
            "name": part.name,
            "notes": part.notes,
            "quarantined": part.quarantined,
            "bytes": part.bytes,
            "sha256": part.sha256,
            "notes_with_findings": part.with_rows,
            "findings": part.rows,
        }


def put_in_place(folder: Path, out: Path, aside: Path) -> None:
    """Gives a finished folder its name at once; what stood there is moved to `aside`, to be removed."""
    if out.exists():
        out.replace(aside)
    folder.replace(out)
    sync_folder(out.parent)
