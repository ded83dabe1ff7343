"""Search finds places in a patient's notes, and a careless expression hangs nothing."""

import pytest

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.registry.search import search_notes


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
    with pytest.raises(InputError, match="no regular expression"):
        search_notes(registry, "P1", "(", regex=True)


def test_an_expression_that_runs_away_is_given_up(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "a" * 5000 + "!", "P1")], "test")
    with pytest.raises(InputError, match="takes too long"):
        search_notes(registry, "P1", r"(a|aa)+(?:b|(a+)+)$", regex=True)


def test_no_more_than_a_thousand_places_are_given(registry: Registry) -> None:
    add_notes(registry, [Note(f"N{number}", "x " * 600, "P1") for number in range(3)], "test")
    assert len(search_notes(registry, "P1", "x")) == 1000
