"""What holds of a patient is nothing but the fold of what was decided."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.case import Case, fold
from abstractor.model.decision import STATING, Action, Decision

SLOTS = ("stage.valg", "metastasis:liver", "response@2024-03-01")
FORWARD = tuple(action for action in Action if action not in {Action.UNDO, Action.REDO})
"""What is not a step back or forth itself."""
REVERSIBLE = tuple(action for action in FORWARD if action not in {Action.CLOSE, Action.REOPEN, Action.RECHECK})


def decision(number: int, action: Action = Action.ACCEPT, slot: str = "stage.valg", **other: object) -> Decision:
    given_values = {"field": slot, "value": f"value {number}", **other}
    return Decision(
        action_id=f"a{number}",
        patient_id="P1",
        slot=slot,
        action=action,
        decided_by="mortiz",
        decided_at="2024-05-01T08:00:00.000+00:00",
        sequence=number,
        **given_values,
    )


def undo(number: int, of: Decision) -> Decision:
    return decision(number, Action.UNDO, of.slot, undoes=of.action_id)


def redo(number: int, of: Decision) -> Decision:
    return decision(number, Action.REDO, of.slot, undoes=of.action_id)


def meaning(case: Case) -> tuple[object, ...]:
    """A case without its version and what can be redone: what a person sees."""
    return case.current, case.comments, case.recheck, case.closed, case.undoable


@st.composite
def histories(draw: st.DrawFn, actions: tuple[Action, ...] = FORWARD) -> list[Decision]:
    steps = draw(st.lists(st.tuples(st.sampled_from(actions), st.sampled_from(SLOTS)), max_size=12))
    return [
        decision(number, action, "" if action in {Action.CLOSE, Action.REOPEN} else slot)
        for number, (action, slot) in enumerate(steps, 1)
    ]


def test_a_patient_without_decisions_has_an_empty_case() -> None:
    assert fold("P1", []) == Case("P1")


def test_the_later_decision_on_a_slot_holds() -> None:
    case = fold("P1", [decision(1), decision(2, Action.EDIT)])
    assert case.current["stage.valg"].value == "value 2"
    assert [fact.value for fact in case.facts] == ["value 2"]


def test_only_stating_actions_make_a_fact() -> None:
    for number, action in enumerate(REVERSIBLE, 1):
        facts = fold("P1", [decision(number, action)]).facts
        assert bool(facts) == (action in STATING), action


def test_a_fact_carries_everything_its_decision_says() -> None:
    said = decision(
        1, Action.EDIT, field="stage.valg", value="limited", date="2024", end_date="2025", attributes={"prefix": "c"}
    )
    (fact,) = fold("P1", [said]).facts
    assert (fact.field, fact.value, fact.date, fact.end_date, fact.attributes) == (
        "stage.valg",
        "limited",
        "2024",
        "2025",
        {"prefix": "c"},
    )
    assert (fact.decided_by, fact.action_id, fact.slot) == ("mortiz", "a1", "stage.valg")


def test_a_rejection_takes_a_fact_away_and_its_undo_brings_it_back() -> None:
    accepted, rejected = decision(1), decision(2, Action.REJECT)
    assert fold("P1", [accepted, rejected]).facts == ()
    assert [fact.value for fact in fold("P1", [accepted, rejected, undo(3, rejected)]).facts] == ["value 1"]


def test_undone_decisions_come_back_in_reverse_order() -> None:
    first, second = decision(1), decision(2, slot="metastasis:liver")
    steps = [first, second, undo(3, second), undo(4, first)]
    case = fold("P1", steps)
    assert [one.action_id for one in case.redoable] == ["a2", "a1"]
    case = fold("P1", [*steps, redo(5, first)])
    assert list(case.current) == ["stage.valg"]
    assert [one.action_id for one in case.redoable] == ["a2"]


def test_a_new_decision_empties_what_can_be_redone_but_the_systems_question_does_not() -> None:
    first = decision(1)
    other = decision(3, slot="metastasis:liver")
    assert fold("P1", [first, undo(2, first), other]).redoable == ()
    asked = decision(3, Action.RECHECK, source="system")
    assert fold("P1", [first, undo(2, first), asked]).redoable == (first,)


def test_an_undo_of_something_unknown_or_undone_already_changes_nothing() -> None:
    first = decision(1)
    twice = fold("P1", [first, undo(2, first), undo(3, first)])
    assert twice.current == {}
    assert twice.redoable == (first,)
    stray = replace(undo(2, first), undoes="never seen")
    assert meaning(fold("P1", [first, stray])) == meaning(fold("P1", [first]))


def test_a_changed_note_asks_again_without_touching_the_decision() -> None:
    first, asked = decision(1), decision(2, Action.RECHECK)
    case = fold("P1", [first, asked])
    assert case.recheck == {"stage.valg"}
    assert case.current["stage.valg"] is first


def test_deciding_again_settles_the_recheck_and_undoing_that_asks_again() -> None:
    again = decision(3)
    steps = [decision(1), decision(2, Action.RECHECK), again]
    assert fold("P1", steps).recheck == frozenset()
    assert fold("P1", [*steps, undo(4, again)]).recheck == {"stage.valg"}


def test_an_undecided_slot_is_never_to_be_rechecked() -> None:
    assert fold("P1", [decision(1, Action.RECHECK)]).recheck == frozenset()


def test_a_closed_case_can_be_reopened_and_undo_does_not_reach_behind_the_closing() -> None:
    steps = [decision(1), decision(2, Action.CLOSE, "")]
    assert fold("P1", steps).closed
    assert fold("P1", steps).undoable == ()
    reopened = fold("P1", [*steps, decision(3, Action.REOPEN, "")])
    assert not reopened.closed
    assert reopened.undoable == ()
    assert reopened.current["stage.valg"].value == "value 1"


def test_comments_add_up_and_decide_nothing() -> None:
    said = [decision(1, Action.COMMENT, reason="ask Dr B"), decision(2, Action.COMMENT, reason="asked")]
    case = fold("P1", said)
    assert [one.reason for one in case.comments["stage.valg"]] == ["ask Dr B", "asked"]
    assert case.current == {}


def test_the_version_is_the_newest_sequence_whatever_was_undone() -> None:
    first = decision(7)
    assert fold("P1", [first, undo(9, first)]).version == 9


@given(histories(), st.sampled_from(REVERSIBLE), st.sampled_from(SLOTS))
def test_undoing_the_last_decision_gives_the_case_before_it(history: list[Decision], action: Action, slot: str) -> None:
    last = decision(100, action, slot)
    assert meaning(fold("P1", [*history, last, undo(101, last)])) == meaning(fold("P1", history))


@given(histories(), st.sampled_from(REVERSIBLE), st.sampled_from(SLOTS))
def test_redoing_what_was_undone_gives_the_case_before_the_undo(
    history: list[Decision], action: Action, slot: str
) -> None:
    last = decision(100, action, slot)
    back = [*history, last, undo(101, last), redo(102, last)]
    assert meaning(fold("P1", back)) == meaning(fold("P1", [*history, last]))


@given(histories(REVERSIBLE))
def test_undoing_everything_leaves_an_empty_case(history: list[Decision]) -> None:
    steps = list(history)
    while undoable := fold("P1", steps).undoable:
        steps.append(undo(100 + len(steps), undoable[-1]))
    assert meaning(fold("P1", steps)) == meaning(Case("P1"))
    assert {one.action_id for one in fold("P1", steps).redoable} == {one.action_id for one in history}


@given(histories())
def test_facts_are_the_stating_decisions_that_hold(history: list[Decision]) -> None:
    case = fold("P1", history)
    assert {fact.action_id for fact in case.facts} == {
        one.action_id for one in case.current.values() if one.action in STATING
    }
    assert [fact.slot for fact in case.facts] == sorted(fact.slot for fact in case.facts)
