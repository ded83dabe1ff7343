"""The review loop, by keys: what is pressed is committed, shown, and followed by the next open row."""

import pytest
from sqlalchemy import event
from textual import events

from abstractor.model.decision import Action, Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, record
from abstractor.registry.drafts import draft_of, save_draft
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.review import notes as notes_module
from abstractor.review.drafts import read_draft
from abstractor.tui.screens.dialogs import Confirm
from abstractor.tui.screens.edit import EditScreen
from abstractor.tui.screens.worklist import WorklistScreen


async def test_the_first_open_row_shows_its_note_with_the_evidence_marked(opened):
    async with opened() as hand:
        assert hand.slot == "histology"
        span = hand.review.span
        assert hand.review.doc.text[span.start : span.end] == "combined small cell carcinoma"
        assert hand.review.doc.in_view(span.start, span.end)
        assert "1-9 pick" in hand.line()
        assert "accept" not in hand.line()


@pytest.mark.both_databases
async def test_one_key_decides_is_committed_and_goes_to_the_next_open_row(opened):
    async with opened() as hand:
        await hand.press("1")
        assert [one.value for one in hand.decisions] == ["combined_small_cell"]
        assert hand.slot == "diagnosis_date"
        await hand.press("a")
        assert hand.decisions[-1].action is Action.ACCEPT
        assert hand.slot == "primary_site"
        await hand.press("r")
        await hand.press("d")
        assert [hand.state(slot) for slot in ("histology", "diagnosis_date", "primary_site", "smoking_status")] == list(
            "~+_z"
        )


async def test_a_conflict_takes_no_accept_and_says_what_it_takes(opened):
    async with opened() as hand:
        await hand.press("a")
        assert hand.decisions == ()
        assert hand.slot == "histology"
        assert "pick 1-2" in hand.line()


async def test_keys_that_come_in_a_burst_decide_only_what_was_seen(opened):
    now = [10.0]
    async with opened(monotonic=lambda: now[0], dwell_ms=250) as hand:
        now[0] += 0.3
        await hand.press("1", "a", "a", "a", "a")
        assert len(hand.decisions) == 1
        assert "not yet shown" in hand.line()
        now[0] += 0.25
        await hand.press("a", "a")
        assert len(hand.decisions) == 2


async def test_low_confidence_needs_its_evidence_in_view_at_the_moment_of_decision(opened):
    async with opened() as hand:
        await hand.go("metastasis:adrenal")
        await hand.press("n", "a")
        assert hand.decisions == ()
        assert "not in view" in hand.line()
        await hand.press(".", "a")
        assert hand.decisions[-1].value == "adrenal"


async def test_nothing_is_decided_while_the_list_hides_the_evidence(opened):
    async with opened() as hand:
        await hand.go("primary_site")
        await hand.press("z", "a")
        assert hand.decisions == ()
        await hand.press("z", "a")
        assert len(hand.decisions) == 1


@pytest.mark.both_databases
async def test_undo_goes_back_to_what_it_undid_and_redo_brings_it_back(opened):
    async with opened() as hand:
        await hand.press("1", "a", "u")
        assert hand.slot == "diagnosis_date"
        assert hand.state("diagnosis_date") == "?"
        await hand.press("u")
        assert (hand.slot, hand.state("histology")) == ("histology", "!")
        await hand.press("U", "ctrl+r")
        assert (hand.state("histology"), hand.state("diagnosis_date")) == ("~", "+")
    async with opened() as hand:
        await hand.press("u", "u")
        assert hand.session.decided == 0


async def test_an_edit_offers_codes_while_typing_and_enter_saves(opened):
    async with opened() as hand:
        await hand.go("primary_site")
        await hand.press("e")
        assert isinstance(hand.screen, EditScreen)
        await hand.type("lul")
        assert "Left upper lobe" in hand.line("hint")
        await hand.press("enter")
        assert hand.decisions[-1].value == "left_upper_lobe"
        assert hand.state("primary_site") == "~"
        assert hand.slot == "smoking_status"


async def test_leaving_an_edit_leaves_everything_as_it_was(opened):
    async with opened() as hand:
        await hand.press("e")
        await hand.type("trans")
        await hand.press("escape")
        assert hand.decisions == ()
        assert hand.slot == "histology"


async def test_a_value_that_does_not_fit_is_not_saved_and_says_why(opened):
    async with opened() as hand:
        await hand.go("pack_years")
        await hand.press("e")
        await hand.type("many")
        await hand.press("enter")
        assert isinstance(hand.screen, EditScreen)
        assert "write it like" in hand.line("hint")
        assert hand.decisions == ()


