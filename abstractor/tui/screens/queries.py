"""Asking somebody about a row: whom, out of those who have worked in the registry, and what."""

from typing import TYPE_CHECKING

from abstractor.review.refused import Refused
from abstractor.tui.screens.asking import OneOf
from abstractor.tui.screens.dialogs import LinePrompt
from abstractor.tui.screens.keyed import KeyedScreen

if TYPE_CHECKING:
    from abstractor.quality.at_screen import QualityWork


def ask_somebody(
    screen: "KeyedScreen[None]", work: "QualityWork", place: tuple[str, str], label: str, first: str = ""
) -> None:
    """Asks whom and what, and sends it.

    Args:
        screen: what the questions stand over.
        work: the desk of who asks.
        place: patient and slot.
        label: of the row.
        first: the person who is offered first.

    Raises:
        Refused: there is nobody to be asked.
    """
    people = work.people()
    if not people:
        raise Refused("nobody else has worked in this registry yet")

    def asked(whom: str, text: str | None) -> None:
        if text is not None:
            screen.attempt(lambda: _sent(screen, work, place, whom, text))

    def took(whom: str | None) -> None:
        if whom is not None:
            title = f"Ask {whom} about {label}"
            screen.app.push_screen(LinePrompt(screen.keymap, screen.palette, title), lambda text: asked(whom, text))

    choices = [(one, "decided this" if one == first else "") for one in people]
    screen.app.push_screen(OneOf(screen.keymap, screen.palette, f"Ask whom about {label}?", choices, first), took)


def _sent(screen: "KeyedScreen[None]", work: "QualityWork", place: tuple[str, str], whom: str, text: str) -> None:
    work.ask(*place, whom, text)
    screen.say(f"sent: {whom} finds it in the inbox; the answer comes to yours")
