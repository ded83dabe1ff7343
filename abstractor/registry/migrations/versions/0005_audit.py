"""The audit chain over the append-only tables; the rows that stand enter it in the order of their tables and keys."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from abstractor.registry.chain import linked, reference, row_hash
from abstractor.registry.tables import Base

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_STANDING = {
    "decision": "decided_by",
    "lease_event": "taken_by",
    "quality_sample": "drawn_by",
    "quality_item": "",
    "quality_event": "done_by",
    "quality_reading": "assigned_by",
    "reading_decision": "",
    "quality_difference": "",
}
"""Tables that may hold rows by now, and the column that says who."""
_AT_ONCE = 1000


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('sequence', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('entered_at', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('row_sha256', sa.String(), nullable=False),
    sa.Column('previous', sa.String(), nullable=False),
    sa.Column('hash', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('sequence')
    )
    _enter_what_stands()
    _guard()


def _enter_what_stands() -> None:
    sequence, last = 0, ""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    for several in _several(_standing()):
        entries = linked(several, sequence, last, at)
        op.get_bind().execute(sa.insert(Base.metadata.tables["audit"]), entries)
        sequence, last = entries[-1]["sequence"], entries[-1]["hash"]


def _standing() -> Iterator[dict[str, Any]]:
    for kind, by in _STANDING.items():
        table = Base.metadata.tables[kind]
        # a column that a later schema brings is not there yet
        here = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(kind)}
        columns = [column for column in table.columns if column.name in here]
        keys = [column.name for column in table.primary_key.columns]
        for row in op.get_bind().execute(sa.select(*columns).order_by(*table.primary_key.columns)).mappings():
            yield {
                "who": str(row.get(by) or ""),
                "kind": kind,
                "ref": reference(row[name] for name in keys),
                "row_sha256": row_hash(row),
            }


def _several(entries: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while several := list(islice(entries, _AT_ONCE)):
        yield several


def _guard() -> None:
    """Entries are added, each with the number after the last, and never changed, deleted or written over."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION decision_append_only()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    op.execute(f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {refuse}")
    op.execute(f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {refuse}")
    op.execute(
        "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit "
        f"WHEN NEW.sequence <= (SELECT COALESCE(MAX(sequence), 0) FROM audit) {refuse}"
    )
