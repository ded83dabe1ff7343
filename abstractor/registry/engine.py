"""Opening, creating and upgrading a registry, and its two kinds of transaction. Settings follow what was measured on SQLite:
rollback journal, synchronous EXTRA, BEGIN IMMEDIATE for writers, files for the owner only, nothing of a note in temporary files.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from abstractor.model.errors import RegistryError

_WRITE = "abstractor_write"
_MIGRATIONS = Path(__file__).parent / "migrations"


def utc_now() -> str:
    """The clock used where the caller passes none."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Registry:
    """An open registry. `read()` and `write()` give a connection inside one transaction."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        """How to name it to a user: a path, or a URL without its password."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _named(self.name), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: it holds the write lock from its start, and is committed when the block ends."""
        with (
            _named(self.name),
            self.engine.connect().execution_options(**{_WRITE: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Database faults become one line that names the registry; the driver's own words may hold values of a row, and are dropped."""
    try:
        yield
    except DBAPIError as error:
        raise RegistryError(f"{name}: {_plain_reason(error)}") from None
    except UnicodeEncodeError:
        raise RegistryError(f"{name}: the text holds half a surrogate pair, which can't be stored; mend it") from None


def _plain_reason(error: DBAPIError) -> str:
    said = str(error.orig).lower() if error.orig is not None else ""
    for sign, says in (
        ("disk i/o", "the disk can't be read or written"),
        ("disk is full", "the disk is full; nothing of this step was saved. Free some space and try again"),
        ("readonly", "can't be written (read-only file or folder); change its permissions or use another --db"),
        ("locked", "another program has been writing for more than 30 seconds; try again"),
        ("malformed", "is damaged; restore a backup"),
        ("not a database", "is not an Abstractor registry; name another file with --db"),
        ("append-only", "decisions can't be changed or deleted"),
        ("unable to open", "can't be opened; check the folder and its permissions"),
        ("no such table", "is not an Abstractor registry; name another file with --db"),
    ):
        if sign in said:
            return says
    return f"the database refused ({type(error).__name__}); nothing of this step was saved"


def registry_url(name: str) -> URL:
    """A SQLAlchemy URL as it is; anything else is the path of an SQLite file.

    Raises:
        RegistryError: a URL that can't be read.
    """
    if "://" not in name:
        return URL.create("sqlite", database=name)
    try:
        return make_url(name)
    except ArgumentError:
        raise RegistryError("the registry's URL can't be read; write a path or an SQLAlchemy URL") from None


def create_registry(name: str) -> Registry:
    """Creates an empty registry.

    Raises:
        RegistryError: it exists already, or can't be written.
    """
    url = registry_url(name)
    path = _file(url)
    if path is not None:
        if path.exists():
            raise RegistryError(f"{path}: exists already; name another file with --db, or use this one as it is")
        _touch_private(path)
    registry = _connect(url)
    try:
        with _named(registry.name):
            _migrate(registry.engine)
    except RegistryError:
        registry.close()
        if path is not None:
            path.unlink(missing_ok=True)
        raise
    return registry


def open_registry(name: str) -> Registry:
    """Opens a registry that exists and has this program's schema.

    Raises:
        RegistryError: there is none, it is newer or older than the program, or it can't be read.
    """
    url = registry_url(name)
    path = _file(url)
    _require_file(path)
    registry = _connect(url)
    try:
        found, wanted = _revisions(registry)
    except RegistryError:
        registry.close()
        raise
    if found == wanted:
        return registry
    registry.close()
    _require_known(registry.name, found, wanted)
    raise RegistryError(
        f"{registry.name}: has the older schema {found}; run `abstractor upgrade` (it makes a backup first)"
    )


def _require_file(path: Path | None) -> None:
    """SQLite would create what is not there."""
    if path is not None and not path.is_file():
        raise RegistryError(f"{path}: no registry here; create one with `abstractor init`, or name yours with --db")


def _require_known(name: str, found: str | None, wanted: str) -> None:
    """Another program's database must not get our tables, nor a newer registry lose what we know nothing of."""
    if found is None:
        raise RegistryError(f"{name}: is not an Abstractor registry; name another file with --db")
    if found not in _known_revisions():
        raise RegistryError(
            f"{name}: was written by a newer Abstractor (schema {found}, this program knows up to {wanted}); "
            "update the program"
        )


def upgrade_registry(name: str) -> tuple[str | None, str]:
    """Brings a registry to this program's schema; an SQLite file is copied to `NAME.before-SCHEMA` first.

    Returns:
        The schema before and after.

    Raises:
        RegistryError: there is none, it is no registry of ours, it is newer than the program, or it can't be written.
    """
    url = registry_url(name)
    path = _file(url)
    _require_file(path)
    registry = _connect(url)
    try:
        found, wanted = _revisions(registry)
        if found == wanted:
            return found, wanted
        _require_known(registry.name, found, wanted)
        if path is not None:
            _copy(path, path.with_name(f"{path.name}.before-{wanted}"))
        with _named(registry.name):
            _migrate(registry.engine)
        return found, wanted
    finally:
        registry.close()


def _copy(path: Path, target: Path) -> None:
    _touch_private(target)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error:
        raise RegistryError(f"{target}: the backup can't be written; nothing was changed. Is the disk full?") from None


def _file(url: URL) -> Path | None:
    """The file of an SQLite registry; None for a server."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database)
    return None


def _touch_private(path: Path) -> None:
    """Creates the file for its owner only, before SQLite would create it for everybody."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise RegistryError(f"{path}: can't be created ({error.strerror}); name another place with --db") from None


def _connect(url: URL) -> Registry:
    name = url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    try:
        engine = create_engine(url, hide_parameters=True)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise RegistryError(f"{name}: no driver for this database ({type(error).__name__})") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return Registry(engine, name)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin_sqlite` does
    for pragma in (
        "busy_timeout = 30000",
        "journal_mode = DELETE",
        "synchronous = EXTRA",
        "foreign_keys = ON",
        "temp_store = MEMORY",  # sorting must not leave note text in files
        "recursive_triggers = ON",  # else INSERT OR REPLACE goes round the triggers of `decision`
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _migrate(engine: Engine, to: str = "head") -> None:
    """Runs what is pending up to a schema. Alembic takes half a second to import, so only those who change a schema do."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = engine.execution_options(**{_WRITE: True})
    command.upgrade(config, to)


def _known_revisions() -> list[str]:
    """The schemas this program knows, oldest first; a migration's file is named `NUMBER_what_it_does.py`."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _revisions(registry: Registry) -> tuple[str | None, str]:
    """The schema of a registry (None for a database that is none), and this program's."""
    with registry.read() as connection:
        stamped = inspect(connection).has_table("alembic_version")
        found = connection.scalar(text("SELECT version_num FROM alembic_version")) if stamped else None
    return found, _known_revisions()[-1]
