"""`facts.csv` out, in and out again: the same bytes from the first import on, and the same facts from the beginning; at home, nothing new."""

import csv
from pathlib import Path

from exported_study import BARE, FULL, TEXT, Study

from abstractor.batch.facts import import_facts
from abstractor.exports.facts import facts_csv
from abstractor.model.note import Note
from abstractor.registry.decisions import case_of
from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.notes import add_notes, patients

OF_THE_IMPORT = {"source"}
"""What an import says of itself instead."""


def written(registry: Registry, path: Path) -> Path:
    facts = [fact for one in patients(registry) for fact in case_of(registry, one).facts]
    path.write_text(facts_csv(facts), encoding="utf-8", newline="")
    return path


def taken_in(path: Path, study: Study, name: str) -> Path:
    """What another registry, that has the notes, gives back."""
    other = create_registry(str(study.folder / f"{name}.db"))
    add_notes(other, [Note("N-1", TEXT, FULL, "2024-01-12", "radiology"), Note("N-3", "Seen.", BARE)], "test")
    assert import_facts(other, path, study.rulebook.fields, "importer").faults == []
    out = written(other, study.folder / f"{name}.csv")
    other.close()
    return out


def test_facts_come_back_as_they_were_and_from_then_on_byte_for_byte(study: Study) -> None:
    first = written(study.registry, study.folder / "first.csv")
    second = taken_in(first, study, "second")
    third = taken_in(second, study, "third")
    assert third.read_bytes() == second.read_bytes()
    with first.open(newline="") as before, second.open(newline="") as after:
        for was, came in zip(csv.DictReader(before), csv.DictReader(after), strict=True):
            assert {name for name in was if was[name] != came[name]} <= OF_THE_IMPORT


def test_the_registry_that_exported_the_facts_has_nothing_to_learn_from_them(study: Study) -> None:
    path = written(study.registry, study.folder / "own.csv")
    report = import_facts(study.registry, path, study.rulebook.fields, "importer")
    assert (report.written, report.known, report.faults) == (0, report.rows, [])
    assert written(study.registry, study.folder / "after.csv").read_bytes() == path.read_bytes()
