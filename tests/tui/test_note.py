"""The note on the screen: what is drawn, selected and found is always a stretch of the stored text."""

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App

from abstractor.model.note import Note
from abstractor.registry.notes import add_notes
from abstractor.review.rows import State
from abstractor.tui.widgets import note as note_view
from abstractor.tui.widgets.note import GUTTER, DocView, Mark

WIDE = "Stage: limited.\nsize 2.4 cm, \u6f22\u5b57 cafe\u0301, T2aN2\ttab, seen 12/03/2021\r\nIMPRESSION:\nlimited stage.\n"


class One(App[None]):
    """A note alone."""

    def compose(self):
        yield DocView(id="note")


async def shown(pilot, text: str) -> DocView:
    doc = pilot.app.query_one(DocView)
    doc.load(text)
    await pilot.pause()
    return doc


def drawn(doc: DocView) -> str:
    return "\n".join(doc.render_line(y).text.rstrip() for y in range(doc.size.height))


def chosen(doc: DocView) -> str:
    return doc.text[slice(*doc.selected)]


# Drawing


async def test_a_note_too_long_ends_with_a_bar_and_no_evidence_behind_it_counts_as_seen(monkeypatch):
    monkeypatch.setattr(note_view, "LONGEST", 50)
    async with One().run_test(size=(80, 10)) as pilot:
        doc = await shown(pilot, "a line of the note\n" * 10)
        assert "the first 50 of 190 characters; the rest is not shown" in drawn(doc)
        assert doc.text == "a line of the note\n" * 10
        assert doc.cut == 140
        assert not doc.in_view(100, 104)


async def test_what_could_not_be_read_of_a_note_is_counted_over_it(opened, registry):
    add_notes(registry, [Note("bad", "caf\ufffd and na\ufffdve", "TOUR-01", "2030-01-01", "clinic")], "test")
    async with opened() as hand:
        hand.review.open_note("bad")
        hand.review.draw()
        assert "2 unreadable characters" in hand.line("note-title")


async def test_a_note_too_long_is_told_over_it(opened, registry, monkeypatch):
    monkeypatch.setattr(note_view, "LONGEST", 2_500_000)
    add_notes(registry, [Note("long", "a line of it\n" * 300_000, "TOUR-01", "2030-01-01", "clinic")], "test")
    async with opened() as hand:
        hand.review.open_note("long")
        hand.review.draw()
        assert "first 2.5 M of 3.9 M characters" in hand.line("note-title")


async def test_marks_may_lie_over_each_other_and_the_current_one_is_in_reverse():
    async with One().run_test(size=(80, 10)) as pilot:
        doc = await shown(pilot, "abcdefghij")
        doc.mark([Mark(0, 8, State.ACCEPTED), Mark(2, 6, State.SUGGESTED), Mark(4, 10, State.CONFLICT, current=True)])
        looks = {segment.text: segment.style for segment in doc.render_line(0) if segment.text.strip()}
        assert list(looks)[1:] == ["|", "ab", "cd", "ef", "gh", "ij"]
        assert looks["ab"].bold
        assert looks["cd"].underline
        assert all(looks[part].reverse for part in ("ef", "gh", "ij"))
        assert next(iter(looks)).startswith(">")


# Selecting


@pytest.mark.parametrize(
    ("begin", "moves", "words"),
    [
        ("2.4", ["word", "word"], "2.4 cm"),
        ("\u6f22", ["right"], "\u6f22\u5b57"),
        ("cafe", ["word"], "cafe\u0301"),
        ("e\u0301", ["right"], "e\u0301,"),
        ("T2a", ["word"], "T2aN2"),
        ("12/03", ["word"], "12/03/2021"),
        (
            "size",
            ["sentence"],
            "size 2.4 cm, \u6f22\u5b57 cafe\u0301, T2aN2\ttab, seen 12/03/2021\r\nIMPRESSION:\nlimited stage.",
        ),
        ("tab", ["word", "back", "back"], "T2aN2\tt"),
        ("limited stage", ["up", "swap"], "IMPRESSION:\nl"),
    ],
)
async def test_a_selection_is_a_stretch_of_the_text(begin, moves, words):
    async with One().run_test(size=(40, 10)) as pilot:
        doc = await shown(pilot, WIDE)
        start = doc.text.index(begin)
        doc.select(start, start + 1)
        for move in moves:
            doc.move_head(move)
        assert chosen(doc) == doc.selected_text == words


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(["right", "left", "down", "up", "word", "back", "sentence", "swap"]), max_size=25))
async def test_no_way_of_moving_leads_out_of_the_note(moves):
    async with One().run_test(size=(20, 6)) as pilot:
        doc = await shown(pilot, WIDE)
        doc.select(3, 5)
        for move in moves:
            doc.move_head(move)
            start, end = doc.selected
            assert 0 <= start < end <= len(doc.text)
            assert doc.in_view(doc.selection[1], doc.selection[1] + 1)


