"""The audit chain: every row of the append-only tables has an entry that holds the row's hash and the hash of the entry before it.

Who changes, deletes, swaps or adds a row later without the program leaves a chain that does not fit (`verify`); who writes the
whole chain anew is found by a head kept outside the database. An entry is written in the transaction of its row, as the last thing
before the commit: all writers of the registry wait for each other there, and so only for a moment, and never for each other twice.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from functools import cache
from typing import Any

from sqlalchemy import Connection, insert, select

from abstractor.registry.inserts import core_table
from abstractor.registry.tables import AuditRow, Base

Row = Mapping[str, Any]

_WAITING = "abstractor_audit"
"""Where a connection keeps the entries of its transaction until they are sealed."""

# the second statement is begun when the first has the lock, and so it sees what the holder before has committed
_LOCK_AND_HEAD = """
SELECT pg_advisory_xact_lock(hashtext('abstractor'), hashtext('audit'));
SELECT clock_timestamp(), last.sequence, last.hash FROM (SELECT 1) AS one
LEFT JOIN (SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1) AS last ON TRUE
"""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
"""One spelling for one value, on every machine: keys sorted, no blanks, ASCII."""


def append_row(connection: Connection, table: type[Base], values: Row) -> Any:
    """Adds a row to an append-only table, with its entry in the chain.

    Returns:
        The first column of its primary key.
    """
    key = connection.execute(insert(core_table(table)).values(values)).inserted_primary_key
    assert key is not None
    chained(connection, table, tuple(key), values)
    return key[0]


def append_numbered(connection: Connection, table: type[Base], rows: Sequence[Row]) -> list[int]:
    """Adds many rows to an append-only table whose primary key the database counts up, each with its entry.

    Args:
        connection: of the caller's transaction.
        table: which must say `audited_by`.
        rows: all with the same columns, without the primary key.

    Returns:
        Their keys, which rise in the order of the rows.
    """
    if not rows:
        return []
    (number,) = core_table(table).primary_key
    statement = insert(core_table(table)).returning(number, sort_by_parameter_order=True)
    keys = list(connection.scalars(statement, [dict(row) for row in rows]))
    for key, row in zip(keys, rows, strict=True):
        chained(connection, table, (key,), row)
    return keys


def append_rows(connection: Connection, table: type[Base], rows: Iterable[Row]) -> None:
    """Adds rows whose primary keys are known to an append-only table, each with its entry."""
    several = [dict(row) for row in rows]
    if not several:
        return
    connection.execute(insert(core_table(table)), several)
    keys = key_columns(table.__tablename__)
    for row in several:
        chained(connection, table, tuple(row[name] for name in keys), row)


def chained(connection: Connection, table: type[Base], key: tuple[object, ...], row: Row) -> None:
    """Enters a row that was just added; call it inside `Registry.write` or `Registry.attempt`.

    Args:
        connection: of the transaction that added the row.
        table: which must say `audited_by`.
        key: the values of the primary key.
        row: the values as they were written; columns left out are blank, and the key need not be among them.
    """
    assert table.audited_by is not None, f"{table.__tablename__} is not audited"
    kind = table.__tablename__
    whole = {**row, **dict(zip(key_columns(kind), key, strict=True))}
    entry = {
        "who": str(whole.get(table.audited_by) or ""),
        "kind": kind,
        "ref": reference(key),
        "row_sha256": row_hash(whole),
    }
    connection.info[_WAITING].append(entry)


def begin(connection: Connection) -> None:
    """A transaction begins: what an earlier one on this connection left behind was rolled back with it."""
    connection.info[_WAITING] = []


def seal(connection: Connection, now: Callable[[], str]) -> None:
    """Writes the entries of this transaction behind the head; the commit must follow.

    Args:
        connection: of the transaction.
        now: the time, where the registry has no server; UTC in ISO 8601.
    """
    waiting = connection.info.pop(_WAITING, [])
    if not waiting:
        return
    if connection.dialect.name == "postgresql":
        at, sequence, last = _head_for_us_alone(connection)
    else:  # SQLite has one writer at a time anyway
        at, (sequence, last) = now(), head(connection)
    connection.execute(insert(core_table(AuditRow)), linked(waiting, sequence, last, at))


def _head_for_us_alone(connection: Connection) -> tuple[str, int, str]:
    """Waits until nobody else is at the end of the chain: the server's time then, and the sequence and hash of the last entry.

    One question and one answer: everybody else waits until this transaction ends, and so for everything that goes to and fro in it.
    """
    result = connection.exec_driver_sql(_LOCK_AND_HEAD, execution_options={"no_parameters": True})
    cursor: Any = result.cursor
    cursor.nextset()
    moment, sequence, last = cursor.fetchone()
    result.close()
    return moment.astimezone(UTC).isoformat(timespec="milliseconds"), sequence or 0, last or ""


def head(connection: Connection) -> tuple[int, str]:
    """Sequence and hash of the last entry; 0 and "" where there is none."""
    row = connection.execute(
        select(AuditRow.sequence, AuditRow.hash).order_by(AuditRow.sequence.desc()).limit(1)
    ).first()
    return (0, "") if row is None else (row[0], row[1])


def linked(entries: Iterable[Row], sequence: int, last: str, at: str) -> list[dict[str, Any]]:
    """The rows of `audit` for entries that follow the one of this sequence and hash."""
    rows = []
    for number, entry in enumerate(entries, sequence + 1):
        row = {"sequence": number, "entered_at": at, **entry, "previous": last}
        row["hash"] = last = entry_hash(row)
        rows.append(row)
    return rows


@cache
def audited_tables() -> dict[str, type[Base]]:
    """The tables whose rows enter the chain, by name."""
    return {
        mapper.class_.__tablename__: mapper.class_
        for mapper in Base.registry.mappers
        if mapper.class_.audited_by is not None
    }


@cache
def key_columns(kind: str) -> tuple[str, ...]:
    """The names of a table's primary key."""
    return tuple(column.name for column in Base.metadata.tables[kind].primary_key.columns)


def reference(key: Iterable[object]) -> str:
    """How an entry names its row: the primary key as a JSON list."""
    parts = list(key)
    if len(parts) == 1 and type(parts[0]) is int:
        return f"[{parts[0]}]"  # what the encoder would write, for nearly all of a million rows
    return _CANONICAL.encode(parts)


def row_hash(row: Row) -> str:
    """SHA-256 of a row. Blank columns are left out, so that a column added by a later version changes no hash."""
    return _sha256({name: value for name, value in row.items() if value is not None})


def entry_hash(entry: Row) -> str:
    """SHA-256 of an entry, which holds the hash of the one before it."""
    names = ("sequence", "entered_at", "who", "kind", "ref", "row_sha256", "previous")
    return _sha256([entry[name] for name in names])


def _sha256(value: object) -> str:
    return hashlib.sha256(_CANONICAL.encode(value).encode("ascii")).hexdigest()
