"""The line mode goes the same way as the screen, in words."""

import io
import os
import subprocess
import sys

import pytest

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.notes import add_notes
from abstractor.review.config import ReviewConfig
from abstractor.review.session import Session
from abstractor.tui.plain import PlainReview, run_plain


@pytest.fixture
def plain(registry, book):
    def run(*commands: str, patient: str = "TOUR-01") -> str:
        session = Session(registry, book, patient, "ann", lambda: "2024-03-01T08:00:00.000+00:00")
        session.hold.claim()
        out = io.StringIO()
        assert PlainReview(session, out).run(io.StringIO("".join(f"{one}\n" for one in commands))) == 0
        return out.getvalue()

    return run


def test_a_row_is_told_with_its_values_and_their_words(plain):
    told = plain("q")
    assert "Histology: CONFLICT" in told
    assert "1: Combined small cell carcinoma" in told
    assert "amended to combined small cell carcinoma" in told


def test_decisions_are_saved_one_by_one_under_the_same_guards(plain, registry):
    told = plain("a", "1", "a", "r wrong value", "u", "e left lower lobe", "q")
    assert "pick 1-2" in told
    assert [one.action.value for one in decisions_of(registry, "TOUR-01")] == [
        "pick",
        "accept",
        "reject",
        "undo",
        "edit",
    ]
    assert {fact.field: fact.value for fact in case_of(registry, "TOUR-01").facts}["primary_site"] == "left_lower_lobe"


def test_a_patient_is_closed_when_nothing_is_open(plain, registry):
    told = plain("", "1", *["a"] * 23, "0", "a", "")
    assert "26 open: " in told
    assert told.endswith("closed\n")
    assert case_of(registry, "TOUR-01").closed


def test_words_are_found_and_control_characters_are_shown(plain, registry):
    add_notes(registry, [Note("E", "evil \x1b]52;c;AA\x07 liver", "EVIL")], "test")
    told = plain("/ evil", "?", patient="EVIL")
    assert "1 matches" in told
    assert "\x1b" not in told


def test_without_a_name_the_first_patient_with_work_is_reviewed(registry, book):
    def run(*commands: str) -> str:
        out = io.StringIO()
        lines = io.StringIO("".join(f"{one}\n" for one in commands))
        clock = lambda: "2024-03-01T08:00:00.000+00:00"  # noqa: E731
        run_plain(registry, book, "ann", patient_id=None, clock=clock, lines=lines, out=out)
        return out.getvalue()

    assert run("q").startswith("TOUR-01")
    run("1", *["a"] * 23, "0", "a", "")
    with pytest.raises(InputError, match="no patient has work"):
        run("q")


def test_a_value_is_picked_from_the_codes_that_fit(plain, registry):
    told = plain("1", "a", "e lobe", "1", "q")
    assert "  1: " in told
    assert "a number, or nothing to leave" in told
    assert [one.field for one in decisions_of(registry, "TOUR-01")][2] == "primary_site"


def test_leaving_the_question_changes_nothing(plain, registry):
    told = plain("1", "a", "e lobe", "", "q")
    assert "nothing changed" in told
    assert len(decisions_of(registry, "TOUR-01")) == 2


def test_dates_and_details_may_follow_a_value(plain, registry):
    plain(":filter item:systemic_therapy", "e carboplatin; date=2023-02; until=2023-05", "q")
    [one] = decisions_of(registry, "TOUR-01")
    assert (one.value, one.date, one.end_date) == ("carboplatin", "2023-02", "2023-05")


def test_an_edit_keeps_the_date_that_was_suggested(plain, registry):
    plain("f topotecan", "e irinotecan", "q")
    [one] = decisions_of(registry, "TOUR-01")
    assert one.date == "2023-10-05"


def test_a_missed_fact_is_found_and_taken(plain, registry):
    told = plain("f vital", "// alive", "= alive", "q")
    assert "1 matches" in told
    [one] = decisions_of(registry, "TOUR-01")
    assert (one.field, one.value, one.evidence[0].text) == ("vital_status", "alive", "alive")


def test_a_new_fact_is_added(plain, registry):
    plain("i kps", "80", "q")
    [one] = decisions_of(registry, "TOUR-01")
    assert (one.field, one.value) == ("kps", "80")


def test_a_note_is_read_line_by_line_from_where_one_stands(plain):
    told = plain("n", " ", "b", "p", "p", "q")
    assert "note 2 of 10: radiology 2023-02-09" in told
    assert "CT CHEST AND ABDOMEN WITH CONTRAST" in told
    assert "no further note" in told


def test_history_timeline_and_evidence_are_told(plain):
    told = plain("1", "c looks odd", "k", "gh", ".", ".", "t", "q")
    assert "ann: pick combined_small_cell" in told
    assert "evidence 1 of" in told or "evidence 2 of" in told
    assert "2023-02-13" in told


def test_redo_reject_with_reason_and_alike(plain, registry):
    told = plain("1", "u", "U", "R", "3", "A", "n", "order", ":order", "q")
    assert [one.action.value for one in decisions_of(registry, "TOUR-01")] == ["pick", "undo", "redo", "reject"]
    assert decisions_of(registry, "TOUR-01")[-1].reason == "history"
    assert "Accept 1 rows" in told
    assert "ordered by confidence" in told


def test_changed_keys_count_here_too_and_every_action_has_a_name(registry, book):
    config = ReviewConfig(keys={"accept": "Y"})
    session = Session(registry, book, "TOUR-01", "ann", lambda: "2024-03-01T08:00:00.000+00:00", config)
    out = io.StringIO()
    PlainReview(session, out).run(["1\n", "a\n", "Y\n", ":accept\n", ":zoom\n", "?\n", "\x1b\n"])
    assert [one.action.value for one in decisions_of(registry, "TOUR-01")] == ["pick", "accept", "accept"]
    assert "is no command" in out.getvalue()
    assert "zoom: on the screen only" in out.getvalue()
    assert "Y: take the suggested value" in out.getvalue()


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_the_demonstration_works_through_a_pipe_on_a_dumb_terminal(locale):
    commands = "1\na\nr no\nu\n?\nq\n"
    done = subprocess.run(
        [sys.executable, "-m", "abstractor", "review", "--demo", "--plain"],
        input=commands.encode() + b"\xff\xfe\n",
        capture_output=True,
        check=False,
        env={**os.environ, "TERM": "dumb", "LC_ALL": locale},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"TOUR-01: 10 notes")
    assert b"\x1b" not in done.stdout
    assert locale != "C" or max(done.stdout) < 0x80
    assert done.stderr == b""


def test_what_the_words_of_a_typed_value_were_read_as_is_told_with_the_row(plain):
    told = plain("1", "a", "e left lower lobe", "k", "q")
    assert "its words were read as Right upper lobe" in told
    assert "warning E30" in told
