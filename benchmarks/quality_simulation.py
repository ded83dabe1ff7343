"""Do the intervals of the quality report cover the truth as often as they say? Two scripted abstractors with known error rates are audited.

Every chart of `corpus_samples/facts.csv` stands in the registry several times, abstracted by one of the two, who err at random with a rate that
depends on the field and on how fast they are. One audit goes through the registry from the draw to the lock; the many others draw and estimate
with the same functions. Two more scenarios audit a field with rare errors and one whose errors come by patient. A last part lets readers miss
facts, independently and together in some charts, and holds the estimated recall against the true one. Each coverage has its own interval,
for it is itself counted in so many runs.

    python benchmarks/quality_simulation.py --runs 500 --seed 1 --json figures.json
"""

import argparse
import csv
import json
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from abstractor.model.decision import Action, Decision
from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence
from abstractor.quality.agreement import Estimate
from abstractor.quality.audit import Verdict
from abstractor.quality.audits import Wanted, audit_of, draw_facts, judge, lock, view_item
from abstractor.quality.clusters import exact_limits, share_by_patient
from abstractor.quality.desk import Desk, open_desk
from abstractor.quality.estimates import Audited, StratumSize, share_right
from abstractor.quality.frame import Held, held_decisions
from abstractor.quality.matching import recall
from abstractor.quality.sampling import Drawn, Unit, draw
from abstractor.quality.summary import audit_fields
from abstractor.registry.decisions import record_all
from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.notes import add_notes
from abstractor.registry.quality import sample_of
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.load import load_rulebook
from abstractor.rulebook.slots import slot_key

FACTS = Path(__file__).resolve().parents[1] / "corpus_samples" / "facts.csv"
RATES = {"careful": 0.02, "hasty": 0.08}
"""Share of wrong decisions by abstractor."""
HARD = {"response": 2.0, "therapy_line": 2.0, "death_date": 1.5}
"""Fields that are harder, and how many times."""
FAST = 2.0
"""A decision under a second errs so many times as often."""
WRONG = "(wrong)"


@dataclass(frozen=True)
class Coverage:
    """How often the intervals of one figure covered the truth."""

    figure: str
    truth: float
    runs: int
    covered: int
    width: float
    """Mean width of the intervals."""

    @property
    def rate(self) -> float:
        return self.covered / self.runs

    @property
    def chance(self) -> tuple[float, float]:
        """Where the coverage lies, 95 times in 100: so many runs can't tell it any better (exact)."""
        return exact_limits(self.rate, self.runs, 0.95)


def build(registry: Registry, book: RuleBook, *, copies: int, seed: int) -> dict[str, bool]:
    """Fills a registry; returns which decisions are right, by id."""
    chance = random.Random(seed)  # noqa: S311  (chance that can be repeated, no secret)
    charts: dict[str, list[dict[str, str]]] = defaultdict(list)
    with FACTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            charts[row["patient_id"]].append(row)
    right: dict[str, bool] = {}
    at = datetime.fromisoformat("2024-01-01T08:00:00.000+00:00")
    decisions: list[Decision] = []
    notes = []
    for copy in range(copies):
        for number, (patient_id, facts) in enumerate(sorted(charts.items())):
            name = f"{patient_id}-{copy}"
            who = ("careful", "hasty")[(number + copy) % 2]
            note = Note(f"N-{name}", "An invented note.", name, "2024-01-01", ("clinic", "radiology")[number % 2])
            notes.append(note)
            for fact in facts:
                fast = chance.random() < 0.3
                at += timedelta(seconds=0.5 if fast else 4.0)
                rate = min(RATES[who] * HARD.get(fact["field"], 1.0) * (FAST if fast else 1.0), 0.9)
                decision = _decision(book, note, fact, who, at, wrong=chance.random() < rate, number=len(decisions))
                right[decision.action_id] = decision.reason != WRONG
                decisions.append(decision)
            at += timedelta(hours=1)
    add_notes(registry, notes, "simulation")
    record_all(registry, decisions)
    return right


def _decision(
    book: RuleBook, note: Note, fact: Mapping[str, str], who: str, at: datetime, *, wrong: bool, number: int
) -> Decision:
    """What is wrong carries a mark that only the scripted auditor reads; nothing else in the audit looks at it."""
    assertion = Assertion(fact["assertion"] or "present")
    quoted = Evidence(
        note.note_id, 0, 10, note.text[:10], note.sha256, note.note_date, note.note_type, None, "rule", 0.6
    )
    slot = slot_key(book.fields[fact["field"]], fact["value"], assertion, fact["date"] or None)
    return Decision(
        f"d{number:06}", note.patient_id, f"{slot}#{number}", Action.ACCEPT, who, at.isoformat(timespec="milliseconds"), fact["field"],
        fact["value"], assertion, fact["date"] or None, evidence=(quoted,), reason=WRONG if wrong else "", offered=fact["value"], rule="rule",
    )  # fmt: skip


