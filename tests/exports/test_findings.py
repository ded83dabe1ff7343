"""Findings out: the same rows in every form."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from abstractor.exports.findings import FORMATS, write_findings
from abstractor.model.errors import InputError
from abstractor.model.finding import Finding
from abstractor.model.note import Note

COLUMNS = [
    "note_id", "patient_id", "note_date", "note_type", "field", "value", "assertion", "start", "end", "text", "section",
    "date", "date_precision", "date_source", "attributes", "rule", "rulebook", "confidence",
]  # fmt: skip
"""As INTERFACE.md has them."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def found(found_in: Callable[..., Finding]) -> list[Finding]:
    one = Note("N1", "Limited stage \U0001f9ec, cT2a.\r\nPR", "P1", "2024-03-01", "clinic")
    two = Note("007", "=PD \x00 \u2028 'é'", "NA", None, "other")
    return [
        found_in(
            one, "cT2a", "stage.t", "T2a", attributes={"prefix": "c", "list": ["é", 1.5, None]}, section="impression"
        ),
        found_in(one, "\r\nPR", "response", "PR", date="2024-03", date_precision="month", date_source="stated"),
        found_in(two, "=PD \x00 \u2028 'é'", "response", "PD", "absent"),
    ]


def test_a_line_of_json_is_a_findings_row(found: list[Finding], tmp_path: Path) -> None:
    assert write_findings(found, tmp_path / "out.jsonl") == 3
    lines = (tmp_path / "out.jsonl").read_bytes().decode().split("\n")
    assert lines.pop() == ""
    rows = [json.loads(line) for line in lines]
    assert rows == [one.row() for one in found]
    assert all(list(row) == COLUMNS for row in rows)


def test_parquet_has_the_same_rows_and_columns(found: list[Finding], tmp_path: Path) -> None:
    assert write_findings(found, tmp_path / "out.parquet") == 3
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == COLUMNS
    rows = table.to_pylist()
    for row in rows:
        row["attributes"] = json.loads(row["attributes"])
    assert rows == [one.row() for one in found]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_files_put_together_hold_the_rows_of_all(found: list[Finding], tmp_path: Path, suffix: str) -> None:
    form = FORMATS[suffix]
    for name, part in (("a", found[:1]), ("b", []), ("c", found[1:])):
        write_findings(part, tmp_path / f"{name}{suffix}")
    with (tmp_path / f"all{suffix}").open("wb") as file:
        form.join([tmp_path / f"{name}{suffix}" for name in "abc"], file)
    assert list(form.rows(tmp_path / f"all{suffix}")) == [one.row() for one in found]


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_no_findings_are_an_empty_output_not_a_missing_one(name: str, tmp_path: Path) -> None:
    assert write_findings([], tmp_path / name) == 0
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.txt", "out"])
def test_an_unknown_ending_is_one_line_and_writes_nothing(found: list[Finding], tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"ending in \.jsonl, \.parquet"):
        write_findings(found, tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_reader_that_fails_in_between_leaves_the_old_output(found: list[Finding], tmp_path: Path, name: str) -> None:
    write_findings(found, tmp_path / name)
    before = (tmp_path / name).read_bytes()

    def failing() -> object:
        yield found[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_findings(failing(), tmp_path / name)  # type: ignore[arg-type]
    assert (tmp_path / name).read_bytes() == before
    assert names(tmp_path) == [name]


def test_the_same_findings_give_the_same_bytes(found: list[Finding], tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.parquet"):
        write_findings(found, tmp_path / name)
        before = (tmp_path / name).read_bytes()
        write_findings(found, tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
