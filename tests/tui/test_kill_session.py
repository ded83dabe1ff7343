"""A session of thirty-odd keys of every kind, killed at each of them: no more than that key is ever lost, and nothing that was shown.

Every kill is a SIGKILL of a process that runs the interface on the registry's file, at some moment after the key was pressed. What is
pressed together (an edit, a comment, a bulk acceptance) is pressed anew for each of its keys, from the registry as it stood before.
"""

import asyncio
import os
import random
import select
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from quiet_screen import press_key, until_quiet

from abstractor.model.decision import Action, Decision
from abstractor.model.suggestion import Evidence
from abstractor.registry.decisions import decisions_of
from abstractor.registry.drafts import draft_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.review.config import ReviewConfig
from abstractor.review.drafts import ADDED, read_draft, read_places
from abstractor.rulebook.book import RuleBook
from abstractor.tui.app import ReviewApp
from abstractor.tui.screens.review import ReviewScreen

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PATIENT, USER = "TOUR-01", "ann"
ALIKE = 4
MOMENTS = (0.0, 0.003, 0.01, 0.03, 0.06)
"""Seconds between a key and the kill, drawn by lot."""
PATIENCE = 60.0
"""Seconds after which a child that must answer hangs; nothing measured."""


@dataclass(frozen=True)
class Together:
    """Keys that are pressed one after the other on a row."""

    slot: str
    keys: tuple[str, ...]
    made: Sequence[Action] = ()
    """The decisions that the last key makes."""
    typed: str = ""
    """What these keys write into an entry, up to the last."""
    kept: str = ""
    """The slot under which that, or attached words, are kept."""


ECOG = "ecog@2010-01-01"
SCRIPT = (
    Together("histology", ("1",), [Action.PICK]),
    Together("primary_site", ("a",), [Action.ACCEPT]),
    Together("pack_years", ("r",), [Action.REJECT]),
    Together("smoking_status", ("d",), [Action.DEFER]),
    Together("stage.n", ("e", "N", "3", "enter"), [Action.EDIT], "N3", "stage.n"),
    Together("ki67", ("c", "o", "k", "enter"), [Action.COMMENT]),
    Together("stage.valg", ("v", "w", "+"), (), "", f"{ADDED}stage.valg"),
    Together("stage.valg", ("a",), [Action.ACCEPT]),
    Together("ki67", ("R", "5"), [Action.REJECT]),
    Together("stage.t", ("n", "p", "j", "k", "a"), [Action.ACCEPT]),
    Together("diagnosis_date", ("0",), [Action.NOT_DOCUMENTED]),
    Together("diagnosis_date", ("u",), [Action.UNDO]),
    Together("diagnosis_date", ("U",), [Action.REDO]),
    Together(ECOG, ("A", "enter"), [Action.ACCEPT] * ALIKE),
    Together(ECOG, ("u",), [Action.UNDO] * ALIKE),
    Together(ECOG, ("U",), [Action.REDO] * ALIKE),
)


@pytest.fixture
def begun(tour_registry_file: Path, tmp_path: Path) -> Path:
    """The patient of the tour, with a performance status that was noted on several days."""
    path = Path(shutil.copy(tour_registry_file, tmp_path / "begun.db"))
    with at(path) as registry:
        known = suggestions_of(registry, PATIENT)
        ecog = next(one for one in known if one.field == "ecog")
        days = [(date(2010, 1, 1) + timedelta(days=one)).isoformat() for one in range(ALIKE)]
        same = [replace(ecog, value="3", slot=f"ecog@{day}", date=day) for day in days]
        replace_suggestions(registry, PATIENT, [*known, *same])
    return path


@contextmanager
def at(path: Path) -> Iterator[Registry]:
    registry = open_registry(str(path))
    yield registry
    registry.close()


async def press_all(path: Path, book: RuleBook, slot: str, keys: Sequence[str], told: int) -> None:
    """In the child: says `>` before each key, and how much the screen shows as decided once all is done that comes of it."""
    registry = open_registry(str(path))
    app = ReviewApp(registry, book, USER, patient_id=PATIENT, config=ReviewConfig(dwell_ms=0))
    async with app.run_test(size=(100, 30)) as _pilot:
        await until_quiet()
        review = next(one for one in app.screen_stack if isinstance(one, ReviewScreen))
        review.go_to(slot)
        await until_quiet()
        for key in keys:
            os.write(told, b">")
            await press_key(app, key)
            os.write(told, b"<")
        await asyncio.sleep(PATIENCE)


