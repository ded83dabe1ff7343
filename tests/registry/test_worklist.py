"""The worklist counts what is left to decide."""

from collections.abc import Callable

import pytest

from abstractor.model.decision import Decision
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Suggestion
from abstractor.registry.decisions import record, record_all
from abstractor.registry.engine import Registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.registry.tally import keep, tallies
from abstractor.registry.worklist import WorklistRow, keep_counts, read_worklist, worklist
from tests.conftest import Clock


def suggested(slot: str, value: str, patient_id: str = "P1") -> Suggestion:
    return Suggestion(patient_id, slot, slot.split(":")[0], value, Assertion.PRESENT, attributes={"a": [1, "é"]})


@pytest.fixture
def asked(registry: Registry) -> Registry:
    """P1 with four questions, one of them a conflict of two values; P2 with a note and nothing to decide."""
    notes = [
        Note("N1", "a", "P1", "2024-03-01"),
        Note("N2", "b", "P1", "2023-11-30"),
        Note("N3", "c", "P2"),
    ]
    add_notes(registry, notes, "test")
    replace_suggestions(
        registry,
        "P1",
        [
            suggested("stage.valg", "limited"),
            suggested("stage.valg", "extensive"),
            suggested("histology", "small_cell"),
            suggested("metastasis:liver", "liver"),
            suggested("metastasis:bone", "bone"),
        ],
    )
    return registry


def row_of(registry: Registry, patient_id: str = "P1") -> WorklistRow:
    return next(row for row in worklist(registry, "mortiz") if row.patient_id == patient_id)


def test_questions_are_counted_not_values(asked: Registry) -> None:
    row = row_of(asked)
    assert (row.notes, row.suggested, row.undecided, row.conflicts, row.deferred) == (2, 4, 4, 1, 0)
    assert (row.oldest_note_date, row.newest_note_date) == ("2023-11-30", "2024-03-01")
    assert not row.closed


def test_a_decision_settles_a_question_and_a_deferral_does_not(
    asked: Registry, decide: Callable[..., Decision]
) -> None:
    record_all(asked, [decide(slot="stage.valg", action="pick"), decide(slot="histology", action="defer")])
    row = row_of(asked)
    assert (row.undecided, row.conflicts, row.deferred) == (3, 0, 1)


def test_an_undone_decision_is_left_to_decide_again(asked: Registry, decide: Callable[..., Decision]) -> None:
    said = decide(slot="stage.valg")
    record_all(asked, [said, decide(slot="stage.valg", action="undo", undoes=said.action_id)])
    assert row_of(asked).undecided == 4


def test_what_is_to_be_rechecked_is_left_to_decide(asked: Registry, decide: Callable[..., Decision]) -> None:
    record_all(asked, [decide(slot="stage.valg"), decide(slot="stage.valg", action="recheck", source="system")])
    assert row_of(asked).undecided == 4


def test_facts_without_a_suggestion_are_not_counted_as_decided_suggestions(
    asked: Registry, decide: Callable[..., Decision]
) -> None:
    record(asked, decide(slot="sex", action="add"), seen=0)
    assert (row_of(asked).suggested, row_of(asked).undecided) == (4, 4)


def test_patients_with_work_come_first_mine_before_others_closed_ones_last(
    asked: Registry, decide: Callable[..., Decision], clock: Clock
) -> None:
    add_notes(asked, [Note("N4", "d", "P3"), Note("N5", "e", "P0")], "test")
    replace_suggestions(asked, "P3", [suggested("histology", "small_cell", "P3")])
    record(asked, decide("P0", slot="", action="close"), seen=0)
    claim(asked, "P3", "mortiz", clock=clock)
    rows = worklist(asked, "mortiz", clock)
    assert [row.patient_id for row in rows] == ["P3", "P1", "P2", "P0"]
    assert rows[-1].closed


def test_new_suggestions_take_the_place_of_the_old_ones_and_touch_no_decision(
    asked: Registry, decide: Callable[..., Decision]
) -> None:
    record(asked, decide(slot="stage.valg"), seen=0)
    replace_suggestions(asked, "P1", [suggested("stage.valg", "extensive")])
    assert [one.value for one in suggestions_of(asked, "P1")] == ["extensive"]
    assert suggestions_of(asked, "P1")[0].attributes == {"a": [1, "é"]}
    assert (row_of(asked).suggested, row_of(asked).undecided) == (1, 0)


