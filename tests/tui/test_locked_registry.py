"""Another program writes for longer than a person is made to wait: nothing is lost, nothing advances, and `enter` saves it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from registry_copies import copied

from abstractor.model.decision import Action
from abstractor.registry.engine import Registry, open_registry


@pytest.fixture
def registry(tour_registry_file: Path, tmp_path: Path) -> Iterator[Registry]:
    """A registry whose patience is a tenth of a second."""
    made = open_registry(str(copied(tour_registry_file, tmp_path / "r.db")), 0.1)
    yield made
    made.close()


async def test_a_locked_file_says_not_saved_and_enter_saves_once_it_is_free(opened, registry):
    async with opened() as hand:
        with closing(sqlite3.connect(registry.engine.url.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await hand.press("1")
            assert "NOT SAVED" in hand.line()
            assert hand.slot == "histology"
            assert hand.state("histology") == "!"
            await hand.press("enter")
            assert "NOT SAVED" in hand.line()
            assert hand.state("histology") == "!"
            other.execute("ROLLBACK")
        await hand.press("enter")
        assert "NOT SAVED" not in hand.line()
        assert hand.state("histology") == "~"
        assert [(one.slot, one.action) for one in hand.decisions] == [("histology", Action.PICK)]
