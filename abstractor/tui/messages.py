"""What screens tell the app: past or wanted, never how."""

from collections.abc import Sequence

from textual.message import Message

from abstractor.registry.worklist import WorklistRow
from abstractor.review.curves import OutcomesView
from abstractor.review.desk import DeskItem
from abstractor.review.statistics import Reading


class PatientWanted(Message):
    """A patient is to be opened."""

    def __init__(self, patient_id: str, *, look: bool = False, take_over: bool = False, slot: str = "") -> None:
        super().__init__()
        self.patient_id = patient_id
        self.slot = slot
        """The row to go to; "" for the first open one."""
        self.look = look
        """Without claiming it."""
        self.take_over = take_over


class NeighbourWanted(Message):
    """The next (1) or previous (-1) patient with work is to be opened."""

    def __init__(self, patient_id: str, step: int, *, closed: bool = False) -> None:
        super().__init__()
        self.patient_id = patient_id
        self.step = step
        self.closed = closed
        """The patient that is left has just been closed."""


class WorklistWanted(Message):
    """Back to the worklist."""


class ScreenWanted(Message):
    """A screen that can be gone to from anywhere is to be opened; or help, over the one that is open."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        """Id of the action that leads there."""


class WorklistRead(Message):
    """The worklist was read."""

    def __init__(self, rows: tuple[WorklistRow, ...], read_at: str = "") -> None:
        super().__init__()
        self.rows = rows
        self.read_at = read_at
        """The time, on the clock that leases go by."""


class QualityCounted(Message):
    """How much quality work waits for this person."""

    def __init__(self, items: int) -> None:
        super().__init__()
        self.items = items


class PatientsClaimed(Message):
    """These have come from the pool and are this person's work now."""

    def __init__(self, patient_ids: tuple[str, ...]) -> None:
        super().__init__()
        self.patient_ids = patient_ids


class PatientsSigned(Message):
    """Closed patients of the list were signed, each for itself."""

    def __init__(self, meaning: str, signed: int, refused: tuple[str, ...]) -> None:
        super().__init__()
        self.meaning = meaning
        self.signed = signed
        self.refused = refused
        """Of each that was not: why."""


class WorklistFailed(Message):
    """The worklist could not be read."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__()
        self.reason = reason
        self.refused = refused
        """This person may not see it."""


class NotesSearched(Message):
    """All notes of the patient were searched."""

    def __init__(self, wanted: str, hits: list[tuple[str, int, int]], problem: str = "") -> None:
        super().__init__()
        self.wanted = wanted
        self.hits = hits
        self.problem = problem


class ReadingFailed(Message):
    """What a screen was to show could not be read or computed."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class DeskRead(Message):
    """The desk of quality work was read."""

    def __init__(self, items: Sequence[DeskItem]) -> None:
        super().__init__()
        self.items = items


class DeskItemWanted(Message):
    """A piece of quality work is to be opened."""

    def __init__(self, item: DeskItem) -> None:
        super().__init__()
        self.item = item


class QueryWanted(Message):
    """Somebody is to be asked about a row."""

    def __init__(self, patient_id: str, slot: str, label: str, decided_by: str) -> None:
        super().__init__()
        self.patient_id = patient_id
        self.slot = slot
        self.label = label
        self.decided_by = decided_by
        """Who decided it, "" for nobody: offered first."""


class StatisticsRead(Message):
    """The log of decisions was read and counted."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


class OutcomesComputed(Message):
    """The answer to a question about the cohort is there."""

    def __init__(self, view: OutcomesView) -> None:
        super().__init__()
        self.view = view
