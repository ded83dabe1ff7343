"""The server alone, with a stand-in for the program: who is refused, and that no program is left over."""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestServer

from abstractor.serve.gate import Gate
from abstractor.serve.program import Launch
from abstractor.serve.site import COOKIE, Site
from tests.serve.conftest import PATIENCE, Visitor, alive, gone, until

STAND_IN = r"""
import os, signal, sys
def send(kind, payload):
    os.write(1, kind + len(payload).to_bytes(4, "big") + payload)
def take(size):
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data
if sys.argv[1] == "mute":
    sys.exit(0)
os.write(1, b"__GANGLION__\n")
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
send(b"D", b"%d" % os.getpid())
while sys.argv[1] == "deaf":
    pass
while sys.argv[1] == "wild":
    send(b"D", b"x" * 65536)
while True:
    kind, size = take(1), int.from_bytes(take(4), "big")
    said = take(size)
    send(kind, said) if said != b"q" else send(b"M", b'{"type": "exit"}')
"""


class Running:
    """A site, what it told, and a visitor of it."""

    def __init__(self, gate: Gate, server: TestServer, http: Any, told: list[str]) -> None:
        self.gate = gate
        self.server = server
        self.visitor = Visitor(http)
        self.told = told

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def address(self) -> str:
        return f"{self.base}/start?token={self.gate.token}"

    async def refused(self, path: str, **headers: str) -> str:
        async with self.visitor.http.get(self.base + path, headers=headers) as answer:
            assert answer.status == 403
            return await answer.text()


Opener = Callable[..., Any]


@pytest.fixture
def site() -> Opener:
    @asynccontextmanager
    async def start(kind: str = "echo", *, grace: float = 5.0, heartbeat: float = 15.0) -> AsyncIterator[Running]:
        gate = Gate()
        told: list[str] = []
        launch = Launch([sys.executable, "-c", STAND_IN, kind], dict(os.environ), grace)
        server = TestServer(Site(gate, launch, told.append, heartbeat=heartbeat).application(), host="127.0.0.1")
        async with server, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            yield Running(gate, server, http, told)

    return start


async def pid_of(connected: Any) -> int:
    """The stand-in draws its number first."""
    said = await connected.receive(timeout=PATIENCE)
    assert said.type is WSMsgType.BINARY, said
    return int(said.data)


