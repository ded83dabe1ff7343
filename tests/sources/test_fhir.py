"""Notes in FHIR: the text to the letter, the patient, the date and the type as the resource says; what can't be a note is named."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.rulebook.load import load_rulebook
from abstractor.sources.codes import note_type_codes
from abstractor.sources.reader import note_type_mapper, read_notes
from abstractor.sources.reading import Fault, ReadOptions

Read = Callable[..., tuple[list[Note], list[str]]]
Json = dict[str, Any]
CANARY = "Xanthippe"
HL7 = "http://terminology.hl7.org/CodeSystem/v2-0074"


@pytest.fixture(scope="module")
def types() -> dict[str, Any]:
    rules = load_rulebook().note_types
    return {"note_type": note_type_mapper(rules), "codes": note_type_codes(rules)}


def packed(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def attached(text: str, kind: str = "text/plain", **other: object) -> Json:
    return {"contentType": kind, "data": packed(text), **other}


def document(name: str = "d1", text: str = "one\r\n", **other: object) -> Json:
    resource: Json = {"resourceType": "DocumentReference", "id": name, "status": "current", "date": "2024-03-01"}
    resource |= {"subject": {"reference": "Patient/P1"}, "content": [{"attachment": attached(text)}]}
    return resource | other


def report(name: str = "r1", **other: object) -> Json:
    resource: Json = {
        "resourceType": "DiagnosticReport",
        "id": name,
        "status": "final",
        "effectiveDateTime": "2024-04-02",
    }
    return resource | {"subject": {"reference": "Patient/P2"}, "conclusion": "No change."} | other


def lines(path: Path, *resources: object) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in resources) + "\n", encoding="utf-8")
    return path


def bundle(*resources: Json, **urls: str) -> Json:
    entries = [
        {"resource": one, **({"fullUrl": urls[one["id"]]} if one.get("id") in urls else {})} for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def test_documents_and_reports_are_notes_and_the_rest_is_passed_by(
    tmp_path: Path, read: Read, types: dict[str, Any]
) -> None:
    path = lines(
        tmp_path / "export.ndjson",
        {"resourceType": "Patient", "id": "P1"},
        document(type={"coding": [{"system": "http://loinc.org", "code": "18842-5"}]}),
        report(category=[{"coding": [{"system": HL7, "code": "RAD"}]}]),
        {
            "resourceType": "DiagnosticReport",
            "id": "lab",
            "status": "final",
            "result": [{"reference": "Observation/1"}],
        },
    )
    notes, faults = read(path, **types)
    assert notes == [
        Note("DocumentReference/d1", "one\r\n", "P1", "2024-03-01", "discharge"),
        Note("DiagnosticReport/r1", "No change.", "P2", "2024-04-02", "radiology"),
    ]
    assert faults == []


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["bundle.json", "bundle.dat"])
def test_a_bundle_is_read_however_it_is_laid_out(tmp_path: Path, read: Read, indent: int | None, name: str) -> None:
    path = tmp_path / name
    patient = {"resourceType": "Patient", "id": "P7"}
    said = document(subject={"reference": "urn:uuid:77"})
    path.write_text(
        json.dumps(bundle(patient, said, bundle(report()), P7="urn:uuid:77"), indent=indent), encoding="utf-8"
    )
    notes, faults = read(path)
    assert [(one.note_id, one.patient_id) for one in notes] == [
        ("DocumentReference/d1", "P7"),
        ("DiagnosticReport/r1", "P2"),
    ]
    assert faults == []


def test_a_folder_of_exports_is_read_by_name_and_a_bad_file_spoils_no_other(tmp_path: Path, read: Read) -> None:
    (tmp_path / "b").mkdir()
    lines(tmp_path / "a.json", document("d1"))
    (tmp_path / "b" / "cut.json").write_text('{\n "resourceType": "Bundle", "entry": [\n')
    lines(tmp_path / "c.json", document("d2"))
    notes, faults = read(tmp_path)
    assert [one.note_id for one in notes] == ["DocumentReference/d1", "DocumentReference/d2"]
    assert len(faults) == 1
    assert faults[0].startswith("b/cut.json: not JSON, or cut short")


def test_a_compressed_export_is_read(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "export.ndjson.gz"
    path.write_bytes(gzip.compress(json.dumps(document()).encode()))
    assert [one.text for one in read(path)[0]] == ["one\r\n"]


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/rtf", "application/xhtml+xml", "TEXT/PLAIN"])
def test_text_of_any_kind_is_kept_to_the_letter(tmp_path: Path, read: Read, kind: str) -> None:
    text = "<p>\r\n{\\rtf1 \u00e9}\t </p>\n"
    path = lines(tmp_path / "a.ndjson", document(content=[{"attachment": attached(text, kind)}]))
    assert [one.text for one in read(path)[0]] == [text]


def test_the_character_set_of_an_attachment_is_believed(tmp_path: Path, read: Read) -> None:
    inside = {"contentType": "text/plain;charset=ISO-8859-1", "data": packed("Dyspn\u00e9e", "latin-1")}
    path = lines(tmp_path / "a.ndjson", document(content=[{"attachment": inside}]))
    assert [one.text for one in read(path)[0]] == ["Dyspn\u00e9e"]


def test_of_several_forms_of_a_document_the_plainest_is_read(tmp_path: Path, read: Read) -> None:
    forms = [attached("%PDF", "application/pdf"), attached("<b>x</b>", "text/html"), attached("x")]
    path = lines(
        tmp_path / "a.ndjson", report(presentedForm=forms), document(content=[{"attachment": one} for one in forms])
    )
    notes, faults = read(path)
    assert [one.text for one in notes] == ["x", "x"]
    assert faults == []


def test_a_report_of_which_only_the_conclusion_is_words_is_read_and_told(tmp_path: Path, read: Read) -> None:
    path = lines(tmp_path / "a.ndjson", report(presentedForm=[attached("%PDF", "application/pdf")]))
    notes, faults = read(path)
    assert [one.text for one in notes] == ["No change."]
    assert faults == [
        "a.ndjson: row 1: DiagnosticReport/r1: only its conclusion was read; the report itself is application/pdf"
    ]


@pytest.mark.parametrize(
    ("subject", "patient"),
    [
        ({"reference": "https://hospital.example/fhir/Patient/P9/_history/3"}, "P9"),
        ({"reference": "urn:uuid:abc"}, "abc"),
        ({"identifier": {"value": "007"}}, "007"),
        ({"reference": "#p"}, "008"),
        ({}, "DocumentReference/d1"),
    ],
)
def test_the_patient_is_whom_the_subject_names(tmp_path: Path, read: Read, subject: Json, patient: str) -> None:
    inside = [{"resourceType": "Patient", "id": "p", "identifier": [{"value": "008"}]}]
    path = lines(tmp_path / "a.ndjson", document(subject=subject, contained=inside))
    assert [one.patient_id for one in read(path)[0]] == [patient]


@pytest.mark.parametrize(
    ("resource", "date"),
    [
        (document(date="2024-03-01T23:30:00+01:00"), "2024-03-01T23:30:00+01:00"),
        (document(date=None, context={"period": {"start": "2023-01-02"}}), "2023-01-02"),
        (report(effectiveDateTime=None, effectivePeriod={"start": "2022-05-06"}), "2022-05-06"),
        (report(effectiveDateTime=None, issued="2022-05-07T08:00:00Z"), "2022-05-07T08:00:00+00:00"),
        (report(effectiveDateTime=None), None),
    ],
)
def test_the_date_is_that_of_the_service(tmp_path: Path, read: Read, resource: Json, date: str | None) -> None:
    assert [one.note_date for one in read(lines(tmp_path / "a.ndjson", resource))[0]] == [date]


@pytest.mark.parametrize(
    ("resource", "note_type"),
    [
        (document(type={"text": "Operative report"}, category=[{"text": "Telephone encounter"}]), "telephone"),
        (document(type={"coding": [{"system": "urn:local", "code": "X", "display": "Tumor board"}]}), "tumour_board"),
        (report(category=[{"coding": [{"system": "http://loinc.org", "code": "LP7839-6"}]}]), "pathology"),
        (report(code={"coding": [{"system": "http://loinc.org", "code": "51969-4"}]}), "molecular"),
        (report(code={"text": "Chest CT"}), "radiology"),
        (document(), "other"),
    ],
)
def test_the_type_is_told_by_codes_and_else_by_names(
    tmp_path: Path, read: Read, types: dict[str, Any], resource: Json, note_type: str
) -> None:
    assert [one.note_type for one in read(lines(tmp_path / "a.ndjson", resource), **types)[0]] == [note_type]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (document(content=[{"attachment": {"contentType": "text/plain", "data": "####"}}]), "no base64"),
        (document(content=[{"attachment": {"contentType": "text/plain", "url": "Binary/1"}}]), "not inline"),
        (
            document(content=[{"attachment": attached("x", "application/pdf")}]),
            "no text that can be read (application/pdf)",
        ),
        (document(content=[]), "it holds no text"),
        (document(status="entered-in-error"), "status is entered-in-error"),
        (document(status="superseded"), "status is superseded"),
        (document(subject={"reference": "Group/G1"}), "its subject is no patient but Group"),
        (document(text="  \n"), "the text is empty"),
        (document(name=""), "it has no id"),
        ({"id": "x"}, "no FHIR resource"),
        (["x"], "no FHIR resource"),
        (report(presentedForm=[attached("\0\1\2\3\4\5\6")]), "binary"),
    ],
)
def test_a_bad_resource_is_named_and_the_others_are_read(tmp_path: Path, read: Read, bad: object, says: str) -> None:
    notes, faults = read(lines(tmp_path / "a.ndjson", document("d0"), bad, document("d9")))
    assert [one.note_id for one in notes] == ["DocumentReference/d0", "DocumentReference/d9"]
    assert len(faults) == 1
    assert faults[0].startswith("a.ndjson: row 2: ")
    assert says in faults[0]


def test_a_line_cut_short_is_named_and_never_quoted(tmp_path: Path, read: Read) -> None:
    path = lines(tmp_path / "a.ndjson", document("d0"), document("d1", f"{CANARY} lives"))
    path.write_bytes(path.read_bytes()[:-40] + b"\n" + json.dumps(document("d2")).encode())
    notes, faults = read(path)
    assert [one.note_id for one in notes] == ["DocumentReference/d0", "DocumentReference/d2"]
    assert [fault.split(":")[1] for fault in faults] == [" row 2"]
    assert CANARY not in faults[0]


@pytest.mark.parametrize("content", ["", " \n", '{\n "resourceType": "Bundle",\n', "[\n1,"])
def test_a_file_that_is_none_is_an_error_of_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        list(read_notes(path, ReadOptions(), "fhir"))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=12,
    ),
    st.sampled_from(
        ["content", "subject", "id", "type", "category", "date", "context", "status", "presentedForm", "code"]
    ),
    st.sampled_from([document, report]),
)
def test_whatever_stands_in_a_resource_it_is_a_note_or_a_fault(
    tmp_path: Path, value: object, key: str, made: Callable[..., Json]
) -> None:
    path = lines(tmp_path / "a.ndjson", {**made(), key: value})
    items = list(read_notes(path, ReadOptions(), "fhir"))
    assert all(isinstance(item, Note | Fault) for item in items)
