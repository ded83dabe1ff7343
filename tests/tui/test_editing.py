"""Values by hand, by keys: what is typed is checked while it is typed, shown as it will be saved, and kept if the terminal dies."""

import os
import signal
import time
from pathlib import Path

import pytest

from abstractor.model.decision import Action
from abstractor.model.note import Note
from abstractor.registry.decisions import decisions_of
from abstractor.registry.drafts import draft_of, drafts_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.findings import store_findings
from abstractor.registry.notes import add_notes, notes_of
from abstractor.review.config import ReviewConfig
from abstractor.review.drafts import read_draft
from abstractor.review.rows import State
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook
from abstractor.rulebook.schema import Code
from abstractor.tui.guard import FastRun
from abstractor.tui.screens.dialogs import Confirm, FieldPicker
from abstractor.tui.screens.edit import EditScreen, Form, Stated
from abstractor.tui.screens.review import ReviewScreen
from tests.tui.test_terminal import on_terminal

RULES = Path(__file__).resolve().parents[2] / "rules"


@pytest.fixture(scope="session")
def book() -> RuleBook:
    """The whole rulebook: genes, drugs, stages and spellings are needed here."""
    return load_rulebook(RULES)


def hint(hand) -> str:
    return hand.line("hint")


async def new_fact(hand, field: str) -> None:
    await hand.press("i")
    await hand.type(field)
    await hand.press("enter")
    assert isinstance(hand.screen, EditScreen)


# Codes


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_the_picker_tells_how_many_codes_fit_and_takes_the_first(opened, size):
    async with opened(size=size) as hand:
        await hand.go("primary_site")
        await hand.press("e")
        assert hand.line("found").strip() == "12 of 12 fit"
        await hand.type("lobe")
        assert hand.line("found").strip() == "5 of 12 fit"
        await hand.press("down")
        assert "enter saves: Right middle lobe" in hint(hand)
        assert "right_middle_lobe" in hand.painted()
        await hand.press("enter")
        assert hand.decisions[-1].value == "right_middle_lobe"


async def test_a_slip_of_the_pen_still_finds_its_code(opened):
    async with opened() as hand:
        await hand.go("primary_site")
        await hand.press("e")
        await hand.type("rihgt hilum")
        assert "enter saves: Right hilum" in hint(hand)


async def test_ten_thousand_codes_are_chosen_from_line_by_line(opened):
    async with opened() as hand:
        codes = tuple(Code(code=f"C{number:05}", label=f"Label {number}") for number in range(10_000))
        spec = hand.session.book.fields["primary_site"].model_copy(update={"codes": codes})
        form = Form(reader=hand.session.reader, save=lambda _stated: None)
        hand.app.push_screen(EditScreen(hand.app.keymap, hand.app.palette, spec, Stated(""), form))
        await hand.pilot.pause()
        assert hand.line("found").strip() == "10000 of 10000 fit"
        await hand.type("label 999")
        assert hand.line("found").strip() == "11 of 10000 fit"
        assert "enter saves: Label 999" in hint(hand)


async def test_an_edit_that_changes_nothing_is_not_saved(opened):
    async with opened() as hand:
        await hand.go("primary_site")
        await hand.press("e", "enter")
        assert "nothing is changed" in hint(hand)
        assert hand.decisions == ()


async def test_a_conflict_is_not_settled_by_an_empty_edit(opened):
    async with opened() as hand:
        await hand.press("e", "enter")
        assert "a value is needed" in hint(hand)
        assert hand.decisions == ()


# Dates


async def test_a_date_is_shown_as_it_will_be_stored_while_it_is_typed(opened):
    async with opened() as hand:
        await hand.go("diagnosis_date")
        await hand.press("e")
        await hand.type("13.5.2023")
        assert "enter saves: 2023-05-13" in hint(hand)
        await hand.press("enter")
        assert hand.decisions[-1].value == "2023-05-13"


