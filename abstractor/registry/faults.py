"""What a database's refusal means, in plain words. The driver's own words may hold values of a row, and are never shown."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from abstractor.model.errors import RegistryError

_ANOTHER_SCHEMA = (
    "has another schema than this program, or is no registry; run `abstractor upgrade`, or name another one with --db"
)

_SIGNS = (
    ("disk i/o", "the disk can't be read or written"),
    ("disk is full", "the disk is full; nothing of this step was saved. Free some space and try again"),
    ("readonly", "can't be written (read-only file or folder); change its permissions or use another --db"),
    ("locked", "another program has been writing for more than {patience:g} seconds; try again"),
    ("malformed", "is damaged; restore a backup"),
    (
        "not a database",
        "is not an Abstractor registry, or was encrypted meanwhile; start again, or name another file with --db",
    ),
    ("append-only", "decisions and the trace of takeovers can't be changed or deleted"),
    ("unable to open", "can't be opened; check the folder and its permissions"),
    ("no such table", _ANOTHER_SCHEMA),
    ("no such column", _ANOTHER_SCHEMA),
    ("has no column named", _ANOTHER_SCHEMA),
    # PostgreSQL gives no state for a connection that never stood
    ("password", "the server refused the user or the password; see PGPASSWORD or ~/.pgpass"),
    ("authentication", "the server refused the user or the password; see PGPASSWORD or ~/.pgpass"),
    ("pg_hba", "the server lets nobody in from here in this way; ask who runs it, and see PGSSLMODE"),
    ("permission denied", "this user may not use this database; ask who runs the server for the right"),
    ("certificate", "the server's certificate is not one that is trusted here; see PGSSLROOTCERT"),
    ("does not exist", "there is no such database or user on the server"),
    ("too many clients", "the server has no connection left; try again"),
)
"""Words of the driver (lower case) and what is said; the first that fits counts."""

_GONE = "SQLITE_READONLY_DBMOVED"
"""SQLite's word for a file that is not where it was opened; its message says only that it is read-only."""

_STATES = (
    ("55P03", "another program has been writing for more than {patience:g} seconds; try again"),
    ("40", "two programs were in each other's way; nothing of this step was saved, try again"),
    ("53100", "the server's disk is full; nothing of this step was saved. Free some space and try again"),
    ("53300", "the server has no connection left; try again"),
    ("57014", "the server gave up after its time limit; nothing of this step was saved"),
    ("28", "the server refused the user or the password; see PGPASSWORD or ~/.pgpass"),
    ("3D000", "there is no such database on the server"),
    ("42501", "this user may not do that; ask who runs the server for the right"),
    ("42P01", _ANOTHER_SCHEMA),
    ("42703", _ANOTHER_SCHEMA),
    ("25006", "can't be written (the server only lets it be read)"),
    ("57P", "the connection to the server was lost; nothing of this step was saved, try again"),
    ("08", "the connection to the server was lost; nothing of this step was saved, try again"),
)
"""How an SQLSTATE of PostgreSQL begins, and what is said."""


_ENCRYPTED_SIGNS = (
    (
        "not a database",
        "the key from {key} doesn't open it: it is another registry's key, or the file is damaged, was encrypted anew while it was open, or "
        "is not an Abstractor registry; give its own key, else restore a backup",
    ),
    (
        "malformed",
        "is damaged, or was changed by who does not have the key: what was written is not what stands there; restore a backup",
    ),
)
"""What two of them mean where the file is encrypted."""


@contextmanager
def named(name: str, patience: float, key: str = "") -> Iterator[None]:
    """Database faults become one line that names the registry.

    Args:
        name: how to name it.
        patience: seconds that a writer waited.
        key: where the key of an encrypted registry came from.
    """
    try:
        yield
    except DBAPIError as error:
        raise RegistryError(f"{name}: {plain_reason(error, patience, key)}") from None
    except UnicodeEncodeError:
        raise RegistryError(f"{name}: the text holds half a surrogate pair, which can't be stored; mend it") from None


def plain_reason(error: DBAPIError, patience: float, key: str = "") -> str:
    """What went wrong, without a word of any row."""
    state = _state(error)
    said = str(error.orig).lower() if error.orig is not None else ""
    if getattr(error.orig, "sqlite_errorname", "") == _GONE:
        return "the file was moved, deleted or replaced since it was opened; put it back, or start again with the right one"
    for begin, says in _STATES:
        if state.startswith(begin):
            return says.format(patience=patience)
    signs = (*_ENCRYPTED_SIGNS, *_SIGNS) if key else _SIGNS
    for sign, says in signs:
        if sign in said and (not state or state == "P0001"):
            return says.format(patience=patience, key=key)
    if _lost(error):
        return "the server can't be reached; nothing of this step was saved, try again"
    return f"the database refused ({type(error).__name__}); nothing of this step was saved"


def passing(error: DBAPIError) -> bool:
    """Whether the same step may well succeed a moment later: the connection was lost, or two writers were in each other's way."""
    return _lost(error) or _state(error).startswith(("40", "57P", "08"))


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _lost(error: DBAPIError) -> bool:
    """PostgreSQL only: SQLite has no connection to lose."""
    from_server = hasattr(error.orig, "sqlstate")
    return from_server and (
        error.connection_invalidated or (type(error).__name__ == "OperationalError" and not _state(error))
    )