def killed_at(path: Path, book: RuleBook, slot: str, keys: Sequence[str], moment: float | None) -> int:
    """Presses keys in a process of its own and kills it after the last one; None: not before all is shown.

    Returns:
        How many keys had been shown to be done.
    """
    reading, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            asyncio.run(press_all(path, book, slot, keys, told))
        finally:
            os._exit(1)
    os.close(told)
    said = b""
    try:
        awaited = (b">", len(keys)) if moment is not None else (b"<", len(keys))
        while said.count(awaited[0]) < awaited[1]:
            assert select.select([reading], [], [], PATIENCE)[0], "the child hangs"
            more = os.read(reading, 100)
            assert more, "the child ended by itself"
            said += more
        if moment:
            select.select([], [], [], moment)
        os.kill(child, signal.SIGKILL)
        while more := os.read(reading, 100):
            said += more
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
    return said.count(b"<")


def decided(path: Path) -> tuple[Decision, ...]:
    with at(path) as registry:
        return decisions_of(registry, PATIENT)


def kept(path: Path, slot: str) -> str:
    with at(path) as registry:
        return draft_of(registry, USER, PATIENT, slot) or ""


def offered(path: Path, slot: str) -> tuple[Evidence, ...]:
    with at(path) as registry:
        return next(one.evidence for one in suggestions_of(registry, PATIENT) if one.slot == slot)


def sound(path: Path) -> bool:
    with sqlite3.connect(path) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_a_kill(before: Path, after: Path, one: Together, pressed: int, shown: int) -> None:
    """What was there is there; what was shown is there; of what the key was about there is all, nothing, or the first part."""
    old, new = decided(before), decided(after)
    assert sound(after)
    assert new[: len(old)] == old
    made = [each.action for each in new[len(old) :]]
    last = pressed == len(one.keys)
    assert made == list(one.made)[: len(made)] if last else made == [], (one, pressed)
    if last and shown == pressed:
        assert made == list(one.made), (one, "was shown and is lost")
    if one.typed and not last:
        typed = one.typed[: max(0, pressed - 1)]
        text = kept(after, one.kept)
        held = read_draft(text).entries["value"] if text else ""
        assert held == typed or (shown < pressed and held in {"", typed[:-1]}), (one, pressed, held)


def test_a_kill_at_any_key_of_a_session_loses_that_key_at_most(begun: Path, tmp_path: Path, book: RuleBook) -> None:
    moments = random.Random(11)  # noqa: S311 - a spread of moments, no secret
    before, keys = begun, 0
    for number, one in enumerate(SCRIPT):
        for pressed in range(1, len(one.keys) + 1):
            after = Path(shutil.copy(before, tmp_path / f"{number}-{pressed}.db"))
            shown = killed_at(after, book, one.slot, one.keys[:pressed], moments.choice(MOMENTS))
            check_a_kill(before, after, one, pressed, shown)
            keys += 1
        done = Path(shutil.copy(before, tmp_path / f"{number}.db"))
        killed_at(done, book, one.slot, one.keys, None)
        check_a_kill(before, done, one, len(one.keys), len(one.keys))
        if one.kept.startswith(ADDED):
            assert len(read_places(kept(done, one.kept))) == 1
        before = done
    assert keys >= 25
    stage = next(each for each in decided(before) if each.slot == "stage.valg")
    assert len(stage.evidence) == 1 + len(offered(begun, "stage.valg")), (
        "the words that were attached went with the decision"
    )
    assert kept(before, f"{ADDED}stage.valg") == ""
    actions = {each.action for each in decided(before)}
    assert actions >= {
        Action.PICK,
        Action.ACCEPT,
        Action.REJECT,
        Action.DEFER,
        Action.EDIT,
        Action.COMMENT,
        Action.UNDO,
    }
