"""Partial dates keep exactly what was stated."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.dates import PartialDate

days = st.dates()


@given(days)
def test_a_day_is_read_back_as_it_was_written(day: date) -> None:
    read = PartialDate.parse(day.isoformat())
    assert str(read) == day.isoformat()
    assert read.first == read.last == day
    assert read.precision == "day"


@given(days)
def test_a_month_means_its_first_to_its_last_day(day: date) -> None:
    read = PartialDate.parse(day.isoformat()[:7])
    assert str(read) == day.isoformat()[:7]
    assert (read.first.day, read.precision) == (1, "month")
    assert read.first <= day <= read.last
    assert read.last.month == day.month


@given(days)
def test_a_year_means_january_to_december(day: date) -> None:
    read = PartialDate.parse(day.isoformat()[:4])
    assert str(read) == day.isoformat()[:4]
    assert (read.first, read.last) == (date(day.year, 1, 1), date(day.year, 12, 31))
    assert read.precision == "year"


@pytest.mark.parametrize("text", ["2024-03-04T10:30", "2024-03-04 10:30:00", " 2024-03-04\n", "2024-03-04T00:00:00Z"])
def test_a_time_behind_a_day_is_dropped(text: str) -> None:
    assert str(PartialDate.parse(text)) == "2024-03-04"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24-03-04",
        "2024-3-4",
        "04/03/2024",
        "2024-02-30",
        "2023-02-29",
        "2024-13",
        "2024-00",
        "2024-00-00",
        "2024-03-00",
        "0000",
        "2024 or so",
        "2024-03 early",
        "2024-03-04 morning",
        "٢٠٢٤",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|day|month|year"):
        PartialDate.parse(text)


def test_a_leap_day_exists_in_a_leap_year() -> None:
    assert PartialDate.parse("2024-02").last == date(2024, 2, 29)
    assert PartialDate.parse("2023-02").last == date(2023, 2, 28)


def test_a_day_without_a_month_is_refused() -> None:
    with pytest.raises(ValueError, match="without a month"):
        PartialDate(2024, None, 3)
