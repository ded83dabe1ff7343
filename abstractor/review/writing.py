"""The one way in which a review writes: how a decision is made, committed, repeated, taken back and refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from abstractor.model.decision import Action, Decision, together
from abstractor.model.errors import NotAllowed, RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence
from abstractor.review.hold import Hold
from abstractor.review.refused import Refused
from abstractor.review.rows import Choice, Row
from abstractor.review.signing import Signing
from abstractor.review.work import Shown, Work


class Writer:
    """Writes one person's decisions on one patient. What is shown changes only after the log has a decision."""

    def __init__(self, work: Work, shown: Shown, hold: Hold, signing: Signing) -> None:
        self._work = work
        self._shown = shown
        self._hold = hold
        self._signing = signing
        self._together: Iterator[str] = iter(())
        """Ids for the decisions that the key which is being pressed makes."""
        self.unsaved: tuple[Decision, ...] = ()
        """What could not be written, in order; `retry` writes it under the same action ids."""

    def require_writable(self) -> None:
        """Raises `Refused`, with the reason, where nothing may be decided now."""
        if self.unsaved:
            raise Refused("NOT SAVED yet: enter tries again, x writes it to a file")
        self._signing.require_unsigned()
        if self._shown.case.closed:
            raise Refused("the patient is closed; `O` reopens it")
        self._hold.require_writable()

    # Made

    def begin(self, slot: str, action: Action) -> Decision:
        """A decision of this person, now, that states nothing yet; `slot` is "" for one about the whole patient."""
        return Decision(
            action_id=next(self._together, None) or self._work.new_id(),
            patient_id=self._work.patient_id,
            slot=slot,
            action=action,
            decided_by=self._work.user,
            decided_at=self._work.clock(),
        )

    def decision(
        self,
        row: Row,
        action: Action,
        choice: Choice | None = None,
        evidence: tuple[Evidence, ...] = (),
        reason: str = "",
    ) -> Decision:
        """A decision on a row that states a choice, or no value; it is not written yet."""
        stated = choice or Choice("", Assertion.PRESENT)
        return replace(
            self.begin(row.slot, action),
            field=row.spec.name,
            value=stated.value,
            assertion=stated.assertion,
            date=stated.date,
            end_date=stated.end_date,
            attributes=stated.attributes,
            evidence=evidence,
            reason=reason,
            offered=row.offered,
            rule=stated.rule,
            rulebook=stated.rulebook or self._work.book.version,
        )

    @contextmanager
    def one_key(self, count: int) -> Iterator[None]:
        """What is decided within is taken back by one `undo`."""
        shared = self._work.new_id()
        self._together = (f"{shared}#{number}" for number in range(1, count + 1))
        try:
            yield
        finally:
            self._together = iter(())

    # Committed

    def write(self, decision: Decision) -> Decision:
        """Commits; only then do the rows change.

        Raises:
            StaleCase: somebody else has decided since; the rows now show what they decided.
            NotAllowed: this person may not, or the patient is signed; not saved.
            RegistryError: not saved; kept in `unsaved` for `retry`.
        """
        try:
            stored = self._work.log.record(decision, seen=self._shown.case.version)
            # lost here, it counts as not saved: what can't be shown is asked for again, under the same id
            self._shown.settle()
        except StaleCase as error:
            self._shown.reload()
            self._hold.look_again()
            raise StaleCase(self._both_values(decision) or str(error)) from None
        except NotAllowed:
            self._signing.read()  # somebody may have signed the patient meanwhile
            raise  # no retry would help
        except RegistryError:
            self.unsaved = (*self.unsaved, decision)
            raise
        return stored

    def retry(self) -> tuple[Decision, ...]:
        """Writes what could not be saved, under the same ids: what did reach the disk is not written twice."""
        waiting, self.unsaved = self.unsaved, ()
        written: list[Decision] = []
        for at, one in enumerate(waiting, 1):
            try:
                written.append(self.write(one))
            except RegistryError:
                self.unsaved = (*self.unsaved, *waiting[at:])
                raise
        return tuple(written)

    def _both_values(self, refused: Decision) -> str:
        """Theirs and one's own, where somebody else has decided the same row; "" where not."""
        theirs = self._shown.case.current.get(refused.slot)
        if theirs is None or theirs.action_id == refused.undoes:
            return ""
        own, other = (one.value or one.action.value for one in (refused, theirs))
        return f"not saved: {theirs.decided_by} decided {other} meanwhile, you {own}; look, and decide again"

    # Taken back

    @property
    def undoable(self) -> tuple[Decision, ...]:
        """What this person could take back, oldest first."""
        return tuple(one for one in self._shown.case.undoable if self._mine(one) and self._holds(one))

    @property
    def redoable(self) -> tuple[Decision, ...]:
        """What this person has taken back and could bring back, oldest first."""
        return tuple(one for one in self._shown.case.redoable if self._mine(one))

    def step(self, action: Action, steps: Sequence[Decision]) -> tuple[Decision, ...]:
        """Takes back, or brings back, the last of the steps with those that the same key made."""
        shared = together(steps[-1].action_id)
        return tuple(
            self.write(replace(self.begin(one.slot, action), field=one.field, undoes=one.action_id))
            for one in steps
            if together(one.action_id) == shared
        )

    def _mine(self, decision: Decision) -> bool:
        return decision.decided_by == self._work.user and decision.source == "review"

    def _holds(self, decision: Decision) -> bool:
        case = self._shown.case
        if decision.action is Action.OVERRIDE:
            return case.overrides.get(decision.slot) == decision
        return decision.action is Action.COMMENT or case.current.get(decision.slot) == decision