async def test_a_date_that_is_no_day_is_refused_while_typing(opened):
    async with opened() as hand:
        await hand.go("diagnosis_date")
        await hand.press("e")
        await hand.type("2023-02-30")
        assert "no such day" in hand.line("hint")
        await hand.press(*["backspace"] * 3, "enter")
        assert hand.decisions[-1].value == "2023-02"


async def test_a_fact_can_be_negated_where_that_counts(opened):
    async with opened() as hand:
        await hand.go("metastasis:adrenal")
        await hand.press("e")
        await hand.type("adrenal")
        await hand.press("ctrl+n", "enter")
        assert hand.decisions[-1].assertion == "absent"


async def test_a_missed_required_fact_is_found_taken_and_saved_in_few_keys(opened):
    async with opened() as hand:
        await hand.go("vital_status")
        before = hand.pressed
        await hand.press("/")
        await hand.type("/re")
        await hand.press("enter")
        await hand.settle()
        await hand.press("=")
        for _ in range(20):
            await hand.press("backspace")
        await hand.type("alive")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.action, stored.value) == (Action.ADD, "alive")
        assert [one.text.lower() for one in stored.evidence] == ["re"]
        assert hand.pressed > before


async def test_a_selection_is_read_as_the_value_of_the_row(opened):
    async with opened() as hand:
        await hand.go("stage.valg")
        await hand.press("/")
        await hand.type("extensive stage")
        await hand.press("enter", "=")
        assert "enter saves: Extensive stage" in hand.line("hint")
        await hand.press("enter")
        assert hand.decisions[-1].evidence[0].text == "extensive stage"


async def test_a_fact_nobody_found_is_added_from_selected_words(opened):
    async with opened() as hand:
        await hand.press("/")
        await hand.type("adenocarcinoma")
        await hand.press("enter", "i")
        await hand.type("surg")
        await hand.press("enter")
        assert isinstance(hand.screen, EditScreen)
        for _ in range(20):
            await hand.press("backspace")
        await hand.type("lobec")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.slot, stored.action) == ("surgery:lobectomy", Action.ADD)
        assert stored.evidence[0].text == "adenocarcinoma"
        assert hand.slot == "histology"


async def test_evidence_is_attached_from_a_selection(opened):
    async with opened() as hand:
        await hand.press("1", "k", "v", "w", "+")
        stored = hand.decisions[-1]
        assert stored.value == "combined_small_cell"
        assert [one.text for one in stored.evidence][-1].startswith("combined small cell carcinoma")
        assert len(stored.evidence) == 2


@pytest.mark.both_databases
async def test_all_alike_are_accepted_after_their_number_was_shown(opened, registry, book):
    async with opened() as hand:
        await hand.go("response@2023-05-11")
        await hand.press("A")
        assert isinstance(hand.screen, Confirm)
        assert "Accept 1 row:" in hand.line("question")
        await hand.press("escape")
        assert hand.decisions == ()
        await hand.press("A", "enter")
        assert hand.decisions[-1].value == "PR"


async def test_a_reason_for_a_rejection_is_one_more_digit(opened):
    async with opened() as hand:
        await hand.press("R", "2")
        assert (hand.decisions[-1].action, hand.decisions[-1].reason) == (Action.REJECT, "family")


async def test_a_comment_is_kept_and_shown(opened):
    async with opened() as hand:
        await hand.press("c")
        await hand.type("ask again")
        await hand.press("enter")
        assert hand.session.row("histology").comments[0].reason == "ask again"
        assert hand.slot == "histology"


async def test_a_patient_is_not_closed_while_something_is_open_and_the_list_says_what(opened):
    async with opened() as hand:
        await hand.press("G", "enter")
        assert isinstance(hand.screen, Confirm)
        assert "26 open" in hand.line("question")
        await hand.press("enter")
        assert isinstance(hand.screen, Confirm)
        assert hand.decisions == ()


async def settle_all(hand) -> None:
    await hand.press("1", *["a"] * 23)
    await hand.go("vital_status")
    await hand.press("0")
    assert hand.slot == "metastasis:adrenal"  # hardly believed, and so asked last
    await hand.press("a")


@pytest.mark.both_databases
async def test_when_all_is_decided_one_key_closes_the_patient(opened, registry):
    async with opened() as hand:
        await settle_all(hand)
        assert not hand.session.blocking
        await hand.press("enter")
        await hand.settle()
        assert case_of(registry, "TOUR-01").closed
        assert isinstance(hand.screen, WorklistScreen)


