"""How dates are read, by what the note itself shows of its habit."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.dates import find_dates
from abstractor.pipeline.nlp import Reader


def read(reader: Reader, text: str, note_date: str | None = None) -> list[str]:
    return [str(hit.value) for hit in find_dates(reader.view(Note(note_id="1", text=text, note_date=note_date)))]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("on 2021-03-04", ["2021-03-04"]),
        ("on 25/3/24 and 2/4/24", ["2024-03-25", "2024-04-02"]),
        ("on 3/25/24 and 2/4/24", ["2024-03-25", "2024-02-04"]),
        ("am 14.11.2023", ["2023-11-14"]),
        ("4-Mar-21", ["2021-03-04"]),
        ("Mar 4, 2021", ["2021-03-04"]),
        ("4th March 2021", ["2021-03-04"]),
        ("early Nov 2021", ["2021-11"]),
        ("3/2021", ["2021-03"]),
        ("in 2019", ["2019"]),
        ("31/2/2024", []),
        ("pain 3/10, 1/2 tablet", []),
        ("2000 mg", []),
    ],
)
def test_stated_dates(reader: Reader, text: str, wanted: list[str]) -> None:
    assert read(reader, text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("seen today", ["2024-03-15"]),
        ("yesterday", ["2024-03-14"]),
        ("3 months ago", ["2023-12"]),
        ("two years ago", ["2022"]),
        ("last month", ["2024-02"]),
        ("last carbo on 2/28", ["2024-02-28"]),
        ("CT on 12/20", ["2023-12-20"]),
    ],
)
def test_dates_that_need_the_day_of_the_note(reader: Reader, text: str, wanted: list[str]) -> None:
    assert read(reader, text, "2024-03-15") == wanted


def test_without_the_day_of_the_note_nothing_is_made_up(reader: Reader) -> None:
    assert read(reader, "three weeks ago, today, on 3/4") == []
