"""What only a server does: lost connections, writers side by side, limits and clocks of its own, and its own words in errors."""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, inspect, make_url, text

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.model.note import Note
from abstractor.registry.decisions import decisions_of, import_all, record
from abstractor.registry.engine import Registry, _known_revisions, create_registry, open_registry, upgrade_registry
from abstractor.registry.leases import claim, lease_events
from abstractor.registry.notes import add_notes, note_text
from abstractor.registry.tables import Base
from abstractor.registry.worklist import worklist
from tests.conftest import Clock

SECRET = "canary"  # noqa: S105
NEWEST = _known_revisions()[-1]


@pytest.fixture
def registry(postgres_url: str) -> Iterator[Registry]:
    opened = open_registry(postgres_url)
    yield opened
    opened.close()


def end_connections(registry: Registry) -> None:
    """As when the network fails or the server restarts: every connection but this one is ended by the server."""
    other = open_registry(registry.engine.url.render_as_string(hide_password=False))
    with other.read() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid != pg_backend_pid() AND usename = session_user"
            )
        )
    other.close()


# Opening


def test_the_migrations_give_exactly_the_tables_of_the_program(registry: Registry) -> None:
    with registry.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_text_is_sorted_by_code_point_whatever_the_language_of_the_server(registry: Registry) -> None:
    with registry.read() as connection:
        found = inspect(connection)
        for table in Base.metadata.tables:
            for column in found.get_columns(table):
                assert getattr(column["type"], "collation", "C") == "C", (table, column["name"])


def test_a_registry_is_not_created_over_another(postgres_url: str) -> None:
    with pytest.raises(RegistryError, match="is a registry already"):
        create_registry(postgres_url)


def test_an_empty_database_is_no_registry_until_it_is_made_one(postgres: object) -> None:
    url = postgres.create()  # type: ignore[attr-defined]
    for attempt in (open_registry, upgrade_registry):
        with pytest.raises(RegistryError, match="is not an Abstractor registry"):
            attempt(url)
    create_registry(url).close()
    open_registry(url).close()


# Faults


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"database": "no_such_registry"}, "no such database"),
        (
            {"username": "nobody_we_know", "password": SECRET},
            "no such database or user|refused the user or the password",
        ),
        ({"host": "/nowhere", "query": {}}, "can't be reached"),
    ],
)
def test_a_server_that_refuses_is_one_line_without_a_password(
    postgres_url: str, change: dict[str, object], says: str
) -> None:
    url = make_url(postgres_url)
    url = url.set(password=url.password or SECRET).set(**change)  # type: ignore[arg-type]
    with pytest.raises(RegistryError, match=says) as error:
        open_registry(url.render_as_string(hide_password=False), patience=2)
    assert "\n" not in str(error.value)
    assert str(url.password) not in str(error.value)


def test_no_value_of_a_row_is_in_an_error(registry: Registry) -> None:
    """The server quotes the row in DETAIL."""
    add_notes(registry, [Note("N1", "text", "P1")], "test")
    for statement in (
        "INSERT INTO patient (patient_id, created_at) VALUES ('P1', 'canary')",
        "INSERT INTO note_text (note_key, text) VALUES (999, 'canary')",
        "INSERT INTO patient (patient_id) VALUES ('canary')",
        "SELECT 'canary'::int",
    ):
        with pytest.raises(RegistryError) as error, registry.write() as connection:
            connection.exec_driver_sql(statement)
        assert "canary" not in str(error.value)
        assert "P1" not in str(error.value)
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__


def make_loud(registry: Registry, table: str, state: str) -> None:
    """A server that quotes the row in each part of its error, under this state."""
    row = "row_to_json(NEW)::text"
    said = f"USING MESSAGE = {row}, DETAIL = {row}, HINT = {row}, ERRCODE = '{state}'"
    with registry.write() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION {said}; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER shout BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION shout()"
        )


@pytest.mark.parametrize("state", ["23505", "40001", "P0001", "XX000"])
def test_the_words_of_a_note_do_not_reach_the_screen_a_traceback_or_a_file_whatever_the_server_says(
    registry: Registry, postgres_url: str, tmp_path: Path, state: str
) -> None:
    (tmp_path / "notes.csv").write_text(
        "note_id,patient_id,note_date,text\nN1,P1,2024-03-01,The canary has limited stage\n"
    )
    make_loud(registry, "note_text", state)
    before = set(tmp_path.iterdir())
    command = [sys.executable, "-m", "abstractor", "ingest", str(tmp_path / "notes.csv"), "--db", postgres_url]
    if state == "40001":  # would be tried again for half a minute
        command = [sys.executable, "-c", HASTY, *command[2:]]
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        command, env={**os.environ, **places}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nothing of this step was saved" in done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert set(tmp_path.iterdir()) == before


HASTY = """
import sys
from abstractor.registry import engine
engine.PATIENCE = 0.3
from abstractor.cli.main import main
sys.argv = ["abstractor", *sys.argv[2:]]
main()
"""


