"""The audit chain: every row of the append-only tables has an entry that holds the row's hash and the hash of the entry before it.

Who changes, deletes, swaps or adds a row later without the program leaves a chain that does not fit (`verify`); who writes the
whole chain anew is found by a head kept outside the database. An entry is written in the transaction of its row, as the last thing
before the commit: all writers of the registry wait for each other there, and so only for a moment, and never for each other twice.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, text

from abstractor.registry.tables import AuditRow, Base

Row = Mapping[str, Any]

_WAITING = "abstractor_audit"
"""Where a connection keeps the entries of its transaction until they are sealed."""


def append_row(connection: Connection, table: type[Base], values: Row) -> Any:
    """Adds a row to an append-only table, with its entry in the chain.

    Returns:
        The first column of its primary key.
    """
    key = connection.execute(insert(table).values(values)).inserted_primary_key
    assert key is not None
    chained(connection, table, tuple(key), values)
    return key[0]


def append_rows(connection: Connection, table: type[Base], rows: Iterable[Row]) -> None:
    """Adds rows whose primary keys are known to an append-only table, each with its entry."""
    several = [dict(row) for row in rows]
    if not several:
        return
    connection.execute(insert(table), several)
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
    """Writes the entries of this transaction behind the head; the commit must follow."""
    waiting = connection.info.pop(_WAITING, [])
    if not waiting:
        return
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('abstractor'), hashtext('audit'))"))
    sequence, last = head(connection)
    connection.execute(insert(AuditRow), linked(waiting, sequence, last, now()))


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


def audited_tables() -> dict[str, type[Base]]:
    """The tables whose rows enter the chain, by name."""
    return {
        mapper.class_.__tablename__: mapper.class_
        for mapper in Base.registry.mappers
        if mapper.class_.audited_by is not None
    }


def key_columns(kind: str) -> tuple[str, ...]:
    """The names of a table's primary key."""
    return tuple(column.name for column in Base.metadata.tables[kind].primary_key.columns)


def reference(key: Iterable[object]) -> str:
    """How an entry names its row."""
    return _canonical(list(key))


def row_hash(row: Row) -> str:
    """SHA-256 of a row. Blank columns are left out, so that a column added by a later version changes no hash."""
    return _sha256({name: value for name, value in row.items() if value is not None})


def entry_hash(entry: Row) -> str:
    """SHA-256 of an entry, which holds the hash of the one before it."""
    names = ("sequence", "entered_at", "who", "kind", "ref", "row_sha256", "previous")
    return _sha256([entry[name] for name in names])


def _sha256(value: object) -> str:
    return hashlib.sha256(_canonical(value).encode("ascii")).hexdigest()


def _canonical(value: object) -> str:
    """One spelling for one value, on every machine: keys sorted, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
