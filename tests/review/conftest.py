"""A small registry with one invented patient, a rulebook of the real fields, and a clock that only tests move."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.engine import Registry, open_registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions
from abstractor.review.config import ReviewConfig
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Drug, FieldSpec
from abstractor.rulebook.slots import slot_key

FIELDS = Path(__file__).resolve().parents[2] / "rules" / "fields.toml"

CLINIC = Note(
    "n1", "Mr Fen, 61, gave up cigarettes in 2010. Limited stage small cell, right hilum.", "p1", "2024-01-08", "clinic"
)
CT = Note(
    "n2", "CT: a mass at the right hilum. Extensive stage with a liver metastasis.", "p1", "2024-01-15", "radiology"
)


@dataclass
class Clock:
    """Minutes of one day."""

    minute: int = 0

    def __call__(self) -> str:
        self.minute += 1
        return f"2024-03-01T{self.minute // 60:02d}:{self.minute % 60:02d}:00.000+00:00"


@pytest.fixture(scope="session")
def book() -> RuleBook:
    fields = tomllib.loads(FIELDS.read_text(encoding="utf-8"))["field"]
    carboplatin = Drug(generic="carboplatin", group="platinum", therapy_class="chemotherapy", synonyms=("carbo",))
    lurbinectedin = Drug(generic="lurbinectedin", group="alkylator", therapy_class="chemotherapy", brands=("Zepzelca",))
    return RuleBook(
        version="cafe" * 4,
        root=FIELDS.parent,
        fields={one["name"]: FieldSpec.model_validate(one) for one in fields},
        targets=(),
        context=(),
        sections=(),
        masks=(),
        note_types=(),
        vocabularies={"drugs": (carboplatin, lurbinectedin)},
    )


def quoted(note: Note, words: str, confidence: float = 0.9) -> Evidence:
    start = note.text.index(words)
    return Evidence(
        note.note_id,
        start,
        start + len(words),
        words,
        note.sha256,
        note.note_date,
        note.note_type,
        rule="r1",
        confidence=confidence,
    )


@dataclass
class Suggest:
    """Makes suggestions, each with the slot that the rulebook gives it."""

    book: RuleBook

    def __call__(
        self,
        name: str,
        value: str,
        *evidence: Evidence,
        assertion: Assertion = Assertion.PRESENT,
        date: str | None = None,
        confidence: float = 0.9,
    ) -> Suggestion:
        slot = slot_key(self.book.fields[name], value, assertion, date)
        return Suggestion(
            "p1", slot, name, value, assertion, date, None, {}, confidence, evidence, rulebook=self.book.version
        )


@pytest.fixture
def suggest(book: RuleBook) -> Suggest:
    return Suggest(book)


@pytest.fixture
def registry(registry_name: str) -> Iterator[Registry]:
    """Once on SQLite, once on PostgreSQL; its leases go by the clock of the test."""
    made = open_registry(registry_name)
    made.server_time = False
    yield made
    made.close()


@dataclass
class Desk:
    """Opens sessions on one registry."""

    registry: Registry
    book: RuleBook
    clock: Clock = field(default_factory=Clock)

    def __call__(self, user: str = "ann", **settings: object) -> Session:
        config = ReviewConfig(**settings)  # type: ignore[arg-type]
        return Session(self.registry, self.book, "p1", user, self.clock, config)


@pytest.fixture
def desk(registry: Registry, book: RuleBook, suggest: Suggest) -> Desk:
    """Six rows: stage in conflict, three single suggestions, and two of the required fields not found at all."""
    add_notes(registry, [CLINIC, CT], "test")
    replace_suggestions(registry, "p1", a_patient(suggest))
    return Desk(registry, book)


def a_patient(suggest: Suggest) -> list[Suggestion]:
    return [
        suggest("stage.valg", "limited", quoted(CLINIC, "Limited stage")),
        suggest("stage.valg", "extensive", quoted(CT, "Extensive stage"), confidence=0.8),
        suggest("histology", "small_cell", quoted(CLINIC, "small cell")),
        suggest("primary_site", "right_hilum", quoted(CLINIC, "right hilum"), quoted(CT, "right hilum")),
        suggest("metastasis", "liver", quoted(CT, "liver metastasis")),
    ]
