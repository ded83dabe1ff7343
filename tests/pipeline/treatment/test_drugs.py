"""How drugs are recognised by name, whatever was done with them."""

import pytest

from abstractor.pipeline.drugs import DrugFinder
from abstractor.rulebook.book import RuleBook


@pytest.fixture(scope="module")
def finder(rulebook: RuleBook) -> DrugFinder:
    return DrugFinder.of(rulebook)


@pytest.mark.parametrize(
    ("text", "generics"),
    [
        ("Tecentriq", {"atezolizumab"}),
        ("lurbinectidin", {"lurbinectedin"}),
        ("topotecn", {"topotecan"}),
        ("nab-paclitaxel", {"nab-paclitaxel"}),
        ("trastuzumab deruxtecan", {"trastuzumab deruxtecan"}),
        ("EP chemo", {"etoposide", "cisplatin"}),
        ("carbo/etop x 3", {"carboplatin", "etoposide"}),
        ("CAV cycle 2", {"cyclophosphamide", "doxorubicin", "vincristine"}),
        ("C/E/Tecentriq", {"carboplatin", "etoposide", "atezolizumab"}),
        ("MPDL3280A", {"mpdl3280a"}),
        ("AZD 9291 was given", {"azd 9291"}),
    ],
)
def test_a_drug_is_known_by_all_its_names(finder: DrugFinder, text: str, generics: set[str]) -> None:
    assert {hit.generic for hit in finder.in_text(text)} == generics


@pytest.mark.parametrize(
    "text", ["carbohydrates", "a gem of a man", "CE marking", "in cis", "pem", "tax return", "PE ruled out"]
)
def test_ordinary_words_are_no_drugs(finder: DrugFinder, text: str) -> None:
    assert finder.in_text(text) == []


def test_every_name_in_the_vocabulary_leads_to_its_own_drug(finder: DrugFinder, rulebook: RuleBook) -> None:
    for drug in rulebook.drugs():
        for name in (drug.generic, *drug.brands, *drug.synonyms):
            assert drug.generic in {hit.generic for hit in finder.in_text(f"Received {name} today")}, name


def test_every_drug_has_a_class_that_the_lines_of_treatment_know(rulebook: RuleBook) -> None:
    classes = {"chemotherapy", "immunotherapy", "targeted therapy", "hormone therapy", "supportive"}
    assert {drug.therapy_class for drug in rulebook.drugs()} <= classes
    assert {drug.generic for drug in rulebook.drugs() if drug.group == "platinum"} >= {"cisplatin", "carboplatin"}


def test_every_regimen_is_made_of_drugs_of_the_vocabulary(rulebook: RuleBook) -> None:
    known = {drug.generic for drug in rulebook.drugs()}
    assert {name for regimen in rulebook.regimens() for name in regimen.drugs} <= known
