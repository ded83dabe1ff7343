"""A blind second reading: the review screen, and nothing of the first reader anywhere until it is closed."""

import pytest

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import AbstractorError
from abstractor.quality.desk import open_desk
from abstractor.quality.second_readings import assign
from abstractor.registry.decisions import decisions_of, record
from abstractor.registry.leases import claim
from abstractor.registry.places import place_of
from abstractor.registry.readings import ReadingLog
from abstractor.registry.worklist import worklist
from abstractor.review.session import Session
from abstractor.tui.screens.blind import BlindScreen
from abstractor.tui.screens.history import HistoryScreen
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.screens.worklist import WorklistScreen

OPEN = ("g", "q", "enter")
HIDDEN = "OnlyAnnSaidThis"
"""What only the first reader has said."""


def stated(slot: str, value: str, number: int, action: Action = Action.ADD, reason: str = "") -> Decision:
    return Decision(
        f"s{number}",
        "P1",
        slot,
        action,
        "ann",
        f"2024-04-02T08:00:{number:02d}.000+00:00",
        slot.split("@")[0].split(":")[0],
        value,
        reason=reason,
    )


@pytest.fixture
def reading(abstracted, book):
    """P1 is ann's, with a value and a comment that stand in no note; bea reads it blind."""
    more = [
        stated("", "", 1, Action.REOPEN),
        stated("systemic_therapy:" + HIDDEN, HIDDEN, 2),
        stated("stage.valg", "", 3, Action.COMMENT, HIDDEN),
        stated("", "", 4, Action.CLOSE),
    ]
    for one in more:
        record(abstracted, one, seen=10**9)
    return assign(open_desk(abstracted, book, "quinn"), "P1", "bea", suggesting=True)


@pytest.fixture
def hidden_reading(abstracted, book):
    return assign(open_desk(abstracted, book, "quinn"), "P1", "bea", suggesting=False)


def made(abstracted, reading):
    return ReadingLog(abstracted, reading).decisions_of("P1")


def shows_nothing_of_ann(hand) -> bool:
    told = hand.painted()
    return HIDDEN not in told and "ann " not in told and "ann\n" not in told


async def test_the_desk_opens_the_reading_and_says_that_it_is_blind(at_work, reading):
    async with at_work("bea", *OPEN) as hand:
        assert isinstance(hand.screen, BlindScreen)
        assert "BLIND READING" in hand.line("header")
        assert shows_nothing_of_ann(hand)


async def test_enter_on_the_worklist_opens_the_reading_too(at_work, reading):
    async with at_work("bea") as hand:
        hand.screen.list.go([row.patient_id for row in hand.screen.rows].index("P1"))
        await hand.press("enter")
        assert isinstance(hand.screen, BlindScreen)


async def test_no_row_has_a_decision_of_the_first_reader(at_work, reading):
    async with at_work("bea", *OPEN) as hand:
        assert [row.decision for row in hand.session.rows if row.decision is not None] == []
        assert not any(row.comments for row in hand.session.rows)
        for _ in hand.session.rows:
            assert shows_nothing_of_ann(hand)
            await hand.press("j")


@pytest.mark.both_databases
async def test_decisions_go_to_the_log_of_the_reading_and_never_to_the_registry(at_work, reading, abstracted):
    before = decisions_of(abstracted, "P1")
    async with at_work("bea", *OPEN) as hand:
        await hand.go("stage.valg")
        await hand.press("a")
        assert hand.state("stage.valg") == "+"
        assert [one.value for one in made(abstracted, reading)] == ["limited"]
        assert decisions_of(abstracted, "P1") == before


async def test_suggestions_are_hidden_where_the_protocol_says_so(at_work, hidden_reading):
    async with at_work("bea", *OPEN, size=(160, 50)) as hand:
        assert "no suggestions" in hand.line("header")
        assert not any(row.choices for row in hand.session.rows)
        assert hand.session.row("stage.valg").state == "_"


async def test_the_history_tells_the_readers_own_steps_only(at_work, reading, abstracted):
    claim(abstracted, "P1", "ann")
    async with at_work("bea", *OPEN) as hand:
        await hand.go("stage.valg")
        await hand.press("a", "u", "a")
        await hand.go("stage.valg")
        await hand.press("g", "h")
        assert isinstance(hand.screen, HistoryScreen)
        told = "\n".join(line.plain for line in hand.screen.lines)
        assert "bea" in told
        assert "ann" not in told
        assert HIDDEN not in told


async def test_the_timeline_tells_nothing_of_the_first_reader(at_work, reading):
    async with at_work("bea", *OPEN, "t") as hand:
        assert isinstance(hand.screen, TimelineScreen)
        assert HIDDEN not in {one.value for one in hand.screen.timeline.events}
        assert not any(one.state is not None and one.state.value == "+" for one in hand.screen.timeline.events)