async def test_down_and_up_keep_to_the_column_under_wide_characters():
    async with One().run_test(size=(40, 10)) as pilot:
        doc = await shown(pilot, "\u6f22\u5b57\u6f22\u5b57x\nabcdefghi\n\u6f22\u5b57\u6f22\u5b57x")
        doc.select(2, 3)
        doc.move_head("down")
        assert doc.text[doc.selection[1]] == "e"
        doc.move_head("down")
        assert doc.selection[1] == doc.text.rindex("\u6f22")


@pytest.mark.parametrize(
    ("at", "times", "words"),
    [
        ("2.4", 2, "2.4"),
        ("\u5b57", 2, "\u6f22\u5b57"),
        ("T2a", 2, "T2aN2"),
        (".\nsize", 2, "."),
        ("Stage", 3, "Stage: limited."),
    ],
)
async def test_two_clicks_take_the_word_and_three_the_sentence(at, times, words):
    async with One().run_test(size=(60, 10)) as pilot:
        doc = await shown(pilot, WIDE)
        offset = doc.text.index(at)
        line = doc.wrapped.line_at(offset)
        column = note_view.column_of(doc.text, doc.wrapped.starts[line], offset)
        await pilot.click(DocView, offset=(column + GUTTER, line), times=times)
        assert chosen(doc) == words


async def test_dragging_below_the_note_goes_on_in_it():
    async with One().run_test(size=(40, 6)) as pilot:
        doc = await shown(pilot, "\n".join(f"line {number}" for number in range(30)))
        await pilot.mouse_down(DocView, offset=(GUTTER, 0))
        doc.on_mouse_move(_Moved(8, 9))
        doc.on_mouse_move(_Moved(8, 9))
        await pilot.mouse_up(DocView, offset=(8, 5))
        assert doc.top == 2
        assert chosen(doc).startswith("line 0\nline 1\n")
        assert chosen(doc).count("\n") == 7


class _Moved:
    """Where the mouse went while the button was held, below the widget."""

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


async def test_the_footer_tells_the_selected_words_and_how_many_characters(opened):
    async with opened() as hand:
        await hand.press("1", "v")
        words = hand.review.doc.selected_text
        assert hand.line().startswith(f' "{words[:10]}')
        assert f" {len(words)} " in hand.line()
        await hand.press("escape")
        assert words[:10] not in hand.line()


async def test_the_mouse_leaves_the_match_and_the_footer_tells_what_it_took_instead(opened, letters):
    async with opened() as hand:
        await find(hand, "/progress")
        assert hand.line().startswith(" match 1/")
        doc = hand.review.doc
        await hand.pilot.click(DocView, offset=(GUTTER, 0), times=2)
        await hand.settle()
        word = doc.text[slice(*doc.word_at(0))]
        assert doc.selected_text == word
        assert hand.line().startswith(f' "{word}"')


# Moving about


async def test_narrow_and_wide_again_is_where_it_was():
    async with One().run_test(size=(80, 10)) as pilot:
        doc = await shown(pilot, "\n".join("some words of a line that must be wrapped " * 3 for _ in range(40)))
        doc.page(3)
        await pilot.pause()
        first = doc.first_offset
        for width in (43, 61, 37, 80):
            await pilot.resize_terminal(width, 10)
            await pilot.pause()
            line = doc.wrapped.line_at(first)
            assert doc.top == line
        assert doc.first_offset == first


async def test_the_note_stays_where_the_next_evidence_is_in_view_already(opened):
    async with opened(size=(160, 50)) as hand:
        await hand.go("histology")
        top, note_id = hand.review.doc.top, hand.review.note_id
        for row in hand.review.listed:
            spans = [one for one in row.evidence[:1] if one.note_id == note_id]
            if spans and hand.review.doc.in_view(spans[0].start, spans[0].end):
                await hand.go(row.slot)
                assert hand.review.doc.top == top


# Finding