def audit_once(desk: Desk, seed: int) -> list[str]:
    """One audit through the registry, from the draw to the lock; a line a field."""
    draw_facts(desk, "simulation", seed, Wanted(half_width=0.05, targeted=False))
    for item in audit_of(desk, "simulation").items:
        wrong = view_item(desk, item).decision.reason == WRONG
        judge(desk, "simulation", item.place, Verdict.MAJOR if wrong else Verdict.AGREE, error="HUM" if wrong else "")
    audit = lock(desk, "simulation")
    fields = audit_fields(desk, sample_of(desk.registry, "simulation"), audit)
    return [f"{one.field:22} right {_told(one.right)}  {one.acceptance.text}" for one in fields]


def _told(one: Estimate) -> str:
    return f"{one.value or 0:.3f} ({one.lower or 0:.3f} to {one.upper or 0:.3f})"


def cover_audits(held: Sequence[Held], right: Mapping[str, bool], *, runs: int, seed: int) -> list[Coverage]:
    """Draws again and again, and counts how often the truth lies in the interval: over all, by abstractor, and by field."""
    by_key = {one.unit.key: one for one in held}
    groups: dict[str, Callable[[Held], bool]] = {"all decisions": lambda _: True}
    for who in RATES:
        groups[f"abstractor {who}"] = lambda one, who=who: one.decision.decided_by == who  # type: ignore[misc]
    for field in sorted({one.unit.domain for one in held}):
        groups[f"field {field}"] = lambda one, field=field: one.unit.domain == field  # type: ignore[misc]
    members = {name: frozenset(key for key, one in by_key.items() if inside(one)) for name, inside in groups.items()}
    truths = {name: sum(right[key] for key in keys) / len(keys) for name, keys in members.items()}
    found: dict[str, list[Estimate]] = defaultdict(list)
    sizes = dict.fromkeys({one.unit.domain for one in held}, 40)
    for run in range(runs):
        drawn = draw(
            [one.unit for one in held], seed=seed * 100_003 + run, by=("speed",), sizes=sizes, least_per_stratum=2
        )
        for name, keys in members.items():
            found[name].append(_estimate(drawn, keys, right))
    return [_coverage(name, truths[name], estimates) for name, estimates in found.items()]


def _estimate(drawn: Drawn, keys: frozenset[str], right: Mapping[str, bool]) -> Estimate:
    strata = {one.name: StratumSize(one.size, one.drawn) for one in drawn.strata}
    return share_right([Audited(stratum, right[key]) for key, stratum in drawn.units if key in keys], strata)


def _coverage(name: str, truth: float, estimates: Iterable[Estimate]) -> Coverage:
    made = [one for one in estimates if one.lower is not None and one.upper is not None]
    covered = sum((one.lower or 0) - 1e-9 <= truth <= (one.upper or 0) + 1e-9 for one in made)
    width = sum((one.upper or 0) - (one.lower or 0) for one in made) / len(made)
    return Coverage(name, truth, len(made), covered, width)


def cover_scenario(name: str, *, together: bool, rate: float, runs: int, seed: int, patients: int = 300) -> Coverage:
    """Audits of a field whose errors are rare, or come by patient: all decisions of a chart with the same chance to be wrong.

    The sample is drawn as in the registry, 203 decisions in strata of speed; the truth is that of the charts that were made.
    """
    chance = random.Random(seed)  # noqa: S311  (chance that can be repeated, no secret)
    right: dict[str, bool] = {}
    units = []
    for patient in range(patients):
        bad = chance.random() < 2 * rate
        for number in range(chance.randint(2, 12)):
            key = f"{patient:04}-{number:02}"
            wrong = bad and chance.random() < 0.5 if together else chance.random() < rate
            right[key] = not wrong
            units.append(Unit(key, "field", {"speed": chance.choice(("fast", "usual", "usual", "slow"))}))
    made = []
    for run in range(runs):
        drawn = draw(units, seed=seed * 100_003 + run, by=("speed",), sizes={"field": 203}, least_per_stratum=2)
        made.append(_estimate(drawn, frozenset(right), right))
    return _coverage(name, sum(right.values()) / len(right), made)


@dataclass(frozen=True)
class Charts:
    """How a reader misses facts together: some charts are read badly."""

    name: str
    bad: float
    """Share of charts that are read badly."""
    found_in_bad: float
    found_in_good: float
    facts_in_bad: tuple[int, int]
    """Fewest and most facts of a chart."""
    facts_in_good: tuple[int, int]
    tail: float = 0.0
    """Share of charts with five times as many facts."""

    @property
    def truth(self) -> float:
        """Of all facts, the share that is found."""
        bad, good = self.bad * sum(self.facts_in_bad), (1 - self.bad) * sum(self.facts_in_good)
        return (bad * self.found_in_bad + good * self.found_in_good) / (bad + good)


