"""Alembic's entry: every migration runs in one transaction, on SQLite too (BEGIN IMMEDIATE, see `engine.py`)."""

from alembic import context

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


migrate()
