"""The inbox: outcomes and questions arrive, are read, answered, closed, and lead to their row; questions are asked from any row."""

import pytest

from abstractor.quality.desk import open_desk
from abstractor.quality.mail import ask, queries
from abstractor.registry.quality import Message, Step, inbox, take_step
from abstractor.tui.screens.asking import OneOf
from abstractor.tui.screens.inbox import InboxScreen
from abstractor.tui.screens.review import ReviewScreen

OPEN = ("g", "q", "enter")
NOW = "2024-05-01T08:00:00.000+00:00"


@pytest.fixture
def outcome(abstracted):
    """What an adjudicator has settled about ann's P1."""
    message = Message("m1", "ann", "quinn", NOW, "P1", "stage.valg", "adjudication", "x", "Stage: extensive (TEMP)")
    take_step(abstracted, Step("e1", "difference", "o", "x", "settled", "quinn", NOW), seen=0, messages=[message])
    return message


@pytest.fixture
def asked(abstracted, book):
    return ask(open_desk(abstracted, book, "quinn", lambda: NOW), "P1", "stage.valg", "ann", "Which scan?")


@pytest.mark.both_databases
async def test_an_outcome_arrives_and_enter_goes_to_its_row_and_marks_it_read(at_work, outcome, abstracted):
    async with at_work("ann", *OPEN) as hand:
        assert isinstance(hand.screen, InboxScreen)
        assert "Stage: extensive (TEMP)" in hand.painted()
        assert "1 unread" in hand.line("header")
        await hand.press("j", "enter")
        await hand.settle()
        assert isinstance(hand.screen, ReviewScreen)
        assert (hand.session.patient_id, hand.slot) == ("P1", "stage.valg")
        assert inbox(abstracted, "ann")[0].read_at


async def test_a_message_can_be_marked_as_read_and_unread(at_work, outcome, abstracted):
    async with at_work("ann", *OPEN, "j", "m") as hand:
        assert inbox(abstracted, "ann")[0].read_at
        assert "nothing new" in hand.line("header")
        await hand.press("m")
        assert inbox(abstracted, "ann")[0].read_at is None


@pytest.mark.both_databases
async def test_a_question_is_answered_and_who_asked_closes_it(at_work, asked, abstracted, book):
    async with at_work("ann", *OPEN) as hand:
        assert "Which scan?" in hand.painted()
        await hand.press("j", "a")
        await hand.type("the first")
        await hand.press("enter")
        assert "sent" in hand.line()
        [query] = queries(open_desk(abstracted, book, "ann"))
        assert (query.state, query.thread[-1][2]) == ("answered", "the first")
        assert all(one.read_at for one in inbox(abstracted, "ann"))
        await hand.press("x")
        assert "only who asked closes it" in hand.line()
    async with at_work("quinn", *OPEN) as hand:
        assert "the first" in hand.painted()
        await hand.press("j", "x")
        assert queries(open_desk(abstracted, book, "quinn"))[0].state == "closed"


async def test_an_answer_without_words_is_none(at_work, asked, abstracted, book):
    async with at_work("ann", *OPEN, "j", "a", "enter") as hand:
        assert "nothing was said" in hand.line()
        assert queries(open_desk(abstracted, book, "ann"))[0].state == "open"


async def test_somebody_is_asked_from_a_row_of_the_review(at_work, abstracted, book):
    async with at_work("quinn") as hand:
        hand.screen.list.go([row.patient_id for row in hand.screen.rows].index("P3"))
        await hand.press("v")
        await hand.go("stage.valg")
        await hand.press("Q")
        assert isinstance(hand.screen, OneOf)
        assert hand.screen.found[0][0] == "max"
        await hand.press("enter")
        await hand.type("why limited")
        await hand.press("enter")
        assert "sent: max" in hand.line()
        [query] = queries(open_desk(abstracted, book, "quinn"))
        assert (query.patient_id, query.slot, query.asked_of, query.asked_by) == ("P3", "stage.valg", "max", "quinn")
    assert inbox(abstracted, "max")[0].text == "why limited"


async def test_an_empty_desk_says_so(at_work):
    async with at_work("nina", "g", "q") as hand:
        assert "Nothing to audit" in hand.painted()


async def test_lines_that_lead_nowhere_say_so(at_work, outcome):
    async with at_work("ann", *OPEN) as hand:
        for key in ("enter", "m", "a", "x"):
            await hand.press(key)
            assert "nothing here" in hand.line()
        await hand.press("j", "a")
        assert "no open question" in hand.line()


async def test_hostile_words_reach_the_screen_as_marks(at_work, abstracted, book):
    ask(open_desk(abstracted, book, "quinn", lambda: NOW), "P1", "stage.valg", "ann", "a\x1b[2Jb [b]c")
    async with at_work("ann", *OPEN) as hand:
        assert "\x1b" not in hand.painted()
        assert "[b]c" in hand.painted()


async def test_a_question_names_what_it_is_about_in_the_words_of_the_form(at_work, asked):
    async with at_work("ann", *OPEN) as hand:
        [question, message] = [one for one in hand.painted().splitlines() if "VALG stage at diagnosis" in one]
        assert "from quinn" in question
        assert "query by quinn about" in message
