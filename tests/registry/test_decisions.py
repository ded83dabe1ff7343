"""Decisions are only ever added, one at a time, by somebody who saw the ones before."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import case_of, decisions_of, record, record_all
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes

REGISTRIES = ("sqlite", "postgresql", "encrypted")

COLUMNS = (
    "patient_id, slot, action, 'eve', decided_at, field, 'extensive', assertion, date, end_date, attributes, evidence, source, "
    "reason, undoes, offered, rule, rulebook FROM decision"
)
CHANGES = {
    "sqlite": (
        "UPDATE decision SET value = 'extensive'",
        "UPDATE OR REPLACE decision SET sequence = 99",
        "DELETE FROM decision",
        "INSERT OR REPLACE INTO decision SELECT * FROM decision",
        "INSERT OR IGNORE INTO decision SELECT * FROM decision",
        f"REPLACE INTO decision SELECT 77, action_id, {COLUMNS}",
    ),
    "postgresql": (
        "UPDATE decision SET value = 'extensive'",
        "DELETE FROM decision",
        "TRUNCATE decision CASCADE",
        f"INSERT INTO decision SELECT 77, action_id, {COLUMNS} ON CONFLICT (action_id) DO UPDATE SET value = 'extensive'",
        "MERGE INTO decision d USING patient p ON d.patient_id = p.patient_id WHEN MATCHED THEN UPDATE SET value = 'x'",
    ),
}


def test_a_decision_can_not_be_changed_through_the_registry(with_decision: Registry) -> None:
    before = decisions_of(with_decision, "P1")
    for statement in CHANGES[with_decision.engine.dialect.name]:
        with pytest.raises(RegistryError, match="can't be changed or deleted"), with_decision.write() as connection:
            connection.execute(text(statement))
    assert decisions_of(with_decision, "P1") == before


def test_a_decision_can_not_be_changed_by_another_program_with_its_own_settings(
    registry_file: Path, decide: Callable[..., Decision]
) -> None:
    registry = open_registry(str(registry_file))
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1")], "test")
    record(registry, decide(), seen=0)
    before = decisions_of(registry, "P1")
    with closing(sqlite3.connect(registry_file)) as other:
        for statement in CHANGES["sqlite"]:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)
            other.rollback()
    assert decisions_of(registry, "P1") == before
    registry.close()


def test_two_windows_of_one_person_do_not_overwrite_each_other(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    """The second window has not seen what the first one did with this row."""
    record(with_note, decide(value="limited"), seen=0)
    with pytest.raises(StaleCase, match="what you have not seen"):
        record(with_note, decide(value="extensive"), seen=0)
    assert [one.value for one in decisions_of(with_note, "P1")] == ["limited"]
    assert record(with_note, decide(slot="histology", value="small_cell"), seen=0).sequence == 2


def test_a_decision_comes_back_with_everything_it_said(with_note: Registry, decide: Callable[..., Decision]) -> None:
    evidence = Evidence("N1", 0, 7, "Limited", "ab" * 32, "2024-03-01", "clinic", "impression", "stage.ld", 0.9, True)
    said = decide(
        action="edit",
        slot="stage.valg",
        assertion=Assertion.ABSENT,
        date="2024-03",
        end_date="2024-04-01",
        attributes={"prefix": "c", "drugs": ["carboplatin", "étoposide"], "dose_gy": 45.5, "vus": True},
        evidence=(evidence,),
        reason="two readers \x00 agree \U0001f9ec",
        offered="limited | extensive",
        rule="stage.ld",
        rulebook="0123",
        undoes=None,
    )
    saved = record(with_note, said, seen=0)
    assert saved.sequence == 1
    assert decisions_of(with_note, "P1") == (saved,)
    assert saved == Decision(**{**{name: getattr(said, name) for name in said.__slots__}, "sequence": 1})


def test_the_same_action_written_twice_is_one_decision(with_note: Registry, decide: Callable[..., Decision]) -> None:
    said = decide()
    first = record(with_note, said, seen=0)
    assert record(with_note, said, seen=0) == first
    assert decisions_of(with_note, "P1") == (first,)


def test_many_at_once_leave_out_what_stands_already(with_note: Registry, decide: Callable[..., Decision]) -> None:
    said = [decide(slot=f"metastasis:{site}") for site in ("liver", "bone", "brain")]
    record(with_note, said[0], seen=0)
    assert record_all(with_note, [*said, said[2]]) == 2
    assert record_all(with_note, said) == 0
    assert len(case_of(with_note, "P1").facts) == 3


def test_who_has_not_seen_anothers_decision_is_refused_and_nothing_is_written(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    seen = case_of(with_note, "P1").version
    record(with_note, decide(decided_by="kbauer"), seen=seen)
    with pytest.raises(StaleCase, match="kbauer") as error:
        record(with_note, decide(), seen=seen)
    assert "\n" not in str(error.value)
    assert len(decisions_of(with_note, "P1")) == 1
    record(with_note, decide(), seen=case_of(with_note, "P1").version)
    assert len(decisions_of(with_note, "P1")) == 2


def test_ones_own_decisions_and_those_on_other_patients_are_no_obstacle(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    record_all(with_note, [decide("P2", action="import", decided_by="kbauer")])
    record(with_note, decide(), seen=0)
    record(with_note, decide(slot="histology"), seen=0)
    assert len(decisions_of(with_note, "P1")) == 2


def test_a_repeated_action_is_no_stale_one(with_note: Registry, decide: Callable[..., Decision]) -> None:
    """The answer was lost on the way, somebody else went on, and the client tries again."""
    said = decide()
    record(with_note, said, seen=0)
    record(with_note, decide(decided_by="kbauer"), seen=1)
    assert record(with_note, said, seen=0).sequence == 1


def test_only_an_import_may_bring_a_new_patient(registry: Registry, decide: Callable[..., Decision]) -> None:
    with pytest.raises(RegistryError, match="patient P7: not in this registry"):
        record(registry, decide("P7"), seen=0)
    record(registry, decide("P7", action="import"), seen=0)
    assert len(case_of(registry, "P7").facts) == 1


def test_an_import_that_fails_in_the_middle_leaves_nothing(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    with pytest.raises(RegistryError, match="patient P9"):
        record_all(with_note, [decide(), decide("P9")])
    assert decisions_of(with_note, "P1") == ()


def test_half_a_surrogate_pair_in_a_reason_is_refused_without_its_words(
    with_note: Registry, decide: Callable[..., Decision]
) -> None:
    with pytest.raises(RegistryError, match="surrogate") as error:
        record(with_note, decide(reason="Smith \ud800"), seen=0)
    assert "Smith" not in str(error.value)
    assert decisions_of(with_note, "P1") == ()
