"""Reading a source and sorting what comes out of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from abstractor.model.note import Note
from abstractor.sources.reader import read_notes
from abstractor.sources.reading import Fault, ReadOptions

Read = Callable[..., tuple[list[Note], list[str]]]


def has_words(text: str) -> bool:
    """Whether a text is more than white space and byte order marks."""
    return bool(text.replace("\ufeff", "").strip())


@pytest.fixture
def read() -> Read:
    """Notes and faults of a path; the options as keywords."""

    def both(path: Path, format_name: str | None = None, **options: object) -> tuple[list[Note], list[str]]:
        items = list(read_notes(path, ReadOptions(**options), format_name))
        notes = [item for item in items if isinstance(item, Note)]
        faults = [str(item) for item in items if isinstance(item, Fault)]
        assert len(notes) + len(faults) == len(items)
        assert not any("\n" in fault for fault in faults)
        return notes, faults

    return both
