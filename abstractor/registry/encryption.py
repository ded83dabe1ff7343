"""A registry in clear becomes encrypted, an encrypted one gets another key or becomes clear again: it is written anew beside its place,
held against the old one row by row, and takes its place in one step.

Nobody else can be at it meanwhile, and nobody goes on afterwards in the file that was replaced: that one is spoiled before it is let go,
so a program that had it open is told at its next step, and saves nothing where nobody would find it.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import select

from abstractor.model.errors import RegistryError
from abstractor.registry import cipher
from abstractor.registry.backup import draft_of
from abstractor.registry.engine import Registry, file_of, open_registry, utc_now
from abstractor.registry.keys import Key
from abstractor.registry.people import require_power, unasked
from abstractor.registry.tables import LeaseRow
from abstractor.registry.verify import verify_chain

_PATIENCE_MILLISECONDS = 5000
_SPOILED = b"This registry was encrypted anew or decrypted while it was open here; start again.\n".ljust(4096, b"\0")
"""What a file holds that was replaced. It is no database, so whoever has it open is refused."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What was written anew, and found to be the same."""

    rows: int
    entries: int
    """Of the audit chain, which was checked."""


def encrypt(name: str, key: Key, clock: Callable[[], str] = utc_now) -> Rewritten:
    """Encrypts a registry that is in clear.

    Args:
        name: the path of its file.
        key: to encrypt it with.
        clock: the time, to tell whose leases still run.

    Raises:
        RegistryError: it is encrypted already or on a server, somebody is at work on it, or it can't be written; nothing was changed.
        NotAllowed: who is at work may not copy it.
    """
    key.require_strong()
    cipher.driver(key)
    with _closed_to_others(name, clock) as (path, old):
        if old is not None:
            raise RegistryError(f"{path}: is encrypted already; `abstractor rekey` gives it another key")
        return _rewritten(path, None, key)


def decrypt(name: str, clock: Callable[[], str] = utc_now) -> Rewritten:
    """Writes an encrypted registry in clear, as `encrypt` the other way round; its key is the one this process was given."""
    with _closed_to_others(name, clock) as (path, old):
        return _rewritten(path, _required(path, old), None)


def rekey(name: str, new: Key, clock: Callable[[], str] = utc_now) -> Rewritten:
    """Encrypts an encrypted registry with another key, as `encrypt` does; its old key is the one this process was given."""
    new.require_strong()
    with _closed_to_others(name, clock) as (path, old):
        return _rewritten(path, _required(path, old), new)


def _required(path: Path, old: Key | None) -> Key:
    if old is None:
        raise RegistryError(f"{path}: is not encrypted; `abstractor encrypt` does that")
    return old


@contextmanager
def _closed_to_others(name: str, clock: Callable[[], str]) -> Iterator[tuple[Path, Key | None]]:
    """The file and its key, where who is at work may and nobody else is at it; it is not open any more."""
    with closing(open_registry(name)) as registry:
        path = file_of(registry.engine.url)
        if path is None:
            raise RegistryError(f"{registry.name}: is on a server, which encrypts its own disk: see docs/running.md")
        require_power(registry, "backup")
        _require_nobody_at_work(registry, clock)
        key = registry.key
    yield path.resolve(), key  # a link stays one


def _require_nobody_at_work(registry: Registry, clock: Callable[[], str]) -> None:
    with registry.read() as connection:
        now = registry.now(connection, clock)
        held = connection.execute(select(LeaseRow.holder).where(LeaseRow.until > now).distinct()).scalars().all()
    if held:
        raise RegistryError(
            f"{registry.name}: {', '.join(sorted(held))} is at work on a patient; nothing was changed. "
            "Let them leave it, or wait a quarter of an hour after a program was killed"
        )


