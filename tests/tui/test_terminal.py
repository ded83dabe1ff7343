"""On a real pseudo-terminal: what reaches the terminal, what survives a kill, what a crash tells."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.model.suggestion import Evidence, Suggestion
from abstractor.registry.decisions import decisions_of
from abstractor.registry.drafts import draft_of
from abstractor.registry.engine import open_registry
from abstractor.registry.notes import add_notes
from abstractor.registry.suggestions import replace_suggestions

PROGRAM = """
import sys, tomllib
from pathlib import Path
from abstractor.registry.engine import open_registry
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec
from abstractor.tui.app import run_review

fields = tomllib.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))["field"]
book = RuleBook("cafe", Path("."), {one["name"]: FieldSpec.model_validate(one) for one in fields}, (), (), (), (), ())
if len(sys.argv) > 4:
    from abstractor.tui.screens.review import ReviewScreen
    def do_timeline(self):
        secret = self.doc.text
        raise RuntimeError(secret)
    ReviewScreen.do_timeline = do_timeline
sys.exit(run_review(open_registry(sys.argv[1]), book, "ann", patient_id=sys.argv[3] or None,
                    config=ReviewConfig(dwell_ms=0, crash_log=Path(sys.argv[1]).parent / "crash")))
"""

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A child on a pseudo-terminal, and everything it has written."""

    def __init__(self, child: subprocess.Popen[bytes], master: int) -> None:
        self.child = child
        self.master = master
        self.seen = b""

    def read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    return

    def wait_for(self, words: str, seconds: float = 40) -> None:
        end = time.monotonic() + seconds
        start = len(self.seen)
        while words not in self.text(start) and words not in self.text(0)[-6000:]:
            assert time.monotonic() < end, f"{words!r} never came"
            self.read(0.1)

    def send_until(self, keys: str, words: str, tries: int = 8) -> None:
        """Keys typed ahead of an opening screen are dropped on purpose: on a slow machine they must be typed again."""
        start = len(self.seen)
        for _ in range(tries):
            self.send(keys)
            for _ in range(10):
                self.read(0.5)
                if words in self.text(start):
                    return
        raise AssertionError(f"{words!r} never came: {self.child.poll()} {self.text(0)[-300:]!r}")

    def text(self, start: int = 0) -> str:
        return re.sub(r"\x1b\[[0-9;:?<>=]*[a-zA-Z]", "", self.seen[start:].decode("utf-8", "replace"))

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())


@contextmanager
def on_terminal(database: Path, patient: str, *more: str, columns: int = 100, lines: int = 30) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(database), str(ROOT / "rules" / "fields.toml"), patient, *more],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
        cwd=database.parent,
    )
    os.close(slave)
    terminal = Terminal(child, master)
    try:
        yield terminal
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        os.close(master)