@pytest.fixture
def letters(registry) -> list[str]:
    """Five later notes with one word in three of them."""
    texts = ["PROGRESS one", "nothing", "progress two, Progress three", "nothing", "the stra\u00dfe of progress"]
    notes = [Note(f"z{at}", text, "TOUR-01", f"2030-01-0{at + 1}", "clinic") for at, text in enumerate(texts)]
    add_notes(registry, notes, "test")
    return texts


async def find(hand, wanted: str) -> None:
    await hand.press("slash")
    hand.screen.query_one("Input").value = wanted
    await hand.press("enter")
    await hand.settle()


async def test_matches_in_all_notes_are_stepped_through_note_by_note(opened, letters):
    async with opened() as hand:
        review = hand.review
        await find(hand, r"/\progress (one|two|three)")
        seen = []
        for _ in range(3):
            seen.append((review.note_id, review.doc.selected_text, hand.line().split("   ")[0].strip()))
            await hand.press("]")
        assert seen == [
            ("z0", "PROGRESS one", "match 1/3 in 2 notes"),
            ("z2", "progress two", "match 2/3 in 2 notes"),
            ("z2", "Progress three", "match 3/3 in 2 notes"),
        ]
        assert review.note_id == "z0"
        await hand.press("[")
        assert review.doc.selected_text == "Progress three"


async def test_a_search_in_all_notes_goes_on_from_the_note_that_is_open(opened, letters):
    async with opened() as hand:
        hand.review.open_note("z1")
        await find(hand, "/progress")
        assert (hand.review.note_id, hand.review.doc.selected_text) == ("z2", "progress")


async def test_letters_that_grow_in_another_case_are_found_where_they_stand(opened, letters):
    async with opened() as hand:
        await find(hand, "/STRASSE")
        assert hand.review.doc.selected_text == "stra\u00dfe"


async def test_every_match_in_the_note_is_highlighted(opened, letters):
    async with opened() as hand:
        await find(hand, "/progress")
        hand.review.open_note("z2")
        await hand.pilot.pause()
        looks = [one.text for one in hand.review.doc.render_line(0) if one.style == hand.review.palette.match]
        assert looks == ["progress", "Progress"]


async def test_a_selection_starts_at_the_match_that_was_found(opened, letters):
    async with opened() as hand:
        await find(hand, "/three")
        await hand.press("escape")
        assert hand.review.doc.selected is None
        await hand.press("v")
        assert hand.review.doc.selected_text == "three"


@pytest.mark.parametrize("everywhere", ["", "/"])
@pytest.mark.parametrize(("wanted", "told"), [("\\(", "not a regular expression"), ("\\(a|aa)+$", "takes too long")])
async def test_a_bad_or_slow_expression_is_one_clear_line(opened, registry, everywhere, wanted, told):
    add_notes(registry, [Note("slow", "a" * 3000 + "!", "TOUR-01", "2030-01-01", "clinic")], "test")
    async with opened() as hand:
        hand.review.open_note("slow")
        await find(hand, everywhere + wanted)
        assert told in hand.line()
        await hand.press("j")
        assert told not in hand.line()


async def test_a_new_search_ends_the_one_under_way(opened, letters, monkeypatch):
    async with opened() as hand:
        started, pause = [], threading.Event()

        def never_ends(wanted, cancelled):
            started.append(wanted)
            while not cancelled():
                pause.wait(0.01)
            return [("z0", 0, 3)]

        monkeypatch.setattr(hand.session.notes, "search", never_ends)
        await hand.press("slash")
        hand.screen.query_one("Input").value = "/one"
        await hand.press("enter")
        while not started:
            await hand.pilot.pause()
        await find(hand, "and")
        assert started == ["one"]
        assert all(note_id != "z0" for note_id, _, _ in hand.review.matches)


async def test_escape_ends_a_search_that_takes_long_and_stays_with_the_patient(opened, letters, monkeypatch):
    async with opened() as hand:
        ended = threading.Event()

        def never_ends(_wanted, cancelled):
            while not cancelled():
                ended.wait(0.01)
            ended.set()
            return [("z0", 0, 3)]

        monkeypatch.setattr(hand.session.notes, "search", never_ends)
        await hand.press("slash")
        hand.screen.query_one("Input").value = "/one"
        await hand.press("enter")
        assert "esc ends" in hand.line()
        await hand.press("escape")
        assert await asyncio.to_thread(ended.wait, 30)
        await hand.settle()
        assert hand.line().strip() == "search ended"
        assert hand.screen is hand.review
        assert not hand.review.matches
