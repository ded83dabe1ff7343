"""Tries suspicious regular expressions on ever longer texts, in a process of its own that can be ended, and tells how the time grows.

Run as `python -m abstractor.rulebook.probe`: a JSON list of trials on standard input, a list of verdicts on standard output. The texts are
made up of the expression itself; no note comes near it.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType

from abstractor.rulebook.backtracking import Suspicion

_LONGEST = 1024
"""Characters of a text that is tried; a long sentence has some hundreds."""
_GIVEN_UP = 0.5
"""Seconds of processor time after which a trial is given up."""
_COMPARED = 0.002
"""Seconds below which times are too short to be compared."""
_STEEP = 30.0
"""Times as long for four times the text: between a square (16) and a cube (64)."""
_SUDDEN = 5.0
"""Times as long for a quarter more text: the seventh power; what doubles with every few letters is far beyond."""
_SUDDEN_TWICE = 150.0
"""The same power, for twice the text."""
_ENDS = ("\x00", "a")
_PATIENCE = 60.0
"""Seconds for one expression before its process is ended, on a busy machine."""


class Verdict(StrEnum):
    """How the time of an expression grows with the length of the worst text that was tried."""

    BOUNDED = "bounded"
    """With the square at most: no text of a page takes long."""
    STEEP = "steep"
    """With the cube or a higher power: a page of the wrong text takes minutes."""
    ENDLESS = "endless"
    """Beyond any power: a line of the wrong text takes longer than anybody waits."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An expression and what to try it on."""

    expression: str
    flags: int
    suspicions: tuple[Suspicion, ...]


def probe(trials: Sequence[Trial]) -> list[Verdict]:
    """The verdict on each expression; one that never comes back is endless."""
    return [_ask(trial) for trial in trials]


def _ask(trial: Trial) -> Verdict:
    question = json.dumps(
        [trial.expression, trial.flags, [(one.exponential, one.prefix, one.pump) for one in trial.suspicions]]
    )
    try:
        done = subprocess.run(  # noqa: S603  (this interpreter, this module)
            [sys.executable, "-m", __name__],
            input=question,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return Verdict.ENDLESS
    except subprocess.CalledProcessError:
        return Verdict.BOUNDED
    return Verdict(done.stdout.strip())


def answer(question: str) -> Verdict:
    """The verdict on one trial, worked out here and now."""
    expression, flags, suspicions = json.loads(question)
    pattern = re.compile(expression, flags)
    found = {_growth(pattern, prefix, pump, end) for _, prefix, pump in suspicions for end in _ENDS}
    return max(found, key=list(Verdict).index, default=Verdict.BOUNDED)


def _growth(pattern: re.Pattern[str], prefix: str, pump: str, end: str) -> Verdict:
    times: list[float] = []
    length = 16
    while length <= _LONGEST:
        taken = _timed(pattern, _text(prefix, pump, end, length))
        if taken is None:
            before = max([*times[-1:], _COMPARED])
            patience = max(_GIVEN_UP, _SUDDEN * before)
            return _given_up(times, _timed(pattern, _text(prefix, pump, end, length // 2 + length // 8), patience))
        times.append(taken)
        length *= 2
    return Verdict.STEEP if _steep(times) else Verdict.BOUNDED


def _text(prefix: str, pump: str, end: str, length: int) -> str:
    return prefix + pump * max(length // len(pump), 1) + end


def _given_up(times: Sequence[float], longer: float | None) -> Verdict:
    """The verdict where twice the text took too long: by what a quarter more of it took (None: longer than anybody waits for that)."""
    before = max([*times[-1:], _COMPARED])
    if longer is None or longer / before >= _SUDDEN or _GIVEN_UP / before >= _SUDDEN_TWICE:
        return Verdict.ENDLESS
    return Verdict.STEEP if _steep([*times, longer]) else Verdict.BOUNDED


def _steep(times: Sequence[float]) -> bool:
    """Whether two doublings of the text took the time up by more than the square."""
    return any(two / one >= _STEEP for one, two in zip(times, times[2:], strict=False) if one >= _COMPARED)


def _timed(pattern: re.Pattern[str], text: str, patience: float = _GIVEN_UP) -> float | None:
    """Seconds for the best of two attempts to match at the start; None when it was given up after `patience` seconds of processor time.

    Processor time itself is counted in steps of some milliseconds on many machines: too coarse to compare.
    """
    best: float | None = None
    for _ in range(2):
        began = time.perf_counter()
        try:
            _limited(patience)
            pattern.match(text)
        except TimeoutError:
            return None
        finally:
            _limited(0)
        taken = time.perf_counter() - began
        best = taken if best is None else min(best, taken)
    return best


def _limited(seconds: float) -> None:
    """Ends what follows after some processor time; where the system has no such timer, the other process ends this one."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def main(lines: Iterable[str]) -> None:
    """Answers the question on standard input."""
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _give_up)
    sys.stdout.write(answer("".join(lines)) + "\n")


if __name__ == "__main__":
    main(sys.stdin)
