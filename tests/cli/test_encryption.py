"""Encrypted registries as they are typed: every command opens them, and the key is seen nowhere."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from abstractor.cli.main import cli
from abstractor.registry.cipher import in_clear
from abstractor.registry.engine import create_registry
from abstractor.registry.keys import COMMAND, DESCRIPTOR, ENTRY, Key, forget_key, write_key
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.tour import fill_tour

pytest.importorskip("sqlcipher3", reason="the extra `cipher` is not installed")

SECRET = "feedc0de" * 8
CANARY = "Xanthippe"
DOUBLES = str(Path(__file__).parent)
BEFORE = f"""
import sys
sys.path.insert(0, {DOUBLES!r})
import abstractor.rulebook.load, abstractor.batch.engine.work, cli_doubles
from abstractor.rulebook.book import RuleBook
book = RuleBook("r1", abstractor.rulebook.load.default_rules(), {{}}, (), (), (), (), ())
abstractor.rulebook.load.load_rulebook = lambda root=None: book
abstractor.batch.engine.work.Job = cli_doubles.Job
from abstractor.cli.main import main
"""


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (DESCRIPTOR, COMMAND, ENTRY, "ABSTRACTOR_DB", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    write_key(Key(SECRET, "test"), tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def study(key: Path, tmp_path: Path) -> Path:
    create_registry(str(tmp_path / "abstractor.db"), Key(SECRET, "test")).close()
    notes = tmp_path / "notes.csv"
    notes.write_text("note_id,patient_id,text\n" + "".join(f"N{n},P{n},limited slow {CANARY}\n" for n in range(60)))
    run("ingest", "notes.csv", key=key)
    notes.unlink()
    return tmp_path / "abstractor.db"


def run(*arguments: object, key: Path | None = None, code: int = 0) -> str:
    """A command in this process, with the key on a descriptor of its own."""
    forget_key()
    given = [] if key is None else ["--key-fd", str(os.open(key, os.O_RDONLY))]
    result = CliRunner().invoke(cli, [*(str(one) for one in arguments), *given])
    forget_key()
    assert SECRET not in result.output
    assert result.exit_code == code, result.output
    return result.output


def started(folder: Path, key: Path, *arguments: str, before: str = "") -> "subprocess.Popen[str]":
    """A command as a process of its own, with a stand-in for the pipeline and the key on descriptor 3."""
    code = f"{BEFORE}\n{before}\nsys.argv = ['abstractor', *{list(arguments)!r}]\nmain()"
    return subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$@" 3< {key}', "sh", sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, DESCRIPTOR: "3", "LOGURU_LEVEL": "TRACE", "PYTHONFAULTHANDLER": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= {int(child), *descendants(int(child))}
    return found


def seen_of(pid: int) -> bytes:
    """What every program of the same person can read of a process."""
    said = b""
    for name in ("cmdline", "environ"):
        with suppress(OSError):
            said += Path(f"/proc/{pid}/{name}").read_bytes()
    return said


def holding(folder: Path, word: str) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()}


def test_a_key_is_made_and_an_encrypted_registry_with_it(tmp_path: Path) -> None:
    assert "for its owner only" in run("key", "new", "--file", "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    run("init", "--encrypted", "--db", "r.db", key=tmp_path / "key")
    assert "no key was given" in run("verify", "--db", "r.db", code=1)
    assert "whole" in run("verify", "--db", "r.db", key=tmp_path / "key")
    assert (tmp_path / "key").read_text().strip() not in run("key", "copy", "--file", "second", key=tmp_path / "key")
    assert (tmp_path / "second").read_bytes() == (tmp_path / "key").read_bytes()


def test_nothing_is_encrypted_without_a_key(tmp_path: Path) -> None:
    assert "no key to encrypt with: `abstractor key new`" in run("init", "--encrypted", "--db", "r.db", code=1)
    assert not (tmp_path / "r.db").exists()


def test_a_key_given_as_an_argument_is_refused_and_not_repeated(tmp_path: Path) -> None:
    for command in ("init", "encrypt", "verify"):
        result = CliRunner().invoke(cli, [command, "--key-fd", SECRET])
        assert result.exit_code == 2
        assert "never the key itself" in result.output
        assert SECRET not in result.output


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_notes_are_annotated_by_several_processes_and_none_shows_the_key(study: Path, key: Path) -> None:
    process = started(study.parent, key, "annotate", "--workers", "2")
    seen: dict[int, bytes] = {}
    while process.poll() is None:
        seen |= {pid: seen_of(pid) for pid in {process.pid, *descendants(process.pid)}}
        time.sleep(0.02)
    out, err = process.communicate()
    assert "60 notes annotated, 60 findings" in err
    assert len(seen) >= 3
    assert SECRET not in out + err + b"".join(seen.values()).decode(errors="replace")
    assert CANARY not in out + err
    assert holding(study.parent, SECRET) == {"key"}
    assert holding(study.parent, CANARY) == set()


def test_a_crash_shows_neither_the_key_nor_a_note(study: Path, key: Path) -> None:
    before = (
        "import abstractor.batch.annotate as module\n"
        "def broken(registry, *arguments):\n    key = registry.key.text\n    raise ValueError(key)\n"
        "module.pending = broken"
    )
    process = started(study.parent, key, "annotate", before=before)
    out, err = process.communicate()
    assert "ValueError" in err
    assert SECRET not in out + err
    assert holding(study.parent, SECRET) == {"key"}


def test_the_review_by_lines_the_history_and_the_exports_open_it(study: Path, key: Path, tmp_path: Path) -> None:
    # what an export writes is in clear, on purpose
    run("export", "facts", "--out", "out", "--profile", "identified", key=key)
    run("trail", "P1", "--out", "trail.html", key=key)
    assert (tmp_path / "trail.html").exists()
    process = started(tmp_path, key, "review", "--plain", "--user", "ann", "--patient", "P1")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert SECRET not in out + err


def test_encrypting_backing_up_restoring_rekeying_and_decrypting(
    registry_file: Path, key: Path, tmp_path: Path
) -> None:
    write_key(Key("0123abcd" * 8, "test"), tmp_path / "other")
    said = run("encrypt", "--db", registry_file, key=key)
    assert "rows are the same" in said
    assert "Backups and copies made before are still in clear" in said
    assert "already" in run("encrypt", "--db", registry_file, key=key, code=1)
    run("backup", "b.db", "--db", registry_file, key=key)
    run("restore", "b.db", "--db", "restored.db", key=key)
    new = os.open(tmp_path / "other", os.O_RDONLY)
    assert "keep the old one" in run("rekey", "--db", registry_file, "--new-key-fd", new, key=key)
    assert "doesn't open it" in run("verify", "--db", registry_file, key=key, code=1)
    assert "whole" in run("verify", "--db", registry_file, key=tmp_path / "other")
    assert "whole" in run("verify", "--db", "restored.db", key=key)
    run("decrypt", "--db", registry_file, key=tmp_path / "other")
    assert "whole" in run("verify", "--db", registry_file)


def test_a_flipped_bit_is_told_by_verify(study: Path, key: Path) -> None:
    held = bytearray(study.read_bytes())
    held[-2000] ^= 1
    study.write_bytes(held)
    said = run("verify", key=key, code=1)
    assert "HMAC verification failed for page" in said or "is damaged, or was changed" in said
    assert "backup" in said


def test_a_new_key_is_named_by_exactly_one_place(study: Path, key: Path) -> None:
    assert "where the new key comes from" in run("rekey", key=key, code=2)


def test_a_training_copy_of_an_encrypted_registry_is_encrypted(key: Path, tmp_path: Path) -> None:
    registry = create_registry(str(tmp_path / "r.db"), Key(SECRET, "test"))
    fill_tour(registry, load_rulebook(None))
    registry.close()
    run("qa", "training", "training.db", "--db", "r.db", "--seed", "7", key=key)
    assert not in_clear(tmp_path / "training.db")
    assert "whole" in run("verify", "--db", "training.db", key=key)
