"""Notes in FHIR R4: `DocumentReference` and `DiagnosticReport` with their text inline, as NDJSON (bulk export), as bundles, or a folder of both.

Everything else that stands in such files (patients, observations, panels of results without words) is passed by. A resource that should be a
note and can't be is named by its line, or its place in the bundle, and its id.
"""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Any

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.codes import note_type_of
from abstractor.sources.decoding import decode, looks_binary
from abstractor.sources.reading import Fault, Place, ReadOptions, note_from
from abstractor.sources.streams import broken_off, opened_bytes

KINDS = ("DocumentReference", "DiagnosticReport")
SUFFIXES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
_LARGEST = 256_000_000
"""Bytes of the longest line, or of the largest bundle that is no line."""
_TEXTS = ("text/plain", "text/markdown", "text/html", "application/xhtml+xml", "text/rtf", "application/rtf")
"""Attachments that are notes, the plainest first; of several forms of one document the plainest is read."""
_SYSTEMS = {
    "http://loinc.org": "loinc",
    "http://terminology.hl7.org/CodeSystem/v2-0074": "hl7",
    "http://hl7.org/fhir/v2/0074": "hl7",
}
_WITHDRAWN = {"entered-in-error", "cancelled", "superseded"}

Resource = Mapping[str, Any]


class _UnreadableError(Exception):
    """Why a resource can't be a note; never a word of it."""


@dataclass(frozen=True)
class _Found:
    """A resource, and what its bundle says of the patients in it."""

    place: Place | str
    resource: Resource
    full_url: str
    patients: Mapping[str, str]
    """Full URL of a patient in the same bundle to the patient's id."""


def read_fhir(path: Path, options: ReadOptions) -> Iterator[Note | Fault]:
    """The notes of a file or of all files of a folder. Column names do not matter here: FHIR has its own.

    A note's id is `DocumentReference/` or `DiagnosticReport/` and the resource's id; the patient's id is what stands behind `Patient/`.

    Raises:
        InputError: the one file is empty, or no FHIR.
    """
    if not path.is_dir():
        yield from _read_file(path, path.name, options)
        return
    for file in sorted(one for one in path.rglob("*") if one.name.lower().endswith(SUFFIXES) and one.is_file()):
        name = file.relative_to(path).as_posix()
        try:
            yield from _read_file(file, name, options)
        except InputError as error:
            yield Fault(name, f"{str(error).removeprefix(f'{file}: ')}; skipped")
        except OSError as error:
            yield Fault(name, f"can't be read ({error.strerror or type(error).__name__}); skipped")


def _read_file(path: Path, name: str, options: ReadOptions) -> Iterator[Note | Fault]:
    for found in _resources(path, name, options):
        if isinstance(found, Fault):
            yield found
            continue
        try:
            cells = _cells(found, options)
        except _UnreadableError as error:
            yield Fault(found.place, f"{_named(found)}: {error}; skipped", _named(found))
            continue
        if cells is None:
            continue
        # the type is settled, and the names are ours
        yield from note_from(cells, found.place, replace(options, columns={}, note_type=str))
        if cells["beside"]:
            yield Fault(found.place, f"{_named(found)}: {cells['beside']}", _named(found))


def _resources(path: Path, name: str, options: ReadOptions) -> Iterator[_Found | Fault]:
    """The resources of the kinds that are notes, out of lines or of one bundle."""
    with opened_bytes(path, options.meter) as stream:
        try:
            first = b"\n"
            while first and not first.strip():
                first = stream.readline(_LARGEST)
        except (InputError, OSError) as error:
            raise InputError(f"{path}: {broken_off(error)}") from None
        if not first:
            raise InputError(f"{path}: the file is empty")
        if first.rstrip().endswith((b"{", b"[", b",")):  # an object over many lines
            yield from _whole(path, name, first, stream, options)
            return
        try:
            yield from _by_line(name, first, stream, options)
        except (InputError, OSError) as error:
            yield Fault(name, f"{broken_off(error)}; the rest of this file is skipped")


