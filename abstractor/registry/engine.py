"""Opening, creating and upgrading a registry, and its two kinds of transaction. Settings follow what was measured on SQLite:
rollback journal, synchronous EXTRA, BEGIN IMMEDIATE for writers, files for the owner only, nothing of a note in temporary files.
On PostgreSQL writers run side by side; what must not be done twice at once takes a lock of its own (`alone`, rows FOR UPDATE).
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from abstractor.model.errors import RegistryError
from abstractor.registry import chain, cipher
from abstractor.registry.faults import named, passing
from abstractor.registry.keys import Key

Result = TypeVar("Result")

PATIENCE = 30.0
"""Seconds a batch waits for others who write."""
SHORT_PATIENCE = 5.0
"""Seconds a person at the screen waits, before being told that nothing was saved."""

_UNHEARD = logging.NullHandler()
"""For what the driver says of a cut connection: its user gets the error itself, or nothing where the step was done again."""

_WRITE = "abstractor_write"
_MIGRATIONS = Path(__file__).parent / "migrations"


def utc_now() -> str:
    """The clock used where the caller passes none."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Registry:
    """An open registry. `read()` and `write()` give a connection inside one transaction."""

    def __init__(self, engine: Engine, name: str, patience: float = PATIENCE, key: Key | None = None) -> None:
        self.engine = engine
        self.name = name
        """How to name it to a user: a path, or a URL without its password."""
        self.patience = patience
        """Seconds a writer waits for others."""
        self.server_time = engine.dialect.name == "postgresql"
        """Whether leases go by the server's clock: those who share a server need not have the same time."""
        self.key = key
        """What an encrypted file is opened with; None for one in clear, and for a server."""
        self.login: str | None = None
        """Who is at work, where another program vouches for it; None: the server's user, or the system's login (`people.py`)."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._named(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: it holds the write lock from its start, and is committed when the block ends.

        On PostgreSQL there is no such lock: see `alone`.
        """
        with self._named(), self._writing() as connection:
            yield connection

    def attempt(self, work: Callable[[Connection], Result]) -> Result:
        """Does `work` in a transaction that writes, and once more where a lost connection or another writer undid it.

        Args:
            work: may run more than once, the first time perhaps with success and only the answer lost: what it writes must
                carry an id of its own, by which the second run knows it.

        Raises:
            RegistryError: it failed for another reason, or still does after `patience` seconds.
        """
        give_up = time.monotonic() + self.patience
        pause = 0.05
        with self._named():
            while True:
                try:
                    with self._writing() as connection:
                        return work(connection)
                except DBAPIError as error:
                    if not passing(error) or time.monotonic() + pause > give_up:
                        raise
                time.sleep(pause)
                pause = min(2 * pause, 1.0)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with (
            self.engine.connect().execution_options(**{_WRITE: True}) as connection,
            connection.begin(),
        ):
            chain.begin(connection)
            yield connection
            chain.seal(connection, lambda: self.now(connection, utc_now))

    def now(self, connection: Connection, clock: Callable[[], str]) -> str:
        """The time that leases go by: the server's where there is one, else that of `clock`. UTC, ISO 8601."""
        if not self.server_time:
            return clock()
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")

    def close(self) -> None:
        self.engine.dispose()
        _open.pop(id(self), None)

    def _named(self) -> AbstractContextManager[None]:
        return named(self.name, self.patience, self.key.source if self.key else "")


_open: "WeakValueDictionary[int, Registry]" = WeakValueDictionary()
"""Those of this process, by their `id`."""