async def test_the_address_opens_the_page_once(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        assert running.gate.token not in running.visitor.page
        assert "good once" in await running.refused(f"/start?token={running.gate.token}")
        async with running.visitor.http.get(running.visitor.page) as again:
            assert again.status == 200


async def test_the_cookie_is_kept_from_scripts_from_other_sites_and_from_other_ports(site):
    async with site() as running, running.visitor.http.get(running.address, allow_redirects=False) as answer:
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert f"Path=/{running.gate.place}/" in cookie


async def test_a_look_ahead_does_not_use_up_the_address(site):
    async with site() as running:
        async with running.visitor.http.head(running.address) as answer:
            assert answer.status == 405
        await running.refused(f"/start?token={running.gate.token}", **{"Sec-Fetch-Site": "cross-site"})
        await running.visitor.come_in(running.address)


async def test_nothing_is_served_without_the_cookie(site):
    async with site() as running:
        place = f"/{running.gate.place}"
        for path in ("/", f"{place}/", f"{place}/ws", f"{place}/static/js/textual.js", f"{place}/page/page.js", "/x"):
            assert "not let in" in await running.refused(path)
        for token in ("", "wrong", "%00", "%ff%fe"):
            assert "good once" in await running.refused(f"/start?token={token}")
        await running.refused(f"{place}/", Cookie=f"{COOKIE}={running.gate.token}")
        assert running.told == []


async def test_a_page_of_another_origin_gets_neither_page_nor_program(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        for origin in ("http://evil.example", f"http://127.0.0.1:{running.server.port + 1}", "null"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await running.visitor.connect(Origin=origin)
            assert "Only pages" in await running.refused(f"/{running.gate.place}/", Origin=origin)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await running.visitor.http.ws_connect(f"{running.visitor.page}ws")
        assert running.told == []


async def test_a_name_that_was_bent_to_this_machine_is_refused(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        port = running.server.port
        for host in (f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", f"10.0.0.7:{port}", ""):
            assert "Only pages" in await running.refused(f"/{running.gate.place}/", Host=host)
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await running.visitor.connect(Host=host, Origin=f"http://{host}")
        assert running.told == []


async def test_every_answer_forbids_what_the_page_does_not_need(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        page = running.visitor.page
        for address in (page, f"{page}static/js/textual.js", f"{page}page/none.css", running.address):
            async with running.visitor.http.get(address) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'; script-src 'self';" in policy
                assert "frame-ancestors 'none'" in policy
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_no_file_beside_the_page_is_served(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        for path in ("page/../site.py", "page/%2e%2e/site.py", "static/../server.py", "page/", "static/"):
            async with running.visitor.http.get(running.visitor.page + path) as answer:
                assert answer.status in {403, 404}, path


async def test_keys_go_in_and_drawing_comes_out(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        async with running.visitor.connect() as connected:
            await pid_of(connected)
            await connected.send_json(["stdin", "jä"])
            assert (await connected.receive(timeout=PATIENCE)).data == "jä".encode()


async def test_the_program_ends_when_the_page_is_closed(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        async with running.visitor.connect() as connected:
            pid = await pid_of(connected)
            assert alive(pid)
            assert os.getpgid(pid) == pid
        await gone(pid)


async def test_the_program_ends_when_the_line_is_cut(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        connected = await running.visitor.connect()
        pid = await pid_of(connected)
        raw = connected.get_extra_info("socket")
        # close with RST and without a word, as a machine that loses its network
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connected._writer.transport.abort()
        await gone(pid)


async def test_the_program_ends_when_the_browser_answers_no_more(site):
    """A browser that hangs, or a machine that was put to sleep: the line stands, nobody is there."""
    async with site(heartbeat=0.2) as running:
        await running.visitor.come_in(running.address)
        connected = await running.visitor.http.ws_connect(
            f"{running.visitor.page}ws", headers={"Origin": running.visitor.origin}, autoping=False
        )
        pid = await pid_of(connected)
        await gone(pid)
        await connected.close()


@pytest.mark.parametrize("kind", ["deaf", "wild"])
async def test_a_program_that_spins_or_floods_ends_with_its_page(site, kind):
    async with site(kind, grace=0.2) as running:
        await running.visitor.come_in(running.address)
        connected = await running.visitor.connect()
        pid = await pid_of(connected)
        connected._writer.transport.abort()
        await gone(pid)


@pytest.mark.parametrize("kind", ["echo", "deaf"])
async def test_the_program_ends_with_the_server(site, kind):
    async with site(kind, grace=0.2) as running:
        await running.visitor.come_in(running.address)
        connected = await running.visitor.connect()
        pid = await pid_of(connected)
        await running.server.close()
        assert not alive(pid)
        await connected.close()


async def test_a_reload_takes_over_and_ends_the_program_before(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        first = await running.visitor.connect()
        before = await pid_of(first)
        second = await running.visitor.connect()
        after = await pid_of(second)
        assert not alive(before)
        assert alive(after)
        said = await first.receive(timeout=PATIENCE)
        assert (said.type, first.close_code) == (WSMsgType.CLOSE, 4001)
        await second.close()


async def test_ten_windows_at_once_leave_one_program(site):
    async with site() as running:
        await running.visitor.come_in(running.address)
        connected = await asyncio.gather(*(running.visitor.connect() for _ in range(10)))
        firsts = await asyncio.gather(*(one.receive(timeout=PATIENCE) for one in connected))
        pids = [int(one.data) for one in firsts if one.type is WSMsgType.BINARY]
        await until(lambda: sum(alive(pid) for pid in pids) <= 1, "several programs")
        for one in connected:
            await one.close()
        await until(lambda: not any(alive(pid) for pid in pids), "left over")


async def test_the_page_is_told_when_the_program_quits_or_never_starts(site):
    for kind in ("echo", "mute"):
        async with site(kind) as running:
            await running.visitor.come_in(running.address)
            connected = await running.visitor.connect()
            if kind == "echo":
                await pid_of(connected)
                await connected.send_json(["stdin", "q"])
            assert (await connected.receive(timeout=PATIENCE)).type is WSMsgType.CLOSE
            await until(lambda: "its session has ended" in running.told, "not told")


async def test_what_the_page_never_says_closes_the_socket_and_the_program(site):
    for said in ("not json", '["quit"]', '["stdin", 7]'):
        async with site() as running:
            await running.visitor.come_in(running.address)
            connected = await running.visitor.connect()
            pid = await pid_of(connected)
            await connected.send_str(said)
            assert (await connected.receive(timeout=PATIENCE)).type is WSMsgType.CLOSE
            assert connected.close_code == 1008
            await gone(pid)