def _whole(
    path: Path, name: str, first: bytes, stream: BufferedReader, options: ReadOptions
) -> Iterator[_Found | Fault]:
    """The resources of a bundle, or of a list of resources, that goes over many lines."""
    try:
        content = first + stream.read(_LARGEST + 1 - len(first))
        if len(content) > _LARGEST:
            size = _LARGEST // 1_000_000
            raise InputError(f"a bundle of more than {size} MB; export it as NDJSON, a resource a line")
        whole = json.loads(decode(content, options.encoding))
    except (InputError, OSError) as error:
        raise InputError(f"{path}: {broken_off(error)}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON, or cut short ({_reason(error)}); export it again") from None
    if isinstance(whole, list):
        for number, resource in enumerate(whole, 1):
            yield from _unpacked(resource, f"{name}: resource {number}")
    else:
        yield from _unpacked(whole, name)


def _by_line(name: str, line: bytes, stream: BufferedReader, options: ReadOptions) -> Iterator[_Found | Fault]:
    number = 1
    while line:
        place = Place(name, number)
        if len(line) >= _LARGEST and not line.endswith(b"\n"):
            yield Fault(place, f"longer than {_LARGEST // 1_000_000} MB; skipped")
            while line and not line.endswith(b"\n"):
                line = stream.readline(_LARGEST)
        elif line.strip():
            try:
                resource = json.loads(decode(line, options.encoding))
            except InputError as error:
                yield Fault(place, f"{error}; skipped")
            except (ValueError, RecursionError) as error:
                yield Fault(place, f"not JSON, or cut short ({_reason(error)}); skipped")
            else:
                yield from _unpacked(resource, place)
        number += 1
        line = stream.readline(_LARGEST)


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep, or a number too long"


def _unpacked(
    resource: object, place: Place | str, full_url: str = "", patients: Mapping[str, str] | None = None
) -> Iterator[_Found | Fault]:
    """A resource, or those in a bundle, if they are of the kinds that are notes."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(resource, dict) or not isinstance(kind, str):
        yield Fault(place, "no FHIR resource (it has no resourceType); skipped")
    elif kind == "Bundle":
        entries = _dicts(resource.get("entry"))
        known = {
            str(entry.get("fullUrl")): str(_dict(entry.get("resource")).get("id"))
            for entry in entries
            if _dict(entry.get("resource")).get("resourceType") == "Patient" and _dict(entry.get("resource")).get("id")
        }
        for number, entry in enumerate(entries, 1):
            if entry.get("resource") is not None:
                yield from _unpacked(
                    entry["resource"], f"{place}: entry {number}", _string(entry.get("fullUrl")), known
                )
    elif kind in KINDS:
        yield _Found(place, resource, full_url, patients or {})


def _cells(found: _Found, options: ReadOptions) -> dict[str, object] | None:
    """What `note_from` asks for, and `beside`: what of the resource was not read; None for a report without words.

    Raises:
        _UnreadableError: it should be a note, and can't be.
    """
    resource = found.resource
    report = resource["resourceType"] == "DiagnosticReport"
    if report:
        attachments = _dicts(resource.get("presentedForm"))
        codings = [resource.get("code"), *_list(resource.get("category"))]
        when = [
            resource.get("effectiveDateTime"),
            _dict(resource.get("effectivePeriod")).get("start"),
            resource.get("issued"),
        ]
    else:
        attachments = [_dict(one.get("attachment")) for one in _dicts(resource.get("content"))]
        codings = [resource.get("type"), *_list(resource.get("category"))]
        when = [
            resource.get("date"),
            *(one.get("creation") for one in attachments),
            _dict(_dict(resource.get("context")).get("period")).get("start"),
        ]
    conclusion = resource.get("conclusion") if report else None
    if not attachments and report and not conclusion:
        return None  # results alone: a panel of the laboratory
    if "/" not in _named(found):
        raise _UnreadableError("it has no id")
    withdrawn = [status for name in ("status", "docStatus") if (status := _string(resource.get(name))) in _WITHDRAWN]
    if withdrawn:
        raise _UnreadableError(f"its status is {withdrawn[0]}")
    text, beside = _text(attachments, conclusion, options)
    return {
        "note_id": _named(found),
        "patient_id": _patient_id(found),
        "text": text,
        "note_date": next((one for one in when if one), None),
        "note_type": note_type_of(*_told(codings), options),
        "beside": beside,
    }


def _named(found: _Found) -> str:
    """Kind and id. Ids are unique within a kind alone, so both make the note's id."""
    resource = found.resource
    given = _string(resource.get("id")) or found.full_url.removeprefix("urn:uuid:").split("/")[-1]
    if not given:
        values = (_string(one.get("value")) for one in _dicts(resource.get("identifier")))
        given = next((value for value in values if value), "")
    return f"{resource['resourceType']}/{given}" if given else str(resource["resourceType"])