async def test_a_date_with_two_readings_is_not_saved_and_both_are_told(opened):
    async with opened() as hand:
        await hand.go("diagnosis_date")
        await hand.press("e")
        await hand.type("3/4/2023")
        assert "2023-04-03 or 2023-03-04" in hint(hand)
        await hand.press("enter")
        assert isinstance(hand.screen, EditScreen)
        assert hand.decisions == ()
        await hand.press("escape")
        assert hand.decisions == ()


# T, N, M


async def test_a_category_is_refused_or_doubted_while_it_is_typed_and_the_group_is_shown(opened):
    async with opened() as hand:
        year = hand.session.year
        assert year is not None
        await hand.go("stage.t")
        await hand.press("e")
        await hand.type("T7")
        assert "does not fit" in hint(hand)
        await hand.press("enter")
        assert hand.decisions == ()
        await hand.press("backspace", "backspace")
        await hand.type("ct3")
        assert "enter saves: T3" in hint(hand)
        assert "prefix=c" in hint(hand)
        assert "is stage" in hand.line("remark")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.value, stored.attributes["prefix"]) == ("T3", "c")


async def test_what_is_strange_is_saved_by_a_second_enter(opened):
    async with opened() as hand:
        await hand.go("stage.m")
        await hand.press("e")
        await hand.type("m1c1")
        assert "edition 8" in hand.line("remark")
        await hand.press("enter")
        assert isinstance(hand.screen, EditScreen)
        assert "enter again saves it" in hint(hand)
        await hand.press("enter")
        assert hand.decisions[-1].value == "M1c1"


# Variants, drugs, many attributes


async def test_a_variant_is_typed_as_people_write_it(opened):
    async with opened() as hand:
        await new_fact(hand, "variant")
        await hand.type("notch1 p.P11")
        assert "no change we can read" in hint(hand)
        await hand.press("enter")
        assert isinstance(hand.screen, EditScreen)
        await hand.type("7L")
        assert "enter saves: NOTCH1 p.P117L" in hint(hand)
        await hand.press("enter")
        assert hand.decisions[-1].slot == "variant:NOTCH1 p.P117L"


async def test_a_gene_and_the_word_for_its_alteration_are_completed_by_enter(opened):
    async with opened() as hand:
        await new_fact(hand, "variant")
        await hand.type("notch2")
        await hand.press("enter")
        assert hand.screen.query_one("#value").value == "NOTCH2 "
        await hand.type("lo")
        await hand.press("down", "enter", "enter")
        assert hand.decisions[-1].value == "NOTCH2 loss"


async def test_an_unknown_gene_is_doubted_with_what_is_near(opened):
    async with opened() as hand:
        await new_fact(hand, "variant")
        await hand.type("NOTCHH1 loss")
        await hand.press("enter")
        assert "NOTCH1" in hint(hand)
        assert hand.decisions == ()


async def test_a_line_of_therapy_takes_drugs_cycles_and_dates_in_few_keys(opened):
    async with opened() as hand:
        await new_fact(hand, "line of")
        before = hand.pressed
        await hand.type("2")
        await hand.press("tab")
        await hand.type("5 oct 2023")
        await hand.press("tab", "tab")
        await hand.type("CE")
        await hand.press("tab")
        await hand.type("3")
        assert "drugs=carboplatin,etoposide; cycles=3" in hint(hand)
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.slot, stored.date) == ("therapy_line:2", "2023-10-05")
        assert dict(stored.attributes) == {"drugs": ["carboplatin", "etoposide"], "cycles": 3}
        assert hand.pressed - before == 19


async def test_what_a_fact_needs_is_asked_for_once_before_it_is_saved_without(opened):
    async with opened() as hand:
        await new_fact(hand, "line of")
        await hand.type("3")
        await hand.press("enter")
        assert "date? enter again saves without" in hint(hand)
        await hand.type("2024-01")
        await hand.press("enter")
        assert "drugs? enter again saves without" in hint(hand)
        assert hand.decisions == ()
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.value, stored.date, dict(stored.attributes)) == ("3", "2024-01", {})


