"""Telling and asking without a screen: one line after the other, and an answer is the next line of the input."""

from collections.abc import Iterator, Sequence
from typing import TextIO, TypeVar

from abstractor.tui.safe import safe

_LISTED = 9

Choice = TypeVar("Choice")


class Talk:
    """A conversation: what is told goes out at once, made safe for a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.lines: Iterator[str] = iter(())
        """What is typed; nothing until somebody gives it."""

    def tell(self, text: str) -> None:
        """Says one thing."""
        self._out.write(safe(text) + "\n")
        self._out.flush()

    def ask(self, question: str) -> str:
        """The next line of the input; "" at its end."""
        self.tell(question)
        return next(self.lines, "").strip()

    def yes(self, question: str) -> bool:
        """Whether a question is answered with yes."""
        return self.ask(f"{question} y or n").casefold().startswith("y")

    def choose(self, question: str, choices: Sequence[Choice], told: Sequence[str]) -> Choice | None:
        """One of some, by its number; None where none was chosen.

        Args:
            question: what is asked.
            choices: what there is.
            told: each of them in words.
        """
        shown = list(told[:_LISTED])
        for number, words in enumerate(shown, 1):
            self.tell(f"  {number}: {words}")
        more = f"; {len(told) - _LISTED} more, type more of the name" if len(told) > _LISTED else ""
        answer = self.ask(f"{question} a number, or nothing to leave{more}")
        return choices[int(answer) - 1] if answer.isdecimal() and 1 <= int(answer) <= len(shown) else None
