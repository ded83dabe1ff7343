"""What can't be right in the patient under review, and the word that lets a warning pass."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

from abstractor.checks.problem import Problem, Severity
from abstractor.checks.run import standing, word_for
from abstractor.model.case import Case
from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.review.checking import Checker, as_decision, newly, with_value
from abstractor.review.notes import Notes
from abstractor.review.refused import Refused
from abstractor.review.rows import Row
from abstractor.review.work import Shown, Work
from abstractor.review.writing import Writer


class Problems:
    """The edit checks over one patient as it is shown."""

    def __init__(self, work: Work, shown: Shown, notes: Notes, writer: Writer) -> None:
        self._work = work
        self._shown = shown
        self._notes = notes
        self._writer = writer
        self._checker: Checker | None = None
        self._found: tuple[Problem, ...] | None = None
        self._today: datetime.date | None = None

    def forget(self) -> None:
        """What was found no longer counts: the rows have changed."""
        self._found = None

    @property
    def all(self) -> tuple[Problem, ...]:
        """What the edit checks find in what stands now, the fatal ones first; what was let pass with a word is among them."""
        if self._found is None:
            self._found = self._check(self._shown.case, self._shown.rows)
        return self._found

    @property
    def standing(self) -> tuple[Problem, ...]:
        """The problems that nobody has let pass."""
        return standing(self.all, self._shown.case)

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """What keeps the patient from being closed. The reading of a second person is no record, and never kept open."""
        if not self._work.on_record:
            return ()
        return tuple(one for one in self.all if one.severity is Severity.FATAL)

    def word_for(self, problem: Problem) -> str:
        """The word with which somebody let a problem pass; "" where nobody has."""
        return word_for(problem, self._shown.case)

    def would_fire(
        self,
        row: Row,
        value: str,
        *,
        assertion: Assertion = Assertion.PRESENT,
        date: str | None = None,
        end_date: str | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> tuple[Problem, ...]:
        """The problems that a value would bring with it; what it rests on is not looked at before it is saved."""
        if row.spec.kind == "date" and row.spec.slot == "event":
            date = value
        like = next((one for one in row.choices if one.value == value and one.assertion is assertion), None)
        kept = attributes if attributes is not None else (like.attributes if like is not None else {})
        stated = as_decision(row, value, assertion=assertion, date=date, end_date=end_date, attributes=kept)
        others = tuple(one for one in self._shown.rows if one.slot != row.slot)
        after = self._check(with_value(self._shown.case, row, stated), others)
        return tuple(one for one in newly(self.all, after) if one.check != "E30")

    def override(self, problem: Problem, word: str) -> Decision:
        """Says that the values a check warns of are right as reported; void as soon as one of them changes.

        Raises:
            Refused: the problem is fatal, or no word is given.
        """
        self._writer.require_writable()
        if problem.severity is Severity.FATAL:
            raise Refused(f"{problem.check} is fatal: it can't be let pass; change a value, or reject it")
        if not word.strip():
            raise Refused("a word is needed: why it is right as reported")
        begun = self._writer.begin(problem.slot, Action.OVERRIDE)
        return self._writer.write(
            replace(begun, field=problem.check, reason=word.strip(), rulebook=self._work.book.version)
        )

    def override_all(self, problems: Sequence[Problem], word: str) -> tuple[Decision, ...]:
        """The same word for several warnings, one decision for each; one `undo` takes all of them back.

        Raises:
            Refused: one of them is fatal, or no word is given; those before it are written.
        """
        with self._writer.one_key(len(problems)):
            return tuple(self.override(one, word) for one in problems)

    def _check(self, case: Case, rows: tuple[Row, ...]) -> tuple[Problem, ...]:
        if self._checker is None:
            self._checker = Checker(self._work.book)
        if self._today is None:
            self._today = datetime.date.fromisoformat(self._work.clock()[:10])
        last = self._work.config.data_cutoff
        cutoff = datetime.date.fromisoformat(last) if last else None
        notes = self._notes
        return self._checker.problems(case, rows, notes.all, self._today, stands=notes.stands, cutoff=cutoff)
