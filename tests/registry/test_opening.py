"""A registry is opened when it is ours and of this version, and else refused in one line that says what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note
from abstractor.registry.decisions import decisions_of, record
from abstractor.registry.engine import Registry, _known_revisions, create_registry, open_registry, upgrade_registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes, note_text, patients
from abstractor.registry.suggestions import patients_due
from abstractor.registry.tables import Base
from abstractor.registry.worklist import worklist
from tests.conftest import Clock

NEWEST = _known_revisions()[-1]


@pytest.fixture
def registry(registry_file: Path) -> Iterator[Registry]:
    """A file: what these tests are about. `test_postgres` asks the same of a server."""
    opened = open_registry(str(registry_file))
    yield opened
    opened.close()


def refused(attempt: Callable[[str], object], path: Path) -> str:
    with pytest.raises(RegistryError) as error:
        attempt(str(path))
    line = str(error.value)
    assert "\n" not in line
    assert path.name in line
    return line


def stamp(path: Path, schema: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (schema,))
        connection.commit()


def make_older(path: Path, schema: str = "0001") -> None:
    """A registry as an earlier program made it, holding what a registry of today holds as far as it knew of it."""
    from abstractor.registry import engine

    today = path.with_name(f"{path.name}.today")
    path.rename(today)
    path.touch(0o600)
    older = engine._connect(engine.registry_url(str(path)))
    engine._migrate(older.engine, schema)
    older.close()
    copy_rows(today, path)
    today.unlink()


def copy_rows(source: Path, target: Path) -> None:
    """What both have a table and a column for."""
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        for (table,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            theirs = {row[1] for row in connection.execute(f"PRAGMA source.table_info({table})")}
            both = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})") if row[1] in theirs]
            if both and table != "alembic_version":
                names = ", ".join(both)
                connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM source.{table}")  # noqa: S608
        connection.commit()


def test_the_migrations_give_exactly_the_tables_of_the_program(registry: Registry) -> None:
    with registry.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_new_registry_is_its_owners_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        create_registry(str(tmp_path / "new.db")).close()
    finally:
        os.umask(before)
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600


def test_settings_are_those_that_were_measured_to_be_safe(registry: Registry) -> None:
    wanted = {"journal_mode": "delete", "synchronous": 3, "foreign_keys": 1, "temp_store": 2, "busy_timeout": 30000}
    with registry.read() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    assert found == wanted


def test_an_existing_file_is_never_overwritten(registry_file: Path, tmp_path: Path) -> None:
    assert "exists already" in refused(create_registry, registry_file)
    (tmp_path / "letter.txt").write_text("Dear colleague")
    assert "exists already" in refused(create_registry, tmp_path / "letter.txt")
    assert (tmp_path / "letter.txt").read_text() == "Dear colleague"


def test_a_missing_registry_is_not_created_by_opening_or_upgrading(tmp_path: Path) -> None:
    for attempt in (open_registry, upgrade_registry):
        assert "abstractor init" in refused(attempt, tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_registry(tmp_path: Path) -> None:
    assert "no registry here" in refused(open_registry, tmp_path)


@pytest.mark.parametrize("attempt", [open_registry, upgrade_registry])
def test_a_text_file_is_no_registry_and_stays_as_it_is(tmp_path: Path, attempt: Callable[[str], object]) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear colleague, thank you for referring this patient. " * 200)
    content = path.read_bytes()
    assert "is not an Abstractor registry" in refused(attempt, path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("attempt", [open_registry, upgrade_registry])
@pytest.mark.parametrize("statements", [(), ("CREATE TABLE song (title TEXT)",)])
def test_another_programs_database_is_no_registry_and_gets_none_of_our_tables(
    tmp_path: Path, attempt: Callable[[str], object], statements: tuple[str, ...]
) -> None:
    path = tmp_path / "music.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    assert "is not an Abstractor registry" in refused(attempt, path)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert len(tables) == len(statements)


@pytest.mark.parametrize("attempt", [open_registry, upgrade_registry])
def test_a_newer_registry_is_refused_and_left_alone(registry_file: Path, attempt: Callable[[str], object]) -> None:
    stamp(registry_file, "9999")
    content = registry_file.read_bytes()
    line = refused(attempt, registry_file)
    assert "newer Abstractor" in line
    assert "update the program" in line
    assert registry_file.read_bytes() == content
    assert [path.name for path in registry_file.parent.iterdir()] == [registry_file.name]


def test_an_older_registry_is_told_to_be_upgraded(registry_file: Path) -> None:
    make_older(registry_file)
    assert "abstractor upgrade" in refused(open_registry, registry_file)


def test_upgrading_keeps_everything_and_makes_a_backup_first(with_decision: Registry, registry_file: Path) -> None:
    """`test_upgrade` does it from every schema."""
    decisions = decisions_of(with_decision, "P1")
    before = worklist(with_decision, "mortiz")
    with_decision.close()
    make_older(registry_file)
    assert "abstractor upgrade" in refused(open_registry, registry_file)
    assert upgrade_registry(str(registry_file)) == ("0001", NEWEST)
    upgraded = open_registry(str(registry_file))
    assert decisions_of(upgraded, "P1") == decisions
    assert note_text(upgraded, "N1") == "Limited stage disease."
    assert patients_due(upgraded) == ("P1",)
    assert worklist(upgraded, "mortiz") == before
    with upgraded.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    upgraded.close()
    backup = registry_file.with_name(f"study.db.before-{NEWEST}")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "abstractor upgrade" in refused(open_registry, backup)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT action_id FROM decision").fetchall() == [("first",)]
    assert upgrade_registry(str(registry_file)) == (NEWEST, NEWEST)


def test_a_lease_of_an_earlier_program_counts_as_active_since_it_began(
    with_note: Registry, registry_file: Path, clock: Clock
) -> None:
    claim(with_note, "P1", "mortiz", clock=clock)
    with_note.close()
    make_older(registry_file, "0002")
    upgrade_registry(str(registry_file))
    upgraded = open_registry(str(registry_file))
    (row,) = worklist(upgraded, "kbauer", clock)
    assert (row.holder, row.active_at, row.assigned) == ("mortiz", clock.now, None)
    upgraded.close()


def test_a_place_below_a_file_or_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "can't be created" in refused(create_registry, tmp_path / "file" / "new.db")
    assert "can't be created" in refused(create_registry, tmp_path / "none" / "new.db")
    assert "no registry here" in refused(open_registry, tmp_path / "file" / "new.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_file_is_one_line(registry_file: Path) -> None:
    registry_file.chmod(0o400)
    opened = open_registry(str(registry_file))
    with pytest.raises(RegistryError, match="can't be written"):
        add_notes(opened, [Note("N1", "text", "P1")], "test")
    opened.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir(mode=0o500)
    assert "can't be created" in refused(create_registry, folder / "new.db")


def test_a_refusal_of_the_driver_to_write_is_one_line(with_note: Registry) -> None:
    with with_note.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    try:
        with pytest.raises(RegistryError, match="can't be written") as error:
            add_notes(with_note, [Note("N2", "canary", "P1")], "test")
    finally:
        with with_note.read() as connection:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
    assert "canary" not in str(error.value)
    assert patients(with_note) == ("P1",)


def test_a_damaged_registry_is_one_line(with_decision: Registry, registry_file: Path) -> None:
    with_decision.close()
    content = bytearray(registry_file.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 4096] = b"\xa5" * 4096
    registry_file.write_bytes(bytes(content))
    line = refused(open_registry, registry_file)
    assert "restore a backup" in line or "not an Abstractor registry" in line


def test_an_unreadable_url_or_unknown_database_is_one_line() -> None:
    for url in ("nonsense://", "sqlite+nothing:///x.db", "://", "oracle://user:secret@host/db"):
        with pytest.raises(RegistryError) as error:
            open_registry(url)
        assert "\n" not in str(error.value)
        assert "secret" not in str(error.value)


def test_a_full_disk_saves_nothing_of_the_step_and_loses_nothing_before_it(
    with_decision: Registry, decide: Callable[..., Decision]
) -> None:
    """The limit stands in for the disk: SQLite gives the same error."""
    with with_decision.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(RegistryError, match="disk is full"):
        add_notes(with_decision, [Note("N2", "long " * 10_000, "P2")], "test")
    with pytest.raises(RegistryError, match="disk is full"):
        record(with_decision, decide(reason="long " * 10_000), seen=1)
    assert patients(with_decision) == ("P1",)
    assert len(decisions_of(with_decision, "P1")) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only the superuser may mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a small disk can't be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # a test that failed may have left a file open


def test_a_disk_that_is_really_full_loses_nothing_that_was_saved(
    small_disk: Path, empty_registry_file: Path, decide: Callable[..., Decision]
) -> None:
    path = small_disk / "study.db"
    shutil.copy(empty_registry_file, path)
    registry = open_registry(str(path))
    add_notes(registry, [Note("N1", "text", "P1")], "test")
    saved = []
    with pytest.raises(RegistryError, match="disk") as error:
        saved.extend(record(registry, decide(reason="x" * 5000), seen=10**9) for _ in range(1000))
    assert "\n" not in str(error.value)
    assert len(decisions_of(registry, "P1")) == len(saved) > 10
    registry.close()
    again = open_registry(str(path))
    assert len(decisions_of(again, "P1")) == len(saved)
    again.close()


def test_a_registry_can_not_be_created_on_a_full_disk_and_leaves_no_stump(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (490 * 1024))
    assert "disk" in refused(create_registry, small_disk / "new.db")
    assert not (small_disk / "new.db").exists()


def test_a_read_only_disk_can_be_read_and_says_so_when_written(small_disk: Path, empty_registry_file: Path) -> None:
    shutil.copy(empty_registry_file, small_disk / "study.db")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    registry = open_registry(str(small_disk / "study.db"))
    assert patients(registry) == ()
    with pytest.raises(RegistryError, match="read-only"):
        add_notes(registry, [Note("N1", "text", "P1")], "test")
    registry.close()
    assert "can't be created" in refused(create_registry, small_disk / "new.db")


def test_a_backup_that_does_not_fit_stops_the_upgrade(small_disk: Path, empty_registry_file: Path) -> None:
    path = small_disk / "study.db"
    shutil.copy(empty_registry_file, path)
    make_older(path)
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(b"x" * (free.f_bavail * free.f_frsize - 16 * 1024))
    with pytest.raises(RegistryError, match="backup") as error:
        upgrade_registry(str(path))
    assert "\n" not in str(error.value)
    assert "abstractor upgrade" in refused(open_registry, path)


def test_the_registry_imports_no_statistics_and_no_language_processing() -> None:
    code = "import sys, abstractor.registry.worklist; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "spacy", "lifelines", "textual"} & set(loaded)


def test_the_schemas_read_from_the_file_names_are_those_alembic_knows() -> None:
    """Opening a registry does not import Alembic, so it must not know other schemas than Alembic does."""
    from alembic.script import ScriptDirectory

    from abstractor.registry import engine

    script = ScriptDirectory(str(engine._MIGRATIONS))
    assert engine._known_revisions() == sorted(revision.revision for revision in script.walk_revisions())
    assert engine._known_revisions()[-1] == script.get_current_head()
