"""The interface on a real registry with the invented patient of the tour, driven by keys."""

import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from abstracted import fill
from quiet_screen import press_key, until_quiet
from registry_copies import copied
from textual.pilot import Pilot

from abstractor.quality.at_screen import QualityWork
from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import Registry, open_registry
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Drug, FieldSpec
from abstractor.tui.app import ReviewApp
from abstractor.tui.going import Beyond
from abstractor.tui.screens.review import ReviewScreen
from abstractor.tui.tour import fill_tour

if TYPE_CHECKING:
    from postgres_server import Databases

FIELDS = Path(__file__).resolve().parents[2] / "rules" / "fields.toml"


@pytest.fixture(scope="session")
def book() -> RuleBook:
    fields = tomllib.loads(FIELDS.read_text(encoding="utf-8"))["field"]
    return RuleBook(
        version="cafe" * 4,
        root=FIELDS.parent,
        fields={one["name"]: FieldSpec.model_validate(one) for one in fields},
        targets=(),
        context=(),
        sections=(),
        masks=(),
        note_types=(),
        vocabularies={
            "drugs": (
                Drug(generic="topotecan", group="topoisomerase", therapy_class="chemotherapy"),
                Drug(generic="carboplatin", group="platinum", therapy_class="chemotherapy"),
                Drug(generic="etoposide", group="topoisomerase", therapy_class="chemotherapy"),
                Drug(generic="atezolizumab", group="pdl1", therapy_class="immunotherapy"),
            )
        },
    )


@pytest.fixture(autouse=True)
def quiet_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are followed by as much waiting as there is work, and no more."""
    for place in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{place}.wait_for_idle", until_quiet)


@pytest.fixture(scope="session")
def tour_registry_file(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory, book: RuleBook) -> Path:
    """A registry with the patient of the tour; made once and copied, for a migration takes longer than most tests."""
    path = copied(empty_registry_file, tmp_path_factory.mktemp("tour") / "r.db")
    made = open_registry(str(path))
    fill_tour(made, book)
    made.close()
    return path


@pytest.fixture(scope="session")
def tour_postgres(postgres: "Databases", empty_postgres_registry: str, book: RuleBook) -> str:
    """The same on a server."""
    url = postgres.create(empty_postgres_registry)
    made = open_registry(url)
    fill_tour(made, book)
    made.close()
    return url


@pytest.fixture
def registry(request: pytest.FixtureRequest, registry_kind: str, tmp_path: Path) -> Iterator[Registry]:
    """The registry of the tour; on both databases in what is marked so, which is the core of the work (`both_databases`)."""
    databases: Databases | None = request.getfixturevalue("postgres") if registry_kind == "postgresql" else None
    if databases is not None:
        name = databases.create(request.getfixturevalue("tour_postgres"))
    else:
        name = str(copied(request.getfixturevalue("tour_registry_file"), tmp_path / "r.db"))
    made = open_registry(name)
    made.server_time = False
    yield made
    made.close()
    if databases is not None:
        databases.drop(name)


@dataclass
class Clock:
    """The wall clock of a test: one second a look."""

    second: int = 0

    def __call__(self) -> str:
        self.second += 1
        minutes, seconds = divmod(self.second, 60)
        return f"2024-03-01T{8 + minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.000+00:00"


class Hand:
    """Presses keys and looks at what became of them."""

    def __init__(self, pilot: Pilot[int], registry: Registry) -> None:
        self.pilot = pilot
        self.app: ReviewApp = pilot.app
        self.registry = registry
        self.pressed = 0

    @property
    def screen(self):
        return self.app.screen

    @property
    def review(self) -> ReviewScreen:
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, ReviewScreen))

    @property
    def session(self):
        return self.review.session

    @property
    def slot(self):
        return self.review.slot

    @property
    def decisions(self):
        return decisions_of(self.registry, "TOUR-01")

    def state(self, slot: str) -> str:
        return self.session.row(slot).state.value

    async def press(self, *keys: str) -> None:
        for key in keys:
            await press_key(self.app, key)
            self.pressed += 1

    async def type(self, text: str) -> None:
        await self.press(*("space" if char == " " else char for char in text))

    async def go(self, slot: str) -> None:
        self.review.go_to(slot)
        await self.pilot.pause()

    async def settle(self) -> None:
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    def line(self, name: str = "footer") -> str:
        return self.screen.query_one(f"#{name}").line.plain

    def painted(self) -> str:
        """Everything on the screen, as text."""
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)


Opener = Callable[..., AsyncIterator[Hand]]


@pytest.fixture
def opened(registry: Registry, book: RuleBook):
    @asynccontextmanager
    async def open_app(
        size: tuple[int, int] = (80, 24),
        patient: str | None = "TOUR-01",
        user: str = "ann",
        clock: Clock | None = None,
        monotonic: Callable[[], float] = lambda: 0.0,
        **settings: object,
    ) -> AsyncIterator[Hand]:
        config = ReviewConfig(**({"dwell_ms": 0} | settings))  # type: ignore[arg-type]
        app = ReviewApp(
            registry, book, user, patient_id=patient, config=config, clock=clock or Clock(), monotonic=monotonic
        )
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await until_quiet()
            yield Hand(pilot, registry)

    return open_app


@pytest.fixture
def abstracted(registry_name: str) -> Iterator[Registry]:
    """Four closed patients of two abstractors, for quality work."""
    made = fill(open_registry(registry_name))
    made.server_time = False
    yield made
    made.close()


@pytest.fixture
def at_work(abstracted: Registry, book: RuleBook):
    """Opens the interface for somebody with a quality desk."""

    @asynccontextmanager
    async def open_app(
        user: str, *keys: str, size: tuple[int, int] = (80, 24), dwell_ms: int = 0, training: bool = False
    ) -> AsyncIterator[Hand]:
        config, clock = ReviewConfig(dwell_ms=dwell_ms), Clock()
        work = QualityWork(abstracted, book, user, config, clock)
        beyond = Beyond(desk=work, quality=work, training=training)
        app = ReviewApp(
            abstracted, book, user, config=config, clock=clock, monotonic=lambda: 0.0, beyond=beyond, returning=True
        )
        async with app.run_test(size=size) as pilot:
            await app.workers.wait_for_complete()
            await until_quiet()
            hand = Hand(pilot, abstracted)
            await hand.press(*keys)
            await hand.settle()
            yield hand

    return open_app
