"""Every action of the screens of quality work: the screen knows it, and its key changes what one sees or is answered."""

import pytest

from abstractor.quality.adjudication import queue_reading
from abstractor.quality.audits import Wanted, draw_facts
from abstractor.quality.desk import open_desk
from abstractor.quality.mail import ask
from abstractor.quality.second_readings import assign, open_reading
from abstractor.tui.actions import ACTIONS, ADJUDICATE, AUDIT, EXAMINE, INBOX, READER, is_sequence

OPENED_BY = {
    AUDIT: ("g", "q", "enter"),
    ADJUDICATE: ("g", "q", "j", "enter"),
    INBOX: ("g", "q", "j", "j", "enter", "j"),
}
KINDS = {AUDIT: (AUDIT, EXAMINE), ADJUDICATE: (ADJUDICATE, EXAMINE), INBOX: (INBOX, READER)}
STILL = {
    *("repaint", "copy", "top", "up", "half_up", "page_up", "note_up", "note_down"),
    *("next_evidence", "previous_evidence", "next_section", "previous_section"),
}
"""What is drawn again looks the same; the cursor is on the first line; the words are few, in a short note."""
OWN = [(name, action) for name in OPENED_BY for action in ACTIONS if name in action.screens]


@pytest.fixture
def busy(abstracted, book):
    """An audit, a difference and a question, all waiting for quinn."""
    quinn = open_desk(abstracted, book, "quinn", lambda: "2024-05-02T08:00:00.000+00:00")
    draw_facts(quinn, "may", 7, Wanted(per_field=10))
    bea = open_desk(abstracted, book, "bea", lambda: "2024-05-01T08:00:00.000+00:00")
    reading = assign(quinn, "P1", "bea", suggesting=False)
    session = open_reading(bea, reading)
    session.edit("stage.valg", "extensive")
    for row in session.rows:
        if row.open:
            session.edit(row.slot, "2024-01-02") if row.spec.kind == "date" else session.not_documented(row.slot)
    session.close()
    queue_reading(quinn, reading)
    ask(bea, "P1", "stage.valg", "quinn", "Which scan?")


def test_every_action_of_quality_work_is_on_a_screen_that_is_opened_here():
    wanted = {action.id for action in ACTIONS if action.where == "quality"}
    assert wanted == {
        action.id for kinds in KINDS.values() for action in ACTIONS
        if action.where == "quality" and set(action.screens) & set(kinds)
    }  # fmt: skip


@pytest.mark.parametrize("name", OPENED_BY)
async def test_a_screen_knows_every_action_the_table_gives_it(at_work, busy, name):
    async with at_work("quinn", *OPENED_BY[name]) as hand:
        assert hand.screen.kinds == KINDS[name]
        taken = [action.id for action in ACTIONS if set(action.screens) & set(KINDS[name])]
        assert [one for one in taken if not hasattr(hand.screen, f"do_{one}")] == []


@pytest.mark.parametrize(("name", "action"), OWN, ids=[f"{name}-{action.id}" for name, action in OWN])
async def test_a_key_is_answered(at_work, busy, name, action):
    async with at_work("quinn", *OPENED_BY[name]) as hand:
        before = (type(hand.screen), hand.painted())
        key = action.keys.split()[0]
        await hand.press(*(key.split("+") if is_sequence(key) else [key]))
        await hand.settle()
        assert (type(hand.screen), hand.painted()) != before


@pytest.mark.parametrize("name", [AUDIT, ADJUDICATE])
async def test_moving_about_is_answered_on_screens_with_a_note(at_work, busy, name):
    async with at_work("quinn", *OPENED_BY[name]) as hand:
        shown = [action for action in ACTIONS if EXAMINE in action.screens and action.id not in STILL | {"quit"}]
        for action in shown:
            before = (len(hand.app.screen_stack), hand.painted())
            key = action.keys.split()[0]
            await hand.press(*(key.split("+") if is_sequence(key) else [key]))
            await hand.settle()
            assert (len(hand.app.screen_stack), hand.painted()) != before, action.id
            hand.app.to_worklist()
            await hand.settle()
            await hand.press(*OPENED_BY[name])
            await hand.settle()
