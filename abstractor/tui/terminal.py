"""The terminal this process has: what it can show, and a driver that survives what comes from it."""

import codecs
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textual.driver import Driver

from abstractor.tui.safe import use_charset

_UTF8 = frozenset({"utf-8", "utf8"})


def charset_of(environment: Mapping[str, str], encoding: str | None) -> tuple[str, bool]:
    """The charset a terminal is to be written in, and whether it has glyphs for control pictures.

    Args:
        environment: its variables; the first of LC_ALL, LC_CTYPE and LANG that is set counts.
        encoding: of the stream, as Python has chosen it. Without a locale that is UTF-8, though nobody said that the terminal is.
    """
    if os.name == "nt":
        return "utf-8", True
    locale = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "")
    chosen = (encoding or "ascii").lower()
    says_utf8 = any(name in locale.lower() for name in _UTF8)
    charset = "utf-8" if says_utf8 and chosen in _UTF8 else "ascii" if chosen in _UTF8 else chosen
    return charset, charset == "utf-8" and environment.get("TERM") != "linux"


def fit_to_terminal(encoding: str | None) -> None:
    """From now on nothing is drawn that this process's terminal can't show."""
    charset, pictures = charset_of(os.environ, encoding)
    use_charset(charset, pictures=pictures)


def has_job_control() -> bool:
    """Whether a shell waits that can bring a stopped program back: the parent, in the same session and another group of processes."""
    if os.name == "nt":
        return False
    try:
        parent = os.getppid()
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:
        return False


def driver_class() -> type[Driver] | None:
    """The driver for a real terminal of this system; None leaves the choice to Textual."""
    if os.name == "nt" or "TEXTUAL_DRIVER" in os.environ:
        return None
    from textual.drivers import linux_driver

    class ForgivingDriver(linux_driver.LinuxDriver):
        """Bytes that are no text become a mark, and a terminal that has gone ends the program; neither shows a traceback."""

        def _run_input_thread(self) -> None:
            charset, _ = charset_of(os.environ, sys.stdin.encoding)
            # a stray byte must not end the program; `utf-8` also where nobody has said which charset it is
            vars(linux_driver)["getincrementaldecoder"] = partial(
                _forgiving, "utf-8" if charset == "ascii" else charset
            )
            leave: Callable[[], Any] = getattr(self._app, "terminal_gone", self._app.exit)
            try:
                self.run_input_thread()
            except (OSError, EOFError):
                self._app.call_later(leave)
            except Exception as error:  # whatever it was, its words stay inside
                self._app.call_later(self._app._handle_exception, error)

    return ForgivingDriver


def _forgiving(charset: str, _name: str) -> Callable[[], "_Decoder"]:
    return partial(_Decoder, charset)


class _Decoder:
    """Decodes what is typed, whatever it is."""

    def __init__(self, charset: str) -> None:
        self._decoder = codecs.getincrementaldecoder(charset)("replace")

    def decode(self, typed: bytes, final: bool = False) -> str:
        """Text of some bytes.

        Raises:
            EOFError: there is nothing to read, though there was said to be: the terminal has gone. To go on would be to read it for ever.
        """
        if not typed and not final:
            raise EOFError
        return self._decoder.decode(typed, final)
