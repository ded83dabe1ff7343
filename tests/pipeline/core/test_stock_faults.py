"""Sentences that stock medspaCy reads wrongly (DOMAIN.md 1.12, ENGINE.md "Faults"): what they assert, and where sections lie."""

import pytest

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.nlp import Reader

PRESENT, ABSENT, UNCERTAIN = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN
HYPOTHETICAL, OTHER = Assertion.HYPOTHETICAL, Assertion.OTHER_EXPERIENCER


def asserted(reader: Reader, marked: str, field: str = "response", value: str = "PD") -> Assertion:
    """What a text asserts of the words between [[ and ]]."""
    before, _, rest = marked.partition("[[")
    words, _, after = rest.partition("]]")
    view = reader.view(Note(note_id="1", text=before + words + after, note_type="clinic"))
    return reader.asserter.assertion_of(view, Mention(field, value, len(before), len(before) + len(words), "test"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Discussed with wife that CT shows [[progression]].", PRESENT),
        ("Told her husband about the [[progression]].", PRESENT),
        ("Clinical decline from [[progressive disease]].", PRESENT),
        ("Patient declined chemo after [[progression]].", PRESENT),
        ("Did not tolerate topotecan, [[progression]] on CT.", PRESENT),
        ("No new lesions, interval [[growth]] of hilar mass.", PRESENT),
        ("No new lesions; interval [[growth]] of hilar mass.", PRESENT),
        ("Evaluate for [[progression]].", HYPOTHETICAL),
        ("Continue atezolizumab until [[progression]] or toxicity.", HYPOTHETICAL),
        ("At [[progression]] consider topotecan.", HYPOTHETICAL),
        ("In case of [[progression]] topotecan.", HYPOTHETICAL),
        ("If and when [[progression]] occurs we will talk again.", HYPOTHETICAL),
        ("[[Recurrence]] cannot be excluded.", UNCERTAIN),
        ("[[Recurrence]] can not be ruled out.", UNCERTAIN),
        ("Unlikely [[progression]].", ABSENT),
        ("Return of [[disease]].", PRESENT),
        ("Suspicious for [[progression]].", UNCERTAIN),
        ("Possible [[progression]].", UNCERTAIN),
        ("Pneumonitis rather than [[progression]].", ABSENT),
        ("[[Progression]] rather than pneumonitis.", PRESENT),
        ("Pneumonitis versus [[progression]].", UNCERTAIN),
        ("Pneumonitis vs. [[progression]].", UNCERTAIN),
        ("There is [[progression]], no doubt.", PRESENT),
        ("No pneumonia but [[progression]] in the hilum.", PRESENT),
    ],
)
def test_progression_is_read_as_the_sentence_means_it(reader: Reader, text: str, wanted: Assertion) -> None:
    assert asserted(reader, text) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Pneumonia resolved, new [[liver metastases]].", PRESENT),
        ("No change in [[liver metastases]].", PRESENT),
        ("No significant interval change in the [[liver metastases]].", PRESENT),
        ("Impression: no [[liver metastases]].", ABSENT),
        ("CT is negative for [[liver metastases]].", ABSENT),
        ("No liver, bone or [[brain mets]].", ABSENT),
        ("Mets to liver and bone but not [[brain]].", ABSENT),
        ("?[[liver mets]]", UNCERTAIN),
        ("Findings suspicious for [[liver metastases]].", UNCERTAIN),
        ("The lesions are most consistent with [[liver metastases]].", PRESENT),
        ("Biopsy-proven [[liver metastases]].", PRESENT),
        ("R/o [[liver metastases]].", HYPOTHETICAL),
        ("[[Liver metastases]] have not been seen.", ABSENT),
        ("[[Liver metastases]] were ruled out.", ABSENT),
        ("No effusion. [[Liver metastases]] again seen.", PRESENT),
        ("Risk of [[liver metastases]] was explained.", HYPOTHETICAL),
        ("No ascites, however [[liver metastases]] are larger.", PRESENT),
    ],
)
def test_spread_is_read_as_the_sentence_means_it(reader: Reader, text: str, wanted: Assertion) -> None:
    assert asserted(reader, text, "metastasis", "liver") is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("62F with history of [[ES-SCLC]] on cycle 3.", PRESENT),
        ("Mother had [[small cell lung cancer]] at 70.", OTHER),
        ("His father died of [[small cell lung cancer]].", OTHER),
        ("His wife also has [[small cell lung cancer]].", OTHER),
        ("Her daughter asks about the [[small cell lung cancer]].", PRESENT),
        ("Accompanied by his wife, he knows of his [[small cell lung cancer]].", PRESENT),
    ],
)
def test_whose_illness_it_is(reader: Reader, text: str, wanted: Assertion) -> None:
    assert asserted(reader, text, "histology", "small_cell") is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Patient declined [[topotecan]].", ABSENT),
        ("We recommend [[topotecan]] as next line.", HYPOTHETICAL),
        ("Plan to start [[topotecan]] next week.", HYPOTHETICAL),
        ("[[Topotecan]] was not given.", ABSENT),
        ("He received [[topotecan]].", PRESENT),
        ("Progression on [[topotecan]].", PRESENT),
        ("Not a candidate for [[topotecan]].", ABSENT),
        ("Plan:\n[[Topotecan]] 1.5 mg/m2 d1-5", HYPOTHETICAL),
        ("If it grows again, [[topotecan]].", HYPOTHETICAL),
    ],
)
def test_treatment_given_planned_or_refused(reader: Reader, text: str, wanted: Assertion) -> None:
    assert asserted(reader, text, "systemic_therapy", "topotecan") is wanted


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Assessment and Plan:", "assessment_plan"),
        ("A/P:", "assessment_plan"),
        ("ASSESSMENT & PLAN", "assessment_plan"),
        ("**Assessment and Plan**", "assessment_plan"),
        ("Oncologic History:", "oncologic_history"),
        ("Interval History:", "interval_history"),
        ("PSH:", "past_surgical_history"),
        ("FINDINGS:", "findings"),
        ("INDICATION:", "indication"),
        ("HISTORY:", "indication"),
        ("CLINICAL HISTORY:", "indication"),
        ("COMPARISON:", "comparison"),
        ("Family History:", "family_history"),
        ("2. IMPRESSION:", "impression"),
    ],
)
def test_headings_open_their_own_section(reader: Reader, heading: str, name: str) -> None:
    text = (
        f"Seen today.\n\n{heading} something follows here\n"
        if heading.endswith(":")
        else f"Seen today.\n\n{heading}\nsomething follows\n"
    )
    view = reader.view(Note(note_id="1", text=text))
    assert view.section_at(text.index("something")) == name


