"""What a sentence asserts and of whom: how far a negation reaches, doubts, relatives, other cancers, general statements, headings."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader
from abstractor.pipeline.sentences import compile_abbreviations, find_sentences
from abstractor.pipeline.view import SectionSpan

HEAD = "Small cell lung cancer.\n\n"


def asserted(reader: Reader, text: str, field: str, value: str, note_type: str = "clinic") -> set[str]:
    """Every assertion the text makes of one value."""
    note = Note(note_id="1", text=HEAD + text, note_type=note_type)
    found = reader.read(note)
    assert all(note.text[one.start : one.end] == one.text for one in found)
    return {str(one.assertion) for one in found if (one.field, one.value) == (field, value) and one.start >= len(HEAD)}


@pytest.mark.parametrize(
    "text",
    [
        "No headache from the brain metastases.",
        "He denies dizziness despite his brain metastases.",
        "Brain metastases without oedema.",
        "No liver metastases, brain metastasis unchanged.",
        "Nothing new beyond the brain metastases.",
        "Three brain metastases, none larger than 9 mm.",
        "Suspected brain metastases, which were confirmed by MRI.",
        "Brain metastases - no haemorrhage.",
    ],
)
def test_a_negation_or_doubt_beside_what_exists_leaves_it_present(reader: Reader, text: str) -> None:
    assert asserted(reader, text, "metastasis", "brain") == {"present"}


@pytest.mark.parametrize(
    "text",
    [
        "There are no known brain metastases.",
        "Brain metastases: N",
        "Brain metastases - no.",
        "She hasn't any brain metastases.",
        "Brain metastases weren't found.",
        "Nothing to suggest brain metastases.",
        "The MRI ruled out brain metastases.",
        "The scan of last week shows that there are no\n   brain metastases.",
        "NO  BRAIN  METASTASES.",
        "Pertinent negatives: liver metastases, brain metastases.",
    ],
)
def test_a_negation_reaches_what_is_denied(reader: Reader, text: str) -> None:
    assert asserted(reader, text, "metastasis", "brain") == {"absent"}


@pytest.mark.parametrize(
    "text",
    [
        "Brain metastasis until proven otherwise.",
        "We are not able to exclude a brain metastasis.",
        "A brain metastasis cannot be entirely excluded.",
        "It is unclear whether there is a brain metastasis.",
        "Possible, never confirmed brain metastasis.",
    ],
)
def test_a_doubt_is_no_fact(reader: Reader, text: str) -> None:
    assert asserted(reader, text, "metastasis", "brain") == {"uncertain"}


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("His brother had brain metastases.", "other_experiencer"),
        ("Lung cancer with brain metastases in his father.", "other_experiencer"),
        ("Family history: aunt with brain metastases of a melanoma.", "other_experiencer"),
        ("Per his mother, brain metastases were found abroad.", "present"),
        ("Her mother had breast cancer, and she has brain metastases.", "present"),
        ("Family history: unremarkable. MRI shows brain metastases.", "present"),
        ("FH: mother stroke. SH: lives alone. MRI: brain metastases.", "present"),
    ],
)
def test_a_relatives_illness_is_not_the_patients(reader: Reader, text: str, assertion: str) -> None:
    assert asserted(reader, text, "metastasis", "brain") == {assertion}


def test_a_response_of_a_relative_is_not_the_patients(reader: Reader) -> None:
    assert "present" not in asserted(reader, "His sister had progression of her lung cancer.", "response", "PD")


def test_an_earlier_cancer_is_history_and_what_the_patient_has_now_is_not(reader: Reader) -> None:
    text = "In 2009 he had a lobectomy for adenocarcinoma; the present small cell carcinoma is a second primary."
    assert asserted(reader, text, "surgery", "lobectomy") == {"historical"}
    assert asserted(reader, text, "histology", "small_cell") == {"present"}


@pytest.mark.parametrize(
    "text",
    [
        "Small cell lung cancer commonly spreads to the brain.",
        "Brain metastases are frequent in this disease.",
        "One fifth of patients have brain metastases.",
        "Brain metastases have been reported in the literature.",
    ],
)
def test_a_general_statement_is_no_fact_of_the_patient(reader: Reader, text: str) -> None:
    assert not asserted(reader, text, "metastasis", "brain")


def test_a_sentence_that_names_the_patient_is_no_general_statement(reader: Reader) -> None:
    text = "As in many patients with this disease, brain metastases were found in our patient."
    assert asserted(reader, text, "metastasis", "brain") == {"present"}


def test_a_plan_above_a_letter_ends_where_the_letter_begins(reader: Reader) -> None:
    text = "Plan: CT in six weeks.\n\nDear Dr Field,\n\nCarboplatin and etoposide, four cycles, last in May."
    assert asserted(reader, text, "systemic_therapy", "carboplatin") == {"present"}


@pytest.mark.parametrize("text", ["( ) CR  (x) SD  ( ) PD", "Response: CR [ ] SD [x] PD [ ]"])
def test_a_box_that_is_not_ticked_states_nothing(reader: Reader, text: str) -> None:
    assert not asserted(reader, text, "response", "PD")


def test_one_line_of_the_performance_scale_is_a_score_and_two_are_a_legend(reader: Reader) -> None:
    assert asserted(reader, "ECOG: 1 - Restricted in strenuous activity", "ecog", "1") == {"present"}
    legend = (
        "ECOG 0 - Fully active\nECOG 1 - Restricted in strenuous activity\nECOG 2 - Ambulatory and capable of self-care"
    )
    assert not asserted(reader, legend, "ecog", "1")


def _cut(text: str, *abbreviations: str) -> list[str]:
    sections = (SectionSpan(None, 0, 0, len(text)),)
    return [text[one.start : one.end] for one in find_sentences(text, sections, compile_abbreviations(abbreviations))]


def test_an_abbreviation_ends_no_sentence() -> None:
    assert _cut("Seen by Dr. Hill. No pain.", "dr") == ["Seen by Dr. Hill.", "No pain."]


def test_an_indented_line_goes_on_with_its_list_item() -> None:
    text = "1. Trial only if it\n   Allows an ECOG of 2\n2. Rest"
    assert _cut(text) == ["1. Trial only if it\n   Allows an ECOG of 2", "2. Rest"]