@pytest.mark.both_databases
async def test_a_closed_patient_takes_no_decision_until_it_is_reopened(opened, registry):
    async with opened(close_open=True) as hand:
        await hand.press("G", "enter", "enter")
        await hand.settle()
    async with opened() as hand:
        await hand.press("1")
        assert "closed" in hand.line()
        await hand.press("O")
        await hand.type("late report")
        await hand.press("enter", "1")
        assert hand.decisions[-1].action is Action.PICK


async def test_what_is_not_saved_does_not_advance_and_enter_tries_again(opened, registry):
    full = True

    def refuse(_conn, _cursor, statement, *_rest):
        if full and statement.startswith("INSERT INTO decision"):
            raise RegistryError("the disk is full")

    event.listen(registry.engine, "before_cursor_execute", refuse)
    async with opened() as hand:
        await hand.press("1")
        assert "NOT SAVED" in hand.line()
        assert hand.slot == "histology"
        assert hand.state("histology") == "!"
        await hand.press("N")
        assert "NOT SAVED" in hand.line()
        await hand.press("j")
        assert hand.line().startswith(" NOT SAVED, nothing advances: enter retry   x to file")
        await hand.press("k")
        full = False
        await hand.press("enter")
        assert hand.state("histology") == "~"
        assert hand.slot == "diagnosis_date"
        assert len(hand.decisions) == 1


@pytest.mark.both_databases
async def test_what_somebody_else_decided_meanwhile_is_shown_and_not_overwritten(opened, registry):
    async with opened() as hand:
        other = Decision(
            "b1", "TOUR-01", "histology", Action.REJECT, "bob", "2024-03-01T07:00:00+00:00", "histology", offered="x"
        )
        record(registry, other, seen=0)
        await hand.press("1")
        assert "bob" in hand.line()
        assert [one.decided_by for one in hand.decisions] == ["bob"]
        await hand.press("e")
        await hand.type("small")
        await hand.press("enter")
        assert hand.decisions[-1].decided_by == "ann"


@pytest.mark.both_databases
async def test_a_patient_that_somebody_holds_opens_to_read_only(opened, registry):
    clock_at = "2024-03-01T08:00:00.000+00:00"
    claim(registry, "TOUR-01", "bob", clock=lambda: clock_at)
    async with opened() as hand:
        assert "READ ONLY: bob" in hand.line("header")
        await hand.press("1")
        assert hand.decisions == ()
        assert "bob" in hand.line()
        await hand.press("!")
        assert "bob holds TOUR-01" in hand.line()
    async with opened(supervisor=True) as hand:
        await hand.press("!", "1")
        assert len(hand.decisions) == 1


@pytest.mark.both_databases
async def test_a_note_that_changed_shows_its_evidence_as_moved_and_blocks_acceptance(opened, registry):
    note = Note("T07", "CT rewritten. Partial response, still.", "TOUR-01", "2023-05-11", "radiology")
    add_notes(registry, [note], "test")
    async with opened() as hand:
        await hand.go("response@2023-05-11")
        assert "evidence moved" in hand.painted()
        await hand.press("/")


async def test_a_half_typed_edit_comes_back_after_a_kill(opened, registry):
    save_draft(registry, "ann", "TOUR-01", "histology", "combi")
    async with opened() as hand:
        await hand.press("e")
        assert hand.screen.query_one("#value").value == "combi"
        await hand.type("n")
        assert read_draft(draft_of(registry, "ann", "TOUR-01", "histology")).entries["value"] == "combin"
        await hand.press("escape")
        assert draft_of(registry, "ann", "TOUR-01", "histology") is None


async def test_pasted_text_is_never_taken_for_commands(opened):
    async with opened() as hand:
        hand.app.post_message(events.Paste("aaa1r0du"))
        await hand.pilot.pause()
        assert hand.decisions == ()


async def test_a_patient_of_twenty_five_facts_takes_at_most_forty_keys(opened, registry):
    """Accept, pick, reject, edit, defer, undo and one missed fact among them, to the closed patient."""
    async with opened() as hand:
        await hand.press("2")  # histology: the other one
        await hand.press("u", "1")  # no, the addendum holds
        await hand.press(*["a"] * 8)  # to M
        await hand.press(*["a"] * 6)
        await hand.press(*["a"] * 5)
        await hand.press("d")  # topotecan, later
        await hand.press(*["a"] * 3)
        await hand.type("//alive")  # vital status was not found
        await hand.press("enter")
        await hand.settle()
        await hand.press("=", "enter")
        await hand.press("r")  # the adrenal nodule, hardly believed and so asked last
        assert hand.slot == "systemic_therapy:topotecan@2023-10-05"
        await hand.press("a")
        assert not hand.session.blocking
        await hand.press("enter")
        await hand.settle()
        assert case_of(registry, "TOUR-01").closed
        assert len(case_of(registry, "TOUR-01").facts) == 25
        assert hand.pressed <= 40


