"""Who may come in: a one-time token becomes a cookie, and only pages of this very address may talk to it.

Pure: knows no web server and no program.
"""

import re
import secrets
from hmac import compare_digest

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
"""With any port, for SSH may forward another one to ours."""


class Gate:
    """One token, good for one browser.

    Cookies are shared by all ports of a host. So that no other server on this machine is ever sent ours, it belongs to a path nobody
    can guess.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self.place = secrets.token_urlsafe(16)
        """The path under which everything stands."""
        self._cookie = secrets.token_urlsafe(32)
        self._used = False

    def exchange(self, token: str) -> str | None:
        """The cookie for the token, the first time; None for a wrong or a used one."""
        if self._used or not compare_digest(token.encode(), self.token.encode()):
            return None
        self._used = True
        return self._cookie

    def admits(self, cookie: str | None) -> bool:
        """Whether a cookie is the one that was given out."""
        return self._used and cookie is not None and compare_digest(cookie.encode(), self._cookie.encode())


def is_loopback(host: str) -> bool:
    """Whether a `Host` header names this machine; a name of somebody's that leads here (DNS rebinding) does not."""
    return _LOOPBACK.fullmatch(host) is not None


def is_own_origin(origin: str, host: str) -> bool:
    """Whether an `Origin` header is that of the pages served at `host`."""
    return origin == f"http://{host}"
