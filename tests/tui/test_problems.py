"""Edit checks on the screen: marked rows, the words of a problem, the list of them, and what closing a patient asks."""

import pytest

from abstractor.model.decision import Action
from abstractor.registry.decisions import case_of
from abstractor.tui.screens.close import CloseScreen
from abstractor.tui.screens.problems import ProblemsScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.tour import fill_tour

STAGE, M = "stage.valg", "stage.m"


def quoted(hand, words: str):
    """Words of any note, as evidence."""
    session = hand.session
    for note in session.notes.all:
        at = session.notes.text(note.note_id).find(words)
        if at >= 0:
            return (session.notes.quote(note.note_id, at, at + len(words)),)
    raise AssertionError(words)


async def contradict(hand) -> None:
    """Limited stage with M1c: one warning."""
    hand.session.pick("histology", 1)
    hand.session.accept(M)
    hand.session.edit(STAGE, "limited", evidence=quoted(hand, "small cell"))
    hand.review.refresh_rows()
    await hand.go(M)


async def make_fatal(hand) -> None:
    """Alive and yet dead."""
    hand.session.edit("vital_status", "alive", evidence=quoted(hand, "small cell"))
    hand.session.add("death_date", "2023-12-01", evidence=quoted(hand, "small cell"))
    hand.review.refresh_rows()


def row_of(hand, label: str) -> str:
    return next(line for line in hand.painted().split("\n") if label in line)


async def test_the_row_carries_a_letter_the_pane_the_words_and_the_header_the_count(opened):
    async with opened() as hand:
        await contradict(hand)
        line = next(text for text in hand.painted().split("\n") if text.startswith(">+W M "))
        assert "M1c" in line
        assert "W E14 limited stage, but M1c" in hand.painted()
        assert "1 warning " in hand.line("header")


async def test_without_colour_the_letter_still_says_it(opened, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened() as hand:
        await contradict(hand)
        assert ">+W M " in hand.painted()


async def test_while_a_value_is_typed_the_check_it_would_break_is_told_and_saving_stays_possible(opened):
    async with opened() as hand:
        hand.session.pick("histology", 1)
        hand.session.accept(M)
        hand.review.refresh_rows()
        await hand.go(STAGE)
        await hand.press("e")
        await hand.type("limited")
        assert "limited stage, but M1c" in hand.painted()
        await hand.press("enter")
        assert hand.session.row(STAGE).decision.value == "limited"


async def test_the_list_goes_to_the_row_and_takes_a_word(opened):
    async with opened() as hand:
        await contradict(hand)
        await hand.go("histology")
        await hand.press("g", "e")
        assert isinstance(hand.screen, ProblemsScreen)
        assert "limited stage, but M1c" in hand.painted()
        await hand.press("o")
        await hand.type("board")
        await hand.press("enter")
        assert hand.decisions[-1].action is Action.OVERRIDE
        assert hand.decisions[-1].reason == "board"
        assert 'right as reported: "board"' in hand.painted()
        await hand.press("enter")
        assert hand.slot in {STAGE, M}
        assert "warning" not in hand.line("header")
        await hand.press("u")
        assert "1 warning " in hand.line("header")


async def test_a_fatal_problem_takes_no_word(opened):
    async with opened() as hand:
        await make_fatal(hand)
        await hand.press("g", "e", "o")
        assert "fatal: it can't be let pass" in hand.line()
        assert isinstance(hand.screen, ProblemsScreen)


@pytest.mark.parametrize("policy", [False, True])
async def test_no_policy_closes_over_a_fatal_problem(opened, registry, policy):
    async with opened(close_open=policy) as hand:
        await make_fatal(hand)
        await hand.press("G", "enter")
        assert isinstance(hand.screen, CloseScreen)
        assert "1 fatal" in hand.line("question")
        await hand.press("enter")
        assert isinstance(hand.screen, CloseScreen)
        assert not case_of(registry, "TOUR-01").closed


async def test_warnings_want_one_word_for_all_and_then_enter_closes(opened, registry):
    async with opened(close_open=True) as hand:
        await contradict(hand)
        await hand.press("G", "enter", "enter")
        assert isinstance(hand.screen, CloseScreen)
        assert "want a word" in hand.line("hint")
        await hand.press("O")
        await hand.type("seen")
        await hand.press("enter")
        assert isinstance(hand.screen, CloseScreen)
        assert "to be answered" not in hand.line("question")
        await hand.press("enter")
        await hand.settle()
        assert case_of(registry, "TOUR-01").closed
        assert isinstance(hand.screen, WorklistScreen)


async def test_the_closing_list_goes_to_the_row_that_is_in_the_way(opened):
    async with opened() as hand:
        await hand.press("G", "enter", "j", ".")
        assert hand.screen is hand.review
        assert hand.slot == hand.session.blocking[1].slot


async def test_a_closed_patient_takes_no_word(opened, registry, book):
    async with opened(close_open=True) as hand:
        await contradict(hand)
        for problem in hand.session.problems.all:
            hand.session.problems.override(problem, "seen")
        hand.session.close()
        await hand.press("g", "e", "o")
        await hand.type("again")
        await hand.press("enter")
        assert "closed" in hand.line()


def test_the_tour_has_nothing_against_itself(registry, book):
    """The patient that newcomers practise on closes without a problem."""
    from abstractor.review.session import Session

    fill_tour(registry, book)
    session = Session(registry, book, "TOUR-01", "ann", lambda: "2024-03-01T08:00:00.000+00:00")
    for row in session.blocking:
        if row.choices:
            session.pick(row.slot, 1)
        else:
            session.not_documented(row.slot)
    assert session.problems.all == ()
