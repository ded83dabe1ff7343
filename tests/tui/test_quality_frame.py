"""The desk of quality work: what waits for a person, from whatever provides it; `enter` opens; going there works from everywhere."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from abstractor.model.errors import RegistryError
from abstractor.review.config import ReviewConfig
from abstractor.review.desk import KINDS, DeskItem
from abstractor.tui.app import ReviewApp
from abstractor.tui.going import Beyond
from abstractor.tui.screens.quality import QualityScreen
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.worklist import WorklistScreen

AUDIT = DeskItem("A-1", "audit", "TOUR-01", 40, "12 of 40 done", "2024-04-01")
BLIND = DeskItem("B-1", "blind", "TOUR-01", 1, "open")
MESSAGE = DeskItem("M-1", "inbox", "TOUR-01", 2, "unread")


@dataclass
class Desk:
    """Work kept in memory."""

    waiting: list[DeskItem] = field(default_factory=list)
    asked_by: list[str] = field(default_factory=list)
    fault: str = ""

    def items(self, user: str) -> list[DeskItem]:
        self.asked_by.append(user)
        if self.fault:
            raise RegistryError(self.fault)
        return list(self.waiting)


@pytest.fixture
def at_desk(registry, book):
    @asynccontextmanager
    async def open_app(desk: Desk | None, size=(80, 24), patient=None):
        app = ReviewApp(
            registry, book, "ann", patient_id=patient, config=ReviewConfig(dwell_ms=0), beyond=Beyond(desk=desk)
        )
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            await press(pilot, "g", "q")
            yield pilot

    return open_app


async def press(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.pause()


def painted(pilot) -> str:
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (60, 16)])
async def test_the_desk_lists_what_waits_for_this_person(at_desk, size):
    desk = Desk([AUDIT, BLIND, MESSAGE])
    async with at_desk(desk, size) as pilot:
        assert isinstance(pilot.app.screen, QualityScreen)
        shown = painted(pilot)
        assert "audit 1" in shown
        assert "12 of 40 done" in shown
        assert "second reading" in shown
        assert set(desk.asked_by) == {"ann"}


async def test_a_due_date_is_shown_where_there_is_room(at_desk):
    async with at_desk(Desk([AUDIT])) as pilot:
        assert "due 2024-04-01" in painted(pilot)


async def test_an_empty_desk_and_a_program_without_one_say_so(at_desk):
    for desk in (Desk(), None):
        async with at_desk(desk) as pilot:
            assert "nothing waits" in painted(pilot)
            assert "Nothing to audit" in painted(pilot)
            await press(pilot, "enter", "j", "G", "q")
            assert isinstance(pilot.app.screen, WorklistScreen)


async def test_enter_opens_the_patient_of_an_audit_to_read(at_desk):
    async with at_desk(Desk([AUDIT])) as pilot:
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ReviewScreen)
        assert pilot.app.screen.session.hold.read_only


@pytest.mark.parametrize("kind", ["blind", "adjudicate"])
async def test_what_must_be_read_without_the_decisions_never_opens_in_the_review(at_desk, kind):
    async with at_desk(Desk([DeskItem("B-1", kind, "TOUR-01", 1, "open")])) as pilot:
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, QualityScreen)
        assert "without the quality desk" in painted(pilot)


async def test_what_can_not_be_read_is_told_in_one_line(at_desk):
    async with at_desk(Desk(fault="the registry is locked")) as pilot:
        assert "the registry is locked" in painted(pilot)


async def test_the_desk_is_read_anew_on_ctrl_l(at_desk):
    desk = Desk([AUDIT])
    async with at_desk(desk) as pilot:
        desk.waiting.append(MESSAGE)
        await press(pilot, "ctrl+l")
        assert "inbox 1" in painted(pilot)


async def test_ids_and_states_reach_the_screen_with_nothing_that_a_terminal_obeys(at_desk):
    async with at_desk(Desk([DeskItem("x", "audit", "P\x1b[2J", 1, "\x9b31m[b]", "\x07")])) as pilot:
        shown = painted(pilot)
        assert not any(one in shown for one in ("\x1b", "\x9b", "\x07"))
        assert "[b]" in shown


def test_every_kind_has_words():
    assert set(KINDS) == {"audit", "blind", "adjudicate", "inbox", "query"}
