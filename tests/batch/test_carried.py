"""What was copied from an earlier note is known as copied, however it was wrapped, and what was changed in it is not."""

from collections.abc import Callable

import pytest

from abstractor.batch.carried import carried_forward
from abstractor.model.finding import Finding
from abstractor.model.note import Note

LINE = "CT chest 2/2024: partial response of the left hilar mass."
STORY = (
    "Mr Abel has small cell lung cancer of the left hilum that spread to the liver. He was given four cycles of carboplatin with "
    "etoposide, and the scan in spring showed progression in the liver. He is ECOG 1 today and works in his garden every morning."
)


def note(name: str, day: str | None, text: str) -> Note:
    return Note(name, text, "P1", day)


def copied(
    found_in: Callable[..., Finding], where: Note, *others: Note, words: str = "partial response", **more: str
) -> bool:
    return carried_forward([where, *others])(found_in(where, words, "response", "PR", **more))


def test_a_line_of_an_earlier_note_is_copied_and_the_first_one_is_not(found_in: Callable[..., Finding]) -> None:
    first, later = note("N1", "2024-03-01", f"HPI\n{LINE}\n"), note("N2", "2024-04-01", f"Interval:\r\n{LINE}\r\nPlan")
    assert copied(found_in, later, first)
    assert not copied(found_in, first, later)


def test_case_and_white_space_do_not_hide_a_copy(found_in: Callable[..., Finding]) -> None:
    first = note("N1", "2024-03-01", LINE.upper().replace(" ", "   "))
    assert copied(found_in, note("N2", "2024-04-01", f"   {LINE}"), first, words="partial response")


def test_a_changed_line_is_not_copied(found_in: Callable[..., Finding]) -> None:
    first = note("N1", "2024-03-01", LINE.replace("left", "right"))
    assert not copied(found_in, note("N2", "2024-04-01", LINE), first)


def test_a_short_line_is_alike_by_chance(found_in: Callable[..., Finding]) -> None:
    first = note("N1", "2024-03-01", "partial response")
    assert not copied(found_in, note("N2", "2024-04-01", "partial response"), first)


@pytest.mark.parametrize(
    "broken", [STORY.replace(" ", "\n"), STORY.replace(". ", ".\n\n"), STORY.replace("and", "and\n   ")]
)
@pytest.mark.parametrize("words", ["progression in the liver", "ECOG 1", "small cell lung cancer"])
def test_text_wrapped_anew_is_still_copied(found_in: Callable[..., Finding], broken: str, words: str) -> None:
    first = note("N1", "2024-03-01", broken)
    assert copied(found_in, note("N2", "2024-04-01", f"Came alone. {STORY} He feels well."), first, words=words)


def test_words_added_elsewhere_do_not_hide_a_copy(found_in: Callable[..., Finding]) -> None:
    edited = STORY.replace("He was given", "As you know, after his operation for a hernia he was then given")
    later = note("N2", "2024-04-01", edited)
    assert copied(found_in, later, note("N1", "2024-03-01", STORY), words="progression in the liver")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ECOG 1", "ECOG 3", "ECOG 3"),
        ("showed progression", "showed no progression", "progression"),
        ("four", "six", "six cycles"),
    ],
)
def test_a_changed_value_is_not_copied_and_the_rest_is(
    found_in: Callable[..., Finding], old: str, new: str, words: str
) -> None:
    first, later = note("N1", "2024-03-01", STORY), note("N2", "2024-04-01", STORY.replace(old, new))
    assert not copied(found_in, later, first, words=words)
    assert copied(found_in, later, first, words="small cell lung cancer")


def test_a_new_size_makes_a_new_judgement(found_in: Callable[..., Finding]) -> None:
    first = note(
        "N1", "2024-03-01", "The mass at the left hilum measures 4.1 cm today, in keeping with partial response to it."
    )
    later = note("N2", "2024-04-01", first.text.replace("4.1", "3.0"))
    assert not copied(found_in, later, first)


def test_a_new_date_far_away_makes_a_dated_finding_new(found_in: Callable[..., Finding]) -> None:
    first = note(
        "N1",
        "2024-03-01",
        "On 2/20/2024 she had a scan of the chest and of the abdomen that showed a partial response.",
    )
    later = note("N2", "2024-04-01", first.text.replace("2/20", "3/28"))
    assert not copied(found_in, later, first, date="2024-03-28")
    assert copied(found_in, note("N3", "2024-05-01", later.text), first, later, date="2024-03-28")


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