async def test_a_search_finds_words_of_notes_only(at_work, reading):
    async with at_work("bea", *OPEN, "/") as hand:
        await hand.type("/" + HIDDEN)
        await hand.press("enter")
        await hand.settle()
        assert "no match" in hand.line()


@pytest.mark.parametrize("key", ["s", "o"])
async def test_statistics_and_outcomes_are_closed_while_one_reads_blind(at_work, reading, key):
    async with at_work("bea", *OPEN, "g", key) as hand:
        assert isinstance(hand.screen, BlindScreen)
        assert "not during a blind reading" in hand.line()
        await hand.press("g", "q", "g", key)
        assert not type(hand.screen).__name__.startswith(("Statistics", "Outcomes"))


async def test_the_worklist_tells_neither_how_far_the_first_reader_is_nor_who_it_is(at_work, reading, abstracted):
    claim(abstracted, "P1", "ann")
    [row] = [row for row in worklist(abstracted, "bea") if row.patient_id == "P1"]
    assert (row.closed, row.holder, row.assigned, row.undecided, row.in_pool) == (False, None, None, 0, False)
    async with at_work("bea") as hand:
        [line] = [one for one in hand.painted().splitlines() if "P1" in one]
        assert "blind second reading" in line
        assert "ann" not in line
        assert "closed" not in line
    assert [one.closed for one in worklist(abstracted, "quinn") if one.patient_id == "P1"] == [True]


async def test_the_patient_itself_does_not_open_for_the_second_reader_before_the_reading_is_closed(
    at_work, reading, abstracted, book
):
    with pytest.raises(AbstractorError, match="you read it blind"):
        Session(abstracted, book, "P1", "bea", lambda: "2024-05-01T08:00:00.000+00:00")
    async with at_work("bea") as hand:
        hand.screen.list.go([row.patient_id for row in hand.screen.rows].index("P1"))
        await hand.press("v")
        assert isinstance(hand.screen, WorklistScreen)
        assert "you read it blind" in hand.line()
        await hand.press("t")
        assert isinstance(hand.screen, WorklistScreen)
    Session(abstracted, book, "P1", "quinn", lambda: "2024-05-01T08:00:00.000+00:00")


async def test_the_first_reader_may_be_at_it_at_the_same_time_and_neither_is_told(at_work, reading, abstracted):
    claim(abstracted, "P1", "ann")
    async with at_work("bea", *OPEN) as hand:
        await hand.go("stage.valg")
        await hand.press("a")
        assert len(made(abstracted, reading)) == 1
        assert "holds" not in hand.painted()
        await hand.press("!")
        assert "yours alone" in hand.line()
    assert claim(abstracted, "P1", "ann").mine


async def test_where_the_second_reader_was_is_not_remembered_for_the_ordinary_review(at_work, reading, abstracted):
    async with at_work("bea", *OPEN) as hand:
        hand.app.keep_place()
        assert place_of(abstracted, "bea") is None


@pytest.mark.both_databases
async def test_closing_ends_the_reading_and_takes_it_off_the_desk(at_work, reading, abstracted, book):
    async with at_work("bea", *OPEN) as hand:
        for row in hand.session.rows:
            if row.open:
                hand.session.accept(row.slot) if row.choices else hand.session.edit(row.slot, "2024-01-02") if (
                    row.spec.kind == "date"
                ) else hand.session.not_documented(row.slot)
        hand.review.attempt(hand.review._close)
        await hand.settle()
        assert ReadingLog(abstracted, reading).case_of("P1").closed
        assert "nothing waits" in hand.painted()
    Session(abstracted, book, "P1", "bea", lambda: "2024-05-01T08:00:00.000+00:00")


async def test_nobody_is_asked_during_a_blind_reading(at_work, reading):
    async with at_work("bea", *OPEN, "Q") as hand:
        assert "nobody is asked" in hand.line()


async def test_every_screen_of_a_training_copy_says_that_it_is_one(at_work):
    async with at_work("quinn", training=True) as hand:
        assert "TRAINING COPY" in hand.painted()
        await hand.press("v")
        assert "TRAINING COPY" in hand.painted()
        await hand.press("g", "q")
        assert "TRAINING COPY" in hand.painted()
    async with at_work("quinn") as hand:
        assert "TRAINING" not in hand.painted()


async def test_a_row_without_an_answer_says_that_suggestions_are_hidden_and_not_that_nothing_was_found(
    at_work, hidden_reading
):
    async with at_work("bea", *OPEN) as hand:
        await hand.go("stage.valg")
        assert "What the rules found is hidden" in hand.painted()
        assert "Nothing was found" not in hand.painted()
        assert "nothing stated yet" in hand.line("evidence-title")
