"""Files appear whole or not at all, and no cell of them is a formula."""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.files import plain_cell, safe_cell, whole_file
from abstractor.model.errors import InputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, *pieces: str, then: type[BaseException] | None = None) -> None:
    """Writes a file in pieces, and fails at the end if it is told to."""
    with whole_file(path) as file:
        for piece in pieces:
            file.write(piece)  # type: ignore[call-overload]
        if then is not None:
            raise then


def test_a_file_takes_the_place_of_the_old_one_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("old")
    with whole_file(path) as file:
        file.write("new\r\n")  # type: ignore[call-overload]
        assert path.read_text() == "old"
    assert path.read_bytes() == b"new\r\n"
    assert names(tmp_path) == ["figures.json"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, MemoryError])
def test_a_failure_in_between_leaves_the_old_file_and_no_draft(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "figures.json"
    path.write_text("old")
    with pytest.raises(failure):
        write(path, "half", then=failure)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["figures.json"]


def test_a_failure_at_the_first_writing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        write(tmp_path / "a" / "figures.json", "half", then=LookupError)
    assert names(tmp_path / "a") == []


def test_files_are_their_owners_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with whole_file(tmp_path / "facts.csv") as file:
            file.write("x")  # type: ignore[call-overload]
    finally:
        os.umask(before)
    assert (tmp_path / "facts.csv").stat().st_mode & 0o777 == 0o600


def test_a_place_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.csv", tmp_path / "file" / "b" / "a.csv", tmp_path / "folder"):
        with pytest.raises(InputError, match="can't be written") as error, whole_file(path):
            pass
        assert "\n" not in str(error.value)
    assert names(tmp_path) == ["file", "folder"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only the superuser may mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a small disk can't be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_leaves_the_old_file(small_disk: Path) -> None:
    path = small_disk / "facts.csv"
    path.write_text("old")
    with pytest.raises(InputError, match="can't be written"):
        write(path, *["x" * 1000] * 1000)
    assert path.read_text() == "old"
    assert names(small_disk) == ["facts.csv"]


@pytest.mark.parametrize("cell", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "'=1", "''@x"])
def test_what_a_spreadsheet_would_compute_becomes_text(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["", "1", "-1", "+2.5", "-1e3", "2024-03-01", "P1", "'quoted'", "a=b", " =1", ">90", "<1"]
)
def test_what_is_none_stays_as_it_is(cell: str) -> None:
    assert safe_cell(cell) == cell


def test_nothing_is_a_blank_cell() -> None:
    assert safe_cell(None) == ""
    assert safe_cell(0) == "0"


@given(st.one_of(st.text(), st.text(st.sampled_from("=+-@'\t\r1a"))))
def test_a_cell_is_read_back_as_it_was(text: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["x", safe_cell(text)])
    (row,) = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert plain_cell(row[1]) == text
