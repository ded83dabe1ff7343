"""The quick way to read a note and the long one give the same findings, to the last attribute."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.book import RuleBook

SAMPLES = Path(__file__).parents[3] / "corpus_samples"


@pytest.fixture(scope="module")
def plain(rulebook: RuleBook) -> Reader:
    return Reader.from_rulebook(rulebook, plain=True)


def notes() -> list[Note]:
    rows = [json.loads(line) for line in (SAMPLES / "single.jsonl").read_text("utf-8").splitlines()]
    patients = [json.loads(line) for line in (SAMPLES / "gold.jsonl").read_text("utf-8").splitlines()]
    return [
        Note(row["note_id"], row["text"], note_date=row.get("note_date"), note_type=row.get("note_type") or "other")
        for row in [*rows, *patients[::9]]
    ]


NOTES = notes()


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.note_id)
def test_every_sample_is_read_alike(reader: Reader, plain: Reader, note: Note) -> None:
    assert reader.read_for_registry(note) == plain.read_for_registry(note)


def _swapped(text: str, draw: random.Random) -> str:
    letters = list(text)
    for index in range(0, len(letters) - 1, 40):
        letters[index], letters[index + 1] = letters[index + 1], letters[index]
    return "".join(letters)


SPOILT: dict[str, Callable[[str, random.Random], str]] = {
    "upper case": lambda text, draw: text.upper(),
    "one line": lambda text, draw: " ".join(text.split()),
    "cut": lambda text, draw: text[draw.randrange(len(text)) :],
    "doubled blanks": lambda text, draw: text.replace(" ", "  "),
    "other letters": lambda text, draw: text.replace("s", "\u017f").replace("k", "\u212a"),
    "other figures": lambda text, draw: text.replace("3", "\u0663"),
    "odd blanks": lambda text, draw: text.replace(" ", "\u00a0", 20).replace("\n", "\r\n"),
    "swapped letters": _swapped,
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_samples_are_read_alike(reader: Reader, plain: Reader, name: str) -> None:
    draw = random.Random(7)  # noqa: S311  (no secret)
    for note in NOTES[::11]:
        spoilt = Note("spoilt", SPOILT[name](note.text, draw), note_date=note.note_date, note_type=note.note_type)
        assert reader.read_for_registry(spoilt) == plain.read_for_registry(spoilt)


PIECES = [piece for note in NOTES for piece in note.text.split("\n") if piece.strip()]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pieces=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=30)), max_size=7),
    joint=st.sampled_from(["\n", " ", ". ", "\n\n", ", "]),
    kind=st.sampled_from(["clinic", "radiology", "pathology", "molecular", "other"]),
)
def test_notes_put_together_at_random_are_read_alike(
    reader: Reader, plain: Reader, pieces: list[str], joint: str, kind: str
) -> None:
    note = Note("made up", joint.join(pieces), note_date="2021-05-04", note_type=kind)
    assert reader.read_for_registry(note) == plain.read_for_registry(note)


@pytest.mark.parametrize("text", ["Unremarkable chest.", "Knee pain after a fall. " * 40, "", " \n", "lung"])
def test_a_note_about_something_else_gives_nothing_either_way(reader: Reader, plain: Reader, text: str) -> None:
    note = Note("x", text)
    assert reader.read_for_registry(note) == plain.read_for_registry(note) == []
