"""REDCap: a dictionary that REDCap takes, data in its form, and everything back as it was."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from exported_study import BARE, FULL, OLD, TEXT, Study
from hypothesis import given
from hypothesis import strategies as st

from abstractor.batch.facts import import_rows
from abstractor.exports.folder import Folder
from abstractor.exports.leaving import Leaving, Profile, load_profiles
from abstractor.exports.redcap import DICTIONARY, project, rows
from abstractor.exports.source import Chart
from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.outcomes.record import PatientRecord
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.notes import add_notes, patients
from abstractor.rulebook.schema import FieldSpec
from abstractor.sources.redcap import LONGEST_NAME, read_redcap

PROJECT = Path(__file__).resolve().parents[2]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_dictionary_has_the_eighteen_columns_and_begins_with_the_record(study: Study) -> None:
    dictionary = table(study.export("redcap", "identified") / "dictionary.csv")
    assert tuple(dictionary[0]) == DICTIONARY
    assert len(DICTIONARY) == 18
    assert dictionary[0]["Variable / Field Name"] == "record_id"
    names = [row["Variable / Field Name"] for row in dictionary]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and len(name) <= LONGEST_NAME for name in names)


def test_choices_are_raw_codes_with_labels(study: Study) -> None:
    dictionary = {
        row["Variable / Field Name"]: row for row in table(study.export("redcap", "identified") / "dictionary.csv")
    }
    valg = dictionary["stage_valg"]
    assert valg["Field Type"] == "radio"
    assert valg["Choices, Calculations, OR Slider Labels"] == "limited, Limited stage | extensive, Extensive stage"
    assert dictionary["metastasis"]["Form Name"] == "metastasis"
    assert valg["Form Name"] == "patient"


def test_dates_people_notes_and_free_text_are_marked_as_identifiers(study: Study) -> None:
    dictionary = {
        row["Variable / Field Name"]: row for row in table(study.export("redcap", "identified") / "dictionary.csv")
    }
    for name in (
        "record_id",
        "birth_date",
        "death_date",
        "response_date",
        "variant_note",
        "variant_by",
        "variant_attr",
    ):
        assert dictionary[name]["Identifier?"] == "y", name
    assert dictionary["response"]["Identifier?"] == ""


def test_lines_responses_and_metastases_are_repeating_instruments(study: Study) -> None:
    data = [row for row in table(study.export("redcap", "identified") / "data.csv") if row["record_id"] == FULL]
    own, *repeated = data
    assert (own["redcap_repeat_instrument"], own["redcap_repeat_instance"], own["patient_complete"]) == ("", "", "2")
    assert (own["stage_valg"], own["histology"], own["response"]) == ("extensive", "combined_small_cell", "")
    responses = [row for row in repeated if row["redcap_repeat_instrument"] == "response"]
    told = [(row["redcap_repeat_instance"], row["response"], row["response_date"]) for row in responses]
    assert told == [("1", "PR", "2024-03-10"), ("2", "PD", "2024-07-01")]
    (line,) = [row for row in repeated if row["redcap_repeat_instrument"] == "therapy_line"]
    assert json.loads(line["therapy_line_attr"]) == {"cycles": 4, "drugs": ["carboplatin", "etoposide"]}
    assert line["therapy_line_complete"] == "2"


def told(fact: Fact) -> tuple[object, ...]:
    first = fact.evidence[0] if fact.evidence else None
    place = (first.note_id, first.start, first.end) if first else None
    return (
        fact.patient_id, fact.field, fact.value, fact.assertion, fact.date, fact.end_date, dict(fact.attributes), fact.decided_by,
        fact.decided_at, place,
    )  # fmt: skip


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Registry]:
    """Another registry that has the notes, and nothing decided."""
    other = create_registry(str(tmp_path / "other.db"))
    add_notes(other, [Note("N-1", TEXT, FULL, "2024-01-12", "radiology"), Note("N-3", "Seen.", BARE)], "test")
    yield other
    other.close()


def test_what_was_exported_is_imported_as_it_was(study: Study, elsewhere: Registry) -> None:
    read = read_redcap(study.export("redcap", "identified") / "data.csv", study.rulebook.fields)
    report = import_rows(elsewhere, "data.csv", read.rows, study.rulebook.fields, "importer")
    assert (report.faults, read.unknown) == ([], ())
    assert set(patients(elsewhere)) == {FULL, OLD, BARE}
    for patient_id in (FULL, OLD, BARE):
        here, there = (case_of(one, patient_id).facts for one in (study.registry, elsewhere))
        key: Callable[[Fact], str] = lambda one: one.slot  # noqa: E731
        assert [told(one) for one in sorted(there, key=key)] == [told(one) for one in sorted(here, key=key)]


def test_importing_the_same_data_twice_adds_nothing(study: Study, elsewhere: Registry) -> None:
    read = read_redcap(study.export("redcap", "identified") / "data.csv", study.rulebook.fields)
    first = import_rows(elsewhere, "data.csv", read.rows, study.rulebook.fields, "importer")
    again = import_rows(elsewhere, "data.csv", read.rows, study.rulebook.fields, "importer")
    assert (first.written > 30, again.written, again.known) == (True, 0, first.written)


def test_a_label_instead_of_a_raw_code_is_named_with_its_row_and_the_rest_is_taken(
    study: Study, elsewhere: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("record_id,stage_valg,histology,our_own\nP9,Extensive stage,small_cell,x\n")
    read = read_redcap(path, study.rulebook.fields)
    report = import_rows(elsewhere, path.name, read.rows, study.rulebook.fields, "importer")
    assert read.unknown == ("our_own",)
    assert report.written == 1
    assert report.faults == [
        "labels.csv: row 2: stage.valg: the value can't be stored; write limited, extensive; skipped"
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [("id,stage_valg\n1,limited\n", "no column record_id"), ("record_id,sex_day\n1,5\n", "instead of dates")],
)
def test_what_is_no_data_of_ours_is_refused(study: Study, tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_redcap(path, study.rulebook.fields)


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
dates = st.none() | st.dates().map(str)


@given(data=st.data())
def test_any_fact_survives_the_way_there_and_back(
    data: st.DataObject, fields: dict[str, FieldSpec], tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=6))
    facts = [
        Fact(
            patient_id="=P'1",
            field=name,
            value=data.draw(words),
            assertion=data.draw(st.sampled_from(Assertion)),
            date=data.draw(dates),
            end_date=data.draw(dates),
            attributes=data.draw(st.dictionaries(words, words | st.integers() | st.booleans(), max_size=2)),
            source="review",
            decided_by=data.draw(words),
            decided_at="2024-01-01T00:00:00+00:00",
            evidence=(Evidence(data.draw(words), 3, 9, "w"),) if data.draw(st.booleans()) else (),
            slot=str(number),
        )
        for number, name in enumerate(names)
    ]
    leaving = Leaving(Profile.IDENTIFIED, load_profiles(PROJECT / "rules"))
    record = PatientRecord("=P'1", tuple(facts))
    chart = Chart("=P'1", record, record, (), leaving.calendar(None), None)
    path = tmp_path_factory.mktemp("redcap")
    folder = Folder(path)
    columns = ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance"]
    variables = project(fields, leaving)
    forms = dict.fromkeys(one.form for one in variables)
    columns += [one.name for one in variables[1:]] + [f"{form}_complete" for form in forms]
    written = folder.table("data.csv", columns)
    for row in rows(chart, fields, leaving):
        written.write(row)
    folder.close()
    back = [row for _, row in read_redcap(path / "data.csv", fields).rows if row is not None]
    assert sorted(map(as_told, back), key=str) == sorted(map(expected, facts), key=str)


def as_told(row: object) -> dict[str, str]:
    cells = dict(row)  # type: ignore[call-overload]
    return {name: cell for name, cell in cells.items() if cell}


def expected(fact: Fact) -> dict[str, str]:
    first = fact.evidence[0] if fact.evidence else SimpleNamespace(note_id="", start="", end="")
    found = {
        "patient_id": fact.patient_id,
        "field": fact.field,
        "value": fact.value,
        "assertion": str(fact.assertion),
        "date": fact.date or "",
        "end_date": fact.end_date or "",
        "attributes": json.dumps(dict(fact.attributes), sort_keys=True, ensure_ascii=False) if fact.attributes else "",
        "source": fact.source,
        "decided_by": fact.decided_by,
        "decided_at": fact.decided_at,
        "note_id": first.note_id,
        "start": str(first.start),
        "end": str(first.end),
    }
    return {name: cell for name, cell in found.items() if cell}
