"""What the interface remembers of a person between two starts: that the tour was seen, the theme last chosen. Nothing of a patient.

A file that can't be read or written is no reason to disturb anybody: then nothing is remembered.
"""

import json
from pathlib import Path

from abstractor.review.config import THEMES


class Habits:
    """A small JSON file; without a path, nothing is remembered and nobody is new."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        known = _read(path)
        self.toured: bool = path is None or known.get("toured") is True
        theme = known.get("theme")
        self.theme: str = theme if isinstance(theme, str) and theme in THEMES else "auto"

    def remember(self, *, toured: bool | None = None, theme: str | None = None) -> None:
        """Keeps what is given beside what is known."""
        self.toured = self.toured if toured is None else toured
        self.theme = self.theme if theme is None else theme
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.write_text(json.dumps({"toured": self.toured, "theme": self.theme}) + "\n", encoding="utf-8")
        except OSError:
            return


def _read(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
