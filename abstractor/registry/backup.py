"""A consistent copy of a registry while people write, and a registry made from a copy again.

A backup is always an SQLite registry of one file, whatever it was made from, with a list of what it holds beside it (`FILE.json`): its hash,
its schema, the rows of each table and the head of the audit chain. So it opens without a server in twenty years, and a registry
can move from a file to a server and back. What is encrypted stays so, with its key: the backup of it, and what is restored of that.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, func, insert, select, text

from abstractor.files import whole_file
from abstractor.model.errors import RegistryError
from abstractor.registry import cipher
from abstractor.registry.chain import head
from abstractor.registry.engine import (
    Registry,
    create_registry,
    file_of,
    key_for,
    newest_schema,
    open_registry,
    private_file,
    registry_url,
    require_known,
    upgrade_registry,
    utc_now,
)
from abstractor.registry.keys import Key
from abstractor.registry.people import require_power
from abstractor.registry.tables import Base, LeaseRow, TallyRow

_AT_ONCE = 1000
_PASSING = frozenset({LeaseRow.__tablename__, TallyRow.__tablename__})
"""Not copied from a server: nobody is at work in a copy, and counts are counted again."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    sha256: str
    bytes: int
    schema: str
    made_from: str
    """`sqlite` or `postgresql`."""
    made_at: str
    rows: dict[str, int]
    sequence: int
    """Of the last entry of the audit chain; with `hash`, an anchor."""
    hash: str


def back_up(registry: Registry, target: Path, clock: Callable[[], str] = utc_now, key: Key | None = None) -> Manifest:
    """Copies a registry as it is at one moment; who writes meanwhile waits a moment on SQLite, and not at all on a server.

    Args:
        registry: an open registry.
        target: a new file.
        clock: the time.
        key: to encrypt the copy of a server's registry with; the copy of a file is encrypted as the file is.

    Raises:
        RegistryError: the target exists, or can't be written; then nothing is left there.
    """
    require_power(registry, "backup")
    if target.exists() or manifest_of(target).exists():
        raise RegistryError(f"{target}: exists already; name another file, a backup is never written over")
    source = file_of(registry.engine.url)
    if key is not None and source is not None and registry.key is None:
        raise RegistryError(
            f"{source}: is in clear, and so would its backup be; `abstractor encrypt` the registry first"
        )
    with draft_of(target) as draft:
        if source is not None:
            _copy_file(source, draft, registry.key)
        else:
            _from_server(registry, draft, key)
        copied = open_registry(str(draft), key=registry.key or key)
        try:
            manifest = _described(copied, draft, registry.engine.dialect.name, clock())
        finally:
            copied.close()
    with whole_file(manifest_of(target)) as file:
        cast("Any", file).write(json.dumps(asdict(manifest), indent=1) + "\n")
    return manifest


def restore(backup: Path, name: str) -> Manifest:
    """Makes a registry from a backup, of this program's schema. The caller verifies it (`verify`).

    Args:
        backup: a file that `back_up` wrote, with its list beside it.
        name: a path or URL where there is no registry yet.

    Raises:
        RegistryError: the backup is damaged or incomplete, or there is a registry already.
    """
    manifest = checked_manifest(backup)
    require_known(str(backup), manifest.schema, newest_schema())
    target = file_of(registry_url(name))
    if target is None:
        _to_server(backup, manifest, name)
        return manifest
    if target.exists():
        raise RegistryError(f"{target}: exists already; a backup is never restored over a registry: name a new file")
    key = key_for(backup)
    with draft_of(target) as draft:
        _copy_file(backup, draft, key)
        if not cipher.is_sound(draft, key):
            raise RegistryError(f"{backup}: is damaged; use another copy")
    upgrade_registry(str(target), key)
    return manifest


