"""Inserts: many at once, and those that another writer may have been quicker with; the same on both databases."""

from collections.abc import Mapping

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.dialects import postgresql, sqlite

from abstractor.registry.tables import Base


def core_table(table: type[Base]) -> Table:
    """The table behind a mapped class: statements built on the class itself cost several times as much per row."""
    return Base.metadata.tables[table.__tablename__]


def insert_once(connection: Connection, table: type[Base], values: Mapping[str, object]) -> bool:
    """Inserts a row unless one with its key is there; whether it was inserted."""
    statement = _insert(connection, table).values(values).on_conflict_do_nothing()
    return connection.execute(statement.returning(*inspect(table).primary_key)).first() is not None


def put(connection: Connection, table: type[Base], *rows: Mapping[str, object]) -> None:
    """Inserts rows; where one with the same primary key is there, it is given these values."""
    if not rows:
        return
    keys = [column.name for column in inspect(table).primary_key]
    statement = _insert(connection, table)
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), [dict(row) for row in rows])


def _insert(connection: Connection, table: type[Base]) -> "sqlite.Insert | postgresql.Insert":
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
