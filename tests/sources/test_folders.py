"""A folder of PATIENT/NOTE.txt files, with or without a list of them."""

from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from tests.sources.conftest import Read, has_words

numbers = count()


def put(root: Path, **files: str | bytes) -> Path:
    """Files by `patient__name`; each ends in .txt unless it has an ending."""
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path = path if path.suffix else path.with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(has_words))
def test_any_text_is_read_back_to_the_letter(tmp_path: Path, read: Read, text: str) -> None:
    if text.startswith("\ufeff"):
        text = text.lstrip("\ufeff") or "x"
    content = text.encode()
    if content.count(0) * 4 > len(content) or sum(byte < 9 or 13 < byte < 32 for byte in content) * 10 > len(content):
        text = text + "x" * 20 * len(content)  # what is mostly control characters is binary, and told as such
    notes, faults = read(put(tmp_path / str(next(numbers)), P1__N1=text))
    assert faults == []
    assert [note.text for note in notes] == [text]


def test_patient_and_note_go_by_folder_and_file_name(tmp_path: Path, read: Read) -> None:
    notes, faults = read(put(tmp_path, P1__N1="a\r\nb", P1__deeper__N2="c", N3="d"))
    assert faults == []
    assert [(note.note_id, note.patient_id, note.text) for note in notes] == [
        ("N3", "N3", "d"),
        ("N1", "P1", "a\r\nb"),
        ("N2", "P1", "c"),
    ]


def test_the_same_file_name_under_two_patients_is_two_notes(tmp_path: Path, read: Read) -> None:
    notes, _ = read(put(tmp_path, P1__note="a", P2__note="b", P2__other="c"))
    assert [(note.note_id, note.patient_id) for note in notes] == [
        ("P1/note", "P1"),
        ("P2/note", "P2"),
        ("other", "P2"),
    ]


def test_what_the_list_says_goes_before_what_the_place_says(tmp_path: Path, read: Read) -> None:
    put(tmp_path, P1__N1="a", P1__N2="b")
    (tmp_path / "notes.csv").write_text(
        "note_id,patient_id,note_date,note_type,path\nX-1,PX,2024-03-01,clinic,P1/N1.txt\n,,2024-03-02,,./P1/../P1/N2.txt\n"
    )
    notes, faults = read(tmp_path)
    assert faults == []
    assert notes == [Note("X-1", "a", "PX", "2024-03-01", "clinic"), Note("N2", "b", "P1", "2024-03-02", "")]


@pytest.mark.parametrize("where", ["../letter.txt", "/etc/passwd", "P1/../../letter.txt", "", "P1/\x00"])
def test_a_list_can_not_lead_out_of_the_folder(where: str, tmp_path: Path, read: Read) -> None:
    put(tmp_path, letter="elsewhere")
    root = put(tmp_path / "notes", P1__N1="a")
    (root / "notes.csv").write_text(f"note_id,path\nX-1,{where}\nX-2,P1/N1.txt\n")
    notes, faults = read(root)
    assert [note.note_id for note in notes] == ["X-2"]
    assert faults == ["notes.csv: row 2: the path is missing or leads out of the folder; skipped"]


def test_listed_files_that_are_missing_or_listed_twice_are_named(tmp_path: Path, read: Read) -> None:
    put(tmp_path, P1__N1="a")
    (tmp_path / "notes.csv").write_text("note_id,path\nX-1,P1/N1.txt\nX-2,P1/none.txt\nX-3,P1/N1.txt\n")
    notes, faults = read(tmp_path)
    assert [note.note_id for note in notes] == ["X-1"]
    assert len(faults) == 2
    assert any("row 4" in fault and "P1/N1.txt" in fault for fault in faults)
    assert any("P1/none.txt: no such file" in fault for fault in faults)


def test_a_listed_file_needs_no_ending(tmp_path: Path, read: Read) -> None:
    put(tmp_path, **{"P1__N1.note": "a"})
    (tmp_path / "notes.csv").write_text("note_id,path\nX-1,P1/N1.note\n")
    notes, faults = read(tmp_path)
    assert ([note.note_id for note in notes], faults) == (["X-1"], [])


