"""Every action, on every screen whose table names it: its first key changes what one sees, or the screen says why it did not.

What an action means is checked one by one in `test_actions.py`; here nobody can add a row to the table, or a screen, and forget a half of it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from registry_copies import copied

from abstractor.model.note import Note
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes
from abstractor.tui.actions import (
    ACTIONS,
    ADJUDICATE,
    AUDIT,
    CHECKS,
    DIALOG,
    EXAMINE,
    HELP,
    INBOX,
    OUTCOMES,
    READER,
    REVIEW,
    SELECT,
    TIMELINE,
    WORKLIST,
    Action,
    is_sequence,
)
from abstractor.tui.screens.keyed import KeyedScreen

OPENED_BY = {
    REVIEW: (),
    SELECT: ("v",),
    WORKLIST: ("w",),
    READER: ("1", "u", "g", "h"),
    HELP: ("?",),
    TIMELINE: ("t",),
    OUTCOMES: ("g", "o"),
    CHECKS: ("g", "e"),
    DIALOG: ("e",),
}
"""The keys that lead from an open patient to each screen of the table."""

BEFORE = {
    (READER, "top"): ("G",),
    (READER, "up"): ("G",),
    (READER, "half_up"): ("G",),
    (READER, "page_up"): ("G",),
    (WORKLIST, "top"): ("G",),
    (WORKLIST, "up"): ("G",),
    (WORKLIST, "half_up"): ("G",),
    (WORKLIST, "page_up"): ("G",),
    (WORKLIST, "unfilter"): ("f", "o", "n", "e", "enter"),
    (CHECKS, "up"): ("j",),
}
"""What must happen first, so that there is something to do."""

STILL = {
    "repaint": "what is drawn again looks the same",
    "copy": "it says how to quit; where that is said already, nothing changes",
    "attach": "it needs a selection",
    "select_swap": "which end moves shows with the next key",
    "history": "it may be on the screen already",
    f"{CHECKS}-down": "the patient of the tour has no problem to go to",
    f"{CHECKS}-up": "the same",
}
"""Actions (on one screen, where it is named) that may change nothing one sees, and why; what they do is checked in `test_actions.py`."""

QUALITY = frozenset({EXAMINE, AUDIT, ADJUDICATE, INBOX})
"""Screens of quality work: `test_quality_actions.py` opens them, on a registry that has such work."""

PAIRS = [(screen, action) for action in ACTIONS for screen in action.screens if screen not in QUALITY]
FURTHER = [(screen, action) for action in ACTIONS for screen in action.screens[1:] if screen not in QUALITY]
"""On its first screen every action has a test of its own in `test_actions.py`, which is complete by a test as well."""


def test_every_screen_of_the_table_can_be_opened_here():
    assert {screen for screen, _ in PAIRS} == set(OPENED_BY)


def test_no_exception_is_for_an_action_that_is_gone():
    pairs = {(screen, action.id) for screen, action in FURTHER}
    assert set(BEFORE) <= pairs
    assert set(STILL) <= {action.id for action in ACTIONS} | {f"{screen}-{name}" for screen, name in pairs}


@pytest.fixture(scope="session")
def filled(tour_registry_file, tmp_path_factory) -> Path:
    """So many patients that a worklist has somewhere to go; made once and copied."""
    path = copied(tour_registry_file, tmp_path_factory.mktemp("every-action") / "r.db")
    made = open_registry(str(path))
    add_notes(made, [Note(f"n{number}", "Nothing much.", f"ONE-{number:02d}") for number in range(30)], "test")
    made.close()
    return path


@pytest.fixture
def registry(filled, tmp_path) -> Iterator[Registry]:
    made = open_registry(str(copied(filled, tmp_path / "r.db")))
    yield made
    made.close()


def seen(hand) -> tuple[object, ...]:
    """All that one can see, and whether the program goes on."""
    if hand.app.return_code is not None:
        return ("quit",)
    strips = hand.screen._compositor.render_strips()
    drawn = tuple((segment.text, str(segment.style)) for strip in strips for segment in strip)
    return (len(hand.app.screen_stack), type(hand.screen).__name__, drawn)


def methods(screen: KeyedScreen) -> Iterator[str]:
    """The actions that a screen says it takes, by its parts of the table."""
    for action in ACTIONS:
        if set(action.screens) & set(screen.kinds):
            yield action.id


@pytest.mark.parametrize("name", OPENED_BY)
async def test_a_screen_knows_every_action_the_table_gives_it(opened, name):
    async with opened(size=(100, 30)) as hand:
        await hand.press(*OPENED_BY[name])
        await hand.settle()
        assert name in hand.screen.kinds
        if name != DIALOG:  # a question takes those it has a field or list for
            lacking = [one for one in methods(hand.screen) if not hasattr(hand.screen, f"do_{one}")]
            assert lacking == []


@pytest.mark.parametrize(("name", "action"), FURTHER, ids=[f"{name}-{action.id}" for name, action in FURTHER])
async def test_an_action_can_be_seen_on_its_other_screens_too(opened, name: str, action: Action):
    async with opened(size=(100, 24)) as hand:
        await hand.press(*OPENED_BY[name])
        await hand.settle()
        await hand.press(*BEFORE.get((name, action.id), ()))
        await hand.settle()
        before = seen(hand)
        key = action.keys.split()[0]
        await hand.press(*(key.split("+") if is_sequence(key) else [key]))
        if hand.app.return_code is None:
            await hand.settle()
        if action.id not in STILL and f"{name}-{action.id}" not in STILL:
            assert seen(hand) != before, f"{key} on {name} changes nothing and says nothing"
