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
        ("'21/8/30", ["2021-08-30"]),
        ("March to May 2024", ["2024-03", "2024-05"]),
        ("November-February 2024", ["2023-11", "2024-02"]),
        ("04.03. - 06.05.2024", ["2024-03-04", "2024-05-06"]),
        ("May 20 to July 31, 2013", ["2013-05-20", "2013-07-31"]),
        ("4 Mar '21", ["2021-03-04"]),
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
        ("MRI brain 2/22: clear", ["2024-02-22"]),
        ("C1 OCT 10, C2 OCT 31", ["2023-10-10", "2023-10-31"]),
        ("in February", ["2024-02"]),
        ("last Monday", ["2024-03-11"]),
    ],
)
def test_dates_that_need_the_day_of_the_note(reader: Reader, text: str, wanted: list[str]) -> None:
    assert read(reader, text, "2024-03-15") == wanted


def test_without_the_day_of_the_note_nothing_is_made_up(reader: Reader) -> None:
    assert read(reader, "three weeks ago, today, on 3/4") == []


def test_so_long_after_a_stated_date_counts_from_it(reader: Reader) -> None:
    assert read(reader, "Resected on 12 May 2021. Two months later he relapsed.") == ["2021-05-12", "2021-07"]


def test_so_long_after_nothing_is_no_date(reader: Reader) -> None:
    assert read(reader, "Two months later he relapsed.") == []


@pytest.mark.parametrize("text", ["ICE 10/10", "over 3/4 of the lobe", "strength 5/5", "RT 60/30"])
def test_scores_and_fractions_are_no_dates(reader: Reader, text: str) -> None:
    assert read(reader, text, "2024-03-15") == []
