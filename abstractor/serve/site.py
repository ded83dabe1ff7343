"""The pages and the socket of `abstractor serve`: every request is checked, one browser is shown one program at a time.

Nothing is logged of what passes through; addresses hold the token, so they are not logged either.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from aiohttp import WSMsgType, web

from abstractor.serve.gate import Gate, is_loopback, is_own_origin
from abstractor.serve.program import Launch, Program
from abstractor.serve.protocol import DRAWING, from_browser, says_exit

COOKIE = "abstractor"
HEARTBEAT_SECONDS = 15.0
"""A browser is asked so often whether it is there; half of that later it counts as gone."""

_PAGE = Path(__file__).resolve().parent / "page"
_LARGEST_PASTE = 4 * 1024 * 1024
_USED = "This address is good once, and has been used or is wrong. End `abstractor serve` with ctrl+c and start it anew: nothing is lost."
_NO_COOKIE = "This browser was not let in: open the address that `abstractor serve` printed, in the browser you want to work with."
_STRANGER = "Only pages of this server, at 127.0.0.1 or localhost, may ask. Paste the address that was printed; from afar, use SSH forwarding."
_TAKEN_OVER = 4001
_BAD_MESSAGE = 1008

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(eq=False)
class Seat:
    """The one place in front of the program."""

    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody else wants it."""
    free: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the program of this seat has ended."""


class Site:
    """Pages, scripts and the socket."""

    def __init__(
        self,
        gate: Gate,
        launch: Launch,
        tell: Callable[[str], None],
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Takes what to start, and where to tell of comings and goings (never of content).

        Args:
            gate: whom to let in.
            launch: starts a program.
            tell: takes a line for the person who runs the server.
            heartbeat: seconds between two looks whether the browser is there.
        """
        self._gate = gate
        self._launch = launch
        self._tell = tell
        self._heartbeat = heartbeat
        self._seat: Seat | None = None
        self._queue = asyncio.Lock()

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application(middlewares=[self._checked])
        place = f"/{self._gate.place}"
        application.add_routes(
            [
                web.get("/start", self._start, allow_head=False),
                web.get(f"{place}/", self._index, allow_head=False),
                web.get(f"{place}/ws", self._socket, allow_head=False),
                web.static(f"{place}/page", _PAGE),
                web.static(f"{place}/static", str(files("textual_serve") / "static")),
            ]
        )
        application.on_response_prepare.append(_protect)
        application.on_shutdown.append(self._close)
        return application

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_ours(request):
            raise web.HTTPForbidden(text=_STRANGER)
        if request.path != "/start" and not self._gate.admits(request.cookies.get(COOKIE)):
            raise web.HTTPForbidden(text=_NO_COOKIE)
        return await handler(request)

    async def _start(self, request: web.Request) -> web.StreamResponse:
        cookie = self._gate.exchange(request.query.get("token", ""))
        if cookie is None:
            raise web.HTTPForbidden(text=_USED)
        # by redirection, so that neither the address bar nor the history keeps the token
        path = f"/{self._gate.place}/"
        response = web.Response(status=303, headers={"Location": path})
        response.set_cookie(COOKIE, cookie, path=path, httponly=True, samesite="Strict")
        return response

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_PAGE / "index.html")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") is None:
            raise web.HTTPForbidden(text=_STRANGER)  # browsers always send it with a socket
        socket = web.WebSocketResponse(heartbeat=self._heartbeat, max_msg_size=_LARGEST_PASTE, timeout=0.5)
        await socket.prepare(request)
        seat = await self._take_seat()
        try:
            program = await self._launch.start(_number(request, "width", 80), _number(request, "height", 24))
            self._tell("a browser has connected")
            try:
                await _relay(socket, program, seat)
            finally:
                await program.stop()
                self._tell("its session has ended")
        finally:
            seat.free.set()
        if seat.wanted.is_set():
            await socket.close(code=_TAKEN_OVER, message=b"opened elsewhere")
        await socket.close()
        return socket

    async def _take_seat(self) -> Seat:
        """A reload, or a second window, takes over: the program before is ended first."""
        async with self._queue:
            await self._clear()
            self._seat = Seat()
            return self._seat

    async def _clear(self) -> None:
        if self._seat is not None:
            self._seat.wanted.set()
            await self._seat.free.wait()

    async def _close(self, _application: web.Application) -> None:
        await self._take_seat()


def _is_ours(request: web.Request) -> bool:
    """Whether the request comes from our own page, or from the person in front of the browser.

    A browser says where a request comes from (`Sec-Fetch-Site`): `none` is the address bar.
    """
    host = request.headers.get("Host", "")
    origin = request.headers.get("Origin")
    if not is_loopback(host) or (origin is not None and not is_own_origin(origin, host)):
        return False
    return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """Nothing from elsewhere, nothing inline, nothing kept. Styles are set by the terminal's script, so they may stand in the page."""
    host = request.headers.get("Host", "")
    socket = f" ws://{host}" if is_loopback(host) else ""  # older browsers don't count it as 'self'
    response.headers.update(
        {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
            f"font-src 'self'; img-src 'self' data:; connect-src 'self'{socket}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
    )


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 6 else default


async def _relay(socket: web.WebSocketResponse, program: Program, seat: Seat) -> None:
    """Passes keys one way and drawing the other, until either side ends or the seat is wanted."""
    tasks = [
        asyncio.create_task(_show(program, socket)),
        asyncio.create_task(_type(socket, program)),
        asyncio.create_task(seat.wanted.wait()),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        # a broken connection is a way to end; anything else is a fault of ours
        if isinstance(end, Exception) and not isinstance(end, ConnectionError):
            raise end


async def _show(program: Program, socket: web.WebSocketResponse) -> None:
    async for kind, payload in program.said():
        if kind == DRAWING:
            await socket.send_bytes(payload)
        elif says_exit(kind, payload):
            return


async def _type(socket: web.WebSocketResponse, program: Program) -> None:
    async for said in socket:
        if said.type is not WSMsgType.TEXT:
            continue
        try:
            packet = from_browser(said.data)
        except ValueError:
            await socket.close(code=_BAD_MESSAGE, message=b"not a message of the page")
            return
        if packet:
            await program.tell(packet)
