"""Notes of the registry through the pipeline. A note that fails is set aside with its reason, never with its text, and the rest goes on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from abstractor.batch.engine.work import NoteFault, NoteResult, Stage, engine_version
from abstractor.batch.progress import Progress, silent
from abstractor.batch.propose import propose
from abstractor.batch.reviewed import reweigh_registry
from abstractor.model.errors import AbstractorError
from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.registry.engine import Registry
from abstractor.registry.findings import pending, store_findings
from abstractor.registry.notes import StoredNote, whole_note
from abstractor.registry.suggestions import patients_due
from abstractor.registry.worklist import count_all
from abstractor.rulebook.book import RuleBook

Annotate = Callable[[Note], list[Finding]]
Results = Callable[[Iterable[Note]], Iterator[NoteResult]]
"""Reads notes: a result for each, in order, whatever a note does."""

_CRASHES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    StopIteration,
    TimeoutError,
    TypeError,
    ValueError,
)
"""What the text of one note can provoke. A full disk or a lost database is no note's fault, and ends the run."""


@dataclass
class AnnotateReport:
    """What annotating came to."""

    notes: int = 0
    with_findings: int = 0
    findings: int = 0
    patients: int = 0
    suggestions: int = 0
    quarantined: list[str] = field(default_factory=list)
    """One line a note (or patient) that failed: its id and the kind of failure."""


def unguarded(annotate: Annotate) -> Results:
    """Reads notes in this very process: for a few sound ones. What loops or crashes there does so here."""

    def results(notes: Iterable[Note]) -> Iterator[NoteResult]:
        for note in notes:
            try:
                yield NoteResult(note.note_id, [finding.row() for finding in annotate(note)])
            except (AbstractorError, *_CRASHES) as error:  # the message may quote the note, so only its kind is kept
                yield NoteResult(note.note_id, fault=NoteFault(Stage.ANNOTATING, type(error).__name__))

    return results


def annotate_registry(
    registry: Registry, rulebook: RuleBook, read: Results, *, progress: Progress = silent
) -> AnnotateReport:
    """Annotates every note that this rulebook has not read, one transaction a note, and renews the suggestions of its patients.

    Stopped at any place, the next run does what is left, suggestions included.
    """
    report = AnnotateReport()
    waiting = pending(registry, rulebook.version)
    engine = engine_version()
    results = read(whole_note(registry, stored) for stored in waiting)
    for patient_id, notes in groupby(waiting, key=lambda note: note.patient_id):
        for stored in notes:
            result = next(results)
            findings = [_finding(row) for row in result.rows]
            fault = result.fault.reason if result.fault else None
            store_findings(registry, stored, findings, rulebook=rulebook.version, engine=engine, fault=fault)
            _count(report, stored, findings, fault)
            progress(report.notes, len(waiting))
        _renew(registry, patient_id, rulebook, report)
    read_now = {note.patient_id for note in waiting}
    for patient_id in patients_due(registry):
        if patient_id not in read_now:  # left over from a run that was stopped, or due to an import
            _renew(registry, patient_id, rulebook, report)
    reweigh_registry(registry)
    count_all(registry)
    return report


def _renew(registry: Registry, patient_id: str, rulebook: RuleBook, report: AnnotateReport) -> None:
    """A patient whose findings can't be put together keeps the old suggestions, and stays due."""
    try:
        report.suggestions += propose(registry, patient_id, rulebook)
    except _CRASHES as error:
        report.quarantined.append(f"patient {patient_id}: suggestions not renewed ({type(error).__name__})")
    report.patients += 1


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(**{**row, "assertion": Assertion(row["assertion"])})


def _count(report: AnnotateReport, note: StoredNote, findings: list[Finding], fault: str | None) -> None:
    report.notes += 1
    report.findings += len(findings)
    report.with_findings += bool(findings)
    if fault is not None:
        report.quarantined.append(f"note {note.note_id}: set aside ({fault} while annotating)")
