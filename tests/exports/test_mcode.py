"""mCODE: bundles that the models of FHIR accept, whose references resolve, and every resource of which says where it comes from."""

import json
from pathlib import Path
from typing import Any

import pytest
from exported_study import FULL, Study

bundles = pytest.importorskip("fhir.resources.R4B.bundle", reason="abstractor[fhir] is not installed")
BASE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"

Resource = dict[str, Any]


def read(path: Path) -> list[Resource]:
    lines = (path / "bundles.ndjson").read_text(encoding="utf-8").splitlines()
    for line in lines:
        bundles.Bundle.model_validate_json(line)
    return [json.loads(line) for line in lines]


def of_full(path: Path) -> list[Resource]:
    for bundle in read(path):
        resources = [entry["resource"] for entry in bundle["entry"]]
        if resources[0]["identifier"][0]["value"] == FULL:
            return resources
    raise AssertionError("the patient has no bundle")


def profiled(resources: list[Resource], profile: str) -> list[Resource]:
    return [one for one in resources if BASE + profile in one.get("meta", {}).get("profile", [])]


def test_a_bundle_is_a_collection_with_exactly_one_patient(study: Study) -> None:
    found = read(study.export("mcode", "identified"))
    assert len(found) == 3
    for bundle in found:
        assert (bundle["type"], bundle["meta"]["profile"]) == ("collection", [f"{BASE}mcode-patient-bundle"])
        assert [one["resource"]["resourceType"] for one in bundle["entry"]].count("Patient") == 1


def test_every_reference_resolves_within_the_bundle(study: Study) -> None:
    for bundle in read(study.export("mcode", "identified")):
        names = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(names)) == len(names)
        assert set(references(bundle)) <= set(names)


def references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["reference"]] if isinstance(part.get("reference"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    if isinstance(part, list):
        return [found for value in part for found in references(value)]
    return []


def test_the_cancer_its_stage_and_its_spread(study: Study) -> None:
    resources = of_full(study.export("mcode", "identified"))
    (cancer,) = profiled(resources, "mcode-primary-cancer-condition")
    assert cancer["code"]["coding"] == [{"system": "http://snomed.info/sct", "code": "254632001"}]
    assert cancer["onsetDateTime"] == "2024-01-10"
    (valg,) = profiled(resources, "mcode-cancer-stage")
    assert valg["valueCodeableConcept"]["text"] == "extensive"
    assert valg["method"]["coding"][0]["code"] == "C141685"
    (group,) = profiled(resources, "mcode-tnm-stage-group")
    assert (group["valueCodeableConcept"]["text"], group["method"]["coding"][0]["code"]) == ("IVB", "897275008")
    (tumour,) = profiled(resources, "mcode-tnm-primary-tumor-category")
    assert tumour["valueCodeableConcept"]["text"] == "cT2a"
    spread = {one["bodySite"][0]["text"] for one in profiled(resources, "mcode-secondary-cancer-condition")}
    assert spread == {"liver", "bone"}


def test_performance_response_variants_drugs_and_death(study: Study) -> None:
    resources = of_full(study.export("mcode", "identified"))
    (patient,) = profiled(resources, "mcode-cancer-patient")
    assert (patient["deceasedDateTime"], patient["birthDate"]) == ("2024-09-30", "1950-02-01")
    (ecog,) = profiled(resources, "mcode-ecog-performance-status")
    assert (ecog["valueInteger"], ecog["effectiveDateTime"]) == (1, "2024-01-20")
    courses = profiled(resources, "mcode-cancer-disease-status")
    told = {one["effectiveDateTime"]: one["valueCodeableConcept"] for one in courses}
    assert told["2024-07-01"]["text"] == "PD"
    assert told["2024-07-01"]["coding"][0]["code"] == "271299001"
    variants = {one["valueCodeableConcept"]["text"]: one for one in profiled(resources, "mcode-genomic-variant")}
    assert variants["TP53 p.R175H"]["valueCodeableConcept"]["coding"][0]["code"] == "LA9633-4"
    assert variants["EGFR mutation"]["valueCodeableConcept"]["coding"][0]["code"] == "LA9634-2"
    (drug,) = profiled(resources, "mcode-cancer-related-medication-administration")
    assert drug["medicationCodeableConcept"]["text"] == "carboplatin"
    assert drug["effectivePeriod"] == {"start": "2024-01-25", "end": "2024-04-25"}


def test_every_resource_says_who_confirmed_it_when_and_on_which_words(study: Study) -> None:
    resources = of_full(study.export("mcode", "identified"))
    told = [one for one in resources if one["resourceType"] == "Provenance"]
    targets = {one["target"][0]["reference"].removeprefix("urn:uuid:") for one in told}
    others = {one["id"] for one in resources if one["resourceType"] not in ("Provenance", "Patient")}
    assert targets == others
    (liver,) = [one["id"] for one in resources if one.get("bodySite") == [{"text": "liver"}]]
    (provenance,) = [one for one in told if one["target"][0]["reference"].endswith(liver)]
    assert provenance["recorded"] == "2024-12-01T08:00:00Z"
    assert provenance["agent"][0]["who"]["display"] == "dr.jones"
    assert "rulebook book" in provenance["agent"][1]["who"]["display"]
    assert provenance["entity"][0]["what"]["identifier"]["value"] == "N-1"


def test_the_same_decisions_are_the_same_resources_in_every_identified_export(study: Study) -> None:
    first = (study.export("mcode", "identified") / "bundles.ndjson").read_bytes()
    assert (study.export("mcode", "identified") / "bundles.ndjson").read_bytes() == first
