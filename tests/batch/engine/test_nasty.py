"""The real pipeline under guard: whatever a dump contains, each note is read or set aside within its limit."""

import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from abstractor.batch.engine.guard import Guard, Limits
from abstractor.batch.engine.pool import read_notes_guarded
from abstractor.batch.engine.work import Job
from abstractor.model.note import Note
from abstractor.rulebook.load import default_rules


@pytest.fixture
def nasty(doubles: ModuleType) -> dict[str, str]:
    from importlib import import_module

    texts: dict[str, str] = import_module("nasty_texts").NASTY
    return texts


def test_nasty_texts_are_read_or_set_aside_each_within_its_limit(nasty: dict[str, str]) -> None:
    notes = [Note(name, text) for name, text in nasty.items()]
    results = list(read_notes_guarded(Job(), Limits(seconds=3), 2, notes))
    assert [one.note_id for one in results] == list(nasty)
    texts = dict(nasty)
    for one in results:
        assert one.fault is None or one.fault.reason == "time (over 3 s)", (one.note_id, one.fault)
        for row in one.rows:
            assert texts[one.note_id][row["start"] : row["end"]] == row["text"]  # type: ignore[misc]
    assert len(nasty) == 51
    read = {one.note_id for one in results if one.fault is None}
    assert {"NUL", "marks of direction", "RTF", "half a surrogate pair", "underscores", "semicolons"} <= read


def test_a_rule_that_never_comes_back_costs_only_the_notes_it_meets(tmp_path: Path) -> None:
    """An endless expression in the rules themselves."""
    rules = tmp_path / "rules"
    shutil.copytree(default_rules(), rules)
    (rules / "masks.toml").write_text(
        (rules / "masks.toml").read_text(encoding="utf-8")
        + "\n[[mask]]\nid = 'endless'\nregex = 'x*x*x*x*x*x*x*y'\nwhy = 'a test'\nexamples = ['xxy']\n",
        encoding="utf-8",
    )
    texts = ["SCLC, limited stage.", "Lung cancer: " + "x" * 3000, "ECOG 1. Small cell lung cancer."]
    with Guard(Job(rules), Limits(seconds=2)) as guard:
        results = list(guard.run(Note(f"N{number}", text) for number, text in enumerate(texts)))
    assert [one.fault.reason if one.fault else "" for one in results] == ["", "time (over 2 s)", ""]
    assert all(len(one.rows) > 0 for one in (results[0], results[2]))
    assert json.dumps(results[1].rows) == "[]"