CLUSTERED = (
    Charts("one chart in ten badly", 0.1, 0.5, 0.97, (1, 13), (1, 13)),
    Charts("one chart in thirty badly", 0.03, 0.5, 0.995, (1, 13), (1, 13)),
    Charts("whole charts missed", 0.05, 0.0, 1.0, (1, 13), (1, 13)),
    Charts("long charts badly", 0.2, 0.6, 0.98, (8, 24), (1, 7)),
    Charts("few charts hold most facts", 0.1, 0.5, 0.97, (1, 13), (1, 13), tail=0.1),
    Charts("no chart worse than another", 0.0, 0.5, 0.95, (1, 13), (1, 13)),
)
PATIENTS = (10, 30, 60, 120)


def cover_clusters(*, runs: int, seed: int) -> list[Coverage]:
    """Recall of a reader who misses facts together, in few charts and in many; patients are drawn anew each time."""
    return [_cover_clustered(one, patients, runs=runs, seed=seed) for one in CLUSTERED for patients in PATIENTS]


def _cover_clustered(charts: Charts, patients: int, *, runs: int, seed: int) -> Coverage:
    chance = random.Random(seed * 1_009 + patients)  # noqa: S311  (chance that can be repeated, no secret)
    made = [share_by_patient([_read(charts, chance) for _ in range(patients)]) for _ in range(runs)]
    return _coverage(f"{charts.name}, {patients} patients", charts.truth, made)


def _read(charts: Charts, chance: random.Random) -> tuple[int, int]:
    """Facts found, and facts, of one chart."""
    bad = chance.random() < charts.bad
    facts = chance.randint(*(charts.facts_in_bad if bad else charts.facts_in_good))
    facts *= 5 if chance.random() < charts.tail else 1
    share = charts.found_in_bad if bad else charts.found_in_good
    return sum(chance.random() < share for _ in range(facts)), facts


def cover_recall(*, runs: int, seed: int, facts: int = 400, share: float = 0.92, other: float = 0.85) -> Coverage:
    """Two readers find each fact independently; the first one's recall is estimated from what the second one found."""
    chance = random.Random(seed)  # noqa: S311  (chance that can be repeated, no secret)
    made = []
    for _ in range(runs):
        both = alone = 0
        for _ in range(facts):
            first, second = chance.random() < share, chance.random() < other
            both += first and second
            alone += second and not first
        made.append(recall(both, alone))
    return _coverage("recall of the first reader", share, made)


def simulate(folder: Path, *, runs: int, seed: int, copies: int = 8) -> tuple[list[str], list[Coverage]]:
    """Everything: one audit through the registry, then the many."""
    book = load_rulebook()
    registry = create_registry(str(folder / "simulation.db"))
    try:
        right = build(registry, book, copies=copies, seed=seed)
        desk = open_desk(registry, book, "auditor")
        held = tuple(held_decisions(registry, desk.rules))
        lines = audit_once(desk, seed)
    finally:
        registry.close()
    others = [
        cover_scenario("rare errors (0.5 %)", together=False, rate=0.005, runs=runs, seed=seed),
        cover_scenario("errors by patient (5 %)", together=True, rate=0.05, runs=runs, seed=seed),
        cover_recall(runs=runs, seed=seed),
        *cover_clusters(runs=runs, seed=seed),
    ]
    return lines, [*cover_audits(held, right, runs=runs, seed=seed), *others]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines, figures = simulate(Path(folder), runs=asked.runs, seed=asked.seed)
    print("One audit, by a third person who knows the truth:", *lines, "", sep="\n")
    print(f"Coverage of 95 % intervals in {asked.runs} runs, seed {asked.seed}:")
    for one in figures:
        low, high = one.chance
        told = f"covered {one.rate:.3f} ({low:.3f} to {high:.3f})"
        print(f"  {one.figure:42} truth {one.truth:.4f}  {told}  mean width {one.width:.3f}")
    least = min(figures, key=lambda one: one.rate)
    print(f"least: {least.figure} {least.rate:.3f}")
    if asked.json:
        rows = [
            asdict(one) | {"rate": one.rate, "rate_lower": one.chance[0], "rate_upper": one.chance[1]}
            for one in figures
        ]
        asked.json.write_text(
            json.dumps({"runs": asked.runs, "seed": asked.seed, "figures": rows}, indent=1) + "\n", "utf-8"
        )
    sys.exit(any(one.rate < 0.93 for one in figures))


if __name__ == "__main__":
    main()
