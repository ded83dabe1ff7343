"""Jobs that stand for the pipeline; the worker processes find them by their name on the path."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "executors: starts a Spark cluster of several processes; takes most of a minute")


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield importlib.import_module("engine_doubles")
    sys.modules.pop("engine_doubles", None)
