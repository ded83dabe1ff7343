"""Runs the server on this machine's own address until it is told to stop."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from abstractor.model.errors import InputError
from abstractor.registry.keys import DESCRIPTOR, Key
from abstractor.serve.gate import Gate
from abstractor.serve.program import Launch
from abstractor.serve.site import HEARTBEAT_SECONDS, Site

ADDRESS = "127.0.0.1"

_DEVELOPERS = ("TEXTUAL", "TEXTUAL_LOG", "TEXTUAL_DEVTOOLS_HOST", "TEXTUAL_DEVTOOLS_PORT")
"""Settings of Textual that would open its developer tools or write what is drawn to a file."""


def review_launch(
    db: str, options: Sequence[str], environment: Mapping[str, str] = os.environ, key: Key | None = None
) -> Launch:
    """How to start `abstractor review`.

    Args:
        db: the registry; it may hold a password, so it goes by the environment.
        options: of `abstractor review`, without `--db`.
        environment: to start from.
        key: of an encrypted registry.
    """
    kept = {name: value for name, value in environment.items() if name not in {*_DEVELOPERS, DESCRIPTOR}}
    own = {
        "ABSTRACTOR_DB": db,
        "TERM": "xterm-256color",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TEXTUAL_DRIVER": "abstractor.serve.driver:ServedDriver",
        "PYTHONUTF8": "1",
    }
    # -P: a folder `abstractor` that happens to lie here is not the program
    return Launch([sys.executable, "-P", "-m", "abstractor", "review", *options], {**kept, **own}, key=key)


def run(
    launch: Launch,
    port: int,
    *,
    show_address: Callable[[str], None],
    tell: Callable[[str], None],
    heartbeat: float = HEARTBEAT_SECONDS,
) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP; then the program is ended, too.

    Args:
        launch: what each session starts.
        port: 0 takes a free one.
        show_address: is given the address with the token, once it is served.
        tell: takes a line for the person who runs it.
        heartbeat: seconds between two looks whether the browser is there.

    Raises:
        InputError: the port can't be used.
    """
    logger = logging.getLogger("aiohttp")
    logger.addHandler(_Brief(tell))
    logger.propagate = False
    asyncio.run(_serve(launch, port, show_address, tell, heartbeat))


async def _serve(
    launch: Launch,
    port: int,
    show_address: Callable[[str], None],
    tell: Callable[[str], None],
    heartbeat: float,
) -> None:
    gate = Gate()
    site = Site(gate, launch, tell, heartbeat=heartbeat)
    runner = web.AppRunner(site.application(), access_log=None, handle_signals=False, shutdown_timeout=10.0)
    await runner.setup()
    try:
        server = web.TCPSite(runner, ADDRESS, port)
        await _listen(server, port)
        stopped = _on_signals()
        taken = runner.addresses[0][1]
        show_address(f"http://{ADDRESS}:{taken}/start?token={gate.token}")
        await stopped.wait()
        tell("stopping")
    finally:
        await runner.cleanup()


async def _listen(server: web.TCPSite, port: int) -> None:
    try:
        await server.start()
    except OSError as error:
        raise InputError(
            f"port {port} of {ADDRESS} can't be used ({error.strerror}); without --port, a free one is taken"
        ) from None


def _on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


class _Brief(logging.Handler):
    """Of what the web server would log, the kind of a fault and no more: its log holds addresses, and its tracebacks anything."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else record.levelname
        self._tell(f"a fault of the program ({kind})")
