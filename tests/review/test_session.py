"""What a person does with a patient ends in the registry, one decision at a time, or not at all."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import event

from abstractor.model.decision import Action
from abstractor.model.errors import RegistryError, StaleCase
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.review.refused import Refused
from abstractor.review.rows import State
from abstractor.review.unsaved import write_unsaved
from tests.review.conftest import CLINIC, CT, quoted


def last(desk):
    return decisions_of(desk.registry, "p1")[-1]


def test_accepting_stores_the_value_its_words_and_what_was_offered(desk):
    session = desk()
    session.accept("primary_site")
    stored = last(desk)
    assert (stored.action, stored.value, stored.offered) == (Action.ACCEPT, "right_hilum", "right_hilum")
    assert [one.text for one in stored.evidence] == ["right hilum", "right hilum"]
    assert (stored.decided_by, stored.rule) == ("ann", "r1")
    assert session.row("primary_site").state is State.ACCEPTED


def test_a_conflict_is_not_accepted_but_picked(desk):
    session = desk()
    with pytest.raises(Refused, match="pick 1-2"):
        session.accept("stage.valg")
    assert decisions_of(desk.registry, "p1") == ()
    session.pick("stage.valg", 2)
    assert (last(desk).action, last(desk).value) == (Action.PICK, "extensive")
    assert last(desk).offered == "limited | extensive"


def test_there_is_no_value_beyond_those_on_the_table(desk):
    with pytest.raises(Refused, match="no value 3"):
        desk().pick("stage.valg", 3)


def test_rejecting_needs_no_reason_and_makes_no_fact(desk):
    session = desk()
    session.reject("metastasis:liver")
    assert session.row("metastasis:liver").state is State.REJECTED
    assert case_of(desk.registry, "p1").facts == ()
    session.reject("histology", "negated")
    assert last(desk).reason == "negated"


def test_an_edit_keeps_the_evidence_and_takes_a_label_for_its_code(desk):
    session = desk()
    session.edit("primary_site", "Right lower lobe")
    assert (last(desk).action, last(desk).value) == (Action.EDIT, "right_lower_lobe")
    assert len(last(desk).evidence) == 2


def test_a_value_that_does_not_fit_is_not_saved(desk):
    session = desk()
    with pytest.raises(Refused, match="code"):
        session.edit("primary_site", "left toe")
    with pytest.raises(Refused, match="no such day"):
        session.edit("metastasis:liver", "liver", date="2024-02-30")
    with pytest.raises(Refused, match="no negative"):
        session.edit("histology", "small_cell", assertion=Assertion.ABSENT)
    assert decisions_of(desk.registry, "p1") == ()


def test_a_missing_required_fact_is_added_from_selected_words(desk):
    session = desk()
    words = session.notes.quote("n1", 8, 38)
    assert words.text == "61, gave up cigarettes in 2010"
    assert session.notes.text("n1")[words.start : words.end] == words.text
    session.edit("vital_status", "alive", evidence=(words,))
    assert last(desk).action is Action.ADD
    assert last(desk).evidence == (words,)
    assert session.row("vital_status").state is State.ADDED


def test_a_quote_loses_the_blanks_around_it_and_an_empty_one_is_refused(desk):
    session = desk()
    assert session.notes.quote("n1", 2, 4).text == "F"
    with pytest.raises(Refused, match="nothing is selected"):
        session.notes.quote("n1", 2, 3)


def test_a_new_fact_gets_a_row_of_its_own_and_an_existing_question_gets_the_value(desk):
    session = desk()
    session.add("response", "PR", date="2024-04-02")
    assert session.row("response@2024-04-02").state is State.ADDED
    session.add("stage.valg", "ES")
    assert session.row("stage.valg").state is State.CHANGED
    assert last(desk).action is Action.EDIT
    session.add("metastasis", "brain", assertion=Assertion.ABSENT)
    assert session.row("metastasis:brain:absent").shown == "Brain ABSENT"


def test_a_visit_is_dated_by_itself(desk):
    session = desk()
    session.add("visit", "2024-02-03")
    assert last(desk).date == "2024-02-03"
    assert last(desk).slot == "visit@2024-02-03"


def test_undo_and_redo_have_no_end_and_survive_a_restart(desk):
    first = desk()
    first.accept("histology")
    first.accept("primary_site")
    first.pick("stage.valg", 1)
    second = desk()
    assert [second.undo()[0].slot for _ in range(3)] == ["stage.valg", "primary_site", "histology"]
    assert second.decided == 0
    with pytest.raises(Refused, match="nothing to undo"):
        second.undo()
    third = desk()
    assert [third.redo()[0].slot for _ in range(3)] == ["histology", "primary_site", "stage.valg"]
    assert third.row("stage.valg").shown == "Limited stage"
    with pytest.raises(Refused, match="nothing to redo"):
        third.redo()


def test_undo_takes_back_only_what_this_person_did(desk):
    desk("bob").accept("histology")
    ann = desk("ann")
    with pytest.raises(Refused, match="nothing to undo"):
        ann.undo()


def test_nothing_is_written_over_what_somebody_else_decided_meanwhile(desk):
    ann, bob = desk("ann"), desk("bob")
    bob.reject("histology")
    with pytest.raises(StaleCase, match="bob"):
        ann.accept("histology")
    assert ann.row("histology").decision.decided_by == "bob"
    assert len(decisions_of(desk.registry, "p1")) == 1


def test_a_patient_is_held_by_one_person_until_the_time_runs_out(desk):
    ann, bob = desk("ann"), desk("bob")
    assert ann.hold.claim().mine
    assert not bob.hold.claim().mine
    with pytest.raises(Refused, match="ann holds"):
        bob.accept("histology")
    desk.clock.minute += 15
    assert bob.hold.claim().mine
    assert not ann.hold.claim().mine


def test_what_could_not_be_saved_is_written_once_when_it_is_tried_again(desk):
    session = desk()
    full = True

    def refuse(_conn, _cursor, statement, *_rest):
        if full and statement.startswith("INSERT INTO decision"):
            raise RegistryError("the disk is full")

    event.listen(desk.registry.engine, "before_cursor_execute", refuse)
    with pytest.raises(RegistryError, match="full"):
        session.accept("histology")
    assert session.row("histology").state is State.SUGGESTED
    with pytest.raises(Refused, match="NOT SAVED"):
        session.accept("primary_site")
    full = False
    [stored] = session.writer.retry()
    assert session.row("histology").state is State.ACCEPTED
    assert session.writer.unsaved == ()
    assert [one.action_id for one in decisions_of(desk.registry, "p1")] == [stored.action_id]
    session.accept("primary_site")


def test_a_decision_that_reached_the_disk_before_the_line_broke_is_not_written_twice(desk):
    session = desk()
    stored = session.accept("histology")
    session.writer.unsaved = (replace(stored, sequence=0),)
    session.writer.retry()
    assert len(decisions_of(desk.registry, "p1")) == 1


def test_what_can_not_be_saved_goes_to_a_file_that_only_its_owner_reads(desk, tmp_path):
    decision = desk().accept("histology")
    path = write_unsaved((decision,), tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["value"] == "small_cell"


def test_evidence_that_has_moved_blocks_acceptance_until_it_is_found_again(desk):
    add_notes(
        desk.registry, [Note("n1", "Rewritten: it is small cell after all.", "p1", "2024-01-08", "clinic")], "test"
    )
    session = desk()
    assert not session.notes.stands(session.row("histology").evidence[0])
    with pytest.raises(Refused, match="evidence moved"):
        session.accept("histology")
    session.attach("histology", session.notes.quote("n1", 17, 27))
    session.accept("histology")
    assert [one.text for one in last(desk).evidence] == ["small cell"]


def test_evidence_added_to_a_decided_row_is_a_new_decision_with_the_same_value(desk):
    session = desk()
    session.accept("histology")
    session.attach("histology", session.notes.quote("n2", 0, 2))
    assert (last(desk).action, last(desk).value) == (Action.ACCEPT, "small_cell")
    assert [one.text for one in last(desk).evidence] == ["small cell", "CT"]


def test_a_changed_note_brings_its_facts_back_and_another_look_settles_them(desk):
    session = desk()
    session.accept("metastasis:liver")
    text = "CT: a mass at the right hilum. Extensive stage with a liver metastasis. Addendum: agreed."
    add_notes(desk.registry, [Note("n2", text, "p1", "2024-01-15", "radiology")], "test")
    again = desk()
    row = again.row("metastasis:liver")
    assert row.open
    assert row.state is State.ACCEPTED
    again.accept("metastasis:liver")
    assert not again.row("metastasis:liver").open


def test_a_new_value_beside_a_decision_is_picked_from_both(desk, suggest):
    session = desk()
    session.edit("stage.valg", "limited")
    replace_suggestions(desk.registry, "p1", [suggest("stage.valg", "extensive"), suggest("ki67", "90")])
    again = desk()
    assert not again.row("stage.valg").open  # both values had been on the table
    again.accept("ki67")
    replace_suggestions(desk.registry, "p1", [suggest("ki67", "70")])
    third = desk()
    assert third.row("ki67").changed == "now also 70"
    third.pick("ki67", 1)
    assert (last(desk).value, last(desk).action) == ("90", Action.ACCEPT)
    assert not third.row("ki67").open


def test_a_comment_stays_with_its_row_and_changes_no_value(desk):
    session = desk()
    session.comment("histology", "ask the pathologist")
    assert [one.reason for one in session.row("histology").comments] == ["ask the pathologist"]
    assert session.row("histology").state is State.SUGGESTED
    session.undo()
    assert session.row("histology").comments == ()


def three_alike(desk, suggest):
    """A session with three rows that ask the same, and one that asks something else."""
    same = [suggest("ecog", "1", date=f"2024-0{month}-01") for month in range(1, 4)]
    replace_suggestions(desk.registry, "p1", [suggest("histology", "small_cell"), *same])
    return desk()


def test_all_rows_that_ask_the_same_are_accepted_at_once_unless_that_is_switched_off(desk, suggest):
    three_alike(desk, suggest)
    with pytest.raises(Refused, match="switched off"):
        desk(bulk_accept=False).accept_alike("ecog@2024-01-01")
    assert len(desk().accept_alike("ecog@2024-01-01")) == 3
    assert len(case_of(desk.registry, "p1").facts) == 3


def settle_all(session):
    for row in session.rows:
        if row.conflict:
            session.pick(row.slot, 1)
        elif row.state is State.MISSING:
            session.not_documented(row.slot)
        else:
            session.accept(row.slot)


def test_a_patient_with_open_rows_is_not_closed_unless_policy_allows(desk):
    session = desk()
    with pytest.raises(Refused, match="6 open"):
        session.close()
    assert len(session.blocking) == 6
    desk(close_open=True).close()
    assert case_of(desk.registry, "p1").closed


def test_a_closed_patient_is_changed_only_after_reopening_with_a_reason(desk):
    session = desk()
    settle_all(session)
    session.close()
    for refused in (
        lambda: session.undo(),
        lambda: session.reject("histology"),
        lambda: session.comment("histology", "x"),
    ):
        with pytest.raises(Refused, match="closed"):
            refused()
    with pytest.raises(Refused, match="reason"):
        session.reopen(" ")
    session.reopen("a report came late")
    assert not session.case.closed
    with pytest.raises(Refused, match="nothing to undo"):
        session.undo()
    session.reject("metastasis:liver")


def test_the_history_of_a_row_holds_what_was_undone_too(desk):
    session = desk()
    session.accept("histology")
    session.undo()
    session.reject("histology")
    assert [one.action for one in session.history("histology")] == [Action.ACCEPT, Action.UNDO, Action.REJECT]


def test_a_half_typed_value_is_kept_until_it_is_saved_or_given_up(desk):
    desk().drafts.keep("histology", "combi")
    assert desk().drafts.get("histology") == "combi"
    assert desk("bob").drafts.get("histology") is None
    desk().drafts.forget("histology")
    assert desk().drafts.get("histology") is None


def test_all_notes_are_searched_for_words_and_for_expressions(desk):
    session = desk()
    assert [hit[0] for hit in session.notes.search("RIGHT HILUM")] == ["n1", "n2"]
    assert [hit[0] for hit in session.notes.search(r"\liver\s+met")] == ["n2"]
    assert session.notes.search("") == []


def test_the_drugs_of_a_line_are_shown_kept_and_changed(desk, suggest):
    line = replace(suggest("therapy_line", "1", date="2024-02-01"), attributes={"drugs": ["cisplatin"], "rule": "L1"})
    replace_suggestions(desk.registry, "p1", [line])
    session = desk()
    assert session.row("therapy_line:1").shown == "1 cisplatin"
    session.edit("therapy_line:1", "1", date="2024-02-02")
    assert dict(last(desk).attributes) == {"drugs": ["cisplatin"], "rule": "L1"}
    session.edit("therapy_line:1", "1", attributes={"drugs": ["carboplatin", "etoposide"]})
    assert dict(last(desk).attributes) == {"drugs": ["carboplatin", "etoposide"], "rule": "L1"}
    assert session.row("therapy_line:1").shown == "1 carboplatin+etoposide"


def test_a_value_typed_over_another_says_what_its_words_were_read_as(desk):
    session = desk()
    row = session.row("primary_site")
    assert session.read_as(row, "right_hilum") == ""
    assert session.read_as(row, "left_hilum") == session.book.fields["primary_site"].label_of("right_hilum")
    session.edit("primary_site", "left_hilum")
    assert [one.text for one in last(desk).evidence] == ["right hilum", "right hilum"]


def test_a_value_typed_over_another_is_warned_of_until_words_are_added_or_a_word_is_given(desk):
    session = desk()
    session.edit("primary_site", "left_hilum")
    warned = [one for one in session.problems.standing if one.slots == ("primary_site",)]
    assert [(one.check, one.severity.value) for one in warned] == [("E30", "W")]
    assert "read as Right hilum" in warned[0].message
    assert session.history("primary_site")[-1].reason == "its words were read as Right hilum"
    session.problems.override(warned[0], "the CT has the sides swapped")
    assert not [one for one in session.problems.standing if one.slots == ("primary_site",)]
    session.undo()
    session.attach("primary_site", session.notes.quote("n1", 0, 6))
    assert session.row("primary_site").read_as == ""
    assert not [one for one in session.problems.all if one.slots == ("primary_site",)]


def test_what_one_key_accepted_is_taken_back_and_brought_again_by_one_key_with_an_entry_for_each(desk, suggest):
    session = three_alike(desk, suggest)
    before = len(session.log.decisions_of("p1"))
    session.accept("histology")
    slots = [one.slot for one in session.accept_alike("ecog@2024-01-01")]
    assert len(slots) == 3
    session = desk()
    assert [one.slot for one in session.undo()] == slots
    assert set(slots).isdisjoint(session.case.current)
    assert "histology" in session.case.current
    assert [one.slot for one in session.redo()] == slots
    assert set(slots) < set(session.case.current)
    assert len(session.log.decisions_of("p1")) == before + 1 + 3 * len(slots)


def test_a_row_of_a_bulk_acceptance_that_was_decided_again_is_taken_back_before_the_others(desk, suggest):
    session = three_alike(desk, suggest)
    slots = [one.slot for one in session.accept_alike("ecog@2024-01-01")]
    session.reject(slots[1])
    assert [one.slot for one in session.undo()] == [slots[1]]
    assert [one.slot for one in session.undo()] == slots
    assert session.case.current == {}


def test_words_attached_for_an_edit_take_the_place_of_those_that_say_something_else(desk):
    session = desk()
    session.attach("primary_site", quoted(CT, "a mass"))
    session.edit("primary_site", "left_hilum")
    assert [one.text for one in last(desk).evidence] == ["a mass"]


def test_an_edit_of_the_same_value_keeps_only_the_words_it_was_decided_on(desk):
    session = desk()
    session.edit("primary_site", "left_hilum", evidence=(quoted(CT, "a mass"),))
    session.edit("primary_site", "left_hilum", attributes={"side": "left"})
    assert [one.text for one in last(desk).evidence] == ["a mass"]


def test_a_detail_that_repeats_a_day_goes_with_the_day(desk):
    session = desk()
    days = {"started": "2024-02-01", "stopped": "2024-02-03"}
    added = session.add(
        "systemic_therapy",
        "carboplatin",
        date="2024-02-01",
        end_date="2024-02-03",
        evidence=(quoted(CLINIC, "cigarettes"),),
        attributes=days,
    )
    session.edit(added.slot, "carboplatin", date="2024-02-01", end_date="2024-02-02", attributes=days)
    assert (last(desk).end_date, last(desk).attributes["stopped"]) == ("2024-02-02", "2024-02-02")
    assert last(desk).attributes["started"] == "2024-02-01"
