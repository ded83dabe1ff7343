"""Large files, and small ones that swell, take little memory; each is read in a process of its own, whose peak is asked of the system."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from abstractor.sources.reader import read_notes, source_bytes
from abstractor.sources.reading import Meter, ReadOptions

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from /proc")

READ = """
import json, re, sys
from pathlib import Path
import pyarrow.parquet
from abstractor.model.note import Note
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import ReadOptions

def megabytes(what):
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000

idle, notes, characters, faults = megabytes("VmRSS"), 0, 0, []
for item in read_notes(Path(sys.argv[1]), ReadOptions()):
    if isinstance(item, Note):
        notes, characters = notes + 1, characters + len(item.text)
    else:
        faults.append(str(item))
print(json.dumps({"notes": notes, "characters": characters, "faults": faults, "grown": megabytes("VmHWM") - idle}))
"""
TEXT = 'Stable "course", no change; afebrile.\r\n' * 80
COUNT = 100_000_000 // len(TEXT)


def read_apart(path: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def write_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["note_id", "text"])
        writer.writerows([f"N{number}", TEXT] for number in range(COUNT))


def write_jsonl(path: Path) -> None:
    text = json.dumps(TEXT)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f'{{"note_id": "N{number}", "text": {text}}}\n' for number in range(COUNT))


def write_parquet(path: Path) -> None:
    """One row group, its text written out for each row."""
    table = pyarrow.table({"note_id": [f"N{number}" for number in range(COUNT)], "text": [TEXT] * COUNT})
    parquet.write_table(table, path, row_group_size=COUNT, use_dictionary=False, compression="none")


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_a_file_of_a_hundred_megabytes_is_a_stream(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / f"notes.{write.__name__.removeprefix('write_')}"
    write(path)
    assert path.stat().st_size > 100_000_000
    read = read_apart(path)
    assert (read["notes"], read["characters"], read["faults"]) == (COUNT, COUNT * len(TEXT), [])
    assert read["grown"] < 60


def test_a_json_line_of_hundreds_of_megabytes_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    with path.open("wb") as file:
        file.write(b'{"note_id": "N1", "text": "a"}\n{"note_id": "N2", "text": "')
        file.truncate(400_000_000)  # a hole: NUL that takes no room on the disk
        file.seek(0, 2)
        file.write(b'"}\n{"note_id": "N3", "text": "c"}\n')
    read = read_apart(path)
    assert read["notes"] == 2
    assert read["faults"] == [
        "notes.jsonl: row 2: longer than a note may be (20,000,000 characters); skipped: is a line end missing?"
    ]
    assert read["grown"] < 200


def test_a_parquet_of_five_kilobytes_that_holds_a_gigabyte_is_read_note_by_note(tmp_path: Path) -> None:
    path = tmp_path / "notes.parquet"
    table = pyarrow.table({"note_id": [f"N{number}" for number in range(1000)], "text": ["a" * 1_000_000] * 1000})
    parquet.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 5000
    read = read_apart(path)
    assert (read["notes"], read["characters"], read["faults"]) == (1000, 1_000_000_000, [])
    assert read["grown"] < 100


def test_a_parquet_page_that_swells_beyond_measure_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "notes.parquet"
    schema = pyarrow.schema([("note_id", pyarrow.string()), ("text", pyarrow.string())])
    with parquet.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=False, write_statistics=False
    ) as writer:
        for number, length in enumerate((10, 300_000_000, 10)):
            writer.write_table(pyarrow.table({"note_id": [f"N{number}"], "text": ["a" * length]}, schema))
    read = read_apart(path)
    assert read["notes"] == 2
    (fault,) = read["faults"]
    assert fault.startswith("notes.parquet: row 2: text: a page that unpacks to 300 MB")
    assert "rows 2 to 2 are skipped" in fault
    assert read["grown"] < 60


def test_a_parquet_note_beyond_the_longest_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "notes.parquet"
    parquet.write_table(pyarrow.table({"note_id": ["N1", "N2", "N3"], "text": ["a", "b" * 50_000_000, "c"]}), path)
    read = read_apart(path)
    assert read["notes"] == 2
    assert read["faults"] == [
        "notes.parquet: row 2: note N2: 50,000,000 characters are more than a note may have (20,000,000); split it; skipped"
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "txt"])
def test_the_meter_goes_from_nothing_to_all_bytes_of_a_source(kind: str, tmp_path: Path) -> None:
    ids, texts = [f"N{number}" for number in range(2000)], [f"{number} seen " * 200 for number in range(2000)]
    if kind == "csv":
        path = tmp_path / "notes.csv"
        path.write_text("note_id,text\n" + "".join(f"{key},{text}\n" for key, text in zip(ids, texts, strict=True)))
    elif kind == "jsonl":
        path = tmp_path / "notes.jsonl"
        rows = zip(ids, texts, strict=True)
        path.write_text("".join(json.dumps({"note_id": key, "text": text}) + "\n" for key, text in rows))
    elif kind == "parquet":
        path = tmp_path / "notes.parquet"
        parquet.write_table(pyarrow.table({"note_id": ids, "text": texts}), path)
    else:
        path = tmp_path
        for key, text in zip(ids[:20], texts, strict=False):
            (path / f"{key}.txt").write_text(text)
    meter = Meter()
    seen = [0, *(meter.bytes_read for _ in read_notes(path, ReadOptions(), meter=meter))]
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert meter.bytes_read == source_bytes(path)
