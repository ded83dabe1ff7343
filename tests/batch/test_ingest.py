"""Sources into the registry: what can be read is stored, what can't is told."""

from pathlib import Path

from abstractor.batch.ingest import ingest
from abstractor.registry.engine import Registry
from abstractor.registry.notes import all_notes, note_text
from abstractor.sources.reading import ReadOptions

OPTIONS = ReadOptions()
CANARY = "Xanthippe"


def csv_file(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["note_id,patient_id,text", *rows]) + "\n")
    return path


def test_notes_of_several_sources_meet_in_one_registry(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "P1").mkdir(parents=True)
    (folder / "P1" / "N1.txt").write_bytes(b"one\r\n")
    report = ingest(registry, [folder, csv_file(tmp_path / "a.csv", "N2,P1,two", "N3,P2,three")], OPTIONS)
    assert (report.added, report.faults) == (3, [])
    assert note_text(registry, "N1") == "one\r\n"
    assert [note.patient_id for note in all_notes(registry)] == ["P1", "P1", "P2"]


def test_the_same_load_twice_adds_nothing(registry: Registry, tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", "N1,P1,one", "N2,P1,two")
    ingest(registry, [path], OPTIONS)
    again = ingest(registry, [path, path], OPTIONS)
    assert (again.added, again.known, again.versions, again.faults) == (0, 4, 0, [])


def test_a_path_that_can_not_be_read_is_one_fault_and_the_others_are_read(registry: Registry, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("other,columns\n")
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    sound = csv_file(tmp_path / "a.csv", "N1,P1,one")
    report = ingest(registry, [tmp_path / "none.csv", bad, empty, sound], OPTIONS)
    assert report.added == 1
    assert [Path(fault.split(":")[0]).name for fault in report.faults] == ["none.csv", "bad.csv", "empty.jsonl"]


def test_one_id_with_two_texts_in_one_load_is_told_by_name_and_never_by_text(
    registry: Registry, tmp_path: Path
) -> None:
    one = csv_file(tmp_path / "a.csv", "N1,P1,one")
    other = csv_file(tmp_path / "b.csv", f"N1,P1,{CANARY}")
    report = ingest(registry, [one, other], OPTIONS)
    assert (report.added, report.versions) == (1, 1)
    (fault,) = report.faults
    assert fault.startswith("b.csv: note N1 stands twice")
    assert CANARY not in fault
    assert note_text(registry, "N1") == CANARY


def test_a_new_version_in_a_later_load_is_no_fault(registry: Registry, tmp_path: Path) -> None:
    ingest(registry, [csv_file(tmp_path / "a.csv", "N1,P1,one")], OPTIONS)
    report = ingest(registry, [csv_file(tmp_path / "b.csv", "N1,P1,two")], OPTIONS)
    assert (report.added, report.versions, report.faults) == (0, 1, [])


def test_a_note_of_another_patient_is_a_fault(registry: Registry, tmp_path: Path) -> None:
    ingest(registry, [csv_file(tmp_path / "a.csv", "N1,P1,one")], OPTIONS)
    report = ingest(registry, [csv_file(tmp_path / "b.csv", f"N1,P2,{CANARY}", "N2,P2,two")], OPTIONS)
    assert report.added == 1
    assert len(report.faults) == 1
    assert CANARY not in report.faults[0]


def test_a_long_file_is_stored_in_chunks_without_losing_a_note(registry: Registry, tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", *(f"N{number},P{number % 7},text {number}" for number in range(1203)))
    done: list[int] = []
    report = ingest(registry, [path], OPTIONS, progress=lambda count, _total: done.append(count))
    assert report.added == 1203
    assert done == [500, 1000, 1203]
    assert len(all_notes(registry)) == 1203
