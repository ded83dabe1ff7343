"""A long word with a wrong letter is understood; a word of its own, a gene, a stage and a denial never become another one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader
from abstractor.pipeline.spelling import Speller
from abstractor.rulebook.book import RuleBook


@pytest.fixture(scope="module")
def speller(rulebook: RuleBook) -> Speller:
    return Speller.from_rulebook(rulebook)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("carcinma", "carcinoma"), ("metastises", "metastases"), ("Extensve", "Extensive"), ("chemotherpy", "chemotherapy"),
        ("progresion", "progression"), ("radiotheraphy", "radiotherapy"), ("LOBECTMY", "LOBECTOMY"), ("synaptophysn", "synaptophysin"),
        ("Lymphadenopthy", "Lymphadenopathy"), ("recurrance", "recurrence"), ("recieved", "received"), ("mediastinm", "mediastinum"),
        ("smal cell", "small cell"), ("Lung caner", "Lung cancer"), ("ce11", "cell"), ("metastas1s", "metastasis"), ("carcinorna", "carcinoma"),
    ],
)  # fmt: skip
def test_a_slip_is_put_right(speller: Speller, written: str, meant: str) -> None:
    assert speller.corrected(f"The {written} was seen.").text == f"The {meant} was seen."


@pytest.mark.parametrize(
    "word",
    [
        "metastases", "expensive", "rejection", "depletion", "internal", "processing", "craniectomy", "without", "negative", "unlikely",
        "CDKN2A", "FGFR1", "TP53", "MLH1", "cT1aN0M0", "CA125", "C1D1", "T1O", "denied", "vincristine", "cisplatin", "carboplatine",
        "extensions", "smell cell", "a1pha", "http", "diagnose@cancr",
    ],
)  # fmt: skip
def test_what_is_no_slip_stays(speller: Speller, word: str) -> None:
    text = f"The {word} was seen."
    assert speller.corrected(text).text == text


def test_evidence_is_the_words_as_typed(reader: Reader) -> None:
    text = "Smal cell lung carcinma with liver metastises; progresion after chemotherpy."
    findings = reader.read(Note("note", text))
    assert {"Smal cell lung carcinma", "progresion", "chemotherpy"} <= {one.text for one in findings}
    assert all(text[one.start : one.end] == one.text for one in findings)


def test_a_denial_beside_a_slip_still_denies(reader: Reader) -> None:
    findings = reader.read(Note("note", "Small cell lung cancer. No liver metasteses."))
    assert {(one.value, str(one.assertion)) for one in findings if one.field == "metastasis"} == {("liver", "absent")}


@given(st.text(alphabet="abcdeimnoprst CT01-\n", max_size=60))
def test_putting_right_twice_is_putting_right_once(speller: Speller, text: str) -> None:
    once = speller.corrected(text).text
    assert speller.corrected(once).text == once
