"""What was diagnosed, what spread where, and what was not: wordings that look alike and mean different things."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader

HEAD = "Small cell lung cancer.\n\n"


def facts(reader: Reader, text: str, field: str, note_type: str = "clinic", head: str = HEAD) -> set[str]:
    """`value` for present facts, `value -` for absent, `value ?` for uncertain, `value ~` for the others."""
    marks = {"present": "", "absent": " -", "uncertain": " ?"}
    note = Note(note_id="1", text=head + text, note_type=note_type, note_date="2024-06-20")
    found = [one for one in reader.read(note) if one.field == field and one.start >= len(head)]
    return {one.value + marks.get(str(one.assertion), " ~") for one in found}


@pytest.mark.parametrize(
    "text",
    [
        "Diabetes was diagnosed in 2009.",
        "He was diagnosed with COPD in 2015.",
        "She was diagnosed with a pulmonary embolism on 3 March 2024.",
        "Type 2 diabetes mellitus, diagnosed 2012",
        "In 2011 he was diagnosed with rheumatoid arthritis.",
        "Brain metastases were diagnosed in May 2024.",
        "Liver progression was diagnosed on 2 May 2024.",
        "Recurrence was biopsy proven in May 2023.",
        "Metastatic disease in the liver was first diagnosed in March 2024.",
    ],
)
def test_the_day_another_illness_was_diagnosed_is_not_the_day_of_the_diagnosis(reader: Reader, text: str) -> None:
    assert facts(reader, text, "diagnosis_date") == set()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("History of diabetes (2009). Small cell lung cancer diagnosed in March 2022.", {"2022-03"}),
        ("ES-SCLC of the left lobe with liver and adrenal metastases, dx 9/7/21.", {"2021-09-07"}),
        ("SCLC, left hilum, extensive (bone, marrow), diagnosed early Nov 2023.", {"2023-11"}),
        ("Initially presented with cough and was diagnosed with SCLC in March of 2022.", {"2022-03"}),
        ("Extensive small cell lung cancer dx'd March 2022", {"2022-03"}),
        ("Mar 2022 - dx LS-SCLC\nApr 2022 - CRT", {"2022-03"}),
        ("Pathology from 11/9/21 showed small cell carcinoma.", {"2021-11-09"}),
    ],
)
def test_the_day_this_cancer_was_diagnosed(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "diagnosis_date") == wanted


def test_of_a_biopsy_before_and_one_after_a_word_the_nearer_day_is_taken(reader: Reader) -> None:
    assert facts(reader, "ADDENDUM 6/4/2024: liver bx 6/1/2024 = small cell carcinoma.", "diagnosis_date") == {
        "2024-06-01"
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Liver metastases until proven otherwise.", {"liver ?"}),
        ("SCLC of the left upper lobe with metastases in the right lung.", {"contralateral_lung"}),
        ("PET: no adrenal no liver no bone disease.", {"adrenal -", "liver -", "bone -"}),
        ("Brain MRI and bone scan showed no evidence of metastases.", {"brain -", "bone -"}),
        ("He has progressed in brain and bone.", {"brain", "bone"}),
        ("Recurrence in both lungs.", {"lung"}),
        ("Pericardial tap: cytology positive.", {"pericardium"}),
        ("A mass in the head of the pancreas.", set()),
        ("On examination no cervical or axillary adenopathy.", set()),
        ("Hard to distinguish from metastatic disease.", set()),
    ],
)
def test_spread_in_other_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "metastasis") == wanted


def test_an_autopsy_lists_the_organs_under_the_cancer(reader: Reader) -> None:
    text = "AUTOPSY\nI. Small cell carcinoma of lung\n   A. Liver, nodules to 6 cm\n   B. Both adrenal glands\n   C. Spleen: free of tumour\nII. Old infarct\n   A. Kidney, scar"
    assert facts(reader, text, "metastasis", "pathology", head="") >= {"liver", "adrenal"}
    assert not facts(reader, text, "metastasis", "pathology", head="") & {"spleen", "kidney"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("T: 4  N: 2  M: 1c", {"T4", "N2", "M1c"}),
        ("T-4, N-3, M-1", {"T4", "N3", "M1"}),
        ("cT1c N2a M0 (TNM 9th edition)", {"T1c", "N2a", "M0"}),
        ("cT4 N3, M0 v M1c depending on the liver", {"T4", "N3", "M0 ?", "M1c ?"}),
        ("TARGETS  T2 station 7 node 28 mm", set()),
    ],
)
def test_tnm_in_other_notations(reader: Reader, text: str, wanted: set[str]) -> None:
    assert {one for name in "tnm" for one in facts(reader, text, f"stage.{name}")} == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Left-sided small cell lung cancer.", {"left_lung"}),
        ("Small cell carcinoma (L) lung.", {"left_lung"}),
        ("Hilar mass in the left lung.", {"left_hilum"}),
        ("Tumour in the right superior lobe.", {"right_upper_lobe"}),
        ("A tumour in the right lobe of the liver.", set()),
    ],
)
def test_primary_site_in_other_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "primary_site") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Progression with coma, leading to death.", {"dead"}),
        ("Death occurred five months after relapse.", {"dead"}),
        ("He ultimately passed in December 2023.", {"dead"}),
        ("He has survived for nine years.", {"alive"}),
        ("Preferred place of death is home.", set()),
        ("Spread to the stomach is usually discovered only at autopsy.", set()),
    ],
)
def test_alive_or_dead_in_other_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "vital_status") == wanted


def test_the_day_of_discharge_is_no_day_of_death(reader: Reader) -> None:
    assert facts(reader, "DOA 04/10/2022  DOD 08/10/2022", "death_date") == set()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Lung adenocarcinoma transformed histologically into small cell carcinoma.", {"transformed_small_cell"}),
        ("EGFR+ lung cancer; liver core: small cell carcinoma (transformation).", {"transformed_small_cell"}),
        ("Lung: mixed small and large cell neuroendocrine carcinoma.", {"combined_small_cell"}),
        ("Lung resection: small cell carcinoma (70%) and adenocarcinoma (30%).", {"combined_small_cell"}),
    ],
)
def test_small_cell_that_is_not_pure(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "histology", head="") == wanted
