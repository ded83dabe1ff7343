"""The real command with the real review behind it."""

import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import create_registry
from abstractor.registry.leases import claim
from abstractor.serve.run import review_launch
from tests.serve.conftest import ROOT, children, drawn, gone, until


async def test_a_decision_made_in_the_page_is_in_the_registry(serve, visitor, registry):
    served = serve("--patient", "TOUR-01")
    await visitor.come_in(served.address)
    async with visitor.connect() as connected:
        await drawn(connected, "Histology")
        await connected.send_json(["stdin", "1"])
        await until(lambda: decisions_of(registry, "TOUR-01"), "nothing was decided")
        child = await served.child()
        await connected.send_json(["stdin", "\x11"])
        await gone(child)
    [decision] = decisions_of(registry, "TOUR-01")
    assert (decision.slot, decision.decided_by) == ("histology", "ann")
    assert served.process.poll() is None


async def test_a_closed_page_ends_the_review_and_gives_the_patient_back(serve, visitor, registry):
    served = serve("--patient", "TOUR-01")
    await visitor.come_in(served.address)
    async with visitor.connect() as connected:
        await drawn(connected, "Histology")
        child = await served.child()
    await gone(child)
    await until(lambda: "its session has ended" in served.told, "not told")
    assert claim(registry, "TOUR-01", "bob").mine


@pytest.mark.parametrize("moment", ["at once", "when it draws"])
async def test_a_cut_line_ends_the_review(serve, visitor, registry, moment):
    served = serve("--patient", "TOUR-01")
    await visitor.come_in(served.address)
    connected = await visitor.connect()
    child = await served.child()
    if moment == "when it draws":
        await drawn(connected, "Histology")
    connected.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected._writer.transport.abort()
    await gone(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
async def test_the_review_ends_with_the_server_however_that_ends(serve, visitor, registry, number):
    served = serve("--patient", "TOUR-01")
    await visitor.come_in(served.address)
    connected = await visitor.connect()
    await drawn(connected, "Histology")
    child = await served.child()
    served.process.send_signal(number)
    await until(lambda: served.process.poll() is not None, "the server goes on")
    assert served.process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    await gone(child)
    await connected.close()


def test_a_review_whose_input_ends_quits_by_itself(registry, tmp_path):
    """What holds where the kernel does not end it together with the server."""
    config = tmp_path / "config.toml"
    config.write_text(f"crash_log = '{tmp_path / 'crash'}'\n", encoding="utf-8")
    launch = review_launch(str(tmp_path / "r.db"), ["--user", "ann", "--patient", "TOUR-01", "--config", str(config)])
    environment = {**launch.environment, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(launch.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"__GANGLION__\n"
    child.stdin.close()
    child.stdout.close()  # it can't even say goodbye
    assert child.wait(timeout=60) == 0
    assert claim(registry, "TOUR-01", "bob").mine


async def test_nothing_secret_stands_in_any_command_line(serve, visitor, registry, tmp_path):
    served = serve("--patient", "TOUR-01")
    await visitor.come_in(served.address)
    async with visitor.connect() as connected:
        await drawn(connected, "Histology")
        token = served.address.partition("token=")[2]
        for pid in (served.process.pid, await served.child()):
            shown = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
            assert "r.db" not in shown
            assert token not in shown
    launch = review_launch("postgresql://ann:s3cret@db/study", ["--user", "ann"])
    assert not any("s3cret" in word for word in launch.command)


async def test_no_word_of_a_note_and_no_token_is_logged(serve, visitor, registry):
    served = serve("--patient", "TOUR-01")
    await visitor.come_in(served.address)
    async with visitor.connect() as connected:
        await drawn(connected, "FINAL")
        await connected.send_str("not a message")
    await until(lambda: "its session has ended" in served.told, "not told")
    for word in ("carcinoma", "TOUR-01", served.address.partition("token=")[2], "Traceback"):
        assert word not in served.told


async def test_developer_tools_of_the_caller_stay_out(serve, visitor, registry, tmp_path):
    log = tmp_path / "drawn.log"
    served = serve("--patient", "TOUR-01", TEXTUAL_LOG=str(log), TEXTUAL="debug")
    await visitor.come_in(served.address)
    async with visitor.connect() as connected:
        await drawn(connected, "Histology")
    assert not log.exists()


def refused(tmp_path: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "abstractor", "serve", "--user", "ann", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "ABSTRACTOR_DB": str(tmp_path / "r.db"), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_another_address_is_refused_and_ssh_is_named(registry, tmp_path):
    for host in ("0.0.0.0", "::", "10.0.0.7", "example.org"):  # noqa: S104  (that is what is refused)
        assert "ssh -L" in refused(tmp_path, "--host", host)


def test_what_the_review_would_refuse_is_refused_before_anything_is_served(tmp_path):
    assert "abstractor init" in refused(tmp_path)
    create_registry(str(tmp_path / "r.db")).close()
    assert "NOBODY: not in this registry" in refused(tmp_path, "--patient", "NOBODY")
    assert "none.toml" in refused(tmp_path, "--config", "none.toml")


def test_a_port_that_is_taken_is_named(registry, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(tmp_path, "--port", str(port))
    assert f"port {port}" in told
    assert "without --port" in told


def test_without_the_extra_it_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['textual_serve'] = None; sys.argv = ['abstractor', 'serve', '--user', 'ann'];"
        "from abstractor.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "pip install 'abstractor[serve]'" in done.stderr


def test_the_server_is_reached_from_this_machine_only(serve, registry):
    served = serve()
    port = int(served.base.rpartition(":")[2])
    rows = Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    listening = [row.split()[1] for row in rows if row.split()[3] == "0A"]
    assert [row for row in listening if row.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
    assert children(served.process.pid) == []
