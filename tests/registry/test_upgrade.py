"""An upgrade brings every registry of an earlier program to this one: all that was there is there, in the chain, or nothing happened."""

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from lived_in import Content, as_made_by, content, live_in, reflected, standing_rows
from registry_copies import copied
from sqlalchemy import Engine, event, text

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.registry import engine as engines
from abstractor.registry.backup import Manifest, back_up, manifest_of, restore
from abstractor.registry.decisions import case_of, decisions_of, record
from abstractor.registry.engine import Registry, _known_revisions, open_registry, upgrade_registry
from abstractor.registry.notes import note_text, patients
from abstractor.registry.tables import Base
from abstractor.registry.verify import verify_chain, verify_notes
from abstractor.registry.worklist import worklist

if TYPE_CHECKING:
    from postgres_server import Databases

*OLDER, NEWEST = _known_revisions()
KINDS = ("sqlite", "postgresql")
Older = Callable[[str], str]


@pytest.fixture(scope="module")
def lived_in(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of today in which every table holds something."""
    made = open_registry(str(copied(empty_registry_file, tmp_path_factory.mktemp("lived") / "today.db")))
    yield live_in(made)
    made.close()


@pytest.fixture(params=KINDS)
def older(request: pytest.FixtureRequest, lived_in: Registry, tmp_path: Path) -> Iterator[Older]:
    """Makes the registry that an earlier program would have, on each of the databases; its name."""
    databases: Databases | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    if databases is None:
        name = str(tmp_path / "older.db")
        Path(name).touch(0o600)
    else:
        name = databases.create()

    def made(schema: str) -> str:
        as_made_by(schema, lived_in, name)
        return name

    yield made
    if databases is not None:
        databases.drop(name)


def everything(name: str) -> tuple[Content, list[str]]:
    """All rows, columns, indexes and triggers of a registry of whatever schema."""
    registry = engines._connect(engines.registry_url(name))
    tables = reflected(registry)
    rows = content(registry, tables)
    shape = [
        f"{table.name}.{column.name} {column.type!r}" for table in tables.sorted_tables for column in table.columns
    ]
    shape += [f"{table.name} {one.name}" for table in tables.sorted_tables for one in table.indexes]
    named = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if registry.engine.dialect.name == "postgresql":
        named = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    with registry.engine.connect() as connection:
        shape += connection.scalars(text(named)).all()
        shape += connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    registry.close()
    return rows, sorted(shape)


def test_the_registry_that_is_upgraded_holds_something_in_every_table(lived_in: Registry) -> None:
    rows = content(lived_in, Base.metadata)
    assert [table for table, found in rows.items() if not found] == []
    assert verify_chain(lived_in).faults == verify_notes(lived_in).faults == []


@pytest.mark.parametrize("schema", OLDER)
def test_what_was_there_is_there_and_in_the_chain_in_its_order_and_the_work_goes_on(
    older: Older, lived_in: Registry, schema: str
) -> None:
    name = older(schema)
    before = engines._connect(engines.registry_url(name))
    tables = reflected(before)
    rows = content(before, tables)
    before.close()
    with pytest.raises(RegistryError, match="abstractor upgrade"):
        open_registry(name)
    assert upgrade_registry(name) == (schema, NEWEST)
    assert upgrade_registry(name) == (NEWEST, NEWEST)

    upgraded = open_registry(name)
    upgraded.login = "ann"
    assert content(upgraded, tables) == rows
    assert patients(upgraded) == patients(lived_in)
    for patient_id in patients(upgraded):
        assert decisions_of(upgraded, patient_id) == decisions_of(lived_in, patient_id)
    assert note_text(upgraded, "N9") == note_text(lived_in, "N9")
    with upgraded.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        entered = connection.execute(text("SELECT kind, ref FROM audit ORDER BY sequence")).all()
    assert sorted(map(tuple, entered)) == sorted(standing_rows(upgraded))
    for kind in {kind for kind, _ in entered}:
        assert [row for row in entered if row[0] == kind] == [row for row in standing_rows(upgraded) if row[0] == kind]
    assert verify_chain(upgraded).faults == verify_notes(upgraded).faults == []

    more = Decision("new", "P9", "histology", Action.DEFER, "ann", "2024-06-01T08:00:00.000+00:00", field="histology")
    record(upgraded, more, seen=case_of(upgraded, "P9").version)
    assert [one.action_id for one in decisions_of(upgraded, "P9")] == ["new"]
    assert {row.patient_id: row.deferred for row in worklist(upgraded, "ann")}["P9"] == 1
    assert (verify_chain(upgraded).entries, verify_chain(upgraded).faults) == (len(entered) + 1, [])
    upgraded.close()


# Upgrades that fail


@contextmanager
def breaking(when: Callable[[str, int], bool]) -> Iterator[None]:
    """Makes the database itself refuse a statement: `when` says which, from its words and how many of its kind there were."""
    done = 0

    def spoil(_connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> tuple[str, Any]:
        nonlocal done
        done += statement.startswith("UPDATE alembic_version")
        return ("SELECT no_such_column", [()] if many else ()) if when(statement, done) else (statement, given)

    event.listen(Engine, "before_cursor_execute", spoil, retval=True)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", spoil)


def test_a_migration_that_fails_at_its_end_leaves_the_registry_as_it_was(older: Older) -> None:
    """All that the migration did is done by then, and those before it as well."""
    name = older(OLDER[0])
    before = everything(name)
    for number in range(1, len(OLDER) + 1):
        with (
            breaking(
                lambda statement, done, last=number: statement.startswith("UPDATE alembic_version") and done == last
            ),
            pytest.raises(RegistryError, match=r"another schema|nothing of this step was saved"),
        ):
            upgrade_registry(name)
        assert everything(name) == before, f"migration {number + 1}"
    upgrade_registry(name)
    open_registry(name).close()


@pytest.mark.parametrize("words", ["CREATE TABLE quality_item", "CREATE TRIGGER", "INSERT INTO audit"])
def test_a_migration_that_fails_in_its_middle_leaves_the_registry_as_it_was(older: Older, words: str) -> None:
    name = older(OLDER[0])
    before = everything(name)
    with breaking(lambda statement, _: statement.lstrip().startswith(words)), pytest.raises(RegistryError):
        upgrade_registry(name)
    assert everything(name) == before


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from abstractor.registry.engine import upgrade_registry

done = 0
def end(_connection, _cursor, statement, *_):
    global done
    done += statement.startswith("UPDATE alembic_version")
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", end)
upgrade_registry(sys.argv[1])
"""


def test_an_upgrade_that_is_killed_leaves_the_registry_as_it_was(older: Older) -> None:
    name = older(OLDER[0])
    before = everything(name)
    done = subprocess.run([sys.executable, "-c", KILLED, name, str(len(OLDER))], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert everything(name) == before
    assert upgrade_registry(name) == (OLDER[0], NEWEST)
    open_registry(name).close()


# Backups of earlier programs


def backup_of(schema: str, lived_in: Registry, place: Path) -> Path:
    """A backup as a program of that schema made it."""
    place.touch(0o600)
    as_made_by(schema, lived_in, str(place))
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    listed = Manifest(digest, place.stat().st_size, schema, "sqlite", "2024-05-01T08:00:00.000+00:00", {}, 0, "")
    manifest_of(place).write_text(json.dumps(asdict(listed)))
    return place


def test_a_backup_of_an_earlier_program_is_restored_into_a_file_and_from_there_onto_a_server(
    lived_in: Registry, postgres: "Databases", tmp_path: Path
) -> None:
    old = backup_of("0005", lived_in, tmp_path / "old.db")
    server = postgres.create()
    with pytest.raises(RegistryError, match="restore it into a file first"):
        restore(old, server)
    restore(old, str(tmp_path / "file.db"))
    between = open_registry(str(tmp_path / "file.db"))
    back_up(between, tmp_path / "new.db")
    between.close()
    restore(tmp_path / "new.db", server)
    restored = open_registry(server)
    for patient_id in patients(lived_in):
        assert decisions_of(restored, patient_id) == decisions_of(lived_in, patient_id)
    assert note_text(restored, "N9") == note_text(lived_in, "N9")
    assert verify_chain(restored).faults == verify_notes(restored).faults == []
    restored.close()
    postgres.drop(server)


def test_a_backup_of_a_newer_program_is_refused_and_nothing_is_made_of_it(
    lived_in: Registry, postgres: "Databases", tmp_path: Path
) -> None:
    new = backup_of(NEWEST, lived_in, tmp_path / "new.db")
    listed = json.loads(manifest_of(new).read_text())
    manifest_of(new).write_text(json.dumps({**listed, "schema": "9999"}))
    server = postgres.create()
    for name in (str(tmp_path / "file.db"), server):
        with pytest.raises(RegistryError, match="newer Abstractor"):
            restore(new, name)
    assert not (tmp_path / "file.db").exists()
    with pytest.raises(RegistryError, match="is not an Abstractor registry"):
        open_registry(server)
    postgres.drop(server)
