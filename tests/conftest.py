"""What tests of several stages share: a registry that costs no migration, a clock that stands still, the registry's questions."""

import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from registry_copies import copied

from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.registry.engine import Registry, create_registry, open_registry
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec

if TYPE_CHECKING:
    from postgres_server import Databases

PROJECT = Path(__file__).resolve().parents[1]

_shared = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("quick", max_examples=40, **_shared)
settings.register_profile("thorough", max_examples=1000, **_shared)  # --hypothesis-profile thorough
settings.load_profile("quick")


class Clock:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.now = "2024-05-01T08:00:00.000+00:00"

    def __call__(self) -> str:
        return self.now

    def forward(self, **by: int) -> None:
        later = datetime.fromisoformat(self.now) + timedelta(**by)
        self.now = later.isoformat(timespec="milliseconds")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty_registry_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    create_registry(str(path)).close()
    return path


@pytest.fixture
def registry_file(empty_registry_file: Path, tmp_path: Path) -> Path:
    return copied(empty_registry_file, tmp_path / "study.db")


@pytest.fixture
def registry(registry_file: Path) -> Iterator[Registry]:
    opened = open_registry(str(registry_file))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator["Databases"]:
    """A PostgreSQL server to make databases on."""
    from postgres_server import Databases, NoServer, server

    with ExitStack() as stack:
        try:
            databases = Databases(stack.enter_context(server()))
        except NoServer as error:
            pytest.skip(f"no PostgreSQL: {error}")
        yield databases
        databases.close()


@pytest.fixture(scope="session")
def empty_postgres_registry(postgres: "Databases") -> str:
    url = postgres.create()
    create_registry(url).close()
    return url


@pytest.fixture
def postgres_url(postgres: "Databases", empty_postgres_registry: str) -> str:
    """The URL of an empty registry on PostgreSQL."""
    return postgres.create(empty_postgres_registry)


@pytest.fixture(params=["sqlite", "postgresql"])
def registry_name(request: pytest.FixtureRequest) -> str:
    """An empty registry to be opened by its name: once a file, once on a server."""
    return str(request.getfixturevalue("registry_file" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="session")
def fields() -> dict[str, FieldSpec]:
    """The questions of `rules/fields.toml`, without the rest of the rulebook."""
    raw = tomllib.loads((PROJECT / "rules" / "fields.toml").read_text(encoding="utf-8"))
    specs = [FieldSpec.model_validate(one) for one in raw["field"]]
    return {spec.name: spec for spec in specs}


@pytest.fixture(scope="session")
def make_rulebook(fields: dict[str, FieldSpec]) -> Callable[[str], RuleBook]:
    """A rulebook of the real questions without any rule that finds something, by its version."""

    def made(version: str) -> RuleBook:
        return RuleBook(version, PROJECT / "rules", fields, (), (), (), (), ())

    return made


@pytest.fixture(scope="session")
def rulebook(make_rulebook: Callable[[str], RuleBook]) -> RuleBook:
    return make_rulebook("rules-1")


@pytest.fixture(scope="session")
def found_in() -> Callable[..., Finding]:
    """A finding at the first place of some words of a note."""

    def finding(note: Note, words: str, field: str, value: str, assertion: str = "present", **other: object) -> Finding:
        start = note.text.index(words)
        return Finding(
            note_id=note.note_id,
            patient_id=note.patient_id,
            note_date=note.note_date,
            note_type=note.note_type,
            field=field,
            value=value,
            assertion=Assertion(assertion),
            start=start,
            end=start + len(words),
            text=words,
            rule="test",
            rulebook="rules-1",
            **{"confidence": 0.9, **other},
        )

    return finding
