"""The OMOP tables load into a database made from the model's own definition: nothing blank that may not be, keys unique, references kept."""

import csv
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from exported_study import Study
from hostile_study import hostile

from abstractor.exports.codes import read_codes
from abstractor.exports.omop_tables import OmopCodes, columns_of
from abstractor.registry.engine import Registry
from abstractor.rulebook.book import RuleBook

MODEL: dict[str, str] = tomllib.loads((Path(__file__).parent / "omop_54.toml").read_text())
KEYLESS = ("death", "episode_event")
"""Tables that others don't point to; `death` has a row a person."""
REFERENCES = {"person_id": "person", "note_id": "note", "episode_id": "episode", "episode_parent_id": "episode"}
EVENTS = {
    "1147127": ("condition_occurrence", "condition_occurrence_id"),
    "1147094": ("drug_exposure", "drug_exposure_id"),
    "1147138": ("measurement", "measurement_id"),
}


def columns(table: str) -> list[tuple[str, bool]]:
    return [(name.rstrip("*"), name.endswith("*")) for name in MODEL[table].split()]


def kind(column: str) -> str:
    """Whole numbers, days and numbers are checked by the database; all else is text."""
    if column.endswith("_date"):
        return f'TEXT CHECK ("{column}" IS NULL OR "{column}" = date("{column}"))'
    if column.endswith("_id") or column.startswith(("year_", "month_", "day_")) or column == "episode_number":
        return f"INTEGER CHECK (typeof(\"{column}\") IN ('integer', 'null'))"
    return "REAL" if column == "value_as_number" else "TEXT"


def ddl(table: str) -> str:
    names = columns(table)
    parts = [f'"{name}" {kind(name)}{" NOT NULL" if needed else ""}' for name, needed in names]
    if table not in KEYLESS:
        parts.append(f'PRIMARY KEY ("{names[0][0]}")')
    elif table == "death":
        parts.append("UNIQUE (person_id)")
    for name, _ in names:
        other = REFERENCES.get(name)
        if other and other != table:
            parts.append(f'FOREIGN KEY ("{name}") REFERENCES {other}')
    return f"CREATE TABLE {table} ({', '.join(parts)})"


@pytest.fixture
def odd(registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path) -> Study:
    return hostile(registry, make_rulebook("book"), tmp_path)


def loaded(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as database:
        for table in MODEL:
            database.execute(ddl(table))
        for path in sorted(folder.glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                lines = csv.reader(file)
                marks = ", ".join("?" * len(next(lines)))
                rows = ([cell or None for cell in line] for line in lines)
                database.executemany(f"INSERT INTO {path.stem.lower()} VALUES ({marks})", rows)  # noqa: S608
        yield database


def test_the_tables_are_described_as_the_model_has_them(study: Study) -> None:
    described = read_codes(study.rulebook.root, "omop", OmopCodes).tables
    assert {name.lower() for name in described} == MODEL.keys()
    for name, text in described.items():
        assert [(one.key, one.required) for one in columns_of(text)] == columns(name.lower()), name


@pytest.mark.parametrize("profile", ["identified", "limited", "deidentified"])
@pytest.mark.parametrize("name", ["study", "odd"])
def test_every_table_loads_and_every_reference_leads_somewhere(
    request: pytest.FixtureRequest, name: str, profile: str
) -> None:
    for database in loaded(request.getfixturevalue(name).export("omop", profile)):
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("SELECT count(*) FROM person").fetchone()[0] in (3, 27)
        assert database.execute(
            "SELECT count(*) FROM episode WHERE episode_end_date < episode_start_date"
        ).fetchone() == (0,)
        assert database.execute(
            "SELECT count(*) FROM drug_exposure WHERE drug_exposure_end_date < drug_exposure_start_date"
        ).fetchone() == (0,)
        for field, (table, key) in EVENTS.items():
            lost = database.execute(
                f"SELECT count(*) FROM episode_event WHERE episode_event_field_concept_id = ? AND event_id NOT IN (SELECT {key} FROM {table})",  # noqa: S608
                (field,),
            )
            assert lost.fetchone() == (0,), table
