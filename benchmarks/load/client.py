"""One scripted abstractor in a process of its own: it claims, opens, decides, takes back, closes and goes on, as the screen would.

It stands on `Session`, as the screen does, and tells its journal what it asks and what it is told. What it does is drawn from a seed.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import journal
from content import patient_id
from sqlalchemy import Connection, event

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.registry.assignments import claim_next
from abstractor.registry.decisions import RegistryLog
from abstractor.registry.engine import SHORT_PATIENCE, Registry, open_registry
from abstractor.registry.leases import Lease, claim
from abstractor.registry.worklist import keep_counts, read_worklist
from abstractor.review.config import ReviewConfig
from abstractor.review.refused import Refused
from abstractor.review.rows import Row, Verb
from abstractor.review.session import REASONS, Session
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook

_HELP = 60
"""Seconds after the end of the work for which a client tries to save what it has asked."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a client is to do."""

    registry: str
    folder: Path
    user: str
    seed: int
    ends_at: float
    """Unix time."""
    patients: int
    shared: int
    """So many patients, the first, are gone to by everybody."""
    gathers: float
    """The share of visits that are to one of these."""
    lease_seconds: float
    think_seconds: float
    """Mean of the time between two decisions."""
    hours_off: float
    """How far the clock of this client's machine is off."""
    lost_answers: float
    """The share of commits whose answer is lost on the way; on PostgreSQL only."""
    rests: float
    """The share of decisions on a patient everybody goes to before which the client rests for longer than its lease lasts."""
    decisions: int = 0
    """The client ends after so many acknowledged decisions; 0: only by the time."""


@cache
def book() -> RuleBook:
    return load_rulebook()


def run(script: Script) -> None:
    """Works until the script ends; whatever the registry does meanwhile."""
    Client(script).run()


@dataclass(frozen=True, slots=True)
class Told(RegistryLog):
    """The registry's log, which tells the journal what is asked of it and what it says."""

    journal: journal.Journal

    def record(self, decision: Decision, *, seen: int) -> Decision:
        self.journal.write(
            journal.ASKED,
            id=decision.action_id,
            patient=decision.patient_id,
            slot=decision.slot,
            action=decision.action.value,
            value=decision.value,
            seen=seen,
        )
        began = time.perf_counter()
        try:
            stored = RegistryLog.record(self, decision, seen=seen)
        except StaleCase:
            self.journal.write(journal.REFUSED, id=decision.action_id)
            raise
        except RegistryError as error:
            self.journal.write(journal.UNSAVED, id=decision.action_id, why=str(error))
            raise
        seconds = time.perf_counter() - began
        self.journal.write(journal.SAVED, id=decision.action_id, sequence=stored.sequence, seconds=seconds)
        return stored


