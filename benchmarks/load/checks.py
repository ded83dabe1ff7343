"""What must hold afterwards, checked against what every client was told: nothing lost, nothing doubled, nothing decided unseen."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import journal
from journal import Entry
from sqlalchemy import select, text

from abstractor.model.case import fold
from abstractor.model.decision import Decision
from abstractor.registry.chain import entry_hash, reference, row_hash
from abstractor.registry.decisions import stored_decision
from abstractor.registry.engine import Registry
from abstractor.registry.leases import IDLE, REASSIGNED, SUPERVISOR
from abstractor.registry.tables import AuditRow, DecisionRow

_UNEXPLAINED = "the database refused"
"""How the program tells a fault it has no words for: none of those that are injected is one."""


@dataclass
class Found:
    """The outcome: figures, and what does not hold, one line each."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def require(self, name: str, faults: Sequence[str]) -> None:
        """Tells a check by its name and what is against it."""
        self.figures[name] = "holds" if not faults else f"{len(faults)} against it"
        self.wrong += [f"{name}: {one}" for one in faults[:5]]


def check(
    registry: Registry,
    entries: Sequence[Entry],
    users: frozenset[str],
    off_clock: frozenset[str],
    idle_seconds: float,
) -> Found:
    """Everything.

    Args:
        registry: as it is after all clients have ended.
        entries: what they wrote down.
        users: who was to work.
        off_clock: users whose clock was wrong; on SQLite, which has no other clock, they may take leases too early.
        idle_seconds: after so long without a sign of life a patient may be taken from somebody.
    """
    found = Found()
    by_patient = _decisions(registry)
    stored = {one.action_id: one for several in by_patient.values() for one in several}
    asked = {one.said["id"]: one for one in entries if one.kind == journal.ASKED}
    saved = {one.said["id"]: one for one in entries if one.kind == journal.SAVED}
    unasked = Counter(one.action_id for several in by_patient.values() for one in several)
    found.figures |= {
        "decisions stored": sum(map(len, by_patient.values())),
        "acknowledged": len(saved),
        "stored without an answer": len(stored.keys() - saved.keys()),
        "refused as stale": sum(one.kind == journal.REFUSED for one in entries),
        "not saved at first": sum(one.kind == journal.UNSAVED for one in entries),
        "patients touched": len(by_patient),
        "answers lost on the way": sum(one.kind == journal.LOST for one in entries),
        "patients that went to another": dict(_changes_of_hands(registry)),
    }
    found.require("everybody has decided something", sorted(users - {one.user for one in saved.values()}))
    found.require("every acknowledged decision is there", sorted(saved.keys() - stored.keys()))
    found.require("none is there twice", [one for one, times in unasked.items() if times > 1])
    found.require("none is there that nobody asked for", sorted(stored.keys() - asked.keys()))
    found.require("each says what was asked", list(_changed(asked, stored)))
    found.require("each stands where it was said to stand", list(_moved(saved, stored)))
    found.require("none was refused and written all the same", list(_refused(entries, saved, stored)))
    found.require("none was made past one unseen", list(_unseen(asked, by_patient)))
    found.require("every case is what its decider believed", list(_believed(entries, by_patient)))
    ignored = frozenset[str]() if registry.server_time else off_clock
    found.require("no patient was held by two", list(_held_by_two(registry, entries, ignored)))
    found.require("nobody at work was taken over from", list(_interrupted(registry, entries, ignored, idle_seconds)))
    found.require("nobody decided on what another had taken", list(_past_a_taker(registry, entries, ignored)))
    found.require("no patient of the pool went to two", list(_claimed_twice(entries)))
    found.require("nobody was told of a fault without its cause", list(_unexplained(entries)))
    found.require("the chain of the trail is whole", list(_broken_chain(registry)))
    return found


def _decisions(registry: Registry) -> Mapping[str, list[Decision]]:
    by_patient: dict[str, list[Decision]] = defaultdict(list)
    with registry.read() as connection:
        rows = connection.execute(select(DecisionRow.__table__).order_by(DecisionRow.sequence))
        for row in rows.mappings():
            decision = stored_decision(row)
            by_patient[decision.patient_id].append(decision)
    return by_patient


def _changed(asked: Mapping[str, Entry], stored: Mapping[str, Decision]) -> Iterator[str]:
    for action_id, one in stored.items():
        entry = asked.get(action_id)
        if entry is None:
            continue
        said = tuple(entry.said[name] for name in ("patient", "slot", "action", "value"))
        if said != (one.patient_id, one.slot, one.action.value, one.value) or entry.user != one.decided_by:
            yield action_id


