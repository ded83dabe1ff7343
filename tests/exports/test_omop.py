"""OMOP 5.4: columns as the model has them, ids that lead somewhere, notes with offsets that match."""

import csv
from pathlib import Path

import pytest
from exported_study import FULL, TEXT, Study

from abstractor.exports.codes import read_codes
from abstractor.exports.omop_tables import OmopCodes, columns_of

NOTE = [
    "note_id", "person_id", "note_date", "note_datetime", "note_type_concept_id", "note_class_concept_id", "note_title", "note_text",
    "encoding_concept_id", "language_concept_id", "provider_id", "visit_occurrence_id", "visit_detail_id", "note_source_value",
    "note_event_id", "note_event_field_concept_id",
]  # fmt: skip
EPISODE = [
    "episode_id", "person_id", "episode_concept_id", "episode_start_date", "episode_start_datetime", "episode_end_date",
    "episode_end_datetime", "episode_parent_id", "episode_number", "episode_object_concept_id", "episode_type_concept_id",
    "episode_source_value", "episode_source_concept_id",
]  # fmt: skip


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def written(study: Study) -> Path:
    return study.export("omop", "identified")


@pytest.fixture
def person(written: Path) -> str:
    """The id of the patient with nearly everything."""
    (found,) = [row["person_id"] for row in table(written / "PERSON.csv") if row["person_source_value"] == FULL]
    return found


def of(written: Path, name: str, person: str) -> list[dict[str, str]]:
    return [row for row in table(written / f"{name}.csv") if row["person_id"] == person]


def test_columns_stand_in_the_order_of_the_model_and_offset_in_quotes(written: Path) -> None:
    assert list(table(written / "NOTE.csv")[0]) == NOTE
    assert list(table(written / "EPISODE.csv")[0]) == EPISODE
    assert ',snippet,"offset",lexical_variant,' in (written / "NOTE_NLP.csv").read_text().split("\n")[0]


def test_what_is_required_is_there_and_no_text_is_longer_than_its_column(study: Study, written: Path) -> None:
    codes = read_codes(study.rulebook.root, "omop", OmopCodes)
    for name, described in codes.tables.items():
        for row in table(written / f"{name}.csv"):
            for column in columns_of(described):
                cell = row[column.key]
                assert cell or not column.required, f"{name}.{column.key}"
                assert column.length is None or len(cell) <= column.length


def test_a_text_too_long_is_cut_and_a_missing_required_value_is_a_fault() -> None:
    short, needed = columns_of("a varchar50\nb ! integer")
    assert short.cell("x" * 60) == "x" * 50
    with pytest.raises(ValueError, match="b is required"):
        needed.cell(None)


def test_the_person_is_born_when_it_was_and_dies_once(written: Path, person: str) -> None:
    (row,) = of(written, "PERSON", person)
    assert (row["gender_concept_id"], row["year_of_birth"], row["month_of_birth"], row["day_of_birth"]) == (
        "8507",
        "1950",
        "2",
        "1",
    )
    (death,) = of(written, "DEATH", person)
    assert death["death_date"] == "2024-09-30"


def test_the_disease_the_line_and_the_progression_are_episodes_of_the_patient(written: Path, person: str) -> None:
    episodes = {row["episode_concept_id"]: row for row in of(written, "EPISODE", person)}
    disease, line, progression = episodes["32533"], episodes["32531"], episodes["32677"]
    assert disease["episode_start_date"] == "2024-01-10"
    assert (line["episode_number"], line["episode_source_value"]) == ("1", "carboplatin+etoposide")
    assert (line["episode_start_date"], line["episode_end_date"]) == ("2024-01-25", "2024-04-25")
    assert line["episode_parent_id"] == progression["episode_parent_id"] == disease["episode_id"]
    assert progression["episode_start_date"] == "2024-07-01"


def test_every_event_of_an_episode_exists(written: Path, person: str) -> None:
    events = {"1147127": "CONDITION_OCCURRENCE", "1147094": "DRUG_EXPOSURE", "1147138": "MEASUREMENT"}
    ids = {
        field: {next(iter(row.values())) for row in table(written / f"{name}.csv")} for field, name in events.items()
    }
    links = table(written / "EPISODE_EVENT.csv")
    assert all(link["event_id"] in ids[link["episode_event_field_concept_id"]] for link in links)
    (line,) = [row["episode_id"] for row in of(written, "EPISODE", person) if row["episode_concept_id"] == "32531"]
    assert [link["episode_event_field_concept_id"] for link in links if link["episode_id"] == line] == ["1147094"]


def test_stage_and_spread_are_measurements_that_point_to_the_condition(written: Path, person: str) -> None:
    (condition,) = of(written, "CONDITION_OCCURRENCE", person)
    rows = of(written, "MEASUREMENT", person)
    assert {row["measurement_event_id"] for row in rows} == {condition["condition_occurrence_id"]}
    told = {row["value_source_value"]: row for row in rows}
    assert told["liver"]["value_as_concept_id"] == "4181412"
    assert told["brain absent"]["value_as_concept_id"] == "4132135"
    assert told["extensive"]["measurement_source_value"] == "stage.valg"
    (ecog,) = [row for row in rows if row["measurement_source_value"] == "LOINC:89247-1"]
    assert (ecog["value_as_number"], ecog["measurement_date"]) == ("1", "2024-01-20")


def test_found_words_stand_in_the_note_where_the_offset_says(written: Path) -> None:
    (note,) = table(written / "NOTE.csv")
    assert note["note_text"] == TEXT
    found = table(written / "NOTE_NLP.csv")
    for row in found:
        start = int(row["offset"])
        assert note["note_text"][start : start + len(row["lexical_variant"])] == row["lexical_variant"]
        assert row["note_id"] == note["note_id"]
        assert len(row["snippet"]) <= 250
        assert row["lexical_variant"] in row["snippet"]


def test_a_term_exists_only_where_it_is_asserted_of_the_patient_now(written: Path) -> None:
    found = {row["lexical_variant"]: row for row in table(written / "NOTE_NLP.csv")}
    liver, brain = found["metastases in the liver"], found["No brain\nmetastases"]
    assert (liver["term_exists"], brain["term_exists"]) == ("Y", "N")
    assert "confirmed=yes" in liver["term_modifiers"]
    assert "confirmed=no" in brain["term_modifiers"]
    assert "rule=r1;rulebook=book" in liver["term_modifiers"]


def test_what_has_no_place_is_counted_and_not_silently_lost(written: Path) -> None:
    told = (written / "LEFT_OUT.txt").read_text()
    assert "2 notes without a date" in told
    assert "1 persons without a year of birth" in told


def test_only_an_identified_export_has_notes(study: Study) -> None:
    written = study.export("omop", "limited")
    assert not (written / "NOTE.csv").exists()
    assert not (written / "NOTE_NLP.csv").exists()
    assert (written / "MEASUREMENT.csv").exists()
