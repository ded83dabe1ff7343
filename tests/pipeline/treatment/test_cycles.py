"""How many cycles a note says were received."""

from collections.abc import Callable

import pytest

Said = Callable[..., set[tuple[str, str]]]
FIELD = "therapy_cycles"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Completed four cycles of chemotherapy.", "4"),
        ("Has had 3 cycles so far.", "3"),
        ("Cycle 3 given today.", "3"),
        ("Seen during cycle 2 of treatment.", "2"),
        ("C3D1 today.", "3"),
        ("Carboplatin/etoposide x 4.", "4"),
        ("After 4 x CE he is well.", "4"),
        ("The 3rd cycle ran on schedule.", "3"),
        ("Fevers since cycle 2.", "2"),
        ("Cycle 1-2 completed at full dose.", "2"),
        ("Status post two courses of topotecan.", "2"),
    ],
)
def test_cycles_received_are_present(said: Said, text: str, value: str) -> None:
    assert said(FIELD, text) == {(value, "present")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Proceed with cycle 4.", "4"),
        ("We plan 6 cycles.", "6"),
        ("Up to six cycles are planned.", "6"),
        ("Seen prior to cycle 4.", "4"),
        ("Pre-cycle 5 assessment.", "5"),
        ("Repeat CT after cycle 3.", "3"),
        ("He will complete 4 cycles.", "4"),
    ],
)
def test_cycles_to_come_are_hypothetical(said: Said, text: str, value: str) -> None:
    assert said(FIELD, text) == {(value, "hypothetical")}


def test_of_a_course_told_cycle_by_cycle_only_the_last_one_counts(said: Said) -> None:
    text = "C1 carboplatin/etoposide 1/22, C2 2/12, C3 3/4."
    assert said(FIELD, text, "2024-03-10") == {("3", "present")}


def test_a_cycle_dated_after_the_note_is_planned(said: Said) -> None:
    text = "Carboplatin/etoposide. C3 3/7, C4 3/28."
    assert said(FIELD, text, "2024-03-07") == {("3", "present"), ("4", "hypothetical")}


def test_four_of_six_says_both_what_was_given_and_what_was_meant(said: Said) -> None:
    assert said(FIELD, "Has received 4 of 6 cycles.") == {("4", "present"), ("6", "hypothetical")}


@pytest.mark.parametrize(
    "text",
    [
        "Metastasis of the C7 vertebra.",
        "Every 3 cycles.",
        "Hepatitis C.",
        "Fusion C5-C6.",
        "1 x 20 Gy.",
        "Menstrual cycle regular.",
    ],
)
def test_other_numbers_are_no_cycles(said: Said, text: str) -> None:
    assert said(FIELD, text) == set()