def _moved(saved: Mapping[str, Entry], stored: Mapping[str, Decision]) -> Iterator[str]:
    for action_id, entry in saved.items():
        if action_id in stored and stored[action_id].sequence != entry.said["sequence"]:
            yield action_id


def _refused(entries: Sequence[Entry], saved: Mapping[str, Entry], stored: Mapping[str, Decision]) -> Iterator[str]:
    for one in entries:
        if one.kind == journal.REFUSED and one.said["id"] in stored and one.said["id"] not in saved:
            yield one.said["id"]


def _unseen(asked: Mapping[str, Entry], by_patient: Mapping[str, list[Decision]]) -> Iterator[str]:
    """Between what a decider looked at and its decision stands nobody else's, and none on the same row."""
    for several in by_patient.values():
        sequences = [one.sequence for one in several]
        for at, one in enumerate(several):
            if one.action_id not in asked:
                continue
            first_unseen = bisect_right(sequences, asked[one.action_id].said["seen"])
            for other in several[first_unseen:at]:
                if other.decided_by != one.decided_by or other.slot == one.slot:
                    yield f"{one.action_id} past {other.action_id}"


def _believed(entries: Sequence[Entry], by_patient: Mapping[str, list[Decision]]) -> Iterator[str]:
    """A case is folded from the decisions up to its version: what the client held must be the same to the letter."""
    folded: dict[tuple[str, int], str] = {}
    for one in entries:
        if one.kind != journal.BELIEVES:
            continue
        patient, version = one.said["patient"], one.said["version"]
        if (patient, version) not in folded:
            until = [each for each in by_patient.get(patient, ()) if each.sequence <= version]
            folded[patient, version] = journal.digest(fold(patient, until))
        if folded[patient, version] != one.said["digest"]:
            yield f"{patient} at {version}, as {one.user} held it"


@dataclass
class _Stay:
    """A user's time with a patient, by the clock that leases go by."""

    user: str
    since: str
    until: str
    left: bool = False


def _stays(entries: Sequence[Entry], ignored: frozenset[str]) -> Mapping[str, list[_Stay]]:
    stays: dict[str, list[_Stay]] = defaultdict(list)
    for one in entries:
        if one.user in ignored:
            continue
        if one.kind == journal.HOLDS:
            mine = [stay for stay in stays[one.said["patient"]] if stay.user == one.user and not stay.left]
            if mine and mine[-1].since == one.said["since"]:
                mine[-1].until = one.said["until"]
            else:
                stays[one.said["patient"]].append(_Stay(one.user, one.said["since"], one.said["until"]))
        elif one.kind == journal.LEAVES:
            for stay in stays[one.said["patient"]]:
                stay.left = stay.left or stay.user == one.user
    return stays


def _held_by_two(registry: Registry, entries: Sequence[Entry], ignored: frozenset[str]) -> Iterator[str]:
    """A stay that began while another's lasted: its user had neither left before, nor been taken over from on purpose.

    That the registry calls a lease run out is no excuse: it is held against the time that its user was told.
    """
    taken = _taken_over(registry)
    for patient, stays in _stays(entries, ignored).items():
        for one in stays:
            ends = [event.at for event in taken if (event.patient, event.taken_from) == (patient, one.user)]
            one.until = min([one.until, *(at for at in ends if at >= one.since)])
        for later in stays:
            for other in stays:
                over = other.user != later.user and other.since <= later.since < other.until
                if over and not other.left:
                    yield f"{patient} by {other.user} and {later.user} at {later.since}"


@dataclass(frozen=True, slots=True)
class _TakeOver:
    """A patient went from one to another."""

    patient: str
    at: str
    kind: str
    taken_by: str
    taken_from: str


def _changes(registry: Registry) -> list[_TakeOver]:
    statement = text("SELECT patient_id, happened_at, kind, taken_by, taken_from FROM lease_event ORDER BY event_key")
    with registry.read() as connection:
        return [_TakeOver(*row) for row in connection.execute(statement)]


def _taken_over(registry: Registry) -> list[_TakeOver]:
    return [one for one in _changes(registry) if one.kind in {IDLE, SUPERVISOR}]


