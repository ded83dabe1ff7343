"""Several people: whose patient it is, who took it from whom, when its holder was last active; and counts kept for the worklist."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

_CHANGED = "BEGIN UPDATE patient SET changes = changes + 1 WHERE patient_id = {row}.patient_id; END"
_SQLITE = (
    "CREATE TRIGGER lease_event_no_update BEFORE UPDATE ON lease_event BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    "CREATE TRIGGER lease_event_no_delete BEFORE DELETE ON lease_event BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    "CREATE TRIGGER lease_event_no_replace BEFORE INSERT ON lease_event "
    "WHEN EXISTS (SELECT 1 FROM lease_event WHERE event_key = NEW.event_key) "
    "BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    "CREATE TRIGGER changes_decision AFTER INSERT ON decision " + _CHANGED.format(row="NEW"),
    "CREATE TRIGGER changes_suggestion_in AFTER INSERT ON suggestion " + _CHANGED.format(row="NEW"),
    "CREATE TRIGGER changes_suggestion_out AFTER DELETE ON suggestion " + _CHANGED.format(row="OLD"),
    "CREATE TRIGGER changes_suggestion AFTER UPDATE OF patient_id, slot ON suggestion " + _CHANGED.format(row="NEW"),
    "CREATE TRIGGER changes_note_in AFTER INSERT ON note " + _CHANGED.format(row="NEW"),
    "CREATE TRIGGER changes_note_out AFTER DELETE ON note " + _CHANGED.format(row="OLD"),
    "CREATE TRIGGER changes_note AFTER UPDATE ON note " + _CHANGED.format(row="NEW"),
)
# one UPDATE a statement, not a row: a load of notes must not touch its patient once for each of them
_POSTGRESQL = (
    "CREATE TRIGGER lease_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lease_event "
    "FOR EACH STATEMENT EXECUTE FUNCTION decision_append_only()",
    "CREATE FUNCTION patient_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "UPDATE patient SET changes = changes + 1 WHERE patient_id IN (SELECT patient_id FROM touched); "
    "RETURN NULL; END $$",
    *(
        f"CREATE TRIGGER changes_{table}_{event.lower()} AFTER {event} ON {table} "
        f"REFERENCING {state} TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION patient_changed()"
        for table, event, state in (
            ("decision", "INSERT", "NEW"),
            ("suggestion", "INSERT", "NEW"), ("suggestion", "UPDATE", "NEW"), ("suggestion", "DELETE", "OLD"),
            ("note", "INSERT", "NEW"), ("note", "UPDATE", "NEW"), ("note", "DELETE", "OLD"),
        )
    ),
)


def upgrade() -> None:
    op.add_column('patient', sa.Column('changes', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('lease', sa.Column('active_at', sa.String(), nullable=False, server_default=''))
    op.execute("UPDATE lease SET active_at = since")
    op.create_table('assignment',
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('user_name', sa.String(), nullable=False),
    sa.Column('since', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('patient_id')
    )
    op.create_table('lease_event',
    sa.Column('event_key', sa.Integer(), nullable=False),
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('happened_at', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('taken_by', sa.String(), nullable=False),
    sa.Column('taken_from', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('event_key')
    )
    op.create_index('lease_event_patient', 'lease_event', ['patient_id', 'event_key'])
    op.create_table('tally',
    sa.Column('patient_id', sa.String(), nullable=False),
    sa.Column('changes', sa.Integer(), nullable=False),
    sa.Column('notes', sa.Integer(), nullable=False),
    sa.Column('suggested', sa.Integer(), nullable=False),
    sa.Column('undecided', sa.Integer(), nullable=False),
    sa.Column('conflicts', sa.Integer(), nullable=False),
    sa.Column('deferred', sa.Integer(), nullable=False),
    sa.Column('oldest_note_date', sa.String(), nullable=True),
    sa.Column('newest_note_date', sa.String(), nullable=True),
    sa.Column('waiting_since', sa.String(), nullable=True),
    sa.Column('closed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['patient_id'], ['patient.patient_id'], ),
    sa.PrimaryKeyConstraint('patient_id')
    )
    # counting the notes of 5,000 patients must not read 500,000 rows one by one
    op.drop_index('note_patient', 'note')
    op.create_index('note_patient', 'note', ['patient_id', 'latest', 'note_date', 'ingested_at'])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
