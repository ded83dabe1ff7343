"""The engine beside stock medspaCy, EDS-NLP, its own plain pipeline and the bare scan of the bytes: one run, processor time of one core.

    python benchmarks/engine.py [--parts speed lengths rules processes] [--corpora general charts sclc | PATH ...] [--json FILE]

speed       µs a character and notes a second, for each program and corpus, and how many times stock the engine is. Stock, EDS-NLP and
            the plain pipeline read a sample (`--sample` characters, drawn by `--seed`), as does the engine beside them; the engine and
            the scans also read everything, and it is the whole that the ratio is taken from: what stock costs hardly depends on what a
            note is about, what the engine costs does, and a sample has too few notes about lung cancer, or too many.
lengths     one stream of text in notes of 1 kB to 1 MB: is the cost of a character the same? Each note opens with a sentence about
            small cell lung cancer, and has one for each 1,000 characters, so that all of it is read; about `--sample` characters of each
            length, one note at least. Stock and the plain pipeline stop at `--slow-longest` (1 MB takes stock minutes).
rules       50, 415 and 5,000 more target rules in a copy of the rulebook; stock with as many terms.
processes   `abstractor annotate` as a whole with one and two workers: wall time, and the share of all that is not annotating.

EDS-NLP and the scans need requirements/benchmarks.txt in a virtual environment of their own, whose interpreter the environment variable
ABSTRACTOR_BENCHMARK_PYTHON names; without it their lines say so. Other work on the machine makes figures worse: the load is printed.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from corpora import Corpus, corpus, known, sampled_characters
from programs import (
    AHOCORASICK,
    EDS,
    ENGINE,
    HYPERSCAN,
    PLAIN,
    STOCK,
    Measurement,
    NotHereError,
    Program,
    run,
)
from rivals.measure import Terms
from rulebooks import generated_terms, with_more_rules
from terms import counted, cut, literal_terms
from whole_run import Share, measure_shares, repeated, two_processes

from abstractor.model.note import Note
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook

PARTS = ("speed", "lengths", "rules", "processes")
TARGETS = {"general": 40.0, "charts": 15.0}
"""Corpus to how many times stock the engine shall be."""
LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
STREAM = 1_000_000
"""Characters of the text that is cut into notes of each length."""
MORE_RULES = (50, 415, 5000)
OPENING = "Small cell lung cancer, right upper lobe.\n"
GENERATED_VALUE = ("smoking_status", "never")
BUSY = 3.0
"""Above this load after a run with two workers, other programs had the cores, too."""
START_SECONDS, TWO_PROCESSES, OVERHEAD = 5.0, 1.8, 0.2

Told = dict[str, object]


def attempt(program: Program, terms: Terms, groups: Mapping[str, Sequence[Note]]) -> dict[str, Measurement]:
    """Measurements of a program; none, and a line that says why, where it can't run here."""
    print(f"... {program.name}", file=sys.stderr, flush=True)
    try:
        return run(program, terms, groups)
    except NotHereError as error:
        print(f"{program.name}: {error}", flush=True)
        return {}


def speed(corpora: Sequence[Corpus], terms: Terms, given: argparse.Namespace) -> Told:
    """Every program on every corpus."""
    samples = {f"{one.name}, sample": sampled_characters(one.notes, given.sample, given.seed) for one in corpora}
    wholes = {f"{one.name}, whole": one.notes for one in corpora}
    taken = {
        STOCK.name: attempt(STOCK, terms, samples),
        EDS.name: attempt(EDS, terms, samples),
        PLAIN.name: attempt(PLAIN, terms, samples),
        ENGINE.name: attempt(ENGINE, terms, {**samples, **wholes}),
        HYPERSCAN.name: attempt(HYPERSCAN, terms, wholes),
        AHOCORASICK.name: attempt(AHOCORASICK, terms, wholes),
    }
    told: Told = {name: {group: asdict(one) for group, one in found.items()} for name, found in taken.items()}
    for one in corpora:
        size = len(samples[f"{one.name}, sample"])
        print(
            f"\n{one.name}: {len(one.notes):,} notes, {one.characters:,} characters ({one.origin}); sample {size:,} notes"
        )
        print(f"  {'':<26} {'read':>6} {'µs/char':>9} {'notes/s':>10} {'found':>8}")
        for name, found in taken.items():
            for read in ("sample", "whole"):
                if f"{one.name}, {read}" in found:
                    _line(name, read, found[f"{one.name}, {read}"])
        ratios = {read: _ratio(one.name, read, taken) for read in ("whole", "sample")}
        told[f"{one.name}, times stock"] = ratios
        if ratios["whole"] is not None and ratios["sample"] is not None:
            whole = _against("times stock", ratios["whole"], TARGETS.get(one.name))
            print(f"  {whole}; on the sample alone: {ratios['sample']:.1f}")
    print(f"\nstart: {'; '.join(_starts(taken))}")
    return told