def test_every_decision_is_on_disk_when_the_program_is_killed_right_after_its_key(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("1")
        terminal.wait_for("1/26")
        terminal.send("a")
        terminal.wait_for("2/26")
        terminal.send("r")
        terminal.wait_for("saved")
        deadline = time.monotonic() + 20
        while len(decisions_of(registry, "TOUR-01")) < 3 and time.monotonic() < deadline:
            terminal.read(0.05)
        os.killpg(terminal.child.pid, signal.SIGKILL)
        terminal.child.wait()
    again = open_registry(str(tmp_path / "r.db"))
    assert [one.action.value for one in decisions_of(again, "TOUR-01")] == ["pick", "accept", "reject"]
    again.close()


def test_what_is_half_typed_is_kept_when_the_program_is_killed(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("e")
        terminal.wait_for("value:")
        terminal.send("combi")
        deadline = time.monotonic() + 20
        while draft_of(registry, "ann", "TOUR-01", "histology") != "combi" and time.monotonic() < deadline:
            terminal.read(0.1)
        os.killpg(terminal.child.pid, signal.SIGKILL)
    assert draft_of(registry, "ann", "TOUR-01", "histology") == "combi"
    assert decisions_of(registry, "TOUR-01") == ()


EVIL = (
    "[/] [H] [ADDENDUM] [bold red]x[/bold red] [@click=app.quit]q[/]\n"
    "clear \x1b[2J title \x1b]0;PWNED\x07 clip \x1b]52;c;UFdORUQ=\x07 c1 \x9b31m \x9d52;c;UFdORUQ=\x9c\n"
    "bidi \u202eabc\u2066def\u2069 lines a\u2028b\u2029c\x85d\x0be\x0cf\n"
    "wide \u6f22\u5b57\u6f22\u5b57 combining e\u0301e\u0301 tab\there cr\rhere del\x7f bell\x07 null\x00 bs\x08\x08\x08\n"
    "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f flag \U0001f1e9\U0001f1ea\n" + "long" * 60 + "\n"
)
HOSTILE_ID = "e[/]\x1b]0;PWNED\x07\x9b31m"

DANGEROUS = [
    b"\x1b]52",
    b"\x1b]0;PWNED",
    b"PWNED\x07",
    b"\xc2\x9b",
    b"\xc2\x9d",
    b"\xc2\x85",
    b"\xe2\x80\xae",
    b"\xe2\x81\xa6",
    b"\xe2\x80\xa8",
    b"\x0b",
    b"\x0c",
    b"\x7f",
    b"\x00",
    b"\xed",
]


@pytest.fixture
def hostile(registry, book) -> None:
    note = Note("n[/]\x1b]52;c;UFdORUQ=\x07", EVIL, HOSTILE_ID, "2024-01-01", "clinic")
    add_notes(registry, [note], "test")

    def suggestion(slot: str, name: str, value: str) -> Suggestion:
        words = "clip \x1b]52;c;UFdORUQ=\x07 c1 \x9b31m"
        start = EVIL.index(words)
        evidence = Evidence(
            note.note_id, start, start + len(words), words, note.sha256, "2024-01-01", "clinic", rule="r[/]\x1b[2J"
        )
        return Suggestion(HOSTILE_ID, slot, name, value, Assertion.PRESENT, None, None, {}, 0.9, (evidence,))

    evil = "[/]\x1b]0;PWNED\x07\u202e"
    replace_suggestions(
        registry,
        HOSTILE_ID,
        [
            suggestion("histology", "histology", "small_cell"),
            suggestion("histology", "histology", evil),
            suggestion(f"ihc:{evil}", "ihc", evil),
            suggestion(f"gone{evil}", f"gone{evil}", evil),
        ],
    )


def test_no_hostile_character_of_any_data_reaches_the_terminal(registry, hostile, tmp_path):
    """Worklist, both shapes of the review, help, timeline, history, edit, close list, find, comment, filter, held patient."""
    for columns in (100, 160):
        with on_terminal(tmp_path / "r.db", "", columns=columns) as terminal:
            terminal.wait_for("WORKLIST")
            terminal.wait_for("TOUR-01")
            terminal.send("/e[\r")
            terminal.read(1.0)
            terminal.send_until("\r", "Histology")
            for keys in ("jjkn", "b", " ", "?", "q", "t", "q", "gh", "q", "e", "\x1b", "v", "s", "=", "\x1b", "\x1b"):
                terminal.send(keys)
                terminal.read(0.4)
            for keys in ("z", "z", "/c1\r", "i", "\x1b", "cwell\x1b", "G", "\r", "\x1b", "f[/]\r", "F", "r", "u", "w"):
                terminal.send(keys)
                terminal.read(0.4)
            terminal.send("\x11")
            terminal.read(1.5)
        assert not list((tmp_path / "crash").glob("*"))
        body = terminal.seen
        assert b"Histology" in body
        assert "\u241b]52;c;".encode() in body
        for bad in DANGEROUS:
            # the terminal's own set-up may hold none of these: they can only come from data
            assert bad not in body, (bad, body[max(0, body.index(bad) - 80) : body.index(bad) + 20])


def test_a_crash_tells_an_id_and_no_word_of_a_note(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01", "crash") as terminal:
        terminal.wait_for("Histology")
        before = len(terminal.seen)
        terminal.send("t")
        terminal.wait_for("internal error")
        terminal.read(1.0)
        told = terminal.text(before)
        terminal.child.wait(timeout=20)
    assert terminal.child.returncode == 1
    for word in ("moulding", "addendum", "secret", "Traceback", "adenocarcinoma"):
        assert word not in told[told.index("internal error") :]
    assert "RuntimeError" in told
    [log] = (tmp_path / "crash").glob("crash-*.log")
    content = log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert "do_timeline" in content
    assert "moulding" not in content


def test_the_interface_opens_without_language_processing_or_statistics():
    code = (
        "import sys, abstractor.tui.app; "
        "bad = {'spacy', 'medspacy', 'pandas', 'lifelines', 'matplotlib', 'scipy', 'numpy'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
