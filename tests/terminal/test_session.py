"""A session from the worklist to the end, at the two sizes the screens are made for, on a terminal that is read as a person sees it."""

import os
import re
import shutil
import signal

import pytest

from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import open_registry
from abstractor.registry.leases import claim
from tests.terminal.conftest import reviewing

SIZES = [(80, 24), (160, 50)]
PATIENT = "TOUR-01"


@pytest.fixture
def registry(folder):
    opened = open_registry(str(folder / "r.db"))
    yield opened
    opened.close()


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_a_session_from_the_worklist_to_the_end(folder, registry, columns, rows):
    with reviewing(folder, columns=columns, rows=rows) as terminal:
        terminal.shows(PATIENT)
        terminal.opens("\r", "Histology")
        terminal.shows("MICROSCOPY")
        terminal.shows("CONFLICT")
        assert PATIENT in terminal.lines[0]
        assert "pick" in terminal.lines[-1]
        terminal.press_until("1", lambda: decisions_of(registry, PATIENT), "nothing was decided")
        terminal.shows("1/26")
        terminal.shows("saved")
        terminal.opens("?", "all commands, by name")
        terminal.press_until("q", lambda: "Histology" in terminal.text, "back")
        terminal.opens("t", "2023-02-1")
        terminal.press_until("q", lambda: "Histology" in terminal.text, "back")
        terminal.press("\x11")
        assert terminal.ends() == 0
    [decision] = decisions_of(registry, PATIENT)
    assert (decision.slot, decision.decided_by) == ("histology", "ann")
    assert claim(registry, PATIENT, "bob").mine


def test_the_wide_screen_has_note_and_evidence_beside_the_list(folder):
    with reviewing(folder, "--patient", PATIENT, columns=160, rows=50) as terminal:
        terminal.shows("Histology")
        terminal.shows("CONFLICT")
        heading = next(line for line in terminal.lines if "CONFLICT" in line)
        assert "pathology" in heading
        assert heading.index("pathology") < heading.index("CONFLICT")


def test_the_terminal_is_given_back_as_it_was(folder):
    with reviewing(folder, "--patient", PATIENT) as terminal:
        terminal.shows("Histology")
        terminal.press("\x11")
        terminal.ends()
        while terminal.read(0.2):
            pass
        for mode in (b"\x1b[?1049", b"\x1b[?1000", b"\x1b[?1003", b"\x1b[?1006", b"\x1b[?2004"):
            assert terminal.sent.rindex(mode + b"l") > terminal.sent.rindex(mode + b"h"), mode
        assert terminal.sent.rindex(b"\x1b[?25h") > terminal.sent.rindex(b"\x1b[?25l")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash, which brings stopped programs back")
def test_ctrl_z_goes_back_to_the_shell_and_fg_comes_back_to_the_row(folder, registry):
    with reviewing(folder, "--patient", PATIENT, in_shell=True) as terminal:
        terminal.shows("Histology")
        terminal.press_until("1", lambda: decisions_of(registry, PATIENT), "nothing was decided")
        terminal.shows("1/26")
        terminal.press("\x1a")
        terminal.shows("Stopped")
        left = terminal.sent.rindex(b"\x1b[?1049l")
        assert left > terminal.sent.rindex(b"\x1b[?1049h")
        assert b"Histology" not in terminal.sent[left:]
        terminal.press("fg\r")
        terminal.until(lambda: terminal.sent.rindex(b"\x1b[?1049h") > left, "it never came back")
        terminal.shows("1/26")
        terminal.press_until("d", lambda: len(decisions_of(registry, PATIENT)) == 2, "nothing was decided")
        terminal.press("\x11")
        terminal.until(lambda: terminal.sent.rindex(b"\x1b[?1049l") > left, "it goes on")


def test_ctrl_z_stays_where_no_shell_could_bring_it_back(folder):
    with reviewing(folder, "--patient", PATIENT) as terminal:
        terminal.shows("Histology")
        terminal.opens("\x1a", "no shell")
        assert terminal.child.poll() is None


def at_the_date(terminal) -> bool:
    """Whether the cursor stands on the date of diagnosis, by its long or its short label."""
    return any(line[:1] == ">" and re.search("Date of d|Diagnosed", line) for line in terminal.lines)


def test_a_resize_keeps_the_row_and_a_small_terminal_says_what_it_needs(folder):
    with reviewing(folder, "--patient", PATIENT, columns=80, rows=24) as terminal:
        terminal.shows("Histology")
        terminal.press_until("j", lambda: at_the_date(terminal), "down")
        terminal.resize(160, 50)
        terminal.until(lambda: "Vital status" in terminal.text, "the list is longer now")
        terminal.until(lambda: at_the_date(terminal), "another row")
        terminal.resize(52, 14)
        terminal.shows("60x16")
        terminal.resize(80, 24)
        terminal.until(lambda: at_the_date(terminal), "another row")


def test_pasted_text_decides_nothing(folder, registry):
    with reviewing(folder, "--patient", PATIENT) as terminal:
        terminal.shows("Histology")
        terminal.press("\x1b[200~1aard0\nu\x1b[201~")
        terminal.opens("?", "all commands, by name")  # what came before has been taken by now
    assert decisions_of(registry, PATIENT) == ()


@pytest.mark.parametrize("how", ["hang up", "terminate"])
def test_a_broken_line_ends_the_program_and_keeps_what_was_decided(folder, registry, how):
    with reviewing(folder, "--patient", PATIENT) as terminal:
        terminal.shows("Histology")
        terminal.press_until("1", lambda: decisions_of(registry, PATIENT), "nothing was decided")
        if how == "hang up":
            terminal.hang_up()
            terminal.child.wait(timeout=60)
        else:
            os.kill(terminal.child.pid, signal.SIGTERM)
            terminal.ends()
    assert len(decisions_of(registry, PATIENT)) == 1
