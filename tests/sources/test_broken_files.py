"""Files as they come when something went wrong: what is sound is read, what is not is named by file and row, and nothing stops the rest."""

import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from abstractor.model.errors import InputError
from abstractor.model.note import Note
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions
from tests.sources.conftest import Read

CANARY = "Xanthippe"
"""A name that stands in texts only, and must stand in no fault."""


def lines(path: Path, *rows: str) -> Path:
    path.write_bytes("".join(f"{row}\n" for row in rows).encode())
    return path


def json_notes(count: int, text: str = "seen") -> bytes:
    return b"".join(
        json.dumps({"note_id": f"N{number}", "text": text}).encode() + b"\n" for number in range(1, count + 1)
    )


def zstd(content: bytes) -> bytes:
    return pyarrow.Codec("zstd").compress(content, asbytes=True)


def ids(notes: list[Note]) -> list[str]:
    return [note.note_id for note in notes]


# --- CSV whose quotation marks are astray ---


def test_an_undoubled_quotation_mark_costs_its_own_row_and_no_other(tmp_path: Path, read: Read) -> None:
    path = lines(
        tmp_path / "notes.csv",
        "note_id,note_date,text",
        'N1,2024-03-01,"one\ntwo"',
        f'N2,2024-03-02,"{CANARY} said "no", and\nafebrile, well, and eating\nno more"',
        'N3,2024-03-03,"three"',
        "N4,2024-03-04,four",
    )
    notes, faults = read(path)
    assert [(note.note_id, note.text) for note in notes] == [("N1", "one\ntwo"), ("N3", "three"), ("N4", "four")]
    (fault,) = faults
    assert fault.startswith("notes.csv: row 3: not readable as CSV")
    assert "lines 4 to 6 are skipped" in fault
    assert "must be doubled" in fault
    assert CANARY not in fault


def test_a_quotation_mark_nobody_closed_costs_its_own_row_and_no_other(tmp_path: Path, read: Read) -> None:
    rows = [f"N{number},text {number}" for number in range(1, 8)]
    rows[2] = f'N3,"{CANARY}'
    notes, faults = read(lines(tmp_path / "notes.csv", "note_id,text", *rows))
    assert ids(notes) == ["N1", "N2", "N4", "N5", "N6", "N7"]
    (fault,) = faults
    assert "row 4" in fault
    assert "line 4 is skipped" in fault
    assert CANARY not in fault


def test_broken_rows_here_and_there_are_told_one_by_one(tmp_path: Path, read: Read) -> None:
    rows = [f'N{number},"text {number}"' for number in range(1, 10)]
    rows[0], rows[4], rows[8] = 'N1,"a" b', 'N5,"a" b', 'N9,"a'
    notes, faults = read(lines(tmp_path / "notes.csv", "note_id,text", *rows))
    assert ids(notes) == ["N2", "N3", "N4", "N6", "N7", "N8"]
    assert [fault.split(": ")[1] for fault in faults] == ["row 2", "row 6", "row 10"]


def test_a_line_of_a_broken_text_is_never_taken_for_a_note(tmp_path: Path, read: Read) -> None:
    """Each line below has as many cells as the header."""
    inside = ["He was seen, and is well", "- no fever, no cough", "Dr. A, MD", "1, 2", "N3 was before, see there"]
    text = 'a "word" astray\n' + "\n".join(inside)
    notes, _ = read(lines(tmp_path / "notes.csv", "note_id,text", "N00001,one", f'N00002,"{text}"', "N00003,three"))
    assert ids(notes) == ["N00001", "N00003"]


def test_a_search_for_the_next_sound_row_ends_somewhere(tmp_path: Path, read: Read) -> None:
    rows = ['N1,"a" b', *('"' + "x" * 300 + '", "' for _ in range(3000)), "N2,two"]
    notes, faults = read(lines(tmp_path / "notes.csv", "note_id,text", *rows), longest=1000)
    assert len(faults) >= 1
    assert "row 2" in faults[0]
    assert ids(notes) in (["N2"], [])


def test_a_row_beyond_the_longest_note_is_named_and_the_others_are_read(tmp_path: Path, read: Read) -> None:
    long = f"{CANARY} " * 40_000
    rows = ["N1,one", f'N2,"{long}"', "N3,three", f'N4,"{long}\n{long}"', "N5,five"]
    notes, faults = read(lines(tmp_path / "notes.csv", "note_id,text", *rows), longest=200_000)
    assert ids(notes) == ["N1", "N3", "N5"]
    assert [fault.split(": ")[1] for fault in faults] == ["row 3", "row 5"]
    assert CANARY not in str(faults)


