"""The pictures of quality work for the documentation, made by the program itself on the invented sample patients.

`python scripts/quality_pictures.py docs/images` makes a registry that is gone afterwards: the sample patients, abstracted by the script of
`abstractor demo`, an audit half done, a second reading and what differs in it.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from abstractor.demo import run_demo
from abstractor.quality.adjudication import queue_reading
from abstractor.quality.at_screen import QualityWork
from abstractor.quality.audit import Verdict
from abstractor.quality.audits import Wanted, audit_of, draw_facts, judge
from abstractor.quality.desk import Desk, open_desk
from abstractor.quality.mail import ask
from abstractor.quality.second_readings import assign, open_reading
from abstractor.registry.engine import Registry, open_registry
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.going import Beyond
from abstractor.tui.pictures import screen_of

USER, READER = "abstractor", "reader"
JUDGED = 14
PATIENT = "SP04"
FIELDS = ("histology", "stage.valg", "response", "metastasis", "ecog", "death_date")
PICTURES: tuple[tuple[str, tuple[int, int], tuple[str, ...]], ...] = (
    ("quality-desk", (80, 24), ("g", "q")),
    ("quality-audit", (80, 24), ("g", "q", "enter")),
    ("quality-figures", (80, 24), ("g", "q", "enter", "f")),
    ("quality-adjudicate", (80, 24), ("g", "q", "j", "enter", "j", "j")),
)
"""Name, size, and the keys that lead to it."""


class _Clock:
    """A second later each time, so that the same pictures come out every time."""

    def __init__(self) -> None:
        self.at = datetime.fromisoformat("2024-05-01T08:00:00.000+00:00")

    def __call__(self) -> str:
        self.at += timedelta(seconds=1)
        return self.at.isoformat(timespec="milliseconds")


@contextmanager
def registry_of_a_round() -> Iterator[tuple[Registry, QualityWork]]:
    """A registry with an audit half done, differences to settle and a question, all waiting for `USER`; gone afterwards."""
    book, clock = load_rulebook(), _Clock()
    with tempfile.TemporaryDirectory(prefix="abstractor-pictures-") as folder:
        run_demo(Path(folder))
        registry = open_registry(str(Path(folder) / "demo.db"))
        try:
            mine = open_desk(registry, book, USER, clock)
            _audit(mine)
            _differ(mine, open_desk(registry, book, READER, clock))
            ask(
                open_desk(registry, book, READER, clock),
                "SP06",
                "stage.valg",
                USER,
                "Is this before the effusion was seen?",
            )
            yield registry, QualityWork(registry, book, USER, ReviewConfig(), clock)
        finally:
            registry.close()


def _audit(desk: Desk) -> None:
    draw_facts(desk, "may", 7, Wanted(per_field=9, fields=FIELDS, targeted=False, by=()))
    for item in audit_of(desk, "may").items[:JUDGED]:
        verdict, error = (Verdict.MAJOR, "TEMP") if item.place == 11 else (Verdict.AGREE, "")
        judge(desk, "may", item.place, verdict, error=error)


def _differ(desk: Desk, reader: Desk) -> None:
    """A second reading that takes most of what is suggested, and the other stage."""
    reading = assign(desk, PATIENT, reader.user, suggesting=True)
    session = open_reading(reader, reading, ReviewConfig(close_open=True))
    for row in session.rows:
        if row.slot == "stage.valg":
            session.edit(row.slot, "limited" if row.choices and row.choices[0].value == "extensive" else "extensive")
        elif len(row.choices) == 1:
            session.accept(row.slot)
    session.close()
    queue_reading(desk, reading)


def main(folder: Path) -> None:
    """Writes the pictures into a folder."""
    with registry_of_a_round() as (registry, work):
        for name, size, keys in PICTURES:
            drawn = asyncio.run(screen_of(registry, Beyond(desk=work, quality=work), size, keys))
            (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
