"""The timeline: lanes, spans of dates that are known in part, intervals, zoom, and the way from an event to its words."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.dates import PartialDate
from abstractor.model.errors import RulebookError
from abstractor.review.rows import State
from abstractor.review.time_axis import SHORTEST, Window, draw_axis, draw_lane, whole_window
from abstractor.review.timeline import Event, timeline
from abstractor.rulebook.lanes import FILE, load_lanes
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.screens.timeline import TimelineScreen
from abstractor.tui.widgets.lines import Panel

RULES = Path(__file__).resolve().parents[2] / "rules"
LANES = load_lanes(RULES)


def event(start: str, end: str | None = None, lane: str = "Sys", mark: str = "T", text: str = "Drug: x") -> Event:
    closing = PartialDate.parse(end) if end else None
    return Event(
        lane, mark, PartialDate.parse(start), closing, text, State.ACCEPTED, field="systemic_therapy", slot="s"
    )


def drawn(events: list[Event], window: Window, width: int) -> str:
    return "".join(char for char, _ in draw_lane(list(enumerate(events)), window, width))


def a_window(first: str, days: int) -> Window:
    return Window(date.fromisoformat(first).toordinal(), days)


# Events


async def added(hand, field, value, **more):
    hand.session.add(field, value, **more)
    hand.review.refresh_rows()
    hand.review.draw()
    await hand.pilot.pause()


def shown_of(hand):
    return timeline(hand.session.rows, hand.session.notes.all, LANES)


async def test_each_fact_is_in_the_lane_of_its_field_and_a_progression_in_its_own(opened):
    async with opened() as hand:
        events = shown_of(hand).events
    lanes = {one.slot: one.lane for one in events if one.slot}
    assert lanes["diagnosis_date"] == "Dx"
    assert {lane for slot, lane in lanes.items() if slot.startswith("systemic_therapy")} == {"Sys"}
    responses = {one.value: one.lane for one in events if one.field == "response"}
    assert responses == {"PR": "Resp", "PD": "Prog"}


async def test_what_was_rejected_or_never_was_is_no_event(opened):
    async with opened() as hand:
        await added(hand, "surgery", "lobectomy", date="2023-03-01")
        assert "surgery:lobectomy" in {one.slot for one in shown_of(hand).events}
        hand.session.reject("surgery:lobectomy")
        assert "surgery:lobectomy" not in {one.slot for one in shown_of(hand).events}
        absent = [row for row in hand.session.rows if row.choices and row.choices[0].assertion == "absent"]
        assert absent
        assert not {row.slot for row in absent} & {one.slot for one in shown_of(hand).events}


async def test_events_are_in_the_order_of_time_whatever_the_order_of_the_rows(opened):
    async with opened() as hand:
        forward = shown_of(hand).events
        backward = timeline(tuple(reversed(hand.session.rows)), tuple(reversed(hand.session.notes.all)), LANES).events
    assert forward == backward
    assert [one.first for one in forward] == sorted(one.first for one in forward)


def test_a_date_known_in_part_says_so():
    assert [event(day).shown for day in ("2021-05-03", "2021-05", "2021")] == ["2021-05-03", "2021-05-??", "2021-??-??"]
    assert [event(day).imprecise for day in ("2021-05-03", "2021-05", "2021")] == ["", "month only", "year only"]


async def test_dates_that_contradict_each_other_are_counted_and_a_more_exact_one_does_not_contradict(opened, registry):
    from dataclasses import replace

    from abstractor.registry.suggestions import replace_suggestions, suggestions_of

    first = next(one for one in suggestions_of(registry, "TOUR-01") if one.slot == "diagnosis_date")
    others = [one for one in suggestions_of(registry, "TOUR-01") if one.slot != "diagnosis_date"]

    def with_dates(*values: str) -> None:
        replace_suggestions(registry, "TOUR-01", [*others, *(replace(first, value=value) for value in values)])

    def dates(hand) -> int:
        return next(one.dates for one in shown_of(hand).events if one.slot == "diagnosis_date")

    with_dates("2023-02-13", "2023-02")
    async with opened() as hand:
        assert dates(hand) == 1
    with_dates("2023-02-13", "2023-02", "2023-03-01")
    async with opened() as hand:
        assert dates(hand) == 2
        await hand.press("t")
        assert "! 2 dates" in hand.painted()
        hand.session.edit("diagnosis_date", "2023-02-13")
        assert dates(hand) == 1


# Intervals


async def test_an_interval_between_days_is_a_number_and_one_from_a_month_is_a_range(opened):
    async with opened() as hand:
        await added(hand, "diagnosis_date", "2021-03-01")
        await added(hand, "surgery", "lobectomy", date="2021-03-12")
        assert "Dx to surgery 11 d" in shown_of(hand).intervals
        await added(hand, "surgery", "lobectomy", date="2021-04")
        assert "Dx to surgery 31-60 d" in shown_of(hand).intervals


async def test_an_interval_that_rests_on_a_suggestion_is_marked(opened):
    async with opened() as hand:
        await added(hand, "surgery", "lobectomy", date="2023-02-20")
        assert "Dx to surgery 7 d ?" in shown_of(hand).intervals
        hand.session.accept("diagnosis_date")
        assert "Dx to surgery 7 d" in shown_of(hand).intervals


# The picture


def test_an_event_of_a_day_is_its_mark_under_its_day():
    assert drawn([event("2021-03-05", mark="#")], a_window("2021-03-01", 10), 10) == "----#-----"


def test_an_episode_is_drawn_from_its_first_to_its_last_day():
    assert drawn([event("2021-03-03", "2021-03-08")], a_window("2021-03-01", 10), 10) == "--[====]--"


def test_a_long_episode_bears_its_name():
    line = drawn(
        [event("2021-01-05", "2021-03-20", text="Systemic therapy: topotecan")], a_window("2021-01-01", 90), 90
    )
    assert "[==" in line
    assert " topotecan " in line


def test_days_that_are_possible_and_not_known_are_drawn_as_a_span():
    window = a_window("2021-03-26", 40)
    assert drawn([event("2021-04", mark="S")], window, 40) == "-" * 6 + "S" + "~" * 29 + "-" * 4
    line = drawn(
        [event("2021-04", "2021-05-02", text="a name too long for it: and the rest of it as well")], window, 40
    )
    assert line == "-" * 6 + "[" + "~" * 29 + "=" + "]" + "--"


def test_what_begins_before_the_window_is_drawn_as_far_as_it_is_in_it():
    assert drawn([event("2021-02-01", "2021-03-04")], a_window("2021-03-01", 10), 10) == "===]------"


def test_the_current_event_lies_on_top():
    here, there = event("2021-03-05", mark="A"), event("2021-03-05", mark="B")
    pairs = list(enumerate([here, there]))
    window = a_window("2021-03-01", 10)
    assert draw_lane(pairs, window, 10, current=0)[4] == ("A", 0)
    assert draw_lane(pairs, window, 10, current=1)[4] == ("B", 1)


def test_the_axis_names_years_and_months_and_in_close_view_days():
    assert draw_axis(a_window("2020-12-20", 200), 80).split() == ["2021", "Feb", "Mar", "Apr", "May", "Jun", "Jul"]
    assert draw_axis(a_window("2018-06-01", 3600), 60).split()[:3] == ["2019", "2020", "2021"]
    assert draw_axis(a_window("2021-03-01", 14), 70).split()[0] == "2021-03-02"


days = st.dates(date(1900, 1, 1), date(2100, 1, 1))


@given(st.lists(st.tuples(days, days), min_size=1, max_size=8), st.integers(20, 200))
def test_every_picture_has_its_width_and_shows_every_event(spans, width):
    events = [event(min(span).isoformat(), max(span).isoformat()) for span in spans]
    window = whole_window(events)
    assert len(drawn(events, window, width)) == width
    assert len(draw_axis(window, width)) == width
    for number, one in enumerate(events):
        assert number in {owner for _, owner in draw_lane(list(enumerate(events)), window, width, current=number)}, one


@given(days, days, st.floats(0.05, 20), st.floats(-5, 5))
def test_a_window_never_leaves_the_time_there_is(first, second, factor, share):
    whole = whole_window([event(first.isoformat()), event(second.isoformat())])
    looking = whole.zoomed(factor, first).moved(share).within(whole)
    assert looking.first >= whole.first
    assert looking.first + looking.days <= whole.first + whole.days + 1e-6
    assert SHORTEST <= looking.days <= whole.days


@given(days, days)
def test_zooming_in_keeps_the_event_under_the_cursor_in_view(first, second):
    whole = whole_window([event(first.isoformat()), event(second.isoformat())])
    assert whole.zoomed(0.5, first).within(whole).shows(first)


# The screen


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (60, 16)])
async def test_lanes_list_and_intervals_are_on_the_screen_at_every_size(opened, size):
    async with opened(size=size, theme="mono") as hand:
        await hand.press("t")
        assert isinstance(hand.screen, TimelineScreen)
        painted = hand.painted().split("\n")
        assert len(painted) == size[1]
        assert any(line.strip().startswith("Dx ") for line in painted)
        assert any("Date of diagnosis" in line for line in painted)
        assert "Dx to" in painted[-2]
        assert "back" in painted[-1]


async def test_the_cursor_walks_over_facts_and_over_notes_too_where_that_is_asked(opened):
    async with opened() as hand:
        await hand.press("t")
        facts = hand.screen.list.count
        assert all(hand.screen.timeline.events[number].slot for number in hand.screen.listed)
        await hand.press("j", "j")
        current = hand.screen.current
        await hand.press("n")
        assert hand.screen.list.count == facts + len(hand.session.notes.all)
        assert hand.screen.current == current
        await hand.press("n")
        assert hand.screen.list.count == facts


async def test_zoom_and_move_change_what_time_is_shown_and_say_where_it_ends(opened):
    async with opened() as hand:
        await hand.press("t")
        whole = hand.screen.window
        await hand.press("-")
        assert "this is all there is" in hand.line()
        await hand.press("+")
        assert hand.screen.window.days == pytest.approx(whole.days / 2)
        before = hand.screen.window.first
        await hand.press("l")
        assert hand.screen.window.first > before
        for _ in range(9):
            await hand.press("h")
        assert hand.screen.window.first == pytest.approx(whole.first)
        assert "no further" in hand.line()


async def test_an_event_out_of_view_comes_into_view_when_the_cursor_gets_there(opened):
    async with opened() as hand:
        await hand.press("t", "+", "+", "+")
        await hand.press("G")
        assert hand.screen.window.shows(hand.screen.event.first)
        await hand.press("g", "g")
        assert hand.screen.window.shows(hand.screen.event.first)


async def test_enter_goes_to_the_row_and_its_words(opened):
    async with opened() as hand:
        await hand.press("t", "G")
        wanted = hand.screen.event
        await hand.press("enter")
        assert isinstance(hand.screen, ReviewScreen)
        assert hand.slot == wanted.slot
        assert hand.review.note_id == wanted.note_id
        assert hand.review.doc.in_view(wanted.offset, wanted.offset + 1)


async def test_enter_on_a_note_opens_the_note(opened):
    async with opened() as hand:
        await hand.press("t", "n", "G")
        while hand.screen.event.slot:
            await hand.press("k")
        wanted = hand.screen.event.note_id
        await hand.press("enter")
        assert hand.review.note_id == wanted


async def test_from_the_worklist_it_shows_the_patient_under_the_cursor(opened):
    async with opened(patient=None) as hand:
        await hand.press("t")
        assert isinstance(hand.screen, TimelineScreen)
        assert "TOUR-01" in hand.line("header")
        await hand.press("enter")
        assert isinstance(hand.screen, ReviewScreen)


async def test_a_patient_without_dates_has_an_empty_timeline(opened, registry):
    from abstractor.model.note import Note
    from abstractor.registry.notes import add_notes

    add_notes(registry, [Note("u1", "Nothing.", "UNDATED")], "test")
    async with opened(patient="UNDATED") as hand:
        await hand.press("t")
        assert "Nothing has a date" in hand.painted()
        await hand.press("j", "+", "l", "n", "enter")
        assert isinstance(hand.screen, TimelineScreen)


async def test_lanes_that_do_not_fit_are_reached_with_the_cursor(opened):
    async with opened(size=(60, 16)) as hand:
        await hand.press("t", "G")
        panel = hand.screen.query_one("#lanes", Panel)
        shown = [panel.lines[panel.first + y].plain.split()[0] for y in range(panel.size.height)]
        assert hand.screen.event.lane in shown


# The file


def test_every_lane_and_interval_names_fields_values_and_note_types_that_exist(book):
    from abstractor.model.note import NOTE_TYPES

    named = [name for lane in LANES.lane for name in lane.fields]
    named += [name for one in LANES.interval for name in (*one.begin, *one.end)]
    assert set(named) <= set(book.fields)
    assert {kind for lane in LANES.lane for kind in lane.note_types} == set(NOTE_TYPES)
    for lane in LANES.lane:
        codes = {code.code for name in lane.fields for code in book.fields[name].codes}
        assert set(lane.values) <= codes
    assert len({lane.name for lane in LANES.lane}) == len(LANES.lane)


def test_a_folder_of_rules_without_lanes_takes_those_of_the_program(tmp_path):
    assert load_lanes(tmp_path) == LANES


def test_a_faulty_file_of_lanes_is_told_with_the_place_of_each_fault(tmp_path):
    content = tomllib.loads((RULES / FILE).read_text(encoding="utf-8"))
    assert content["lane"]
    (tmp_path / FILE).write_text(
        '[[lane]]\nname = "toolong"\nmark = "##"\nsays = "x"\ncolour = "red"\n', encoding="utf-8"
    )
    with pytest.raises(RulebookError) as caught:
        load_lanes(tmp_path)
    assert {fault.split(":")[1].strip() for fault in caught.value.faults} == {
        "lane 1 name",
        "lane 1 mark",
        "lane 1 colour",
    }
    (tmp_path / FILE).write_text("[[lane", encoding="utf-8")
    with pytest.raises(RulebookError, match="TOML"):
        load_lanes(tmp_path)
