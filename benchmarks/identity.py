"""Does the engine find what the plain pipeline finds? Byte for byte of the findings, over corpora, and over the same notes spoilt by seed.

    python benchmarks/identity.py [NAME|PATH ...] [--sample N] [--mutilate K] [--workers 2] [--seed S] [--note ID ...] [--rules DIR]
    python benchmarks/identity.py ... --save BEFORE.jsonl        keeps what the engine finds (hashes, fields, rules, places; no text)
    python benchmarks/identity.py ... --against BEFORE.jsonl     compares with that instead of the plain pipeline: before and after a change

Without names, every corpus that is here. A note is read as it stands and in `--mutilate` ways (`mutilation.py`), chosen by its id. Printed
are counts, and of notes that differ the id, the way, and field, rule and place of what only one of the two found; never a word of text.
The exit code is 1 where a note differs.
"""

import argparse
import hashlib
import inspect
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from corpora import corpus, known, sampled
from mutilation import mutilated, ways

from abstractor.api import Abstractor
from abstractor.model.note import Note
from abstractor.rulebook.load import load_rulebook

AS_IT_IS = "as it is"
SHOWN = 20
"""So many differing notes are shown in full; all are counted."""
FIRST = "Small cell lung cancer, liver metastases, partial response after 4 cycles of carboplatin and etoposide."
"""Read before anything is timed: much is compiled on first use."""
SLOW_SECONDS, SLOW = 0.5, 100e-6
"""A reading of more seconds, and of more for each character, is named."""
TELL_EVERY = 20.0
"""Seconds."""
_CHUNK = 8


@dataclass(frozen=True)
class Reading:
    """What was found in one text, without its words."""

    digest: str
    """Of the rows of the findings, in their order, as they are written to JSONL."""
    rows: tuple[str, ...]
    """A row a finding: field, rule, place, and a digest of the whole row."""


@dataclass(frozen=True)
class Compared:
    """One text, read twice."""

    corpus: str
    note_id: str
    way: str
    characters: int
    ours: Reading
    theirs: Reading | None
    """None: only read once."""
    seconds: tuple[float, float]
    """Processor time of ours and of theirs."""


def reading_of(annotate: Callable[[Note], list[object]], note: Note) -> Reading:
    """The findings of a note; an error counts as a finding of its kind, so that both sides must fail alike."""
    try:
        found = [one.row() for one in annotate(note)]  # type: ignore[attr-defined]
    except Exception as error:
        return Reading(f"raised {type(error).__name__}", ())
    lines = [json.dumps(row | {"rulebook": ""}, ensure_ascii=False).encode("utf-8", "surrogatepass") for row in found]
    rows = (
        f"{row['field']} {row['rule']} {row['start']}-{row['end']} {_short(line)}"
        for row, line in zip(found, lines, strict=True)
    )
    return Reading(hashlib.sha256(b"\n".join(lines)).hexdigest(), tuple(rows))


def _short(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:8]


@dataclass
class Sides:
    """The pipelines of this process."""

    ours: Abstractor
    theirs: Abstractor | None
    seed: int

    @classmethod
    def load(cls, rules: Path | None, single: bool, seed: int) -> "Sides":
        sides = [Abstractor.load(rules)]
        if not single:
            if "plain" not in inspect.signature(Abstractor.load).parameters:
                raise SystemExit("this version has no plain pipeline to compare with; use --save and --against")
            sides.append(Abstractor.load(rules, plain=True))
        for one in sides:
            one.annotate(Note("first", FIRST))
        return cls(sides[0], None if single else sides[1], seed)

    def compare(self, task: tuple[str, Note, str]) -> Compared:
        name, note, way = task
        read = note if way == AS_IT_IS else mutilated(note, way, self.seed)
        begun = time.thread_time()
        ours = reading_of(self.ours.annotate, read)  # type: ignore[arg-type]
        between = time.thread_time()
        theirs = reading_of(self.theirs.annotate, read) if self.theirs else None  # type: ignore[arg-type]
        ended = time.thread_time()
        return Compared(name, note.note_id, way, len(read.text), ours, theirs, (between - begun, ended - between))


_SIDES: list[Sides] = []


def _start(rules: Path | None, single: bool, seed: int) -> None:
    _SIDES.append(Sides.load(rules, single, seed))


def _work(task: tuple[str, Note, str]) -> Compared:
    return _SIDES[0].compare(task)


def tasks(given: argparse.Namespace) -> Iterator[tuple[str, Note, str]]:
    """Every text to be read: corpus, note, way."""
    rulebook = load_rulebook(given.rules)
    for name in given.names or known():
        notes = sampled(corpus(name, rulebook, given.seed).notes, given.sample, given.seed)
        for note in notes:
            if not given.note or note.note_id in given.note:
                yield name, note, AS_IT_IS
                for way in ways(note, given.mutilate, given.seed):
                    yield name, note, way


