"""What `docs/running.md` grants is enough to work, and no more: its SQL is run as it stands there, and people log in as themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from lived_in import live_in
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Suggestion
from abstractor.registry.assignments import claim_next, give_back
from abstractor.registry.chain import audited_tables
from abstractor.registry.drafts import drop_draft
from abstractor.registry.engine import Registry, create_registry, open_registry, upgrade_registry
from abstractor.registry.findings import findings_of, pending, store_findings
from abstractor.registry.leases import release
from abstractor.registry.notes import add_notes, note_text
from abstractor.registry.people import acting_person
from abstractor.registry.people_changes import add_person
from abstractor.registry.quality import inbox, mark_read
from abstractor.registry.suggestions import replace_suggestions, reweigh_suggestions
from abstractor.registry.verify import verify_chain, verify_notes
from abstractor.registry.worklist import count_all, worklist

if TYPE_CHECKING:
    from postgres_server import Databases

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "running.md"
PASSWORD = "as the server asks"  # noqa: S105
ROLES = ("registry_owner", "registry_staff", "registry_readers", "mortiz", "auditor")
MAY_NOT = "this user may not do that"


class Office:
    """A server set up by the guide."""

    def __init__(self, server: "Databases") -> None:
        self.server = server
        self.mark = uuid4().hex[:8]
        self.database = f"abstractor_test_{self.mark}"

    def run(self, block: str, database: str) -> None:
        """Runs a block of the guide, with names that are no other test's, and passwords in case the server asks for them."""
        block = re.sub(r"\b(DATABASE) registry\b", rf'\1 "{self.database}"', block)
        for role in ROLES:
            block = re.sub(rf"\b{role}\b", self.role(role), block)
        lines = [re.sub(r"--.*", "", line) for line in block.splitlines()]
        lines = re.sub(r"\bLOGIN\b", f"LOGIN PASSWORD '{PASSWORD}'", "\n".join(lines)).split(";")
        self.execute(database, *filter(str.strip, lines))

    def execute(self, database: str, *statements: str) -> None:
        """As the administrator of the server."""
        engine = create_engine(
            self.server.server.set(database=database), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def role(self, name: str) -> str:
        return f"{name}_{self.mark}"

    def url(self, role: str) -> str:
        server = self.server.server.set(database=self.database, username=self.role(role), password=PASSWORD)
        return server.render_as_string(hide_password=False)

    def clean(self) -> None:
        """Leaves nothing on the server."""
        drop = f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)'
        roles = (f'DROP ROLE IF EXISTS "{self.role(role)}"' for role in reversed(ROLES))
        self.execute(str(self.server.server.database), drop, *roles)


@pytest.fixture(scope="module")
def office(postgres: "Databases") -> Iterator[Office]:
    made = Office(postgres)
    first, *others = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    try:
        made.run(first, str(postgres.server.database))
    except DBAPIError:  # its first statement
        pytest.skip("the user of ABSTRACTOR_TEST_DB may not create roles")
    create_registry(made.url("registry_owner")).close()
    for block in others:
        made.run(block, made.database)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def mortiz(office: Office) -> Iterator[Registry]:
    """Somebody who works, in a registry where they have written into every table."""
    opened = open_registry(office.url("mortiz"))
    opened.server_time = False
    yield live_in(opened)
    opened.close()


@pytest.fixture(scope="module")
def auditor(office: Office, mortiz: Registry) -> Iterator[Registry]:
    add_person(mortiz, "audrey", ["auditor"], login=office.role("auditor"))
    opened = open_registry(office.url("auditor"))
    yield opened
    opened.close()


