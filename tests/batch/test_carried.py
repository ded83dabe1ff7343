"""What was copied from an earlier note is known as copied."""

from collections.abc import Callable

from abstractor.batch.carried import carried_forward
from abstractor.model.finding import Finding
from abstractor.model.note import Note

LINE = "CT chest 2/2024: partial response of the left hilar mass."


def note(name: str, day: str | None, text: str) -> Note:
    return Note(name, text, "P1", day)


def copied(found_in: Callable[..., Finding], where: Note, *others: Note, words: str = "partial response") -> bool:
    return carried_forward([where, *others])(found_in(where, words, "response", "PR"))


def test_a_line_of_an_earlier_note_is_copied_and_the_first_one_is_not(found_in: Callable[..., Finding]) -> None:
    first, later = note("N1", "2024-03-01", f"HPI\n{LINE}\n"), note("N2", "2024-04-01", f"Interval:\r\n{LINE}\r\nPlan")
    assert copied(found_in, later, first)
    assert not copied(found_in, first, later)


def test_case_and_white_space_do_not_hide_a_copy(found_in: Callable[..., Finding]) -> None:
    first = note("N1", "2024-03-01", LINE.upper().replace(" ", "   "))
    assert copied(found_in, note("N2", "2024-04-01", f"   {LINE}"), first)


def test_a_changed_line_is_not_copied(found_in: Callable[..., Finding]) -> None:
    first = note("N1", "2024-03-01", LINE.replace("left", "right"))
    assert not copied(found_in, note("N2", "2024-04-01", LINE), first)


def test_a_short_line_is_alike_by_chance(found_in: Callable[..., Finding]) -> None:
    first = note("N1", "2024-03-01", "partial response")
    assert not copied(found_in, note("N2", "2024-04-01", "partial response"), first)


def test_two_notes_of_one_time_did_not_copy_from_each_other(found_in: Callable[..., Finding]) -> None:
    one, other = note("N1", "2024-03-01", LINE), note("N2", "2024-03-01", LINE)
    assert not copied(found_in, one, other)
    assert not copied(found_in, other, one)


def test_an_undated_note_is_neither_the_earlier_nor_the_later_one(found_in: Callable[..., Finding]) -> None:
    dated, undated = note("N1", "2024-03-01", LINE), note("N0", None, LINE)
    assert not copied(found_in, dated, undated)
    assert not copied(found_in, undated, dated)


def test_a_finding_of_a_note_nobody_has_is_not_copied(found_in: Callable[..., Finding]) -> None:
    lost = note("N9", "2024-04-01", LINE)
    assert not carried_forward([note("N1", "2024-03-01", LINE)])(found_in(lost, "partial", "response", "PR"))
