"""When a treatment was given, as far as the note says: the date beside it, its first and its last day."""

from collections.abc import Callable

import pytest

from abstractor.pipeline.mention import Mention

Extract = Callable[..., list[Mention]]
TODAY = "2024-06-20"


def dated(extract: Extract, field: str, text: str) -> dict[str, str | None]:
    return {one.value: one.date.iso if one.date else None for one in extract(field, text, TODAY)}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Carboplatin/etoposide was started on 2 April 2024.", "2024-04-02"),
        ("On 4/2/2024 he received the first dose of carboplatin and etoposide.", "2024-04-02"),
        ("Carboplatin AUC 5 and etoposide since 04/2024.", "2024-04"),
        ("Since 02.04.2024 carboplatin and etoposide.", "2024-04-02"),
        ("Carboplatin and etoposide started today.", TODAY),
        ("Carboplatin/etoposide x4, 4/2/24 - 6/4/24.", "2024-04-02"),
        ("Carboplatin/etoposide March-May 2024.", "2024-03"),
        ("Received carboplatin and etoposide for 4 cycles from May 20 to July 31, 2023.", "2023-05-20"),
    ],
)
def test_all_drugs_of_a_list_have_its_first_day(extract: Extract, text: str, day: str) -> None:
    assert dated(extract, "systemic_therapy", text) == {"carboplatin": day, "etoposide": day}


def test_each_cycle_told_with_its_day_has_its_own(extract: Extract) -> None:
    text = "Cisplatin C1 4/2/24, C2 4/23, C3 5/14."
    assert dated(extract, "therapy_cycles", text) == {"3": "2024-05-14"}


def test_a_range_tells_the_first_and_the_last_day(extract: Extract) -> None:
    [drug] = extract("systemic_therapy", "Topotecan from 04/03/2024 until 26/04/2024.", TODAY)
    assert drug.attributes["started"] == "2024-03-04"
    assert drug.attributes["stopped"] == "2024-04-26"


def test_only_the_end_is_told(extract: Extract) -> None:
    [drug] = extract("systemic_therapy", "Atezolizumab until 23.04.2024.", TODAY)
    assert "started" not in drug.attributes
    assert drug.attributes["stopped"] == "2024-04-23"


def test_radiotherapy_is_dated_by_its_last_day(extract: Extract) -> None:
    text = "Whole brain irradiation 30 Gy in 10 fractions, 24.04.2024 - 07.05.2024."
    assert dated(extract, "radiotherapy", text) == {"whole_brain": "2024-05-07"}


def test_an_operation_has_the_day_that_follows_it(extract: Extract) -> None:
    text = "Left upper lobectomy with mediastinal node dissection in 2019."
    assert dated(extract, "surgery", text) == {"lobectomy": "2019"}


@pytest.mark.parametrize(
    "text",
    [
        "Diagnosed in March 2024, treated with topotecan.",
        "CT of 3 May 2024 showed progression, topotecan was stopped.",
        "Seen because of fever; topotecan.",
        "6/20/2024 follow-up. Tolerates topotecan.",
    ],
)
def test_a_date_of_something_else_is_not_the_date_of_the_treatment(extract: Extract, text: str) -> None:
    assert dated(extract, "systemic_therapy", text) == {"topotecan": None}


def test_a_plan_is_for_no_day_before_the_note(extract: Extract) -> None:
    text = "PCI is planned for January."
    assert dated(extract, "radiotherapy", text) == {"pci": None}
