"""Patients whose suggestions are older than what is known of them: an interrupted annotation is finished by the next one."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('patient', sa.Column('suggestions_due', sa.Boolean(), nullable=False, server_default=sa.true()))
