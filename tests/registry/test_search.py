"""Search finds places in a patient's notes, and a careless expression hangs nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.search import find_places, search_notes


def test_words_are_found_in_any_case_by_date_undated_notes_last(registry: Registry) -> None:
    notes = [
        Note("N1", "no date: LIVER", "P1"),
        Note("N2", "The liver. Liver lesions.", "P1", "2024-03-02"),
        Note("N3", "\U0001f9ec Liver", "P1", "2024-03-01"),
        Note("N4", "liver of another patient", "P2", "2024-01-01"),
    ]
    add_notes(registry, notes, "test")
    hits = search_notes(registry, "P1", "liver")
    assert hits == [("N3", 2, 7), ("N2", 4, 9), ("N2", 11, 16), ("N1", 9, 14)]
    texts = {note.note_id: note.text for note in notes}
    assert all(texts[note_id][start:end].lower() == "liver" for note_id, start, end in hits)


def test_only_the_latest_version_is_searched(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "liver", "P1")], "test")
    add_notes(registry, [Note("N1", "spleen", "P1")], "test")
    assert search_notes(registry, "P1", "liver") == []
    assert search_notes(registry, "P1", "spleen") == [("N1", 0, 6)]


def test_signs_of_expressions_mean_themselves_unless_asked(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "a.b a+b axb", "P1")], "test")
    assert search_notes(registry, "P1", "a.b") == [("N1", 0, 3)]
    assert search_notes(registry, "P1", "a.b", regex=True) == [("N1", 0, 3), ("N1", 4, 7), ("N1", 8, 11)]


def test_matches_of_nothing_are_left_out(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "xx", "P1")], "test")
    assert search_notes(registry, "P1", "y*", regex=True) == []
    assert search_notes(registry, "P1", "") == []


def test_a_broken_expression_is_an_error_of_one_line(registry: Registry) -> None:
    with pytest.raises(InputError, match="not a regular expression"):
        search_notes(registry, "P1", "(", regex=True)


def test_an_expression_that_runs_away_is_given_up(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "a" * 5000 + "!", "P1")], "test")
    with pytest.raises(InputError, match="takes too long"):
        search_notes(registry, "P1", r"(a|aa)+(?:b|(a+)+)$", regex=True)


def test_no_more_than_a_thousand_places_are_given(registry: Registry) -> None:
    add_notes(registry, [Note(f"N{number}", "x " * 600, "P1") for number in range(3)], "test")
    assert len(search_notes(registry, "P1", "x")) == 1000


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("strasse", "die Straße, STRASSE", ["Straße", "STRASSE"]),
        ("Straße", "STRASSE strasse", ["STRASSE", "strasse"]),
        ("istanbul", "\u0130stanbul, ISTANBUL", ["\u0130stanbul", "ISTANBUL"]),
        ("confirm", "con\ufb01rm", ["con\ufb01rm"]),
        ("small cell", "small\n   cell, Small Cell", ["small\n   cell", "Small Cell"]),
    ],
)
def test_letters_are_folded_as_unicode_does_and_offsets_stay_those_of_the_text(
    wanted: str, text: str, found: list[str]
) -> None:
    """Letters that grow when their case is changed must shift nothing that stands behind them."""
    for before in ("", "\u0130\u00df\ufb01 "):
        assert [(before + text)[start:end] for start, end in find_places(before + text, wanted)] == found


@given(st.text("aAsSß\u0130iI\ufb01 \n", max_size=30), st.text("aAsSß\u0130iI\ufb01", min_size=1, max_size=4))
def test_every_place_found_is_what_was_looked_for(text: str, wanted: str) -> None:
    """Dots over an i apart: there Unicode and the library differ."""

    def plain(words: str) -> str:
        return words.casefold().replace("\u0307", "")

    last = 0
    for start, end in find_places(text, wanted):
        assert last <= start < end
        assert plain(text[start:end]) == plain(wanted)
        last = end


@pytest.mark.parametrize("pattern", [r"(?R)", r"((((a{1,1000}){1,1000}){1,1000}){1,1000})b", r"(a|aa)+$"])
def test_expressions_that_only_harm_are_given_up(pattern: str) -> None:
    with pytest.raises(InputError, match="too long"):
        find_places("a" * 5000 + "!", pattern, regex=True)


def test_a_search_that_is_cancelled_stops_before_the_next_note(registry: Registry) -> None:
    add_notes(registry, [Note(f"N{number}", "liver", "P1") for number in range(5)], "test")
    asked = iter([False, False, True])
    assert search_notes(registry, "P1", "liver", cancelled=lambda: next(asked)) == [("N0", 0, 5), ("N1", 0, 5)]


def test_a_note_can_be_stored_while_a_search_is_under_way(registry: Registry) -> None:
    """On a registry that is one file, a reader that held its lock would keep every writer waiting."""
    add_notes(registry, [Note(f"N{number}", "liver", "P1") for number in range(3)], "test")
    stored = []

    def write_meanwhile() -> bool:
        stored.append(add_notes(registry, [Note(f"M{len(stored)}", "spleen", "P2")], "test").added)
        return False

    assert len(search_notes(registry, "P1", "liver", cancelled=write_meanwhile)) == 3
    assert stored == [1, 1, 1]
