"""A row of the list in the cells there are: what is cut can't be mistaken for the whole."""

import pytest

from abstractor.model.finding import Assertion
from abstractor.review.rows import Choice, Row
from abstractor.tui.drawing import row_line
from abstractor.tui.themes import PALETTES


def drawn(book, width: int, date: str) -> str:
    row = Row(f"response@{date}", book.fields["response"], (Choice("SD", Assertion.PRESENT, date),))
    return row_line(row, width, PALETTES["mono"], current=False).plain


@pytest.mark.parametrize(
    ("date", "width", "seen"),
    [
        ("2024-01-02", 54, "2024-01-02"),
        ("2024-01-02", 46, "2024-01-"),
        ("2024-01", 46, "2024-01 "),
        ("2024-01-02", 43, "2024-"),
    ],
)
def test_a_date_that_is_cut_ends_with_a_hyphen_and_one_that_is_not_known_better_does_not(book, date, width, seen):
    line = drawn(book, width, date)
    assert seen in line
    assert f"{seen}0" not in line
    assert "Stable disease" in line