def test_a_family_history_ends_with_its_paragraph(reader: Reader) -> None:
    text = "Small cell lung cancer.\nFamily History: mother with breast cancer.\n\nShe was started on cisplatin."
    view = reader.view(Note(note_id="1", text=text))
    assert view.section_at(text.index("mother")) == "family_history"
    assert view.section_at(text.index("cisplatin")) != "family_history"


def test_a_heading_word_inside_a_sentence_opens_no_section(reader: Reader) -> None:
    text = "We will consult thoracic surgery about allergies and findings today."
    view = reader.view(Note(note_id="1", text=text))
    assert [section.name for section in view.sections] == [None]


def test_list_items_are_sentences_of_their_own(reader: Reader) -> None:
    text = "1. No effusion\n2. Liver metastases\n- no ascites\n- bone metastases"
    view = reader.view(Note(note_id="1", text=text))
    assert len(view.sentences) == 4


def test_text_before_the_first_heading_belongs_to_no_section(reader: Reader) -> None:
    text = "Seen with his wife.\nPlan: CT in May."
    view = reader.view(Note(note_id="1", text=text))
    assert view.section_at(0) is None
    assert view.section_at(text.index("CT")) == "plan"


@pytest.mark.parametrize(
    "text", ["Plan: continue topotecan.", "He will continue topotecan.", "Plan to continue topotecan."]
)
def test_what_is_continued_is_being_given(reader: Reader, text: str) -> None:
    found = reader.read(Note(note_id="1", text=f"SCLC, second line. {text}", note_type="clinic"))
    assert [one.assertion for one in found if one.value == "topotecan"] == [PRESENT]
