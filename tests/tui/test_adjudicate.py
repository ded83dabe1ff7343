"""Adjudication in the interface: two sides without names, the outcome a decision of the registry, both readers told."""

import pytest

from abstractor.model.decision import Action
from abstractor.quality.adjudication import queue_of, queue_reading
from abstractor.quality.desk import open_desk
from abstractor.quality.second_readings import assign, open_reading
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.quality import inbox
from abstractor.tui.screens.adjudicate import AdjudicateScreen
from abstractor.tui.screens.asking import OneOf
from abstractor.tui.screens.quality import QualityScreen

OPEN = ("g", "q", "enter")
CLASS = ("T", "E", "M", "P", "enter")


@pytest.fixture
def queue(abstracted, book):
    """In P1 and P3 bea has seen an extensive stage where the first reader saw a limited one, and no response."""
    quinn = open_desk(abstracted, book, "quinn", lambda: "2024-05-02T08:00:00.000+00:00")
    for patient_id in ("P1", "P3"):
        reading = assign(quinn, patient_id, "bea", suggesting=False)
        session = open_reading(open_desk(abstracted, book, "bea", lambda: "2024-05-01T08:00:00.000+00:00"), reading)
        start = session.notes.text(f"N-{patient_id}").index("small cell")
        session.edit("stage.valg", "extensive", evidence=(session.notes.quote(f"N-{patient_id}", start, start + 10),))
        for row in session.rows:
            if row.open:
                session.edit(row.slot, "2024-01-02") if row.spec.kind == "date" else session.not_documented(row.slot)
        session.close()
        assert queue_reading(quinn, reading, seed=3) > 0
    return quinn


def settled(queue):
    return queue_of(queue).outcomes


async def to_stage(hand):
    hand.screen.go_to(next(key for key, one in hand.screen._questions.items() if one.field == "stage.valg"))
    await hand.settle()


def side_of(hand, value):
    """The key that chooses the side with this value."""
    return next(str(at) for at, one in enumerate(hand.screen.question.sides, 1) if one.value == value)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_both_values_the_suggestion_and_the_words_of_each_are_shown_and_no_name(at_work, queue, size):
    async with at_work("quinn", *OPEN, size=size) as hand:
        assert isinstance(hand.screen, AdjudicateScreen)
        await to_stage(hand)
        told = hand.painted()
        for words in ("Reader L", "Reader R", "NLP", "Limited stage", "Extensive stage", "small cell"):
            assert words in told
        for key in hand.screen.keys:
            hand.screen.go_to(key)
            await hand.settle()
            assert not any(name in hand.painted() for name in ("ann", "bea", "max "))


async def test_the_sides_are_as_stored_each_time(at_work, queue):
    async def sides():
        async with at_work("quinn", *OPEN) as hand:
            return [[side.value for side in one.sides] for one in hand.screen._questions.values()]

    assert await sides() == await sides()


@pytest.mark.both_databases
async def test_a_choice_needs_the_class_of_the_error_and_becomes_the_registrys_value(at_work, queue, abstracted):
    async with at_work("quinn", *OPEN) as hand:
        await to_stage(hand)
        patient_id = hand.screen.question.patient_id
        original = case_of(abstracted, patient_id).current["stage.valg"]
        await hand.press(side_of(hand, "extensive"))
        assert isinstance(hand.screen, OneOf)
        assert settled(queue) == {}
        await hand.press("escape")
        assert settled(queue) == {}
        await hand.press(side_of(hand, "extensive"), *CLASS)
        held = case_of(abstracted, patient_id).current["stage.valg"]
        assert (held.value, held.source, held.decided_by) == ("extensive", "adjudication", "quinn")
        assert held.evidence[0].text == "small cell"
        assert original in decisions_of(abstracted, patient_id)
        assert "1/" in hand.line("header")


async def test_the_next_difference_comes_and_the_settled_one_says_what_holds(at_work, queue):
    async with at_work("quinn", *OPEN) as hand:
        first = hand.screen.key
        await hand.press("1", *CLASS)
        assert hand.screen.key != first
        hand.screen.go_to(first)
        await hand.settle()
        assert "settled:" in hand.painted()
        await hand.press("2")
        assert "is settled" in hand.line()


