"""A dump of notes to findings, in one process or several: the same findings in the same order."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from abstractor.batch import dump as batch
from abstractor.batch.dump import Dump, annotate_dump
from abstractor.model.errors import AbstractorError
from abstractor.sources.reading import ReadOptions

STAND_IN = '''
"""Stands for the real reader, in this process and in the workers: they find it by its name on the path."""

import os

from abstractor.batch import dump
from abstractor.model.finding import Assertion, Finding


class Reader:
    @classmethod
    def load(cls, rules):
        return cls()

    def annotate(self, note):
        if "poison" in note.text:
            raise ValueError(note.text)
        if "deadly" in note.text:
            os._exit(9)
        words = note.text.split()
        return [
            Finding(note.note_id, note.patient_id, note.note_date, note.note_type, "ecog", str(number), Assertion.PRESENT,
                    note.text.index(word), note.text.index(word) + len(word), word)
            for number, word in enumerate(words)
        ]


def start(rules):
    dump._NLP.append(Reader())
'''


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "stand_in"
    folder.mkdir()
    (folder / "stand_in_reader.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(folder))
    module = importlib.import_module("stand_in_reader")
    monkeypatch.setattr(batch, "Abstractor", module.Reader)
    monkeypatch.setattr(batch, "_start", module.start)
    yield module
    sys.modules.pop("stand_in_reader", None)


def prepared(tmp_path: Path, workers: int, *texts: str) -> Dump:
    path = tmp_path / "notes.csv"
    rows = [f'N{number},P{number % 5},"{text}"' for number, text in enumerate(texts)]
    path.write_text("\n".join(["note_id,patient_id,text", *rows]) + "\n")
    return annotate_dump([path, tmp_path / "none.csv"], ReadOptions(), Path("rules"), workers=workers)


@pytest.mark.usefixtures("stand_in")
def test_one_process_and_two_give_the_same(tmp_path: Path) -> None:
    texts = [f"note {number} says this" for number in range(230)]
    texts[17] = texts[180] = "poison"
    texts[33] = ""
    one, two = prepared(tmp_path, 1, *texts), prepared(tmp_path, 2, *texts)
    found = list(one.findings())
    assert found == list(two.findings())
    assert len(found) == 227 * 4
    assert [finding.note_id for finding in found] == sorted(
        (finding.note_id for finding in found), key=lambda name: int(name[1:])
    )
    assert one.report == two.report
    assert one.faults == two.faults
    assert (one.report.notes, one.report.with_findings, one.report.findings) == (229, 227, 908)
    assert one.report.quarantined == [
        f"note {name}: set aside (ValueError while annotating)" for name in ("N17", "N180")
    ]
    assert len(one.faults) == 2
    assert "note N33: the text is empty" in one.faults[0]
    assert "none.csv: no such file" in one.faults[1]


@pytest.mark.usefixtures("stand_in")
def test_a_worker_that_is_killed_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AbstractorError, match="worker process was ended") as error:
        list(prepared(tmp_path, 2, "sound", "deadly").findings())
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("stand_in")
def test_progress_is_told_as_notes_are_done(tmp_path: Path) -> None:
    dump = prepared(tmp_path, 1, *("text" for _ in range(120)))
    told: list[int] = []
    dump.progress = lambda done, _total: told.append(done)
    list(dump.findings())
    assert told == [50, 100, 120]


@pytest.mark.usefixtures("stand_in")
def test_nothing_is_read_before_the_findings_are_asked_for(tmp_path: Path) -> None:
    dump = prepared(tmp_path, 1, "text")
    (tmp_path / "notes.csv").unlink()
    assert list(dump.findings()) == []
    assert len(dump.faults) == 2
