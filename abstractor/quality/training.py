"""Training mode: a copy of a registry in memory, with wrong suggestions planted, to learn whether they are noticed.

Decoys exist in such a copy only. A `TrainingRegistry` can't be made from a file or a server: it is always in memory and is gone when it is
closed. `plant` takes nothing else, and the registry's own store knows no decoys at all.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from abstractor.model.decision import STATING, Decision
from abstractor.model.suggestion import Suggestion
from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.agreement import Estimate
from abstractor.quality.audit import Refused
from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.notes import add_notes, notes_of, whole_note
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.rulebook.schema import FieldSpec

_MEMORY = ":memory:"


class TrainingRegistry(Registry):
    """A registry in memory; the only one that takes decoys."""


@dataclass(frozen=True, slots=True)
class Decoy:
    """A wrong suggestion that was planted."""

    patient_id: str
    slot: str
    value: str
    true_value: str


@contextmanager
def training_copy(registry: Registry, patient_ids: Iterable[str]) -> Iterator[TrainingRegistry]:
    """A copy in memory of the notes and suggestions of some patients, without any decision; it is gone when the block ends."""
    made = create_registry(_MEMORY)
    copy = TrainingRegistry(made.engine, "training copy", made.patience)
    try:
        for patient_id in patient_ids:
            add_notes(copy, (whole_note(registry, one) for one in notes_of(registry, patient_id)), "training")
            replace_suggestions(copy, patient_id, list(suggestions_of(registry, patient_id)))
        yield copy
    finally:
        copy.close()


def plant(
    copy: Registry,
    patient_ids: Sequence[str],
    fields: Callable[[str], FieldSpec | None],
    *,
    share: float,
    seed: int,
) -> tuple[Decoy, ...]:
    """Replaces a share of the suggestions by wrong values that look alike (another code of the field, another day).

    Raises:
        Refused: this is no training copy; nothing was written.
    """
    if not isinstance(copy, TrainingRegistry) or copy.engine.url.database != _MEMORY:
        raise Refused("decoys are planted in a training copy only; nothing was written")
    chosen = random.Random(seed)  # noqa: S311  (which ones need not be secret)
    decoys: list[Decoy] = []
    for patient_id in patient_ids:
        kept = []
        for one in suggestions_of(copy, patient_id):
            wrong = _wrong(one, fields(one.field), chosen) if chosen.random() < share else None
            if wrong is not None:
                decoys.append(Decoy(patient_id, one.slot, wrong.value, one.value))
            kept.append(wrong or one)
        replace_suggestions(copy, patient_id, kept)
    return tuple(decoys)


def _wrong(one: Suggestion, spec: FieldSpec | None, chosen: random.Random) -> Suggestion | None:
    """The same slot with another value; None where there is no other."""
    if spec is None or spec.slot not in ("patient", "event"):
        return None  # elsewhere the value is part of the question
    others = [code.code for code in spec.codes if code.code != one.value and code.broader != one.value]
    return replace(one, value=chosen.choice(others)) if others else None


def noticed(decoys: Iterable[Decoy], decisions: Callable[[str], Iterable[Decision]]) -> Estimate:
    """The share of decoys that were not taken over, exact interval; decoys nobody decided on are left out.

    Args:
        decoys: what was planted.
        decisions: from a patient to what holds in the training copy.
    """
    caught = judged = 0
    for decoy in decoys:
        made = next((one for one in decisions(decoy.patient_id) if one.slot == decoy.slot), None)
        if made is not None:
            judged += 1
            caught += made.action not in STATING or made.value != decoy.value
    if not judged:
        return Estimate(None)
    lower, upper = clopper_pearson(caught, judged)
    return Estimate(caught / judged, lower, upper, judged, "exact (Clopper–Pearson)")
