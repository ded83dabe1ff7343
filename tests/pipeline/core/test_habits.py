"""Smoking and performance status: many wordings of one thing, and what only looks like it."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader


def present(reader: Reader, text: str, field: str) -> set[str]:
    note = Note(note_id="1", text="Small cell lung cancer.\n\n" + text, note_type="clinic")
    return {one.value for one in reader.read(note) if one.field == field and str(one.assertion) == "present"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("A 67-year-old ex-smoking woman.", "former"),
        ("Still vaping, no cigs since diagnosis.", "former"),
        ("She gave up smoking on the day she was told.", "former"),
        ("He stopped 12 years ago, having smoked 20 a day.", "former"),
        ("He smoked in his youth.", "former"),
        ("Tobacco quit 10 yrs ago", "former"),
        ("Hasn't smoked since Christmas.", "former"),
        ("A woman without smoking history.", "never"),
        ("She denies any history of tobacco use.", "never"),
        ("64M, 80 pack yr smoker, cough for six weeks.", "current"),
        ("Still smokin 1/2 ppd per daughter.", "current"),
        ("He has smoked 1 ppd for the past 40 years.", "current"),
        ("She has tried to quit several times but continues.", "current"),
        ("The 70-year-old smoker had a hilar mass.", "current"),
        ("Quit in 2010 but has gone back to smoking.", "current"),
    ],
)
def test_smoking_status_is_read_where_it_is_determined(reader: Reader, text: str, status: str) -> None:
    assert status in present(reader, text, "smoking_status")


@pytest.mark.parametrize(
    "text",
    [
        "History of smoking.",
        "Heavy smoking (110 PY) and hypertension.",
        "Her husband smokes twenty a day.",
        "Smoking cessation advice was given.",
        "He must stop smoking before surgery.",
        "She does not smoke.",
        "He stopped chemotherapy last week.",
    ],
)
def test_smoking_status_stays_open_where_it_is_not(reader: Reader, text: str) -> None:
    assert not present(reader, text, "smoking_status")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("one pack a day for fifty years, now ex-smoker", "50"),
        ("cigarette smoking (100 packet/year)", "100"),
        ("forty pack-year history", "40"),
        ("½ ppd x 40 years", "20"),
        ("40 years of 1 ppd", "40"),
        ("Packs/day: 1.50  Years: 40.00", "60"),
        ("20 cigs/day, 40 yrs", "40"),
        ("more than 37.5 pack-years", "37.5"),
    ],
)
def test_pack_years_are_stated_or_computed(reader: Reader, text: str, amount: str) -> None:
    assert present(reader, text, "pack_years") == {amount}


def test_pack_years_of_others_are_not_the_patients(reader: Reader) -> None:
    assert not present(reader, "Never smoked; her husband smoked 1 ppd x 30 y at home.", "pack_years")


@pytest.mark.parametrize(
    ("text", "grades"),
    [
        ("He remains performance status one.", {"1"}),
        ("ECOG-PS 1", {"1"}),
        ("E.C.O.G. 2", {"2"}),
        ("P.S. 2", {"2"}),
        ("PS-2", {"2"}),
        ("perf status 2", {"2"}),
        ("ECOG I", {"1"}),
        ("ECOG 1 -> 2", {"1", "2"}),
        ("Performance Status\n2", {"2"}),
        ("ECOG [ ]0 [ ]1 [x]2 [ ]3", {"2"}),
        ("If PS improves to 1 we could treat.", set()),
        ("The protocol requires ECOG 0-1.", set()),
        ("Pressure support PS 10", set()),
        ("PS: 2 cm nodule", set()),
    ],
)
def test_performance_status_is_read_only_as_a_number(reader: Reader, text: str, grades: set[str]) -> None:
    assert present(reader, text, "ecog") == grades


def test_karnofsky_is_a_field_of_its_own(reader: Reader) -> None:
    assert present(reader, "Karnofsky Performance Scale index: 80", "kps") == {"80"}
    assert not present(reader, "Karnofsky Performance Scale index: 80", "ecog")
