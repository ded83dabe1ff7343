"""The worklist, the note and the lists: what is drawn is what is there, and offsets stay those of the stored text."""

import random
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from abstractor.model.note import Note
from abstractor.registry.engine import open_registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes, note_text
from abstractor.review.config import ReviewConfig
from abstractor.review.rows import State
from abstractor.tui.actions import Keymap
from abstractor.tui.app import ReviewApp
from abstractor.tui.pictures import BEGIN, END, keys_markdown
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.worklist import WorklistScreen
from abstractor.tui.themes import PALETTES
from abstractor.tui.widgets.lines import Line, LineList
from abstractor.tui.widgets.note import DocView, Mark

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "review.md"

TEXT = "LABS:\tsodium 128\nCT: \u6f22\u5b57 mass, e\u0301tat stable [/] [b]not markup[/b]\nA very long line that goes on and on. The end.\n"


class NoteApp(App[None]):
    def compose(self) -> ComposeResult:
        yield DocView(id="note")


async def test_the_note_shows_every_character_of_its_text_and_nothing_as_markup():
    app = NoteApp()
    async with app.run_test(size=(30, 12)) as pilot:
        doc = app.query_one(DocView)
        doc.load(TEXT)
        await pilot.pause()
        shown = "".join(doc.render_line(y).text[3:].rstrip() for y in range(doc.size.height))
        assert "[/] [b]not markup[/b]" in shown.replace("  ", " ")
        assert "LABS:   sodium" in doc.render_line(0).text


async def test_a_cell_of_the_screen_leads_to_the_offset_of_the_character_drawn_there():
    app = NoteApp()
    async with app.run_test(size=(60, 12)) as pilot:
        doc = app.query_one(DocView)
        doc.load(TEXT)
        await pilot.pause()
        assert TEXT[doc.offset_at(3, 0)] == "L"
        assert TEXT[doc.offset_at(9, 0)] == "\t"
        assert TEXT[doc.offset_at(11, 0)] == "s"
        assert TEXT[doc.offset_at(7, 1)] == "\u6f22"
        assert TEXT[doc.offset_at(8, 1)] == "\u6f22"
        assert TEXT[doc.offset_at(9, 1)] == "\u5b57"
        assert doc.offset_at(5, 11) is None


async def test_dragging_the_mouse_selects_the_words_under_it():
    app = NoteApp()
    async with app.run_test(size=(60, 12)) as pilot:
        doc = app.query_one(DocView)
        doc.load(TEXT)
        await pilot.pause()
        await pilot.mouse_down(DocView, offset=(11, 0))
        await pilot.hover(DocView, offset=(16, 0))
        await pilot.mouse_up(DocView, offset=(16, 0))
        assert TEXT[slice(*doc.selected)] == "sodium"


async def test_marks_are_drawn_over_their_words_and_the_current_one_over_all():
    app = NoteApp()
    async with app.run_test(size=(60, 12)) as pilot:
        doc = app.query_one(DocView)
        doc.load(TEXT)
        start = TEXT.index("sodium")
        doc.mark(
            [
                Mark(start, start + 10, State.SUGGESTED),
                Mark(start, start + 6, State.CONFLICT, current=True, of_row=True),
            ]
        )
        await pilot.pause()
        styled = {segment.text.strip(): segment.style for segment in doc.render_line(0)}
        assert styled["sodium"] == PALETTES["dark"].evidence
        assert styled["128"] == PALETTES["dark"].state(State.SUGGESTED)
        assert doc.render_line(0).text.startswith(">!|")


async def test_a_thousand_overlapping_marks_are_drawn_line_by_line():
    app = NoteApp()
    async with app.run_test(size=(60, 12)) as pilot:
        doc = app.query_one(DocView)
        text = "word " * 5000
        doc.load(text)
        doc.mark([Mark(at, at + 40, State.SUGGESTED) for at in range(0, 20000, 20)])
        await pilot.pause()
        doc.centre(10000)
        await pilot.pause()
        assert doc.in_view(10000, 10010)
        assert all("word" in doc.render_line(y).text for y in range(doc.size.height))


async def test_a_list_of_ten_thousand_rows_draws_only_those_in_view():
    drawn: list[int] = []

    def draw(at: int, _width: int) -> Line:
        drawn.append(at)
        return Line.of((f"row {at}", PALETTES["dark"].plain))

    class ListApp(App[None]):
        def compose(self) -> ComposeResult:
            yield LineList(draw, id="rows")

    app = ListApp()
    async with app.run_test(size=(40, 20)) as pilot:
        rows = app.query_one(LineList)
        rows.show(10_000, 0, PALETTES["dark"].plain)
        await pilot.pause()
        drawn.clear()
        rows.go(9_000)
        await pilot.pause()
        assert set(drawn) <= set(range(8_980, 9_020))
        assert len(drawn) <= 60


