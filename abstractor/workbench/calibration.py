"""Measures on annotated notes what rules and their surroundings are worth, and writes that as data of the rulebook.

A rule that seldom fires falls back on its field, and that on all rules. What is told of the result is cross-validated: no fact is judged
by figures that knew its patient.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from abstractor.evaluation import GoldNote
from abstractor.evaluation.reliability import Reliability, reliability
from abstractor.evaluation.scores import counts_in
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.pipeline.confidence import FALLING, RISING, Trust, doubts, log_odds, traits
from abstractor.pipeline.sieve import Expression
from abstractor.rulebook.book import MEASURED, RuleBook

if TYPE_CHECKING:
    import numpy as np

STRENGTH = 10.0
"""How many findings the share of a field (or of all) counts for against those of a rule (or of a field)."""
FOLDS = 10
_PENALTY = 2.0
"""On squared weights of the context, in units of log-likelihood: a trait must show itself on more than a few findings."""
_LEAST_SEEN = 15
"""Findings with a trait below which it gets no weight."""
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding, what stands around it, and whether the gold has its fact."""

    finding: Finding
    group: str
    """The patient: facts of one patient are never on both sides of a cross-validation."""
    traits: Mapping[str, float]
    right: bool
    weight: float
    """One over the number of findings of the same fact in the note: a fact counts once."""
    counts: bool
    """Whether the fact belongs to the main figures (a registry takes it)."""


@dataclass(frozen=True)
class Calibration:
    """The figures, and how good they proved on patients they did not know."""

    trust: Trust
    before: Reliability
    """Of the confidences that the rules state themselves."""
    after: Reliability
    """Cross-validated."""
    notes: int
    findings: int
    patients: int
    firings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Findings by field and rule."""


def unmeasured(rulebook: RuleBook) -> RuleBook:
    """The rulebook without its measured confidences: its findings have the confidence that their rules state."""
    return replace(rulebook, settings={name: one for name, one in rulebook.settings.items() if name != MEASURED})


def judge(
    notes: Iterable[tuple[Note, GoldNote]], annotate: Callable[[Note], Sequence[Finding]], rulebook: RuleBook
) -> list[Judged]:
    """Reads annotated notes with an unmeasured rulebook, and judges every finding."""
    doubt = doubts(rulebook)
    absent = frozenset(name for name, spec in rulebook.fields.items() if spec.absent_counts)
    judged: list[Judged] = []
    for note, gold in notes:
        wanted = {fact.triple for fact in gold.facts}
        found = annotate(note)
        triples = [(one.field, one.value, str(one.assertion)) for one in found]
        times = Counter(triples)
        judged += [
            Judged(one, note.patient_id, its, triple in wanted, 1 / times[triple], counts_in(triple, absent))
            for one, triple, its in zip(found, triples, traits(note.text, found, doubt), strict=True)
        ]
    return judged


def calibrate(judged: Sequence[Judged], doubt: Expression, notes: int, folds: int = FOLDS) -> Calibration:
    """Fits the figures on all findings, and tells how well figures fitted on other patients do.

    Args:
        judged: from `judge`.
        doubt: from `confidence.doubts`.
        notes: how many were read.
        folds: of the cross-validation.
    """
    firings: dict[str, Counter[str]] = defaultdict(Counter)
    for one in judged:
        firings[one.finding.field][one.finding.rule] += 1
    crossed: list[tuple[Judged, float]] = []
    for fold in range(folds):
        inside = [one for one in judged if _fold(one.group, folds) != fold]
        outside = [one for one in judged if _fold(one.group, folds) == fold]
        if inside and outside:
            trust = fit(inside, doubt)
            crossed += [(one, trust.of(one.finding, one.traits)) for one in outside]
    return Calibration(
        fit(judged, doubt),
        reliability(_facts((one, one.finding.confidence) for one in judged)),
        reliability(_facts(crossed)),
        notes,
        len(judged),
        len({one.group for one in judged}),
        firings,
    )


def _fold(group: str, folds: int) -> int:
    """The same for a patient on every machine and in every order of the notes."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") % folds


def _facts(stated: Iterable[tuple[Judged, float]]) -> list[tuple[float, bool]]:
    """Confidence of each fact that counts (that of its surest mention) and whether it is right."""
    facts: dict[tuple[str, str, str, str], tuple[float, bool]] = {}
    for one, confidence in stated:
        if one.counts:
            key = (one.finding.note_id, one.finding.field, one.finding.value, str(one.finding.assertion))
            facts[key] = max(facts.get(key, (0.0, one.right)), (confidence, one.right))
    return list(facts.values())


