"""Findings out: the same rows in every form."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from abstractor.exports import findings as exports
from abstractor.exports.findings import write_findings
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


def test_a_folder_holds_parts_that_together_are_the_rows(
    found: list[Finding], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_PART", 2)
    assert write_findings(found, tmp_path / "out") == 3
    assert names(tmp_path / "out") == ["part-00000.jsonl", "part-00001.jsonl"]
    parts = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "out").iterdir())]
    rows = [json.loads(line) for line in "".join(parts).split("\n") if line]
    assert rows == [one.row() for one in found]


def test_parts_of_an_earlier_longer_run_do_not_stay_among_the_new_ones(
    found: list[Finding], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_PART", 1)
    write_findings(found, tmp_path)
    (tmp_path / "README").write_text("mine")
    write_findings(found[:1], tmp_path)
    assert names(tmp_path) == ["README", "part-00000.jsonl"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet", "out"])
def test_no_findings_are_an_empty_output_not_a_missing_one(name: str, tmp_path: Path) -> None:
    assert write_findings([], tmp_path / name) == 0
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.txt"])
def test_an_unknown_ending_is_one_line_and_writes_nothing(found: list[Finding], tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.jsonl, \.parquet, or to a folder"):
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
