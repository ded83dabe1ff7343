"""Decisions that the registry would not take, written to a file so that nothing is lost. The only file the review ever writes."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from abstractor.model.decision import Decision
from abstractor.model.errors import InputError


def write_unsaved(decisions: Sequence[Decision], folder: Path) -> Path:
    """Writes decisions as JSON lines to a new file that only its owner can read.

    Raises:
        InputError: the folder can't be written.
    """
    path = folder / f"abstractor-unsaved-{decisions[0].action_id[:8]}.jsonl"
    lines = "".join(json.dumps(asdict(one), ensure_ascii=True, default=str) + "\n" for one in decisions)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(lines)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from None
    return path
