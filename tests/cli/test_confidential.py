"""A word of a note is looked for, to the byte, in everything that a crash leaves behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "Xanthippe"

RAISES = f"""
def broken(*arguments, **named):
    text = "{CANARY} has limited stage disease"
    raise ValueError(text)
"""
"""A fault with note text in its message and among its locals."""

CRASHES = {
    "annotate": (["annotate"], "abstractor.batch.annotate.pending"),
    "review, line by line": (["review", "--plain", "--patient", "P1"], "abstractor.review.notes.notes_of"),
    "a report": (["outcomes", "--out", "report"], "abstractor.batch.records.case_of"),
    "an export": (
        ["export", "facts", "--out", "out", "--profile", "identified"],
        "abstractor.registry.decisions.case_of",
    ),
    "the auditor's document": (["trail", "P1", "--out", "trail.html"], "abstractor.registry.trails.audited_tables"),
}


def run(folder: Path, arguments: list[str], before: str = "") -> subprocess.CompletedProcess[bytes]:
    """Runs the command with its own folder for temporary files, homes and logs, and where cores are allowed until it forbids them."""
    (folder / "tmp").mkdir(exist_ok=True)
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)\n"
        f"{before}\nfrom abstractor.cli.main import main\nsys.argv = ['abstractor', *{arguments!r}]\nmain()"
    )
    places = {
        name: str(folder / "tmp") for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    }
    environment = {**os.environ, **places, "PYTHONPATH": "", "LOGURU_LEVEL": "TRACE", "PYTHONFAULTHANDLER": "1"}
    environment.pop("ABSTRACTOR_DB", None)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, input=b"a\n", check=False
    )


def holding(folder: Path, word: str) -> set[str]:
    """The files under a folder that hold a word, in UTF-8 or UTF-16."""
    wanted = [word.encode(), word.encode("utf-16-le")]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files if any(one in path.read_bytes() for one in wanted)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, empty_registry_file: Path) -> Path:
    """A folder with a registry that has the word in a note of P1, and nowhere else; loaded once, and copied."""
    folder = tmp_path_factory.mktemp("confidential")
    shutil.copy(empty_registry_file, folder / "abstractor.db")
    notes = folder / "notes.csv"
    notes.write_text(f"note_id,patient_id,note_date,text\nN1,P1,2024-03-01,{CANARY} has limited stage disease\n")
    assert run(folder, ["ingest", "notes.csv"]).returncode == 0
    notes.unlink()
    assert holding(folder, CANARY) == {"abstractor.db"}
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled / "abstractor.db", tmp_path)
    return tmp_path


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_leaves_no_word_of_a_note(folder: Path, crash: str) -> None:
    arguments, place = CRASHES[crash]
    module, _, name = place.rpartition(".")
    before = f"{RAISES}\nimport {module}\n{module}.{name} = broken"
    done = run(folder, arguments, before)
    assert done.returncode != 0
    assert b"ValueError" in done.stderr
    assert CANARY.encode() not in done.stdout + done.stderr
    assert holding(folder, CANARY) == {"abstractor.db"}


def test_a_killed_process_leaves_no_core(folder: Path) -> None:
    before = (
        f"{RAISES}\nimport os, abstractor.registry.decisions as d, faulthandler\n"
        f"def abort(*arguments):\n    text = '{CANARY} has limited stage disease'\n    os.abort()\n"
        "import abstractor.batch.annotate as module\nmodule.pending = abort"
    )
    done = run(folder, ["annotate"], before)
    assert done.returncode == -6
    assert CANARY.encode() not in done.stdout + done.stderr
    assert holding(folder, CANARY) == {"abstractor.db"}
    assert not list(folder.rglob("core*"))


def test_a_program_of_ours_may_write_no_core_and_nor_may_its_children(folder: Path) -> None:
    code = "import resource, subprocess, sys; from abstractor.cli import main as program; program._leave_no_core(); print(subprocess.run([sys.executable, '-c', 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))'], capture_output=True, text=True).stdout)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0)"
