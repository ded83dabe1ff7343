"""The program is killed after every key of a session: what was decided before is there, what was shown as decided is there."""

import random
import re
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abstractor.model.decision import Decision
from abstractor.registry.decisions import decisions_of
from abstractor.registry.drafts import draft_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.leases import claim
from abstractor.review.drafts import read_draft

pytest.importorskip("pyte", reason="pyte, which reads terminals, is not installed")
from tests.terminal.conftest import Terminal, folder, reviewing, tour_file

__all__ = ["folder", "tour_file"]

PATIENT = "TOUR-01"
KEYS = "1ar0duUa1"
"""Picks, accepts, rejects, defers, says that nothing is documented, takes back and brings back again."""

CERTAIN = "1rd0"
"""After these the kill comes as soon as the registry has the decision; after the others at some moment, before or after it.
Those can be lost, and a key may then have nothing to do."""


def decided(registry: Registry) -> tuple[Decision, ...]:
    return decisions_of(registry, PATIENT)


def half_typed(registry: Registry) -> str | None:
    kept = draft_of(registry, "ann", PATIENT, "histology")
    return read_draft(kept).entries["value"] if kept else None


def shown(terminal: Terminal) -> str:
    """What the header says of how much is decided."""
    found = re.search(r"\d+/\d+", terminal.lines[0])
    return found.group() if found else ""


def opened(terminal: Terminal) -> None:
    """Waits until all is drawn, from the header to the keys at the bottom."""
    terminal.until(lambda: shown(terminal) and terminal.lines[-1].strip(), "nothing was drawn")


def wait(terminal: Terminal, seconds: float) -> None:
    """Lets the program work for a while, reading what it draws."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read(0.005)


def sound(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return whole and connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_kill_after_any_key_loses_that_key_at_most_and_never_what_was_shown(folder):
    path = folder / "r.db"
    registry = open_registry(str(path))
    moments = random.Random(7)  # noqa: S311  (a spread of moments, no secret)
    expected = "0/"
    for key in KEYS:
        before = decided(registry)
        with reviewing(folder, "--patient", PATIENT) as terminal:
            opened(terminal)
            at_first = shown(terminal)
            assert at_first.startswith(expected)
            terminal.press(key)
            if key in CERTAIN:
                terminal.until(lambda: len(decided(registry)) > len(before), f"{key!r} decided nothing")  # noqa: B023
            else:
                wait(terminal, moments.choice([0, 0.02, 0.05, 0.1, 0.2]))
            terminal.kill()
            at_last = shown(terminal)
        after = decided(registry)
        assert after[: len(before)] == before
        assert len(after) - len(before) <= 1
        assert sound(path)
        if at_last != at_first:
            assert len(after) == len(before) + 1, f"{key!r} was shown as done and is lost"
        # what the next program shows is what was saved, no more and no less
        expected = at_first if len(after) == len(before) else ""
    registry.close()


def test_a_kill_keeps_what_is_half_typed_and_the_patient_is_free_again_in_time(folder):
    registry = open_registry(str(folder / "r.db"))
    with reviewing(folder, "--patient", PATIENT) as terminal:
        terminal.shows("Histology")
        terminal.opens("e", "value:")
        terminal.press("combin")
        terminal.until(lambda: half_typed(registry) == "combin", "no draft")
        terminal.kill()
    with reviewing(folder, "--patient", PATIENT) as terminal:
        terminal.shows("Histology")
        terminal.opens("e", "value:")
        terminal.shows("combin")
        terminal.kill()
    assert decided(registry) == ()
    assert not claim(registry, PATIENT, "bob").mine
    later = (datetime.now(UTC) + timedelta(minutes=16)).isoformat(timespec="milliseconds")
    assert claim(registry, PATIENT, "bob", clock=lambda: later).mine
    registry.close()