def test_who_works_may_do_all_that_the_program_does(mortiz: Registry) -> None:
    add_person(mortiz, "jlind", ["data_manager"])
    mortiz.login = "jlind"
    add_notes(
        mortiz, [Note("N-P2", "Another version.", "P2", "2024-03-01", "clinic"), Note("N7", "New.", "P7")], "test"
    )
    for note in pending(mortiz, "rules-2"):
        store_findings(mortiz, note, [], rulebook="rules-2", engine="test")
    assert findings_of(mortiz, "P2") == ()
    assert reweigh_suggestions(mortiz, lambda _: 0.5, 0.0) > 0
    replace_suggestions(mortiz, "P7", [Suggestion("P7", "histology", "histology", "small_cell", Assertion.PRESENT)])
    mortiz.login = "ann"
    assert claim_next(mortiz, "ann", 1) == ("P7",)
    assert give_back(mortiz, "P7", "ann")
    release(mortiz, "P9", "ann")
    drop_draft(mortiz, "ann", "P1", "histology")
    count_all(mortiz)
    [message] = inbox(mortiz, "ann")
    mark_read(mortiz, message.message, "ann", "2024-05-02T08:00:00.000+00:00")
    assert inbox(mortiz, "ann", unread_only=True) == ()
    assert verify_chain(mortiz).faults == []


@pytest.mark.parametrize("table", [*sorted(audited_tables()), "audit", "note_text"])
def test_nobody_who_works_changes_or_deletes_a_record(mortiz: Registry, table: str) -> None:
    with mortiz.read() as connection:
        column = connection.exec_driver_sql(f"SELECT * FROM {table} LIMIT 0").keys()  # noqa: S608
    changes = (
        f"UPDATE {table} SET {next(iter(column))} = {next(iter(column))}",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        f"TRUNCATE {table}",
    )
    for statement in changes:
        with pytest.raises(RegistryError, match=MAY_NOT), mortiz.write() as connection:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER decision_append_only ON decision",
        "ALTER TABLE decision DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION decision_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TABLE mine (a int)",
        "UPDATE note SET sha256 = 'x'",
        "UPDATE patient SET created_at = 'x'",
        "UPDATE message SET text = 'x'",
        "INSERT INTO alembic_version VALUES ('9999')",
        "DROP TABLE decision",
    ],
)
def test_nobody_who_works_goes_round_the_guards(mortiz: Registry, statement: str) -> None:
    with pytest.raises(RegistryError, match=MAY_NOT), mortiz.write() as connection:
        connection.exec_driver_sql(statement)


def test_who_works_can_not_upgrade(office: Office, mortiz: Registry) -> None:
    with mortiz.read() as connection:
        newest = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    assert upgrade_registry(office.url("mortiz")) == (newest, newest)
    with pytest.raises(RegistryError, match="is a registry already"):
        create_registry(office.url("mortiz"))


def test_an_auditor_reads_and_verifies_by_a_login_of_their_own_and_writes_nothing(auditor: Registry) -> None:
    assert acting_person(auditor) == "audrey"
    assert {row.patient_id for row in worklist(auditor, "audrey")} >= {"P1", "P9"}
    assert "small cell" in note_text(auditor, "N-P1")
    assert verify_chain(auditor).faults == verify_notes(auditor).faults == []
    with pytest.raises(NotAllowed):
        add_notes(auditor, [Note("N0", "text", "P0")], "test")
    with pytest.raises(RegistryError, match=MAY_NOT), auditor.write() as connection:
        connection.exec_driver_sql("INSERT INTO patient (patient_id, created_at) VALUES ('P0', '')")


def test_a_login_without_a_grant_does_not_get_in(office: Office, mortiz: Registry) -> None:
    stranger = f"stranger_{office.mark}"
    office.execute(office.database, f"CREATE ROLE {stranger} LOGIN PASSWORD '{PASSWORD}'")
    url = make_url(mortiz.engine.url).set(username=stranger).render_as_string(hide_password=False)
    try:
        with pytest.raises(RegistryError, match="this user may not use this database"):
            open_registry(url, patience=2)
    finally:
        office.execute(office.database, f"DROP ROLE {stranger}")
