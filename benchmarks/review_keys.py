"""How many keys a patient takes: the interface itself, driven through all sample patients by what the scripted abstractor of the demo decided.

    abstractor demo --keep DIR
    python benchmarks/review_keys.py DIR/demo.db [--patients SP01 SP02] [--size 100x30] [--visits]

The notes and suggestions of a finished demo go into a new registry without its decisions; then every decision is made again by keys,
through the same screens, questions and guards (only the dwell time is 0), to the closed patient. Reported for each patient: facts, rows,
decisions by kind, keys (of them those for facts that had to be typed, and those for closing), keys a fact; over all: processor and clock
milliseconds of the keys that decide, from the key to the decision committed and the screen drawn anew (no terminal behind it:
`benchmarks/interface.py` measures with one). A date of contact needs no note and no decision of its own (`visit`, 28 a patient in the
samples, are left out unless asked for).
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot

from abstractor.model.decision import STATING, Action, Decision
from abstractor.model.finding import Assertion
from abstractor.registry.decisions import case_of, decisions_of
from abstractor.registry.engine import Registry, create_registry, open_registry
from abstractor.registry.notes import add_notes, notes_of, patients, whole_note
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.review.attributes import write_attribute
from abstractor.review.config import ReviewConfig
from abstractor.review.session import Session
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import default_rules, load_rulebook
from abstractor.tui.app import ReviewApp
from abstractor.tui.messages import PatientWanted
from abstractor.tui.screens.close import CloseScreen
from abstractor.tui.screens.edit import EditScreen
from abstractor.tui.screens.problems import unanswered
from abstractor.tui.screens.review import ReviewScreen

_ONE_KEY = {Action.REJECT: "r", Action.NOT_DOCUMENTED: "0"}
_LEFT_OUT = frozenset({"visit"})


@dataclass
class Tally:
    """What one patient took."""

    patient_id: str
    rows: int = 0
    facts: int = 0
    keys: int = 0
    typed_keys: int = 0
    """Of these, for values that were typed: edits and facts nobody had found."""
    closing_keys: int = 0
    typed: int = 0
    """How many values were typed."""
    closed: bool = False
    done: Counter[str] = field(default_factory=Counter)
    clock_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


class Hands:
    """Presses keys, counts them, and looks at the screen to know the next."""

    def __init__(self, pilot: Pilot[int], app: ReviewApp, tally: Tally) -> None:
        self.pilot = pilot
        self.app = app
        self.tally = tally

    @property
    def review(self) -> ReviewScreen:
        return next(one for one in reversed(self.app.screen_stack) if isinstance(one, ReviewScreen))

    @property
    def session(self) -> Session:
        return self.review.session

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
            self.tally.keys += 1

    async def type(self, text: str) -> None:
        await self.press(*("space" if letter == " " else letter for letter in text))

    async def timed(self, key: str) -> None:
        """A key that decides."""
        clock, cpu = time.perf_counter(), time.process_time()
        await self.press(key)
        self.tally.clock_ms.append((time.perf_counter() - clock) * 1000)
        self.tally.cpu_ms.append((time.process_time() - cpu) * 1000)

    async def go(self, slot: str) -> None:
        """To a row that is not the one the loop has come to."""
        listed = [row.slot for row in self.review.listed]
        step = listed.index(slot) - self.review.at
        await self.press(*(["j"] * step if step > 0 else ["k"] * -step))

    # Decisions

    async def decide(self, wanted: Decision) -> None:
        """Makes one decision of the script again."""
        known = any(row.slot == wanted.slot for row in self.session.rows)
        if known and self.review.slot != wanted.slot:
            await self.go(wanted.slot)
        if wanted.action in _ONE_KEY:
            await self._one_key(_ONE_KEY[wanted.action])
        elif wanted.action in {Action.ACCEPT, Action.PICK}:
            await self._take(wanted)
        elif wanted.action in STATING:
            before = self.tally.keys
            await self._state(wanted, known=known)
            self.tally.typed_keys += self.tally.keys - before
            self.tally.typed += 1
        self.tally.done[wanted.action.value] += 1

    async def _take(self, wanted: Decision) -> None:
        choices = self.session.row(wanted.slot).choices
        same = [
            number
            for number, one in enumerate(choices, 1)
            if (one.value, one.assertion) == (wanted.value, wanted.assertion)
        ]
        await self._one_key("a" if len(choices) == 1 else str(same[0]))

    async def _one_key(self, key: str) -> None:
        """Where the guard wants the evidence in view first, it is stepped to."""
        version = self.session.case.version
        await self.timed(key)
        for _ in range(len(self.review.spans)):
            if self.session.case.version != version:
                return
            await self.press(".")
            await self.timed(key)

    async def _state(self, wanted: Decision, *, known: bool) -> None:
        if wanted.action is Action.ADD and wanted.evidence:
            first = wanted.evidence[0]
            await self.press("slash")
            await self.type(f"/{first.text[:24].split(chr(10))[0]}")
            await self.press("enter")
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
        if known:
            await self.press("=" if wanted.action is Action.ADD and wanted.evidence else "e")
        else:
            await self.press("i")
            await self._narrowed(wanted.field)
            await self.press("enter")
        screen = self.app.screen
        if isinstance(screen, EditScreen):
            await self._fill(screen, wanted)

    async def _narrowed(self, name: str) -> None:
        """Types as much of a field's label as brings it to the top of the list."""
        label = self.session.book.fields[name].label.lower()
        for letter in label:
            found = getattr(self.app.screen, "found", ())
            if found and found[0].name == name:
                return
            await self.type(letter)

    async def _fill(self, screen: EditScreen, wanted: Decision) -> None:
        if (wanted.assertion is Assertion.ABSENT) != screen._absent:
            await self.press("ctrl+n")
        await self._fill_value(screen, wanted.value)
        texts = {"date": wanted.date or "", "end": wanted.end_date or ""}
        texts |= {
            one.name: self._short(wanted.attributes[one.name])
            for one in screen.spec.attributes
            if wanted.attributes.get(one.name)
            and write_attribute(wanted.attributes[one.name]) != screen._typed(one.name)
        }
        at = 0
        for number, name in enumerate(screen._fields):
            if name in texts and screen._typed(name) != texts[name]:
                await self.press(*["tab"] * (number - at))
                await (
                    self.type(texts[name]) if texts[name] else self.press("backspace")
                )  # tab has marked the whole entry
                at = number
        version = self.session.case.version
        for _ in range(4):
            await self.timed("enter")
            if self.session.case.version != version:
                return
        await self.press("escape")
        self.tally.done["not taken"] += 1

    def _short(self, value: object) -> str:
        """An attribute as a person types it: of drugs as many letters as tell them."""
        if not isinstance(value, list | tuple):
            return write_attribute(value)
        reader = self.session.reader.drugs
        parts = []
        for drug in map(str, value):
            begun = (drug[:length] for length in range(3, len(drug)))
            parts.append(next((part for part in begun if reader.one(part) == (drug, "")), drug))
        return ",".join(parts)

    async def _fill_value(self, screen: EditScreen, value: str) -> None:
        """Types until the line under the entry shows the value."""
        for letter in ("", *value.replace("_", " ")):
            if letter:
                await self.type(letter)
            answer = screen._answer()
            if answer.stated.value == value and not answer.problem:
                return

    async def close(self) -> None:
        """Closes the patient, answering what closing asks."""
        before = self.tally.keys
        review = self.review
        for _ in range(30):
            await self.press("enter")
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()
            if review not in self.app.screen_stack or review.session.case.closed:
                break
            if isinstance(self.app.screen, CloseScreen) and unanswered(review.session):
                await self.press("O")  # one word for all warnings
            if self.app.screen is not review and self.app.screen.query("Line1"):
                await self.type("ok")
        self.tally.closing_keys = self.tally.keys - before