def compared(given: argparse.Namespace) -> Iterator[Compared]:
    single = bool(given.save or given.against)
    if given.workers == 1:
        sides = Sides.load(given.rules, single, given.seed)
        yield from map(sides.compare, tasks(given))
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(given.workers, _start, (given.rules, single, given.seed)) as pool:
        yield from pool.imap(_work, tasks(given), _CHUNK)


def saved(results: Iterable[Compared], path: Path) -> Iterator[Compared]:
    """Passes on what it writes."""
    with path.open("w", encoding="utf-8") as file:
        for one in results:
            file.write(json.dumps([one.corpus, one.note_id, one.way, asdict(one.ours)]) + "\n")
            yield one


def beside(results: Iterable[Compared], path: Path) -> Iterator[Compared]:
    """The same with what was saved as the other side; texts that were not saved are passed over."""
    before: dict[tuple[str, str, str], Reading] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, note_id, way, reading = json.loads(line)
        before[name, note_id, way] = Reading(reading["digest"], tuple(reading["rows"]))
    for one in results:
        other = before.get((one.corpus, one.note_id, one.way))
        if other is not None:
            yield Compared(one.corpus, one.note_id, one.way, one.characters, one.ours, other, one.seconds)


def difference(one: Compared) -> str:
    """What only one side found, in a line."""
    assert one.theirs is not None
    if "raised" in one.ours.digest + one.theirs.digest:
        return f"ours: {one.ours.digest[:40]}; theirs: {one.theirs.digest[:40]}"
    ours, theirs = Counter(one.ours.rows), Counter(one.theirs.rows)
    only = [f"+ {row}" for row in ours - theirs] + [f"- {row}" for row in theirs - ours]
    return "; ".join(only[:6]) + (f"; and {len(only) - 6} more" if len(only) > 6 else "") or "only the order differs"


def report(results: Iterable[Compared]) -> int:
    """Prints differing notes as they come and a table at the end.

    Returns:
        How many texts differ.
    """
    texts: Counter[tuple[str, bool]] = Counter()
    differing: Counter[tuple[str, bool]] = Counter()
    ways_differing: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    spent: dict[str, list[float]] = {}
    for one in results:
        key = one.corpus, one.way == AS_IT_IS
        texts[key] += 1
        characters[one.corpus] += one.characters
        sums = spent.setdefault(one.corpus, [0.0, 0.0])
        sums[0], sums[1] = sums[0] + one.seconds[0], sums[1] + one.seconds[1]
        if one.theirs is not None and one.ours.digest != one.theirs.digest:
            differing[key] += 1
            ways_differing[one.way] += 1
            if differing.total() <= SHOWN:
                print(f"differs: {one.corpus} {one.note_id} ({one.way}): {difference(one)}", flush=True)
    print(
        f"{'corpus':<12} {'notes':>7} {'differ':>7} {'spoilt':>7} {'differ':>7} {'ours':>9} {'theirs':>9}  µs a character"
    )
    for name in characters:
        ours, theirs = (1e6 * value / max(1, characters[name]) for value in spent[name])
        print(
            f"{name:<12} {texts[name, True]:>7} {differing[name, True]:>7} {texts[name, False]:>7} "
            f"{differing[name, False]:>7} {ours:>9.3f} {theirs:>9.3f}"
        )
    if ways_differing:
        print("by way:", ", ".join(f"{way} {count}" for way, count in ways_differing.most_common()))
    print(f"{sum(texts.values())} texts, {differing.total()} differ")
    return differing.total()


def told(results: Iterable[Compared]) -> Iterator[Compared]:
    """Passes them on; says on standard error how far it is, and which texts take long for their length."""
    begun = shown = time.monotonic()
    for number, one in enumerate(results, 1):
        if one.seconds[0] > SLOW_SECONDS and one.seconds[0] > SLOW * one.characters:
            place = f"{one.corpus} {one.note_id} ({one.way})"
            print(f"slow: {place}: {one.seconds[0]:.1f} s for {one.characters:,} characters", file=sys.stderr)
        if time.monotonic() - shown > TELL_EVERY:
            shown = time.monotonic()
            print(f"{number:,} texts, {shown - begun:.0f} s, now {one.corpus}", file=sys.stderr, flush=True)
        yield one


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine beside the plain pipeline, note by note.")
    parser.add_argument("names", nargs="*", help=f"corpora ({', '.join(known())}) or files and folders of notes")
    parser.add_argument("--sample", type=int, help="so many notes of each corpus, drawn by seed")
    parser.add_argument("--mutilate", type=int, default=0, metavar="K", help="each note spoilt in K ways, too")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20_250_630)
    parser.add_argument("--note", action="append", metavar="ID", help="only this note; may be given again")
    parser.add_argument("--rules", type=Path)
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--save", type=Path, help="keep what the engine finds, to compare with later")
    kept.add_argument("--against", type=Path, help="compare with what was kept")
    given = parser.parse_args()
    results = told(compared(given))
    if given.save:
        results = saved(results, given.save)
    elif given.against:
        results = beside(results, given.against)
    sys.exit(1 if report(results) else 0)


if __name__ == "__main__":
    main()
