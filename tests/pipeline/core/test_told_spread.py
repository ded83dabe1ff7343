"""Spread, site, dates and stage told in free words: with verbs, in lists, of tissue, in letters and translated reports."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader

HEAD = "Small cell lung cancer.\n\n"


def facts(reader: Reader, text: str, field: str, note_type: str = "clinic", head: str = HEAD) -> set[str]:
    """`value` for present facts, `value -` for absent, `value ?` for uncertain, `value ~` for the others."""
    marks = {"present": "", "absent": " -", "uncertain": " ?"}
    note = Note(note_id="1", text=head + text, note_type=note_type, note_date="2024-06-01")
    return {one.value + marks.get(str(one.assertion), " ~") for one in reader.read(note) if one.field == field}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Nodules in the spleen and both adrenals were judged to be secondaries.", {"spleen", "adrenal"}),
        ("Foci in the pancreas, suspicious for metastases.", {"pancreas ?"}),
        ("The liver contains at least four deposits.", {"liver"}),
        ("The kidneys bore no metastases.", {"kidney -"}),
        ("The peritoneal surface was peppered with tumour.", {"peritoneum"}),
        ("Chest wall invaded by tumour.", set()),
        ("Pleural involvement throughout.", {"pleura"}),
        ("Visceral pleural involvement (PL1).", set()),
        ("PET lit up three avid ribs.", {"bone"}),
        ("Core biopsy of the right adrenal confirmed small cell carcinoma.", {"adrenal"}),
        ("Biopsy of the liver is planned to confirm carcinoma.", set()),
        ("Liver biopsy was negative for carcinoma.", set()),
        ("CT head on 3 May brought no secondaries.", {"brain -"}),
        ("MRI brain: nothing to suggest deposits.", {"brain -"}),
        ("MR of the head showed five enhancing lesions.", {"brain"}),
        ("MRI brain: multiple white matter lesions.", set()),
        ("The cancer has reached his liver.", {"liver"}),
        ("Arthritis involving the spine.", set()),
        ("The left adrenal and the liver are both involved.", {"adrenal", "liver"}),
        ("Bones, liver and brain are spared.", {"bone -", "liver -", "brain -"}),
        ("The disease came back: bone marrow (biopsy positive), spleen.", {"bone_marrow", "spleen"}),
        ("CT: LLL mass, liver, left adrenal and bone lesions.", {"liver", "adrenal", "bone"}),
        ("Spleen: two foci, metastasis not excludable.", {"spleen ?"}),
        ("No osseous or cerebral localisations.", {"bone -", "brain -"}),
        ("Stage cT2 N3 M1c; BRA, HEP.", {"brain", "liver"}),
        ("Extensive disease, OSS x4, ADR.", {"bone", "adrenal"}),
    ],
)
def test_spread_told_in_free_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "metastasis") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Small cell carcinoma of the lung, discovered in March 2022.", {"2022-03"}),
        ("Small cell carcinoma, proven at mediastinoscopy on 4 April 2023.", {"2023-04-04"}),
        ("Bronchial brushings on 9 January 2024 grew small cell carcinoma.", {"2024-01-09"}),
        ("SCLC right hilum, extensive, Nov 2023.", {"2023-11"}),
        ("CT-guided lung biopsy 7 May 2023.", {"2023-05-07"}),
        ("Small cell carcinoma. Brain metastases found in March 2022.", set()),
        ("Breast cancer of 2008, lumpectomy.", set()),
        ("SCLC, carboplatin since Nov 2023.", set()),
    ],
)
def test_the_day_of_diagnosis_in_free_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "diagnosis_date") == wanted


def test_a_resected_specimen_dates_the_diagnosis_by_the_operation(reader: Reader) -> None:
    text = "Surgery 17.02.2023   Received 18.02.2023\nLung: small cell carcinoma.\n"
    assert facts(reader, text, "diagnosis_date", "pathology", head="") == {"2023-02-17"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It arose in the right main bronchus.", {"right_main_bronchus"}),
        ("A growth occluding the left main bronchus.", {"left_main_bronchus"}),
        ("A mass replacing most of the right lower lobe.", {"right_lower_lobe"}),
        ("Small cell carcinoma, limited stage (left hilum).", {"left_hilum"}),
        ("The right hilum was replaced by firm tumour.", {"right_hilum"}),
        ("Nodule of the left upper lobe on screening.", {"left_upper_lobe"}),
        ("Right hilar mass narrowing the right upper lobe bronchus.", {"right_hilum"}),
    ],
)
def test_where_the_primary_sits(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "primary_site") == wanted


def test_a_nodule_is_no_primary_where_the_cancer_is_only_suspected(reader: Reader) -> None:
    assert not facts(reader, "Suspected lung cancer. Nodule of the left upper lobe.", "primary_site", head="")


def test_a_negation_behind_a_stage_is_of_something_else(reader: Reader) -> None:
    assert facts(reader, "cT4 N3 M0, PD-L1 negative.", "stage.m") == {"M0"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("cT3 N2 M0, IIIB.", {"IIIB"}), ("SCLC left upper lobe, IVA (OSS)", {"IVA"})],
)
def test_a_stage_group_without_the_word(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "stage.group") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Small cell carcinoma, limited when first seen; limited at presentation.", {"limited"}),
        ("Staged as extensive.", {"extensive"}),
        ("SCLC-ED on treatment.", {"extensive"}),
    ],
)
def test_extent_in_other_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "stage.valg") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Neuroendocrine carcinoma, small cell type, of the lung.", {"small_cell"}),
        ("Small cell BC of the left lower lobe.", {"small_cell"}),
        ("Lung adenocarcinoma of 2019 that has converted to small cell carcinoma.", {"transformed_small_cell"}),
    ],
)
def test_names_of_small_cell_carcinoma(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "histology", head="") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Left breast cancer, bone metastases. Her husband is about to start treatment for a small cell lung cancer.",
        "Prostate cancer with liver metastases. The drug is licensed with these for extensive small cell lung cancer.",
        "Merkel cell carcinoma with skin metastases; small cell lung cancer had been the first thought.",
    ],
)
def test_a_lung_cancer_that_is_not_the_patients_makes_no_facts(reader: Reader, text: str) -> None:
    assert not reader.read(Note(note_id="1", text=text, note_type="clinic"))


def test_a_lobe_named_behind_a_comma_makes_it_a_lung_cancer(reader: Reader) -> None:
    text = "Squamous carcinoma, left lower lobe, cT2a cN1 cM0."
    assert facts(reader, text, "stage.t", head="") == {"T2a"}


def test_lung_spread_on_the_other_side(reader: Reader) -> None:
    text = "Mass of the right lower lobe. Contralaterally, two lung metastases."
    assert facts(reader, text, "metastasis") == {"contralateral_lung"}