def test_a_line_without_end_is_read_over_and_the_rows_after_it_are_read(tmp_path: Path, read: Read) -> None:
    path = lines(tmp_path / "notes.csv", "note_id,text", "N1,one", "N2," + CANARY * 100_000, "N3,three")
    notes, faults = read(path, longest=1000)
    assert ids(notes) == ["N1", "N3"]
    (fault,) = faults
    assert "row 3: not readable as CSV (longer than 1,000 characters); line 3 is skipped" in fault


def test_two_columns_of_one_name_are_refused(tmp_path: Path, read: Read) -> None:
    with pytest.raises(InputError, match="2 columns have the name 'text'"):
        read(lines(tmp_path / "notes.csv", "note_id,text,text", "N1,a,b"))


# --- cut short ---


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
@pytest.mark.parametrize("name", ["notes.jsonl.gz", "dump"])
def test_a_compressed_dump_is_read_whatever_its_name(
    pack: Callable[[bytes], bytes], name: str, tmp_path: Path, read: Read
) -> None:
    (tmp_path / name).write_bytes(pack(json_notes(300, "früh\r\n")))
    notes, faults = read(tmp_path / name)
    assert (len(notes), faults) == (300, [])
    assert {note.text for note in notes} == {"früh\r\n"}


def test_a_compressed_csv_is_read(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.csv.gz").write_bytes(gzip.compress(b'note_id,text\nN1,"a\r\nb"\n'))
    notes, faults = read(tmp_path / "notes.csv.gz")
    assert ([note.text for note in notes], faults) == (["a\r\nb"], [])


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_compressed_file_cut_short_gives_what_came_before(
    pack: Callable[[bytes], bytes], tmp_path: Path, read: Read
) -> None:
    noise = "".join(f"{number * 7919 % 10007} " for number in range(40))
    rows = [
        json.dumps({"note_id": f"N{number}", "text": f"{number} {noise[number % 90 :]}"}) for number in range(20_000)
    ]
    packed = pack("\n".join(rows).encode())
    (tmp_path / "notes.jsonl.gz").write_bytes(packed[: len(packed) * 3 // 4])
    notes, faults = read(tmp_path / "notes.jsonl.gz")
    assert 1000 < len(notes) < 20_000
    assert ids(notes) == [f"N{number}" for number in range(len(notes))]
    (fault,) = faults
    assert f"row {len(notes) + 1}: the compressed file is " in fault
    assert fault.endswith("the rest of this file is skipped")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_compressed_file_cut_short_at_its_head_is_one_line(kind: str, tmp_path: Path, read: Read) -> None:
    path = tmp_path / f"notes.{kind}.gz"
    path.write_bytes(gzip.compress(json_notes(1))[:12])
    with pytest.raises(InputError, match="cut short") as error:
        read(path)
    assert str(path) in str(error.value)


def test_json_cut_in_the_middle_of_a_line_is_told_as_such(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.jsonl").write_bytes(json_notes(2) + json_notes(1, CANARY)[:-6])
    notes, faults = read(tmp_path / "notes.jsonl")
    assert len(notes) == 2
    (fault,) = faults
    assert fault.startswith("notes.jsonl: row 3: not JSON")
    assert "is the file cut short?" in fault
    assert CANARY not in fault


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_utf16_cut_in_the_middle_of_a_character_gives_what_came_before(kind: str, tmp_path: Path, read: Read) -> None:
    content = "note_id,text\nN1,one\nN2,two\n" if kind == "csv" else json_notes(2).decode()
    path = tmp_path / f"notes.{kind}"
    path.write_bytes(content.encode("utf-16")[:-1])
    notes, faults = read(path)
    assert ids(notes) in (["N1", "N2"], ["N1"])
    assert faults
    assert "the rest of this file is skipped" in faults[-1]


# --- what swells ---


def test_a_compressed_bomb_is_stopped(tmp_path: Path, read: Read) -> None:
    head = gzip.compress(json_notes(2))
    zeros = gzip.compress(bytes(20_000_000))
    (tmp_path / "notes.jsonl.gz").write_bytes(head + zeros * 80)  # 1.6 GB in 1.6 MB
    notes, faults = read(tmp_path / "notes.jsonl.gz")
    assert len(notes) == 2
    assert "unpacks to more than 300 times its size" in faults[-1]


def test_notes_that_repeat_are_no_bomb(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.jsonl.gz").write_bytes(gzip.compress(json_notes(20_000, "No change. " * 50)))
    notes, faults = read(tmp_path / "notes.jsonl.gz")
    assert (len(notes), faults) == (20_000, [])


# --- JSON that says too much or too little ---


def test_a_key_given_twice_is_told_for_json_does_not_say_which_counts(tmp_path: Path, read: Read) -> None:
    path = lines(
        tmp_path / "notes.jsonl",
        '{"note_id": "N1", "text": "a", "text": "' + CANARY + '"}',
        '{"note_id": "N2", "text": "b", "more": {"a": 1, "a": 2}, "other": 1, "other": 2}',
    )
    notes, faults = read(path)
    assert ids(notes) == ["N2"]
    assert faults == ["notes.jsonl: row 1: text stands twice in the object; skipped"]


@pytest.mark.parametrize("note_id", ["7.5", "true", "[1]", '{"a": 1}', "1e400", "NaN"])
def test_an_id_that_is_neither_text_nor_a_whole_number_is_told(note_id: str, tmp_path: Path, read: Read) -> None:
    path = lines(tmp_path / "notes.jsonl", f'{{"note_id": {note_id}, "text": "{CANARY}"}}')
    notes, faults = read(path)
    assert notes == []
    assert len(faults) == 1
    assert "row 1: the note_id is " in faults[0]


@pytest.mark.parametrize("text", ["5", "null", '["a"]', '{"a": "b"}', "true"])
def test_a_text_that_is_no_string_is_told_with_its_note(text: str, tmp_path: Path, read: Read) -> None:
    notes, faults = read(lines(tmp_path / "notes.jsonl", f'{{"note_id": "N1", "text": {text}}}'))
    assert notes == []
    assert faults[0].startswith("notes.jsonl: row 1: note N1: ")


def test_a_json_list_is_told_with_the_remedy(tmp_path: Path, read: Read) -> None:
    with pytest.raises(InputError, match="one object a line"):
        read(lines(tmp_path / "notes.jsonl", "[", '{"note_id": "N1", "text": "a"},', "]"))


# --- ids ---


def test_ids_may_hold_spaces_and_any_letters(tmp_path: Path, read: Read) -> None:
    wanted = ["A 1", "ä/ö", "患者 7", "a,b", "x" * 300]
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps({"note_id": note_id, "text": "a"}) + "\n" for note_id in wanted))
    notes, faults = read(path)
    assert (ids(notes), faults) == (wanted, [])


@pytest.mark.parametrize("bad", ["A\x1b[31m", "A\nB", "A\x00B", "A\tB", "A\x9b1m"])
@pytest.mark.parametrize("column", ["note_id", "patient_id"])
def test_an_id_with_control_characters_is_told_in_one_plain_line(
    bad: str, column: str, tmp_path: Path, read: Read
) -> None:
    row = {"note_id": "N1", "patient_id": "P1", "text": CANARY, column: bad}
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps({"note_id": "N2", "text": "b"}) + "\n")
    notes, faults = read(path)
    assert ids(notes) == ["N2"]
    assert faults == [f"notes.jsonl: row 1: the {column} holds control characters; skipped: mend the export"]


def test_a_fault_shows_no_control_characters_of_a_file_name(tmp_path: Path, read: Read) -> None:
    folder = tmp_path / "P1"
    folder.mkdir()
    Path(folder / "scan\x1b[2J\n.pdf").write_bytes(b"%PDF")
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.txt")).write_text("a")
    _, faults = read(tmp_path)
    assert len(faults) == 2
    assert all(fault.isprintable() for fault in faults)


# --- files and folders ---


def test_a_fault_says_file_row_note_and_stage_apart(tmp_path: Path) -> None:
    path = lines(tmp_path / "notes.jsonl", '{"note_id": "N1", "text": "a"}', '{"note_id": "N2", "text": ""}')
    (fault,) = [item for item in read_notes(path, ReadOptions()) if isinstance(item, Fault)]
    assert (fault.file, fault.row, fault.note_id, fault.stage) == ("notes.jsonl", 2, "N2", "reading")


def test_a_part_that_vanishes_meanwhile_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        lines(tmp_path / f"part-{number}.jsonl", f'{{"note_id": "N{number}", "text": "a"}}')
    items = read_notes(tmp_path, ReadOptions())
    first = next(items)
    (tmp_path / "part-2.jsonl").unlink()
    rest = list(items)
    assert isinstance(first, Note)
    assert [str(item) if isinstance(item, Fault) else item.note_id for item in rest] == [
        "part-2.jsonl: can't be read (No such file or directory); skipped",
        "N3",
    ]


def test_a_note_that_vanishes_meanwhile_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("seen")
    items = read_notes(tmp_path, ReadOptions())
    first = next(items)
    (tmp_path / "b.txt").unlink()
    faults = [item for item in items if isinstance(item, Fault)]
    assert isinstance(first, Note)
    assert [fault.place for fault in faults] == ["b.txt"]


@contextmanager
def nobody() -> Iterator[None]:
    """Permissions count for everybody but root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may look into, up to the root."""
    changed = [
        folder for folder in tmp_path.parents if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 1
    ]
    modes = {folder: folder.stat().st_mode for folder in changed}
    for folder in [tmp_path, *changed]:
        folder.chmod(0o755)
    yield tmp_path
    for folder, mode in modes.items():
        folder.chmod(mode)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_folder_and_a_file_without_permission_are_named_and_the_rest_is_read(open_folder: Path, read: Read) -> None:
    for patient in ("P1", "P2", "P3"):
        (open_folder / patient).mkdir()
        (open_folder / patient / f"{patient}-1.txt").write_text("seen")
    (open_folder / "P3" / "P3-2.txt").write_text(CANARY)
    (open_folder / "P2").chmod(0)
    (open_folder / "P3" / "P3-2.txt").chmod(0)
    try:
        with nobody():
            notes, faults = read(open_folder)
    finally:
        (open_folder / "P2").chmod(0o755)
    assert ids(notes) == ["P1-1", "P3-1"]
    assert [fault.split(": ", 1)[0] for fault in faults] == ["P2", "P3/P3-2.txt"]
    assert all("Permission denied" in fault for fault in faults)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_dump_without_permission_is_one_line(open_folder: Path, read: Read) -> None:
    path = lines(open_folder / "notes.csv", "note_id,text", "N1,a")
    path.chmod(0)
    (open_folder / "closed").mkdir(mode=0o700)
    lines(open_folder / "closed" / "notes.csv", "note_id,text", "N1,a")
    with nobody():
        for place in (path, open_folder / "closed" / "notes.csv"):
            with pytest.raises(InputError, match=r"can't be read \(Permission denied\)"):
                read(place)


def test_links_in_a_circle_are_named_and_not_followed(tmp_path: Path, read: Read) -> None:
    (tmp_path / "P1").mkdir()
    (tmp_path / "P1" / "N1.txt").write_text("seen")
    (tmp_path / "P1" / "up").symlink_to(tmp_path)
    (tmp_path / "P1" / "self.txt").symlink_to(tmp_path / "P1" / "self.txt")
    (tmp_path / "P1" / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    (tmp_path / "P1" / "other.txt").symlink_to(tmp_path / "P1" / "N1.txt")
    notes, faults = read(tmp_path)
    assert ids(notes) == ["N1", "other"]
    assert [fault.split(": ", 1)[0] for fault in faults] == ["P1/gone.txt", "P1/self.txt", "P1/up"]


def test_a_list_that_leads_through_a_link_out_of_the_folder_is_refused(tmp_path: Path, read: Read) -> None:
    (tmp_path / "letter.txt").write_text(CANARY)
    root = tmp_path / "notes"
    root.mkdir()
    (root / "loop.txt").symlink_to(root / "loop.txt")
    (root / "out").symlink_to(tmp_path)
    lines(root / "notes.csv", "note_id,path", "X1,out/letter.txt", "X2,loop.txt", f"X3,{'x' * 5000}.txt")
    notes, faults = read(root)
    assert notes == []
    assert [fault.split(": ")[1] for fault in faults[:1]] == ["row 2"]
    assert len(faults) >= 3


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that opens and can't be read")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_that_opens_and_can_not_be_read_is_one_line(kind: str, read: Read) -> None:
    with pytest.raises(InputError, match="/proc/self/mem"):
        read(Path("/proc/self/mem"), kind)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"PK\x03\x04\x14\x00", "unpack it, or save it as CSV"),
        (b"BZh91AY", "unpack it"),
        (b"%PDF-1.7\n", "export the notes as text"),
        (b"{\\rtf1 a}", "PATIENT/NOTE.txt"),
    ],
)
def test_what_is_no_dump_of_notes_is_told_with_the_remedy(
    content: bytes, remedy: str, tmp_path: Path, read: Read
) -> None:
    (tmp_path / "dump").write_bytes(content)
    with pytest.raises(InputError, match=remedy):
        read(tmp_path / "dump")