async def test_a_dose_is_typed_in_either_unit_and_one_that_can_not_be_is_refused(opened):
    async with opened() as hand:
        await new_fact(hand, "radio")
        await hand.type("thor")
        await hand.press("tab")
        await hand.type("2023-06-01")
        await hand.press("tab", "tab")
        await hand.type("4500")
        assert "can't be" in hint(hand)
        await hand.press("enter")
        assert isinstance(hand.screen, EditScreen)
        await hand.type(" cgy")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.value, dict(stored.attributes)) == ("thoracic", {"dose_gy": 45})


async def test_an_attribute_of_a_standing_fact_is_changed_alone(opened):
    async with opened() as hand:
        await new_fact(hand, "radio")
        await hand.type("thor")
        await hand.press("tab")
        await hand.type("2023-06-01")
        await hand.press("tab", "tab")
        await hand.type("45")
        await hand.press("enter")
        await hand.go("radiotherapy:thoracic@2023-06-01")
        await hand.press("e", "tab", "tab", "tab", "tab")
        await hand.type("30")
        await hand.press("tab")
        await hand.type("y")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert stored.value == "thoracic"
        assert dict(stored.attributes) == {"dose_gy": 45, "fractions": 30, "twice_daily": True}


async def test_every_entry_of_the_fullest_fact_fits_on_the_smallest_terminal(opened):
    async with opened(size=(60, 16)) as hand:
        await new_fact(hand, "response")
        shown = hand.painted()
        assert all(label in shown for label in ("value:", "date:", "line:", "site:", "change:", "new lesion:"))
        await hand.type("p")
        assert "enter saves" in hand.painted()


async def test_what_an_edit_check_would_say_is_said_before_saving(opened):
    async with opened() as hand:
        await hand.go("stage.valg")
        row = hand.session.row("stage.valg")
        fired = hand.session.problems.would_fire(row, "limited")
        await hand.press("e")
        await hand.type("limited")
        said = hand.line("remark")
        assert all(one.message in said for one in fired)


# Selections


async def test_a_selected_date_is_read_shown_and_saved_by_enter(opened):
    async with opened() as hand:
        await hand.go("diagnosis_date")
        note = next(note for note in hand.session.notes.all if hand.session.notes.text(note.note_id).count("alive"))
        await hand.press("/")
        await hand.type("/alive")
        await hand.press("enter")
        await hand.settle()
        assert hand.review.note_id == note.note_id
        await hand.press("=")
        assert 'from "alive"' in hand.line("quote")
        assert "write 2021" in hint(hand)
        await hand.press("enter")
        assert hand.decisions == ()


# Drafts


async def test_every_entry_of_a_half_typed_edit_is_kept_as_it_is_typed_and_offered_back(opened, registry):
    async with opened() as hand:
        await hand.go("metastasis:adrenal")
        await hand.press("e")
        await hand.press("tab")
        await hand.type("2023-0")
        await hand.press("ctrl+n")
        kept = read_draft(draft_of(registry, "ann", "TOUR-01", "metastasis:adrenal"))
        assert (kept.entries["date"], kept.absent) == ("2023-0", True)
    async with opened() as hand:
        assert "half typed and kept: Metastasis" in hand.line("notices")
        await hand.go("metastasis:adrenal")
        await hand.press("e")
        assert hand.screen.query_one("#date").value == "2023-0"
        await hand.press("tab")
        await hand.press("end")
        await hand.type("4")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.date, stored.assertion) == ("2023-04", "absent")
    assert drafts_of(registry, "ann", "TOUR-01") == {}


async def test_a_half_typed_new_fact_comes_back_with_its_words(opened, registry):
    async with opened() as hand:
        await hand.press("/")
        await hand.type("adenocarcinoma")
        await hand.press("enter")
        await new_fact(hand, "surg")
        await hand.type("lob")
        assert list(drafts_of(registry, "ann", "TOUR-01")) == ["new:surgery"]
    async with opened() as hand:
        assert "new Surgery (i goes on)" in hand.line("notices")
        await hand.press("i")
        assert isinstance(hand.screen, FieldPicker)
        assert hand.screen.found[0].name == "surgery"
        await hand.press("enter")
        assert hand.screen.query_one("#value").value == "lob"
        assert "adenocarcinoma" in hand.line("quote")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.value, stored.evidence[0].text) == ("lobectomy", "adenocarcinoma")
    assert drafts_of(registry, "ann", "TOUR-01") == {}


