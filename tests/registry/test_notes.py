"""Notes are kept to the letter, in versions, and a changed text asks again for what rested on it."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.decision import Decision
from abstractor.model.errors import RegistryError
from abstractor.model.note import Note, text_hash
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import case_of, decisions_of, record
from abstractor.registry.engine import Registry
from abstractor.registry.findings import pending
from abstractor.registry.notes import add_notes, all_notes, note_text, notes_of, patients, whole_note

numbers = count()


@pytest.mark.parametrize(
    "text",
    [
        "line one\r\nline two\rline three\n",
        "\ufeffbyte order mark first",
        "NUL \x00 in the middle\x00",
        "astral \U0001f9ec and \U00020000",
        "combining e\u0301, RTL \u202eabc\u202c, line sep \u2028, form feed \x0c",
        " \t leading and trailing blanks \n\n",
        "'; DROP TABLE note; -- %s :name ?",
    ],
)
def test_a_text_is_kept_to_the_letter(registry: Registry, text: str) -> None:
    add_notes(registry, [Note("N1", text, "P1")], "test")
    assert note_text(registry, "N1") == text
    (stored,) = notes_of(registry, "P1")
    assert (stored.length, stored.sha256) == (len(text), text_hash(text))
    assert whole_note(registry, stored).text == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_as_it_was(registry: Registry, text: str) -> None:
    note_id = f"any-{next(numbers)}"
    add_notes(registry, [Note(note_id, text)], "test")
    assert note_text(registry, note_id) == text


def test_half_a_surrogate_pair_is_refused_in_one_line_and_nothing_of_it_is_stored(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="half a surrogate pair") as error:
        add_notes(registry, [Note("N1", "sound", "P1"), Note("N2", "Smith\ud800", "P1")], "test")
    assert "Smith" not in str(error.value)
    assert patients(registry) == ()


def test_the_same_note_twice_is_one_note(registry: Registry) -> None:
    note = Note("N1", "seen", "P1", "2024-03-01", "clinic")
    assert add_notes(registry, [note], "a.csv").added == 1
    again = add_notes(registry, [note, note], "b.csv")
    assert (again.added, again.known, again.versions) == (0, 2, 0)
    assert len(all_notes(registry)) == 1


def test_the_same_id_with_another_text_is_a_new_version_and_only_that_is_read(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "first", "P1")], "a.csv")
    stored = add_notes(registry, [Note("N1", "second", "P1")], "b.csv")
    assert (stored.added, stored.versions) == (0, 1)
    assert note_text(registry, "N1") == "second"
    (latest,) = notes_of(registry, "P1")
    assert latest.version == 2


def test_a_corrected_date_or_type_is_a_version_that_asks_for_no_recheck(
    registry: Registry, decide: Callable[..., Decision]
) -> None:
    add_notes(registry, [Note("N1", "text A", "P1")], "a.csv")
    record(registry, rests_on(decide, "text A", "stage.valg"), seen=0)
    dated = add_notes(registry, [Note("N1", "text A", "P1", "2024-03-01", "clinic")], "b.csv")
    assert (dated.versions, dated.known, dated.rechecks) == (1, 0, 0)
    (latest,) = notes_of(registry, "P1")
    assert (latest.note_date, latest.note_type, latest.version) == ("2024-03-01", "clinic", 2)
    assert [note.note_id for note in pending(registry, "rules-1")] == ["N1"]
    assert case_of(registry, "P1").recheck == frozenset()


def test_a_load_that_leaves_out_date_and_type_changes_nothing(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "text A", "P1", "2024-03-01", "clinic")], "a.csv")
    assert add_notes(registry, [Note("N1", "text A", "P1")], "b.csv").known == 1
    (latest,) = notes_of(registry, "P1")
    assert (latest.note_date, latest.note_type, latest.version) == ("2024-03-01", "clinic", 1)


def test_an_older_text_that_comes_back_is_a_version_of_its_own(registry: Registry) -> None:
    for text in ("first", "second", "first"):
        add_notes(registry, [Note("N1", text, "P1")], "a.csv")
    (latest,) = notes_of(registry, "P1")
    assert (latest.version, note_text(registry, "N1")) == (3, "first")


def test_a_note_id_of_another_patient_is_refused_by_name_and_the_rest_is_stored(registry: Registry) -> None:
    add_notes(registry, [Note("N1", "first", "P1")], "a.csv")
    stored = add_notes(registry, [Note("N1", "other", "P2"), Note("N2", "more", "P2")], "b.csv")
    assert stored.added == 1
    (fault,) = stored.faults
    assert "N1" in fault
    assert "P1" in fault
    assert "P2" in fault
    assert note_text(registry, "N1") == "first"


def rests_on(decide: Callable[..., Decision], text: str, slot: str, note_id: str = "N1", **other: object) -> Decision:
    evidence = Evidence(note_id, 0, 7, text[:7], text_hash(text))
    return decide(slot=slot, evidence=(evidence,), **other)


def test_what_was_decided_on_an_older_text_goes_back_to_review_and_stands(
    registry: Registry, decide: Callable[..., Decision]
) -> None:
    old = "Limited stage disease."
    add_notes(registry, [Note("N1", old, "P1"), Note("N2", "ECOG 1", "P1")], "a.csv")
    record(registry, rests_on(decide, old, "stage.valg"), seen=0)
    record(registry, rests_on(decide, "ECOG 1", "ecog@2024-03-01", "N2"), seen=1)
    record(registry, decide(slot="histology"), seen=2)
    stored = add_notes(registry, [Note("N1", "Extensive stage disease.", "P1")], "b.csv")
    assert stored.rechecks == 1
    case = case_of(registry, "P1")
    assert case.recheck == {"stage.valg"}
    assert case.current["stage.valg"].value == "limited"


def test_a_decision_on_the_text_that_comes_back_is_not_asked_again(
    registry: Registry, decide: Callable[..., Decision]
) -> None:
    add_notes(registry, [Note("N1", "first text", "P1")], "a.csv")
    add_notes(registry, [Note("N1", "second text", "P1")], "b.csv")
    record(registry, rests_on(decide, "first text", "stage.valg"), seen=0)
    assert add_notes(registry, [Note("N1", "first text", "P1")], "c.csv").rechecks == 0


def test_each_return_of_a_text_asks_again(registry: Registry, decide: Callable[..., Decision]) -> None:
    """A-B-A-B: the second B asks as the first one did, though note, text and slot are the same."""
    add_notes(registry, [Note("N1", "text A", "P1")], "1")
    record(registry, rests_on(decide, "text A", "stage.valg"), seen=0)
    assert add_notes(registry, [Note("N1", "text B", "P1")], "2").rechecks == 1
    add_notes(registry, [Note("N1", "text A", "P1")], "3")
    seen = case_of(registry, "P1").version
    record(registry, rests_on(decide, "text A", "stage.valg"), seen=seen)
    assert add_notes(registry, [Note("N1", "text B", "P1")], "4").rechecks == 1
    assert case_of(registry, "P1").recheck == {"stage.valg"}
    assert len(decisions_of(registry, "P1")) == 4


def test_notes_come_by_date_and_the_undated_ones_last(registry: Registry) -> None:
    dates = {"N1": None, "N2": "2024-03-02", "N3": "2024-03-01T09:00:00", "N4": "2024-03-01"}
    add_notes(registry, [Note(name, "text", "P1", date) for name, date in dates.items()], "test")
    assert [note.note_id for note in notes_of(registry, "P1")] == ["N4", "N3", "N2", "N1"]


def test_an_unknown_note_is_named(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="note N9: not in this registry"):
        note_text(registry, "N9")
