"""Writing past the program, as somebody does who owns the database."""

from sqlalchemy import text

from abstractor.registry.chain import audited_tables
from abstractor.registry.engine import Registry


def past_the_program(registry: Registry, *statements: str) -> None:
    """As somebody does who owns the database: without the guards."""
    sqlite = registry.engine.dialect.name == "sqlite"
    with registry.write() as connection:
        tables = (*audited_tables(), "audit")
        if sqlite:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        else:
            for table in tables:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.exec_driver_sql(statement)