def test_a_note_file_beyond_the_longest_note_is_named(tmp_path: Path, read: Read) -> None:
    (tmp_path / "a.txt").write_text(CANARY * 1000)
    (tmp_path / "b.txt").write_text("é" * 500)
    (tmp_path / "c.txt").write_text("é" * 501)
    notes, faults = read(tmp_path, longest=500)
    assert ids(notes) == ["b"]
    assert [fault.split(": ")[0] for fault in faults] == ["a.txt", "c.txt"]
    assert sys.getsizeof(str(faults)) < 1000


# --- no text in messages, whatever happens ---


def test_a_csv_without_header_is_told_without_repeating_its_first_row(tmp_path: Path, read: Read) -> None:
    path = lines(tmp_path / "notes.csv", f'N1,2024-03-01,"{CANARY} was seen"', 'N2,2024-03-02,"b"')
    with pytest.raises(InputError, match="its first line holds no names of columns") as error:
        read(path)
    assert CANARY not in str(error.value)


def test_texts_taken_for_ids_are_not_repeated(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "notes.csv", "note_id,text", f"N1,{CANARY} was seen today and is well", f"N2,{CANARY} (new)"
    )
    options = ReadOptions(columns={"note_id": "text", "text": "note_id", "note_date": "text"})
    faults = [item for item in read_notes(path, options) if isinstance(item, Fault)]
    assert len(faults) == 2
    assert not any(CANARY in str(fault) or CANARY in fault.note_id for fault in faults)


