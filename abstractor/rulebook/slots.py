"""The key of the question that a fact answers: equal facts of a patient meet in one slot, however many notes state them."""

from abstractor.model.finding import Assertion
from abstractor.rulebook.schema import FieldSpec


def slot_key(spec: FieldSpec, value: str, assertion: Assertion, date: str | None) -> str:
    """The slot of a fact: `stage.valg`, `metastasis:liver`, `metastasis:brain:absent`, `response@2024-03-01`, `systemic_therapy:carboplatin@2024-01-22`.

    That something is absent and that it is present can both be true of a patient at different times (FIELDS.md ruling 21):
    they are two questions. A negative needs no date to be one question.
    """
    absent = ":absent" if spec.absent_counts and assertion is Assertion.ABSENT else ""
    match spec.slot:
        case "patient":
            return spec.name
        case "value":
            return f"{spec.name}:{value}{absent}"
        case "event":
            return f"{spec.name}@{date or 'undated'}{absent}"
        case "episode":
            return f"{spec.name}:{value}{absent}" if absent else f"{spec.name}:{value}@{date or 'undated'}"


def slot_date(slot: str) -> str | None:
    """The date in the key of an event or episode; None where it has none."""
    _, at, rest = slot.rpartition("@")
    date = rest.split(":")[0].split("#")[0]
    return date if at and date != "undated" else None


def numbered(slot: str, number: int) -> str:
    """The slot of a further statement of its own on the same question (two readers of one scan): `response@2024-03-01#2`."""
    return slot if number < 2 else f"{slot}#{number}"