def _rewritten(path: Path, old: Key | None, new: Key | None) -> Rewritten:
    library = cipher.driver(old or new, path)
    replaced = os.open(path, os.O_RDWR)  # closed last, for closing it drops the lock
    try:
        with _locked(library, path, old) as connection:
            try:
                with draft_of(path) as draft:
                    rows = _exported(connection, draft, new)
                    entries = _checked(draft, new)
                    _keep_owner(replaced, draft)
            except library.Error as error:
                raise RegistryError(
                    f"{path}: can't be written anew ({type(error).__name__}); nothing was changed. Is the disk full?"
                ) from None
            _spoil(replaced)
    finally:
        os.close(replaced)
    _sync_folder(path.parent)
    return Rewritten(rows, entries)


@contextmanager
def _locked(library: ModuleType, path: Path, key: Key | None) -> Iterator[Any]:
    """A connection that keeps everybody else from reading and writing until it is closed."""
    with closing(library.connect(path, isolation_level=None)) as connection:
        cipher.prepare(connection)
        if key is not None:
            cipher.unlock(key, connection)
        connection.text_factory = bytes
        for pragma in (
            f"busy_timeout = {_PATIENCE_MILLISECONDS}",
            "temp_store = MEMORY",
            "main.locking_mode = EXCLUSIVE",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        try:
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # the lock stays
        except library.OperationalError:
            raise RegistryError(
                f"{path}: another program is reading or writing it; nothing was changed. Let everybody leave the registry, and try again"
            ) from None
        yield connection


def _exported(connection: Any, draft: Path, key: Key | None) -> int:
    """Writes everything into the draft; how many rows there are."""
    connection.execute("ATTACH DATABASE ? AS target KEY ?", (str(draft), cipher.as_told(key)))
    connection.execute("SELECT sqlcipher_export('target')").fetchall()
    if _schema(connection, "main") != _schema(connection, "target"):
        raise RegistryError(f"{draft.parent}: the copy has other tables than the registry; nothing was changed")
    tables = [name.decode() for kind, name, _ in _schema(connection, "main") if kind == b"table"]
    rows = sum(_compared(connection, table) for table in tables)
    if connection.execute("PRAGMA target.integrity_check").fetchone() != (b"ok",):
        raise RegistryError(f"{draft.parent}: the copy does not hang together; nothing was changed")
    connection.execute("DETACH DATABASE target")
    return rows


def _schema(connection: Any, database: str) -> list[tuple[bytes, bytes, bytes]]:
    """Kind, name and making of every table, index and trigger."""
    found: list[tuple[bytes, bytes, bytes]] = connection.execute(
        f"SELECT type, name, sql FROM {database}.sqlite_master ORDER BY type, name"  # noqa: S608
    ).fetchall()
    return found


def _compared(connection: Any, table: str) -> int:
    """Holds each row of the copy against that of the registry; how many there are.

    Raises:
        RegistryError: one differs.
    """
    columns = connection.execute(f'PRAGMA main.table_info("{table}")').fetchall()
    key = [column[1].decode() for column in columns if column[5]] or [column[1].decode() for column in columns]
    order = ", ".join(f'"{name}"' for name in key)
    pairs = zip_longest(
        *(
            connection.execute(f'SELECT * FROM {database}."{table}" ORDER BY {order}')  # noqa: S608
            for database in ("main", "target")
        )
    )
    rows = 0
    for one, other in pairs:
        if one != other:
            raise RegistryError(f"the copy differs from the registry in table {table}; nothing was changed")
        rows += 1
    return rows


def _checked(draft: Path, key: Key | None) -> int:
    """Opens the copy as the program will, and checks its audit chain; how many entries it has."""
    with closing(open_registry(str(draft), key=key)) as copied, unasked():
        found = verify_chain(copied)
    if found.faults:
        raise RegistryError(f"the registry does not verify, and was left as it is: {found.faults[0]}")
    return found.entries


def _keep_owner(replaced: int, draft: Path) -> None:
    """Who could open the old file can open the new one."""
    before = os.fstat(replaced)
    with suppress(PermissionError):  # only the superuser gives files away
        os.chown(draft, before.st_uid, before.st_gid)
    draft.chmod(stat.S_IMODE(before.st_mode))


def _spoil(descriptor: int) -> None:
    os.pwrite(descriptor, _SPOILED, 0)
    os.ftruncate(descriptor, len(_SPOILED))
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk, too."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
