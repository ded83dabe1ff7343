"""Training mode: a copy of some patients in a file of its own, with wrong suggestions planted, to learn whether they are noticed.

Decoys exist in such a copy only. A copy is flagged before anything is in it, the flag can't be taken away, and a registry that holds
patients never gets it; import, outcomes and exports refuse what is flagged. `plant` takes nothing else.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from abstractor.model.decision import STATING, Decision
from abstractor.model.suggestion import Suggestion
from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.agreement import Estimate
from abstractor.quality.audit import Refused
from abstractor.quality.desk import Desk
from abstractor.registry.engine import Registry, create_registry
from abstractor.registry.notes import add_notes, notes_of, whole_note
from abstractor.registry.people import require_power
from abstractor.registry.quality import TRAINING, is_training, mark_training, steps, take_step
from abstractor.registry.suggestions import replace_suggestions, suggestions_of
from abstractor.rulebook.schema import FieldSpec

_MARKED, _PLANTED = "marked", "planted"


@dataclass(frozen=True, slots=True)
class Decoy:
    """A wrong suggestion that was planted."""

    patient_id: str
    slot: str
    value: str
    true_value: str


def make_training(desk: Desk, file: Path, patient_ids: Sequence[str], *, share: float, seed: int) -> tuple[Decoy, ...]:
    """Writes a training copy with decoys to a new file.

    Args:
        desk: of the registry that is copied: notes and suggestions, no decision.
        file: must not exist.
        patient_ids: whom to copy.
        share: of the suggestions with another possible value; at least one is replaced.
        seed: which ones.

    Raises:
        Refused: nothing can be planted, for these patients have no such suggestion.
        RegistryError: the file exists or can't be written.
    """
    require_power(desk.registry, "plan_quality")
    copy = create_registry(str(file), desk.registry.key)  # what is encrypted leaves no copy in clear
    try:
        marked = mark_training(copy, desk.step(TRAINING, "", "", _MARKED, copied_from=desk.registry.name))
        for patient_id in patient_ids:
            notes = [whole_note(desk.registry, one) for one in notes_of(desk.registry, patient_id)]
            add_notes(copy, notes, "training")
            replace_suggestions(copy, patient_id, list(suggestions_of(desk.registry, patient_id)))
        decoys = plant(copy, patient_ids, desk.book.fields.get, share=share, seed=seed)
        if not decoys:
            raise Refused(
                "these patients have no suggestion with another possible value; run `abstractor annotate` first"
            )
        planted = [asdict(one) for one in decoys]
        take_step(
            copy,
            desk.step(TRAINING, "", _PLANTED, _PLANTED, seed=seed, share=share, decoys=planted),
            seen=marked.sequence,
        )
    except BaseException:
        copy.close()
        file.unlink(missing_ok=True)
        raise
    copy.close()
    return decoys


def decoys_of(registry: Registry) -> tuple[Decoy, ...]:
    """What was planted in a training copy.

    Raises:
        Refused: it is none.
    """
    if not is_training(registry):
        raise Refused(f"{registry.name}: is no training copy; make one with `abstractor qa training`")
    return tuple(
        Decoy(**one) for step in steps(registry, TRAINING) if step.action == _PLANTED for one in step.content["decoys"]
    )


def plant(
    copy: Registry,
    patient_ids: Sequence[str],
    fields: Callable[[str], FieldSpec | None],
    *,
    share: float,
    seed: int,
) -> tuple[Decoy, ...]:
    """Replaces a share of the suggestions by wrong values that look alike (another code of the field), at least one.

    Raises:
        Refused: this is no training copy; nothing was written.
    """
    if not is_training(copy):
        raise Refused("decoys are planted in a training copy only; nothing was written")
    chosen = random.Random(seed)  # noqa: S311  (which ones need not be secret)
    offered = {patient_id: list(suggestions_of(copy, patient_id)) for patient_id in patient_ids}
    wrong = {
        (patient_id, place): other
        for patient_id, here in offered.items()
        for place, one in enumerate(here)
        if (other := _wrong(one, fields(one.field), chosen)) is not None
    }
    taken = chosen.sample(sorted(wrong), min(max(round(share * len(wrong)), 1), len(wrong)))
    decoys: list[Decoy] = []
    for patient_id, place in sorted(taken):
        one, other = offered[patient_id][place], wrong[patient_id, place]
        decoys.append(Decoy(patient_id, one.slot, other.value, one.value))
        offered[patient_id][place] = other
    for patient_id in {patient_id for patient_id, _ in taken}:
        replace_suggestions(copy, patient_id, offered[patient_id])
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
