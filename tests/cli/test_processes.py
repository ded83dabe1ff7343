"""The command as users run it: a process of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "Xanthippe"
HEAVY = {
    "spacy", "medspacy", "pandas", "sqlalchemy", "alembic", "textual", "lifelines", "matplotlib", "pydantic", "pyarrow",
    "numpy", "scipy", "rich", "regex",
}  # fmt: skip


def abstractor(folder: Path, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the command, `before` being what a test changes in the program first."""
    code = f"import sys\n{before}\nfrom abstractor.cli.main import main\nsys.argv = ['abstractor', *{list(arguments)!r}]\nmain()"
    environment = {**os.environ, "PYTHONPATH": "", "LOGURU_LEVEL": "TRACE"}
    environment.pop("ABSTRACTOR_DB", None)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "abstractor", "--help"], capture_output=True, text=True, check=True
    )
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "click" in imported
    assert not HEAVY & imported
    assert "Commands:" in done.stdout


def test_the_package_alone_imports_nothing_heavy() -> None:
    code = "import sys, abstractor; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


FAKE_READER = f"""
sys.path.insert(0, {str(Path(__file__).parent)!r})
import abstractor.rulebook.load, abstractor.batch.engine.work, cli_doubles
from abstractor.rulebook.book import RuleBook
book = RuleBook("r1", abstractor.rulebook.load.default_rules(), {{}}, (), (), (), (), ())
abstractor.rulebook.load.load_rulebook = lambda root=None: book
abstractor.batch.engine.work.Job = cli_doubles.Job
"""


def put_notes(folder: Path, deed: str = "") -> Path:
    path = folder / "notes.csv"
    path.write_text(
        f"note_id,patient_id,note_date,text\nN1,P1,2024-13-45,{CANARY} was seen\nN2,P1,,\nN3,P1,,{CANARY} {deed}\n"
    )
    return path


@pytest.mark.parametrize(("deed", "code"), [("", 0), ("poison", 3), ("odd", 3), ("endless", 3)])
def test_no_word_of_a_note_reaches_the_terminal(
    tmp_path: Path, empty_registry_file: Path, deed: str, code: int
) -> None:
    put_notes(tmp_path, deed)
    shutil.copy(empty_registry_file, tmp_path / "abstractor.db")
    limit = ("--note-seconds", "1")
    ingested = abstractor(tmp_path, "ingest", "notes.csv", before=FAKE_READER)
    annotated = abstractor(tmp_path, "annotate", *limit, before=FAKE_READER)
    dumped = abstractor(tmp_path, "annotate", "notes.csv", "--out", "out.jsonl", *limit, before=FAKE_READER)
    assert ingested.returncode == 1
    assert annotated.returncode == code
    assert dumped.returncode == 1  # rows could not be read
    for done in (ingested, annotated, dumped):
        assert CANARY not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    if deed:
        reason = {"poison": "ValueError", "odd": "Odd", "endless": r"time (over 1 s)"}[deed]
        told = f"abstractor: note N3: set aside ({reason} while annotating)"
        assert told in annotated.stderr.splitlines()
        assert told in dumped.stderr.splitlines()


def test_what_is_written_is_its_owners_only(tmp_path: Path) -> None:
    put_notes(tmp_path)
    before = os.umask(0o022)
    try:
        abstractor(tmp_path, "init")
        abstractor(tmp_path, "annotate", "notes.csv", "--out", "parts", before=FAKE_READER)
        abstractor(tmp_path, "export", "facts", "--out", "out")
    finally:
        os.umask(before)
    for name in (
        "abstractor.db",
        "parts",
        "parts/part-000001.parquet",
        "parts/manifest.json",
        "parts/quarantine.jsonl",
        "parts/.abstractor/ledger.sqlite",
        "out",
        "out/facts.csv",
    ):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0, name


def test_a_closed_pipe_is_no_crash(tmp_path: Path) -> None:
    command = f"{sys.executable} -m abstractor --help | head -c 10 >/dev/null"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
