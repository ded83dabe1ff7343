"""What a client did and was told, as JSON lines written at once: a client that is killed has said everything up to that moment."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from abstractor.model.case import Case

ASKED = "asked"
"""A decision is going to be written: its id, what it says, and the version its decider was looking at."""
SAVED = "saved"
"""It was acknowledged: its place in the registry, and the seconds it took."""
REFUSED = "refused"
"""Somebody else had decided, or taken the patient over; nothing was to be written."""
UNSAVED = "unsaved"
"""The registry could not say; the client asks again under the same id."""
BELIEVES = "believes"
"""What the client's case holds after a decision: version and digest."""
HOLDS = "holds"
"""A lease was given or renewed: from when until when, by the registry's clock."""
RESTED = "rested"
"""The client did nothing for longer than its lease lasts, and goes on as if nothing had been."""
LEAVES = "leaves"
"""A lease is going to be given back."""
POOL = "pool"
"""Patients that were claimed from the pool."""
OPENED = "opened"
"""A patient was opened, and the seconds it took."""
LISTED = "listed"
"""The worklist was read, and the seconds it took."""
LOST = "lost"
"""The answer to a commit was made to get lost."""
FAULT = "fault"
"""The registry could not be reached, in the words the user would have read."""


class Journal:
    """The journal of one client; it goes on where a killed predecessor ended."""

    def __init__(self, folder: Path, user: str) -> None:
        self._file = os.open(folder / f"{user}.jsonl", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def write(self, kind: str, **said: object) -> None:
        line = json.dumps({"kind": kind, "at": time.time(), **said}) + "\n"
        os.write(self._file, line.encode())


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    user: str
    kind: str
    said: Mapping[str, Any]


def read(folder: Path) -> Iterator[Entry]:
    """All lines of all clients, each client's in order; one that was cut by a kill is left out."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                continue
            yield Entry(path.stem, said["kind"], said)


def digest(case: Case) -> str:
    """What holds, in a few letters: two cases that say the same have the same."""
    holds = sorted((slot, one.action.value, one.value, one.action_id) for slot, one in case.current.items())
    comments = sorted((slot, len(several)) for slot, several in case.comments.items())
    return sha256(json.dumps([holds, comments, case.closed]).encode()).hexdigest()[:16]
