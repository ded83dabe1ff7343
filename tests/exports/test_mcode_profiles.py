"""The resources keep the profiles of mCODE STU4 that they claim; what breaks them is found."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from exported_study import Said, Study, decided_as
from hostile_study import hostile
from mcode_rules import BASE, RULES, faults
from registry_copies import copied

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes
from abstractor.rulebook.book import RuleBook

pytest.importorskip("fhir.resources.R4B.bundle", reason="abstractor[fhir] is not installed")
Resource = dict[str, Any]


def bundles(path: Path) -> list[Resource]:
    return [json.loads(line) for line in (path / "bundles.ndjson").read_text(encoding="utf-8").splitlines()]


def fullest(study: Study) -> Resource:
    return max(bundles(study.export("mcode", "identified")), key=lambda bundle: len(bundle["entry"]))


def claiming(bundle: Resource, profile: str) -> Resource:
    resources = (entry["resource"] for entry in bundle["entry"])
    return next(one for one in resources if BASE + profile in one.get("meta", {}).get("profile", []))


@pytest.fixture(scope="module")
def odd(
    empty_registry_file: Path, make_rulebook: Callable[[str], RuleBook], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The odd patients, exported identified."""
    folder = tmp_path_factory.mktemp("odd")
    registry = open_registry(str(copied(empty_registry_file, folder / "study.db")))
    yield hostile(registry, make_rulebook("book"), folder).export("mcode", "identified")
    registry.close()


@pytest.mark.parametrize("profile", ["identified", "limited", "deidentified"])
def test_every_resource_keeps_the_profiles_it_claims(study: Study, profile: str) -> None:
    written = bundles(study.export("mcode", profile))
    assert written
    assert [fault for bundle in written for fault in faults(bundle)] == []


def test_odd_values_keep_them_too(odd: Path) -> None:
    written = bundles(odd)
    assert len(written) == 27
    assert [fault for bundle in written for fault in faults(bundle)] == []


def test_every_profile_that_is_claimed_is_written_down_and_most_are_met_here(study: Study, tmp_path: Path) -> None:
    claimed = {
        profile.removeprefix(BASE)
        for bundle in bundles(study.export("mcode", "identified"))
        for resource in (bundle, *(entry["resource"] for entry in bundle["entry"]))
        for profile in resource.get("meta", {}).get("profile", [])
    }
    assert claimed <= RULES["profile"].keys()
    assert len(claimed) >= 11


@pytest.mark.parametrize(
    ("profile", "change", "fault"),
    [
        ("mcode-primary-cancer-condition", {"category": None}, "category missing"),
        ("mcode-primary-cancer-condition", {"category": [{"text": "problem"}]}, "category is none of problem"),
        ("mcode-cancer-disease-status", {"code": {"text": "status"}}, "code is not LNC 97509-4"),
        (
            "mcode-cancer-disease-status",
            {"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}},
            "valueCodeableConcept is none of trend",
        ),
        ("mcode-cancer-disease-status", {"effectivePeriod": {"start": "2024"}}, "effective is a Period"),
        ("mcode-tnm-stage-group", {"method": None}, "method missing"),
        ("mcode-tnm-stage-group", {"focus": [{"reference": "a"}, {"reference": "b"}]}, "focus more than 1"),
        ("mcode-ecog-performance-status", {"status": "done"}, "status done"),
        ("mcode-ecog-performance-status", {"effectiveDateTime": "2024-01"}, "not known to the day"),
        ("mcode-ecog-performance-status", {"valueString": "one"}, "value is a String"),
        ("mcode-ecog-performance-status", {"valueInteger": None}, "neither a value nor why"),
        ("mcode-genomic-variant", {"valueCodeableConcept": {"text": "TP53"}}, "is none of presence"),
        (
            "mcode-genomic-variant",
            {
                "component": [
                    {
                        "code": {"coding": [{"system": "http://loinc.org", "code": "48005-3"}]},
                        "valueCodeableConcept": {"text": "p.R175H"},
                    }
                ]
            },
            "a protein change that is no HGVS",
        ),
        ("mcode-cancer-related-medication-administration", {"effectivePeriod": None}, "no time"),
        ("mcode-cancer-related-medication-administration", {"reasonReference": None}, "no reason"),
        (
            "mcode-cancer-related-medication-administration",
            {"effectivePeriod": {"start": "2024-05", "end": "2024-01-01"}},
            "from 2024-05 to 2024-01-01",
        ),
        ("mcode-cancer-patient", {"name": [{}]}, "a name or the reason"),
    ],
)
def test_what_breaks_a_profile_is_found(study: Study, profile: str, change: Resource, fault: str) -> None:
    bundle = fullest(study)
    resource = claiming(bundle, profile)
    resource.update(change)
    for name in [name for name, value in change.items() if value is None]:
        del resource[name]
    assert any(fault in one for one in faults(bundle)), faults(bundle)


def test_a_partial_date_is_a_period_where_the_profile_takes_whole_days_only(odd: Path) -> None:
    for bundle in bundles(odd):
        told = [entry["resource"] for entry in bundle["entry"] if entry["resource"].get("valueInteger") == 2]
        assert [one["effectivePeriod"] for one in told] == [{"start": "2023-05", "end": "2023-05"}]


def test_a_t_category_is_coded_by_who_classified(study: Study) -> None:
    tumour = claiming(fullest(study), "mcode-tnm-primary-tumor-category")
    assert tumour["code"]["coding"] == [{"system": "http://snomed.info/sct", "code": "399504009"}]  # cT


def test_an_end_before_its_start_is_left_out_and_counted(odd: Path) -> None:
    assert "54 ends before their start" in (odd / "LEFT_OUT.txt").read_text()


def test_surgery_on_an_unknown_day_says_that_the_day_is_unknown(
    registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path
) -> None:
    surgery: Said = ("A", "surgery", "lobectomy", Assertion.PRESENT, None, None, {})
    rulebook = make_rulebook("book")
    add_notes(registry, [Note("N", "Text.", "A")], "test")
    record_all(registry, [decided_as(rulebook.fields, 0, surgery, "ab" * 32)])
    (bundle,) = bundles(Study(registry, rulebook, tmp_path).export("mcode", "identified"))
    told = claiming(bundle, "mcode-cancer-related-surgical-procedure")
    assert told["status"] == "completed"
    assert told["performedPeriod"]["extension"][0]["valueCode"] == "unknown"
    assert faults(bundle) == []
