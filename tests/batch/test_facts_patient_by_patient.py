"""A file of facts is taken patient by patient: a patient who is signed, or an import that is cut short, costs no other."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from abstractor.batch import facts
from abstractor.batch.facts import ImportReport, import_rows
from abstractor.cli.main import cli
from abstractor.model.decision import Action, Decision
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of, record
from abstractor.registry.engine import Registry, utc_now
from abstractor.registry.notes import add_notes
from abstractor.registry.signatures import sign, unlock
from abstractor.rulebook.schema import FieldSpec

PATIENTS = ("P1", "P2", "P3", "P4")
FACTS = (("sex", "female"), ("stage.valg", "limited"), ("histology", "small_cell"))
Import = Callable[..., ImportReport]


@pytest.fixture
def take(registry: Registry, fields: dict[str, FieldSpec]) -> Import:
    """Imports three facts of every patient; the patients take turns, as in a file that is sorted by field."""

    def taken(clock: Callable[[], str] = utc_now) -> ImportReport:
        pairs = [(patient_id, *fact) for fact in FACTS for patient_id in PATIENTS]
        rows = [
            (line, dict(zip(("patient_id", "field", "value"), row, strict=True))) for line, row in enumerate(pairs, 2)
        ]
        return import_rows(registry, "facts.csv", rows, fields, "kbauer", clock)

    return taken


@pytest.fixture
def signed(registry: Registry) -> Registry:
    """P2 is closed and signed."""
    add_notes(registry, [Note("N1", "Limited stage disease.", "P2")], "test")
    record(registry, by_hand("P2", "", Action.CLOSE), seen=0)
    sign(registry, "P2", "abstracted", "mortiz")
    return registry


def by_hand(patient_id: str, slot: str, action: Action, value: str = "") -> Decision:
    return Decision(f"by-hand-{slot}", patient_id, slot, action, "mortiz", utc_now(), field=slot, value=value)


def taken_of(registry: Registry, patients: Sequence[str] = PATIENTS) -> list[int]:
    return [len(case_of(registry, patient_id).facts) for patient_id in patients]


def test_the_rows_of_a_signed_patient_are_named_and_the_others_taken(signed: Registry, take: Import) -> None:
    report = take()
    assert (report.rows, report.written, report.known) == (12, 9, 0)
    assert taken_of(signed) == [3, 0, 3, 3]
    assert report.faults == [
        f"facts.csv: row {line}: patient P2: signed as abstracted by mortiz; not saved. "
        "`abstractor unlock P2 --reason WHY` voids the signatures"
        for line in (3, 7, 11)
    ]


def test_after_the_remedy_the_same_file_brings_the_rest(signed: Registry, take: Import) -> None:
    take()
    unlock(signed, "P2", "mortiz", "facts of the other hospital came")
    report = take()
    assert (report.written, report.known, report.faults) == (3, 9, [])


def test_what_was_imported_before_the_signature_is_no_fault(registry: Registry, take: Import) -> None:
    take()
    record(registry, by_hand("P2", "", Action.CLOSE), seen=10**6)
    sign(registry, "P2", "abstracted", "mortiz")
    report = take()
    assert (report.written, report.known, report.faults) == (0, 12, [])


def test_an_import_that_is_cut_short_leaves_whole_patients_and_the_next_one_takes_the_rest(
    registry: Registry, take: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "_AT_ONCE", 1)
    rows_read = 0

    def power() -> str:
        nonlocal rows_read
        rows_read += 1
        if rows_read == 8:  # the second row of the third patient
            raise KeyboardInterrupt
        return utc_now()

    with pytest.raises(KeyboardInterrupt):
        take(power)
    assert taken_of(registry) == [3, 3, 0, 0]
    assert take().written == 6
    assert taken_of(registry) == [3, 3, 3, 3]


def test_a_decision_made_while_the_file_is_read_is_not_overridden(registry: Registry, take: Import) -> None:
    add_notes(registry, [Note("N1", "Extensive stage disease.", "P2")], "test")
    rows_read = 0

    def meanwhile() -> str:
        nonlocal rows_read
        rows_read += 1
        if rows_read == 4:  # the first row of P2, who has been looked at by now
            record(registry, by_hand("P2", "stage.valg", Action.EDIT, "extensive"), seen=0)
        return utc_now()

    report = take(meanwhile)
    assert [fault.partition(": row ")[2].split(":")[0] for fault in report.faults] == ["3", "7", "11"]
    assert "somebody has decided on it meanwhile; not saved: import the file again" in report.faults[0]
    assert case_of(registry, "P2").current["stage.valg"].value == "extensive"
    assert [fault.partition(": row ")[2].split(":")[0] for fault in take().faults] == ["7"]


def test_the_command_says_so_and_ends_with_1(signed: Registry, registry_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    file.write_text("patient_id,field,value\nP1,sex,female\nP2,sex,male\n")
    done = CliRunner().invoke(cli, ["import", "facts", str(file), "--db", str(registry_file), "--user", "kbauer"])
    assert done.exit_code == 1
    assert "facts.csv: row 3: patient P2: signed as abstracted" in done.stderr
    assert "1 facts imported, 0 known already, 1 rows at fault" in done.stderr
    assert taken_of(signed, ("P1", "P2")) == [1, 0]
