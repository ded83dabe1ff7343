"""Statistics: counted from one's own decisions and keys, hand-worked examples; nobody sees another person's pace."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.decision import Action, Decision
from abstractor.registry.activity import Step, item_counts, last_sequence, own_steps
from abstractor.registry.decisions import record_all
from abstractor.review.statistics import ItemRates, minutes_left, own_rates, rates, sessions, tally
from abstractor.tui.screens.statistics import StatisticsScreen


def step(
    number: int, second: float, action: Action = Action.ACCEPT, field: str = "ki67", undoes: str | None = None
) -> Step:
    minutes, rest = divmod(second, 60)
    hours, minutes = divmod(int(minutes), 60)
    when = f"2024-03-01T{8 + hours:02d}:{minutes:02d}:{rest:06.3f}+00:00"
    return Step(number, f"a{number}", action, field, when, undoes, offered=True)


def test_a_session_worked_out_by_hand():
    found = tally(
        [
            step(1, 0),
            step(2, 4),
            step(3, 10, Action.REJECT),
            step(4, 12, Action.UNDO, undoes="a3"),
            step(5, 20, Action.EDIT),
            step(6, 30, Action.DEFER),
        ],
        keys=12,
    )
    assert found.decided == 3  # 1, 2 and 5; 3 was taken back, 6 leaves its row open
    assert found.steps == 4
    assert found.undone == 1
    assert found.undo_share == 0.25
    assert found.keys_per_fact == 4
    assert found.median_seconds == 6  # 4, 6 and 8 before the decisions 2, 3 and 5
    assert found.facts_per_hour == 3600 * 3 / 30


def test_what_was_done_again_counts():
    found = tally([step(1, 0), step(2, 1, Action.UNDO, undoes="a1"), step(3, 2, Action.REDO, undoes="a1")])
    assert found.decided == 1


def test_of_nothing_nothing_is_told():
    empty = tally([], keys=5)
    assert (empty.decided, empty.median_seconds, empty.facts_per_hour, empty.undo_share, empty.keys_per_fact) == (
        0, None, None, None, None,
    )  # fmt: skip


def test_a_break_of_more_than_half_an_hour_begins_another_session():
    steps = [step(1, 0), step(2, 1800), step(3, 1800 + 1801)]
    assert [len(one) for one in sessions(steps)] == [2, 1]


@given(st.lists(st.floats(0, 40_000), max_size=30))
def test_sessions_lose_no_step_and_keep_their_order(seconds):
    steps = [step(number, second) for number, second in enumerate(sorted(seconds))]
    assert [one for session in sessions(steps) for one in session] == steps


@given(st.lists(st.tuples(st.floats(0, 40_000), st.sampled_from(list(Action))), max_size=30))
def test_shares_stay_between_nothing_and_all_even_where_a_clock_was_set_back(spans):
    found = tally([step(number, second, action) for number, (second, action) in enumerate(spans)])
    assert found.seconds >= 0
    assert found.median_seconds is None or found.median_seconds >= 0
    assert found.decided <= found.steps


def test_rates_of_items_come_with_the_most_decided_first_and_leave_deferrals_out():
    found = rates(
        {
            "ki67": {Action.ACCEPT: 6, Action.EDIT: 2, Action.PICK: 1, Action.REJECT: 1, Action.DEFER: 9},
            "histology": {Action.ACCEPT: 20, Action.ADD: 5},
            "sex": {Action.DEFER: 3},
        }
    )
    assert found == (ItemRates("histology", 20, 0, 0, 5), ItemRates("ki67", 6, 3, 1, 0))
    assert found[1].share(found[1].accepted) == 0.6


def test_time_left_is_told_at_the_median_pace_and_not_guessed_without_one():
    assert minutes_left(30, 4.0) == 2
    assert minutes_left(30, None) is None


@pytest.fixture
def by_two(registry):
    """Ann accepts three times and is undone once, Bob rejects twice, an import adds one."""
    numbers = count(1)

    def made(user: str, action: Action, **more) -> Decision:
        number = next(numbers)
        values = {
            "action_id": f"d{number}",
            "patient_id": "TOUR-01",
            "slot": f"ki67#{number}",
            "action": action,
            "decided_by": user,
            "decided_at": f"2024-02-01T08:00:{number:02d}.000+00:00",
            "field": "ki67",
            "value": "secret",
        }
        return Decision(**(values | more))

    record_all(
        registry,
        [
            made("ann", Action.ACCEPT),
            made("ann", Action.ACCEPT),
            made("bob", Action.REJECT),
            made("ann", Action.ACCEPT),
            made("ann", Action.UNDO, undoes="d4", slot="ki67#4"),
            made("bob", Action.REJECT),
            made("imp", Action.IMPORT, source="import"),
        ],
    )
    return registry


def test_the_log_gives_a_person_their_own_steps_only_and_no_value_of_any(by_two):
    steps = own_steps(by_two, "ann")
    assert [one.action for one in steps] == [Action.ACCEPT, Action.ACCEPT, Action.ACCEPT, Action.UNDO]
    assert not any("secret" in str(one) for one in steps)
    assert tally(steps).decided == 2
    assert own_rates(own_steps(by_two, "bob")) == (ItemRates("ki67", 0, 0, 2, 0),)
    assert own_steps(by_two, "nobody") == ()


def test_items_are_counted_over_everybody_and_without_imports(by_two):
    assert rates(item_counts(by_two)) == (ItemRates("ki67", 3, 0, 2, 0),)


def test_the_place_in_the_log_is_that_of_the_last_decision(registry, by_two):
    assert last_sequence(by_two) == 7


async def test_the_screen_counts_the_decisions_and_keys_of_this_run(opened, by_two):
    async with opened(size=(80, 50)) as hand:
        await hand.go("ki67")
        await hand.press("a", "a", "g", "s")
        await hand.settle()
        assert isinstance(hand.screen, StatisticsScreen)
        painted = hand.painted()
        now = hand.screen.reading.now
        assert now.decided == 2
        assert now.keys == 4
        assert "keys per fact    2.00" in painted
        assert "ann   seen by you only" in painted
        assert f"patient TOUR-01              {len(hand.session.blocking):>6} facts" in painted
        assert "bob" not in painted


async def test_sessions_before_this_one_are_listed_without_keys(opened, by_two):
    async with opened(size=(80, 50)) as hand:
        await hand.press("g", "s")
        await hand.settle()
        assert "Nothing decided yet." in hand.painted()
        assert [one.decided for one in hand.screen.reading.earlier] == [2]
        assert "2024-02-01 08:00" in hand.painted()


async def test_items_show_everybody_together_beside_ones_own(opened, by_two):
    async with opened(size=(120, 50)) as hand:
        await hand.press("g", "s")
        await hand.settle()
        line = next(one for one in hand.painted().split("\n") if "Ki-67" in one)
        assert line.split()[2:8] == ["5", "60", "%", "0", "%", "40"]
        assert line.split()[-3:] == ["3", "100", "%"]


async def test_keys_typed_into_a_field_count_too(opened):
    async with opened() as hand:
        before = hand.app.keys_pressed
        await hand.press("c")
        await hand.type("ab")
        await hand.press("escape")
        assert hand.app.keys_pressed - before == 4
