"""A dump of notes to findings, without a registry: one process, or several that each hold a pipeline of their own."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from abstractor.api import Abstractor
from abstractor.batch.annotate import AnnotateReport, annotate_notes
from abstractor.batch.progress import Progress, silent
from abstractor.model.errors import AbstractorError, InputError
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions

_CHUNK = 50


@dataclass
class Dump:
    """A dump on its way; `report` and `faults` are whole when `findings()` has been used up."""

    paths: tuple[Path, ...]
    options: ReadOptions
    rules: Path
    format_name: str | None
    workers: int
    progress: Progress
    report: AnnotateReport = field(default_factory=AnnotateReport)
    faults: list[str] = field(default_factory=list)

    def findings(self) -> Iterator[Finding]:
        """All findings, in the order of the notes whatever the number of processes."""
        chunks = self._chunks()
        done = _in_one(chunks, self.rules) if self.workers == 1 else _in_many(chunks, self.rules, self.workers)
        for found, part in done:
            yield from found
            self.report.notes += part.notes
            self.report.with_findings += part.with_findings
            self.report.findings += part.findings
            self.report.quarantined.extend(part.quarantined)
            self.progress(self.report.notes, None)

    def _chunks(self) -> Iterator[list[Note]]:
        notes = self._notes()
        while chunk := list(islice(notes, _CHUNK)):
            yield chunk

    def _notes(self) -> Iterator[Note]:
        for path in self.paths:
            try:
                for item in read_notes(path, self.options, self.format_name):
                    if isinstance(item, Fault):
                        self.faults.append(str(item))
                    else:
                        yield item
            except InputError as error:
                self.faults.append(str(error))


def annotate_dump(
    paths: Iterable[Path],
    options: ReadOptions,
    rules: Path,
    *,
    format_name: str | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Dump:
    """Prepares a dump; nothing is read before its findings are asked for."""
    return Dump(tuple(paths), options, rules, format_name, workers, progress)


_Done = tuple[list[Finding], AnnotateReport]


def _in_one(chunks: Iterable[list[Note]], rules: Path) -> Iterator[_Done]:
    nlp = Abstractor.load(rules)
    for chunk in chunks:
        yield _annotated(nlp, chunk)


def _in_many(chunks: Iterator[list[Note]], rules: Path, workers: int) -> Iterator[_Done]:
    """Chunks go out to processes and come back in order; no more wait than the processes can take, so memory stays flat."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start, initargs=(rules,)) as pool:
        waiting: list[Future[_Done]] = [pool.submit(_work, chunk) for chunk in islice(chunks, workers * 2)]
        try:
            while waiting:
                yield waiting.pop(0).result()
                waiting.extend(pool.submit(_work, chunk) for chunk in islice(chunks, 1))
        except BrokenProcessPool:
            raise AbstractorError(
                "a worker process was ended from outside (out of memory?); nothing was written. Try fewer --workers"
            ) from None


def _annotated(nlp: Abstractor, notes: list[Note]) -> _Done:
    report = AnnotateReport()
    found = [finding for findings in annotate_notes(notes, nlp.annotate, report) for finding in findings]
    return found, report


_NLP: list[Abstractor] = []
"""The pipeline of a worker process, built once at its start."""


def _start(rules: Path) -> None:
    _NLP.append(Abstractor.load(rules))


def _work(notes: list[Note]) -> _Done:
    return _annotated(_NLP[0], notes)
