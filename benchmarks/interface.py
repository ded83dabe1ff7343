"""What the review interface costs: processor time of its widgets beside Textual's own, and bytes sent to the terminal for each key.

    python benchmarks/interface.py widgets [--size 160x50]
    python benchmarks/interface.py review [--size 160x50] [--patients 3] [--keys 25] [--old]

widgets  one child for each widget and length, drawing into a driver that counts bytes: processor milliseconds to the first paint, of a
         jump and of a key (median, 95th of 100), bytes of a key, and MB that memory has grown by after 300 notes of 76 kB (not of
         `Static`, which takes minutes). Notes: ours, `TextArea`, `Static` in a scroll. Lists of 10,000 rows: ours, `OptionList`,
         `DataTable`; `ListView` with 1,000, as 10,000 take minutes.
review   the review screen on a registry made of the sample notes, drawing into the same driver: for list moves and for decisions, bytes to
         the terminal, milliseconds by the clock from the key to its picture (a decision is on disk before it is painted), and processor
         time. Told apart by whether the note stays. `--old` sends what Textual sends.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")
ROWS, FEW_ROWS = 10_000, 1_000
MANY_NOTES, NOTE = 300, 76_000
PROSE = "stable mass of the right hilum measuring about two cm without change since the last study café naïve"
SAMPLES = Path(__file__).resolve().parents[1] / "corpus_samples" / "notes"


def text_of(length: int) -> str:
    """Made-up prose in paragraphs, with headings, a few letters that are no ASCII, and nobody in it."""
    words = PROSE.split(" ")
    lines = []
    size = 0
    while size < length:
        number = len(lines)
        line = (
            "FINDINGS:"
            if number % 17 == 0
            else " ".join(words[(number * 7 + at) % len(words)] for at in range(5 + number * 13 % 60))
        )
        lines.append(line)
        size += len(line) + 1
    return "\n".join(lines)[:length]


def megabytes() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


# One widget in a child


@dataclass
class Costs:
    """Processor milliseconds and bytes."""

    name: str
    load: float = 0.0
    jump: float = 0.0
    jump_95: float = 0.0
    sent: int = 0
    """Bytes of a jump or a key, median."""
    grown: float = 0.0
    """MB after many notes."""


@dataclass
class Under:
    """A widget to measure, made inside an app."""

    make: Callable[[], Any]
    load: Callable[[Any, str], None]
    """Puts a note in, or does nothing for a list that was made full."""
    step: Callable[[Any, int], None]
    """The jump or key of that number."""


def _notes() -> dict[str, Under]:
    from textual.containers import VerticalScroll
    from textual.content import Content
    from textual.widgets import Static, TextArea

    from abstractor.review.rows import State
    from abstractor.tui.widgets.note import DocView, Mark

    def load_ours(doc: DocView, text: str) -> None:
        doc.load(text)
        doc.mark([Mark(at, at + 12, State.SUGGESTED) for at in range(0, len(text) - 20, max(200, len(text) // 2000))])

    def scrolled() -> VerticalScroll:
        return VerticalScroll(Static(id="static"))

    def places(number: int, length: int) -> int:
        return number * 7919 * 31 % length

    return {
        "DocView": Under(DocView, load_ours, lambda doc, n: doc.centre(places(n, len(doc.text)))),
        "TextArea": Under(
            lambda: TextArea(read_only=True, soft_wrap=True),
            lambda area, text: area.load_text(text),
            lambda area, n: area.move_cursor((places(n, area.document.line_count), 0), center=True),
        ),
        "Static": Under(
            scrolled,
            lambda box, text: box.query_one("#static", Static).update(Content(text)),
            lambda box, n: box.scroll_to(y=places(n, max(1, box.virtual_size.height)), animate=False),
        ),
    }


def _lists() -> dict[str, Under]:
    from rich.style import Style
    from textual.content import Content
    from textual.widgets import DataTable, Label, ListItem, ListView, OptionList

    from abstractor.tui.widgets.lines import Line, LineList

    def row(at: int) -> str:
        return f"? item {at:<6} value of row {at:<8} .97"

    def ours(lines: LineList, _text: str) -> None:
        lines.show(ROWS, 0, Style())
        lines.focus()

    def table() -> DataTable[str]:
        return DataTable(cursor_type="row")

    def fill_table(rows: DataTable[str], _text: str) -> None:
        rows.add_column("row")
        rows.add_rows([(row(at),) for at in range(ROWS)])

    return {
        "LineList": Under(
            lambda: LineList(lambda at, _: Line.of((row(at), Style()))), ours, lambda lines, _: lines.move(1)
        ),
        "OptionList": Under(
            OptionList,
            lambda options, _: options.add_options([Content(row(at)) for at in range(ROWS)]),
            lambda options, _: options.action_cursor_down(),
        ),
        "DataTable": Under(table, fill_table, lambda rows, _: rows.action_cursor_down()),
        f"ListView of {FEW_ROWS}": Under(
            ListView,
            lambda view, _: view.extend([ListItem(Label(Content(row(at)))) for at in range(FEW_ROWS)]),
            lambda view, _: view.action_cursor_down(),
        ),
    }


async def _measure(name: str, under: Under, length: int, size: tuple[int, int], many: bool) -> Costs:
    from textual.app import App

    from abstractor.tui.sparing import SparingApp

    sent = count_bytes()
    kind = SparingApp if name in {"DocView", "LineList"} else App

    class Bench(kind):  # type: ignore[misc,valid-type]
        ENABLE_COMMAND_PALETTE = False

        def compose(self) -> Any:
            yield under.make()

    app = Bench()
    costs = Costs(name)
    async with app.run_test(size=size) as pilot:
        widget = app.screen.children[0]
        await pilot.pause()
        text = text_of(length)
        costs.load = await _processor(partial(under.load, widget, text), pilot.pause)
        times, bytes_of = [], []
        for number in range(1, 101):
            sent.clear()
            times.append(await _processor(partial(under.step, widget, number), pilot.pause))
            bytes_of.append(sum(size for size, _ in sent))
        costs.jump, costs.jump_95 = statistics.median(times), sorted(times)[94]
        costs.sent = int(statistics.median(bytes_of))
        if many:
            await _processor(partial(under.load, widget, text_of(NOTE)), pilot.pause)
            before = megabytes()
            for number in range(MANY_NOTES):
                await _processor(partial(under.load, widget, f"{number} {text_of(NOTE)}"), pilot.pause)
            costs.grown = megabytes() - before
    return costs


async def _processor(act: Callable[[], None], settle: Callable[[], Awaitable[None]]) -> float:
    """Processor milliseconds until an act is on the screen."""
    begun = time.process_time()
    act()
    await settle()
    return 1000 * (time.process_time() - begun)


def one(name: str, length: int, size: tuple[int, int], many: bool) -> None:
    """In a child: measures one widget and writes its costs as JSON."""
    under = {**_notes(), **_lists()}[name]
    print(json.dumps(vars(asyncio.run(_measure(name, under, length, size, many)))))


def widgets(size: str) -> None:
    """The table of all widgets."""

    def child(name: str, length: int, *more: str) -> Costs:
        command = [sys.executable, __file__, "one", name, str(length), "--size", size, *more]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return Costs(**json.loads(done.stdout))

    print(f"{'note':<20}{'kB':>6}{'first ms':>10}{'jump ms':>9}{'95 %':>7}{'bytes':>8}{'MB grown':>10}")
    for length in (200_000, 2_000_000):
        for name in ("DocView", "TextArea", "Static"):
            costs = child(name, length, *(["--many"] if length < 1_000_000 and name != "Static" else []))
            print(
                f"{name:<20}{length // 1000:>6}{costs.load:>10.0f}{costs.jump:>9.1f}{costs.jump_95:>7.1f}{costs.sent:>8}"
                f"{costs.grown:>10.1f}",
                flush=True,
            )
    print(f"\n{'list of 10,000':<20}{'open ms':>10}{'key ms':>9}{'95 %':>7}{'bytes':>8}")
    for name in ("LineList", "OptionList", "DataTable", f"ListView of {FEW_ROWS}"):
        costs = child(name, 0)
        print(f"{name:<20}{costs.load:>10.0f}{costs.jump:>9.1f}{costs.jump_95:>7.1f}{costs.sent:>8}", flush=True)


# The whole program


@dataclass
class Key:
    """What one key cost."""

    kind: str
    sent: int
    """Bytes."""
    waited: float
    """Milliseconds by the clock, until it was painted."""
    processor: float
    """Milliseconds."""


def review(size: tuple[int, int], patients: int, keys: int, old: bool) -> None:
    """List moves and decisions in the patients with most notes."""
    from sqlalchemy import func, select

    from abstractor.registry.engine import open_registry
    from abstractor.registry.tables import NoteRow

    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "r.db")
        for step in (["init"], ["ingest", str(SAMPLES)], ["annotate"]):
            subprocess.run(
                [sys.executable, "-m", "abstractor", *step, "--db", database], check=True, capture_output=True
            )
        registry = open_registry(database)
        with closing(registry):
            with registry.read() as connection:
                most = func.count().desc()
                counted = select(NoteRow.patient_id).group_by(NoteRow.patient_id).order_by(most, NoteRow.patient_id)
                chosen = list(connection.scalars(counted.limit(patients)))
            told = [key for patient in chosen for key in asyncio.run(_keys(registry, patient, size, keys, old))]
    print(f"{'key':<20}{'n':>5}{'bytes':>8}{'95 %':>8}{'most':>8}{'ms':>8}{'95 %':>8}{'cpu ms':>8}")
    for kind in sorted({key.kind for key in told}):
        of_kind = [key for key in told if key.kind == kind]
        sent, waited = sorted(key.sent for key in of_kind), sorted(key.waited for key in of_kind)
        high = int(0.95 * (len(of_kind) - 1))
        print(
            f"{kind:<20}{len(sent):>5}{statistics.median(sent):>8.0f}{sent[high]:>8}{sent[-1]:>8}{statistics.median(waited):>8.0f}"
            f"{waited[high]:>8.0f}{statistics.median(key.processor for key in of_kind):>8.0f}"
        )


async def _keys(registry: Any, patient: str, size: tuple[int, int], keys: int, old: bool) -> list[Key]:
    """Moves down the list of a patient and up again, then accepts what may be accepted."""
    from abstractor.review.config import ReviewConfig
    from abstractor.rulebook.load import load_rulebook
    from abstractor.tui.app import ReviewApp
    from abstractor.tui.sparing import SparingApp

    if old:
        SparingApp._display = SparingApp.__base__._display  # type: ignore[method-assign,union-attr]
    sent = count_bytes()
    app = ReviewApp(registry, load_rulebook(), "ann", patient_id=patient, config=ReviewConfig(dwell_ms=0))
    told: list[Key] = []
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        screen: Any = app.screen
        for key in "j" * keys + "k" * keys + "a" * keys:
            note, row, decided = screen.note_id, screen.slot, screen.session.decided
            sent.clear()
            begun, used = time.perf_counter(), time.process_time()
            await pilot.press(key)
            await pilot.pause()
            spent = 1000 * (time.process_time() - used)
            if app.screen is not screen or screen.slot == row or not sent:
                continue  # the end of the list, or a key that does not count here
            waited = 1000 * (sent[-1][1] - begun)
            stays = "note stays" if screen.note_id == note else "other note"
            kind = "decision" if screen.session.decided > decided else "move"
            told.append(Key(f"{kind}, {stays}", sum(one for one, _ in sent), waited, spent))
            if key == "a" and screen.session.decided == decided:
                await pilot.press("j")
    return told


def count_bytes() -> list[tuple[int, float]]:
    """Makes Textual's driver for tests take what would go to a terminal: how many bytes it was given, and when."""
    from textual.drivers.headless_driver import HeadlessDriver

    sent: list[tuple[int, float]] = []
    HeadlessDriver.is_headless = property(lambda _: False)  # type: ignore[assignment,method-assign]
    HeadlessDriver.write = lambda _, data: sent.append((len(data.encode()), time.perf_counter()))  # type: ignore[method-assign]
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("widgets", "review", "one"))
    parser.add_argument("name", nargs="?")
    parser.add_argument("length", nargs="?", type=int, default=0)
    parser.add_argument("--size", default="160x50")
    parser.add_argument("--patients", type=int, default=3)
    parser.add_argument("--keys", type=int, default=25)
    parser.add_argument("--many", action="store_true")
    parser.add_argument("--old", action="store_true")
    given = parser.parse_args()
    columns, lines = (int(one) for one in given.size.split("x"))
    match given.what:
        case "widgets":
            widgets(given.size)
        case "one":
            one(given.name, given.length, (columns, lines), given.many)
        case _:
            review((columns, lines), given.patients, given.keys, given.old)


if __name__ == "__main__":
    main()