TEXTS = {f"N{number:03}": f'{CANARY} {number} "no fever", früh\r\nline {number};\n' * 3 for number in range(40)}


def as_csv() -> bytes:
    cells = ((key, text.replace('"', '""')) for key, text in TEXTS.items())
    return ("note_id,text\n" + "".join(f'{key},"{text}"\n' for key, text in cells)).encode()


def as_jsonl() -> bytes:
    return "".join(json.dumps({"note_id": key, "text": text}) + "\n" for key, text in TEXTS.items()).encode()


def as_parquet() -> bytes:
    out = io.BytesIO()
    parquet.write_table(pyarrow.table({"note_id": list(TEXTS), "text": list(TEXTS.values())}), out, row_group_size=10)
    return out.getvalue()


SOUND = {
    "csv": as_csv(),
    "jsonl": as_jsonl(),
    "parquet": as_parquet(),
    "csv.gz": gzip.compress(as_csv()),
    "jsonl.zst": zstd(as_jsonl()),
}


@pytest.mark.parametrize("kind", SOUND)
@given(places=st.lists(st.floats(0, 1), min_size=1, max_size=4), junk=st.binary(max_size=6), cut=st.integers(0, 200))
def test_a_mutilated_file_is_read_as_far_as_it_goes_or_refused_and_its_text_stands_in_no_message(
    kind: str, places: list[float], junk: bytes, cut: int, tmp_path: Path
) -> None:
    content = bytearray(SOUND[kind])
    for place in places:
        at = int(place * len(content))
        content[at : at + cut] = junk
    path = tmp_path / f"notes.{kind}"
    path.write_bytes(content)
    try:
        items = list(read_notes(path, ReadOptions()))
    except InputError as error:
        items = [Fault("", str(error))]
    faults = [str(item) for item in items if isinstance(item, Fault)]
    assert not any(CANARY[1:] in fault or "no fever" in fault or not fault.isprintable() for fault in faults)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@given(place=st.floats(0, 1))
def test_of_a_file_cut_anywhere_no_note_is_read_that_was_not_in_it(kind: str, place: float, tmp_path: Path) -> None:
    path = tmp_path / f"notes.{kind}"
    path.write_bytes(SOUND[kind][: int(place * len(SOUND[kind]))])
    try:
        notes = [item for item in read_notes(path, ReadOptions()) if isinstance(item, Note)]
    except InputError:
        return
    whole = [note for note in notes if TEXTS[note.note_id] == note.text]
    # a cut between the two halves of a doubled quotation mark can't be told from the end of a cell
    assert whole == notes or (
        kind == "csv" and whole == notes[:-1] and TEXTS[notes[-1].note_id].startswith(notes[-1].text)
    )
