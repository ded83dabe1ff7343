"""The real program on a pseudo-terminal, its screen read as a person sees it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from registry_copies import copied

import abstractor
from abstractor.registry.engine import open_registry
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.tour import fill_tour

pyte = pytest.importorskip("pyte", reason="pyte, which reads terminals, is not installed")

ROOT = Path(abstractor.__file__).resolve().parents[1]
PATIENCE = 60.0
"""Seconds after which something that must come has not come; nothing measured."""

_UNREAD = re.compile(rb"\x1b\[[<>=?][0-9;]*u|\x1b\[\?[0-9;]*\$p|\x1b\[>[0-9;]*[a-zA-Z]")
"""Questions to modern terminals, which the one that reads here would draw."""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, child: subprocess.Popen[bytes], master: int, columns: int, rows: int) -> None:
        self.child = child
        self.sent = b""
        """All that the program wrote."""
        self._master = master
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return list(self._screen.display)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self, seconds: float = 0.05) -> bool:
        """Takes what the program writes within a moment; whether there was anything."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.sent += data
        self._stream.feed(_UNREAD.sub(b"", data))
        return True

    def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, f"{what}; exit code {self.child.poll()}; on the screen:\n{self.text}"
            self.read()

    def shows(self, words: str) -> None:
        """Waits for words on the screen."""
        self.until(lambda: words in self.text, f"{words!r} never came")

    def press_until(self, keys: str, true: Callable[[], object], what: str) -> None:
        """Presses keys, and again where they came too early: those typed ahead of an opening screen are dropped on purpose."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, f"{what}; exit code {self.child.poll()}; on the screen:\n{self.text}"
            self.press(keys)
            again = time.monotonic() + 5
            while not true() and time.monotonic() < again:
                self.read()

    def opens(self, keys: str, words: str) -> None:
        """Presses keys until words stand on the screen."""
        self.press_until(keys, lambda: words in self.text, f"{words!r} never came")

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        _set_size(self._master, columns, rows)

    def kill(self) -> None:
        """Kills without a warning, then reads what was written before."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        while self.read(0):
            pass

    def ends(self) -> int:
        """Waits for the program's end, reading on, for it may wait for its last words to be taken; its exit code."""
        self.until(lambda: self.child.poll() is not None, "it goes on")
        return self.child.wait()

    def hang_up(self) -> None:
        """The terminal is gone, as when a window is closed or a line breaks."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self.child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        if self._master >= 0:
            os.close(self._master)


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextmanager
def reviewing(
    folder: Path, *options: str, columns: int = 100, rows: int = 30, dwell_ms: int = 0, in_shell: bool = False
) -> Iterator[Terminal]:
    """`abstractor review` of the registry `r.db` in a folder, as `ann`; started by the terminal itself, or typed into a shell on it."""
    config = folder / "config.toml"
    config.write_text(f"dwell_ms = {dwell_ms}\ncrash_log = '{folder / 'crash'}'\n", encoding="utf-8")
    master, slave = pty.openpty()
    _set_size(slave, columns, rows)
    own = {
        "ABSTRACTOR_DB": str(folder / "r.db"),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
    }
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
    # settings and memory of whoever runs the tests stay out
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        own[name] = str(folder / "home")
    habits = folder / "home" / "abstractor" / "review.json"
    habits.parent.mkdir(parents=True, exist_ok=True)
    habits.write_text('{"toured": true}', encoding="utf-8")  # somebody who has seen the tour
    review = [sys.executable, "-P", "-m", "abstractor", "review", "--user", "ann", "--config", str(config), *options]
    child = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"] if in_shell else review,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment, **own},
        start_new_session=True,
        preexec_fn=_own_terminal,
        cwd=folder,
    )
    os.close(slave)
    terminal = Terminal(child, master, columns, rows)
    if in_shell:
        terminal.press(f"{shlex.join(review)}\r")
    try:
        yield terminal
    finally:
        terminal.close()


def _own_terminal() -> None:
    """Makes it the controlling terminal, so that hanging up reaches the program as a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture(scope="session")
def tour_file(empty_registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = copied(empty_registry_file, tmp_path_factory.mktemp("tour") / "r.db")
    registry = open_registry(str(path))
    fill_tour(registry, load_rulebook(None))
    registry.close()
    return path


@pytest.fixture
def folder(tour_file: Path, tmp_path: Path) -> Path:
    """With the registry of the invented patient of the tour."""
    copied(tour_file, tmp_path / "r.db")
    return tmp_path
