"""What tests of several stages share: a registry that costs no migration, a clock that stands still, the registry's questions."""

import os
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
from abstractor.registry.keys import COMMAND, Key, forget_key, new_key, write_key
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec

if TYPE_CHECKING:
    from postgres_server import Databases

PROJECT = Path(__file__).resolve().parents[1]

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # no test asks the keyring of who runs it

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
def registry(registry_name: str) -> Iterator[Registry]:
    """An empty registry; its leases go by the clock of the test."""
    opened = open_registry(registry_name)
    opened.server_time = False
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
def postgres_url(postgres: "Databases", empty_postgres_registry: str) -> Iterator[str]:
    """The URL of an empty registry on PostgreSQL."""
    url = postgres.create(empty_postgres_registry)
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of the encrypted registries."""
    path = tmp_path_factory.mktemp("key") / "key"
    write_key(new_key(), path)
    return path


@pytest.fixture(scope="session")
def empty_encrypted_file(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Path:
    pytest.importorskip("sqlcipher3", reason="the extra `cipher` is not installed")
    path = tmp_path_factory.mktemp("template") / "encrypted.db"
    create_registry(str(path), Key(key_file.read_text().strip(), "the tests")).close()
    return path


@pytest.fixture
def key_given(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process and those it starts get the key from a program that says it."""
    monkeypatch.setenv(COMMAND, f"cat {key_file}")
    forget_key()
    yield key_file
    forget_key()


@pytest.fixture
def encrypted_registry_file(empty_encrypted_file: Path, key_given: Path, tmp_path: Path) -> Path:
    return copied(empty_encrypted_file, tmp_path / "study.db")


_KINDS = {"sqlite": "registry_file", "postgresql": "postgres_url", "encrypted": "encrypted_registry_file"}
_ON_BOTH = frozenset({"registry", "review"})
"""Folders whose tests run on a file and on a server; elsewhere those that are marked `both_databases`, or whose module says so."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: runs on a file and on a server")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs the tests of a registry on each kind: those of the module's `REGISTRIES`, else a file, or a file and a server."""
    if "registry_kind" not in metafunc.fixturenames:
        return
    both = metafunc.definition.path.parent.name in _ON_BOTH or metafunc.definition.get_closest_marker("both_databases")
    kinds = getattr(metafunc.module, "REGISTRIES", ("sqlite", "postgresql") if both else ())
    if kinds:
        metafunc.parametrize("registry_kind", kinds, indirect=True)


@pytest.fixture
def registry_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, `postgresql` or `encrypted`."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def registry_name(request: pytest.FixtureRequest, registry_kind: str) -> str:
    """An empty registry to be opened by its name: a file, a database on a server, or an encrypted file."""
    return str(request.getfixturevalue(_KINDS[registry_kind]))


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
