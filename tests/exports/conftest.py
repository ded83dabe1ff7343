from collections.abc import Callable
from pathlib import Path

import pytest
from exported_study import Study, abstracted

from abstractor.registry.engine import Registry
from abstractor.rulebook.book import RuleBook


@pytest.fixture
def study(registry: Registry, make_rulebook: Callable[[str], RuleBook], tmp_path: Path) -> Study:
    """Three invented patients."""
    return abstracted(registry, make_rulebook("book"), tmp_path)