def alone(connection: Connection, task: str) -> None:
    """Waits until no other transaction is at the same task, until this one ends. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('abstractor'), hashtext(:task))"), {"task": task}
        )


def registry_url(name: str) -> URL:
    """A SQLAlchemy URL as it is; anything else is the path of an SQLite file.

    Raises:
        RegistryError: a URL that can't be read.
    """
    if "://" not in name:
        return URL.create("sqlite", database=name)
    try:
        url = make_url(name)
    except ArgumentError:
        raise RegistryError("the registry's URL can't be read; write a path or an SQLAlchemy URL") from None
    if url.get_backend_name() == "sqlite" and (url.password or "cipher" in url.drivername):
        raise RegistryError(
            "a key never stands in a URL, which others can see: name the file alone, and its key as `abstractor key --help` says"
        )
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgresql", "postgres"} else url


def create_registry(name: str, key: Key | None = None) -> Registry:
    """Creates an empty registry.

    Args:
        name: a path or a URL.
        key: to encrypt it with; a file only.

    Raises:
        RegistryError: it exists already, can't be written, or can't be encrypted.
    """
    url = registry_url(name)
    path = file_of(url)
    if key is not None:
        _require_encryptable(path, key)
    if path is not None:
        if path.exists():
            raise RegistryError(f"{path}: exists already; name another file with --db, or use this one as it is")
        private_file(path)
    registry = _connect(url, key=key)
    try:
        _require_empty(registry, path)
        with named(registry.name, registry.patience):
            _migrate(registry.engine)
    except RegistryError:
        registry.close()
        if path is not None:
            path.unlink(missing_ok=True)
        raise
    return registry


def _require_empty(registry: Registry, path: Path | None) -> None:
    if path is None and _revisions(registry)[0] is not None:
        raise RegistryError(f"{registry.name}: is a registry already; use it as it is, or name another with --db")


def _require_encryptable(path: Path | None, key: Key) -> None:
    if path is None:
        raise RegistryError("a registry on a server is encrypted there, with its disk: see docs/running.md")
    key.require_strong()
    cipher.driver(key)


def open_registry(name: str, patience: float = PATIENCE, key: Key | None = None) -> Registry:
    """Opens a registry that exists and has this program's schema.

    Args:
        name: a path or a URL.
        patience: seconds that a writer waits for others.
        key: of an encrypted file; default: the one this process was given (`keys.py`).

    Raises:
        RegistryError: there is none, its key is missing or wrong, it is newer or older than the program, or it can't be read.
    """
    url = registry_url(name)
    path = file_of(url)
    _require_file(path)
    registry = _connect(url, patience, key_for(path, key))
    try:
        found, wanted = _revisions(registry)
    except RegistryError:
        registry.close()
        raise
    if found == wanted:
        return registry
    registry.close()
    require_known(registry.name, found, wanted)
    raise RegistryError(
        f"{registry.name}: has the older schema {found}; run `abstractor upgrade` (it makes a backup first)"
    )


def _require_file(path: Path | None) -> None:
    """SQLite would create what is not there."""
    if path is not None and not path.is_file():
        raise RegistryError(f"{path}: no registry here; create one with `abstractor init`, or name yours with --db")


def key_for(path: Path | None, key: Key | None = None) -> Key | None:
    """The key to open a file with; None for one in clear."""
    if path is None or _is_clear(path):
        return None
    return key or cipher.required_key(path)


def _is_clear(path: Path) -> bool:
    """The file is looked at only where this process doesn't have it open: closing it would drop the locks of whoever writes."""
    whole = path.resolve()
    for reference in _open.valuerefs():  # a copy: others may open theirs meanwhile
        registry = reference()
        file = None if registry is None else file_of(registry.engine.url)
        if registry is not None and file is not None and file.resolve() == whole:
            return registry.key is None
    return cipher.in_clear(path)


def require_known(name: str, found: str | None, wanted: str) -> None:
    """Another program's database must not get our tables, nor a newer registry lose what we know nothing of.

    Raises:
        RegistryError: `found` is no schema of this program's or an earlier one's.
    """
    if found is None:
        raise RegistryError(f"{name}: is not an Abstractor registry; name another file with --db")
    if found not in _known_revisions():
        raise RegistryError(
            f"{name}: was written by a newer Abstractor (schema {found}, this program knows up to {wanted}); "
            "update the program"
        )