async def test_leaving_a_question_forgets_what_was_half_typed(opened, registry):
    async with opened() as hand:
        await hand.press("e")
        await hand.type("x")
        assert drafts_of(registry, "ann", "TOUR-01")
        await hand.press("escape")
        assert drafts_of(registry, "ann", "TOUR-01") == {}


def test_a_half_typed_new_fact_survives_a_kill(registry: Registry, tmp_path: Path) -> None:
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("i")
        terminal.wait_for("which field")
        terminal.send("surgery\r")
        terminal.wait_for("value:")
        terminal.send("lobec")
        deadline = time.monotonic() + 30
        while typed(registry) != "lobec" and time.monotonic() < deadline:
            terminal.read(0.1)
        os.killpg(terminal.child.pid, signal.SIGKILL)
    assert typed(registry) == "lobec"
    assert decisions_of(registry, "TOUR-01") == ()


def typed(registry: Registry) -> str | None:
    kept = draft_of(registry, "ann", "TOUR-01", "new:surgery")
    return read_draft(kept).entries["value"] if kept else None


# The loop's guards


async def test_a_row_blinks_once_where_a_key_came_too_early(opened):
    now = [10.0]
    async with opened(monotonic=lambda: now[0], dwell_ms=250) as hand:
        await hand.press("1")
        assert hand.decisions == ()
        assert "not yet shown" in hand.line()
        assert hand.review._draw_row(0, 80).parts[0][1] == hand.review.palette.alarm
        await hand.pilot.pause(0.5)
        assert hand.review._draw_row(0, 80).parts[0][1] != hand.review.palette.alarm


async def test_rejecting_with_a_reason_and_accepting_alike_need_a_row_that_was_seen(opened):
    now = [10.0]
    async with opened(monotonic=lambda: now[0], dwell_ms=250) as hand:
        await hand.press("R")
        assert isinstance(hand.screen, ReviewScreen)
        await hand.go("response@2023-05-11")
        await hand.press("A")
        assert isinstance(hand.screen, ReviewScreen)
        now[0] += 0.3
        await hand.press("A")
        assert isinstance(hand.screen, Confirm)


async def test_nothing_is_decided_while_the_terminal_is_too_small_to_show_it(opened):
    async with opened(size=(52, 14)) as hand:
        await hand.press("1")
        assert hand.decisions == ()


def test_thirty_quick_acceptances_are_remarked_upon_once() -> None:
    now = [0.0]
    run = FastRun(lambda: now[0])

    def accept(gap: float) -> bool:
        now[0] += gap
        return run.counted(accepted=True)

    assert [accept(0.5) for _ in range(40)].index(True) == 29
    run.counted(accepted=False)
    assert sum(accept(0.5) for _ in range(29)) == 0
    assert not accept(1.5)
    assert sum(accept(0.9) for _ in range(28)) == 0
    assert accept(0.9)


async def test_a_fast_run_is_told_in_one_quiet_line_and_stops_nobody(opened, monkeypatch):
    monkeypatch.setattr(FastRun, "LENGTH", 3)
    async with opened() as hand:
        await hand.press("1", "a", "a", "a")
        assert "fast run: audit sample may include these" in hand.line()
        await hand.press("a")
        assert "fast run" not in hand.line()
        assert len(hand.decisions) == 5


