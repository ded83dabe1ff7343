"""The line mode goes the same way as the screen, in words."""

import io

import pytest

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.notes import add_notes
from abstractor.review.session import Session
from abstractor.tui.plain import PlainReview, run_plain


@pytest.fixture
def plain(registry, book):
    def run(*commands: str, patient: str = "TOUR-01") -> str:
        session = Session(registry, book, patient, "ann", lambda: "2024-03-01T08:00:00.000+00:00")
        session.claim()
        out = io.StringIO()
        assert PlainReview(session, out).run(io.StringIO("".join(f"{one}\n" for one in commands))) == 0
        return out.getvalue()

    return run


def test_a_row_is_told_with_its_values_and_their_words(plain):
    told = plain("q")
    assert "Histology: CONFLICT" in told
    assert "1: combined_small_cell" in told
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
