"""People with their roles, and the signatures of patients: append-only both."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('person_event',
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.String(), nullable=False),
    sa.Column('person', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('done_by', sa.String(), nullable=False),
    sa.Column('done_at', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('sequence'),
    sa.UniqueConstraint('event_id')
    )
    op.create_table('signature',
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('signature_id', sa.String(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('meaning', sa.String(), nullable=False),
    sa.Column('signed_by', sa.String(), nullable=False),
    sa.Column('printed_name', sa.String(), nullable=False),
    sa.Column('signed_at', sa.String(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('sequence'),
    sa.UniqueConstraint('signature_id')
    )
    op.create_index('signature_patient', 'signature', ['patient_id', 'sequence'])
    _guard('person_event', 'sequence = NEW.sequence OR event_id = NEW.event_id')
    _guard('signature', 'sequence = NEW.sequence OR signature_id = NEW.signature_id')


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