class Client:
    """The life of one abstractor."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.random = random.Random(script.seed)  # noqa: S311
        self.journal = journal.Journal(script.folder, script.user)
        self.config = ReviewConfig(close_open=True, lease_minutes=1)
        self.mine: list[str] = []
        self.decided = 0

    def clock(self) -> str:
        return (datetime.now(UTC) + timedelta(hours=self.script.hours_off)).isoformat(timespec="milliseconds")

    def run(self) -> None:
        registry: Registry | None = None
        while self.goes_on():
            try:
                registry = registry or self._open()
                self._review(registry, self._next(registry))
            except RegistryError as error:
                self.journal.write(journal.FAULT, why=str(error))
                time.sleep(0.3)

    def goes_on(self) -> bool:
        enough = self.script.decisions and self.decided >= self.script.decisions
        return time.time() < self.script.ends_at and not enough

    def _open(self) -> Registry:
        registry = open_registry(self.script.registry, SHORT_PATIENCE)
        if registry.server_time and self.script.lost_answers:
            self._lose_answers(registry)
        self._list(registry)
        return registry

    def _lose_answers(self, registry: Registry) -> None:
        """Now and then a commit reaches the server, and its answer never comes back: the client can't know which it was."""

        def lose(connection: Connection) -> None:
            if self.random.random() < self.script.lost_answers:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.commit()
                driver.close()
                self.journal.write(journal.LOST)

        event.listen(registry.engine, "commit", lose)

    def _list(self, registry: Registry) -> None:
        began = time.perf_counter()
        found = read_worklist(registry, self.script.user, self.clock)
        self.journal.write(journal.LISTED, seconds=time.perf_counter() - began, rows=len(found.rows))
        keep_counts(registry, found)

    def _next(self, registry: Registry) -> str:
        chance = self.random.random()
        if chance < self.script.gathers:
            return patient_id(self.random.randrange(self.script.shared))
        if chance > 0.95:
            self._list(registry)
        if not self.mine:
            self.mine = list(claim_next(registry, self.script.user, 10, self.clock))
            self.journal.write(journal.POOL, patients=self.mine)
        return self.mine.pop(0) if self.mine else patient_id(self.random.randrange(self.script.patients))

    # One patient

    def _review(self, registry: Registry, patient: str) -> None:
        began = time.perf_counter()
        session = Session(
            registry, book(), patient, self.script.user, self.clock, self.config, log=Told(registry, self.journal)
        )
        lease = self._take(session, take_over=self.random.random() < 0.3)
        self.journal.write(journal.OPENED, patient=patient, seconds=time.perf_counter() - began)
        if not lease.mine:
            return
        self._decide_all(session)
        if session.hold.lease is not None and session.hold.lease.mine:
            self.journal.write(journal.LEAVES, patient=patient)
            session.hold.release()

    def _decide_all(self, session: Session) -> None:
        if session.case.closed:
            if self.random.random() < 0.7:
                return
            self._attempt(session, lambda: session.reopen("looked at again"))
        for _ in range(self.random.randint(4, 20)):
            self._rest(session)
            if not self.goes_on() or not self._attempt(session, self._step(session)):
                return
        self._attempt(session, session.close)

    def _rest(self, session: Session) -> None:
        """Thinks; now and then for longer than the lease lasts, and goes on as if nothing had been."""
        everybodys = session.patient_id in {patient_id(number) for number in range(self.script.shared)}
        if self.random.random() < self.script.rests * (1 if everybodys else 0.1):
            time.sleep(self.script.lease_seconds * 1.2)
            self.journal.write(journal.RESTED, patient=session.patient_id)
            return
        time.sleep(self.random.expovariate(1 / self.script.think_seconds) if self.script.think_seconds else 0)
        held = session.hold.lease
        if held is not None and self._lapses(held):
            self._take(session)

    def _lapses(self, held: Lease) -> bool:
        since = datetime.fromisoformat(held.seen_at)
        return (datetime.now(UTC) - since).total_seconds() % 86_400 > self.script.lease_seconds / 3

    def _take(self, session: Session, *, take_over: bool = False) -> Lease:
        """`Hold.claim`, with a lease of seconds."""
        lease = claim(
            session.registry,
            session.patient_id,
            self.script.user,
            minutes=self.script.lease_seconds / 60,
            take_over=take_over,
            idle_minutes=self.script.lease_seconds / 120,
            clock=self.clock,
        )
        session.hold.lease, session.hold.read_only = lease, not lease.mine
        self._tell(lease)
        return lease

    def _tell(self, lease: Lease) -> None:
        if lease.mine:
            self.journal.write(
                journal.HOLDS, patient=lease.patient_id, since=lease.since, until=lease.until, seen=lease.seen_at
            )

    def _attempt(self, session: Session, act: Callable[[], object]) -> bool:
        """Does one step, and says what it believes afterwards; False where the patient must be left."""
        held = session.hold.lease
        try:
            act()
        except Refused:
            return True  # the guards said no, and nothing was written
        except StaleCase:
            if session.hold.lease is not None and session.hold.lease is not held:
                self._tell(session.hold.lease)
            return not session.hold.read_only
        except RegistryError as error:
            self.journal.write(journal.FAULT, why=str(error))
            if not self._save_again(session):
                return False
        self.decided += 1
        self.journal.write(
            journal.BELIEVES,
            patient=session.patient_id,
            version=session.case.version,
            digest=journal.digest(session.case),
        )
        return True

    def _save_again(self, session: Session) -> bool:
        """What `enter` does on NOT SAVED, until it is saved or refused; long after the end somebody would call for help."""
        while session.writer.unsaved and time.time() < self.script.ends_at + _HELP:
            time.sleep(0.2)
            try:
                session.writer.retry()
            except StaleCase:
                return False
            except RegistryError as error:
                self.journal.write(journal.FAULT, why=str(error))
        return not session.writer.unsaved

    def _step(self, session: Session) -> Callable[[], object]:
        row = session.after(None) or self.random.choice(session.rows)
        chance = self.random.random()
        if chance < 0.07:
            return session.undo
        if chance < 0.1:
            return session.redo
        if chance < 0.13:
            return lambda: session.comment(row.slot, "looked at twice")
        if chance < 0.16:
            return lambda: session.defer(row.slot, "later")
        return lambda: self._decide(session, row)

    def _decide(self, session: Session, row: Row) -> None:
        verbs = row.verbs - {Verb.DEFER} if row.choices else row.verbs & {Verb.NOT_DOCUMENTED, Verb.DEFER}
        verb = self.random.choice(sorted(verbs))
        match verb:
            case Verb.ACCEPT:
                session.accept(row.slot)
            case Verb.PICK:
                session.pick(row.slot, self.random.randint(1, len(row.choices)))
            case Verb.REJECT:
                session.reject(row.slot, self.random.choice(REASONS))
            case Verb.EDIT:
                value = self.random.choice(row.spec.codes).code if row.spec.codes else row.choices[0].value
                session.edit(row.slot, value, date=row.choices[0].date)
            case Verb.NOT_DOCUMENTED:
                session.not_documented(row.slot)
            case Verb.DEFER:
                session.defer(row.slot)


book()  # this module is imported once, in the process that all clients are forked from
