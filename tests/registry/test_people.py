"""Who may do what: the matrix of DOMAIN §5, asked of the functions that write and read, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from registry_copies import copied

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import NotAllowed, RegistryError
from abstractor.model.note import Note
from abstractor.registry import people
from abstractor.registry.activity import item_counts
from abstractor.registry.assignments import claim_next
from abstractor.registry.decisions import case_of, decisions_of, record, record_all
from abstractor.registry.drafts import drafts_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.exportlog import exports, log_export
from abstractor.registry.findings import findings_of
from abstractor.registry.judgements import rule_records
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes, note_text, notes_of, whole_note
from abstractor.registry.people import require_power
from abstractor.registry.people_changes import add_person, break_glass, disable, enable, grant, revoke
from abstractor.registry.policy import set_idle_limit, standing
from abstractor.registry.quality import (
    Sample,
    Step,
    add_differences,
    add_sample,
    drawn_decisions,
    inbox,
    mark_read,
    settle,
    take_step,
)
from abstractor.registry.readings import Reading, ReadingLog, add_reading
from abstractor.registry.roles import roles
from abstractor.registry.search import search_notes
from abstractor.registry.signatures import sign, signatures, unlock
from abstractor.registry.suggestions import suggestions_of
from abstractor.registry.verify import verify_chain, verify_notes
from abstractor.registry.worklist import worklist
from tests.conftest import Clock

if TYPE_CHECKING:
    from postgres_server import Databases

AT = "2024-05-01T08:00:00.000+00:00"
ROLES = (
    "abstractor",
    "second_reader",
    "adjudicator",
    "pi",
    "data_manager",
    "statistician",
    "rule_author",
    "admin",
    "auditor",
)


@dataclass(frozen=True)
class Office:
    """A registry with one person in each role, called as the role is, and one patient."""

    registry: Registry
    decide: Callable[..., Decision]

    def as_(self, who: str) -> Registry:
        self.registry.login = who
        return self.registry

    def act(self, action: str, who: str) -> None:
        registry, me = self.as_(who), who
        decision = self.decide(decided_by=me, decided_at=AT)
        step = Step(f"s-{me}-{action}", "audit", "sample", str(ROLES.index(me) + 1), "agree", me, AT)
        actions: dict[str, Callable[[], object]] = {
            "see the worklist": lambda: worklist(registry, me),
            "read a note": lambda: (note_text(registry, "N1"), whole_note(registry, notes_of(registry, "P1")[0])),
            "search the notes": lambda: search_notes(registry, "P1", "stage"),
            "read findings": lambda: (findings_of(registry, "P1"), suggestions_of(registry, "P1")),
            "take a patient": lambda: claim(registry, "P1", me),
            "claim from the pool": lambda: claim_next(registry, me, 1),
            "decide": lambda: record(registry, decision, seen=0),
            "read again": lambda: self.reading(me).record(replace(decision, patient_id="P2"), seen=0),
            "judge an audit": lambda: take_step(registry, step, seen=0),
            "draw a sample": lambda: add_sample(registry, Sample(me, "facts", 1, {}, 0, me, (), me, AT), ()),
            "settle a difference": lambda: settle(
                registry, replace(step, kind="difference", scope=me), decision, (), seen=99
            ),
            "ask a query": lambda: take_step(registry, Step(f"q-{me}", "query", me, me, "ask", me, AT), seen=0),
            "release rules": lambda: take_step(registry, Step(f"r-{me}", "release", me, me, "release", me, AT), seen=0),
            "load notes": lambda: add_notes(registry, [Note(f"N-{me}", "Later.", "P1", "2024-04-01", "clinic")], "t"),
            "import facts": lambda: record_all(registry, [self.decide(action="import", source="import")]),
            "export identified": lambda: self.export("identified", me),
            "export limited": lambda: self.export("limited", me),
            "export de-identified": lambda: self.export("deidentified", me),
            "report on identified patients": lambda: require_power(registry, "read_facts"),
            "read the history": lambda: require_power(registry, "read_history"),
            "check that it is whole": lambda: (verify_chain(registry), verify_notes(registry)),
            "see who decided what": lambda: (case_of(registry, "P1"), drawn_decisions(registry, "none")),
            "see signatures": lambda: signatures(registry, "P1"),
            "queue differences": lambda: add_differences(registry, ()),
            "read the log of exports": lambda: exports(registry),
            "set the idle limit": lambda: set_idle_limit(registry, 7),
            "see how rules do": lambda: (rule_records(registry), item_counts(registry)),
            "read one's own inbox": lambda: inbox(registry, me),
            "back up": lambda: require_power(registry, "backup"),
            "add a person": lambda: add_person(registry, f"new-{me}", ["abstractor"]),
            "break the glass": lambda: break_glass(registry, "the disk failed"),
        }
        actions[action]()

    def export(self, profile: str, me: str) -> None:
        log_export(
            self.registry, f"{profile}-{me}", user=me, profile=profile, format_name="redcap", rows={}, sha256="0"
        )

    def reading(self, me: str) -> ReadingLog:
        mine = Reading(f"reading-{me}", "P2", me, True, "", "pi", AT)
        self.as_("pi")
        add_reading(self.registry, mine)
        return ReadingLog(self.as_(me), mine)


MATRIX = {
    "see the worklist": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "read a note": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "search the notes": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "read findings": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "take a patient": {"abstractor"},
    "claim from the pool": {"abstractor"},
    "decide": {"abstractor"},
    "read again": {"second_reader"},
    "judge an audit": {"second_reader", "adjudicator", "pi"},
    "draw a sample": {"pi", "data_manager"},
    "settle a difference": {"adjudicator"},
    "ask a query": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager"},
    "release rules": {"pi"},
    "load notes": {"data_manager"},
    "import facts": {"data_manager"},
    "export identified": {"data_manager"},
    "export limited": {"pi", "data_manager"},
    "export de-identified": {"pi", "data_manager", "statistician"},
    "report on identified patients": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "read the history": {"abstractor", "adjudicator", "pi", "data_manager", "auditor"},
    "check that it is whole": {"pi", "data_manager", "admin", "auditor"},
    "see who decided what": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "see signatures": {"abstractor", "second_reader", "adjudicator", "pi", "data_manager", "auditor"},
    "queue differences": {"second_reader", "adjudicator", "pi", "data_manager"},
    "read the log of exports": {"abstractor", "adjudicator", "pi", "data_manager", "auditor"},
    "set the idle limit": {"admin"},
    "see how rules do": set(ROLES),
    "read one's own inbox": set(ROLES),
    "back up": {"data_manager", "admin"},
    "add a person": {"admin"},
    "break the glass": {"admin"},
}
"""Written down here a second time, so that a change of the rules' file is noticed."""


