"""What is done to each note of a dump, and what comes of it: plain values that travel between processes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.model.errors import RulebookError
from abstractor.model.note import Note

if TYPE_CHECKING:
    from abstractor.api import Abstractor
    from abstractor.rulebook.book import RuleBook

Row = dict[str, object]
"""A row of what is written: column name to plain value (`Finding.row()`, or a row of evidence for a cohort)."""

Read = Callable[[Note], list[Row]]
"""Reads one note."""


class Mode(StrEnum):
    """What a run asks of each note."""

    FINDINGS = "findings"
    """The rows of "Findings out"."""
    REGISTRY = "registry"
    """The same, and who the patient is (fields with `in_notes = false`)."""
    COHORT = "cohort"
    """Evidence of lung cancer, for the choice of patients."""


class Stage(StrEnum):
    """Where a note was when it failed."""

    READING = "reading"
    COMPARING = "comparing"
    """It was read, but its id stands for another text in the same dump."""
    ANNOTATING = "annotating"


@dataclass(frozen=True, slots=True)
class NoteFault:
    """Why a note was set aside. Never holds a word of it."""

    stage: Stage
    reason: str
    """`time (over 30 s)`, `memory (over 1000 MB)`, `crash (signal 11)`, or the kind of an exception."""


@dataclass(frozen=True, slots=True)
class NoteResult:
    """What became of one note."""

    note_id: str
    rows: list[Row] = field(default_factory=list)
    fault: NoteFault | None = None
    """None: it was read; `rows` may be empty all the same."""


@dataclass(frozen=True)
class Job:
    """The work of a run. It can be pickled: each process opens it for itself, once."""

    rules: Path | None = None
    """A folder of rules; None: those that came with the program."""
    plain: bool = False
    """Every component over the whole note: the same findings, slowly."""
    mode: Mode = Mode.FINDINGS
    rulebook: str | None = None
    """The version (content hash) that the rules must have when they are opened: a run lasts hours, and files can be edited; None: any."""

    def open(self) -> Read:
        """Builds the pipeline; takes seconds.

        Raises:
            RulebookError: the rules are at fault, or not those the run was begun with.
        """
        from abstractor.api import Abstractor

        abstractor = Abstractor.load(self.rules, plain=True) if self.plain else Abstractor.load(self.rules)
        found = abstractor.rulebook.version
        if self.rulebook is not None and found != self.rulebook:
            raise RulebookError([f"the rules were changed during the run ({self.rulebook}, now {found}); start over"])
        read = _READS[self.mode](abstractor)
        _warm_up(read, abstractor.rulebook)
        return read


def _warm_up(read: Read, rulebook: "RuleBook") -> None:
    """Reads an example of each field. What is built on first use is built now, to be shared by all who are forked from this process: the first
    note took each of them a fifth of a second.
    """
    examples = {target.field: target.examples[0] for target in rulebook.targets if target.examples}
    for example in examples.values():
        text = example if isinstance(example, str) else example.text
        with suppress(Exception):  # a note that provokes the same is set aside; here it stops nobody
            read(Note("", text.replace("[[", "").replace("]]", "")))


def _findings(abstractor: "Abstractor") -> Read:
    return lambda note: [finding.row() for finding in abstractor.annotate(note)]


def _for_registry(abstractor: "Abstractor") -> Read:
    return lambda note: [finding.row() for finding in abstractor.annotate_for_registry(note)]


def _evidence(abstractor: "Abstractor") -> Read:
    from abstractor.batch.engine.cohort import evidence_rows

    return lambda note: evidence_rows(abstractor, note)


_READS: dict[Mode, Callable[["Abstractor"], Read]] = {
    Mode.FINDINGS: _findings,
    Mode.REGISTRY: _for_registry,
    Mode.COHORT: _evidence,
}


def engine_version() -> str:
    """What read the note, beside the rulebook."""
    return f"abstractor {version('abstractor')} medspacy {version('medspacy')} spacy {version('spacy')}"
