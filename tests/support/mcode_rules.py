"""Holds resources against the written-down facts of the mCODE profiles that they claim (`tests/exports/mcode_stu4.toml`)."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RULES: dict[str, Any] = tomllib.loads((Path(__file__).parents[1] / "exports" / "mcode_stu4.toml").read_text())
BASE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
Resource = dict[str, Any]


def faults(bundle: Resource) -> list[str]:
    """What a bundle and its resources break of the profiles they claim."""
    found = []
    for resource in (bundle, *(entry["resource"] for entry in bundle["entry"])):
        claimed = resource.get("meta", {}).get("profile", [])
        for profile in claimed:
            name = profile.removeprefix(BASE)
            found += [f"{name}: {fault}" for fault in _faults(resource, RULES["profile"][name])]
        found += [f"{resource['resourceType']}: {fault}" for fault in _periods(resource)]
    return found


def _faults(resource: Resource, rule: Resource) -> Iterator[str]:
    if resource["resourceType"] != rule["resource"]:
        yield f"is a {resource['resourceType']}"
    yield from (f"{name} missing" for name in rule["required"] if not resource.get(name))
    yield from (
        f"{name} more than {most}" for name, most in rule.get("most", {}).items() if len(resource.get(name, ())) > most
    )
    allowed = RULES["status"].get(rule["resource"])
    if allowed and resource.get("status") not in allowed:
        yield f"status {resource.get('status')}"
    for stem, types in rule.get("only", {}).items():
        told = [
            key.removeprefix(stem)
            for key in resource
            if key.startswith(stem) and key != stem and key[len(stem)].isupper()
        ]
        yield from (f"{stem} is a {one}" for one in told if one not in types)
    yield from _codes(resource, rule)
    yield from _SPECIAL.get(rule["resource"], _nothing)(resource)
    for name in rule.get("rules", ()):
        yield from _RULES[name](resource)


def _codes(resource: Resource, rule: Resource) -> Iterator[str]:
    for name, code in rule.get("pattern", {}).items():
        if code not in coded(resource.get(name)):
            yield f"{name} is not {code}"
    for name, known in rule.get("one_of", {}).items():
        if not any(set(coded(one)) & set(RULES["sets"][known]) for one in resource.get(name, ())):
            yield f"{name} is none of {known}"
    for kind in ("bound", "bound_always"):
        for name, known in rule.get(kind, {}).items():
            codes = coded(resource.get(name))
            if (codes or kind == "bound_always") and not set(codes) & set(RULES["sets"][known]):
                yield f"{name} is none of {known}"


def coded(concept: Resource | None) -> list[str]:
    """The codes of a concept, with the short names of their systems."""
    short = {system: name for name, system in RULES["systems"].items()}
    return [f"{short.get(one.get('system', ''), '?')} {one.get('code')}" for one in (concept or {}).get("coding", ())]


def _nothing(_: Resource) -> Iterator[str]:
    return iter(())


def _patient(resource: Resource) -> Iterator[str]:
    if resource.get("gender") not in ("male", "female", "other", "unknown"):
        yield "gender"
    yield from (
        "an identifier without system and value"
        for one in resource["identifier"]
        if not {"system", "value"} <= one.keys()
    )
    for name in resource["name"]:
        if bool({"family", "given"} & name.keys()) == bool(name.get("extension")):
            yield "a name or the reason why there is none, not both, not neither"


def _bundle(resource: Resource) -> Iterator[str]:
    if resource["type"] != "collection":
        yield "type"
    if [one["resource"]["resourceType"] for one in resource["entry"]].count("Patient") != 1:
        yield "exactly one patient"
    names = [one.get("fullUrl") for one in resource["entry"]]
    if len(set(names)) != len(names):
        yield "fullUrl twice"


_SPECIAL: dict[str, Callable[[Resource], Iterator[str]]] = {"Patient": _patient, "Bundle": _bundle}


def _whole_days(resource: Resource) -> Iterator[str]:
    if len(resource.get("effectiveDateTime", "2000-01-01")) < 10:
        yield "a date that is not known to the day"


def _value_or_why(resource: Resource) -> Iterator[str]:
    if not any(key.startswith("value") for key in resource) and not resource.get("dataAbsentReason"):
        yield "neither a value nor why there is none"


def _value(resource: Resource) -> Iterator[str]:
    if not any(key.startswith("value") for key in resource):
        yield "no value"


def _time(resource: Resource) -> Iterator[str]:
    if not any(key.startswith("effective") for key in resource):
        yield "no time"


def _time_if_completed(resource: Resource) -> Iterator[str]:
    if resource["status"] in ("completed", "in-progress") and not any(key.startswith("performed") for key in resource):
        yield "completed, and no time"


def _reason(resource: Resource) -> Iterator[str]:
    if not resource.get("reasonCode") and not resource.get("reasonReference"):
        yield "no reason"


def _components(resource: Resource) -> Iterator[str]:
    proteins = 0
    for part in resource.get("component", ()):
        code = coded(part["code"])
        if code == ["LNC 48018-6"] and "valueCodeableConcept" not in part:
            yield "a gene that is no concept"
        if code == ["LNC 48005-3"]:
            proteins += 1
            if not any(one.startswith("HGVS ") for one in coded(part.get("valueCodeableConcept"))):
                yield "a protein change that is no HGVS"
        if code == ["LNC 81258-6"]:
            quantity = part.get("valueQuantity", {})
            if (quantity.get("system"), quantity.get("code")) != (RULES["systems"]["UCUM"], "1"):
                yield "an allelic frequency without its unit"
    if proteins > 1:
        yield "two protein changes"


_RULES: dict[str, Callable[[Resource], Iterator[str]]] = {
    "whole days": _whole_days,
    "a value or why not": _value_or_why,
    "a value": _value,
    "a time": _time,
    "a time if completed": _time_if_completed,
    "a reason": _reason,
    "components of variants": _components,
}


def _periods(part: object) -> Iterator[str]:
    """FHIR itself: no period ends before it starts, nor at a time that can't be compared with its start."""
    if isinstance(part, dict):
        start, end = part.get("start"), part.get("end")
        if isinstance(start, str) and isinstance(end, str) and not _ordered(start, end):
            yield f"from {start} to {end}"
        for value in part.values():
            yield from _periods(value)
    elif isinstance(part, list):
        for value in part:
            yield from _periods(value)


def _ordered(start: str, end: str) -> bool:
    known = min(len(start), len(end))
    return start[:known] < end[:known] or start == end
