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
from abstractor.registry.drafts import draft_of, save_draft
from abstractor.registry.engine import open_registry
from abstractor.registry.leases import claim
from abstractor.registry.notes import add_notes
from abstractor.registry.places import Place, keep_place, place_of
from abstractor.registry.suggestions import replace_suggestions
from abstractor.review.drafts import read_draft
from abstractor.review.session import Session

pyte = pytest.importorskip("pyte", reason="pyte, which reads terminals, is not installed")

PROGRAM = """
import os, sys, tomllib
from pathlib import Path
from abstractor.registry.engine import open_registry
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import FieldSpec
from abstractor.tui.app import run_review

fields = tomllib.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))["field"]
book = RuleBook("cafe", Path("."), {one["name"]: FieldSpec.model_validate(one) for one in fields}, (), (), (), (), ())
if len(sys.argv) > 4:
    import importlib
    place, name = sys.argv[4].split(":")
    module, owner = place.rsplit(".", 1)
    secret = "moulding and scant cytoplasm"
    def broken(*_things, **_more):
        held = secret
        raise RuntimeError(held)
    holder = importlib.import_module(module) if owner[0].islower() else None
    if holder is None:
        setattr(getattr(importlib.import_module(module), owner), name, broken)
    else:
        setattr(importlib.import_module(place), name, broken)
sys.exit(run_review(open_registry(sys.argv[1]), book, os.environ.get("ACTING", "ann"), patient_id=sys.argv[3] or None,
                    config=ReviewConfig(dwell_ms=0, crash_log=Path(sys.argv[1]).parent / "crash")))
"""

ROOT = Path(__file__).resolve().parents[2]


_SET_UP = re.compile(rb"\x1b\[[<>=?][0-9;]*[$]?[a-zA-Z]|\x1b\[[0-9;]*[ $][a-zA-Z]")
"""Modes that a terminal is put into; the emulator knows few of them and would print what it does not know."""


class Terminal:
    """A child on a pseudo-terminal, everything it has written, and what an emulated terminal shows of it."""

    def __init__(self, child: subprocess.Popen[bytes], master: int, columns: int, lines: int) -> None:
        self.child = child
        self.master = master
        self.seen = b""
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)

    def read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                try:
                    got = os.read(self.master, 65536)
                except OSError:
                    return
                self.seen += got
                self._stream.feed(_SET_UP.sub(b"", got))

    @property
    def shown(self) -> str:
        return "\n".join(self.screen.display)

    def wait_for(self, words: str, seconds: float = 40) -> None:
        end = time.monotonic() + seconds
        while words not in self.shown:
            assert time.monotonic() < end, f"{words!r} never came; {self.child.poll()}\n{self.shown}"
            self.read(0.1)

    def send_until(self, keys: str, words: str, tries: int = 8) -> None:
        """Keys typed ahead of an opening screen are dropped on purpose: on a slow machine they must be typed again."""
        for _ in range(tries):
            self.send(keys)
            for _ in range(10):
                self.read(0.5)
                if words in self.shown:
                    return
        raise AssertionError(f"{words!r} never came: {self.child.poll()}\n{self.shown}")

    def text(self, start: int = 0) -> str:
        return re.sub(r"\x1b\[[0-9;:?<>=]*[a-zA-Z]", "", self.seen[start:].decode("utf-8", "replace"))

    def send(self, keys: str | bytes) -> None:
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.killpg(self.child.pid, signal.SIGWINCH)
        self.screen.resize(lines, columns)

    def ended(self) -> int:
        """Waits for the end; the exit code."""
        end = time.monotonic() + 40
        while self.child.poll() is None:
            assert time.monotonic() < end, self.shown
            self.read(0.1)
        self.read(0.3)
        return self.child.returncode


@contextmanager
def on_terminal(
    database: Path, patient: str, *more: str, columns: int = 100, lines: int = 30, **environment: str
) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    known = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **environment}
    known.pop("NO_COLOR", None)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(database), str(ROOT / "rules" / "fields.toml"), patient, *more],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=known,
        start_new_session=True,
        cwd=database.parent,
    )
    os.close(slave)
    terminal = Terminal(child, master, columns, lines)
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