async def test_both_readers_are_told_and_get_the_note(at_work, queue, abstracted):
    async with at_work("quinn", *OPEN) as hand:
        await to_stage(hand)
        first_reader = case_of(abstracted, hand.screen.question.patient_id).current["stage.valg"].decided_by
        limited = side_of(hand, "limited")
        await hand.press("c")
        await hand.type("see the PET")
        await hand.press("enter", limited, *CLASS)
    for reader in (first_reader, "bea"):
        [message] = inbox(abstracted, reader)
        assert "see the PET" in message.text
        assert message.sender == "quinn"


async def test_a_third_value_is_typed_in_the_form_of_the_field(at_work, queue, abstracted):
    async with at_work("quinn", *OPEN) as hand:
        hand.screen.go_to(next(key for key, one in hand.screen._questions.items() if one.field == "response"))
        await hand.settle()
        patient_id = hand.screen.question.patient_id
        await hand.press("e")
        await hand.type("SD")
        await hand.press("enter", *CLASS)
        held = case_of(abstracted, patient_id).current["response@2024-03-01"]
        assert (held.value, held.action) == ("SD", Action.EDIT)


async def test_what_can_not_be_told_is_stored_as_a_conflict(at_work, queue, abstracted):
    async with at_work("quinn", *OPEN) as hand:
        await to_stage(hand)
        patient_id = hand.screen.question.patient_id
        await hand.press("0", *CLASS)
        held = case_of(abstracted, patient_id).current["stage.valg"]
        assert held.action is Action.NOT_DOCUMENTED
        assert held.attributes["null_flavor"] == "CONF"


async def test_the_meeting_keeps_a_difference_open_with_its_note(at_work, queue):
    async with at_work("quinn", *OPEN) as hand:
        first = hand.screen.key
        await hand.press("d")
        await hand.type("ask radiology")
        await hand.press("enter")
        assert settled(queue) == {}
        assert hand.screen.key != first
        assert "1 to the meeting" in hand.line("header")
        hand.screen.go_to(first)
        await hand.settle()
        assert "for the meeting: ask radiology" in hand.painted()
        await hand.press("1", *CLASS)
        assert first in settled(queue)


async def test_a_reader_is_never_asked_to_settle_their_own_difference(at_work, queue):
    async with at_work("bea", "g", "q") as hand:
        assert isinstance(hand.screen, QualityScreen)
        assert "adjudicate" not in hand.painted()
    async with at_work("ann", *OPEN) as hand:
        assert {one.patient_id for one in hand.screen._questions.values()} == {"P3"}


async def test_nothing_is_settled_that_was_not_on_the_screen_for_a_moment(at_work, queue):
    async with at_work("quinn", *OPEN, dwell_ms=250) as hand:
        await hand.press("1")
        assert "not yet shown" in hand.line()
        assert isinstance(hand.screen, AdjudicateScreen)


async def test_all_settled_says_so_and_leaves_an_empty_desk(at_work, queue):
    async with at_work("quinn", *OPEN) as hand:
        for _ in hand.screen.keys:
            await hand.press("1", *CLASS)
        assert "all settled" in hand.line()
        await hand.press("q")
        await hand.settle()
        assert "nothing waits" in hand.painted()


@pytest.mark.both_databases
async def test_what_somebody_else_has_settled_meanwhile_is_told(at_work, queue, abstracted, book):
    from abstractor.quality.adjudication import adjudicate

    async with at_work("quinn", *OPEN) as hand:
        adjudicate(open_desk(abstracted, book, "zoe"), hand.screen.key, "A", error="HUM")
        at = hand.screen.key
        await hand.press("2", *CLASS)
        assert settled(queue)[at].done_by == "zoe"
        assert "zoe" in hand.line() or "settled" in hand.line()


async def test_a_long_value_is_told_whole_in_a_narrow_column(at_work, queue):
    async with at_work("quinn", *OPEN) as hand:
        screen = hand.screen
        lines = screen._columns("", ["Stable disease 2024-04-22", "nothing", "nothing"], 20, screen.palette.plain)
        assert len(lines) == 2
        assert "2024-04-22" in lines[1].plain


async def test_the_last_one_open_is_said_to_be_left_and_not_sent_to_the_meeting(at_work, queue):
    async with at_work("quinn", *OPEN) as hand:
        hand.screen._open = {hand.screen.key}
        await hand.press("enter")
        assert "1 left to settle: this one" in hand.line()
