"""CSV, JSONL and Parquet: sound rows are read to the letter, bad ones are named, and nothing is lost in silence."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from tests.sources.conftest import Read, has_words

numbers = count()
CANARY = "Xanthippe"
"""A name that stands in texts only, and must stand in no fault."""


def write_csv(path: Path, header: list[str], *rows: list[str], **how: object) -> Path:
    out = io.StringIO(newline="")
    writer = csv.writer(out, **how)
    writer.writerows([header, *rows])
    path.write_bytes(out.getvalue().encode())
    return path


def write_jsonl(path: Path, *rows: object) -> Path:
    path.write_bytes(b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
    return path


def write_parquet(path: Path, **columns: list[object]) -> Path:
    parquet.write_table(pyarrow.table(columns), path)
    return path


WRITERS: dict[str, Callable[[Path, str], Path]] = {
    "csv": lambda path, text: write_csv(path, ["note_id", "text"], ["N1", text]),
    "jsonl": lambda path, text: write_jsonl(path, {"note_id": "N1", "text": text}),
    "parquet": lambda path, text: write_parquet(path, note_id=["N1"], text=[text]),
}


@pytest.mark.parametrize("kind", WRITERS)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(has_words))
def test_any_text_is_read_back_to_the_letter(kind: str, text: str, tmp_path: Path, read: Read) -> None:
    path = WRITERS[kind](tmp_path / f"{next(numbers)}.{kind}", text)
    notes, faults = read(path)
    assert faults == []
    assert [note.text for note in notes] == [text]


@pytest.mark.parametrize("kind", WRITERS)
def test_line_ends_nul_bytes_and_marks_inside_a_text_are_kept(kind: str, tmp_path: Path, read: Read) -> None:
    text = "\ufeffone\r\ntwo\rthree\n\x00four\x0cfive\u2028six\x1fseven \U0001f9ec  \n"
    notes, faults = read(WRITERS[kind](tmp_path / f"notes.{kind}", text))
    assert ([note.text for note in notes], faults) == ([text], [])


@pytest.mark.parametrize("kind", WRITERS)
def test_a_note_of_five_megabytes_is_read(kind: str, tmp_path: Path, read: Read) -> None:
    text = 'Long "course", no change.\r\n' * 200_000
    notes, faults = read(WRITERS[kind](tmp_path / f"notes.{kind}", text))
    assert faults == []
    assert len(text) > 5_000_000
    assert notes[0].text == text


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("note_id", ["007", "NA", "nan", "1e5", "None", "12345678901234567890", "0x1F"])
def test_ids_are_text(kind: str, note_id: str, tmp_path: Path, read: Read) -> None:
    path = tmp_path / f"notes.{kind}"
    if kind == "csv":
        write_csv(path, ["note_id", "patient_id", "text"], [note_id, note_id, "seen"])
    elif kind == "jsonl":
        write_jsonl(path, {"note_id": note_id, "patient_id": note_id, "text": "seen"})
    else:
        write_parquet(path, note_id=[note_id], patient_id=[note_id], text=["seen"])
    notes, _ = read(path)
    assert [(note.note_id, note.patient_id) for note in notes] == [(note_id, note_id)]


def test_a_note_without_patient_is_its_own_patient(tmp_path: Path, read: Read) -> None:
    notes, _ = read(write_csv(tmp_path / "notes.csv", ["note_id", "patient_id", "text"], ["N1", "", "seen"]))
    assert notes[0].patient_id == "N1"


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("gone", ["note_id", "text"])
def test_a_missing_column_is_named_with_the_remedy(kind: str, gone: str, tmp_path: Path, read: Read) -> None:
    there = "text" if gone == "note_id" else "note_id"
    path = tmp_path / f"notes.{kind}"
    if kind == "csv":
        write_csv(path, [there, "DATE"], [CANARY, "2024"])
    elif kind == "jsonl":
        write_jsonl(path, {"DATE": "2024"})
    else:
        write_parquet(path, **{there: [CANARY], "DATE": ["2024"]})
    with pytest.raises(InputError, match=r"no column .*--column .*=YOUR_COLUMN") as error:
        read(path)
    assert "DATE" in str(error.value)
    assert CANARY not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_row_of_json_without_its_text_is_named_and_the_others_are_read(tmp_path: Path, read: Read) -> None:
    rows = [{"note_id": "N1", "text": "a"}, {"note_id": "N2"}, {"text": CANARY}, {"note_id": "N4", "text": "d"}]
    notes, faults = read(write_jsonl(tmp_path / "notes.jsonl", *rows))
    assert [note.note_id for note in notes] == ["N1", "N4"]
    assert faults == ["notes.jsonl: row 2: note N2: no text; skipped", "notes.jsonl: row 3: no note_id; skipped"]


def test_columns_go_by_the_names_they_are_given(tmp_path: Path, read: Read) -> None:
    columns = {"note_id": "NOTE_ID", "text": "NOTE_TEXT", "note_date": "DT", "patient_id": "PERSON_ID"}
    path = write_csv(
        tmp_path / "notes.csv",
        ["NOTE_ID", "PERSON_ID", "DT", "NOTE_TEXT", "text"],
        ["N1", "P1", "2024-03-01", "seen", "not this"],
    )
    notes, faults = read(path, columns=columns)
    assert (notes, faults) == ([Note("N1", "seen", "P1", "2024-03-01", "")], [])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_by_the_header(separator: str, tmp_path: Path, read: Read) -> None:
    path = write_csv(
        tmp_path / "notes.csv",
        ["note_id", "patient_id", "text"],
        ["N1", "P1", 'a, b; c\td | "e"\r\n'],
        delimiter=separator,
    )
    notes, faults = read(path)
    assert ([note.text for note in notes], faults) == (['a, b; c\td | "e"\r\n'], [])


def test_old_macintosh_line_ends_separate_rows(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.csv").write_bytes(b"note_id,text\rN1,a;b;c\rN2,d\r")
    notes, faults = read(tmp_path / "notes.csv")
    assert ([note.text for note in notes], faults) == (["a;b;c", "d"], [])


def test_a_row_is_counted_as_a_spreadsheet_counts(tmp_path: Path, read: Read) -> None:
    path = write_csv(
        tmp_path / "notes.csv", ["note_id", "text"], ["N1", "of\nthree\nlines"], ["N2"], ["N3", ""], ["N4", "d"]
    )
    notes, faults = read(path)
    assert [note.note_id for note in notes] == ["N1", "N4"]
    assert faults == [
        "notes.csv: row 3: 1 cells where the header has 2; skipped",
        "notes.csv: row 4: note N3: the text is empty; skipped",
    ]


def test_a_csv_cut_short_gives_what_came_before(tmp_path: Path, read: Read) -> None:
    path = write_csv(tmp_path / "notes.csv", ["note_id", "text"], ["N1", "a"], ["N2", f'{CANARY} "b"\nmore'])
    path.write_bytes(path.read_bytes()[:-8])
    notes, faults = read(path)
    assert [note.note_id for note in notes] == ["N1"]
    (fault,) = faults
    assert fault.startswith("notes.csv: row 3: not readable as CSV")
    assert "line 3 is skipped" in fault
    assert CANARY not in fault


def test_json_lines_that_are_none_are_named_one_by_one(tmp_path: Path, read: Read) -> None:
    good = b'{"note_id": "N%d", "text": "t"}\n'
    bad = [
        b'{"note_id": "N2", "text": "' + CANARY.encode() + b"\n",
        b"[1, 2]\n",
        b'"text"\n',
        b"\xff\xfe nothing\n",
        b"[" * 100_000 + b"\n",
        b'{"note_id": ' + b"7" * 5000 + b', "text": "t"}\n',
        b'{"note_id": "N8", "text": 5}\n',
        b'{"note_id": "N9", "text": null}\n',
    ]
    (tmp_path / "notes.jsonl").write_bytes(good % 1 + b"".join(bad) + b"\n" + good % 2)
    notes, faults = read(tmp_path / "notes.jsonl")
    assert [note.note_id for note in notes] == ["N1", "N2"]
    assert [fault.split(":")[1] for fault in faults] == [f" row {number}" for number in range(2, 10)]
    assert CANARY not in "".join(faults)


def test_a_json_file_cut_short_gives_what_came_before(tmp_path: Path, read: Read) -> None:
    path = write_jsonl(tmp_path / "notes.jsonl", {"note_id": "N1", "text": "a"}, {"note_id": "N2", "text": "b"})
    path.write_bytes(path.read_bytes()[:-6])
    notes, faults = read(path)
    assert [note.note_id for note in notes] == ["N1"]
    assert len(faults) == 1


def test_half_a_surrogate_pair_is_named_and_a_whole_one_is_a_character(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.jsonl").write_text(
        f'{{"note_id": "N1", "text": "{CANARY}\\ud83e"}}\n{{"note_id": "N2", "text": "\\ud83e\\uddec"}}\n'
    )
    notes, faults = read(tmp_path / "notes.jsonl")
    assert [(note.note_id, note.text) for note in notes] == [("N2", "\U0001f9ec")]
    (fault,) = faults
    assert "half a surrogate pair at character 9" in fault
    assert CANARY not in fault


def test_half_a_surrogate_pair_in_an_id_is_named_too(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.jsonl").write_text('{"note_id": "N\\ud83e", "patient_id": "P", "text": "a"}\n')
    notes, faults = read(tmp_path / "notes.jsonl")
    assert notes == []
    assert len(faults) == 1
    faults[0].encode()


def test_a_gold_file_is_a_notes_file(tmp_path: Path, read: Read) -> None:
    row = {"note_id": "N1", "patient_id": "P1", "text": "seen", "facts": [{"field": "ecog"}], "other": {"a": 1}}
    notes, faults = read(write_jsonl(tmp_path / "gold.jsonl", row))
    assert (notes, faults) == ([Note("N1", "seen", "P1", None, "")], [])


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_file_with_a_byte_order_mark_says_its_encoding_itself(
    kind: str, encoding: str, tmp_path: Path, read: Read
) -> None:
    path = WRITERS[kind](tmp_path / f"notes.{kind}", "früh Ω \U0001f9ec\ninoperabel")
    path.write_bytes(path.read_bytes().decode().encode(encoding))
    notes, faults = read(path)
    assert ([note.text for note in notes], faults) == (["früh Ω \U0001f9ec\ninoperabel"], [])


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "UTF_16", "cp1252", "latin-1"])
def test_a_file_is_read_in_the_encoding_it_is_said_to_have(
    kind: str, encoding: str, tmp_path: Path, read: Read
) -> None:
    path = WRITERS[kind](tmp_path / f"notes.{kind}", "früh\ninoperabel")
    path.write_bytes(path.read_bytes().decode().encode(encoding))
    notes, faults = read(path, encoding=encoding)
    assert ([note.text for note in notes], faults) == (["früh\ninoperabel"], [])


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_utf16_without_its_mark_is_told_with_the_remedy(kind: str, tmp_path: Path, read: Read) -> None:
    path = WRITERS[kind](tmp_path / f"notes.{kind}", f"{CANARY} seen")
    path.write_bytes(path.read_bytes().decode().encode("utf-16-le"))
    with pytest.raises(InputError, match="--encoding utf-16-le") as error:
        read(path)
    assert str(path) in str(error.value)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_row_that_is_no_utf8_is_told_by_its_byte_with_the_remedy_and_the_others_are_read(
    kind: str, tmp_path: Path, read: Read
) -> None:
    path = tmp_path / f"notes.{kind}"
    texts = {"N1": "früh", "N2": f"{CANARY} früh".encode("cp1252"), "N3": "37 °C"}
    if kind == "csv":
        rows = [b"note_id,text\n", *(b"%s,%s\n" % (key.encode(), as_bytes(text)) for key, text in texts.items())]
    else:
        rows = [b'{"note_id": "%s", "text": "%s"}\n' % (key.encode(), as_bytes(text)) for key, text in texts.items()]
    path.write_bytes(b"".join(rows))
    notes, faults = read(path)
    assert [(note.note_id, note.text) for note in notes] == [("N1", "früh"), ("N3", "37 °C")]
    (fault,) = faults
    assert fault.startswith(f"notes.{kind}: row {3 if kind == 'csv' else 2}: ")
    assert "not UTF-8 (byte 0xfc" in fault
    assert "--encoding" in fault
    assert CANARY not in fault


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def test_a_file_in_another_encoding_is_read_once_it_is_said(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "notes.csv"
    path.write_bytes("note_id,text\nN1,früh\n".encode("cp1252"))
    notes, faults = read(path, encoding="cp1252")
    assert ([note.text for note in notes], faults) == (["früh"], [])


def test_a_byte_that_the_said_encoding_does_not_know_spoils_its_own_row_only(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "notes.csv"
    path.write_bytes(b"note_id,text\nN1,a\x81b\nN2,fr\xfch\n")
    notes, faults = read(path, encoding="cp1252")
    assert [note.text for note in notes] == ["früh"]
    assert len(faults) == 1
    assert "not CP1252 (byte 0x81" in faults[0]
    assert "--encoding (often latin-1)" in faults[0]


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "hex", "undefined", "idna"])
def test_an_encoding_that_is_none_is_one_line(encoding: str, tmp_path: Path, read: Read) -> None:
    path = WRITERS["csv"](tmp_path / "notes.csv", "früh")
    with pytest.raises(InputError) as error:
        read(path, encoding=encoding)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("content", [b"", b"\n \r\n"])
def test_an_empty_file_gives_no_note_and_is_told(kind: str, content: bytes, tmp_path: Path, read: Read) -> None:
    path = tmp_path / f"notes.{kind}"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read(path)
    assert "empty" in str(error.value) or kind == "parquet"
    assert str(path) in str(error.value)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("text", ["", "   ", "\r\n\t", "\ufeff"])
def test_an_empty_note_is_told(kind: str, text: str, tmp_path: Path, read: Read) -> None:
    notes, faults = read(WRITERS[kind](tmp_path / f"notes.{kind}", text))
    assert notes == []
    assert len(faults) == 1
    assert "note N1: the text is empty" in faults[0]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-03-01T10:30:00", "2024-03-01T10:30:00"),
        ("2024-03-01 10:30", "2024-03-01T10:30:00"),
        ("2024-03-01T00:00:00", "2024-03-01"),
        ("20240301", "2024-03-01"),
        ("", None),
    ],
)
def test_dates_are_kept_as_iso(said: str, kept: str | None, tmp_path: Path, read: Read) -> None:
    path = write_csv(tmp_path / "notes.csv", ["note_id", "text", "note_date"], ["N1", "seen", said])
    notes, faults = read(path)
    assert ([note.note_date for note in notes], faults) == ([kept], [])


@pytest.mark.parametrize("said", ["03/01/2024", "2024-02-30", "soon", "2024-13-01", "0", "[**2024-3-1**]"])
def test_a_date_that_can_not_be_read_is_told_and_the_note_kept_without_it(
    said: str, tmp_path: Path, read: Read
) -> None:
    path = write_csv(tmp_path / "notes.csv", ["note_id", "text", "note_date"], ["N1", "seen", said])
    notes, faults = read(path)
    assert [note.note_date for note in notes] == [None]
    assert faults == ["notes.csv: row 2: note N1: the date can't be read (write 2021-03-04); kept without date"]


def test_parquet_dates_of_any_kind_are_read(tmp_path: Path, read: Read) -> None:
    for number, value in enumerate([date(2024, 3, 1), datetime(2024, 3, 1), "2024-03-01"]):  # noqa: DTZ001
        path = write_parquet(tmp_path / f"{number}.parquet", note_id=["N1"], text=["seen"], note_date=[value])
        notes, faults = read(path)
        assert ([note.note_date for note in notes], faults) == (["2024-03-01"], [])
    stamps = pyarrow.array([datetime(2024, 3, 1, 10, 30)], pyarrow.timestamp("ns"))  # noqa: DTZ001
    table = pyarrow.table({"note_id": ["N1"], "text": ["seen"], "note_date": stamps})
    parquet.write_table(table, tmp_path / "ns.parquet")
    notes, faults = read(tmp_path / "ns.parquet")
    assert ([note.note_date for note in notes], faults) == (["2024-03-01T10:30:00"], [])


def test_parquet_numbers_nulls_and_bytes_are_told_or_made_text(tmp_path: Path, read: Read) -> None:
    notes, faults = read(write_parquet(tmp_path / "a.parquet", note_id=[7, 8], text=["seen", None]))
    assert [note.note_id for note in notes] == ["7"]
    assert faults == ["a.parquet: row 2: note 8: no text; skipped"]


def test_parquet_text_that_was_written_as_bytes_is_decoded(tmp_path: Path, read: Read) -> None:
    path = write_parquet(
        tmp_path / "a.parquet", note_id=[b"N1", b"N2"], text=["früh".encode(), "früh".encode("cp1252")]
    )
    notes, faults = read(path)
    assert [(note.note_id, note.text) for note in notes] == [("N1", "früh")]
    assert len(faults) == 1
    assert "a.parquet: row 2: note N2: the text is not UTF-8" in faults[0]
    notes, _ = read(path, encoding="cp1252")
    assert notes[1].text == "früh"


def test_a_parquet_text_that_is_no_utf8_is_one_row_the_less(tmp_path: Path, read: Read) -> None:
    texts = pyarrow.array([b"good", b"\xff\xfe" + CANARY.encode(), b"fine"], pyarrow.binary()).view(pyarrow.string())
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"note_id": ["N1", "N2", "N3"], "text": texts}), path)
    notes, faults = read(path)
    assert [note.note_id for note in notes] == ["N1", "N3"]
    assert faults == [
        "a.parquet: row 2: note N2: the text is not UTF-8; convert it, or say what it is with --encoding (often cp1252); skipped"
    ]
    notes, faults = read(path, encoding="latin-1")
    assert ([note.note_id for note in notes], faults) == (["N1", "N2", "N3"], [])


@pytest.mark.parametrize("text", [[["a"]], [{"a": 1}], [5], [1.5], [True], [date(2024, 3, 1)]])
def test_a_parquet_column_that_holds_no_text_is_told_once_with_what_it_holds(
    text: list[object], tmp_path: Path, read: Read
) -> None:
    path = write_parquet(tmp_path / "a.parquet", note_id=["N1"], text=text)
    with pytest.raises(InputError, match=r"the column 'text' holds .*, not text; .*--column text=YOUR_COLUMN"):
        read(path)


def test_parquet_ids_with_a_decimal_point_are_refused_for_they_would_match_nothing(tmp_path: Path, read: Read) -> None:
    path = write_parquet(tmp_path / "a.parquet", note_id=["N1", "N2"], patient_id=[7.0, None], text=["a", "b"])
    with pytest.raises(InputError, match="the column 'patient_id' holds double, not text"):
        read(path)
    path = write_parquet(
        tmp_path / "b.parquet", note_id=[Decimal("7.000"), Decimal("123456789012.000")], text=["a", "b"]
    )
    notes, _ = read(path)
    assert [note.note_id for note in notes] == ["7", "123456789012"]


@pytest.mark.parametrize("keep", [3, 100, -4])
def test_a_parquet_file_cut_short_is_one_line(keep: int, tmp_path: Path, read: Read) -> None:
    path = write_parquet(tmp_path / "a.parquet", note_id=["N1"], text=[CANARY * 100])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="cut short") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_parquet_file_damaged_inside_is_told(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"{CANARY} {number} " * 50 for number in range(2000)]
    ids = [f"N{number}" for number in range(2000)]
    parquet.write_table(pyarrow.table({"note_id": ids, "text": texts}), path, row_group_size=500, compression="gzip")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\xa5" * 2000
    path.write_bytes(bytes(content))
    notes, faults = read(path)
    assert 500 <= len(notes) < 2000
    assert notes[-1].note_id == "N1999"
    assert all(note.text == texts[int(note.note_id[1:])] for note in notes)
    lost = sum(
        int(last) - int(first) + 1 for first, last in re.findall(r"rows (\d+) to (\d+) are skipped", str(faults))
    )
    assert lost == 2000 - len(notes)
    assert all("damaged" in fault for fault in faults)
    assert CANARY not in str(faults)
