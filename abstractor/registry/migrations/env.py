"""Alembic's entry: every migration runs in one transaction, on SQLite too (BEGIN IMMEDIATE, see `engine.py`)."""

from alembic import context
from sqlalchemy import Connection, String, Text, inspect

from abstractor.registry.tables import Base


def migrate() -> None:
    """Runs the pending migrations on the engine that the caller put into the configuration."""
    engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=Base.metadata, transactional_ddl=True, render_as_batch=True
        )
        with context.begin_transaction():
            context.run_migrations()
            _sort_by_code_point(connection)


def _sort_by_code_point(connection: Connection) -> None:
    """PostgreSQL would sort ids by the language it was set up for; SQLite and Python go by code point, and so do we."""
    if connection.dialect.name != "postgresql":
        return
    found = inspect(connection)
    for table in found.get_table_names():
        if table not in Base.metadata.tables:
            continue
        for column in found.get_columns(table):
            if isinstance(column["type"], String) and column["type"].collation != "C":
                kind = "text" if isinstance(column["type"], Text) else "varchar"
                connection.exec_driver_sql(
                    f'ALTER TABLE {table} ALTER COLUMN "{column["name"]}" TYPE {kind} COLLATE "C"'
                )


migrate()
