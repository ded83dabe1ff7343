"""What was written stays as it was written, or is found out: on a file and on a server, by whoever can write them past the program."""

import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from sqlalchemy import inspect, select, text
from tampering import past_the_program

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note
from abstractor.registry.chain import audited_tables, entry_hash, head, reference, row_hash
from abstractor.registry.decisions import decisions_of, record, record_all
from abstractor.registry.engine import Registry
from abstractor.registry.exportlog import log_export
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.quality import Difference, Sample, SampleItem, Step, add_differences, add_sample, take_step
from abstractor.registry.readings import Reading, ReadingLog, add_reading
from abstractor.registry.tables import AuditRow, Base
from abstractor.registry.verify import Anchor, verify_chain
from tests.conftest import Clock

REGISTRIES = ("sqlite", "postgresql", "encrypted")

WHEN = "2024-05-01T08:00:00.000+00:00"


def entries(registry: Registry) -> list[tuple[int, str, str, str]]:
    with registry.read() as connection:
        found = connection.execute(
            select(AuditRow.sequence, AuditRow.who, AuditRow.kind, AuditRow.ref).order_by(AuditRow.sequence)
        )
        return [tuple(row) for row in found]  # type: ignore[misc]


def first_fault(registry: Registry, *anchors: Anchor) -> str:
    return verify_chain(registry, anchors).faults[0]


@pytest.fixture
def five(with_note: Registry, decide: Callable[..., Decision]) -> Registry:
    """Five decisions, so that there is a middle and an end."""
    for number in range(1, 6):
        record(with_note, decide(slot=f"s{number}", action_id=f"d{number}", value=f"v{number}"), seen=10**6)
    return with_note


def test_a_chain_that_nobody_touched_is_whole(five: Registry) -> None:
    found = verify_chain(five)
    assert found.faults == []
    assert found.entries == 5
    assert entries(five)[0] == (1, "mortiz", "decision", "[1]")


def test_an_empty_registry_has_an_empty_chain(registry: Registry) -> None:
    found = verify_chain(registry)
    assert (found.entries, found.head, found.faults) == (0, "", [])


def test_hashes_are_spelled_as_they_always_were() -> None:
    """The bytes that are hashed, written out: a registry of any year must verify. Keys sorted, blanks left out, ASCII."""
    row = {
        "sequence": 7,
        "value": "é\x7f\0\u2028",
        "date": None,
        "n": 2.5,
        "flag": True,
        "attributes": {"b": [1, None], "a": "x"},
    }
    spelled = (
        '{"attributes":{"a":"x","b":[1,null]},"flag":true,"n":2.5,"sequence":7,"value":"\\u00e9\\u007f\\u0000\\u2028"}'
    )
    assert row_hash(row) == sha256(spelled.encode("ascii")).hexdigest()
    entry = {
        "sequence": 2, "entered_at": WHEN, "who": "rené", "kind": "decision", "ref": reference([7]), "row_sha256": "ab",
        "previous": "cd",
    }  # fmt: skip
    spelled = f'[2,"{WHEN}","ren\\u00e9","decision","[7]","ab","cd"]'
    assert entry_hash(entry) == sha256(spelled.encode("ascii")).hexdigest()


@pytest.mark.parametrize(
    ("key", "spelled"), [([7], "[7]"), (["s", 1], '["s",1]'), (['é"'], '["\\u00e9\\""]'), ([True], "[true]")]
)
def test_a_reference_is_a_json_list(key: list[object], spelled: str) -> None:
    assert reference(key) == spelled


