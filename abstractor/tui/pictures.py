"""What the documentation shows, made by the program itself: pictures of the screens, and the table of keys.

`python -m abstractor.tui.pictures docs` writes `images/*.svg` and the table between the marks of `review.md`. It works on the
invented patient in a throw-away registry and never opens another.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from abstractor.registry.engine import Registry, create_registry
from abstractor.review.config import ReviewConfig, settings_table
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.actions import ACTIONS, Keymap, spell
from abstractor.tui.app import ReviewApp
from abstractor.tui.going import Beyond
from abstractor.tui.tour import fill_tour

BEGIN, END = "<!-- keys: written by abstractor.tui.pictures -->", "<!-- end of keys -->"
SETTINGS = ("<!-- settings: written by abstractor.tui.pictures -->", "<!-- end of settings -->")

PICTURES: tuple[tuple[str, tuple[int, int], str, tuple[str, ...]], ...] = (
    ("worklist", (80, 24), "dark", ("w",)),
    ("review-80x24", (80, 24), "dark", ("1", "a")),
    ("review-160x50", (160, 50), "dark", ()),
    ("review-light", (160, 50), "light", ("1", *"aaaaaaaa", "r", "a")),
    ("edit", (80, 24), "dark", ("j", "j", "e", "l", "u")),
    ("timeline", (80, 24), "dark", ("1", "a", "t")),
    ("timeline-160x50", (160, 50), "dark", ("1", "a", "t")),
    ("history", (80, 24), "dark", ("1", "u", "1", "k", "g", "h")),
    ("help", (80, 24), "dark", ("question_mark",)),
    ("statistics", (80, 24), "dark", ("1", "a", "a", "r", "g", "s")),
    ("quality", (80, 24), "dark", ("g", "q")),
    ("problems", (80, 24), "dark", ("1", "a", "e", "l", "u", "enter", "g", "e")),
    ("review-mono", (80, 24), "mono", ("1", "a", "r", "a")),
    ("tour", (80, 24), "dark", ("question_mark", "T")),
)
"""Name, size, theme, and the keys that lead to it."""


def _without_outside(drawn: str) -> str:
    """The picture without the fonts it would fetch from outside; the viewer's own monospaced font serves."""
    alone = re.sub(r"@font-face \{.*?\}\n?", "", drawn, flags=re.DOTALL)
    # some viewers swallow the blanks at the beginning of a line otherwise
    return alone.replace("<svg ", '<svg xml:space="preserve" ', 1)


async def picture(folder: Path, size: tuple[int, int], theme: str, keys: Sequence[str]) -> str:
    """One screen of the invented patient, as SVG.

    Args:
        folder: an empty folder for the registry.
        size: columns and lines.
        theme: of `themes.PALETTES`.
        keys: pressed one after the other before the picture is taken.
    """
    book = load_rulebook()
    registry = create_registry(str(folder / "tour.db"))
    patient_id = fill_tour(registry, book)
    config = ReviewConfig(dwell_ms=0, theme=theme)
    app = ReviewApp(registry, book, "abstractor", patient_id=patient_id, config=config, clock=_noon)
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        drawn = _without_outside(app.export_screenshot(title="abstractor review"))
    registry.close()
    return drawn


def _noon() -> str:
    """One moment for all: the same pictures every time, but for ids that Textual makes up."""
    return "2024-03-01T12:00:00.000+00:00"


def keys_markdown(keymap: Keymap) -> str:
    """The table of keys, one heading a part."""
    lines: list[str] = []
    order = list(dict.fromkeys(action.where for action in ACTIONS))
    ranked = sorted(ACTIONS, key=lambda action: order.index(action.where))
    for where, actions in groupby(ranked, key=lambda action: action.where):
        lines += [
            "",
            f"### {where.capitalize()}",
            "",
            "| key | does | action id | screens |",
            "| --- | --- | --- | --- |",
        ]
        for action in actions:
            says = action.says.replace("|", "\\|")
            keys = "`1`-`9`" if action.id == "pick" else " ".join(f"`{spell(key)}`" for key in keymap.keys[action.id])
            lines.append(f"| {keys} | {says} | `{action.id}` | {', '.join(action.screens)} |")
    return "\n".join(lines).strip() + "\n"


def with_keys(document: str, table: str) -> str:
    """A document with the table of keys between its marks."""
    return _between(document, (BEGIN, END), table)


def with_settings(document: str) -> str:
    """A document with the table of settings between its marks."""
    return _between(document, SETTINGS, settings_table())


def _between(document: str, marks: tuple[str, str], table: str) -> str:
    head, _, rest = document.partition(marks[0])
    _, _, tail = rest.partition(marks[1])
    return f"{head}{marks[0]}\n\n{table}\n{marks[1]}{tail}"


async def screen_of(registry: Registry, beyond: Beyond, size: tuple[int, int], keys: Sequence[str]) -> str:
    """A screen of any registry, as SVG, from the worklist on; for pictures that need more than the invented patient.

    Args:
        registry: open; nothing is decided in it.
        beyond: computes what the screens show and may not compute themselves.
        size: columns and lines.
        keys: pressed one after the other before the picture is taken.
    """
    app = ReviewApp(registry, load_rulebook(), "abstractor", config=ReviewConfig(theme="dark"), beyond=beyond)
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            await app.workers.wait_for_complete()
        await pilot.pause()
        return _without_outside(app.export_screenshot(title="abstractor review"))


def main(folder: Path) -> None:
    """Writes all pictures and the table under a folder of documentation."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for name, size, theme, keys in PICTURES:
        with tempfile.TemporaryDirectory() as throw_away:
            drawn = asyncio.run(picture(Path(throw_away), size, theme, keys))
        (images / f"{name}.svg").write_text(drawn, encoding="utf-8")
    document = folder / "review.md"
    written = document.read_text(encoding="utf-8")
    document.write_text(with_settings(with_keys(written, keys_markdown(Keymap()))), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
