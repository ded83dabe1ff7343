"""Treatment and its course in words that clinicians of many places use, class by class."""

from collections.abc import Callable

import pytest

Said = Callable[..., set[tuple[str, str]]]


@pytest.mark.parametrize(
    "text",
    [
        "Topotecan is being held in reserve.",
        "Topotecan is what I would reach for next.",
        "Topotecan to be discussed at the board.",
        "Topotecan is pencilled in for Monday.",
        "She asked about topotecan.",
        "We settled on topotecan, beginning next week.",
    ],
)
def test_what_is_kept_back_or_only_talked_of_is_hypothetical(said: Said, text: str) -> None:
    assert said("systemic_therapy", text) == {("topotecan", "hypothetical")}


@pytest.mark.parametrize(
    "text",
    [
        "Topotecan could no longer be given.",
        "Topotecan is out of the question with these counts.",
        "Topotecan was avoided.",
        "Topotecan fell through.",
        "Topotecan was mentioned, but he turned it down.",
        "Topotecan was suggested but she did not consent.",
        "The board advised against topotecan.",
        "We talked over topotecan. He listened and declined it.",
    ],
)
def test_what_was_turned_down_or_could_not_be_given_is_absent(said: Said, text: str) -> None:
    assert said("systemic_therapy", text) == {("topotecan", "absent")}


def test_one_drug_of_a_list_can_be_withheld(said: Said) -> None:
    text = "He received etoposide, cisplatin being withheld because of his kidneys."
    assert said("systemic_therapy", text) == {("etoposide", "present"), ("cisplatin", "absent")}


def test_a_refusal_of_one_treatment_is_none_of_another(said: Said) -> None:
    assert said("systemic_therapy", "Topotecan was given; she declined PCI.") == {("topotecan", "present")}


@pytest.mark.parametrize("text", ["Her husband is about to start topotecan.", "A cousin died while on topotecan."])
def test_what_somebody_else_receives_is_not_the_patients(said: Said, text: str) -> None:
    assert said("systemic_therapy", text) == {("topotecan", "other_experiencer")}


def test_the_month_of_may_is_no_maybe(said: Said) -> None:
    assert said("systemic_therapy", "Completed on 4 May: weekly topotecan.") == {("topotecan", "present")}


def test_drugs_listed_beside_a_variant_were_not_given(said: Said) -> None:
    assert said("systemic_therapy", "PIK3CA H1047R     11.2%      none      alpelisib") == set()


@pytest.mark.parametrize("name", ["nogitecan", "topotecán", "Hycamtin"])
def test_names_of_other_countries_are_known(said: Said, name: str) -> None:
    assert said("systemic_therapy", f"She received {name}.") == {("topotecan", "present")}


def test_a_regimen_with_its_number_of_courses_is_one(said: Said) -> None:
    drugs = {value for value, _ in said("systemic_therapy", "CAV, three courses, without effect.")}
    assert drugs == {"cyclophosphamide", "doxorubicin", "vincristine"}


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("5th cycle of carboplatin 12/09/2023.", "5"),
        ("Durvalumab alone x3 so far.", "3"),
        ("Topotecan, five rounds in all.", "5"),
        ("Nivolumab was chosen. After a single infusion he was readmitted.", "1"),
        ("TODAY = C2 D1 of carboplatin (4 planned).", "2"),
        ("She had her fourteenth dose of durvalumab this morning.", "14"),
    ],
)
def test_cycles_told_in_other_words(said: Said, text: str, cycles: str) -> None:
    assert (cycles, "present") in said("therapy_cycles", text)


def test_the_first_tablet_is_no_cycle(said: Said) -> None:
    assert said("therapy_cycles", "Osimertinib 80 mg daily, first dose 3/4/22.") == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("20 Gy in 5 fractions to the entire brain was delivered.", "whole_brain"),
        ("25 Gy/10 prophylactically to the head, finished in May.", "pci"),
        ("She completed holocranial prophylaxis in May.", "pci"),
        ("Sixty gray in thirty fractions to the chest was given.", "thoracic"),
        ("A single fraction to the sacrum was given.", "bone"),
    ],
)
def test_radiotherapy_in_other_words(said: Said, text: str, kind: str) -> None:
    assert said("radiotherapy", text) == {(kind, "present")}


def test_no_outweighs_was_given(said: Said) -> None:
    assert said("radiotherapy", "No chest radiotherapy was given.") == {("thoracic", "absent")}


def test_imaging_before_a_treatment_is_no_treatment(said: Said) -> None:
    assert said("radiotherapy", "Repeat MRI before PCI.") == {("pci", "hypothetical")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The hilar tumour is receding.", "PR"),
        ("The mass is down by two thirds.", "PR"),
        ("Everything has shrunk.", "PR"),
        ("Left adrenal 11 mm (VU 24 mm).", "PR"),
        ("The hilar node, 30 mm at the start, is now 9 mm.", "PR"),
        ("Sum of diameters 58 mm (-46%).", "PR"),
        ("Several hepatic metastases emerged in March.", "PD"),
        ("Bone metastases came to light later.", "PD"),
        ("The tumour resumed growing.", "PD"),
        ("Second-line topotecan to no avail.", "PD"),
        ("Topotecan is no longer effective.", "PD"),
        ("Liver filiae size-progredient.", "PD"),
        ("The nodes are no different from March.", "SD"),
        ("Mass without significant variations.", "SD"),
        ("Picture superimposable: lung mass superimposable to previous.", "SD"),
        ("The bronchial tumour could no longer be found.", "CR"),
        ("Then came a year without disease.", "CR"),
    ],
)
def test_the_course_in_other_words(said: Said, text: str, value: str) -> None:
    assert said("response", text) == {(value, "present")}


@pytest.mark.parametrize(
    ("text", "value"),
    [("Nothing to suggest recurrence.", "PD"), ("It has not come back.", "PD"), ("No new spread.", "PD")],
)
def test_progression_denied_in_other_words(said: Said, text: str, value: str) -> None:
    assert {one for one in said("response", text) if one[1] == "present"} == set()
    assert value in {one[0] for one in said("response", text)}


@pytest.mark.parametrize(
    "text",
    [
        "Liver metastases up to 4 cm.",
        "Cause of death: liver failure.",
        "Degenerative change of the spine has progressed.",
        "Change of the sample not evaluable.",
        "Her cough has gone from bad to worse.",
    ],
)
def test_what_only_sounds_like_a_judgement_is_none(said: Said, text: str) -> None:
    assert said("response", text) == set()


def test_a_new_focus_that_is_only_suspicious_is_uncertain(said: Said) -> None:
    assert said("response", "Two new foci in the pelvis, suspicious for metastases.") == {("PD", "uncertain")}
