"""Whether what was derived for patients (stages from T, N and M, lines of therapy, the first molecular report) comes out again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from abstractor.batch.propose import proposed
from abstractor.model.case import fold
from abstractor.model.suggestion import Suggestion
from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import Registry
from abstractor.registry.notes import patients
from abstractor.registry.suggestions import patients_due, suggestions_of
from abstractor.rulebook.book import RuleBook

Derived = frozenset[tuple[str, str, str, str | None, str | None]]


@dataclass
class Recomputed:
    """What was derived again."""

    values: int = 0
    other_rules: int = 0
    """Patients whose suggestions come from another rulebook, or are to be renewed: not looked at."""
    faults: list[str] = field(default_factory=list)


def recompute(registry: Registry, rulebook: RuleBook, tick: Callable[[int, int | None], None]) -> Recomputed:
    """Derives everything again from the findings that stand, and compares. It stores nothing."""
    found = Recomputed()
    due = frozenset(patients_due(registry))
    everybody = patients(registry)
    for number, patient_id in enumerate(everybody, 1):
        stored = suggestions_of(registry, patient_id)
        tick(number, len(everybody))
        if patient_id in due or any(one.rulebook != rulebook.version for one in stored):
            found.other_rules += 1
            continue
        standing = _derived(stored)
        found.values += len(standing)
        if not any(standing == again for again in _again(registry, patient_id, rulebook)):
            found.faults.append(
                f"patient {patient_id}: what was derived for it does not come out again; run `abstractor annotate`, and look at its stages and "
                "lines of therapy"
            )
    return found


def _again(registry: Registry, patient_id: str, rulebook: RuleBook) -> Iterator[Derived]:
    """What comes out now; and, as suggestions are grouped around what was decided when they were made, what came out before later decisions."""
    decisions = decisions_of(registry, patient_id)
    for count in range(len(decisions), -1, -1):
        yield _derived(proposed(registry, patient_id, rulebook, fold(patient_id, decisions[:count])))


def _derived(suggestions: tuple[Suggestion, ...]) -> Derived:
    return frozenset(
        (one.field, one.value, str(one.assertion), one.date, one.end_date)
        for one in suggestions
        if one.origin == "derived"
    )
