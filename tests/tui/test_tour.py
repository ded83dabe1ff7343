"""The tour of the first run: eight real keys on an invented patient, each of which it waits for."""

import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from abstractor.registry.decisions import decisions_of
from abstractor.review.config import ReviewConfig
from abstractor.review.habits import Habits
from abstractor.tui.app import ReviewApp
from abstractor.tui.screens.edit import EditScreen
from abstractor.tui.screens.help import HelpScreen
from abstractor.tui.screens.tour import TourScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.tour import invented_registry, steps

EIGHT = ["down", "accept", "reject", "pick", "next_evidence", "take", "undo", "help"]


@pytest.fixture
def habits(tmp_path):
    return Habits(tmp_path / "state" / "review.json")


@pytest.fixture
def touring(registry, book, habits):
    @asynccontextmanager
    async def start(**options):
        settings = ReviewConfig(dwell_ms=0, **options)
        app = ReviewApp(registry, book, "ann", config=settings, habits=habits, tour=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            yield app, pilot

    return start


async def press(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        await pilot.pause()


def tells(app) -> str:
    return " ".join(line.plain for line in app.screen.query_one("#tour").lines)


def test_the_tour_has_the_eight_keys_of_the_loop():
    assert [step.action for step in steps()] == EIGHT


async def test_each_step_waits_for_its_key_and_the_last_ends_on_the_worklist(touring, registry, habits):
    async with touring() as (app, pilot):
        for number, key in enumerate(["j", "a", "r", "1", "."], 1):
            assert isinstance(app.screen, TourScreen)
            assert f"{number}/8" in tells(app)
            assert f"[{key}]" in tells(app)
            await press(pilot, "d")
            assert f"the tour waits for {key}" in app.screen.query_one("#footer").line.plain
            assert f"{number}/8" in tells(app)
            await press(pilot, key)
        tour = app.screen
        await press(pilot, "equals_sign")
        assert isinstance(app.screen, EditScreen)
        await press(pilot, "enter")
        assert tour.session.row("vital_status").shown == "Alive"
        assert "7/8" in tells(app)
        await press(pilot, "u")
        assert tour.session.row("vital_status").state.value == "_"
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "q")
        assert isinstance(app.screen, WorklistScreen)
    assert habits.toured
    assert decisions_of(registry, "TOUR-01") == ()


async def test_leaving_the_question_of_a_step_stays_at_the_step(touring):
    async with touring() as (app, pilot):
        await press(pilot, "j", "a", "r", "1", ".", "equals_sign", "escape")
        assert isinstance(app.screen, TourScreen)
        assert "6/8" in tells(app)
        await press(pilot, "equals_sign", "enter")
        assert "7/8" in tells(app)


async def test_escape_ends_the_tour_at_any_step_and_it_counts_as_seen(touring, habits):
    async with touring() as (app, pilot):
        await press(pilot, "j", "escape")
        assert isinstance(app.screen, WorklistScreen)
    assert Habits(habits._path).toured


async def test_it_is_played_again_from_help(touring):
    async with touring() as (app, pilot):
        await press(pilot, "escape", "question_mark", "T")
        assert isinstance(app.screen, TourScreen)
        assert "1/8" in tells(app)


async def test_the_tour_names_the_keys_that_this_person_has(touring):
    async with touring(keys={"down": "J"}) as (app, pilot):
        assert "[J]" in tells(app)
        await press(pilot, "j")
        assert "1/8" in tells(app)


async def test_the_tour_decides_nothing_in_the_registry_at_hand(touring, registry):
    async with touring() as (_app, pilot):
        await press(pilot, "j", "a", "r")
    assert decisions_of(registry, "TOUR-01") == ()


def test_the_registry_of_the_tour_is_gone_afterwards(book):
    with invented_registry(book) as (registry, patient_id):
        assert patient_id == "TOUR-01"
        folder = registry.name
    assert not Path(folder).parent.exists()


def test_what_is_remembered_of_a_person_is_no_more_than_that(habits, tmp_path):
    assert not habits.toured
    habits.remember(toured=True, theme="light")
    assert Habits(tmp_path / "state" / "review.json").theme == "light"
    assert set(json.loads((tmp_path / "state" / "review.json").read_text())) == {"toured", "theme"}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"toured": "yes", "theme": "pink"}', "\x00"])
def test_a_damaged_memory_is_no_reason_to_stop(tmp_path, content):
    path = tmp_path / "review.json"
    path.write_text(content)
    known = Habits(path)
    assert not known.toured
    assert known.theme == "auto"
