"""The edit checks as a review uses them: over what stands, and over what would stand if a value were saved. Pure but for the rules it reads."""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import replace

from abstractor.checks.book import load_checks
from abstractor.checks.facts import NoteDay, facts_of, known_of
from abstractor.checks.problem import Problem, Severity
from abstractor.checks.run import find_problems, word_for
from abstractor.model.case import Case
from abstractor.model.decision import Action, Decision
from abstractor.model.suggestion import Evidence
from abstractor.registry.notes import StoredNote
from abstractor.review.rows import Row
from abstractor.rulebook.book import RuleBook


class Checker:
    """The checks of a rulebook, ready for any patient."""

    def __init__(self, book: RuleBook) -> None:
        """Reads the checks.

        Raises:
            RulebookError: `edits.toml` is wrong.
        """
        self.rules = load_checks(book.root)
        self.known = known_of(book)

    def problems(
        self,
        case: Case,
        rows: Iterable[Row],
        notes: Iterable[StoredNote],
        today: datetime.date,
        *,
        stands: Callable[[Evidence], bool],
        cutoff: datetime.date | None = None,
    ) -> tuple[Problem, ...]:
        """All problems of a patient, the fatal ones first.

        Args:
            case: what holds now.
            rows: of the same case: what is open is not held against the patient.
            notes: the latest version of each note.
            today: nothing can have happened after it.
            stands: whether quoted words still stand where they were found.
            cutoff: the data cutoff, where one is given.
        """
        days = [NoteDay(note.note_id, note.note_date, note.note_type, note.sha256) for note in notes]
        pending = {row.spec.name for row in rows if row.open}
        facts = facts_of(case, days, self.known, today, stands=stands, pending=pending, cutoff=cutoff)
        return find_problems(facts, self.rules)


def with_value(case: Case, row: Row, decision: Decision) -> Case:
    """The case as it would stand if a row were decided so."""
    return replace(case, current={**case.current, row.slot: decision})


def newly(before: Iterable[Problem], after: Iterable[Problem]) -> tuple[Problem, ...]:
    """What fires after and did not before. A check of the same part about the same rows is the same trouble with other words."""
    known = {(one.check, one.part, one.slots) for one in before}
    return tuple(one for one in after if (one.check, one.part, one.slots) not in known)


def marks(problems: Iterable[Problem], case: Case) -> dict[str, Severity]:
    """The worst that stands against each row."""
    found: dict[str, Severity] = {}
    for one in problems:
        if not word_for(one, case):
            for slot in one.slots:
                found.setdefault(slot, one.severity)  # the fatal ones come first
    return found


def as_decision(row: Row, value: str, **stated: object) -> Decision:
    """A decision that is never stored: what the checks would see."""
    blank = Decision("", "", row.slot, Action.EDIT, "", "", field=row.spec.name, value=value)
    return replace(blank, **stated)  # type: ignore[arg-type]
