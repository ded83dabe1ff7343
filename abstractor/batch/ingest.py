"""Sources into the registry: each path in chunks, one transaction a chunk; what can't be read is reported and the rest goes on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from abstractor.batch.progress import Progress, silent
from abstractor.model.errors import InputError
from abstractor.model.note import Note, text_hash
from abstractor.registry.engine import Registry
from abstractor.registry.notes import Ingested, add_notes
from abstractor.registry.worklist import count_all
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions

_CHUNK = 500


@dataclass
class IngestReport:
    """What became of everything that was handed in."""

    added: int = 0
    known: int = 0
    versions: int = 0
    rechecks: int = 0
    left_out: int = 0
    """Notes of patients who are not on the list, where there is one."""
    without_notes: list[str] = field(default_factory=list)
    """Patients on the list of whom there was no note, by id."""
    faults: list[str] = field(default_factory=list)

    def take(self, stored: Ingested) -> None:
        self.added += stored.added
        self.known += stored.known
        self.versions += stored.versions
        self.rechecks += stored.rechecks
        self.faults.extend(stored.faults)


def ingest(
    registry: Registry,
    paths: Iterable[Path],
    options: ReadOptions,
    *,
    format_name: str | None = None,
    patients: frozenset[str] | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Reads notes into the registry: all of them, or those of a list of patients.

    A path that can't be read at all is one fault of the report; the other paths are read all the same.
    """
    report = IngestReport()
    seen: dict[str, tuple[str, str]] = {}
    met: set[str] = set()
    for path in paths:
        items = _wanted(_guarded(path, options, format_name), patients, met, report)
        notes = _sound(items, path, seen, report)
        while chunk := list(islice(notes, _CHUNK)):
            report.take(add_notes(registry, chunk, path.name))
            progress(report.added + report.known + report.versions, None)
    count_all(registry)
    report.without_notes = sorted((patients or frozenset()) - met)
    return report


def _guarded(path: Path, options: ReadOptions, format_name: str | None) -> Iterator[Note | Fault]:
    try:
        yield from read_notes(path, options, format_name)
    except InputError as error:
        yield Fault("", str(error))


def _wanted(
    items: Iterator[Note | Fault], patients: frozenset[str] | None, met: set[str], report: IngestReport
) -> Iterator[Note | Fault]:
    """The notes of the patients on the list, and all faults: whose a row is that can't be read, nobody knows."""
    for item in items:
        if patients is None or isinstance(item, Fault):
            yield item
        elif item.patient_id in patients:
            met.add(item.patient_id)
            yield item
        else:
            report.left_out += 1


def _sound(
    items: Iterator[Note | Fault], path: Path, seen: dict[str, tuple[str, str]], report: IngestReport
) -> Iterator[Note]:
    """The notes; faults go to the report. One id with two texts in one load is told, for nobody can say which is newer."""
    for item in items:
        if isinstance(item, Fault):
            report.faults.append(str(item) if item.place else item.says)
            continue
        digest = text_hash(item.text)
        before = seen.setdefault(item.note_id, (path.name, digest))
        if before[1] != digest:
            report.faults.append(
                f"{path.name}: note {item.note_id} stands twice in this load with different texts; "
                "the later one is stored as a newer version: check which is right"
            )
            seen[item.note_id] = (path.name, digest)
        yield item