async def test_what_moved_can_be_accepted_only_after_its_words_were_found_again(opened, registry):
    async with opened() as hand:
        row = next(
            row for row in hand.session.rows if len(row.choices) == len(row.evidence) == 1 and row.confidence > 0.5
        )
        [span] = row.evidence
    text = f"Dictated anew. Of note: {span.text}, as before."
    add_notes(registry, [Note(span.note_id, text, "TOUR-01", span.note_date, span.note_type)], "test")
    async with opened() as hand:
        await hand.go(row.slot)
        assert "evidence moved; hash differs" in hand.painted()
        await hand.press("a")
        assert hand.decisions == ()
        assert "evidence moved" in hand.line()
        await hand.press("/")
        await hand.type(f"/{span.text}")
        await hand.press("enter")
        await hand.settle()
        hand.review.open_note(span.note_id)
        await hand.press("/")
        await hand.type(span.text)
        await hand.press("enter", "+", "a")
        stored = hand.decisions[-1]
        assert (stored.slot, stored.action) == (row.slot, Action.ACCEPT)
        assert [one.start for one in stored.evidence] == [text.index(span.text)]


async def test_rows_that_are_hardly_believed_or_moved_are_left_out_of_a_bulk_acceptance(opened):
    async with opened(low_confidence=0.999) as hand:
        await hand.go("response@2023-05-11")
        assert [row.slot for row in hand.session.alike("response@2023-05-11")] == ["response@2023-05-11"]


async def test_a_rejected_required_fact_comes_back_once_as_missing(opened):
    async with opened() as hand:
        await hand.go("primary_site")
        await hand.press("r")
        assert hand.state("primary_site") == "_"
        await hand.go("primary_site")
        await hand.press("0")
        assert hand.state("primary_site") == "0"
        assert not hand.session.row("primary_site").open


async def test_notes_that_the_rules_have_not_read_are_told_on_top_of_the_list(opened, registry):
    for note in notes_of(registry, "TOUR-01"):
        store_findings(registry, note, [], rulebook="cafe", engine="test")
    add_notes(registry, [Note("T99", "A new letter.", "TOUR-01", "2024-01-01", "clinic")], "test")
    async with opened() as hand:
        assert "1 note newer and not read by the rules" in hand.line("notices")
        assert "1 note newer" in hand.painted()
        assert "other rules (cafe)" in hand.line("notices")


async def test_nothing_is_told_of_a_patient_whose_notes_were_all_read(opened, registry, book):
    for note in notes_of(registry, "TOUR-01"):
        store_findings(registry, note, [], rulebook=book.version, engine="test")
    async with opened() as hand:
        assert not hand.screen.query_one("#notices").display


# Undo and redo, across kills


def test_thirty_decisions_are_taken_back_and_brought_again_after_restarts(registry, book, tmp_path) -> None:
    """Each step is made by a program of its own, which ends without a word."""
    tick = iter(range(100_000))

    def session() -> Session:
        again = open_registry(str(tmp_path / "r.db"))
        return Session(
            again, book, "TOUR-01", "ann", lambda: f"2024-03-01T08:00:00.{next(tick):03}+00:00", ReviewConfig()
        )

    first = session()
    while len(first.log.decisions_of("TOUR-01")) < 30:
        waiting = first.blocking or first.rows
        row = waiting[0]
        if row.open and row.choices:
            first.pick(row.slot, 1)
        elif row.open:
            first.defer(row.slot) if row.state is not State.DEFERRED else first.not_documented(row.slot)
        else:
            first.comment(row.slot, "again")
    stood = first.case.current
    said = first.case.comments
    for _ in range(30):
        session().undo()
    assert session().case.current == {}
    for _ in range(30):
        session().redo()
    last = session()
    assert {slot: one.action_id for slot, one in last.case.current.items()} == {
        slot: one.action_id for slot, one in stood.items()
    }
    assert {slot: len(some) for slot, some in last.case.comments.items()} == {
        slot: len(some) for slot, some in said.items()
    }
    assert len(last.log.decisions_of("TOUR-01")) == 90


async def test_undo_goes_no_further_back_than_the_closing_of_the_patient(opened, registry):
    async with opened() as hand:
        await hand.press("1", "a")
        session = hand.session
        object.__setattr__(session, "config", ReviewConfig(close_open=True, dwell_ms=0))
        session.close()
        session.reopen("a late letter")
        await hand.press("ctrl+l", "u")
        assert "nothing to undo" in hand.line()
        assert hand.decisions[-1].action is Action.REOPEN
