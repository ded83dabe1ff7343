"""The review as a process of its own: started for one browser, and ended for certain.

It leads its own process group. Its errors go where the server's go; its drawing goes to the browser and nowhere else.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from abstractor.registry.keys import Key, handed_over
from abstractor.serve.protocol import packets, within

GRACE_SECONDS = 5.0
"""How long a program may take to end by itself."""


@dataclass(frozen=True)
class Launch:
    """How to start one."""

    command: Sequence[str]
    environment: Mapping[str, str]
    """All of it. What is secret stands here and never in the command, which everybody on the machine can see."""
    grace: float = GRACE_SECONDS
    """Seconds between asking a program to end and ending it."""
    key: Key | None = None
    """Of an encrypted registry; each program gets it by a descriptor of its own."""

    async def start(self, width: int, height: int) -> "Program":
        """Starts a program for a terminal of so many columns and rows."""
        size = {"COLUMNS": str(within(width)), "ROWS": str(within(height))}
        with handed_over(self.key) as (where, descriptors):
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**self.environment, **size, **where},
                pass_fds=descriptors,
                start_new_session=True,
            )
        return Program(process, self.grace)


class Program:
    """A running one."""

    def __init__(self, process: asyncio.subprocess.Process, grace: float) -> None:
        self._process = process
        self._grace = grace

    def said(self) -> AsyncIterator[tuple[bytes, bytes]]:
        """Its packets, until it ends."""
        assert self._process.stdout is not None
        return packets(self._process.stdout)

    async def tell(self, packet: bytes) -> None:
        """Hands it a packet.

        Raises:
            ConnectionError: it has ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(packet)
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """Asks it to end, and ends it when it doesn't. Nobody may be reading `said` any more."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                # what it still draws is read, or it could wait for a full pipe for ever
                await asyncio.wait_for(self._process.communicate(), self._grace)
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
