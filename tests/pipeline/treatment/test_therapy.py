"""Which drugs a note says were given, which are planned, and which were refused."""

from collections.abc import Callable

import pytest

Said = Callable[..., set[tuple[str, str]]]
FIELD = "systemic_therapy"

CARBO_ETOP = {("carboplatin", "present"), ("etoposide", "present")}


@pytest.mark.parametrize(
    "text",
    [
        "She received carboplatin and etoposide.",
        "Completed carboplatin/etoposide in May.",
        "S/p CbE x 4.",
        "Tolerating carboplatin AUC 5 / etoposide 100 mg/m2 D1-3 well.",
        "Progressed on carbo/etop.",
        "Continue carboplatin and etoposide.",
        "Paraplatin plus VP-16 were given on day 1.",
        "Treated with carboplatin and etopiside.",
        "CE x 4 completed.",
    ],
)
def test_given_drugs_are_present_under_their_generic_names(said: Said, text: str) -> None:
    assert said(FIELD, text) == CARBO_ETOP


@pytest.mark.parametrize(
    "text",
    [
        "We recommend carboplatin and etoposide.",
        "Plan: carboplatin/etoposide, first dose on Monday.",
        "He is a candidate for carboplatin plus etoposide.",
        "She will start carboplatin and etoposide next week.",
        "At progression consider carboplatin/etoposide.",
    ],
)
def test_all_drugs_under_one_plan_are_hypothetical(said: Said, text: str) -> None:
    assert said(FIELD, text) == {("carboplatin", "hypothetical"), ("etoposide", "hypothetical")}


@pytest.mark.parametrize(
    "text",
    [
        "He declined topotecan.",
        "Topotecan was offered but he refused it.",
        "Topotecan is contraindicated.",
        "Never received topotecan.",
        "Topotecan was not given.",
    ],
)
def test_refused_drugs_are_absent(said: Said, text: str) -> None:
    assert said(FIELD, text) == {("topotecan", "absent")}


def test_a_drug_can_be_given_beside_one_that_is_planned(said: Said) -> None:
    text = "After progression on atezolizumab we recommend lurbinectedin."
    assert said(FIELD, text) == {("atezolizumab", "present"), ("lurbinectedin", "hypothetical")}


def test_stopping_a_drug_shows_that_it_was_given(said: Said) -> None:
    assert said(FIELD, "We have agreed to discontinue durvalumab.") == {("durvalumab", "present")}


def test_supportive_drugs_are_no_facts(said: Said) -> None:
    assert said(FIELD, "Given Cosela, Neulasta, Xgeva, ondansetron and dexamethasone today.") == set()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Received two lines of chemotherapy.", "chemotherapy"),
        ("Currently on immunotherapy.", "immunotherapy"),
        ("Treated with an anti-PD-L1 antibody.", "immunotherapy"),
        ("Received platinum-based chemotherapy.", "platinum"),
        ("Enrolled, received AMG 757.", "amg 757"),
    ],
)
def test_a_class_or_a_code_stands_where_no_drug_is_named(said: Said, text: str, value: str) -> None:
    assert (value, "present") in said(FIELD, text)


def test_a_class_is_no_fact_beside_a_drug_of_the_class(said: Said) -> None:
    text = "Received chemotherapy with carboplatin and etoposide. Chemotherapy was well tolerated. Later immunotherapy."
    assert said(FIELD, text) == {*CARBO_ETOP, ("immunotherapy", "present")}


@pytest.mark.parametrize(
    "text",
    [
        "Seen in the chemotherapy unit.",
        "Rule out PE. CT PA negative. No PE.",
        "EP study and ablation planned by cardiology.",
        "PD-L1 TPS 5 %, CPS 10.",
        "Methotrexate for rheumatoid arthritis.",
        "The response rate of patients with relapse treated with topotecan is low.",
    ],
)
def test_words_that_only_look_like_treatment_are_silent(said: Said, text: str) -> None:
    assert said(FIELD, text) == set()


def test_a_heading_with_not_indicated_under_it_is_a_refusal(said: Said) -> None:
    assert said(FIELD, "Chemotherapy\nNot indicated\n\nStudies\nNone\n") == {("chemotherapy", "absent")}


def test_a_bare_heading_states_nothing(said: Said) -> None:
    assert said(FIELD, "Chemotherapy\n\nSee the separate sheet.\n") == set()


def test_treatment_of_another_cancer_is_historical(said: Said) -> None:
    assert said(FIELD, "Breast cancer 2009, treated with tamoxifen.") == {("tamoxifen", "historical")}


def test_a_day_after_the_note_makes_it_a_plan(said: Said) -> None:
    text = "Topotecan 10/21."
    assert said(FIELD, text, "2024-10-14") == {("topotecan", "hypothetical")}
    assert said(FIELD, text, "2024-11-14") == {("topotecan", "present")}
