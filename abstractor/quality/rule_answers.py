"""Rules answer for themselves: what reviewers made of each, over time and by source, and whether a new rulebook may be released."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import hypergeom

from abstractor.model.decision import Action
from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.agreement import Estimate
from abstractor.quality.desk import Desk
from abstractor.quality.frame import Held
from abstractor.quality.settings import Release
from abstractor.registry.judgements import RuleRecord
from abstractor.registry.quality import Step, steps, take_step
from abstractor.rulebook.book import RuleBook

RELEASED, REFUSED = "released", "refused"
_JUDGING = frozenset({Action.ACCEPT, Action.PICK, Action.EDIT, Action.REJECT})


@dataclass(frozen=True, slots=True)
class Period:
    """What became of suggestions in one month, or of one source."""

    group: str
    judged: int
    right: Estimate
    """The suggested value was let stand; exact interval."""


def over_time(held: Iterable[Held]) -> tuple[Period, ...]:
    """By month of the decision (UTC)."""
    return _grouped(held, lambda one: one.decision.decided_at[:7])


def by_source(held: Iterable[Held]) -> tuple[Period, ...]:
    """By the type of note that the value was read from."""
    return _grouped(held, lambda one: one.unit.traits["note_type"])


def by_rulebook(held: Iterable[Held]) -> tuple[Period, ...]:
    """By the version of the rules that suggested it."""
    return _grouped(held, lambda one: one.decision.rulebook)


@dataclass(frozen=True, slots=True)
class Drift:
    """A rule whose suggestions are let stand less often than before, more so than chance would do it."""

    rule: str
    since: str
    """The month."""
    before: tuple[int, int]
    """Let stand, of so many judged."""
    after: tuple[int, int]
    p: float
    """Fisher's exact test, one-sided, corrected for the number of rules looked at (Holm)."""


def drift(held: Iterable[Held], level: float = 0.05) -> tuple[Drift, ...]:
    """Rules that fell in the newest month, against all months before it."""
    items = [(one.decision.decided_at[:7], one.unit.traits["rule"], kept) for one, kept in _judged(held)]
    newest = max((month for month, _, _ in items), default="")
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for month, rule, kept in items:
        here = counts[rule]
        at = 2 if month == newest else 0
        here[at] += kept
        here[at + 1] += 1
    both = {rule: one for rule, one in counts.items() if one[1] and one[3] and rule != "none"}
    tested = sorted((_fell(*one), rule) for rule, one in both.items())
    found: list[Drift] = []
    for place, (p, rule) in enumerate(tested):
        corrected = min(p * (len(tested) - place), 1.0)
        if corrected > level:
            break
        was, of, now, since = both[rule]
        found.append(Drift(rule, newest, (was, of), (now, since), corrected))
    return tuple(found)


def _fell(was: int, before: int, now: int, after: int) -> float:
    """How probably so few, or fewer, of those that stand are new ones, were old and new alike."""
    return float(hypergeom.cdf(now, before + after, was + now, after))


def _grouped(held: Iterable[Held], key: Callable[[Held], str]) -> tuple[Period, ...]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for one, kept in _judged(held):
        groups[key(one)].append(kept)
    return tuple(Period(name, len(kept), _share(kept)) for name, kept in sorted(groups.items()))


def _judged(held: Iterable[Held]) -> Iterator[tuple[Held, bool]]:
    """Decisions on a suggestion, and whether its value was let stand."""
    for one in held:
        decision = one.decision
        if decision.action in _JUDGING and decision.offered:
            yield one, decision.action is not Action.REJECT and decision.value in decision.offered.split(" | ")


def _share(kept: Sequence[bool]) -> Estimate:
    lower, upper = clopper_pearson(sum(kept), len(kept))
    return Estimate(sum(kept) / len(kept), lower, upper, len(kept), "exact (Clopper–Pearson)")


def worst_rules(records: Iterable[RuleRecord]) -> list[RuleRecord]:
    """Rules that were judged, the worst first: by the upper limit of what is right, so that one bad mark is no verdict."""
    judged = [one for one in records if one.judged]
    return sorted(judged, key=lambda one: (clopper_pearson(one.right, one.judged)[1], -one.judged, one.rule))


def listed_rules(book: RuleBook, records: Iterable[str]) -> frozenset[str]:
    """The rules that stand in the rulebook by name: target rules, and the named forms of components that found anything at all.

    What a component builds out of a vocabulary (a drug, a gene) has a name only once it is found.
    """
    found = tuple(records)
    listed = {one.id for one in book.targets}
    for name, content in book.settings.items():
        of_part = [rule for rule in found if rule.startswith(f"{name}.")]
        for one in _ids_in(content) if of_part else ():
            listed.update([rule for rule in of_part if rule.endswith(f".{one}")] or [f"{name}.{one}"])
    return frozenset(listed)


def _ids_in(content: object) -> set[str]:
    if isinstance(content, Mapping):
        own = {content["id"]} if isinstance(content.get("id"), str) else set()
        return own.union(*(_ids_in(one) for one in content.values()))
    return set().union(*(_ids_in(one) for one in content)) if isinstance(content, list | tuple) else set()


@dataclass(frozen=True, slots=True)
class Quiet:
    """Rules that find nothing and offer nothing in the notes that are here."""

    in_force: tuple[RuleRecord, ...]
    """The rulebook has them: what they look for is not in these notes, or they do not work."""
    retired: tuple[RuleRecord, ...]
    """The rulebook no longer has them: what they once suggested keeps its origin."""


def quiet_rules(records: Mapping[str, RuleRecord], listed: Iterable[str], named_now: Iterable[str]) -> Quiet:
    """Tells rules that are in force and find nothing from those that are gone.

    Args:
        records: of all rules that fired, offered something or were ever judged.
        listed: the rules that the rulebook has by name.
        named_now: rules that decisions under the version of the rulebook that is in use go back to.
    """
    present = frozenset(listed) | frozenset(named_now)
    silent = {rule: one for rule, one in records.items() if not one.fired and not one.offered}
    known = {rule: RuleRecord(rule) for rule in present - records.keys()}
    return Quiet(
        tuple(one for rule, one in sorted({**known, **silent}.items()) if rule in present),
        tuple(one for rule, one in sorted(silent.items()) if rule not in present),
    )


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a rulebook may be released, and in words why."""

    open: bool
    text: str


def release_gate(won: int, lost: int, compared: int, rules: Release) -> Gate:
    """Judges a new rulebook by what people confirmed.

    Args:
        won: confirmed facts that only the new rules find, and rejected ones that only the old ones find.
        lost: the reverse.
        compared: confirmed and rejected facts that were looked at.
        rules: the limits.
    """
    told = f"{won} won, {lost} lost of {compared} confirmed or rejected facts"
    if compared < rules.least_facts:
        return Gate(False, f"not to be released: {told}; at least {rules.least_facts} are needed to judge it")
    if lost > rules.most_lost * compared:
        return Gate(False, f"not to be released: {told}; at most {rules.most_lost:.1%} may be lost")
    return Gate(True, f"may be released: {told}")


def record_release(desk: Desk, version: str, replaced: str, gate: Gate, figures: Mapping[str, int]) -> Step:
    """Notes that a rulebook was put to the gate, and how it went: the trail of releases."""
    action = RELEASED if gate.open else REFUSED
    step = desk.step("release", version, version, action, replaced=replaced, text=gate.text, figures=dict(figures))
    seen = max((one.sequence for one in steps(desk.registry, "release", version)), default=0)
    return take_step(desk.registry, step, seen=seen)