def bare_copy(finished: Registry, path: Path, wanted: Sequence[str]) -> Registry:
    """The notes and suggestions of a registry, without any decision."""
    copy = create_registry(str(path))
    for patient_id in wanted:
        add_notes(copy, [whole_note(finished, note) for note in notes_of(finished, patient_id)], "demo")
        replace_suggestions(copy, patient_id, suggestions_of(finished, patient_id))
    return copy


async def drive(
    copy: Registry, book: RuleBook, script: Iterable[Decision], patient_id: str, size: tuple[int, int]
) -> Tally:
    """One patient, from the first row to the closed patient."""
    tally = Tally(patient_id)
    app = ReviewApp(copy, book, "bench", config=ReviewConfig(dwell_ms=0))
    async with app.run_test(size=size) as pilot:
        app.post_message(PatientWanted(patient_id))
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        hands = Hands(pilot, app, tally)
        tally.rows = len(hands.session.rows)
        for decision in script:
            await hands.decide(decision)
        await hands.close()
    case = case_of(copy, patient_id)
    tally.closed, tally.facts = case.closed, len(case.facts)
    return tally


HEAD = f"{'patient':8} {'rows':>5} {'facts':>6} {'keys':>5} {'typed':>6} {'for':>5} {'close':>6} {'keys/fact':>10}  closed  done"


