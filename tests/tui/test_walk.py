"""What a day's work showed: a patient that can't be opened, one key taken back, words that say otherwise, narrow columns."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from rich.cells import cell_len

from abstractor.model.decision import Action
from abstractor.model.note import Note
from abstractor.registry.decisions import decisions_of
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.review.session import Session
from abstractor.rulebook.authors import load_authors
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.widgets.lines import Bar

STACKED, WIDE = (80, 24), (160, 50)


def repeat_performance(registry, count: int) -> None:
    """The same performance status on so many further days."""
    known = suggestions_of(registry, "TOUR-01")
    one = next(one for one in known if one.field == "ecog")
    first = date(2010, 1, 1)
    days = [(first + timedelta(days=number)).isoformat() for number in range(count)]
    more = [replace(one, slot=f"ecog@{day}", date=day) for day in days]
    replace_suggestions(registry, "TOUR-01", [*known, *more])


async def test_a_patient_that_can_not_be_opened_at_the_start_is_told_on_the_worklist(opened):
    async with opened(patient="NOBODY") as hand:
        await hand.settle()
        assert "NOBODY" in hand.line()
        assert "not in this registry" in hand.line()


async def test_one_key_takes_back_all_that_one_key_accepted_and_says_how_many(opened, registry):
    repeat_performance(registry, 5)
    async with opened() as hand:
        slot = "ecog@2010-01-01"
        await hand.go(slot)
        count = len(hand.session.alike(slot))
        assert count >= 5
        await hand.press("A", "enter")
        assert sum(one.action is Action.ACCEPT for one in hand.decisions) == count
        await hand.press("u")
        assert f"{count} rows" in hand.line()
        assert hand.session.case.current == {}
        await hand.press("U")
        assert f"{count} rows" in hand.line()
        assert len(hand.session.case.current) == count
        assert len(decisions_of(registry, "TOUR-01")) == 3 * count


async def test_a_value_typed_over_other_words_is_marked_in_the_list_until_a_word_is_given(opened):
    async with opened() as hand:
        hand.session.edit("primary_site", "left_hilum")
        hand.review.refresh_rows()
        await hand.go("primary_site")
        assert "~W Primary site" in hand.painted()
        assert "W E30 Primary site left_hilum: its words were read as" in hand.painted()
        problem = next(one for one in hand.session.problems.all if "primary_site" in one.slots)
        hand.session.problems.override(problem, "seen on the film")
        hand.review.refresh_rows()
        await hand.go("primary_site")
        assert '~" Primary site' in hand.painted()
        await hand.press("g", "h")
        assert "but its words were read as" in hand.painted()


async def test_a_narrow_column_calls_fields_by_their_short_names_and_gives_values_the_room(opened):
    async with opened(size=WIDE) as hand:
        long = next(row for row in hand.session.rows if row.spec.short)
        assert f"  {long.spec.short} " in hand.painted()
        assert long.spec.label not in "".join(line[:46] for line in hand.painted().split("\n"))
    async with opened(size=STACKED) as hand:
        await hand.go(long.slot)
        assert long.spec.label[:24].strip() in hand.painted()


def test_no_short_name_is_wider_than_its_column(book):
    assert [spec.name for spec in book.fields.values() if cell_len(spec.short or "") > 13] == []
    assert [spec.name for spec in book.fields.values() if not spec.short and cell_len(spec.label) > 20] == []


async def test_the_pane_tells_the_events_that_frame_the_case(opened):
    async with opened(size=WIDE) as hand:
        assert "timeline: " in hand.painted()
        before = hand.review._brief
        assert "?" in before
        dated = next(row.slot for row in hand.session.rows if row.spec.name == "diagnosis_date")
        hand.session.pick(dated, 1)
        hand.review.refresh_rows()
        assert hand.review._brief.count("?") == before.count("?") - 1


async def test_a_conflict_quotes_by_what_its_values_are_ordered(opened):
    async with opened(size=WIDE) as hand:
        conflict = next(row for row in hand.session.rows if row.conflict)
        await hand.go(conflict.slot)
        assert "offered first: own words over copied" in hand.painted()


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Stable.\nElectronically signed by: Dr. A. Fen 2021-03-04", "Dr. A. Fen"),
        ("Stable.\nDictated by: Anna Fen\nTyped: 3 March", "Anna Fen"),
        ("Reported by: J. Roe, MD", "J. Roe"),
        ("The patient signed the consent. Attending: oncology, imaging", ""),
        ("Author: One Fen\nlater\nAuthor: Two Fen\n", "Two Fen"),
    ],
)
def test_the_author_is_whom_the_note_names(text, who):
    assert load_authors()(text) == who


async def test_the_author_of_a_note_stands_with_its_words(opened, registry):
    async with opened() as hand:
        row = next(row for row in hand.session.rows if len(row.choices) == 1 and row.evidence)
        first = row.evidence[0]
        text = hand.session.notes.text(first.note_id) + "\nDictated by: Anna Fen"
    note = Note(first.note_id, text, "TOUR-01", first.note_date, first.note_type)
    add_notes(registry, [note], "again")
    async with opened(size=WIDE) as hand:
        await hand.go(row.slot)
        assert "by Anna Fen" in hand.painted()


async def test_who_loses_the_patient_sees_at_the_next_beat_what_the_other_has_decided(opened, registry):
    async with opened() as hand:
        slot = hand.slot
        claim(registry, "TOUR-01", "bob", take_over=True, supervisor=True)
        theirs = Session(registry, hand.session.book, "TOUR-01", "bob", hand.app.clock)
        theirs.defer(slot)
        hand.review._beat()
        await hand.settle()
        assert "bob holds it" in hand.line("header")
        assert hand.session.row(slot).state.value == "z"
        theirs.reject(slot)
        hand.review._beat()
        await hand.settle()
        assert hand.session.row(slot).state.value != "z"


async def test_a_long_message_is_told_whole_on_a_small_terminal(opened):
    async with opened(size=STACKED) as hand:
        told = "words " * 20 + "end"
        hand.review.say(told)
        await hand.settle()
        assert " end" in hand.painted()
        assert hand.review.query_one("#footer", Bar).size.height == 2
        await hand.press("j")
        assert hand.review.query_one("#footer", Bar).size.height == 1


async def test_a_patient_of_a_thousand_suggestions_is_listed_and_decided(opened, registry):
    repeat_performance(registry, 1000)
    async with opened() as hand:
        assert len(hand.session.rows) >= 1000
        await hand.press("G")
        assert hand.review.at == len(hand.session.rows) - 1
        await hand.press("a")
        assert hand.decisions[-1].action is Action.ACCEPT


async def test_the_palette_finds_an_action_by_its_name_and_dims_nothing(opened):
    async with opened() as hand:
        await hand.press("ctrl+p")
        palette = hand.screen
        await hand.type("timeline")
        await hand.pilot.pause(0.5)
        await hand.settle()
        assert palette.styles.background.a == 0
        await hand.press("enter")
        await hand.settle()
        assert isinstance(hand.screen, TimelineScreen)


async def test_wide_combined_and_bidirectional_signs_keep_their_places(opened, registry):
    text = (
        "Befund \u8089\u816b cafe\u0301 \U0001f469\u200d\u2695\ufe0f \u202eabc\u202c: small cell carcinoma.\nlast line"
    )
    add_notes(registry, [Note("WIDE", text, "TOUR-01", "2023-05-01", "pathology")], "test")
    async with opened() as hand:
        hand.review.open_note("WIDE")
        hand.review.draw()
        await hand.press("slash")
        await hand.type("small cell")
        await hand.press("enter", "plus")
        assert hand.session.row(hand.slot).added[-1].text == "small cell"
        assert "\u202e" not in hand.painted()
        assert all(cell_len(line) == 80 for line in hand.painted().split("\n"))


async def test_a_patient_without_notes_is_reviewed_by_hand(opened, registry):
    with registry.write() as connection:
        connection.exec_driver_sql("INSERT INTO patient (patient_id, created_at) VALUES ('EMPTY', '2024-01-01')")
    async with opened(patient="EMPTY") as hand:
        assert "0 notes" in hand.line("header")
        assert "no note" in hand.line("note-title")
        await hand.press("0", "n", "dot", "slash")
        await hand.press("escape")
        assert hand.session.decided == 1
        await hand.press("z", "z", "tab", "z", "g", "h", "q", "t", "q", "v")
        assert hand.screen is hand.review


async def test_keys_survive_a_storm_of_resizes(opened):
    async with opened() as hand:
        sizes = [(160, 50), (80, 24), (50, 10), (60, 16), (139, 20), (140, 18), (200, 60), (80, 24)]
        for number, (width, height) in enumerate(sizes * 2):
            await hand.pilot.resize_terminal(width, height)
            await hand.press("j" if number % 2 else "k")
        await hand.press("g", "g", "1")
        assert [one.action for one in hand.decisions] == [Action.PICK]
        assert hand.review.query_one("#note").size.height > 3


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("conf<0.8", lambda row: row.confidence < 0.8 and row.choices),
        ("conf>=0.9", lambda row: row.confidence >= 0.9),
        ("state:!_", lambda row: row.state.value in "!_"),
        ("item:stage", lambda row: "stage" in f"{row.spec.name} {row.spec.label} {row.spec.group}".lower()),
        ("note:path", lambda row: any("path" in f"{one.note_type} {one.note_id}".lower() for one in row.evidence)),
        ("item:stage state:?", lambda row: row.spec.group == "stage" and row.state.value == "?"),
    ],
)
async def test_each_term_of_the_filter_keeps_what_it_says(opened, line, kept):
    async with opened() as hand:
        wanted = [row.slot for row in hand.session.rows if kept(row)]
        assert wanted
        await hand.press("f")
        await hand.type(line)
        await hand.press("enter")
        assert [row.slot for row in hand.review.listed] == wanted
        await hand.press("F")
        assert len(hand.review.listed) == len(hand.session.rows)


async def test_keys_given_by_settings_work_and_stand_in_footer_and_help(opened):
    async with opened(keys={"accept": "s", "down": "n", "next_note": "j"}) as hand:
        await hand.go("stage.valg")
        assert " s accept" in hand.line()
        await hand.press("s")
        assert hand.decisions[-1].action is Action.ACCEPT
        await hand.press("question_mark")
        assert any(line.split()[:1] == ["s"] and "take the suggested" in line for line in help_lines(hand))


def help_lines(hand) -> list[str]:
    return [line.plain for line in hand.screen.lines]