def half_typed(registry, slot):
    kept = draft_of(registry, "ann", "TOUR-01", slot)
    return read_draft(kept).entries["value"] if kept else None


def test_what_is_half_typed_is_kept_when_the_program_is_killed(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("e")
        terminal.wait_for("value:")
        terminal.send("combi")
        deadline = time.monotonic() + 20
        while half_typed(registry, "histology") != "combi" and time.monotonic() < deadline:
            terminal.read(0.1)
        os.killpg(terminal.child.pid, signal.SIGKILL)
    assert half_typed(registry, "histology") == "combi"
    assert decisions_of(registry, "TOUR-01") == ()


EVIL = (
    "[/] [H] [ADDENDUM] [bold red]x[/bold red] [@click=app.quit]q[/]\n"
    "clear \x1b[2J title \x1b]0;PWNED\x07 clip \x1b]52;c;UFdORUQ=\x07 c1 \x9b31m \x9d52;c;UFdORUQ=\x9c\n"
    "bidi \u202eabc\u2066def\u2069 lines a\u2028b\u2029c\x85d\x0be\x0cf\n"
    "wide \u6f22\u5b57\u6f22\u5b57 combining e\u0301e\u0301 tab\there cr\rhere del\x7f bell\x07 null\x00 bs\x08\x08\x08\n"
    "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f flag \U0001f1e9\U0001f1ea\n" + "long" * 60 + "\n"
)
EVIL += "dcs \x1bP1;1|evil\x1b\\ apc \x1b_evil\x1b\\ pm \x1b^evil\x1b\\ osc8 \x1b]8;;http://evil\x1b\\ss3 \x1bOP\n"
EVIL += "zalgo e" + "\u0301\u0489" * 400 + " joined \u200d\ufe0f mark\ufeff tag\U000e0041\n"
HOSTILE_USER = "ann[/]\x1b]0;PWNED\x07\x9b31m"
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
    b"\x1bP",
    b"\x1b_",
    b"\x1b^",
    b"\x1b]8",
    b"\x1bO",
    b"\xef\xb8\x8f",
    b"\xe2\x80\x8d",
    b"\xef\xbb\xbf",
]


@pytest.fixture
def hostile(registry, book) -> None:
    note = Note("n[/]\x1b]52;c;UFdORUQ=\x07", EVIL, HOSTILE_ID, "2024-01-01\x1b[2J", "clinic[/]\x1b]0;PWNED\x07")
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
    clock = "2024-03-01T08:00:00.000+00:00"
    session = Session(registry, book, HOSTILE_ID, HOSTILE_USER, lambda: clock)
    session.comment("histology", evil)
    session.reject(f"ihc:{evil}", evil)
    for user in (HOSTILE_USER, "ann"):
        save_draft(registry, user, HOSTILE_ID, "histology", evil)
    claim(registry, "TOUR-01", HOSTILE_USER)


TOUR_OF_ALL = (
    *("jjkn", "b", " ", "?", "jj", "q", "t", "j", "q", "gh", "q", "gq", "q", "gs", "q", "go", "q", "ge", "q"),
    *(
        "e",
        "\x1b",
        "v",
        "s",
        "=",
        "\x1b",
        "\x1b",
        "z",
        "z",
        "/c1\r",
        "]",
        "i",
        "\x1b",
        "cwell\x1b",
        "R",
        "\x1b",
        "A",
        "\x1b",
    ),
    *("G", "\r", "\x1b", "f[/]\r", "F", "fnote:\\x\r", "F", "//evil\r", "/\\(\r", "r", "u", "o", "\x10", "\x1b", "w"),
)
"""Every screen and question there is a key for."""