async def test_a_hundred_notes_open_with_only_the_one_that_is_shown_read(opened, registry, monkeypatch):
    notes = [Note(f"X{n:03}", f"Note {n}. " * 200, "TOUR-01", f"2024-{1 + n % 12:02}-01") for n in range(100)]
    add_notes(registry, notes, "test")
    read = []
    original = notes_module.note_text
    monkeypatch.setattr(notes_module, "note_text", lambda reg, note_id: read.append(note_id) or original(reg, note_id))
    async with opened() as hand:
        assert len(hand.session.notes.all) == 110
        assert set(read) == {"T03"}
        await hand.press("1")
        assert hand.slot == "diagnosis_date"


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (60, 16), (200, 60)])
async def test_every_size_shows_row_note_and_evidence(opened, size):
    async with opened(size=size) as hand:
        shown = hand.painted()
        assert "Histology" in shown
        assert "combined small cell carcinoma" in shown
        assert hand.review.has_class("wide") is (size[0] >= 140)
        await hand.press("1")
        assert len(hand.decisions) == 1


async def test_a_terminal_too_small_says_so_and_comes_back_when_enlarged(opened):
    async with opened(size=(52, 14)) as hand:
        assert "Needs 60x16, has 52x14" in hand.painted()
        await hand.pilot.resize_terminal(80, 24)
        while hand.screen.has_class("small"):
            await hand.pilot.pause()
        await hand.pilot.pause()
        assert "Histology" in hand.painted()


async def test_a_resize_keeps_the_row_and_the_first_visible_words(opened):
    async with opened() as hand:
        await hand.press("1")
        offset = hand.review.doc.first_offset
        await hand.pilot.resize_terminal(150, 40)
        await hand.pilot.pause()
        assert hand.slot == "diagnosis_date"
        first = hand.review.doc.first_offset
        line = hand.review.doc.wrapped.line_at(offset)
        assert first == hand.review.doc.wrapped.starts[line] or first <= offset


async def test_a_patient_without_suggestions_asks_for_the_required_fields(opened, registry):
    replace_suggestions(registry, "TOUR-01", [])
    async with opened() as hand:
        assert {row.state.value for row in hand.session.rows} == {"_"}
        await hand.press("0")
        assert hand.decisions[-1].action is Action.NOT_DOCUMENTED


async def test_keys_typed_ahead_of_a_question_belong_to_the_question_and_decide_nothing(opened):
    async with opened() as hand:
        await hand.go("ki67")
        for char in ("/", "a", "0", "1", "r"):
            hand.app.post_message(events.Key("slash" if char == "/" else char, char))
        await hand.pilot.pause()
        await hand.pilot.pause()
        assert hand.decisions == ()
        assert hand.screen.query_one("#line").value == "a01r"


async def test_dose_and_fractions_are_typed_with_the_fact_they_belong_to(opened):
    async with opened() as hand:
        await hand.press("i")
        await hand.type("radio")
        await hand.press("enter")
        await hand.type("pci")
        await hand.press("tab")
        await hand.type("2023-07")
        await hand.press("tab", "tab")
        await hand.type("high")
        await hand.press("enter")
        assert "45 Gy or 4500 cGy" in hand.line("hint")
        await hand.press(*["backspace"] * 4)
        await hand.type("2500 cGy")
        await hand.press("tab")
        await hand.type("10")
        assert "dose_gy=25; fractions=10" in hand.line("hint")
        await hand.press("enter")
        stored = hand.decisions[-1]
        assert (stored.value, stored.date) == ("pci", "2023-07")
        assert dict(stored.attributes) == {"dose_gy": 25, "fractions": 10}


async def test_a_closed_patient_is_named_and_not_offered_again(opened, registry):
    add_notes(registry, [Note("z1", "Three.", "Z-FREE")], "test")
    async with opened() as hand:
        await settle_all(hand)
        await hand.press("enter")
        await hand.settle()
        assert hand.session.patient_id == "Z-FREE"
        assert "TOUR-01 is closed; Z-FREE is next" in hand.line()
        await hand.press("P")
        assert isinstance(hand.screen, WorklistScreen)
