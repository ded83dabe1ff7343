"""Notes out of an OMOP NOTE table: told from its columns, as CSV or Parquet, with types by concept and else by title."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.rulebook.load import load_rulebook
from abstractor.sources.codes import note_type_codes
from abstractor.sources.reader import note_type_mapper, read_notes
from abstractor.sources.reading import ReadOptions

Read = Callable[..., tuple[list[Note], list[str]]]
HEADER = "note_id,person_id,note_date,note_datetime,note_type_concept_id,note_class_concept_id,note_title,note_text"
ROWS = [
    "1,7,2024-03-01,2024-03-01 09:30:00,32835,0,,one",
    '2,7,2024-03-02,,32831,0,Radiology report,"two, and\r\nthree"',
    "3,8,2024-03-03,2024-03-03 00:00:00,44814637,0,,four",
]
EXPECTED = [
    Note("1", "one", "7", "2024-03-01T09:30:00", "pathology"),
    Note("2", "two, and\r\nthree", "7", "2024-03-02", "radiology"),
    Note("3", "four", "8", "2024-03-03", "discharge"),
]


@pytest.fixture(scope="module")
def types() -> dict[str, Any]:
    rules = load_rulebook().note_types
    return {"note_type": note_type_mapper(rules), "codes": note_type_codes(rules)}


def table(path: Path, header: str = HEADER, rows: list[str] = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join([header, *rows, ""]).encode())
    return path


def as_parquet(path: Path, **other: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, object] = {
        "note_id": [1, 2, 3],
        "person_id": [7, 7, 8],
        "note_date": [date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 3)],
        "note_datetime": [datetime(2024, 3, 1, 9, 30), None, datetime(2024, 3, 3)],  # noqa: DTZ001  (OMOP has no zones)
        "note_type_concept_id": [32835, 32831, 44814637],
        "note_class_concept_id": [0, 0, 0],
        "note_title": [None, "Radiology report", None],
        "note_text": ["one", "two, and\r\nthree", "four"],
    }
    parquet.write_table(arrow.table({**columns, **other}), path)
    return path


@pytest.mark.parametrize("header", [HEADER, HEADER.upper(), "\ufeff" + HEADER.replace(",", '","').join('""')])
def test_a_csv_is_known_by_its_columns(tmp_path: Path, read: Read, types: dict[str, Any], header: str) -> None:
    assert read(table(tmp_path / "any.csv", header), **types) == (EXPECTED, [])


def test_tabs_separate_as_well(tmp_path: Path, read: Read, types: dict[str, Any]) -> None:
    path = table(tmp_path / "note.tsv", HEADER.replace(",", "\t"), [ROWS[0].replace(",", "\t")])
    assert read(path, **types) == (EXPECTED[:1], [])


def test_a_parquet_file_gives_the_same(tmp_path: Path, read: Read, types: dict[str, Any]) -> None:
    assert read(as_parquet(tmp_path / "a.parquet"), **types) == (EXPECTED, [])


@pytest.mark.parametrize("name", ["note.csv", "NOTE.CSV"])
def test_in_a_folder_of_tables_the_one_is_found(tmp_path: Path, read: Read, types: dict[str, Any], name: str) -> None:
    table(tmp_path / name)
    table(tmp_path / "person.csv", "person_id,year_of_birth", ["7,1950"])
    table(tmp_path / "note_nlp.csv", "note_nlp_id,note_id", ["1,1"])
    assert read(tmp_path, **types) == (EXPECTED, [])


def test_a_table_in_parts_is_read_in_their_order(tmp_path: Path, read: Read, types: dict[str, Any]) -> None:
    as_parquet(tmp_path / "note" / "part-0.parquet")
    as_parquet(tmp_path / "note" / "part-1.parquet", note_id=[4, 5, 6])
    table(tmp_path / "person.csv", "person_id,year_of_birth", ["7,1950"])
    notes, faults = read(tmp_path, **types)
    assert [one.note_id for one in notes] == ["1", "2", "3", "4", "5", "6"]
    assert faults == []
    assert read(tmp_path / "note", **types) == (notes, [])


def test_the_class_goes_before_the_type_and_a_code_before_a_title(
    tmp_path: Path, read: Read, types: dict[str, Any]
) -> None:
    rows = ["1,7,2024-03-01,,32835,44814641,Telephone call,x", "2,7,2024-03-01,,32817,0,Telephone call,x"]
    notes, _ = read(table(tmp_path / "a.csv", rows=rows), **types)
    assert [one.note_type for one in notes] == ["radiology", "telephone"]


def test_a_bad_row_is_named_and_the_others_are_read(tmp_path: Path, read: Read, types: dict[str, Any]) -> None:
    rows = [ROWS[0], ",7,2024-03-01,,0,0,,no id", "4,7,yesterday,,0,0,,kept", "5,7,2024-03-01,,0,0,,", ROWS[2]]
    notes, faults = read(table(tmp_path / "a.csv", rows=rows), **types)
    assert [(one.note_id, one.note_date) for one in notes] == [
        ("1", "2024-03-01T09:30:00"),
        ("4", None),
        ("3", "2024-03-03"),
    ]
    assert [fault.split(": ")[1] for fault in faults] == ["row 3", "row 4", "row 5"]


def test_columns_named_by_hand_go_before_the_standard(tmp_path: Path, read: Read) -> None:
    path = table(tmp_path / "a.csv", HEADER + ",clean_text", [ROWS[0] + ",better"])
    columns = {"note_id": "note_id", "patient_id": "person_id", "text": "clean_text"}
    assert [one.text for one in read(path, columns=columns)[0]] == ["better"]
    assert [one.text for one in read(path, "omop", columns={"text": "clean_text"})[0]] == ["better"]


def test_another_table_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = table(tmp_path / "note.csv", "note_id,person_id,note_date", ["1,7,2024-03-01"])
    with pytest.raises(InputError, match="no column 'note_text' of an OMOP NOTE table; it has note_id, person_id"):
        list(read_notes(path, ReadOptions(), "omop"))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no table 'note' in it"):
        list(read_notes(empty, ReadOptions(), "omop"))


def test_a_parquet_file_cut_short_is_one_line(tmp_path: Path) -> None:
    path = as_parquet(tmp_path / "note.parquet")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"note\.parquet: no Parquet file, or cut short"):
        list(read_notes(path, ReadOptions(), "omop"))