def fit(judged: Sequence[Judged], doubt: Expression) -> Trust:
    """Shares by rule, shrunken towards their field's and all rules', and the weights of the traits on top of them."""
    overall = _share(judged, 0.5, 2.0)
    by_field: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        by_field[one.finding.field].append(one)
    fields = {name: _share(group, overall, STRENGTH) for name, group in sorted(by_field.items())}
    rules: dict[str, dict[str, float]] = {}
    for name, group in sorted(by_field.items()):
        by_rule: dict[str, list[Judged]] = defaultdict(list)
        for one in group:
            by_rule[one.finding.rule].append(one)
        rules[name] = {rule: _share(ones, fields[name], STRENGTH) for rule, ones in sorted(by_rule.items())}
    shares = [log_odds(rules[one.finding.field][one.finding.rule]) for one in judged]
    return Trust(overall, fields, rules, _weights(judged, shares), doubt)


def _share(group: Iterable[Judged], towards: float, strength: float) -> float:
    """The share that is right, as if `strength` findings with the share `towards` had been seen before."""
    right = total = 0.0
    for one in group:
        right += one.weight * one.right
        total += one.weight
    return round((right + towards * strength) / (total + strength), _DIGITS)


def _weights(judged: Sequence[Judged], shares: Sequence[float]) -> dict[str, float]:
    """What each trait adds to the log-odds: logistic regression on top of the rules' shares, penalised, signs held where they are known."""
    import numpy as np
    from scipy.optimize import minimize

    seen = Counter(name for one in judged for name in one.traits)
    names = ["any", *sorted(name for name, count in seen.items() if count >= _LEAST_SEEN)]
    columns = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(judged), len(names)))
    table[:, 0] = 1.0
    for row, one in enumerate(judged):
        for name, size in one.traits.items():
            if name in columns:
                table[row, columns[name]] = size
    right = np.array([one.right for one in judged], dtype=float)
    weight = np.array([one.weight for one in judged])
    base = np.array(shares)

    def loss(weights: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, object]:
        odds = base + table @ weights
        value = weight @ (np.logaddexp(0, odds) - right * odds) + _PENALTY / 2 * weights @ weights
        return float(value), table.T @ (weight * (1 / (1 + np.exp(-odds)) - right)) + _PENALTY * weights

    bounds = [(0 if name in RISING else None, 0 if name in FALLING else None) for name in names]
    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", bounds=bounds)
    return {
        name: round(float(one), _DIGITS) for name, one in zip(names, found.x, strict=True) if abs(one) >= 10**-_DIGITS
    }


def settings_text(calibration: Calibration) -> str:
    """The content of `settings/confidence.toml`."""
    trust = calibration.trust
    lines = [
        "# What findings proved to be worth on annotated notes. Written by `abstractor rules calibrate`; measure again after a change of",
        "# rules. overall, fields, rules: share of findings that are right, the seldom ones drawn towards their field and all rules.",
        "# context: what stands around a finding, in log-odds added to that. measured: facts found, and how far the confidence lay",
        "# from the share that is right (0 is best), as the rules state it and cross-validated with these figures.",
        "",
        f"overall = {trust.overall}",
        "",
        "[measured]",
        f"notes = {calibration.notes}",
        f"patients = {calibration.patients}",
        f"findings = {calibration.findings}",
        f"facts = {calibration.after.facts}",
        f"calibration_error_stated = {calibration.before.ece:.4f}",
        f"calibration_error = {calibration.after.ece:.4f}",
        f"brier_stated = {calibration.before.brier:.4f}",
        f"brier = {calibration.after.brier:.4f}",
        "",
        "[fields]",
        *(f"{_key(name)} = {share}" for name, share in trust.fields.items()),
        "",
        "[context]",
        *(f"{_key(name)} = {size}" for name, size in trust.context.items()),
    ]
    for name, rules in trust.rules.items():
        firings = calibration.firings.get(name, {})
        lines += ["", f"[rules.{_key(name)}]"]
        lines += [f"{_key(rule)} = {share}  # of {firings.get(rule, 0)}" for rule, share in rules.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def summary(calibration: Calibration) -> str:
    """What was measured, for a terminal."""
    before, after = calibration.before, calibration.after
    return "\n".join(
        [
            f"{calibration.notes} notes of {calibration.patients} patients, {calibration.findings} findings, {after.facts} facts that count",
            f"{'':28} {'error (ECE)':>12} {'Brier':>8}",
            f"{'as the rules state it':28} {before.ece:12.4f} {before.brier:8.4f}",
            f"{'measured, cross-validated':28} {after.ece:12.4f} {after.brier:8.4f}",
        ]
    )
