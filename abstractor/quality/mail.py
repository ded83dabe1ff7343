"""Queries that are opened, answered and closed, and the inbox in which their answers and the outcomes of adjudication arrive."""

from collections.abc import Iterable
from dataclasses import dataclass

from abstractor.quality.audit import Refused
from abstractor.quality.desk import Desk
from abstractor.registry.notes import notes_of
from abstractor.registry.quality import Message, Step, inbox, mark_read, steps, take_step
from abstractor.registry.readings import read_blind

OPEN, ANSWER, CLOSE = "open", "answer", "close"


@dataclass(frozen=True, slots=True)
class Query:
    """One question to a person about a patient."""

    query: str
    patient_id: str
    slot: str
    asked_by: str
    asked_of: str
    asked_at: str
    state: str
    """`open`, `answered` or `closed`."""
    thread: tuple[tuple[str, str, str], ...]
    """When, who, what was said; oldest first."""


def ask(desk: Desk, patient_id: str, slot: str, to: str, text: str) -> Query:
    """Opens a query; it arrives in the other's inbox.

    Raises:
        Refused: nothing was asked, nobody was, or there is no such patient.
    """
    if not to.strip():
        raise Refused("a query needs somebody to answer it")
    if not notes_of(desk.registry, patient_id):
        raise Refused(f"patient {patient_id}: not in this registry")
    if patient_id in read_blind(desk.registry, desk.user):
        raise Refused(
            f"patient {patient_id}: you read it blind; comment on the row instead, and ask when you have closed"
        )
    return _say(desk, desk.new_id(), OPEN, text, patient_id, slot, to)


def answer(desk: Desk, query: str, text: str) -> Query:
    """Answers; who asked is told.

    Raises:
        Refused: there is no such query, it is closed, or nothing was said.
    """
    one = query_of(desk, query)
    _require_open(one)
    to = one.asked_by if desk.user != one.asked_by else one.asked_of
    return _say(desk, query, ANSWER, text, one.patient_id, one.slot, to)


def close_query(desk: Desk, query: str, text: str = "closed") -> Query:
    """Closes a query; only who asked may.

    Raises:
        Refused: somebody else asked, there is no such query, or it is closed.
    """
    one = query_of(desk, query)
    _require_open(one)
    if one.asked_by != desk.user:
        raise Refused(f"{one.asked_by} asked this; only who asked closes it")
    return _say(desk, query, CLOSE, text, one.patient_id, one.slot, one.asked_of)


def _require_open(one: Query) -> None:
    if one.state == "closed":
        raise Refused("this query is closed")


def _say(desk: Desk, query: str, action: str, text: str, patient_id: str, slot: str, to: str) -> Query:
    if not text.strip():
        raise Refused("nothing was said")
    said = text.strip()
    step = desk.step("query", query, query, action, patient_id=patient_id, slot=slot, to=to, text=said)
    seen = max((one.sequence for one in steps(desk.registry, "query", query)), default=0)
    kind = "query" if action == OPEN else "answer"
    message = Message(desk.new_id(), to, desk.user, step.done_at, patient_id, slot, kind, query, said)
    take_step(desk.registry, step, seen=seen, messages=[message])
    return query_of(desk, query)


def queries(desk: Desk, *, unclosed: bool = False) -> tuple[Query, ...]:
    """All queries, oldest first; or those that are not closed."""
    threads: dict[str, list[Step]] = {}
    for step in steps(desk.registry, "query"):
        threads.setdefault(step.subject, []).append(step)
    found = tuple(_query(name, thread) for name, thread in threads.items())
    return tuple(one for one in found if one.state != "closed") if unclosed else found


def query_of(desk: Desk, query: str) -> Query:
    """A query by its id.

    Raises:
        Refused: there is none.
    """
    thread = steps(desk.registry, "query", query)
    if not thread:
        raise Refused("there is no such query")
    return _query(query, list(thread))


def _query(name: str, thread: list[Step]) -> Query:
    first, last = thread[0], thread[-1]
    state = {OPEN: "open", ANSWER: "answered", CLOSE: "closed"}[last.action]
    if last.action == ANSWER and last.done_by == first.done_by:
        state = "open"
    said = tuple((one.done_at, one.done_by, str(one.content["text"])) for one in thread)
    return Query(
        name,
        str(first.content["patient_id"]),
        str(first.content["slot"]),
        first.done_by,
        str(first.content["to"]),
        first.done_at,
        state,
        said,
    )


def find_query(desk: Desk, start: str) -> Query:
    """The query whose id starts so.

    Raises:
        Refused: there is none, or more than one.
    """
    found = [one for one in queries(desk) if one.query.startswith(start)]
    if len(found) != 1:
        raise Refused(
            f"query {start}: {'there is no such query' if not found else 'more than one starts so; write more of it'}"
        )
    return found[0]


def letters(desk: Desk, *, unread_only: bool = False) -> tuple[Message, ...]:
    """This person's inbox, newest first. What is about a patient that this person reads blind is kept back until that reading is closed."""
    blind = read_blind(desk.registry, desk.user)
    found = inbox(desk.registry, desk.user, unread_only=unread_only)
    return tuple(one for one in found if one.patient_id not in blind)


def open_to(desk: Desk, found: Iterable[Query]) -> tuple[Query, ...]:
    """The queries that this person may see: none about a patient that is still to be read blind."""
    blind = read_blind(desk.registry, desk.user)
    return tuple(one for one in found if one.patient_id not in blind)


def read_letter(desk: Desk, message: str, *, unread: bool = False) -> None:
    """Marks a message of this person's as read, or as unread again."""
    mark_read(desk.registry, message, desk.user, None if unread else desk.clock())