def test_many_rows_written_at_once_are_chained_as_if_one_by_one(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    """More than fit into one statement of either database."""
    record_all(with_note, [decide(slot=f"s{number}", action_id=f"d{number}") for number in range(1, 2302)])
    found = verify_chain(with_note)
    assert (found.entries, found.faults) == (2301, [])
    made = decisions_of(with_note, "P1")
    assert [one.action_id for one in made] == [f"d{number}" for number in range(1, 2302)]
    assert entries(with_note)[-1][1:] == ("mortiz", "decision", f"[{made[-1].sequence}]")
    past_the_program(with_note, f"UPDATE decision SET value = 'other' WHERE sequence = {made[1700].sequence}")  # noqa: S608
    assert first_fault(with_note).startswith(f"entry 1701 (decision [{made[1700].sequence}]")


def test_a_row_put_in_while_many_are_written_is_found_behind_them(
    five: Registry, decide: Callable[..., Decision]
) -> None:
    """What comes while the chain is read has entries behind its end, however much it is; a forged row has none."""
    columns = ", ".join(
        column.name
        for column in Base.metadata.tables["decision"].columns
        if column.name not in ("sequence", "action_id")
    )

    def others_write(_done: int, _all: int | None) -> None:
        record_all(five, [decide(slot=f"t{number}") for number in range(1200)])
        forged = f"INSERT INTO decision (sequence, action_id, {columns}) SELECT 5000, 'forged', {columns} FROM decision WHERE sequence = 1"  # noqa: S608
        past_the_program(five, forged)

    found = verify_chain(five, tick=others_write)
    assert found.faults == ["decision [5000]: has no entry in the chain: the row was not written by this program"]


def test_a_changed_row_is_found(five: Registry) -> None:
    past_the_program(five, "UPDATE decision SET value = 'other' WHERE action_id = 'd3'")
    line = first_fault(five)
    assert line.startswith("entry 3 (decision [3], mortiz")
    assert line.endswith("its row was changed after it was written")


def test_a_value_that_was_blanked_is_found(five: Registry, decide: Callable[..., Decision]) -> None:
    record(five, decide(slot="s6", date="2024-03"), seen=10**6)
    past_the_program(five, "UPDATE decision SET date = NULL WHERE sequence = 6")
    assert "entry 6" in first_fault(five)


def test_a_deleted_row_is_found(five: Registry) -> None:
    past_the_program(five, "DELETE FROM decision WHERE action_id = 'd2'")
    assert first_fault(five).startswith("entry 2 ")
    assert "its row was deleted" in first_fault(five)


def test_a_row_deleted_with_its_entry_is_found(five: Registry) -> None:
    past_the_program(five, "DELETE FROM decision WHERE action_id = 'd2'", "DELETE FROM audit WHERE sequence = 2")
    assert first_fault(five) == "entry 2: is missing from the chain"


def test_two_exchanged_rows_are_found(five: Registry) -> None:
    past_the_program(
        five,
        "UPDATE decision SET sequence = 99 WHERE sequence = 2",
        "UPDATE decision SET sequence = 2 WHERE sequence = 4",
        "UPDATE decision SET sequence = 4 WHERE sequence = 99",
    )
    assert [line.split(" ")[1] for line in verify_chain(five).faults] == ["2", "4"]


def test_two_exchanged_entries_are_found(five: Registry) -> None:
    past_the_program(
        five,
        "UPDATE audit SET sequence = 99 WHERE sequence = 2",
        "UPDATE audit SET sequence = 2 WHERE sequence = 4",
        "UPDATE audit SET sequence = 4 WHERE sequence = 99",
    )
    assert "does not follow the entry before it" in first_fault(five)


def test_an_inserted_row_is_found(five: Registry) -> None:
    columns = ", ".join(
        column.name
        for column in Base.metadata.tables["decision"].columns
        if column.name not in ("sequence", "action_id")
    )
    past_the_program(
        five,
        f"INSERT INTO decision (sequence, action_id, {columns}) SELECT 50, 'forged', {columns} FROM decision WHERE sequence = 1",  # noqa: S608
    )
    assert first_fault(five) == "decision [50]: has no entry in the chain: the row was not written by this program"


def test_an_entry_made_to_fit_a_changed_row_is_found(five: Registry) -> None:
    past_the_program(five, "UPDATE audit SET who = 'somebody' WHERE sequence = 3")
    assert "the entry was changed after it was written" in first_fault(five)


@pytest.mark.parametrize("ref", ["[null]", "x", "[[3]]", "{}", "[]"])
def test_an_entry_that_names_no_row_is_found_and_breaks_nothing(five: Registry, ref: str) -> None:
    past_the_program(five, f"UPDATE audit SET ref = '{ref}' WHERE sequence = 3")  # noqa: S608
    assert first_fault(five).startswith("entry 3 ")


def test_a_cut_end_is_found_by_a_head_that_was_kept_elsewhere(five: Registry) -> None:
    with five.read() as connection:
        anchor = Anchor(*head(connection), WHEN)
    past_the_program(five, "DELETE FROM decision WHERE sequence > 3", "DELETE FROM audit WHERE sequence > 3")
    assert verify_chain(five).faults == []
    assert (
        first_fault(five, anchor)
        == "entry 5: is missing, though it stood on 2024-05-01: the end of the chain was cut off"
    )


def test_a_chain_written_anew_is_found_by_a_head_that_was_kept_elsewhere(
    five: Registry, decide: Callable[..., Decision]
) -> None:
    with five.read() as connection:
        anchor = Anchor(*head(connection), WHEN)
    past_the_program(five, "DELETE FROM decision WHERE sequence > 3", "DELETE FROM audit WHERE sequence > 3")
    record(five, decide(slot="s4", action_id="forged", value="other"), seen=10**6)
    record(five, decide(slot="s5", action_id="d5", value="v5"), seen=10**6)
    assert verify_chain(five).faults == []
    assert "entry 5: is not the one that the anchor of 2024-05-01 knows" in first_fault(five, anchor)


def test_an_older_head_still_fits_when_the_chain_has_grown(five: Registry, decide: Callable[..., Decision]) -> None:
    with five.read() as connection:
        anchor = Anchor(*head(connection), WHEN)
    record(five, decide(slot="s6"), seen=10**6)
    assert verify_chain(five, [anchor]).faults == []


# What enters, and what does not


def test_every_kind_of_work_enters_the_chain_with_who_did_it(with_decision: Registry, clock: Clock) -> None:
    registry = with_decision
    claim(registry, "P1", "ana", clock=clock)
    clock.forward(minutes=60)
    claim(registry, "P1", "ben", take_over=True, clock=clock)
    add_sample(
        registry,
        Sample("s", "facts", 1, {"n": 1}, 1, "f", ({"name": "all", "share": 0.1},), "lead", WHEN),
        [SampleItem("s", 1, "P1", "stage.valg", "first", "stage.valg", "all")],
    )
    take_step(registry, Step("e1", "audit", "s", "1", "agree", "lead", WHEN, {"note": "é", "share": 0.3}), seen=0)
    reading = add_reading(registry, Reading("r1", "P1", "zoe", True, "", "lead", WHEN))
    second = Decision("z1", "P1", "s", decisions_of(registry, "P1")[0].action, "zoe", WHEN)
    ReadingLog(registry, reading).record(second, seen=0)
    one = Difference("x", "r1", "P1", "s", "f", "value", False, "mortiz", "zoe", None, {"value": "2", "n": 1.5}, WHEN)
    add_differences(registry, [one])
    log_export(registry, "x1", user="lead", profile="p", format_name="omop", rows={"a.csv": 3}, sha256="0")
    assert [(who, kind) for _, who, kind, _ in entries(registry)] == [
        ("mortiz", "decision"),
        ("ben", "lease_event"),
        ("ben", "lease_event"),
        ("lead", "quality_sample"),
        ("", "quality_item"),
        ("lead", "quality_event"),
        ("lead", "quality_reading"),
        ("", "reading_decision"),
        ("", "quality_difference"),
        ("lead", "export_log"),
    ]
    assert verify_chain(registry).faults == []


def test_every_table_that_is_only_added_to_is_audited_and_the_chain_guards_itself(registry: Registry) -> None:
    sqlite = registry.engine.dialect.name == "sqlite"
    question = (
        "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%append-only%'"
        if sqlite
        else "SELECT DISTINCT event_object_table FROM information_schema.triggers WHERE trigger_name LIKE '%append_only'"
    )
    with registry.read() as connection:
        guarded = set(connection.execute(text(question)).scalars())
    assert guarded == {*audited_tables(), "audit"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT 1, entered_at, 'x', kind, ref, row_sha256, previous, hash FROM audit WHERE sequence = 2",
    ],
)
def test_the_chain_refuses_to_be_changed(five: Registry, statement: str) -> None:
    with pytest.raises(RegistryError), five.write() as connection:
        connection.exec_driver_sql(statement)
    assert verify_chain(five).faults == []


