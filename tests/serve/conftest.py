"""`abstractor serve` as it runs: the real program behind it, a stand-in where only the server is looked at, and a real browser."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import abstractor
from abstractor.registry.engine import Registry, create_registry
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.tour import fill_tour

aiohttp = pytest.importorskip("aiohttp", reason="the extra `serve` is not installed")
pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")

ROOT = Path(abstractor.__file__).resolve().parents[1]
PATIENCE = 60.0
"""Seconds after which something that must happen has not happened; nothing measured."""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def gone(pid: int) -> None:
    """Waits for a process to end."""
    await until(lambda: not alive(pid), "left over")


async def until(true: Callable[[], Any], what: str) -> Any:
    """Waits for something that must come."""
    async with asyncio.timeout(PATIENCE):
        while not (found := true()):
            await asyncio.sleep(0.05)
    assert found, what
    return found


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = create_registry(str(tmp_path / "r.db"))
    fill_tour(made, load_rulebook(None))
    yield made
    made.close()


def children(pid: int) -> list[int]:
    """The running children of a process."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(child) for child in listed.split() if alive(int(child))]


@dataclass
class Served:
    """A running `abstractor serve`."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    @property
    def base(self) -> str:
        return self.address.partition("/start")[0]

    @property
    def told(self) -> str:
        return self.log.read_text(encoding="utf-8")

    async def child(self) -> int:
        """The review that it runs, once there is one."""
        return (await until(lambda: children(self.process.pid), "no program was started"))[0]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts the command; what it started is gone afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **environment: str) -> Served:
        log = tmp_path / "serve.log"
        config = tmp_path / "config.toml"
        config.write_text(f"dwell_ms = 0\ncrash_log = '{tmp_path / 'crash'}'\n", encoding="utf-8")
        habits = tmp_path / "home" / "abstractor" / "review.json"
        habits.parent.mkdir(parents=True, exist_ok=True)
        habits.write_text('{"toured": true}', encoding="utf-8")  # somebody who has seen the tour
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "abstractor", "serve", "--user", "ann", "--config", str(config), *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={
                    **os.environ,
                    "ABSTRACTOR_DB": str(tmp_path / "r.db"),
                    "PYTHONPATH": str(ROOT),
                    "XDG_STATE_HOME": str(tmp_path / "home"),
                    **environment,
                },
                cwd=tmp_path,
                start_new_session=True,
            )
        started.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), log.read_text(encoding="utf-8")
        return Served(process, address, log)

    yield start
    for process in started:
        for pid in [*children(process.pid), process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@dataclass
class Visitor:
    """A client that comes as a browser does, without being one."""

    http: Any
    page: str = ""
    origin: str = ""

    async def come_in(self, address: str) -> None:
        """Opens the address that was printed, and remembers where it led."""
        async with self.http.get(address) as answer:
            assert answer.status == 200, await answer.text()
            self.page = str(answer.url)
            self.origin = self.page.partition("/")[0] + "//" + answer.url.authority

    def connect(self, **headers: str) -> Any:
        """The socket that the page opens."""
        return self.http.ws_connect(f"{self.page}ws?width=100&height=30", headers={"Origin": self.origin, **headers})


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of bare addresses, as browsers take them
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Visitor(http)


async def drawn(socket: Any, words: str) -> None:
    """Reads what the program draws until some words were drawn."""
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while words.encode() not in seen:
            said = await socket.receive()
            assert said.type is aiohttp.WSMsgType.BINARY, f"{words!r} never came: {said!r}"
            seen += said.data


@dataclass
class Browser:
    """A headless Chromium with one page, spoken to over its debugging socket."""

    process: subprocess.Popen[bytes]
    socket: Any
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result; what happens meanwhile is kept in `events`."""
        self._number += 1
        await self.socket.send_json({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while True:
                said = json.loads((await self.socket.receive()).data)
                if said.get("id") == self._number:
                    assert "error" not in said, said["error"]
                    return said["result"]
                self.events.append(said)

    async def open(self, address: str) -> None:
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.navigate", url=address)

    async def evaluate(self, expression: str) -> Any:
        return (await self.ask("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get("value")

    async def until(self, expression: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self.evaluate(expression):
                await asyncio.sleep(0.1)

    async def press(self, key: str) -> None:
        code = ord(key.upper())
        await self.ask("Input.dispatchKeyEvent", type="keyDown", text=key, key=key, windowsVirtualKeyCode=code)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])

    def asked_for(self) -> list[str]:
        """Every address the page wanted, however it wanted it."""
        requests = [
            one["params"]["request"]["url"] for one in self.events if one["method"] == "Network.requestWillBeSent"
        ]
        sockets = [one["params"]["url"] for one in self.events if one["method"] == "Network.webSocketCreated"]
        return requests + sockets

    def complaints(self) -> list[str]:
        """What the browser reported as an error, refusals of the page's own policy among it."""
        logged = [one["params"]["entry"] for one in self.events if one["method"] == "Log.entryAdded"]
        thrown = [str(one["params"]) for one in self.events if one["method"] == "Runtime.exceptionThrown"]
        return [one["text"] for one in logged if one["level"] == "error"] + thrown


@pytest.fixture
def browser(tmp_path: Path) -> Callable[[], Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium here")

    @asynccontextmanager
    async def start() -> AsyncIterator[Browser]:
        folder = tmp_path / "browser"
        process = subprocess.Popen(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1280,800",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            where = folder / "DevToolsActivePort"
            port = (await until(lambda: where.exists() and where.read_text().split(), "no browser"))[0]
            async with aiohttp.ClientSession() as http:
                async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = await answer.json()
                [page] = [one for one in pages if one["type"] == "page"]
                async with http.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Browser(process, socket)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    return start