def _line(name: str, read: str, found: Measurement) -> None:
    cost, rate = found.per_character, found.notes_a_second
    print(f"  {name:<26} {read:>6} {cost:>9.4f} {rate:>10,.0f} {found.found:>8,}")


def _ratio(name: str, read: str, taken: Mapping[str, Mapping[str, Measurement]]) -> float | None:
    """How many times the engine, reading the sample or the whole, is quicker than stock, reading the sample."""
    stock, ours = taken[STOCK.name].get(f"{name}, sample"), taken[ENGINE.name].get(f"{name}, {read}")
    return stock.per_character / ours.per_character if stock and ours else None


def _starts(taken: Mapping[str, Mapping[str, Measurement]]) -> Iterator[str]:
    for name, found in taken.items():
        if found:
            last = list(found.values())[-1]
            yield f"{name} {last.start_cpu:.1f} processor s, {last.start_wall:.1f} s by the clock, peak {last.megabytes:.0f} MB"


def _against(what: str, value: float, least: float | None) -> str:
    verdict = "" if least is None else f" (target {least:g}: {'kept' if value >= least else 'NOT KEPT'})"
    return f"{what}: {value:.1f}{verdict}"


def lengths(corpora: Sequence[Corpus], terms: Terms, given: argparse.Namespace) -> Told:
    """The same text in notes of several lengths."""
    streams = {one.name: _stream(one, given.seed) for one in corpora}
    told: Told = {}
    taken: dict[str, dict[str, Measurement]] = {}
    for program in (ENGINE, PLAIN, STOCK):
        longest = max(LENGTHS) if program is ENGINE else given.slow_longest
        groups = {
            f"{name} {length}": _notes_of(stream, length, given.sample)
            for name, stream in streams.items()
            for length in LENGTHS
            if length <= longest
        }
        taken[program.name] = attempt(program, terms, groups)
        told[program.name] = {group: asdict(one) for group, one in taken[program.name].items()}
    for name in streams:
        print(f"\n{name} as notes of one length, µs a character")
        print(f"  {'':<26}" + "".join(f"{length:>11,}" for length in LENGTHS))
        for program_name, found in taken.items():
            costs = [found.get(f"{name} {length}") for length in LENGTHS]
            cells = (f"{cost.per_character:>11.3f}" if cost else f"{'-':>11}" for cost in costs)
            print(f"  {program_name:<26}" + "".join(cells))
    return told


