"""A PostgreSQL server that keeps its promises (fsync, synchronous commits), and can be killed and started again."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

SETTINGS = ("fsync=on", "synchronous_commit=on", "shared_buffers=256MB", "max_connections=120", "jit=off")
_DATABASE = "load"


class Server:
    """A server in a folder of its own, on a socket in it."""

    def __init__(self, programs: Path, folder: Path) -> None:
        """Makes the server's files, unless they are there; `start` starts it.

        Args:
            programs: the folder of `initdb` and `postgres`.
            folder: where data and socket go; its path must be short.
        """
        self._programs = programs
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._other = self._another_user()
        if not (folder / "data" / "PG_VERSION").exists():
            options = ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C"]
            subprocess.run(
                [programs / "initdb", "-D", folder / "data", *options], check=True, capture_output=True, **self._other
            )

    def _another_user(self) -> dict[str, Any]:
        """PostgreSQL does not run as the superuser: then it runs as `nobody`."""
        if os.geteuid() != 0:
            return {}
        shutil.chown(self._folder, "nobody", None)
        return {"user": "nobody", "extra_groups": [], "cwd": self._folder}

    @property
    def url(self) -> str:
        place = URL.create("postgresql+psycopg", "postgres", database=_DATABASE, query={"host": str(self._folder)})
        return place.render_as_string(hide_password=False)

    def start(self) -> float:
        """Starts it, after a kill too, and returns when it answers: the seconds that took."""
        began = time.monotonic()
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        command = [self._programs / "postgres", "-D", self._folder / "data", "-k", self._folder, "-h", "", *options]
        while time.monotonic() - began < 120:
            if self._process is None or self._process.poll() is not None:
                # what is left of a killed server may still hold its memory: then the new one ends at once, and is tried again
                with (self._folder / "server.log").open("ab") as log:
                    self._process = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._other
                    )
            if self._answers():
                return time.monotonic() - began
            time.sleep(0.05)
        raise SystemExit(f"the server does not start; see {self._folder / 'server.log'}")

    def _answers(self) -> bool:
        engine = create_engine(self.url.replace(f"/{_DATABASE}", "/postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                found = connection.exec_driver_sql("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).first()
                if found is None:
                    connection.exec_driver_sql(f"CREATE DATABASE {_DATABASE} TEMPLATE template0")
        except OperationalError:
            return False
        finally:
            engine.dispose()
        return True

    def kill(self) -> None:
        """Ends every process of it in the middle of what it does, as a power cut would."""
        assert self._process is not None
        for pid in (self._process.pid, *self.backends()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def backends(self) -> list[int]:
        """The processes that the server has started: one a connection, and its own."""
        assert self._process is not None
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