def _patient_id(found: _Found) -> str:
    """Whom the resource is about; blank where it does not say.

    Raises:
        _UnreadableError: it is about a group, a place or a thing.
    """
    subject = _dict(found.resource.get("subject"))
    reference = _string(subject.get("reference"))
    if reference in found.patients:
        return found.patients[reference]
    if reference.startswith("#"):
        inside = [one for one in _dicts(found.resource.get("contained")) if one.get("id") == reference[1:]]
        identifiers = [one for patient in inside for one in _dicts(patient.get("identifier"))]
        return next((_string(one.get("value")) for one in identifiers if one.get("value")), "")
    if not reference:
        return _string(_dict(subject.get("identifier")).get("value"))
    if reference.startswith("urn:"):
        return reference.split(":")[-1]
    parts = reference.split("/_history/")[0].rstrip("/").split("/")
    if len(parts) < 2 or parts[-2] != "Patient":
        raise _UnreadableError(f"its subject is no patient but {parts[-2] if len(parts) > 1 else 'unknown'}")
    return parts[-1]


def _text(attachments: list[Resource], conclusion: object, options: ReadOptions) -> tuple[str, str]:
    """The words of a resource to the letter, and what of it was not read.

    Raises:
        _UnreadableError: there are none inline, or they are damaged.
    """
    inline = [one for one in attachments if one.get("data")]
    plain = sorted((_rank(one), number) for number, one in enumerate(inline))
    if plain and plain[0][0] < len(_TEXTS):
        return _decoded(inline[plain[0][1]], options), ""
    kinds = ", ".join(sorted({_content_type(one)[0] or "no content type" for one in attachments}))
    if isinstance(conclusion, str) and conclusion.strip():
        return conclusion, f"only its conclusion was read; the report itself is {kinds}" if attachments else ""
    if attachments and not inline:
        raise _UnreadableError(f"its text is not inline ({kinds} elsewhere); export it with the attachments")
    raise _UnreadableError(
        f"no text that can be read ({kinds or 'no attachment'}); turn it into text/plain"
        if attachments
        else "it holds no text"
    )


def _rank(attachment: Resource) -> int:
    kind = _content_type(attachment)[0] or "text/plain"
    return _TEXTS.index(kind) if kind in _TEXTS else len(_TEXTS)


def _content_type(attachment: Resource) -> tuple[str, str | None]:
    """The type in lower case, and the character set if it names one."""
    kind, *parameters = _string(attachment.get("contentType")).lower().split(";")
    charsets = [one.split("=", 1)[1].strip(" \"'") for one in parameters if one.strip().startswith("charset=")]
    return kind.strip(), charsets[0] if charsets else None


def _decoded(attachment: Resource, options: ReadOptions) -> str:
    data = "".join(_string(attachment.get("data")).split())
    if len(data) * 3 // 4 > options.longest * 4:
        raise _UnreadableError(f"longer than a note may be ({options.longest:,} characters)")
    try:
        content = b64decode(data, validate=True)
    except (Base64Error, ValueError):
        raise _UnreadableError("its data is no base64, or cut short; export it again") from None
    try:
        text = decode(content, options.encoding or _content_type(attachment)[1])
    except InputError as error:
        raise _UnreadableError(str(error)) from None
    if looks_binary(content):
        raise _UnreadableError("its data is binary, not text")
    return text


def _told(concepts: list[object]) -> tuple[list[str], list[str]]:
    """Codes and names of a resource's type and categories, in their order."""
    codings = [coding for concept in concepts for coding in _dicts(_dict(concept).get("coding"))]
    codes = [
        f"{_SYSTEMS[_string(coding.get('system'))]}|{_string(coding.get('code'))}"
        for coding in codings
        if _string(coding.get("system")) in _SYSTEMS
    ]
    names = [_string(_dict(concept).get("text")) for concept in concepts]
    return codes, [*names, *(_string(coding.get("display")) for coding in codings)]


def _dict(value: object) -> Resource:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _dicts(value: object) -> list[Resource]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