def test_the_words_of_a_decision_do_not_reach_whoever_is_told_that_it_was_not_saved(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    make_loud(with_note, "decision", "23514")
    with pytest.raises(RegistryError) as error:
        record(with_note, decide(reason=SECRET), seen=0)
    told = "".join(traceback.format_exception(error.value))
    assert "nothing of this step was saved" in told
    assert SECRET not in told


@given(st.text())
def test_every_character_comes_back_as_it_was(registry: Registry, said: str) -> None:
    """NUL among them, which the server itself refuses."""
    add_notes(registry, [Note("N1", said, "P1")], "test")
    assert note_text(registry, "N1") == said


@pytest.mark.parametrize("said", ["\0", "\x10", "\x100", "\x10\0", "a\0b\x101\x10", "\0" * 50])
def test_nul_is_kept_though_the_server_refuses_it(registry: Registry, said: str) -> None:
    add_notes(registry, [Note(f"N{said}", said, "P\0" + said, note_type=said)], "test")
    assert note_text(registry, f"N{said}") == said
    assert [row.patient_id for row in worklist(registry, "ann")] == ["P\0" + said]


def test_half_a_surrogate_pair_is_refused_in_one_line(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="surrogate"):
        add_notes(registry, [Note("N1", "\ud800", "P1")], "test")


def test_a_person_waits_no_longer_than_their_patience_for_a_lock(
    with_note: Registry, postgres_url: str, decide: Callable[..., Decision]
) -> None:
    hasty = open_registry(postgres_url, patience=0.2)
    with with_note.write() as connection:
        connection.execute(text("SELECT * FROM patient FOR UPDATE"))
        with pytest.raises(RegistryError, match=r"writing for more than 0\.2 seconds"):
            record(hasty, decide(), seen=0)
    assert record(hasty, decide(), seen=0).sequence > 0
    hasty.close()


# Lost connections


def test_an_idle_connection_that_died_is_replaced_without_a_word(
    with_decision: Registry, decide: Callable[..., Decision]
) -> None:
    end_connections(with_decision)
    assert len(decisions_of(with_decision, "P1")) == 1
    end_connections(with_decision)
    assert record(with_decision, decide(slot="histology"), seen=1).slot == "histology"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_lost_in_the_middle_of_a_decision_neither_loses_nor_doubles_it(
    with_note: Registry, decide: Callable[..., Decision], when: str
) -> None:
    """The server ends the connection when the row is written and not committed; or when it is committed and the answer not read."""
    lost: list[str] = []

    def before_commit(connection: Connection) -> None:
        if not lost:
            lost.append("now")
            end_connections(with_note)

    def after_commit(connection: Connection) -> None:
        if not lost:
            lost.append("now")
            connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
            end_connections(with_note)

    event.listen(with_note.engine, "commit", before_commit if when == "before" else after_commit)
    said = decide()
    stored = record(with_note, said, seen=0)
    assert lost
    assert [one.action_id for one in decisions_of(with_note, "P1")] == [said.action_id]
    assert stored == decisions_of(with_note, "P1")[0]


def test_a_claim_survives_a_lost_connection(with_note: Registry) -> None:
    lost: list[str] = []

    def end_once(_connection: Connection) -> None:
        if not lost:
            lost.append("now")
            end_connections(with_note)

    event.listen(with_note.engine, "commit", end_once)
    assert claim(with_note, "P1", "ann").mine
    assert lost
    assert lease_events(with_note, "P1") == ()


CUT = """
import sys
from sqlalchemy import create_engine, event, text
from abstractor.model.decision import Action, Decision
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import open_registry

registry, cuts = open_registry(sys.argv[1]), []

@event.listens_for(registry.engine, "before_cursor_execute")
def cut(connection, cursor, statement, parameters, context, executemany):
    if "INTO audit" in statement and not cuts:  # the entries of all rows, sent without waiting for answers
        cuts.append(connection.connection.dbapi_connection.info.backend_pid)
        with create_engine(registry.engine.url).connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": cuts[0]})

said = [Decision(f"c-{number}", "P1", f"response@{number}", Action.IMPORT, "w", "2024-05-01T08:00:00+00:00", "response", "PR",
                 source="import") for number in range(50)]
print(record_all(registry, said), len(cuts))
"""


def test_a_connection_cut_while_many_rows_are_written_leaves_no_word_of_the_driver(postgres_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CUT, postgres_url], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("50 1\n", "")


def test_two_writers_in_each_others_way_both_succeed(registry: Registry, postgres_url: str) -> None:
    """Each holds the row that the other wants: the server ends one of them, and its step is done again."""
    add_notes(registry, [Note("N1", "a", "P1"), Note("N2", "b", "P2")], "test")
    both = threading.Barrier(2)
    ran: list[str] = []

    def write(first: str, second: str) -> None:
        met = False

        def work(connection: Connection) -> None:
            nonlocal met
            ran.append(first)
            for patient_id in (first, second):
                connection.execute(
                    text("UPDATE patient SET created_at = created_at || '+' WHERE patient_id = :patient"),
                    {"patient": patient_id},
                )
                if not met:
                    met = True
                    both.wait(20)

        own = open_registry(postgres_url)
        own.attempt(work)
        own.close()

    threads = [threading.Thread(target=write, args=pair) for pair in (("P1", "P2"), ("P2", "P1"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ran) == 3
    with registry.read() as connection:
        marks = [found.count("++") for found in connection.scalars(text("SELECT created_at FROM patient"))]
    assert marks == [1, 1]


# Writers side by side


def until_somebody_waits_for_a_lock(registry: Registry) -> None:
    """Returns when another client of this database can't go on before somebody else has committed."""
    give_up = time.monotonic() + 30
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    while time.monotonic() < give_up:
        with registry.read() as connection:
            if connection.execute(waiting).first():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def decides(registry: Registry, decision: Decision) -> str:
    """Why not, of somebody at the screen who has seen nothing; "" where it is written."""
    try:
        record(registry, decision, seen=0)
    except StaleCase as error:
        return str(error)
    return ""


def imports(registry: Registry, decision: Decision) -> str:
    """Why not, of an import that has seen nothing; "" where it is written."""
    brought = replace(decision, action=Action.IMPORT, source="import")
    return "; ".join(import_all(registry, [brought], {"P1": 0}).refused.values())


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (decides, decides, "ann decided"),
        (imports, decides, "ann decided"),
        (decides, imports, "somebody has decided on it meanwhile"),
        (imports, imports, "somebody has decided on it meanwhile"),
    ],
)
def test_a_decision_waits_for_the_one_before_it_and_is_refused_unseen(
    with_note: Registry,
    postgres_url: str,
    decide: Callable[..., Decision],
    first: Callable[[Registry, Decision], str],
    second: Callable[[Registry, Decision], str],
    refusal: str,
) -> None:
    """Both have seen nothing. The first commits when the second can't go on: with the lock on the patient before its look at
    what is new, without it after that, and then both would be written.
    """
    other, onlooker = open_registry(postgres_url), open_registry(postgres_url)
    refusals: list[str] = []
    thread = threading.Thread(
        target=lambda: refusals.append(second(other, decide(decided_by="ben", value="extensive")))
    )

    def first_is_written(_connection: Connection) -> None:
        thread.start()
        until_somebody_waits_for_a_lock(onlooker)

    event.listen(with_note.engine, "commit", first_is_written, once=True)
    assert first(with_note, decide(decided_by="ann", value="limited")) == ""
    thread.join(30)
    assert [refusal in one for one in refusals] == [True]
    assert [one.value for one in decisions_of(other, "P1")] == ["limited"]
    other.close()
    onlooker.close()


def test_two_loads_of_the_same_notes_at_once_keep_each_note_once(registry: Registry, postgres_url: str) -> None:
    notes = [Note(f"N{number}", f"text {number}", f"P{number % 3}") for number in range(30)]
    results = []

    def load() -> None:
        own = open_registry(postgres_url)
        results.append(add_notes(own, notes, "test"))
        own.close()

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.added for one in results) == [0, 0, 30]
    assert sum(row.notes for row in worklist(registry, "ann")) == 30


