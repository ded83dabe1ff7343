"""Registries for tests: made once and copied, for a migration takes longer than most tests."""

import shutil
from pathlib import Path

from abstractor.registry.engine import Registry


def copied(template: Path, path: Path) -> Path:
    """A copy of a registry, for its owner only."""
    shutil.copy(template, path)
    path.chmod(0o600)
    return path


def address(registry: Registry) -> str:
    """What `--db` takes for this registry; its name leaves out a password."""
    return registry.engine.url.render_as_string(hide_password=False)