def test_a_replacing_insert_does_not_get_past_the_guards(five: Registry) -> None:
    if five.engine.dialect.name != "sqlite":
        pytest.skip("REPLACE is SQLite's")
    whole = "SELECT sequence, entered_at, 'x', kind, ref, row_sha256, previous, hash FROM audit WHERE sequence = 2"
    with pytest.raises(RegistryError), five.write() as connection:
        connection.exec_driver_sql(f"INSERT OR REPLACE INTO audit {whole}")
    assert verify_chain(five).faults == []


def test_a_step_that_fails_leaves_neither_row_nor_entry(five: Registry, decide: Callable[..., Decision]) -> None:
    with pytest.raises(RegistryError):
        record_all(five, [decide(slot="s7"), decide(patient_id="nobody")])
    record(five, decide(slot="s8"), seen=10**6)
    assert [ref for _, _, _, ref in entries(five)][-1] == json.dumps([decisions_of(five, "P1")[-1].sequence])
    assert verify_chain(five).faults == []


def test_text_that_databases_find_hard_is_entered_as_it_is_read_back(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    hard = decide(reason="a\0b\x10c\u2028é😀", attributes={"doses": (1, 2.5), "no": None, "text": "\0"}, value="x\0")
    record(with_note, hard, seen=0)
    assert verify_chain(with_note).faults == []


def test_what_the_program_does_by_itself_is_entered_too(with_decision: Registry) -> None:
    add_notes(with_decision, [Note("N1", "Extensive stage disease.", "P1", "2024-03-01", "clinic")], "test")
    assert verify_chain(with_decision).faults == []


def test_the_chain_is_a_table_of_the_registry(registry: Registry) -> None:
    with registry.read() as connection:
        assert inspect(connection).has_table("audit")