@pytest.mark.parametrize("columns", [100, 160])
def test_no_hostile_character_of_any_data_reaches_the_terminal(registry, hostile, tmp_path, columns):
    """Text, ids, types, dates and values of notes; comments, drafts, names of users, filters and patterns; on every screen."""
    with on_terminal(tmp_path / "r.db", "", columns=columns, ACTING=HOSTILE_USER) as terminal:
        terminal.wait_for("WORKLIST")
        terminal.wait_for("TOUR-01")
        terminal.send("/e[\r")
        terminal.read(0.7)
        terminal.send_until("\r", "Histology")
        for keys in TOUR_OF_ALL:
            terminal.send(keys)
            terminal.read(0.2)
        terminal.send("\x11")
        assert terminal.ended() == 0
        body = terminal.seen
        assert not list((tmp_path / "crash").glob("*"))
        assert b"Histology" in body
        assert "\u241b]52;c;".encode() in body
        for bad in DANGEROUS:
            # the terminal's own set-up may hold none of these: they can only come from data
            assert bad not in body, (bad, body[max(0, body.index(bad) - 80) : body.index(bad) + 20])


SCREENS = {
    "a key of the review": ("abstractor.tui.screens.review.ReviewScreen:do_order", "TOUR-01", "o"),
    "a question": ("abstractor.tui.screens.dialogs.LinePrompt:do_save", "TOUR-01", "cx\r"),
    "a row that is drawn": ("abstractor.tui.screens.help.HelpScreen:build", "TOUR-01", "?"),
    "a message": ("abstractor.tui.screens.finding.FindingScreen:_found", "TOUR-01", "/ki\r"),
}


@pytest.mark.parametrize("where", SCREENS)
def test_a_crash_tells_an_id_and_no_word_of_a_note(registry, tmp_path, where):
    broken, patient, keys = SCREENS[where]
    with on_terminal(tmp_path / "r.db", patient, broken) as terminal:
        terminal.wait_for("Histology")
        before = len(terminal.seen)
        for key in keys:
            terminal.send(key)
            terminal.read(0.5)
        assert terminal.ended() == 1
        told = terminal.text(before)
        assert "internal error" in told
    for word in ("moulding", "cytoplasm", "secret", "Traceback", "adenocarcinoma"):
        assert word not in told[told.index("internal error") :]
    assert "RuntimeError" in told
    [log] = (tmp_path / "crash").glob("crash-*.log")
    content = log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert "broken" in content
    assert "moulding" not in content
    assert not list(tmp_path.glob("core*"))


def test_a_fault_in_a_thread_ends_the_program_as_quietly(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "", "abstractor.tui.screens.worklist:read_worklist") as terminal:
        assert terminal.ended() == 1
        told = terminal.text()
    assert "internal error" in told
    assert "moulding" not in told


