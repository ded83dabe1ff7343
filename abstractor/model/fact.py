"""A fact of a patient that a person has confirmed: the only thing endpoints are computed from."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from abstractor.model.finding import Assertion
from abstractor.model.suggestion import Evidence

COLUMNS = (
    "patient_id",
    "field",
    "value",
    "assertion",
    "date",
    "end_date",
    "attributes",
    "source",
    "decided_by",
    "decided_at",
    "note_id",
    "start",
    "end",
)
"""Of `facts.csv` (INTERFACE.md), in and out; only the first three are required in."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of `facts.csv` (INTERFACE.md)."""

    patient_id: str
    field: str
    value: str
    assertion: Assertion = Assertion.PRESENT
    date: str | None = None
    """Partial ISO date as stated: of the event, or the start of it."""
    end_date: str | None = None
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict, hash=False)
    source: str = ""
    decided_by: str = ""
    decided_at: str = ""
    evidence: tuple[Evidence, ...] = ()
    slot: str = ""
    action_id: str = ""
    """The decision that states it."""
