"""Lists of patients: their ids as they stand, and no half of a list."""

from pathlib import Path

import pyarrow as arrow
import pytest
from pyarrow import parquet

from abstractor.model.errors import InputError
from abstractor.sources.patients import read_patients


@pytest.mark.parametrize(
    "content",
    [
        "patient_id\n007\nNA\n",
        "\ufeffname;patient_id\r\nx;007\r\n\r\ny;NA\r\n",
        '{"patient_id": "007", "reason": "histology"}\n\n{"patient_id": "NA"}\n',
    ],
)
def test_ids_are_text_and_other_columns_are_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(content.encode())
    assert read_patients(path) == {"007", "NA"}


def test_a_parquet_list_may_hold_numbers(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    parquet.write_table(arrow.table({"patient_id": [7, 8]}), path)
    assert read_patients(path) == {"7", "8"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no column 'patient_id'"),
        ("name\nx\n", "no column 'patient_id'; it has name"),
        ("patient_id\n", "names no patient"),
        ("name,patient_id\nx,1\ny,\n", "row 3: no patient_id"),
        ('patient_id\n1\n"2\n', "row 3: not readable as CSV"),
        ('{"patient_id": "1"}\n{"patient', "row 2: not JSON"),
        ('{"patient_id": null}\n', "row 1: no patient_id"),
        ("PAR1 and nothing else", "no Parquet file, or cut short"),
    ],
)
def test_a_list_that_is_not_whole_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_patients(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)


def test_a_list_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: can't be read"):
        read_patients(tmp_path / "nowhere.csv")
