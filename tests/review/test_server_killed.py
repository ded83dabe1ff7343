"""The server is killed in the middle of a decision, or somebody's lock hangs: the decision waits, and is written once."""

from collections.abc import Callable, Iterator

import pytest
from postgres_server import Databases, NoServer, OwnServer, own_server
from sqlalchemy import Connection, event, text

from abstractor.model.errors import RegistryError
from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import Registry, create_registry, open_registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.registry.verify import verify_chain
from abstractor.registry.worklist import worklist
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from tests.review.conftest import CLINIC, CT, Desk, Suggest, a_patient

REGISTRIES = ("postgresql",)
PATIENCE = 0.4


@pytest.fixture(scope="module")
def mortal() -> Iterator[OwnServer]:
    """A server that may be killed; what it has acknowledged is on its disk."""
    try:
        with own_server("synchronous_commit=on") as made:
            yield made
    except NoServer as error:
        pytest.skip(f"no PostgreSQL to be killed: {error}")


@pytest.fixture
def registry(mortal: OwnServer, suggest: Suggest) -> Iterator[Registry]:
    """One patient on the server that will be killed, for somebody who does not wait long."""
    databases = Databases(mortal.url)
    url = databases.create()
    create_registry(url).close()
    made = open_registry(url, PATIENCE)
    add_notes(made, [CLINIC, CT], "test")
    replace_suggestions(made, "p1", a_patient(suggest))
    yield made
    made.close()
    databases.close()


@pytest.fixture
def session(registry: Registry, book: RuleBook) -> Session:
    return Desk(registry, book)()


def at_next_commit(registry: Registry, do: Callable[[], object], *, first_commit: bool) -> None:
    """Does something when the row is written and not committed; or when it is committed and the answer not read yet."""
    waiting = [do]

    def on_commit(connection: Connection) -> None:
        if waiting:
            if first_commit:
                connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
            waiting.pop()()

    event.listen(registry.engine, "commit", on_commit)


@pytest.mark.parametrize("committed", [False, True])
def test_a_server_killed_in_the_middle_of_a_decision_gets_it_once_when_it_is_back(
    registry: Registry, session: Session, mortal: OwnServer, committed: bool
) -> None:
    slot = session.rows[0].slot
    at_next_commit(registry, mortal.kill, first_commit=committed)
    with pytest.raises(RegistryError, match=r"connection to the server was lost|can't be reached"):
        session.defer(slot)
    assert [one.slot for one in session.writer.unsaved] == [slot]
    with pytest.raises(RegistryError):
        session.writer.retry()  # it is still away
    mortal.start()
    session.writer.retry()
    assert session.writer.unsaved == ()
    assert [one.slot for one in decisions_of(registry, "p1")] == [slot]
    assert (verify_chain(registry).entries, verify_chain(registry).faults) == (1, [])
    assert claim(registry, "p1", "ann").mine


def test_a_server_that_comes_back_in_time_is_not_noticed(
    registry: Registry, session: Session, mortal: OwnServer
) -> None:
    registry.patience = 60

    def restart() -> None:
        mortal.kill()
        mortal.start()

    at_next_commit(registry, restart, first_commit=True)
    slot = session.rows[0].slot
    session.defer(slot)
    assert session.writer.unsaved == ()
    assert [one.slot for one in decisions_of(registry, "p1")] == [slot]
    assert (verify_chain(registry).entries, verify_chain(registry).faults) == (1, [])


@pytest.mark.parametrize(
    "lock",
    [
        "SELECT * FROM patient FOR UPDATE",
        "SELECT pg_advisory_xact_lock(hashtext('abstractor'), hashtext('audit'))",
        "LOCK TABLE decision IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_a_lock_of_somebody_who_hangs_ends_in_a_message_and_the_decision_waits(
    registry: Registry, session: Session, lock: str
) -> None:
    slot = session.rows[0].slot
    hanging = open_registry(registry.engine.url.render_as_string(hide_password=False))
    with hanging.write() as connection:
        connection.execute(text(lock))
        with pytest.raises(RegistryError, match=r"another program has been writing for more than 0\.4 seconds"):
            session.defer(slot)
        assert [one.slot for one in session.writer.unsaved] == [slot]
    session.writer.retry()
    assert [one.slot for one in decisions_of(registry, "p1")] == [slot]
    hanging.close()


def test_a_lock_that_keeps_others_from_reading_ends_in_a_message_too(registry: Registry) -> None:
    hanging = open_registry(registry.engine.url.render_as_string(hide_password=False))
    with hanging.write() as connection:
        connection.execute(text("LOCK TABLE patient IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(RegistryError, match=r"writing for more than 0\.4 seconds"):
            worklist(registry, "ann")
    assert [row.patient_id for row in worklist(registry, "ann")] == ["p1"]
    hanging.close()
