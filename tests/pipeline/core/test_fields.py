"""Staging, spread, site, dates and person: what is found in sentences a clinician might write, and what must stay silent."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader

HEAD = "Small cell lung cancer.\n\n"


def facts(reader: Reader, text: str, field: str, note_type: str = "clinic", note_date: str | None = None) -> set[str]:
    """`value` for present facts, `value -` for absent, `value ?` for uncertain, `value ~` for the others."""
    marks = {"present": "", "absent": " -", "uncertain": " ?"}
    note = Note(note_id="1", text=HEAD + text, note_type=note_type, note_date=note_date)
    return {one.value + marks.get(str(one.assertion), " ~") for one in reader.read(note) if one.field == field}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cT3 cN3 cM1c", {"T3", "N3", "M1c"}),
        ("pT2aN1M0", {"T2a", "N1", "M0"}),
        ("T4, N2, M1b", {"T4", "N2", "M1b"}),
        ("ypT1c N0", {"T1c", "N0"}),
        ("T2a(m) N2b M1c2", {"T2a", "N2b", "M1c2"}),
        ("t3n2m0", {"T3", "N2", "M0"}),
        ("bulky N2 disease", {"N2"}),
        ("cTX N3", {"TX", "N3"}),
        ("T2 hyperintense lesion", set()),
        ("compression of T4 vertebra", set()),
        ("MRI with T1 and T2 weighted images", set()),
        ("T2DM", set()),
    ],
)
def test_tnm(reader: Reader, text: str, wanted: set[str]) -> None:
    found = {value for field in ("stage.t", "stage.n", "stage.m") for value in facts(reader, text, field)}
    assert found == wanted


def test_the_prefix_of_a_stage_is_an_attribute(reader: Reader) -> None:
    [one] = [one for one in reader.read(Note(note_id="1", text=HEAD + "Stage ypT1c.")) if one.field == "stage.t"]
    assert (one.value, one.attributes) == ("T1c", {"prefix": "yp"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Mets to liver, bone and both adrenals.", {"liver", "bone", "adrenal"}),
        ("Hepatic and osseous metastases.", {"liver", "bone"}),
        ("Metastatic disease involving the liver and the brain.", {"liver", "brain"}),
        ("No liver, bone or brain metastases.", {"liver -", "bone -", "brain -"}),
        ("Metastases in liver and bone but not in the brain.", {"liver", "bone", "brain -"}),
        ("Liver: multiple hypodense lesions consistent with metastases.", {"liver"}),
        ("Brain: no metastases.", {"brain -"}),
        ("MRI brain was negative for metastatic disease.", {"brain -"}),
        ("No suspicious bone lesion.", {"bone -"}),
        ("Pancreas and spleen without lesion.", {"pancreas -", "spleen -"}),
        ("Liver unremarkable.", set()),
        ("Liver cyst. Bone island in L3.", set()),
        ("No distant metastases.", {"distant -"}),
        ("No metastases in the abdomen.", set()),
        ("Widely metastatic disease.", {"distant"}),
        ("Widely metastatic disease with liver metastases.", {"liver"}),
        ("cM1c (BRA, HEP)", {"brain", "liver"}),
        ("Metastatic mediastinal nodes.", set()),
        ("Enlarged retroperitoneal lymph nodes, progressive.", {"distant_lymph_node"}),
        ("Malignant pleural effusion.", {"pleura"}),
        ("Small pleural effusion.", set()),
        ("Leptomeningeal carcinomatosis.", {"leptomeninges"}),
        ("Suspicious for liver metastases. Biopsy confirmed liver metastases.", {"liver"}),
        ("Possible adrenal metastasis.", {"adrenal ?"}),
        ("No new brain metastases.", set()),
        ("Physical exam:\nNo cervical adenopathy, no liver metastases felt.", set()),
        ("Findings:\nNumerous hypodense liver masses.", {"liver"}),
        ("ES-SCLC (LLL; liver, L adrenal, bone), here for cycle 2.", {"liver", "adrenal", "bone"}),
        ("cT4 N2 M1c (adrenal, bone).", {"adrenal", "bone"}),
        ("Relapsed, extensive stage: liver, T10.", {"liver", "bone"}),
        ("Liver: two residual lesions, largest 1.1 cm (2.9).", {"liver"}),
        ("Liver: simple cyst, no suspicious lesion.", {"liver -"}),
        ("MRI brain 8/23/22: no mets.", {"brain -"}),
        ("Brain MRI neg.", {"brain -"}),
        ("MR T-spine: T9 metastasis, no cord compression.", {"bone"}),
        ("No lytic or sclerotic deposits.", {"bone -"}),
        ("L adrenal 2.2 cm, SUV 11.", {"adrenal"}),
        ("Left adrenal adenoma 1.2 cm.", set()),
        ("RUL mass with metastases in the left lung. Left lung metastases growing.", {"contralateral_lung"}),
        ("Metastatic small cell lung cancer.", {"distant"}),
        ("PD-L1 positive.", set()),
        ("No avid disease in liver, adrenals or bone.", {"liver -", "adrenal -", "bone -"}),
        (
            "The scan of last week shows that there are now quite a few new liver\nlesions of up to 3 cm in both of the lobes of the organ.",
            {"liver"},
        ),
    ],
)
def test_spread(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "metastasis") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("RUL mass, 5 cm.", {"right_upper_lobe"}),
        ("Carcinoma of the left lower lobe.", {"left_lower_lobe"}),
        ("Tumour in the upper lobe of the left lung.", {"left_upper_lobe"}),
        ("Lingular mass.", {"left_upper_lobe"}),
        ("Right hilar mass in the right lung cancer.", {"right_hilum"}),
        ("SCLC of the left lung.", {"left_lung"}),
        ("Pneumonia in the right lower lobe.", set()),
        ("RLL atelectasis.", set()),
        ("Right hilar lymph nodes.", set()),
        ("No mass in the right upper lobe.", set()),
    ],
)
def test_primary_site(reader: Reader, text: str, wanted: set[str]) -> None:
    assert {value for value in facts(reader, text, "primary_site") if not value.endswith("-")} == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Diagnosed in March 2024.", {"2024-03"}),
        ("Date of diagnosis\n\tJanuary 2024", {"2024-01"}),
        ("SCLC, ED 14.11.2023", {"2023-11-14"}),
        ("In 2019 she was diagnosed with small cell lung cancer.", {"2019"}),
        ("EBUS biopsy on 25/3/24 confirmed small cell carcinoma.", {"2024-03-25"}),
        ("Repeat biopsy on 25/3/24 confirmed small cell carcinoma at progression.", set()),
        ("Seen in the ED.", set()),
        ("Pneumonia in March 2024.", set()),
    ],
)
def test_date_of_diagnosis(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "diagnosis_date") == wanted


def test_a_pathology_report_dates_the_diagnosis_by_its_specimen(reader: Reader) -> None:
    text = "Collected: 01/09/24  Signed: 01/12/24\nLung, biopsy: small cell carcinoma."
    assert facts(reader, text, "diagnosis_date", "pathology", "2024-01-09") == {"2024-01-09"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The patient died on 3 May 2022.", {"2022-05-03"}),
        ("Date of death: 03/15/2022", {"2022-03-15"}),
        ("On 15.03.2022 he passed away peacefully.", {"2022-03-15"}),
        ("Expired 3/15/22 at 05:12.", {"2022-03-15"}),
        ("Funeral on 20 March 2022.", set()),
    ],
)
def test_date_of_death(reader: Reader, text: str, wanted: set[str]) -> None:
    assert facts(reader, text, "death_date", "death") == wanted


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("Father died of lung cancer.", "vital_status", {"dead ~"}),
        ("Family History: brother died 2010.\n\nECOG 1", "vital_status", {"dead ~"}),
        ("Daughter called: he passed away last night.", "vital_status", {"dead"}),
        ("Quit smoking ten years ago, 30 pack-years.", "smoking_status", {"former"}),
        ("History of smoking.", "smoking_status", set()),
        ("1.5 ppd x 30 years", "pack_years", {"45"}),
        ("20 year smoker", "pack_years", set()),
        ("ECOG 1-2.", "ecog", {"1", "2"}),
        ("0 - Fully active, able to carry on", "ecog", set()),
        ("GFR 71 ml/min, KPS 80%.", "kps", {"80"}),
        ("Limited exam of the chest.", "stage.valg", set()),
        ("LS-SCLC", "stage.valg", {"limited"}),
    ],
)
def test_person_and_course(reader: Reader, text: str, field: str, wanted: set[str]) -> None:
    assert facts(reader, text, field) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Diagnosis: Papillary thyroid carcinoma, pT2 N0, with lung metastases. ECOG 1.",
        "Small cell carcinoma of the urinary bladder, T3 N1 M0, liver metastases.",
        "Breast cancer, stage IV, bone metastases. Mother had lung cancer.",
        "Well child visit. Mother smokes. ECOG 0.",
        "Chest x-ray: no acute findings. Heart size normal.",
    ],
)
def test_a_note_about_no_lung_cancer_has_no_facts(reader: Reader, text: str) -> None:
    assert reader.read(Note(note_id="1", text=text, note_type="clinic")) == []


def test_an_earlier_cancer_is_history(reader: Reader) -> None:
    text = "Non-small cell lung cancer, stage IIIB.\nPast history: prostate cancer 2012, stage II."
    found = {
        (one.value, str(one.assertion))
        for one in reader.read(Note(note_id="1", text=text))
        if one.field == "stage.group"
    }
    assert ("IIIB", "present") in found
    assert ("II", "present") not in found


def test_a_second_primary_is_an_illness_of_its_own(reader: Reader) -> None:
    text = "Small cell lung cancer, RUL, stage IIIA.\nSecond primary 2023: adenocarcinoma of the left lower lobe, cT1b N0 M0, stage IA2."
    found = {(one.field, one.value) for one in reader.read(Note(note_id="1", text=text)) if one.assertion == "present"}
    assert ("stage.group", "IIIA") in found
    assert ("primary_site", "right_upper_lobe") in found
    assert not {("stage.group", "IA2"), ("primary_site", "left_lower_lobe"), ("stage.t", "T1b")} & found


def test_a_finding_carries_the_date_of_its_scan(reader: Reader) -> None:
    text = HEAD + "CT of 14.03.2024 shows liver metastases."
    [one] = [one for one in reader.read(Note(note_id="1", text=text)) if one.field == "metastasis"]
    assert (one.date, one.date_precision, one.date_source) == ("2024-03-14", "day", "stated")


def test_non_small_cell_is_not_small_cell(reader: Reader) -> None:
    for text in (
        "Non-small cell lung cancer",
        "NSCLC",
        "non small-cell carcinoma of the lung",
        "Lung cancer, not small cell",
    ):
        assert [
            one
            for one in reader.read(Note(note_id="1", text=text))
            if one.field == "histology" and one.assertion == "present"
        ] == []
