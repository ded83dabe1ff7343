"""Which reader a path needs is told by its name, else by its first bytes."""

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from abstractor.model.errors import InputError
from abstractor.model.note import NOTE_TYPES
from abstractor.rulebook.schema import NoteTypeRule
from abstractor.sources.reader import note_type_mapper
from tests.sources.conftest import Read

CONTENT = {
    "csv": b"note_id,text\nN1,seen\n",
    "jsonl": b'\xef\xbb\xbf \n{"note_id": "N1", "text": "seen"}\n',
}


@pytest.mark.parametrize("name", ["notes.CSV", "notes.tsv", "dump"])
def test_a_table_is_known_by_name_or_content(name: str, tmp_path: Path, read: Read) -> None:
    (tmp_path / name).write_bytes(CONTENT["csv"])
    notes, _ = read(tmp_path / name)
    assert [note.text for note in notes] == ["seen"]


@pytest.mark.parametrize("name", ["notes.jsonl", "notes.ndjson", "dump"])
def test_json_lines_are_known_by_name_or_content(name: str, tmp_path: Path, read: Read) -> None:
    (tmp_path / name).write_bytes(CONTENT["jsonl"].replace(b" \n", b""))
    notes, _ = read(tmp_path / name)
    assert [note.text for note in notes] == ["seen"]


@pytest.mark.parametrize("name", ["notes.parquet", "dump"])
def test_parquet_is_known_by_name_or_content(name: str, tmp_path: Path, read: Read) -> None:
    parquet.write_table(pyarrow.table({"note_id": ["N1"], "text": ["seen"]}), tmp_path / name)
    notes, _ = read(tmp_path / name)
    assert [note.text for note in notes] == ["seen"]


def test_the_format_can_be_said(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.txt").write_bytes(CONTENT["csv"])
    notes, _ = read(tmp_path / "notes.txt", "csv")
    assert [note.text for note in notes] == ["seen"]


@pytest.mark.parametrize("content", [b"Dear colleague", b"", b"\x00\x01\x02"])
def test_a_file_of_no_known_format_is_one_line(content: bytes, tmp_path: Path, read: Read) -> None:
    (tmp_path / "letter").write_bytes(content)
    with pytest.raises(InputError) as error:
        read(tmp_path / "letter")
    assert "letter" in str(error.value)
    assert "colleague" not in str(error.value)


def test_a_path_that_is_not_there_is_one_line(tmp_path: Path, read: Read) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "none.csv")


def test_a_folder_said_to_be_a_file_is_one_line(tmp_path: Path, read: Read) -> None:
    for kind in ("csv", "jsonl", "parquet"):
        with pytest.raises(InputError):
            read(tmp_path, kind)


def test_a_file_said_to_be_a_folder_is_one_line(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.csv").write_bytes(CONTENT["csv"])
    with pytest.raises(InputError, match="folder"):
        read(tmp_path / "notes.csv", "folder")


RULES = (
    NoteTypeRule(name="radiology", words=("ct", "imaging"), regex=(r"\bct\b", r"\bradiolog")),
    NoteTypeRule(name="clinic", words=("progress note", "ct"), regex=(r"\bclinic",)),
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Progress Note", "clinic"),
        ("PROGRESS_NOTE", "clinic"),
        ("ct", "radiology"),
        ("CT chest w/ contrast", "radiology"),
        ("Oncology Clinic Visit", "clinic"),
        ("Tumour Board", "tumour_board"),
        ("Radiotherapy", "radiotherapy"),
        ("", "other"),
        ("doctor", "other"),
        ("something else", "other"),
    ],
)
def test_a_hospitals_word_for_a_note_type_becomes_ours(said: str, meant: str) -> None:
    assert note_type_mapper(RULES)(said) == meant


def test_our_own_words_are_taken_as_they_are() -> None:
    mapped = note_type_mapper(())
    assert [mapped(name) for name in NOTE_TYPES] == list(NOTE_TYPES)