def tell_patient(one: Tally) -> None:
    """A line of the table, as soon as the patient is done."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(one.done.items()))
    print(
        f"{one.patient_id:8} {one.rows:5} {one.facts:6} {one.keys:5} {one.typed_keys:6} {one.typed:5} {one.closing_keys:6} "
        f"{one.keys / max(1, one.facts):10.2f}  {'yes' if one.closed else 'NO':6}  {kinds}",
        flush=True,
    )


def tell(tallies: Sequence[Tally]) -> None:
    """What all patients took together."""
    keys, facts = sum(one.keys for one in tallies), sum(one.facts for one in tallies)
    typed, values = sum(one.typed_keys for one in tallies), sum(one.typed for one in tallies)
    print(f"all: {keys} keys for {facts} facts, {keys / max(1, facts):.2f} a fact")
    print(
        f"     without the {values} values that were typed ({typed} keys): {(keys - typed) / max(1, facts - values):.2f} a fact"
    )
    for name, found in (
        ("clock", [t for one in tallies for t in one.clock_ms]),
        ("cpu", [t for one in tallies for t in one.cpu_ms]),
    ):
        cuts = statistics.quantiles(found, n=20)
        print(
            f"     {name}: median {statistics.median(found):.1f} ms, 95 % below {cuts[18]:.1f} ms, of {len(found)} keys that decide"
        )


def main() -> None:
    """Reads the arguments, drives, reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("registry", help="demo.db of a finished demo")
    parser.add_argument("--patients", nargs="*", default=None)
    parser.add_argument("--size", default="100x30")
    parser.add_argument("--visits", action="store_true", help="type the dates of contact too")
    given = parser.parse_args()
    width, _, height = given.size.partition("x")
    finished = open_registry(given.registry)
    book = load_rulebook(default_rules())
    wanted = given.patients or list(patients(finished))
    left_out = frozenset() if given.visits else _LEFT_OUT
    with tempfile.TemporaryDirectory() as folder:
        copy = bare_copy(finished, Path(folder) / "keys.db", wanted)
        tallies = []
        print(HEAD, flush=True)
        for patient_id in wanted:
            script = [one for one in decisions_of(finished, patient_id) if one.field not in left_out]
            tallies.append(asyncio.run(drive(copy, book, script, patient_id, (int(width), int(height)))))
            tell_patient(tallies[-1])
        copy.close()
    finished.close()
    tell(tallies)


if __name__ == "__main__":
    main()