def staffed(name: str) -> None:
    """Puts two notes and the people into an empty registry."""
    registry = open_registry(name)
    notes = [Note(f"N{one}", "Limited stage disease.", f"P{one}", "2024-03-01", "clinic") for one in (1, 2)]
    add_notes(registry, notes, "test")
    registry.login = "admin"
    for role in ("admin", *(one for one in ROLES if one != "admin")):
        add_person(registry, role, [role])
    registry.close()


@pytest.fixture(scope="session")
def staffed_file(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = copied(empty_registry_file, tmp_path_factory.mktemp("staffed") / "staffed.db")
    staffed(str(path))
    return path


@pytest.fixture(scope="session")
def staffed_postgres(postgres: "Databases", empty_postgres_registry: str) -> str:
    url = postgres.create(empty_postgres_registry)
    staffed(url)
    return url


def decide(action: str = "accept", slot: str = "stage.valg", **other: object) -> Decision:
    """A decision on P1 with an id of its own."""
    values: dict[str, object] = {
        "decided_by": "abstractor",
        "decided_at": AT,
        "field": slot,
        "value": "limited",
        **other,
    }
    return Decision(str(uuid4()), "P1", slot, Action(action), **values)  # type: ignore[arg-type]


@contextmanager
def office_on(database: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Office]:
    if database == "sqlite":
        name = str(copied(request.getfixturevalue("staffed_file"), folder / "study.db"))
    else:
        name = request.getfixturevalue("postgres").create(request.getfixturevalue("staffed_postgres"))
    registry = open_registry(name)
    registry.server_time = False
    yield Office(registry, decide)
    registry.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    with office_on(request.param, request, tmp_path) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def busy_office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all actions of the matrix, in their order: what one of them leaves behind stands in no other's way."""
    with office_on(request.param, request, tmp_path_factory.mktemp("busy")) as made:
        yield made


@pytest.mark.parametrize("action", MATRIX)
def test_each_role_may_do_what_the_matrix_says_and_nothing_else(busy_office: Office, action: str) -> None:
    allowed = set()
    for who in ROLES:
        with suppress(NotAllowed):
            busy_office.act(action, who)
            allowed.add(who)
    assert allowed == MATRIX[action]


def test_every_role_of_the_rules_is_in_the_matrix() -> None:
    assert set(roles().role) == set(ROLES)


def test_what_is_refused_leaves_nothing_behind(office: Office) -> None:
    with pytest.raises(NotAllowed, match="auditor may not decide on a patient"):
        office.act("decide", "auditor")
    assert decisions_of(office.registry, "P1") == ()


def test_a_registry_without_people_asks_nobody(with_note: Registry, decide: Callable[..., Decision]) -> None:
    with_note.login = "whoever"
    assert note_text(with_note, "N1") == "Limited stage disease."
    assert record(with_note, decide(decided_by="somebody"), seen=0).sequence > 0
    assert people.acting_person(with_note, "somebody") is None


def test_nobody_writes_in_the_name_of_another(office: Office) -> None:
    registry = office.as_("abstractor")
    with pytest.raises(NotAllowed, match="you are abstractor here and can't act as pi"):
        record(registry, office.decide(decided_by="pi"), seen=0)
    with pytest.raises(NotAllowed, match="goes by the login"):
        people.acting_person(registry, "pi")


def test_a_login_that_is_no_persons_may_do_nothing(office: Office) -> None:
    with pytest.raises(NotAllowed, match="is no person of this registry"):
        note_text(office.as_("stranger"), "N1")


def test_who_is_at_work_is_told_by_the_server_or_the_system_not_by_the_environment(
    with_note: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    with with_note.read() as connection:
        told = people.session_login(with_note, connection)
    assert told != "somebody-else"
    if with_note.engine.dialect.name == "sqlite":
        assert told == people.system_login()
    assert add_person(with_note, told, ["admin"]).login == told


def test_the_first_person_is_who_adds_them_and_administers(registry: Registry) -> None:
    registry.login = "mortiz"
    for name, role in (("rchen", "admin"), ("mortiz", "abstractor")):
        with pytest.raises(RegistryError, match="the first person must be you"):
            add_person(registry, name, [role])
    add_person(registry, "mortiz", ["admin", "data_manager"])
    assert [one.name for one in people.people(registry)] == ["mortiz"]


def test_roles_that_must_stay_apart_do_not_meet_in_one_person(office: Office) -> None:
    registry = office.as_("admin")
    for name, role in (("pi", "abstractor"), ("abstractor", "pi"), ("statistician", "data_manager"), ("auditor", "pi")):
        with pytest.raises(RegistryError, match="one person can't be"):
            grant(registry, name, role)
    assert grant(registry, "abstractor", "second_reader").roles == {"abstractor", "second_reader"}


def test_somebody_always_administers_and_nobody_raises_themselves(office: Office) -> None:
    registry = office.as_("admin")
    with pytest.raises(RegistryError, match="nobody would administer"):
        revoke(registry, "admin", "admin")
    with pytest.raises(RegistryError, match="nobody would administer"):
        disable(registry, "admin")
    with pytest.raises(NotAllowed, match="nobody gives a role to themselves"):
        grant(registry, "admin", "data_manager")


def test_who_is_barred_or_loses_a_role_stops_at_once_and_may_come_back(office: Office) -> None:
    office.act("read a note", "abstractor")
    disable(office.as_("admin"), "abstractor", "left")
    with pytest.raises(NotAllowed, match="was barred"):
        office.act("read a note", "abstractor")
    enable(office.as_("admin"), "abstractor")
    revoke(office.as_("admin"), "abstractor", "abstractor")
    with pytest.raises(NotAllowed, match="no role"):
        office.act("read a note", "abstractor")


def test_a_name_and_a_login_are_one_persons_for_good(office: Office) -> None:
    registry = office.as_("admin")
    disable(registry, "abstractor", "left")
    with pytest.raises(RegistryError, match="is a person here already"):
        add_person(registry, "abstractor", ["abstractor"])
    with pytest.raises(RegistryError, match="one login is one person"):
        add_person(registry, "another", ["abstractor"], login="pi")
    for name in ("", "system", "a\nb"):
        with pytest.raises(RegistryError, match="printable"):
            add_person(registry, name, ["abstractor"])


def test_broken_glass_lets_an_administrator_read_for_an_hour_and_stands_in_the_trail(
    office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "utc_now", clock)
    with pytest.raises(NotAllowed):
        office.act("read a note", "admin")
    with pytest.raises(RegistryError, match="needs a reason"):
        break_glass(office.as_("admin"), " ")
    until = break_glass(office.as_("admin"), "restoring after the disk failed", clock)
    office.act("read a note", "admin")
    with pytest.raises(NotAllowed):
        office.act("decide", "admin")
    clock.now = until
    with pytest.raises(NotAllowed):
        office.act("read a note", "admin")
    last = people.person_events(office.registry)[-1]
    assert (last.kind, last.done_by, last.reason) == ("break_glass", "admin", "restoring after the disk failed")


def test_a_supervisor_by_settings_alone_takes_nothing_over(office: Office) -> None:
    office.registry.login = "admin"
    add_person(office.registry, "second", ["abstractor"])
    claim(office.as_("abstractor"), "P1", "abstractor")
    taken = claim(office.as_("second"), "P1", "second", take_over=True, supervisor=True)
    assert not taken.mine
    assert taken.holder == "abstractor"


def test_changes_to_people_are_only_added(office: Office) -> None:
    for statement in ("UPDATE person_event SET person = 'x'", "DELETE FROM person_event", "DELETE FROM signature"):
        if "signature" in statement:
            record_closed(office)
            sign(office.as_("abstractor"), "P1", "abstracted", "abstractor")
        with pytest.raises(RegistryError, match="can't be changed"), office.registry.write() as connection:
            connection.exec_driver_sql(statement)


def test_nobody_reads_the_inbox_of_another_or_marks_its_letters(office: Office) -> None:
    break_glass(office.as_("admin"), "the disk failed")
    (letter,) = inbox(office.as_("pi"), "pi")
    with pytest.raises(NotAllowed, match="this is pi's alone"):
        inbox(office.as_("auditor"), "pi")
    with pytest.raises(NotAllowed, match="this is pi's alone"):
        mark_read(office.as_("auditor"), letter.message, "pi", AT)
    with pytest.raises(NotAllowed, match="this is abstractor's alone"):
        drafts_of(office.as_("auditor"), "abstractor", "P1")
    assert (letter.kind, letter.sender, letter.patient_id) == ("break_glass", "admin", "")
    assert "the disk failed" in letter.text


def test_the_idle_limit_is_the_registrys_and_every_change_of_it_is_in_the_chain(office: Office) -> None:
    before = standing(office.as_("abstractor"))
    assert before is not None
    assert before.idle_minutes == roles().idle.minutes
    for wrong in (0, -1, 481):
        with pytest.raises(RegistryError, match="1 to 480"):
            set_idle_limit(office.as_("admin"), wrong)
    set_idle_limit(office.as_("admin"), 10)
    set_idle_limit(office.as_("admin"), 5)
    after = standing(office.as_("abstractor"))
    assert after is not None
    assert after.idle_minutes == 5
    assert [one.content for one in people.person_events(office.registry) if one.kind == "policy"] == [
        {"idle_minutes": "10"}, {"idle_minutes": "5"},
    ]  # fmt: skip
    assert verify_chain(office.as_("admin")).faults == []


def test_a_registry_without_people_has_no_limit_and_nobody_stands_anywhere(registry: Registry) -> None:
    assert standing(registry) is None
    with pytest.raises(RegistryError, match="begin with yourself"):
        set_idle_limit(registry, 5)


def record_closed(office: Office) -> None:
    registry = office.as_("abstractor")
    first = record(registry, office.decide(decided_by="abstractor"), seen=0)
    record(registry, office.decide(action="close", slot="", decided_by="abstractor"), seen=first.sequence)


SIGNERS = {
    "abstracted": {"abstractor"},
    "reviewed": {"second_reader", "adjudicator", "pi"},
    "adjudicated": {"adjudicator"},
    "approved": {"pi"},
    "locked": {"pi"},
}


def test_each_signature_is_given_only_by_whose_it_is(office: Office) -> None:
    record_closed(office)
    for meaning in SIGNERS:
        signed = set()
        for who in ROLES:
            if meaning != "abstracted":
                sign(office.as_("abstractor"), "P1", "abstracted", "abstractor")
            with suppress(NotAllowed):
                sign(office.as_(who), "P1", meaning, who)
                signed.add(who)
            if meaning != "abstracted" or who in signed:
                unlock(office.as_("data_manager"), "P1", "data_manager", "next")
        assert signed == SIGNERS[meaning]
