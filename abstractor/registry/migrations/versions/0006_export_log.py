"""The log of exports: append-only."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('export_log',
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('export_id', sa.String(), nullable=False),
    sa.Column('exported_by', sa.String(), nullable=False),
    sa.Column('exported_at', sa.String(), nullable=False),
    sa.Column('profile', sa.String(), nullable=False),
    sa.Column('format', sa.String(), nullable=False),
    sa.Column('rows', sa.JSON(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('sequence'),
    sa.UniqueConstraint('export_id')
    )
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE TRIGGER export_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON export_log "
            "FOR EACH STATEMENT EXECUTE FUNCTION decision_append_only()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    op.execute(f"CREATE TRIGGER export_log_no_update BEFORE UPDATE ON export_log {refuse}")
    op.execute(f"CREATE TRIGGER export_log_no_delete BEFORE DELETE ON export_log {refuse}")
    op.execute(
        "CREATE TRIGGER export_log_no_replace BEFORE INSERT ON export_log WHEN EXISTS "
        f"(SELECT 1 FROM export_log WHERE sequence = NEW.sequence OR export_id = NEW.export_id) {refuse}"
    )
