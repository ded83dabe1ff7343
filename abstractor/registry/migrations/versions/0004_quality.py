"""Quality assurance: samples, judgements and every other step, second readings, differences for adjudication, the inbox."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_APPEND_ONLY = {
    "quality_sample": "name = NEW.name",
    "quality_item": "sample = NEW.sample AND place = NEW.place",
    "quality_event": "sequence = NEW.sequence OR event_id = NEW.event_id",
    "quality_reading": "reading = NEW.reading",
    "reading_decision": "sequence = NEW.sequence OR action_id = NEW.action_id",
    "quality_difference": "difference = NEW.difference",
}


def upgrade() -> None:
    op.create_table('quality_sample',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('seed', sa.Integer(), nullable=False),
    sa.Column('plan', sa.JSON(), nullable=False),
    sa.Column('frame_size', sa.Integer(), nullable=False),
    sa.Column('frame_hash', sa.String(), nullable=False),
    sa.Column('strata', sa.JSON(), nullable=False),
    sa.Column('drawn_by', sa.String(), nullable=False),
    sa.Column('drawn_at', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('quality_item',
    sa.Column('sample', sa.String(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('action_id', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('stratum', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['sample'], ['quality_sample.name'], ),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('sample', 'place')
    )
    op.create_table('quality_event',
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('done_by', sa.String(), nullable=False),
    sa.Column('done_at', sa.String(), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('sequence'),
    sa.UniqueConstraint('event_id')
    )
    op.create_index('quality_event_scope', 'quality_event', ['kind', 'scope', 'sequence'])
    op.create_table('quality_reading',
    sa.Column('reading', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('reader', sa.String(), nullable=False),
    sa.Column('suggesting', sa.Boolean(), nullable=False),
    sa.Column('sample', sa.String(), nullable=False),
    sa.Column('assigned_by', sa.String(), nullable=False),
    sa.Column('assigned_at', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('reading')
    )
    op.create_table('reading_decision',
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('reading', sa.String(), nullable=False),
    sa.Column('action_id', sa.String(), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['reading'], ['quality_reading.reading'], ),
    sa.PrimaryKeyConstraint('sequence'),
    sa.UniqueConstraint('action_id')
    )
    op.create_index('reading_decision_reading', 'reading_decision', ['reading', 'sequence'])
    op.create_table('quality_difference',
    sa.Column('difference', sa.String(), nullable=False),
    sa.Column('origin', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('swapped', sa.Boolean(), nullable=False),
    sa.Column('first_by', sa.String(), nullable=False),
    sa.Column('second_by', sa.String(), nullable=False),
    sa.Column('first', sa.JSON(), nullable=True),
    sa.Column('second', sa.JSON(), nullable=True),
    sa.Column('queued_at', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('difference')
    )
    op.create_index('quality_difference_origin', 'quality_difference', ['origin'])
    op.create_table('message',
    sa.Column('message', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('sent_at', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('about', sa.String(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('read_at', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('message')
    )
    op.create_index('message_recipient', 'message', ['recipient', 'sent_at'])
    for table, same in _APPEND_ONLY.items():
        _guard(table, same)


def _guard(table: str, same: str) -> None:
    """Rows are added, and never changed, deleted or written over."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION decision_append_only()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}"
    )
