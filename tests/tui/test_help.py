"""Help, palette and the keys that lead from everywhere to everywhere: all made from the one table."""

from pathlib import Path

import pytest

from abstractor.review.rows import State
from abstractor.tui.actions import (
    ACTIONS,
    BY_ID,
    HELP,
    OUTCOMES,
    READER,
    REVIEW,
    TIMELINE,
    WORKLIST,
    Keymap,
    actions_of,
)
from abstractor.tui.pictures import BEGIN, END, keys_markdown
from abstractor.tui.screens.help import LEAVES_BY, HelpScreen, help_lines, legend_lines
from abstractor.tui.screens.quality import QualityScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.statistics import StatisticsScreen
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.screens.tour import TourScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.themes import PALETTES
from abstractor.tui.widgets.note import STATE_WORDS

GOES = {"quality": QualityScreen, "statistics": StatisticsScreen, "timeline": TimelineScreen}
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "review.md"


def plain(lines) -> str:
    return "\n".join(line.plain for line in lines)


@pytest.mark.parametrize("kinds", [(REVIEW,), (WORKLIST,), (TIMELINE, READER), (OUTCOMES, READER), (HELP, READER)])
def test_help_of_a_screen_has_every_key_of_it_and_none_of_another(kinds):
    shown = plain(help_lines(Keymap(), PALETTES["dark"], kinds))
    for action in ACTIONS:
        if action in actions_of(*kinds):
            assert action.says in shown
    foreign = {action.says for action in ACTIONS} - {action.says for action in actions_of(*kinds, "dialog")}
    assert not any(f" {says}\n" in f"{shown}\n" for says in foreign)


def test_help_shows_the_keys_as_a_person_has_changed_them():
    assert "f5" not in plain(help_lines(Keymap(), PALETTES["dark"], (REVIEW,)))
    assert "   f5" in plain(help_lines(Keymap({"accept": "f5"}), PALETTES["dark"], (REVIEW,)))


def test_the_legend_names_every_state_in_its_own_attributes_and_how_a_row_leaves_it():
    palette = PALETTES["mono"]
    lines = legend_lines(Keymap(), palette)
    for state in State:
        line = next(one for one in lines if one.plain.strip().startswith(f"{state.value} "))
        assert STATE_WORDS[state] in line.plain
        assert (STATE_WORDS[state], palette.state(state)) in line.parts
        assert all(name in BY_ID for name in LEAVES_BY[state])


async def test_help_is_over_the_screen_it_helps_with_and_goes_away(opened):
    async with opened(size=(80, 60)) as hand:
        await hand.press("?")
        assert isinstance(hand.screen, HelpScreen)
        assert "take the suggested value" in hand.painted()
        await hand.press("G")
        assert "leaves by" in hand.painted()
        await hand.press("?")
        assert isinstance(hand.screen, ReviewScreen)
        await hand.press("t", "?")
        assert "a shorter stretch of time" in hand.painted()
        await hand.press("q")
        assert isinstance(hand.screen, TimelineScreen)


async def test_the_tour_is_one_key_from_help(opened):
    async with opened() as hand:
        await hand.press("?", "T")
        await hand.pilot.pause()
        assert isinstance(hand.screen, TourScreen)


@pytest.mark.parametrize("patient", ["TOUR-01", None])
async def test_every_screen_is_reached_from_every_other(opened, patient):
    keys = {"quality": ("g", "q"), "statistics": ("g", "s"), "timeline": ("t",)}
    home = ReviewScreen if patient else WorklistScreen
    way = ("quality", "statistics", "timeline", "quality", "timeline", "statistics", "quality")  # each after each other
    async with opened(patient=patient) as hand:
        for name in way:
            await hand.press(*keys[name])
            await hand.settle()
            assert isinstance(hand.screen, GOES[name])
        await hand.press("q")
        assert isinstance(hand.screen, home)


async def test_history_is_of_the_row_that_was_left_and_the_worklist_has_none(opened):
    async with opened() as hand:
        await hand.go("ki67")
        await hand.press("t", "g", "h")
        assert "HISTORY  Ki-67" in hand.line("header")
        await hand.press("w")
        await hand.settle()
        assert isinstance(hand.screen, WorklistScreen)
        await hand.press("g", "s", "g", "h")
        await hand.settle()
        assert "open a patient first" in hand.painted()


async def test_after_a_moment_the_first_key_shows_where_it_can_lead(opened):
    async with opened() as hand:
        await hand.press("t", "g")
        await hand.pilot.pause(0.6)
        assert "g o outcomes" in hand.line()
        assert "g q quality" in hand.line()


async def test_the_palette_offers_every_action_of_the_screen_with_its_keys(opened):
    async with opened() as hand:
        await hand.press("t")
        offered = {command.title: command.help for command in hand.app.get_system_commands(hand.screen)}
        for action in actions_of(TIMELINE, READER):
            if action.id != "palette":
                title = f"{action.id.replace('_', ' ')}: {action.says}"
                assert hand.app.keymap.all_shown(action.id) in offered[title]


def test_the_documented_keys_are_those_of_the_table():
    written = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == keys_markdown(Keymap()).strip()
