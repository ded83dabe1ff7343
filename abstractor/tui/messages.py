"""What screens tell the app: past or wanted, never how."""

from textual.message import Message

from abstractor.registry.worklist import WorklistRow


class PatientWanted(Message):
    """A patient is to be opened."""

    def __init__(self, patient_id: str, *, look: bool = False, take_over: bool = False) -> None:
        super().__init__()
        self.patient_id = patient_id
        self.look = look
        """Without claiming it."""
        self.take_over = take_over


class NeighbourWanted(Message):
    """The next (1) or previous (-1) patient with work is to be opened."""

    def __init__(self, patient_id: str, step: int) -> None:
        super().__init__()
        self.patient_id = patient_id
        self.step = step


class WorklistWanted(Message):
    """Back to the worklist."""


class WorklistRead(Message):
    """The worklist was read."""

    def __init__(self, rows: tuple[WorklistRow, ...]) -> None:
        super().__init__()
        self.rows = rows


class WorklistFailed(Message):
    """The worklist could not be read."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class NotesSearched(Message):
    """All notes of the patient were searched."""

    def __init__(self, wanted: str, hits: list[tuple[str, int, int]], problem: str = "") -> None:
        super().__init__()
        self.wanted = wanted
        self.hits = hits
        self.problem = problem