def checked_manifest(backup: Path) -> Manifest:
    """The list of a backup, after the file was held against it.

    Raises:
        RegistryError: one of the two is missing or damaged.
    """
    listed = manifest_of(backup)
    try:
        manifest = Manifest(**json.loads(listed.read_text(encoding="utf-8")))
        digest = _hash(backup)
    except (OSError, UnicodeDecodeError, ValueError, TypeError) as error:
        place = listed if not isinstance(error, OSError) or not listed.is_file() else backup
        raise RegistryError(
            f"{place}: can't be read ({type(error).__name__}); a backup is FILE with FILE.json beside it: fetch both, or use another"
        ) from None
    if digest != manifest.sha256:
        raise RegistryError(
            f"{backup}: is not what was backed up (its hash differs from {listed.name}); use another copy"
        )
    return manifest


def manifest_of(backup: Path) -> Path:
    """Where the list of a backup stands."""
    return backup.with_name(f"{backup.name}.json")


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """A file beside the target, for its owner only, that takes its place only when the block ends well.

    Raises:
        RegistryError: it can't be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        private_file(draft)
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise RegistryError(f"{target}: can't be written ({error.strerror or type(error).__name__})") from None
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(OSError):
                left.unlink()


def _copy_file(source: Path, target: Path, key: Key | None) -> None:
    try:
        cipher.copy_pages(source, target, key)
    except cipher.driver(key).Error as error:
        more = "" if key is None else f" or does the key from {key.source} not fit?"
        raise RegistryError(
            f"{target.parent}: the copy can't be written ({type(error).__name__}); is the disk full?{more}"
        ) from None


def _described(copied: Registry, file: Path, made_from: str, at: str) -> Manifest:
    with copied.read() as connection:
        rows = _row_counts(connection)
        sequence, last = head(connection)
        schema = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    copied.close()
    return Manifest(_hash(file), file.stat().st_size, schema, made_from, at, rows, sequence, last)


def _row_counts(connection: Connection) -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def _from_server(registry: Registry, draft: Path, key: Key | None) -> None:
    draft.unlink()
    copied = create_registry(str(draft), key)
    try:
        _copy_rows(registry.engine, copied)
    finally:
        copied.close()


def _to_server(backup: Path, manifest: Manifest, name: str) -> None:
    if manifest.schema != newest_schema():
        raise RegistryError(
            f"{backup}: has the older schema {manifest.schema}; restore it into a file first, which upgrades it "
            "(`abstractor restore BACKUP --db FILE`), then back up that file and restore its backup on the server"
        )
    source = open_registry(str(backup))
    try:
        target = create_registry(name)
        try:
            _copy_rows(source.engine, target)
            _continue_numbering(target)
            _require_all(target, manifest, name)
        finally:
            target.close()
    finally:
        source.close()


def _copy_rows(source: Engine, target: Registry) -> None:
    """All rows as they stand at one moment, in one transaction."""
    level = "REPEATABLE READ" if source.dialect.name == "postgresql" else "SERIALIZABLE"
    options = {"isolation_level": level, "stream_results": True, "yield_per": _AT_ONCE}
    if source.dialect.name == "sqlite":
        del options["isolation_level"]
    with source.connect().execution_options(**options) as read, read.begin(), target.write() as written:
        for table in Base.metadata.sorted_tables:
            if table.name in _PASSING:
                continue
            rows = read.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            for several in rows.partitions(_AT_ONCE):
                written.execute(insert(table), [dict(row) for row in several])


def _continue_numbering(target: Registry) -> None:
    """A server numbers from where the copied rows end."""
    with target.write() as connection:
        for table in Base.metadata.sorted_tables:
            column = table.autoincrement_column
            if column is not None:
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), "  # noqa: S608
                    f"(SELECT COALESCE(MAX({column.name}), 0) + 1 FROM {table.name}), false)"
                )


def _require_all(target: Registry, manifest: Manifest, name: str) -> None:
    with target.read() as connection:
        found = _row_counts(connection)
    short = [table for table, rows in manifest.rows.items() if table not in _PASSING and found.get(table) != rows]
    if short:
        raise RegistryError(
            f"{target.name}: not all rows arrived ({', '.join(short)}); drop this database and try again"
        )


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
