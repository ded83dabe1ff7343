"""The log of exports: who took what out, when, and under which profile. It is only ever added to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from abstractor.registry.chain import append_row
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.people import require
from abstractor.registry.tables import ExportRow


@dataclass(frozen=True, slots=True)
class Exported:
    """One export. Nothing of a patient stands here, and not where it was written to."""

    export_id: str
    exported_by: str
    exported_at: str
    """UTC, ISO 8601."""
    profile: str
    format: str
    rows: Mapping[str, int]
    """File to its rows."""
    sha256: str
    """Over the names and hashes of all files."""


def log_export(
    registry: Registry,
    export_id: str,
    *,
    user: str,
    profile: str,
    format_name: str,
    rows: Mapping[str, int],
    sha256: str,
    clock: Callable[[], str] = utc_now,
) -> Exported:
    """Commits an entry; it stands when this returns. The same id twice is one entry.

    Raises:
        RegistryError: it could not be saved; then nothing may leave.
    """
    entry = Exported(export_id, user, clock(), profile, format_name, dict(rows), sha256)
    values = {
        "export_id": entry.export_id,
        "exported_by": entry.exported_by,
        "exported_at": entry.exported_at,
        "profile": entry.profile,
        "format": entry.format,
        "rows": dict(entry.rows),
        "sha256": entry.sha256,
    }

    def work(connection: Connection) -> None:
        require(registry, connection, f"export_{profile}", user)
        if connection.execute(select(ExportRow.sequence).where(ExportRow.export_id == export_id)).first() is None:
            append_row(connection, ExportRow, values)

    registry.attempt(work)
    return entry


def exports(registry: Registry) -> tuple[Exported, ...]:
    """All exports, oldest first."""
    table = ExportRow
    statement = select(
        table.export_id, table.exported_by, table.exported_at, table.profile, table.format, table.rows, table.sha256
    ).order_by(table.sequence)
    with registry.read() as connection:
        require(registry, connection, "read_history")
        return tuple(Exported(*row) for row in connection.execute(statement))
