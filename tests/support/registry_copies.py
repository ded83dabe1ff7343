"""Registries for tests: made once and copied, for a migration takes longer than most tests."""

import shutil
from pathlib import Path


def copied(template: Path, path: Path) -> Path:
    """A copy of a registry, for its owner only."""
    shutil.copy(template, path)
    path.chmod(0o600)
    return path
