"""SQLCipher, where a registry's file is encrypted: every page with AES-256 and a checksum that only who has the key can make.

The library is an extra, and is loaded only where a registry is encrypted. A file in clear is SQLite's own business, as before.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from abstractor.model.errors import RegistryError
from abstractor.registry.keys import COMMAND, Key, key_at_hand

if TYPE_CHECKING:
    from abstractor.registry.engine import Registry

_CLEAR = b"SQLite format 3\0"
"""How a file begins that is not encrypted; an encrypted one begins with random bytes."""

_BEFORE_THE_KEY = (
    "cipher_log_level = NONE",  # it would write to standard error, in the middle of a screen
    "cipher_memory_security = ON",  # what is freed is wiped, and kept out of the swap as far as the system lets it
    "cipher_default_compatibility = 4",  # the format of today, whatever a later library would begin with
)

_WAYS = f"--key-fd, {COMMAND} or the keyring (`abstractor key --help`)"


def in_clear(file: Path) -> bool:
    """Whether a file is not encrypted: it begins as SQLite's do, or is empty.

    Opening and closing a file drops every lock this process holds on it: never ask while it writes to that file.

    Raises:
        RegistryError: it can't be read.
    """
    try:
        with file.open("rb") as opened:
            begin = opened.read(len(_CLEAR))
    except OSError as error:
        raise RegistryError(f"{file}: can't be read ({error.strerror})") from None
    return begin in (b"", _CLEAR)


def key_to_encrypt_with() -> Key:
    """The key of this process, for what is not encrypted yet.

    Raises:
        RegistryError: no key was given.
    """
    key = key_at_hand()
    if key is None:
        raise RegistryError(
            f"there is no key to encrypt with: `abstractor key new` puts one into the keyring or a file; or name yours by {_WAYS}"
        )
    return key


def required_key(name: object) -> Key:
    """The key of this process, to open an encrypted registry with.

    Args:
        name: of the registry, for messages.

    Raises:
        RegistryError: no key was given, or the library is not installed.
    """
    key = key_at_hand()
    if key is None:
        raise RegistryError(
            f"{name}: is encrypted, and no key was given: name it by {_WAYS}. "
            "Or it is not an Abstractor registry: then name another file with --db"
        )
    _sqlcipher(name)
    return key


def driver(key: Key | None, name: object = "encryption") -> ModuleType:
    """The library that opens files with this key, or in clear.

    Raises:
        RegistryError: it is not installed.
    """
    return sqlite3 if key is None else _sqlcipher(name)


def _sqlcipher(name: object) -> ModuleType:
    try:
        from sqlcipher3 import dbapi2
    except ImportError:
        raise RegistryError(
            f"{name}: needs encryption, which is not installed: pip install 'abstractor[cipher]'. "
            "Or it is not an Abstractor registry: then name another file with --db"
        ) from None
    module: ModuleType = dbapi2
    return module


def unlock(key: Key, connection: Any, _record: object = None) -> None:
    """Gives a new connection its key, before anything is read; whether it fits shows only then.

    It goes by a call of its own and not as SQL, so no log, trace or cache of statements ever holds it.
    """
    prepare(connection)
    connection.set_key(as_told(key))


def prepare(connection: Any) -> None:
    """Settings of the library; they hold for the whole process."""
    for pragma in _BEFORE_THE_KEY:
        connection.execute(f"PRAGMA {pragma}").close()


def as_told(key: Key | None) -> str:
    """The key in the form that SQLCipher takes; "" for a file in clear."""
    if key is None:
        return ""
    return f"x'{key.text}'" if key.raw else key.text


def connected(file: Path, key: Key | None) -> Any:
    """A connection of the driver to a file, without the settings of a registry.

    Raises:
        RegistryError: the library is not installed.
    """
    connection = driver(key, file).connect(file, isolation_level=None)
    if key is not None:
        unlock(key, connection)
    return connection


def copy_pages(source: Path, target: Path, key: Key | None) -> None:
    """Copies a registry as it is at one moment, encrypted as it is; who writes meanwhile waits a moment.

    Raises:
        sqlite3.Error: (of the driver) the source can't be read or the target not be written.
    """
    with closing(connected(source, key)) as read, closing(connected(target, key)) as written:
        read.execute("PRAGMA busy_timeout = 30000")
        read.backup(written)


def is_sound(file: Path, key: Key | None) -> bool:
    """Whether the pages of a file hang together and, where it is encrypted, are what was written."""
    with closing(connected(file, key)) as connection:
        try:
            said = connection.execute("PRAGMA integrity_check").fetchone()
            forged = key is not None and connection.execute("PRAGMA cipher_integrity_check").fetchone() is not None
        except driver(key).Error:
            return False
    return said == ("ok",) and not forged


def changed_pages(registry: "Registry") -> list[str]:
    """The pages of an encrypted registry that are not what was written, one line each; a few, where there are many."""
    if registry.key is None:
        return []
    with registry.read() as connection:
        said = connection.exec_driver_sql("PRAGMA cipher_integrity_check").fetchmany(20)
    return [f"{registry.name}: {line} (the file was changed or damaged)" for (line,) in said]
