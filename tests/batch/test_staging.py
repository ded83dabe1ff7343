"""Stages worked out from T, N and M: marked as derived, beside what is stated, and only where the tables leave no choice."""

import pytest

from abstractor.batch.staging import derived_stages
from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.rulebook.load import load_rulebook

RULEBOOK = load_rulebook()
WORDS = Evidence("1", 0, 2, "T4")


def stated(**values: str) -> tuple[Suggestion, ...]:
    """Suggestions found in notes; `t="T3"` stands for stage.t."""
    fields = {"t": "stage.t", "n": "stage.n", "m": "stage.m", "group": "stage.group", "valg": "stage.valg"}
    return tuple(
        Suggestion(
            "P1",
            fields.get(name, name),
            fields.get(name, name),
            value,
            Assertion.PRESENT,
            confidence=0.9,
            evidence=(WORDS,),
        )
        for name, value in values.items()
    )


def derived(**values: str) -> dict[str, str]:
    return {one.field: one.value for one in derived_stages(stated(**values), RULEBOOK)}


@pytest.mark.parametrize(
    ("year", "t", "n", "m", "group"),
    [
        ("2016", "T3", "N2", "M0", "IIIA"),
        ("2020-05", "T3", "N2", "M0", "IIIB"),
        ("2025-02-01", "T3", "N2a", "M0", "IIIA"),
        ("2016", "T4", "N3", "M0", "IIIB"),
        ("2020", "T4", "N3", "M0", "IIIC"),
        ("2020", "T1c", "N0", "M0", "IA3"),
        ("2025", "T1a", "N1", "M0", "IIA"),
        ("2020", "T2a", "N1", "M1c", "IVB"),
        ("2016", "T2a", "N1", "M1b", "IV"),
        ("2025", "T2a", "N1", "M1c2", "IVB"),
        ("2020", "T1", "N2", "M0", "IIIA"),
        ("2025", "T4", "N2", "M0", "IIIB"),
    ],
)
def test_the_group_follows_the_edition_of_the_year_of_diagnosis(year: str, t: str, n: str, m: str, group: str) -> None:
    assert derived(diagnosis_date=year, t=t, n=n, m=m) == {"stage.group": group}


@pytest.mark.parametrize(
    "values",
    [
        {"diagnosis_date": "2025", "t": "T2a", "n": "N2", "m": "M0"},  # one station or several: IIIA or IIIB
        {"diagnosis_date": "2020", "t": "T2", "n": "N0", "m": "M0"},  # IB or IIA
        {"diagnosis_date": "2020", "t": "TX", "n": "N1", "m": "M0"},
        {"diagnosis_date": "2020", "t": "T3", "m": "M0"},
        {"t": "T3", "n": "N2", "m": "M0"},  # the editions differ, and the year is not known
    ],
)
def test_where_the_tables_leave_a_choice_no_group_is_derived(values: dict[str, str]) -> None:
    assert "stage.group" not in derived(**values)


def test_without_a_year_the_group_is_derived_where_all_editions_agree() -> None:
    assert derived(t="T4", n="N0", m="M0") == {"stage.group": "IIIA"}


def test_a_stated_group_that_agrees_needs_no_derived_one() -> None:
    assert derived(diagnosis_date="2020", t="T3", n="N2", m="M0", group="IIIB") == {}
    assert derived(diagnosis_date="2020", t="T3", n="N2", m="M0", group="III") == {}


def test_a_stated_group_that_differs_stands_beside_the_derived_one_in_the_same_question() -> None:
    [one] = derived_stages(stated(diagnosis_date="2020", t="T3", n="N2", m="M0", group="IIIA"), RULEBOOK)
    assert (one.slot, one.value, one.origin) == ("stage.group", "IIIB", "derived")
    assert one.attributes["rule"] == "TNM, edition 8"
    assert {evidence.text for evidence in one.evidence} == {"T4"}


def test_spread_makes_a_small_cell_cancer_extensive() -> None:
    assert derived(histology="small_cell", m="M1b")["stage.valg"] == "extensive"
    assert derived(histology="small_cell", m="M0")["stage.valg"] == "limited"
    assert "stage.valg" not in derived(m="M0")


def test_limited_disease_with_spread_is_a_conflict() -> None:
    [valg] = [
        one
        for one in derived_stages(stated(histology="small_cell", m="M1c", valg="limited"), RULEBOOK)
        if one.field == "stage.valg"
    ]
    assert (valg.value, valg.origin) == ("extensive", "derived")


def test_two_values_of_a_category_derive_nothing() -> None:
    both = (*stated(t="T4", n="N0", m="M0"), *stated(m="M1b"))
    assert derived_stages(both, RULEBOOK) == ()
