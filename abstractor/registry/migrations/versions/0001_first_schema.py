"""First schema: notes with versions, findings, suggestions, append-only decisions, leases and drafts."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None

_SQLITE = (
    "CREATE TRIGGER decision_no_update BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    "CREATE TRIGGER decision_no_delete BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    # INSERT OR REPLACE would delete the row that stands without firing the DELETE trigger under default settings
    "CREATE TRIGGER decision_no_replace BEFORE INSERT ON decision "
    "WHEN EXISTS (SELECT 1 FROM decision WHERE sequence = NEW.sequence OR action_id = NEW.action_id) "
    "BEGIN SELECT RAISE(ABORT, 'append-only'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION decision_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$",
    "CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision "
    "FOR EACH STATEMENT EXECUTE FUNCTION decision_append_only()",
)
depends_on = None


def upgrade() -> None:
    op.create_table('draft',
    sa.Column('user_name', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('user_name', 'patient_id', 'slot')
    )
    op.create_table('patient',
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('patient_id')
    )
    op.create_table('decision',
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('assertion', sa.String(), nullable=False),
    sa.Column('date', sa.String(), nullable=True),
    sa.Column('end_date', sa.String(), nullable=True),
    sa.Column('attributes', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('undoes', sa.String(), nullable=True),
    sa.Column('offered', sa.Text(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('rulebook', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('sequence'),
    sa.UniqueConstraint('action_id')
    )
    op.create_index('decision_patient', 'decision', ['patient_id', 'sequence'])

    op.create_table('lease',
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('holder', sa.String(), nullable=False),
    sa.Column('since', sa.String(), nullable=False),
    sa.Column('until', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('patient_id')
    )
    op.create_table('note',
    sa.Column('note_key', sa.Integer(), nullable=False),
    sa.Column('note_id', sa.String(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('latest', sa.Boolean(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('note_date', sa.String(), nullable=True),
    sa.Column('note_type', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('length', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('ingested_at', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('note_key'),
    sa.UniqueConstraint('note_id', 'version')
    )
    op.create_index('note_patient', 'note', ['patient_id', 'latest'])

    op.create_table('suggestion',
    sa.Column('suggestion_key', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('assertion', sa.String(), nullable=False),
    sa.Column('date', sa.String(), nullable=True),
    sa.Column('end_date', sa.String(), nullable=True),
    sa.Column('attributes', sa.JSON(), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.Column('origin', sa.String(), nullable=False),
    sa.Column('rulebook', sa.String(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('suggestion_key'),
    sa.UniqueConstraint('patient_id', 'slot', 'value', 'assertion')
    )
    op.create_table('annotation',
    sa.Column('note_key', sa.Integer(), nullable=False),
    sa.Column('rulebook', sa.String(), nullable=False),
    sa.Column('engine', sa.String(), nullable=False),
    sa.Column('annotated_at', sa.String(), nullable=False),
    sa.Column('findings', sa.Integer(), nullable=False),
    sa.Column('fault', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['note_key'], ['note.note_key'], ),
    sa.PrimaryKeyConstraint('note_key', 'rulebook')
    )
    op.create_table('finding',
    sa.Column('finding_key', sa.Integer(), nullable=False),
    sa.Column('note_key', sa.Integer(), nullable=False),
    sa.Column('rulebook', sa.String(), nullable=False),
    sa.Column('field', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('assertion', sa.String(), nullable=False),
    sa.Column('start_offset', sa.Integer(), nullable=False),
    sa.Column('end_offset', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('section', sa.String(), nullable=True),
    sa.Column('date', sa.String(), nullable=True),
    sa.Column('date_precision', sa.String(), nullable=True),
    sa.Column('date_source', sa.String(), nullable=True),
    sa.Column('attributes', sa.JSON(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.ForeignKeyConstraint(['note_key'], ['note.note_key'], ),
    sa.PrimaryKeyConstraint('finding_key')
    )
    op.create_index('finding_note', 'finding', ['note_key'])

    op.create_table('note_text',
    sa.Column('note_key', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['note_key'], ['note.note_key'], ),
    sa.PrimaryKeyConstraint('note_key')
    )
    _guard_decisions()


def _guard_decisions() -> None:
    statements = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        op.execute(statement)
