"""Table 1 against counts and quartiles worked out by hand."""

import datetime

import pandas as pd
import pytest

from abstractor.model.errors import InputError
from abstractor.outcomes.cohort import analyse
from abstractor.outcomes.disclosure import withhold
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.table_one import TableOne, baseline_table, table_one

COLUMNS = ("age_at_index", "sex", "ecog")


def rows() -> list[dict[str, object]]:
    """Twelve patients: 8 extensive, 3 limited, 1 without a stage."""
    stages = ["extensive"] * 8 + ["limited"] * 3 + [None]
    ages = [60, 62, 64, 66, 68, 70, 72, None, 50, 60, 70, 55]
    sexes = ["male"] * 6 + ["female"] * 2 + ["female"] * 3 + [None]
    ecogs = [0, 0, 1, 1, 1, 2, 2, None, 0, 0, 1, 1]
    return [
        {"patient_id": f"P{place:02d}", "stage_valg": stage, "age_at_index": age, "sex": sex, "ecog": ecog}
        for place, (stage, age, sex, ecog) in enumerate(zip(stages, ages, sexes, ecogs, strict=True))
    ]


def cells(table: TableOne) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(row.variable, row.level): row.cells for row in table.rows}


def test_counts_and_quartiles_are_those_worked_out_by_hand() -> None:
    table = table_one(rows(), by="stage_valg", columns=COLUMNS)
    assert table.header == ("variable", "level", "all", "limited", "extensive", "not known")
    found = cells(table)
    assert found["patients", ""] == ("12", "3", "8", "1")
    # Extensive 60 62 64 66 68 70 72: median 66, quartiles 63 and 69.
    assert found["age, years", "median [quartiles]"][1:3] == ("60.0 [55.0, 65.0]", "66.0 [63.0, 69.0]")
    assert found["age, years", "not known"] == ("1 (8.3)", "0 (0.0)", "1 (12.5)", "0 (0.0)")
    assert found["sex", "female"] == ("5 (41.7)", "3 (100.0)", "2 (25.0)", "0 (0.0)")
    assert found["sex", "not known"] == ("1 (8.3)", "0 (0.0)", "0 (0.0)", "1 (100.0)")
    assert found["ECOG", "0"] == ("4 (33.3)", "2 (66.7)", "2 (25.0)", "0 (0.0)")
    assert [level for variable, level in found if variable == "ECOG"] == ["0", "1", "2", "not known"]


def test_there_are_no_p_values_unless_asked_for() -> None:
    plain = table_one(rows(), by="stage_valg", columns=COLUMNS)
    assert "p" not in plain.header
    tested = table_one([one for one in rows() if one["stage_valg"]], by="stage_valg", columns=COLUMNS, p_values=True)
    assert tested.header[-1] == "p"
    assert float(cells(tested)["sex", "female"][-1]) < 0.2
    assert cells(tested)["sex", "male"][-1] == ""


def test_without_groups_there_is_one_column() -> None:
    table = table_one(rows(), by=None, columns=COLUMNS)
    assert table.header == ("variable", "level", "all")
    assert cells(table)["patients", ""] == ("12",)


def test_a_table_of_pandas_gives_the_same() -> None:
    assert table_one(pd.DataFrame(rows()), by="stage_valg", columns=COLUMNS) == table_one(
        rows(), by="stage_valg", columns=COLUMNS
    )


def test_a_small_count_can_not_be_worked_out_from_the_rest() -> None:
    table = table_one(rows(), by="stage_valg", columns=("sex",), least=3)
    found = cells(table)
    assert found["sex", "female"][2] == "<3"
    # 8 extensive less 6 men would be the 2 women: so the men go too, or the number of the extensive.
    assert "withheld" in (found["sex", "male"][2], found["patients", ""][2])
    assert "(25.0)" not in table.text()
    assert not table.counts


def test_the_median_of_few_is_withheld() -> None:
    table = table_one(rows(), by="stage_valg", columns=("age_at_index",), least=4)
    assert cells(table)["age, years", "median [quartiles]"][1] == "withheld"


def test_counts_can_be_withheld_together_with_those_of_a_report() -> None:
    table = table_one(rows(), by="stage_valg", columns=COLUMNS)
    assert {one.id: len(one.patients) for one in table.counts}["table1.sex.female.limited"] == 3
    hidden = table.hide(withhold(table.counts, 5), 5)
    assert cells(hidden)["sex", "female"][1] == "<5"
    assert hidden == table_one(rows(), by="stage_valg", columns=COLUMNS, least=5)


def test_a_column_nobody_has_a_value_of_stays_in_the_table() -> None:
    given = [{**one, "pack_years": None} for one in rows()]
    assert (
        cells(table_one(given, by="stage_valg", columns=("pack_years",)))["pack-years", "not known"][0] == "12 (100.0)"
    )


def test_a_group_without_any_number_has_no_median() -> None:
    given = [{**one, "age_at_index": None if one["stage_valg"] == "limited" else one["age_at_index"]} for one in rows()]
    assert (
        cells(table_one(given, by="stage_valg", columns=("age_at_index",)))["age, years", "median [quartiles]"][1]
        == "–"
    )


@pytest.mark.parametrize(
    ("given", "columns", "told"),
    [
        (rows(), ("weight",), "no column weight; there are patient_id"),
        ([*rows(), rows()[0]], ("sex",), "patient P00 comes twice"),
        ([], ("sex",), "no column"),
    ],
)
def test_what_can_not_be_described_is_refused(
    given: list[dict[str, object]], columns: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        table_one(given, by=None, columns=columns)


def test_the_baseline_of_an_analysis_has_its_groups_and_the_genes_with_a_result(cohort: list[PatientRecord]) -> None:
    analysis = analyse(cohort, Protocol(), datetime.date(2023, 6, 30))
    table = baseline_table(analysis)
    assert table is not None
    found = cells(table)
    assert found["patients", ""] == ("4", "2", "1", "1")
    assert found["TP53", "altered"] == ("2 (50.0)", "1 (50.0)", "0 (0.0)", "1 (100.0)")
    assert ("PTEN", "altered") not in found
    assert table.records()[0] == {
        "variable": "patients", "level": "", "all": "4", "limited": "2", "extensive": "1", "not known": "1",
    }  # fmt: skip
    assert "  altered" in table.text()


def test_nobody_analysed_gives_no_table() -> None:
    assert baseline_table(analyse([], Protocol(), datetime.date(2023, 6, 30))) is None