async def test_the_worklist_shows_who_holds_a_patient_and_what_is_left(opened, registry):
    claim(registry, "TOUR-01", "bob")
    async with opened(patient=None) as hand:
        assert isinstance(hand.screen, WorklistScreen)
        shown = hand.painted()
        assert "held bob" in shown
        assert "25" in shown
        await hand.press("v")
        assert isinstance(hand.screen, ReviewScreen)
        assert hand.session.hold.read_only


async def test_an_empty_worklist_says_how_patients_come_into_it(registry_file, book):
    registry = open_registry(str(registry_file))
    app = ReviewApp(registry, book, "ann", config=ReviewConfig(dwell_ms=0))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("enter", "j", "v")
        assert "No patients yet" in app.screen.query_one("#patients").empty.plain
    registry.close()


async def test_leaving_a_patient_gives_it_back(opened, registry):
    async with opened() as hand:
        assert not claim(registry, "TOUR-01", "bob", clock=lambda: "2024-03-01T08:00:01.000+00:00").mine
        await hand.press("q")
        assert claim(registry, "TOUR-01", "bob").mine


async def test_going_on_opens_the_next_patient_that_is_free(opened, registry):
    add_notes(
        registry, [Note("a1", "One.", "A-FREE"), Note("b1", "Two.", "B-HELD"), Note("z1", "Three.", "Z-FREE")], "test"
    )
    claim(registry, "B-HELD", "bob")
    async with opened() as hand:
        await hand.press("N")
        assert hand.session.patient_id == "A-FREE"
        await hand.press("N")
        assert hand.session.patient_id in {"TOUR-01", "Z-FREE"}


async def test_a_patient_with_a_note_but_no_suggestion_can_be_read_and_closed(opened, registry):
    add_notes(registry, [Note("a1", "A short note.", "A-FREE", "2024-01-01")], "test")
    async with opened(patient="A-FREE") as hand:
        assert "A short note." in hand.painted()
        await hand.press("0", "0", "0", "0", "0", "enter")
        await hand.settle()
        assert hand.app.worklist.all


async def test_the_theme_can_be_changed_on_the_way(opened):
    async with opened() as hand:
        for name in PALETTES:
            hand.app.take_theme(name)
            await hand.pilot.pause()
            assert hand.review.palette is PALETTES[name]
            assert "Histology" in hand.painted()


def test_the_documented_keys_are_those_of_the_table():
    written = DOCUMENT.read_text(encoding="utf-8")
    table = written.partition(BEGIN)[2].partition(END)[0].strip()
    assert table == keys_markdown(Keymap()).strip()


@pytest.mark.parametrize("name", ["worklist", "review-80x24", "review-160x50", "review-light", "edit", "timeline"])
def test_every_picture_of_the_documentation_is_there(name):
    path = DOCUMENT.parent / "images" / f"{name}.svg"
    assert "<svg" in path.read_text(encoding="utf-8")[:200]


async def test_a_note_opened_while_its_pane_is_hidden_is_drawn_whole_when_it_comes_back(opened):
    async with opened() as hand:
        await hand.press("z", "n", "n", "j", "p")
        await hand.pilot.resize_terminal(50, 10)
        await hand.press("n", "j")
        await hand.pilot.resize_terminal(160, 50)
        await hand.press("z")
        await hand.pilot.pause()
        doc = hand.review.doc
        assert doc.text == hand.session.notes.text(hand.review.note_id)
        assert doc.wrapped.ends[-1] == len(doc.text)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_pressed_nothing_breaks_and_every_decision_quotes_its_note(opened, seed):
    pressed = random.Random(seed)  # noqa: S311 - the same keys every time
    keys = list("aaarrd0123ezcuuUjkGgnp.,bv=+hlso/]{}fFoxRAti?")
    keys += ["enter", "escape", "escape", "tab", "space", "down", "ctrl+d", "ctrl+n"]
    async with opened(size=pressed.choice([(80, 24), (160, 50)]), close_open=True) as hand:
        for _ in range(60):
            await hand.pilot.press(pressed.choice(keys))
        await hand.pilot.pause()
        for decision in hand.decisions:
            for one in decision.evidence:
                assert note_text(hand.registry, one.note_id)[one.start : one.end] == one.text