def _stream(one: Corpus, seed: int) -> str:
    """The corpus as one text, in which the opening stands before every stretch of so many characters."""
    text = "\n".join(note.text for note in sampled_characters(one.notes, STREAM, seed))
    step = LENGTHS[0] - len(OPENING)
    pieces = (OPENING + text[start : start + step] for start in range(0, len(text), step))
    whole = "".join(pieces)
    return (whole * (STREAM // max(1, len(whole)) + 1))[:STREAM]


def _notes_of(stream: str, length: int, most: int) -> list[Note]:
    """Notes of this length, together about `most` characters; one at least."""
    starts = range(0, max(length, min(most, len(stream))) - length + 1, length)
    return [Note(f"long{start}", stream[start : start + length], note_type="clinic") for start in starts]


def rules(one: Corpus, terms: Terms, rulebook: RuleBook, given: argparse.Namespace) -> Told:
    """More and more target rules."""
    told: Told = {}
    generated = generated_terms(max(MORE_RULES), given.seed)
    sample = {"": sampled_characters(one.notes, given.sample, given.seed)}
    print(f"\n{one.name}: more target rules, µs a character (processor seconds of the start)")
    with tempfile.TemporaryDirectory(prefix="abstractor-benchmark-") as folder:
        for more in (0, *MORE_RULES):
            copy = with_more_rules(rulebook.root, Path(folder), generated[:more], *GENERATED_VALUE)
            ours = attempt(replace(ENGINE, arguments=("--rules", str(copy))), terms, {"": one.notes})
            told[f"ours, +{more}"] = _shown(f"ours, rulebook and {more:,}", ours)
        for size in (*MORE_RULES, sum(map(len, terms.values())) + len(generated)):
            listed = cut({**terms, "generated": generated}, size) if size > max(MORE_RULES) else cut(terms, size)
            told[f"stock, {size}"] = _shown(
                f"stock, {sum(map(len, listed.values())):,} terms", attempt(STOCK, listed, sample)
            )
    return told


def _shown(name: str, found: Mapping[str, Measurement]) -> object:
    for one in found.values():
        print(f"  {name:<26} {one.per_character:>9.3f} ({one.start_cpu:.1f})", flush=True)
        return asdict(one)
    return None


def processes(corpora: Sequence[Corpus], given: argparse.Namespace) -> Told:
    """The command as a whole."""
    told: Told = {}
    for one in corpora:
        notes = repeated(one.notes, given.characters)
        found = attempt(ENGINE, {}, {"": notes})
        if not found:
            continue
        alone = found[""]
        print(f"\n{one.name}: `abstractor annotate`, {len(notes):,} notes, one worker, processor seconds")
        print(
            f"  {'from, to':<20} {'all':>8} {'start':>7} {'reading':>8} {'annotating':>11} {'rest':>7}  not annotating"
        )
        shares = measure_shares(notes, alone.cpu)
        for share in shares:
            print(f"  {_share_line(share)}", flush=True)
        told[f"{one.name} shares"] = [asdict(share) for share in shares]
        walls = two_processes(notes)
        times = (walls[1].wall - walls[1].start_wall) / max(1e-9, walls[2].wall - walls[2].start_wall)
        told[f"{one.name} two processes"] = {"walls": {n: asdict(w) for n, w in walls.items()}, "times": times}
        least = TWO_PROCESSES if os.getloadavg()[0] < BUSY else None
        print(
            f"  wall without start: one worker {walls[1].wall - walls[1].start_wall:.1f} s, two "
            f"{walls[2].wall - walls[2].start_wall:.1f} s: {_against('times', times, least)}"
            + ("" if least else ": means nothing, the cores are busy with other work")
        )
        verdict = "kept" if alone.start_cpu <= START_SECONDS else "NOT KEPT"
        print(
            f"  start of a worker: {alone.start_cpu:.1f} processor seconds, {alone.start_wall:.1f} s by the clock "
            f"(at most {START_SECONDS:g}: {verdict})"
        )
    return told


def _share_line(share: Share) -> str:
    verdict = "kept" if share.overhead < OVERHEAD else "NOT KEPT"
    return (
        f"{share.formats:<20} {share.total:>8.2f} {share.start:>7.2f} {share.reading:>8.2f} {share.annotating:>11.2f} "
        f"{share.rest:>7.2f}  {100 * share.overhead:.0f} % (below {100 * OVERHEAD:.0f}: {verdict})"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The engine beside stock medspaCy, EDS-NLP, plain and the bare scan.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--corpora", nargs="+", default=["general", "charts", "sclc"], help=", ".join(known()))
    parser.add_argument("--sample", type=int, default=300_000, help="characters that the slow programs read")
    parser.add_argument("--slow-longest", type=int, default=100_000, help="lengths: for stock and plain")
    parser.add_argument(
        "--characters", type=int, default=30_000_000, help="processes: the corpus is repeated to so many"
    )
    parser.add_argument("--seed", type=int, default=20_250_630)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    rulebook = load_rulebook(given.rules)
    terms = literal_terms(rulebook)
    count = counted(rulebook)
    machine = {
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "rulebook": rulebook.version,
        "seed": given.seed,
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(
        f"our rulebook: {count.names:,} names and terms, {count.patterns:,} wordings and expressions, {count.context:,} context terms, "
        f"{count.headings:,} headings; stock and EDS-NLP: {sum(map(len, terms.values())):,} literal terms"
    )
    if machine["load"] > 0.5:
        print("other programs are at work on this machine: figures are worse than they are alone")
    corpora = [corpus(name, rulebook, given.seed) for name in given.corpora]
    dense_and_general = [one for one in corpora if one.name != "sclc"]
    parts: dict[str, Callable[[], Told]] = {
        "speed": lambda: speed(corpora, terms, given),
        "lengths": lambda: lengths(dense_and_general, terms, given),
        "rules": lambda: rules(corpora[0], terms, rulebook, given),
        "processes": lambda: processes(corpora[:1], given),
    }
    told = {"machine": machine, "rules": asdict(count), **{part: parts[part]() for part in given.parts}}
    if given.json:
        given.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