def upgrade_registry(name: str, key: Key | None = None) -> tuple[str | None, str]:
    """Brings a registry to this program's schema; an SQLite file is copied to `NAME.before-SCHEMA` first, encrypted as it is.

    Args:
        name: a path or a URL.
        key: of an encrypted file; default: the one this process was given.

    Returns:
        The schema before and after.

    Raises:
        RegistryError: there is none, it is no registry of ours, it is newer than the program, or it can't be written.
    """
    url = registry_url(name)
    path = file_of(url)
    _require_file(path)
    registry = _connect(url, key=key_for(path, key))
    try:
        found, wanted = _revisions(registry)
        if found == wanted:
            return found, wanted
        require_known(registry.name, found, wanted)
        if path is not None:
            _copy(path, path.with_name(f"{path.name}.before-{wanted}"), registry.key)
        with named(registry.name, registry.patience):
            _migrate(registry.engine)
        return found, wanted
    finally:
        registry.close()


def _copy(path: Path, target: Path, key: Key | None) -> None:
    private_file(target)
    try:
        cipher.copy_pages(path, target, key)
    except cipher.driver(key).Error:
        raise RegistryError(f"{target}: the backup can't be written; nothing was changed. Is the disk full?") from None


def file_of(url: URL) -> Path | None:
    """The file of an SQLite registry; None for a server."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database)
    return None


def private_file(path: Path) -> None:
    """Creates the file for its owner only, before SQLite would create it for everybody."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise RegistryError(f"{path}: can't be created ({error.strerror}); name another place with --db") from None


def _connect(url: URL, patience: float = PATIENCE, key: Key | None = None) -> Registry:
    name = url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    settings = _postgresql_settings(patience) if url.get_backend_name() == "postgresql" else {}
    if key is not None:
        settings = {"module": cipher.driver(key, name)}
    try:
        engine = create_engine(url, hide_parameters=True, **settings)
    except ModuleNotFoundError as error:
        remedy = "; install abstractor[postgres]" if url.get_backend_name() == "postgresql" else ""
        raise RegistryError(f"{name}: no driver for this database ({error.name} is missing){remedy}") from None
    except SQLAlchemyError as error:
        raise RegistryError(f"{name}: no driver for this database ({type(error).__name__})") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, patience))
        event.listen(engine, "begin", _begin_sqlite)
    if key is not None:
        event.listen(engine, "connect", partial(cipher.unlock, key), insert=True)  # before anything is read
    registry = Registry(engine, name, patience, key)
    _open[id(registry)] = registry
    return registry


def _postgresql_settings(patience: float) -> dict[str, Any]:
    logging.getLogger("psycopg").addHandler(_UNHEARD)
    milliseconds = int(1000 * patience)
    return {
        "pool_pre_ping": True,  # a connection that died while nobody used it is replaced without a word
        "connect_args": {
            "connect_timeout": max(2, int(patience)),
            "tcp_user_timeout": milliseconds,
            # a server that vanished without a word, after it took the step, is noticed too
            "keepalives_idle": max(2, int(patience)),
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "application_name": "abstractor",
            # a client that hangs in the middle of a step must not keep others from writing for ever
            "options": f"-c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout=600000",
        },
    }


def _prepare_sqlite(patience: float, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin_sqlite` does
    for pragma in (
        f"busy_timeout = {int(1000 * patience)}",
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


def newest_schema() -> str:
    """This program's."""
    return _known_revisions()[-1]


def _revisions(registry: Registry) -> tuple[str | None, str]:
    """The schema of a registry (None for a database that is none), and this program's."""
    with registry.read() as connection:
        stamped = inspect(connection).has_table("alembic_version")
        found = connection.scalar(text("SELECT version_num FROM alembic_version")) if stamped else None
    return found, newest_schema()
