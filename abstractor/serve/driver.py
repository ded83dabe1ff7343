"""Textual's web driver in a program that ends when nobody is at the other end any more. Runs in the program, not in the server.

The stock driver lets its program go on when its input ends; then it draws for nobody, and nobody is left to stop it.
"""

import asyncio
import ctypes
import os
import signal
import sys
from threading import Timer
from typing import Any

from textual.app import App
from textual.drivers.web_driver import WebDriver

from abstractor.serve.program import GRACE_SECONDS

_PR_SET_PDEATHSIG = 1


class ServedDriver(WebDriver):
    """Quits properly at SIGTERM and when its input ends, and is killed by the kernel together with the server."""

    def __init__(self, app: App[Any], **settings: Any) -> None:
        super().__init__(app, **settings)
        self._write = self._write_if_heard  # type: ignore[assignment]  # the stock one raises in the middle of a drawing
        _die_with_parent()

    def start_application_mode(self) -> None:
        super().start_application_mode()
        self._app_loop = asyncio.get_running_loop()
        self._app_loop.add_signal_handler(signal.SIGTERM, self._quit)

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            _kill_later()
            self._app_loop.call_soon_threadsafe(self._quit)

    def _write_if_heard(self, data: bytes) -> int:
        try:
            return os.write(self.fileno, data)
        except BrokenPipeError:
            return len(data)  # nobody is there; the end of the input says what to do

    def _quit(self) -> None:
        """The way of the key: patients are given back."""
        self._app.call_later(self._app.action_quit)


def _die_with_parent() -> None:
    """Covers a server that was killed while this program could not look at its input."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_later() -> None:
    last = Timer(GRACE_SECONDS, os.kill, (os.getpid(), signal.SIGKILL))
    last.daemon = True
    last.start()