def test_an_empty_registry_has_an_empty_worklist(registry: Registry) -> None:
    assert worklist(registry, "mortiz") == ()


def test_counts_that_are_kept_are_those_that_would_be_counted(asked: Registry, decide: Callable[..., Decision]) -> None:
    """After each step the kept counts are older than the truth, and must not be believed."""
    said = decide(slot="stage.valg", action="pick")
    steps: list[Callable[[], object]] = [
        lambda: record(asked, said, seen=0),
        lambda: record(asked, decide(slot="histology", action="defer"), seen=0),
        lambda: record(asked, decide(slot="stage.valg", action="undo", undoes=said.action_id), seen=10**9),
        lambda: add_notes(asked, [Note("N4", "d", "P1", "2020-01-01")], "test"),
        lambda: add_notes(asked, [Note("N1", "changed", "P1", "2024-03-01")], "test"),
        lambda: replace_suggestions(asked, "P1", [suggested("histology", "small_cell")]),
        lambda: record(asked, decide("P2", slot="", action="close"), seen=0),
        lambda: record(asked, decide("P2", slot="", action="reopen"), seen=10**9),
        lambda: replace_suggestions(asked, "P1", []),
    ]
    for step in steps:
        keep_all(asked)
        assert read_worklist(asked, "mortiz").counted == ()
        step()
        believed = read_worklist(asked, "mortiz").rows
        forget(asked)
        assert believed == read_worklist(asked, "mortiz").rows


def keep_all(registry: Registry) -> None:
    with registry.write() as connection:
        keep(connection, tallies(connection)[1])


def forget(registry: Registry) -> None:
    with registry.write() as connection:
        connection.exec_driver_sql("DELETE FROM tally")


def test_counts_made_while_somebody_decides_are_not_believed_later(
    asked: Registry, decide: Callable[..., Decision]
) -> None:
    """The decision comes between the counting and the keeping."""
    with asked.read() as connection:
        _, counted = tallies(connection)
    record(asked, decide(slot="histology"), seen=0)
    with asked.write() as connection:
        keep(connection, counted)
    assert row_of(asked).undecided == 3


def test_many_counts_are_kept_and_few_are_not_worth_a_write(registry: Registry) -> None:
    add_notes(registry, [Note(f"N{number}", "x", f"P{number:03d}") for number in range(100)], "test")
    keep_counts(registry, read_worklist(registry, "mortiz"))
    assert read_worklist(registry, "mortiz").counted == ()
    add_notes(registry, [Note("M", "x", "P001")], "test")
    for _ in range(2):
        read = read_worklist(registry, "mortiz")
        assert [one.patient_id for one in read.counted] == ["P001"]
        keep_counts(registry, read)


def test_a_patient_waits_since_its_first_note_came_in_or_the_first_after_it_was_closed(
    registry: Registry, decide: Callable[..., Decision]
) -> None:
    def arrives(note_id: str, day: int) -> None:
        add_notes(registry, [Note(note_id, note_id, "P1")], "test", lambda: f"2024-05-{day:02d}T08:00:00.000+00:00")

    arrives("N1", 1)
    arrives("N2", 3)
    replace_suggestions(registry, "P1", [suggested("histology", "small_cell")])
    now = "2024-05-21T09:00:00.000+00:00"
    assert row_of(registry).waiting_days(now) == 20
    record(registry, decide(slot="", action="close", decided_at="2024-05-04T08:00:00.000+00:00"), seen=0)
    assert row_of(registry).waiting_days(now) is None
    arrives("N3", 11)
    record(registry, decide(slot="", action="reopen", decided_at="2024-05-12T08:00:00.000+00:00"), seen=10**9)
    assert row_of(registry).waiting_days(now) == 10


def test_ones_own_work_comes_first_then_the_pool_then_that_of_others(asked: Registry, clock: Clock) -> None:
    add_notes(asked, [Note("N4", "d", "P3"), Note("N5", "e", "P4")], "test")
    for one in ("P2", "P3", "P4"):
        replace_suggestions(asked, one, [suggested("histology", "small_cell", one)])
    claim(asked, "P1", "kbauer", clock=clock)
    claim(asked, "P4", "mortiz", clock=clock)
    clock.forward(hours=1)
    assert [row.patient_id for row in worklist(asked, "mortiz", clock)] == ["P4", "P2", "P3", "P1"]
