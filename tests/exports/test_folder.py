"""An export appears whole or not at all, replaces only an export, and is its owner's alone."""

import csv
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from exported_study import Study

from abstractor.exports.folder import MANIFEST, Folder, Written, whole_folder
from abstractor.model.errors import InputError, RegistryError
from abstractor.registry.engine import Registry
from abstractor.registry.exportlog import exports


def finish(written: tuple[Written, ...]) -> Mapping[str, object]:
    return {one.name: one.rows for one in written}


def _break_off(folder: Folder) -> None:
    folder.text("a.txt", "second")
    raise ZeroDivisionError


def _fill_up(folder: Folder) -> None:
    (folder.path / "full").symlink_to("/dev/full")
    with (folder.path / "full").open("w") as file:
        file.write("x" * 100_000)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_there_when_it_is_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    out = tmp_path / "export"
    with whole_folder(out, finish) as folder:
        folder.table("a.csv", ["x"]).write({"x": "=1+1"})
        folder.text("sub/b.txt", "b\n", rows=1)
        assert not out.exists()
    assert names(tmp_path) == ["export"]
    assert (out / "a.csv").read_text() == "x\n'=1+1\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()} == {0o600}


def test_what_fails_leaves_the_earlier_export_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "export"
    with whole_folder(out, finish) as folder:
        folder.text("a.txt", "first")
    with pytest.raises(ZeroDivisionError), whole_folder(out, finish) as folder:
        _break_off(folder)
    assert (out / "a.txt").read_text() == "first"
    with whole_folder(out, finish) as folder:
        folder.text("b.txt", "third")
    assert names(out) == ["b.txt", MANIFEST]
    assert names(tmp_path) == ["export"]


def test_what_is_no_export_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(InputError, match="something else than an export"), whole_folder(tmp_path, finish):
        pass
    assert names(tmp_path) == ["thesis.doc"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    told = pytest.raises(InputError, match=r"export: can't be written \(No space left on device\)")
    with told, whole_folder(tmp_path / "export", finish) as folder:
        _fill_up(folder)
    assert names(tmp_path) == []


def test_what_a_killed_export_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from abstractor.exports.folder import whole_folder\n"
        "with whole_folder(pathlib.Path(sys.argv[1]), lambda written: {}) as folder:\n"
        "    folder.text('patients.csv', 'names')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "export")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    with whole_folder(tmp_path / "export", finish) as folder:
        folder.text("a.txt", "a")
    assert names(tmp_path) == ["export"]


def test_what_cannot_be_logged_does_not_leave(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RegistryError("the registry is busy")

    monkeypatch.setattr("abstractor.exports.run.log_export", refuse)
    with pytest.raises(RegistryError):
        study.export("naaccr")
    assert not (study.folder / "naaccr").exists()
    assert exports(study.registry) == ()


def test_a_carriage_return_in_a_cell_is_read_back(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "export", finish) as folder:
        folder.table("a.csv", ["x", "y"], safe=False).write({"x": "a\rb", "y": 'c"\nd'})
    with (tmp_path / "export" / "a.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["x", "y"], ["a\rb", 'c"\nd']]


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="name another folder"), whole_folder(tmp_path / "file" / "export", finish):
        pass
    assert names(tmp_path) == ["file"]


def test_the_log_of_exports_is_only_added_to(study: Study, registry: Registry) -> None:
    study.export("naaccr")
    for statement in ("UPDATE export_log SET exported_by = 'nobody'", "DELETE FROM export_log"):
        with pytest.raises(RegistryError), registry.write() as connection:
            connection.exec_driver_sql(statement)
    assert [one.exported_by for one in exports(registry)] == ["mortiz"]