def test_after_a_crash_or_a_kill_the_next_start_is_on_the_same_row(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("1")
        terminal.wait_for("1/26")
        terminal.send("jj")
        terminal.wait_for("Smoking status  sugg")
        deadline = time.monotonic() + 20
        while place_of(registry, "ann") != Place("TOUR-01", "smoking_status") and time.monotonic() < deadline:
            terminal.read(0.1)
        os.killpg(terminal.child.pid, signal.SIGKILL)
    with on_terminal(tmp_path / "r.db", "") as terminal:
        terminal.wait_for("Smoking status  sugg")
        terminal.send("w")
        terminal.wait_for("WORKLIST")
        deadline = time.monotonic() + 20
        while place_of(registry, "ann") is not None and time.monotonic() < deadline:
            terminal.read(0.1)
    assert place_of(registry, "ann") is None


def test_where_the_row_that_was_left_is_decided_the_next_start_is_on_the_next_open_one(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("1")
        terminal.wait_for("1/26")
        os.killpg(terminal.child.pid, signal.SIGKILL)
    decided = decisions_of(registry, "TOUR-01")[-1].slot
    cursor = next(line[:28] for line in terminal.shown.split("\n") if line.startswith(">"))
    # the place is kept once a second, so that of before the decision may be the last
    keep_place(registry, "ann", Place("TOUR-01", decided), lambda: "2024-03-01T08:00:00.000+00:00")
    with on_terminal(tmp_path / "r.db", "") as terminal:
        terminal.wait_for(cursor)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order_and_gives_the_patient_back(registry, tmp_path, number):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("1")
        terminal.wait_for("1/26")
        os.kill(terminal.child.pid, number)
        assert terminal.ended() == 128 + number
        assert terminal.seen.count(b"\x1b[?1049l") >= 1
    assert len(decisions_of(registry, "TOUR-01")) == 1
    assert claim(registry, "TOUR-01", "bob").mine


def test_a_terminal_that_goes_away_leaves_no_process_behind(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        keep = os.open(os.devnull, os.O_RDONLY)
        os.dup2(keep, terminal.master)
        os.close(keep)
        terminal.child.wait(timeout=40)
    assert decisions_of(registry, "TOUR-01") == ()


def test_pasted_text_stray_bytes_and_a_storm_of_sizes_decide_nothing(registry, tmp_path):
    with on_terminal(tmp_path / "r.db", "TOUR-01") as terminal:
        terminal.wait_for("Histology")
        terminal.send("\x1b[200~1aaarrr\rdd\x1b[201~")
        terminal.send(b"\xff\xfe\x80\xc3")
        for columns, lines in [(60, 16), (200, 60), (59, 15), (140, 40), (80, 17), (100, 30)] * 4:
            terminal.resize(columns, lines)
        terminal.read(1.0)
        terminal.send("j")
        terminal.wait_for("Date of diagnosis  sugg")
        assert decisions_of(registry, "TOUR-01") == ()
        terminal.send("\x1a")
        terminal.read(1.0)
        terminal.send("k")
        terminal.wait_for("Histology  CONFLICT")
        terminal.send("\x11")
        assert terminal.ended() == 0
    assert not list((tmp_path / "crash").glob("*"))


def test_a_terminal_without_utf8_gets_no_byte_beyond_its_charset(registry, hostile, tmp_path):
    for environment in ({"LC_ALL": "C"}, {"TERM": "linux"}):
        with on_terminal(tmp_path / "r.db", HOSTILE_ID, **environment) as terminal:
            terminal.wait_for("Histology")
            terminal.send("\x11")
            assert terminal.ended() == 0
        assert "\u241b".encode() not in terminal.seen
        assert b"?]52;c;" in terminal.seen
        if "LC_ALL" in environment:
            assert max(terminal.seen) < 0x80


def test_no_hostile_character_reaches_the_terminal_in_lines_or_in_errors(registry, hostile, tmp_path):
    """The line mode, and what commands say on standard error of ids that they were given or found."""

    def run(*arguments: str, typed: str = "") -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "abstractor", *arguments],
            input=typed.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8", "ABSTRACTOR_DB": str(tmp_path / "r.db")},
        )
        assert b"Traceback" not in done.stderr
        return done.stdout + done.stderr

    commands = [
        *"j.n bt",
        "gh",
        "w",
        "",
        "/evil",
        "//c1",
        "]",
        "= \x1b[2J",
        "f \x1b]0;x",
        "F",
        "e \x9b31m",
        "\x1b[2J",
        "i \x1b[2J",
        "?",
        "q",
    ]
    listed = tmp_path / "who.txt"
    listed.write_text(f"{HOSTILE_ID}x\n", encoding="utf-8")
    (tmp_path / "notes" / "P1").mkdir(parents=True)
    (tmp_path / "notes" / "P1" / "n1.txt").write_text("One.", encoding="utf-8")
    told = {
        "lines": run("review", "--plain", "--user", HOSTILE_USER, "--patient", HOSTILE_ID, typed="\n".join(commands)),
        "an unknown patient": run("review", "--plain", "--patient", f"{HOSTILE_ID}x"),
        "a list of patients": run("ingest", str(tmp_path / "notes"), "--patients", str(listed)),
        "a registry that is none": run("review", "--plain", "--db", f"{HOSTILE_ID}.db"),
    }
    assert b"Histology" in told["lines"]
    for what, said in told.items():
        assert said.strip(), what
        assert b"\x1b" not in said, (what, said)
        for bad in DANGEROUS:
            assert bad not in said, (what, bad)


def test_the_screens_want_a_terminal_and_name_the_way_without_one():
    done = subprocess.run(
        [sys.executable, "-m", "abstractor", "review", "--demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert b"--plain" in done.stderr


def test_the_interface_opens_without_language_processing_or_statistics():
    code = (
        "import sys, abstractor.tui.app; "
        "bad = {'spacy', 'medspacy', 'pandas', 'lifelines', 'matplotlib', 'scipy', 'numpy'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
