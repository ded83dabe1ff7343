"""A run over a dump on one machine: read, annotated by guarded workers, written in parts, each step behind what the ledger knows is done."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from abstractor.batch.engine.assembly import Assembly, PartSize
from abstractor.batch.engine.endings import Ending, leave_parts
from abstractor.batch.engine.guard import Limits
from abstractor.batch.engine.intake import Chunk, Done, Intake, Source
from abstractor.batch.engine.ledger import Ledger, Totals, ledger_errors
from abstractor.batch.engine.parts import (
    Layout,
    RowFormat,
    manifest,
    rewrite,
    told,
    write_manifest,
    write_quarantine,
)
from abstractor.batch.engine.places import require_apart
from abstractor.batch.engine.pool import annotated
from abstractor.batch.engine.shards import Shard
from abstractor.batch.engine.work import NoteResult
from abstractor.batch.engine.worker import Opens
from abstractor.batch.progress import Status, Watch, unwatched


@dataclass(frozen=True)
class Order:
    """What a run is to do."""

    source: Source
    out: Path
    job: Opens
    format: RowFormat
    """How parts are written; also the one file, where `single`."""
    about: Mapping[str, object]
    """What the findings depend on beside the notes: versions of rules and engine, how they read. Plain values; kept in ledger and manifest."""
    single: bool = False
    """Whether the output is one file."""
    hidden: bool = False
    """Whether the parts are only steps on the way to the output."""
    ending: Ending = leave_parts
    """Makes the output from the parts."""
    patient_key: Callable[[str], int] | None = None
    """Counts the notes of each patient, by this hash of the patient's id."""
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    size: PartSize = field(default_factory=PartSize)
    shard: Shard | None = None
    fresh: bool = False
    """Starts over, whatever was done before."""
    retry: bool = False
    """Tries the notes again that were set aside while they were annotated."""

    @property
    def layout(self) -> Layout:
        return Layout(self.out / self.shard.folder if self.shard else self.out, self.single, self.hidden)

    @property
    def options(self) -> dict[str, object]:
        """What ledger and manifest hold the run to."""
        return {
            **self.about,
            "format": self.format.suffix.removeprefix("."),
            "part_notes": self.size.notes,
            "part_characters": self.size.characters,
            "shard": str(self.shard) if self.shard else None,
        }


@dataclass
class Report:
    """What this run did, and what the output holds now."""

    totals: Totals
    notes: int = 0
    """Done by this run."""
    with_findings: int = 0
    findings: int = 0
    quarantined: int = 0
    known: int = 0
    """Done by earlier runs, and met again."""
    manifest: Mapping[str, object] = field(default_factory=dict)
    """As it was written."""
    faults: list[str] = field(default_factory=list)
    """One line for each of the first rows and notes set aside, of all runs; never a word of a note."""


_MOST_FAULTS = 20


def annotate_dump(order: Order, watch: Watch = unwatched) -> Report:
    """Does what is left of a dump; the output is whole and its manifest written when this returns.

    Stopped at any point, by whatever means, the same call goes on behind the last part, and the output is that of a run never stopped.

    Raises:
        InputError: the output was begun with other options, or another run writes there.
        AbstractorError: the rules are at fault, or the output can't be written; what was finished stays.
    """
    require_apart(order.source.paths, order.out)
    layout = order.layout
    with (
        layout.held(fresh=order.fresh),
        ledger_errors(layout.ledger),
        Ledger.open(layout.ledger, order.options) as ledger,
    ):
        layout.put_right(ledger.parts())
        if order.retry:
            ledger.release_quarantined()
        begin = ledger.start(order.source.identity())
        count = _Count(order.source, watch)
        if not (ledger.complete and layout.is_whole()):
            with told(layout.manifest):
                layout.manifest.unlink(missing_ok=True)
            ledger.forget_unreadable(order.source.names)
            dump = _do(order, ledger, layout, begin, count)
            _finish(order, ledger, layout, dump)
        faults = [fault.line for _, fault in zip(range(_MOST_FAULTS), ledger.faults(), strict=False)]
        return Report(
            ledger.totals(),
            count.notes,
            count.with_findings,
            count.findings,
            count.quarantined,
            count.known,
            json.loads(layout.manifest.read_bytes()),
            faults,
        )


def _do(order: Order, ledger: Ledger, layout: Layout, begin: int, count: "_Count") -> str:
    """Reads and annotates what is left; gives the digest of the dump."""
    intake = Intake(order.source, ledger, begin, order.shard)
    assembly = Assembly(layout, order.format, ledger, order.size, intake.settled, order.patient_key)
    try:
        for chunk, results in annotated(order.job, order.limits, order.workers, intake.chunks(), count.tell):
            assembly.take(chunk, results)
            count.take(chunk, results)
        assembly.finish()
    finally:
        assembly.drop()
    return intake.digest


def _finish(order: Order, ledger: Ledger, layout: Layout, dump: str) -> None:
    """Takes out what is stale, and puts the rest beside the parts."""
    for part, note_ids in ledger.stale().items():
        rewrite(layout.parts, part, order.format, note_ids, ledger.rewritten)
    if ledger.pass_number > 1:  # notes may have moved from one part to another, in this run or in one that was stopped
        ledger.recount()
    write_quarantine(layout.quarantine, ledger.faults(), always=not layout.single)
    said = order.ending(layout, ledger, order.format)
    write_manifest(layout.manifest, {**manifest(ledger, order.options, dump), **said})
    ledger.finish()


class _Count:
    """What this run has done so far."""

    def __init__(self, source: Source, watch: Watch) -> None:
        self._watch = watch
        self._meter = source.options.meter
        self._size = source.size()
        self.notes = self.with_findings = self.findings = self.quarantined = self.known = 0

    def take(self, chunk: Chunk, results: list[NoteResult]) -> None:
        self.known += sum(isinstance(thing, Done) for thing in chunk.things)
        self.notes += len(results)
        self.with_findings += sum(bool(one.rows) for one in results)
        self.findings += sum(len(one.rows) for one in results)
        self.quarantined += sum(one.fault is not None for one in results)
        self.tell()

    def tell(self) -> None:
        read = min(self._meter.bytes_read, self._size)
        self._watch(Status(self.notes, self.with_findings, self.quarantined, read, self._size))
