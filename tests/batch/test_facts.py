"""Facts abstracted elsewhere: sound rows become decisions of source `import`, the others are named with their remedy."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.batch.facts import COLUMNS, ImportReport, import_facts
from abstractor.batch.records import cases
from abstractor.exports.facts import facts_csv
from abstractor.model.decision import Action, Decision
from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, decisions_of, record
from abstractor.registry.engine import Registry
from abstractor.registry.notes import add_notes
from abstractor.rulebook.schema import FieldSpec

Import = Callable[..., ImportReport]


@pytest.fixture
def take(registry: Registry, fields: dict[str, FieldSpec], tmp_path: Path) -> Import:
    """Imports rows, given as dictionaries by column."""

    def taken(*rows: dict[str, str], into: Registry = registry, columns: tuple[str, ...] = COLUMNS) -> ImportReport:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
        path = tmp_path / "facts.csv"
        path.write_bytes(out.getvalue().encode())
        return import_facts(into, path, fields, "mortiz", lambda: "2024-05-01T08:00:00.000+00:00")

    return taken


def row(field: str = "stage.valg", value: str = "limited", patient_id: str = "P1", **other: str) -> dict[str, str]:
    return {"patient_id": patient_id, "field": field, "value": value, **other}


def values(registry: Registry, patient_id: str = "P1") -> list[tuple[str, str]]:
    return [(fact.slot, fact.value) for fact in case_of(registry, patient_id).facts]


def test_three_columns_are_enough(registry: Registry, take: Import) -> None:
    report = take(row(), columns=("patient_id", "field", "value"))
    assert (report.rows, report.written, report.faults) == (1, 1, [])
    (fact,) = case_of(registry, "P1").facts
    assert (fact.field, fact.value, str(fact.assertion), fact.source, fact.decided_by) == (
        "stage.valg",
        "limited",
        "present",
        "import",
        "mortiz",
    )
    assert fact.decided_at == "2024-05-01T08:00:00.000+00:00"


def test_everything_a_row_says_is_kept(registry: Registry, take: Import) -> None:
    take(
        row(
            "radiotherapy",
            "thoracic",
            date="2024-03-01",
            end_date="2024-04",
            attributes='{"dose_gy": 45, "fractions": 30}',
            decided_by="kbauer",
            decided_at="2023-01-01T00:00:00+00:00",
        )
    )
    (fact,) = case_of(registry, "P1").facts
    assert (fact.slot, fact.date, fact.end_date) == ("radiotherapy:thoracic@2024-03-01", "2024-03-01", "2024-04")
    assert fact.attributes == {"dose_gy": 45, "fractions": 30}
    assert (fact.decided_by, fact.decided_at) == ("kbauer", "2023-01-01T00:00:00+00:00")


def test_attributes_may_be_written_as_pairs(registry: Registry, take: Import) -> None:
    take(row("radiotherapy", "pci", date="2024-03-01", attributes="dose_gy=25; fractions = 10"))
    assert case_of(registry, "P1").facts[0].attributes == {"dose_gy": "25", "fractions": "10"}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (row(patient_id=" "), "no patient_id"),
        (row("shoe_size", "44"), "unknown field 'shoe_size'; there are birth_date"),
        (row(value="tiny"), "stage.valg: the value can't be stored; write limited, extensive"),
        (row(value=""), "can't be stored"),
        (row("stage.t", "T9"), "can't be stored; write T2a"),
        (row("diagnosis_date", "2024-02-30"), "value is no date"),
        (row("diagnosis_date", "spring 2024"), "can't be stored"),
        (row(date="03/01/2024"), "date is no date; write 2021"),
        (row(end_date="later"), "end_date is no date"),
        (row(date="2024 or so"), "date is no date"),
        (row(assertion="maybe"), "unknown assertion; there are present, absent"),
        (row(attributes="{"), "attributes is neither a JSON object nor"),
        (row(attributes="[1]"), "attributes is no JSON object"),
        (row(note_id="N9", start="0", end="1"), "note N9 is not among the notes of patient P1"),
        (row(note_id="N1", start="0", end="x"), "no whole numbers"),
        (row(note_id="N1", start="5", end="5"), "lie outside note N1"),
        (row(note_id="N1", start="0", end="999"), "lie outside note N1 (22 characters)"),
        (row(note_id="N1", start="-3", end="2"), "lie outside note N1"),
        (row(patient_id="P2", note_id="N1", start="0", end="7"), "not among the notes of patient P2"),
    ],
)
def test_a_bad_row_is_named_and_the_sound_ones_are_taken(
    registry: Registry, take: Import, bad: dict[str, str], says: str
) -> None:
    add_notes(registry, [Note("N1", "Limited stage disease.", "P1")], "test")
    report = take(row("sex", "female"), bad, row("histology", "small_cell"))
    assert (report.rows, report.written) == (3, 2)
    (fault,) = report.faults
    assert fault.startswith("facts.csv: row 3: ")
    assert says in fault
    assert fault.endswith("; skipped")
    assert values(registry) == [("histology", "small_cell"), ("sex", "female")]


def test_all_bad_rows_are_named_in_one_go(take: Import) -> None:
    report = take(*(row(value=f"bad {number}") for number in range(5)))
    assert [fault.split(":")[1] for fault in report.faults] == [f" row {number}" for number in range(2, 7)]


@pytest.mark.parametrize("line", ["P1,sex", "P1,sex,female,present,x"])
def test_a_row_with_more_or_fewer_cells_is_named(
    registry: Registry, fields: dict[str, FieldSpec], tmp_path: Path, line: str
) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(f"patient_id,field,value,assertion\n{line}\n\nP1,histology,small_cell,\n")
    report = import_facts(registry, path, fields, "mortiz")
    assert report.written == 1
    assert report.faults == ["facts.csv: row 2: more or fewer cells than the header has; skipped"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"patient_id,field\nP1,sex\n", "no column value"),
        (b"patient_id,field,value,shoe\nP1,sex,female,44\n", "unknown column shoe"),
        (b"", "no column patient_id"),
        (b"\xff\xfe\x00", "not UTF"),
        (b'patient_id,field,value\nP1,sex,"fem', "row 2: not readable as CSV"),
        (b"x" * 200_000, "not readable as CSV"),
    ],
)
def test_a_file_that_is_none_is_one_line(
    registry: Registry, fields: dict[str, FieldSpec], tmp_path: Path, content: bytes, says: str
) -> None:
    csv.field_size_limit(131_072)
    path = tmp_path / "facts.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        import_facts(registry, path, fields, "mortiz")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="can't be read"):
        import_facts(registry, tmp_path / "none.csv", fields, "mortiz")


def test_the_same_file_twice_is_taken_once(registry: Registry, take: Import) -> None:
    rows = [row(), row("response", "PR", date="2024-03-01"), row("response", "SD", date="2024-03-01")]
    take(*rows)
    again = take(*rows)
    assert (again.written, again.known) == (0, 3)
    assert len(decisions_of(registry, "P1")) == 3


def test_a_row_that_stands_twice_in_a_file_is_one_fact(registry: Registry, take: Import) -> None:
    report = take(row("response", "PR", date="2024-03-01"), row("response", "PR", date="2024-03-01"))
    assert (report.written, report.faults) == (1, [])


def test_two_readers_of_one_day_are_two_facts(registry: Registry, take: Import) -> None:
    take(row("response", "PR", date="2024-03-01"), row("response", "SD", date="2024-03-01"))
    assert values(registry) == [("response@2024-03-01", "PR"), ("response@2024-03-01#2", "SD")]


def test_two_values_of_what_has_only_one_are_a_fault(registry: Registry, take: Import) -> None:
    report = take(row(value="limited"), row(value="extensive"))
    assert "stands in another row with another value" in report.faults[0]
    assert values(registry) == [("stage.valg", "limited")]


def test_what_was_decided_in_review_is_never_overridden_by_an_import(registry: Registry, take: Import) -> None:
    take(row(value="limited"))
    decided = Decision(
        "by-hand",
        "P1",
        "stage.valg",
        Action.EDIT,
        "rchen",
        "2024-05-02T08:00:00.000+00:00",
        field="stage.valg",
        value="extensive",
    )
    record(registry, decided, seen=1)
    report = take(row(value="limited"), row(field="sex", value="female"))
    assert report.faults == [
        "facts.csv: row 2: stage.valg of patient P1 was decided otherwise by rchen in review; "
        "change it there if the file is right; skipped"
    ]
    assert values(registry) == [("sex", "female"), ("stage.valg", "extensive")]
    again = take(row(value="extensive"))
    assert (again.written, again.known, again.faults) == (0, 1, [])


def test_present_and_absent_are_two_facts(registry: Registry, take: Import) -> None:
    take(row("metastasis", "liver"), row("metastasis", "liver", assertion="absent"))
    assert [slot for slot, _ in values(registry)] == ["metastasis:liver", "metastasis:liver:absent"]


def test_a_date_field_may_say_its_date_in_either_column(registry: Registry, take: Import) -> None:
    take(row("diagnosis_date", "", date="2024-03"), row("death_date", "2024-09-01"))
    assert [(fact.field, fact.value, fact.date) for fact in case_of(registry, "P1").facts] == [
        ("death_date", "2024-09-01", "2024-09-01"),
        ("diagnosis_date", "2024-03", "2024-03"),
    ]


def test_the_words_a_row_points_at_become_its_evidence(registry: Registry, take: Import) -> None:
    note = Note("N1", "\U0001f9ec Limited stage disease.", "P1", "2024-03-01", "clinic")
    add_notes(registry, [note], "test")
    take(row(note_id="N1", start="2", end="9"), row("sex", "female", note_id="N1"))
    facts = {fact.field: fact for fact in case_of(registry, "P1").facts}
    (evidence,) = facts["stage.valg"].evidence
    assert (evidence.text, evidence.note_sha256, evidence.note_date) == ("Limited", note.sha256, "2024-03-01")
    assert facts["sex"].evidence == ()


def said(fact: Fact) -> tuple[object, ...]:
    """What a fact says, whoever brought it."""
    return (
        fact.patient_id,
        fact.field,
        fact.value,
        fact.assertion,
        fact.date,
        fact.end_date,
        dict(fact.attributes),
        fact.decided_by,
        fact.decided_at,
    )


ids = st.text(st.sampled_from("=+-@'\t P1é,\"\n"), min_size=1, max_size=6).filter(lambda text: text.strip() == text)
written = st.fixed_dictionaries(
    {
        "patient_id": ids,
        "field": st.sampled_from(["variant", "response", "systemic_therapy", "metastasis", "radiotherapy"]),
        "date": st.sampled_from(["", "2024", "2024-03", "2024-03-01"]),
        "attributes": st.sampled_from(["", '{"a": ["=1", "é"], "b": 2.5, "c": true}', "x=-1"]),
        "assertion": st.sampled_from(["present", "absent"]),
        "decided_by": st.sampled_from(["", "kbauer", "=cmd()", "'quoted", "''=", "-1"]),
    }
)
VALUES = {
    "variant": "TP53 p.R175H",
    "response": "PR",
    "systemic_therapy": "=carboplatin",
    "metastasis": "liver",
    "radiotherapy": "pci",
}


@settings(max_examples=15)
@given(st.lists(written, max_size=6))
def test_exported_facts_are_imported_as_the_same_facts(
    empty_registry_file: Path,
    fields: dict[str, FieldSpec],
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, str]],
) -> None:
    from abstractor.registry.engine import open_registry

    folder = tmp_path_factory.mktemp("round")
    facts: list[list[Fact]] = []
    exported = ""
    for name in ("one", "two"):
        path = folder / f"{name}.db"
        path.write_bytes(empty_registry_file.read_bytes())
        registry = open_registry(str(path))
        source = folder / "facts.csv"
        if name == "one":
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({**one, "value": VALUES[one["field"]]} for one in rows)
            # as a spreadsheet-safe export would have written it
            source.write_bytes(out.getvalue().encode())
        else:
            source.write_text(exported, encoding="utf-8", newline="")
        report = import_facts(registry, source, fields, "mortiz", lambda: "2024-05-01T08:00:00+00:00")
        assert report.faults == []
        facts.append([fact for case in cases(registry) for fact in case.facts])
        exported = facts_csv(facts[-1])
        registry.close()
    one, two = (sorted(map(repr, map(said, some))) for some in facts)
    assert one == two


def test_the_export_has_the_columns_of_the_import() -> None:
    assert COLUMNS == COLUMNS