def _past_a_taker(registry: Registry, entries: Sequence[Entry], ignored: frozenset[str]) -> Iterator[str]:
    """Who asked after somebody had taken the patient from them, and was saved while that one held it."""
    asked = {one.said["id"]: one for one in entries if one.kind == journal.ASKED}
    ends = _ends_of_stays(entries)
    events: dict[str, list[_TakeOver]] = defaultdict(list)
    for event in _changes(registry):
        if event.taken_by not in ignored and event.kind != REASSIGNED:
            events[event.patient].append(event)
    for one in entries:
        before = asked.get(one.said["id"]) if one.kind == journal.SAVED else None
        if before is None:
            continue
        earlier = [event for event in events[before.said["patient"]] if _unix(event.at) < before.said["at"]]
        last = earlier[-1] if earlier else None
        if last is None or last.taken_from != one.user:
            continue
        if ends.get((last.patient, last.taken_by, last.at), 0) > one.said["at"]:
            yield f"{one.said['id']} by {one.user}, taken by {last.taken_by} at {last.at}"


def _ends_of_stays(entries: Sequence[Entry]) -> Mapping[tuple[str, str, str], float]:
    """Until when somebody's stay lasted at least (Unix time), by patient, user and its beginning."""
    ends: dict[tuple[str, str, str], float] = {}
    since: dict[tuple[str, str], str] = {}
    for one in entries:
        if one.kind == journal.HOLDS:
            since[one.said["patient"], one.user] = one.said["since"]
            ends[one.said["patient"], one.user, one.said["since"]] = _unix(one.said["until"])
        elif one.kind == journal.LEAVES and (one.said["patient"], one.user) in since:
            stay = (one.said["patient"], one.user, since[one.said["patient"], one.user])
            ends[stay] = min(ends[stay], one.said["at"])
    return ends


def _interrupted(
    registry: Registry, entries: Sequence[Entry], ignored: frozenset[str], idle_seconds: float
) -> Iterator[str]:
    """Who was taken over from although the registry had told them, a moment before, that the patient was theirs."""
    signs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in entries:
        if one.kind == journal.HOLDS and one.user not in ignored:
            signs[one.said["patient"], one.user].append(one.said["seen"])
    for event in _taken_over(registry):
        if event.taken_by not in ignored and event.kind == IDLE:
            for seen in signs[event.patient, event.taken_from]:
                if 0 <= _seconds(seen, event.at) < idle_seconds - _ROUNDING:
                    yield f"{event.patient} from {event.taken_from} by {event.taken_by} at {event.at}"


_ROUNDING = 0.01
"""Seconds: times are kept to the millisecond."""


def _seconds(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _unexplained(entries: Sequence[Entry]) -> Iterator[str]:
    for one in entries:
        if one.kind in {journal.FAULT, journal.UNSAVED} and _UNEXPLAINED in one.said["why"]:
            yield f"{one.user}: {one.said['why']}"


def _changes_of_hands(registry: Registry) -> Iterator[tuple[str, int]]:
    """How often a lease had run out, was taken over ..., by kind."""
    with registry.read() as connection:
        found = connection.execute(text("SELECT kind, count(*) FROM lease_event GROUP BY kind"))
        yield from ((kind, times) for kind, times in found)


def _claimed_twice(entries: Sequence[Entry]) -> Iterator[str]:
    claimed: dict[str, str] = {}
    for one in entries:
        for patient in one.said["patients"] if one.kind == journal.POOL else ():
            if claimed.setdefault(patient, one.user) != one.user:
                yield f"{patient} to {claimed[patient]} and {one.user}"


def _broken_chain(registry: Registry) -> Iterator[str]:
    """Every entry follows the one before it, and every decision has exactly one, which fits it."""
    last, before = "", 0
    entered: dict[str, list[str]] = defaultdict(list)
    with registry.read() as connection:
        entries = connection.execute(select(AuditRow.__table__).order_by(AuditRow.sequence)).mappings()
        for row in entries:
            if row["sequence"] != before + 1 or row["previous"] != last or row["hash"] != entry_hash(row):
                yield f"entry {row['sequence']} does not follow {before}"
            last, before = row["hash"], row["sequence"]
            if row["kind"] == DecisionRow.__tablename__:
                entered[row["ref"]].append(row["row_sha256"])
        for row in connection.execute(select(DecisionRow.__table__)).mappings():
            if entered.pop(reference([row["sequence"]]), []) != [row_hash(dict(row))]:
                yield f"decision {row['sequence']} and its entries differ"
    yield from (f"no decision {ref}" for ref in entered)
