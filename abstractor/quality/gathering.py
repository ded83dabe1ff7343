"""Everything the quality report tells, read from the registry once and held as plain values; no drawing and no writing here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from abstractor.quality.adjudication import Queue, overturned, queue_of, waiting_days
from abstractor.quality.audit import Audit
from abstractor.quality.audits import FACTS, audit_of
from abstractor.quality.behaviour import Behaviour, behaviour, chart_minutes, fast_runs
from abstractor.quality.comparing import Kind
from abstractor.quality.curves import CurveAgreement
from abstractor.quality.desk import Desk
from abstractor.quality.frame import Held, held_decisions
from abstractor.quality.mail import Query, queries
from abstractor.quality.many_readers import ManyReaders
from abstractor.quality.refused_words import RefusedWords, refused_words
from abstractor.quality.rule_answers import (
    Drift,
    Period,
    Quiet,
    by_rulebook,
    by_source,
    drift,
    listed_rules,
    over_time,
    quiet_rules,
    worst_rules,
)
from abstractor.quality.second_readings import Comparison, finished
from abstractor.quality.summary import FieldAgreement, FieldAudit, agree_fields, agree_many, audit_fields, error_classes
from abstractor.registry.judgements import RuleRecord, rule_records
from abstractor.registry.quality import Sample, samples
from abstractor.registry.readings import Reading, readings
from abstractor.registry.worklist import worklist

_TOLD = 5
"""Rules whose words are told."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the registry has been read."""

    patients: int
    closed: int
    notes: int
    notes_of_closed: int
    suggested: int
    undecided: int


@dataclass(frozen=True)
class Gathered:
    """The whole of it."""

    made_at: str
    coverage: Coverage
    audits: tuple[tuple[Sample, Audit, tuple[FieldAudit, ...]], ...]
    errors: Mapping[tuple[str, str], int]
    readings: tuple[Reading, ...]
    comparisons: tuple[Comparison, ...]
    agreement: tuple[FieldAgreement, ...]
    many: tuple[ManyReaders, ...]
    """Where more than two have read."""
    curves: tuple[CurveAgreement, ...]
    queue: Queue
    waiting: tuple[int, ...]
    overturned: Mapping[str, tuple[int, int]]
    queries: tuple[Query, ...]
    behaviour: tuple[tuple[str, tuple[Behaviour, ...]], ...]
    runs: int
    minutes: tuple[float, ...]
    """Of each patient with timed decisions."""
    months: tuple[Period, ...]
    sources: tuple[Period, ...]
    rulebooks: tuple[Period, ...]
    drift: tuple[Drift, ...]
    rules: Mapping[str, RuleRecord]
    quiet: Quiet
    listed: int
    """Rules that the rulebook has by name."""
    words: tuple[RefusedWords, ...] = ()
    """Words of notes; only where they were asked for."""

    @property
    def median_minutes(self) -> float | None:
        return median(self.minutes) if self.minutes else None


def gather(desk: Desk, *, seed: int = 0, curves: Sequence[CurveAgreement] = (), with_words: bool = False) -> Gathered:
    """Reads and computes everything.

    Args:
        desk: who reports.
        seed: of the intervals for more than two readers.
        curves: agreement of survival curves, where endpoints were asked for.
        with_words: whether words of notes may be told, of the worst rules.
    """
    held = tuple(held_decisions(desk.registry, desk.rules))
    assigned = readings(desk.registry)
    comparisons = finished(desk, assigned)
    audits = [(one, audit_of(desk, one.name)) for one in samples(desk.registry) if one.kind == FACTS]
    queue = queue_of(desk)
    records = rule_records(desk.registry)
    listed = listed_rules(desk.book, records)
    named_now = {one.unit.traits["rule"] for one in held if one.decision.rulebook == desk.book.version} - {"none"}
    now = desk.clock()
    fast = desk.rules.sample.fast_seconds
    return Gathered(
        made_at=now,
        coverage=_coverage(desk),
        audits=tuple((sample, audit, audit_fields(desk, sample, audit)) for sample, audit in audits),
        errors=error_classes(audit for _, audit in audits),
        readings=assigned,
        comparisons=comparisons,
        agreement=agree_fields(comparisons, desk.book.fields, desk.rules),
        many=agree_many(comparisons, desk.book.fields, seed=seed),
        curves=tuple(curves),
        queue=queue,
        waiting=waiting_days(queue.open, now),
        overturned=overturned(queue),
        queries=queries(desk),
        behaviour=tuple((trait, behaviour(held, trait, fast)) for trait in ("confidence", "field")),
        runs=fast_runs(held, fast),
        minutes=_minutes(held),
        months=over_time(held),
        sources=by_source(held),
        rulebooks=by_rulebook(held),
        drift=drift(held),
        rules=records,
        quiet=quiet_rules(records, listed, named_now),
        listed=len(listed),
        words=refused_words(desk, [one.rule for one in worst_rules(records.values())[:_TOLD]]) if with_words else (),
    )


def differences_by_kind(comparisons: Sequence[Comparison]) -> Counter[tuple[str, str]]:
    """How often two readings differ, by field and kind; within the tolerance told apart."""
    found: Counter[tuple[str, str]] = Counter()
    for one in comparisons:
        for pair in one.pairs:
            if pair.kind is not Kind.SAME:
                found[pair.field, f"{pair.kind}{', minor' if pair.minor else ''}"] += 1
    return found


def _coverage(desk: Desk) -> Coverage:
    rows = worklist(desk.registry, desk.user)
    return Coverage(
        len(rows),
        sum(one.closed for one in rows),
        sum(one.notes for one in rows),
        sum(one.notes for one in rows if one.closed),
        sum(one.suggested for one in rows),
        sum(one.undecided for one in rows),
    )


def _minutes(held: Sequence[Held]) -> tuple[float, ...]:
    return tuple(sorted(chart_minutes(held).values()))
