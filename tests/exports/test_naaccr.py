"""NAACCR XML: the items that exist, with their codes, and nothing else."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from exported_study import Study

SPACE = "{http://naaccr.org/naaccrxml}"


def items(path: Path) -> list[tuple[dict[str, str], dict[str, str]]]:
    """The items of each patient and of its tumour."""
    root = ElementTree.parse(path / "naaccr.xml").getroot()  # noqa: S314
    assert root.tag == f"{SPACE}NaaccrData"
    assert root.attrib["baseDictionaryUri"].endswith("naaccr-dictionary-260.xml")
    found = []
    for patient in root:
        tumor = patient.find(f"{SPACE}Tumor")
        assert tumor is not None
        found.append((_named(patient), _named(tumor)))
    return found


def _named(element: ElementTree.Element) -> dict[str, str]:
    return {one.attrib["naaccrId"]: one.text or "" for one in element.findall(f"{SPACE}Item")}


def test_a_patient_with_nearly_everything(study: Study) -> None:
    patients = items(study.export("naaccr", "identified"))
    (patient, tumor) = next(one for one in patients if one[0].get("dateOfBirth") == "19500201")
    assert patient == {
        "patientIdNumber": patient["patientIdNumber"],
        "sexAssignedAtBirth": "1",
        "dateOfBirth": "19500201",
        "vitalStatus": "0",
        "dateOfLastContact": "20240930",
    }
    assert tumor == {
        "primarySite": "C341",
        "laterality": "1",
        "histologicTypeIcdO3": "8045",
        "behaviorCodeIcdO3": "3",
        "dateOfDiagnosis": "20240110",
        "tobaccoUseSmokingStatus": "2",
        "ajccTnmClinT": "cT2a",
        "ajccTnmClinStageGroup": "4B",
        "metsAtDxLiver": "1",  # bone came later than 120 days after the diagnosis
        "metsAtDxBrain": "0",
    }


def test_a_partial_date_is_cut(study: Study) -> None:
    tumors = [tumor for _, tumor in items(study.export("naaccr", "identified"))]
    assert {"dateOfDiagnosis": "202203"} in tumors


def test_deidentified_dates_are_years_and_who_is_over_ninety_has_none(study: Study) -> None:
    patients = items(study.export("naaccr"))
    years = sorted((patient.get("dateOfBirth", ""), tumor.get("dateOfDiagnosis", "")) for patient, tumor in patients)
    assert years == [("", ""), ("", "2022"), ("1950", "2024")]