# Clocks


def test_leases_go_by_the_clock_of_the_server_not_by_that_of_a_client_a_day_off(with_note: Registry) -> None:
    fast, slow = Clock(), Clock()
    fast.now, slow.now = "2099-01-01T00:00:00.000+00:00", "1999-01-01T00:00:00.000+00:00"
    held = claim(with_note, "P1", "ann", clock=slow)
    assert held.mine
    assert held.since > "2020"
    refused = claim(with_note, "P1", "ben", take_over=True, clock=fast)
    assert (refused.mine, refused.holder) == (False, "ann")
    assert refused.idle_minutes < 5
    (row,) = worklist(with_note, "ben", fast)
    assert row.holder == "ann"
    assert lease_events(with_note, "P1") == ()


# Killed

WRITER = """
import sys
from abstractor.model.decision import Action, Decision
from abstractor.registry.decisions import record
from abstractor.registry.engine import open_registry

registry = open_registry(sys.argv[1])
for number in range(300):
    decision = Decision(f"w-{number}", "P1", f"response@{number}", Action.IMPORT, "w", "2024-05-01T08:00:00+00:00", "response", "PR",
                        source="import")
    record(registry, decision, seen=10**9)
    sys.stdout.write(decision.action_id + "\\n")
    sys.stdout.flush()
"""


def test_every_acknowledged_decision_survives_a_killed_program(registry: Registry, postgres_url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, postgres_url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        said += [line.strip() for line in process.stdout if line.endswith("\n")]
    saved = [one.action_id for one in decisions_of(registry, "P1")]
    assert saved[: len(said)] == said
    assert len(saved) <= len(said) + 1
    assert claim(registry, "P1", "ann").mine
