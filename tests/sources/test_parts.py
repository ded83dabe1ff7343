"""Folders that a cluster wrote: Spark's parts with their marks and sums, Delta tables with parts that are no longer theirs."""

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from abstractor.model.errors import InputError
from tests.sources.conftest import Read


def part(path: Path, *note_ids: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table({"note_id": list(note_ids), "text": ["seen"] * len(note_ids)}), path)
    return path


def commit(root: Path, version: int, *actions: dict[str, object]) -> None:
    log = root / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))


def add(name: str, **more: object) -> dict[str, object]:
    return {"add": {"path": name, "size": 1, "dataChange": True, **more}}


def remove(name: str) -> dict[str, object]:
    return {"remove": {"path": name, "dataChange": True}}


def test_sparks_marks_and_sums_are_no_parts(tmp_path: Path, read: Read) -> None:
    for number in (3, 1, 2):
        part(tmp_path / f"part-0000{number}-c000.snappy.parquet", f"N{number}")
        (tmp_path / f".part-0000{number}-c000.snappy.parquet.crc").write_bytes(b"crc")
    (tmp_path / "part-00004-c000.snappy.parquet").touch()
    part(tmp_path / "_temporary" / "0" / "part-00005.parquet", "N5")
    (tmp_path / "_SUCCESS").touch()
    notes, faults = read(tmp_path)
    assert ([note.note_id for note in notes], faults) == (["N1", "N2", "N3"], [])


def test_parts_in_folders_of_their_own_are_read_too(tmp_path: Path, read: Read) -> None:
    part(tmp_path / "year=2023" / "part-1.parquet", "N1")
    part(tmp_path / "year=2024" / "part-1.parquet", "N2")
    (tmp_path / "year=2024" / "part-2.csv").write_text("other\n")
    notes, faults = read(tmp_path)
    assert [note.note_id for note in notes] == ["N1", "N2"]
    assert len(faults) == 1
    assert faults[0].startswith("year=2024/part-2.csv: no column 'note_id'")


def test_compressed_parts_are_parts(tmp_path: Path, read: Read) -> None:
    import gzip

    (tmp_path / "part-1.json.gz").write_bytes(b"no part")
    (tmp_path / "part-1.jsonl.gz").write_bytes(gzip.compress(b'{"note_id": "N1", "text": "a"}\n'))
    (tmp_path / "part-2.csv.gz").write_bytes(gzip.compress(b"note_id,text\nN2,b\n"))
    notes, _ = read(tmp_path)
    assert [note.note_id for note in notes] == ["N1", "N2"]


def test_of_a_delta_table_only_the_last_version_is_read(tmp_path: Path, read: Read) -> None:
    for name in ("a", "b", "c d", "stray"):
        part(tmp_path / f"{name}.parquet", f"N-{name}")
    commit(tmp_path, 0, {"protocol": {}}, add("a.parquet"), add("b.parquet"))
    commit(tmp_path, 1, remove("a.parquet"), add("c%20d.parquet"))
    notes, faults = read(tmp_path)
    assert ([note.note_id for note in notes], faults) == (["N-b", "N-c d"], [])


def test_a_delta_table_is_followed_from_its_last_checkpoint(tmp_path: Path, read: Read) -> None:
    for name in ("a", "b", "c"):
        part(tmp_path / f"{name}.parquet", f"N-{name}")
    rows = [{"add": {"path": "a.parquet"}, "remove": None}, {"add": None, "remove": {"path": "b.parquet"}}]
    (tmp_path / "_delta_log").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "_delta_log" / f"{10:020}.checkpoint.parquet")
    commit(tmp_path, 10, add("a.parquet"))
    commit(tmp_path, 11, add("c.parquet"))
    notes, faults = read(tmp_path)
    assert ([note.note_id for note in notes], faults) == (["N-a", "N-c"], [])


def test_a_file_that_the_log_names_and_that_is_gone_is_a_fault(tmp_path: Path, read: Read) -> None:
    part(tmp_path / "a.parquet", "N-a")
    commit(tmp_path, 0, add("a.parquet"), add("b.parquet"), add("../elsewhere.parquet"))
    notes, faults = read(tmp_path)
    assert [note.note_id for note in notes] == ["N-a"]
    assert len(faults) == 2
    assert "outside the folder" in faults[0]
    assert faults[1].startswith("b.parquet: can't be read (No such file")


@pytest.mark.parametrize("fault", ["missing version", "deletion vector", "no JSON", "odd action"])
def test_a_delta_table_whose_log_can_not_be_followed_is_refused_rather_than_read_wrongly(
    fault: str, tmp_path: Path, read: Read
) -> None:
    part(tmp_path / "a.parquet", "N-a")
    commit(tmp_path, 0, add("a.parquet"))
    if fault == "missing version":
        commit(tmp_path, 2, remove("a.parquet"))
    elif fault == "deletion vector":
        commit(tmp_path, 1, add("a.parquet", deletionVector={"storageType": "u"}))
    elif fault == "no JSON":
        (tmp_path / "_delta_log" / f"{1:020}.json").write_text('{"add": {"pa')
    else:
        commit(tmp_path, 1, {"remove": None})
    with pytest.raises(InputError, match="Delta") as error:
        read(tmp_path)
    assert str(tmp_path) in str(error.value)