def test_a_list_without_paths_is_one_line(tmp_path: Path, read: Read) -> None:
    put(tmp_path, P1__N1="a")
    (tmp_path / "notes.csv").write_text("note_id,note_date\nN1,2024-03-01\n")
    with pytest.raises(InputError, match="no column 'path'"):
        read(tmp_path)


def test_columns_of_the_list_can_be_renamed(tmp_path: Path, read: Read) -> None:
    put(tmp_path, P1__N1="a")
    (tmp_path / "notes.csv").write_text("ID,WHEN,path\nX-1,2024-03-01,P1/N1.txt\n")
    notes, _ = read(tmp_path, columns={"note_id": "ID", "note_date": "WHEN"})
    assert [(note.note_id, note.note_date) for note in notes] == [("X-1", "2024-03-01")]


def test_a_stray_binary_is_named_and_the_texts_around_it_are_read(tmp_path: Path, read: Read) -> None:
    put(
        tmp_path,
        P1__N1="a",
        **{
            "P1__scan.pdf": b"%PDF-1.7\x00\x01",
            "P1__image.txt": bytes(range(256)) * 20,
            "P1__.DS_Store": b"\x00\x01",
        },
    )
    notes, faults = read(tmp_path)
    assert [note.note_id for note in notes] == ["N1"]
    assert [fault.split(":")[0] for fault in faults] == ["P1/image.txt", "P1/scan.pdf"]
    assert "binary" in faults[0]
    assert "not a text file" in faults[1]


def test_bad_files_are_named_each_with_its_reason(tmp_path: Path, read: Read) -> None:
    put(
        tmp_path,
        P1__a="",
        P1__b=" \r\n",
        P1__c="früh".encode("cp1252"),
        P1__d="no mark".encode("utf-16-le"),
        P1__e="sound",
        P1__f="mit Marke".encode("utf-16"),
        P1__g=b"a\x00b, two parts",
    )
    notes, faults = read(tmp_path)
    assert {note.note_id: note.text for note in notes} == {"e": "sound", "f": "mit Marke", "g": "a\x00b, two parts"}
    assert [fault.split(":")[0] for fault in faults] == ["P1/a.txt", "P1/b.txt", "P1/c.txt", "P1/d.txt"]
    assert "empty" in faults[0]
    assert "empty" in faults[1]
    assert "--encoding" in faults[2]
    assert "--encoding utf-16-le" in faults[3]


def test_a_folder_is_read_in_the_encoding_it_is_said_to_have(tmp_path: Path, read: Read) -> None:
    put(tmp_path, P1__N1="früh\r\n".encode("utf-16-le"))
    notes, faults = read(tmp_path, encoding="utf-16-le")
    assert ([note.text for note in notes], faults) == (["früh\r\n"], [])


def test_a_folder_of_parts_is_read_part_by_part(tmp_path: Path, read: Read) -> None:
    for number in (2, 1):
        (tmp_path / f"part-{number}.jsonl").write_text(f'{{"note_id": "N{number}", "text": "t"}}\n')
    (tmp_path / "_SUCCESS").touch()
    notes, faults = read(tmp_path)
    assert ([note.note_id for note in notes], faults) == (["N1", "N2"], [])


def test_a_bad_part_is_named_and_an_empty_one_is_none(tmp_path: Path, read: Read) -> None:
    (tmp_path / "part-1.jsonl").touch()
    (tmp_path / "part-2.csv").write_text("other\ncolumns\n")
    (tmp_path / "part-3.jsonl").write_text('{"note_id": "N3", "text": "t"}\n')
    notes, faults = read(tmp_path)
    assert [note.note_id for note in notes] == ["N3"]
    (fault,) = faults
    assert fault.startswith("part-2.csv: ")
    assert "no column" in fault


def test_an_empty_folder_holds_no_notes_and_no_faults(tmp_path: Path, read: Read) -> None:
    assert read(tmp_path) == ([], [])
