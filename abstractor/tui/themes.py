"""Colours and attributes: dark, light, high contrast, mono. Every state has a glyph and an attribute besides its colour.

Colours follow Okabe and Ito; contrast on each background is tested. No terminal palette is relied on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from textual.theme import Theme

from abstractor.review.rows import State

ATTRIBUTES: Mapping[State, str] = {
    State.SUGGESTED: "underline",
    State.ACCEPTED: "bold",
    State.CHANGED: "bold underline",
    State.REJECTED: "strike",
    State.CONFLICT: "bold",
    State.DEFERRED: "underline italic",
    State.MISSING: "",
    State.ADDED: "bold italic",
    State.NOT_DOCUMENTED: "italic",
}


@dataclass(frozen=True)
class Palette:
    """A theme as the screens use it. Colours are hexadecimal; "" leaves the terminal's own."""

    name: str
    dark: bool
    background: str
    foreground: str
    panel: str
    """Background of bars."""
    muted: str
    accent: str
    match_back: str
    select_back: str
    states: Mapping[State, str]

    @property
    def plain(self) -> Style:
        return self._style(self.foreground)

    @property
    def faint(self) -> Style:
        return self._style(self.muted)

    @property
    def heading(self) -> Style:
        return self._style(self.foreground, "bold")

    @property
    def bar(self) -> Style:
        """Title bars and the footer."""
        return Style.parse(f"{self.foreground} on {self.panel}" if self.panel else "reverse")

    @property
    def bar_key(self) -> Style:
        return self.bar + Style(bold=True, color=self.accent or None)

    @property
    def alarm(self) -> Style:
        """What must not be overlooked: not saved, held by another, evidence moved."""
        return Style.parse(
            f"bold {self.background} on {self.states[State.CONFLICT]}" if self.background else "bold reverse"
        )

    @property
    def match(self) -> Style:
        return Style.parse(f"bold {self.background} on {self.match_back}" if self.match_back else "bold reverse")

    @property
    def selection(self) -> Style:
        return Style.parse(f"{self.background} on {self.select_back}" if self.select_back else "reverse underline")

    @property
    def evidence(self) -> Style:
        """The words that bear on the current row, where the cursor is on them."""
        return self.plain + Style(reverse=True, bold=True)

    def state(self, state: State) -> Style:
        return self._style(self.states.get(state, ""), ATTRIBUTES[state])

    def _style(self, colour: str, attributes: str = "") -> Style:
        colours = f"{colour or self.foreground} on {self.background}" if self.background else ""
        return Style.parse(f"{attributes} {colours}".strip() or "none")

    @property
    def theme(self) -> Theme:
        """The same for Textual's own widgets."""
        background, foreground = self.background or "#000000", self.foreground or "#ffffff"
        return Theme(
            name=f"abstractor-{self.name}",
            primary=self.accent or foreground,
            secondary=self.accent or foreground,
            warning=self.states.get(State.DEFERRED) or foreground,
            error=self.states.get(State.CONFLICT) or foreground,
            success=self.states.get(State.ACCEPTED) or foreground,
            accent=self.accent or foreground,
            foreground=foreground,
            background=background,
            surface=self.panel or background,
            panel=self.panel or background,
            dark=self.dark,
        )


def _states(*colours: str) -> Mapping[State, str]:
    order = (
        State.SUGGESTED,
        State.ACCEPTED,
        State.CHANGED,
        State.REJECTED,
        State.CONFLICT,
        State.DEFERRED,
        State.MISSING,
        State.ADDED,
        State.NOT_DOCUMENTED,
    )
    return dict(zip(order, colours, strict=True))


PALETTES: Mapping[str, Palette] = {
    "dark": Palette(
        "dark",
        dark=True,
        background="#101418",
        foreground="#e6e6e6",
        panel="#263238",
        muted="#9aa0a6",
        accent="#56b4e9",
        match_back="#f0e442",
        select_back="#7fc4f0",
        states=_states(
            "#56b4e9", "#1fb88c", "#d991b8", "#9aa0a6", "#f07a2e", "#f0e442", "#e69f00", "#a6d96a", "#b0b6bc"
        ),
    ),
    "light": Palette(
        "light",
        dark=False,
        background="#ffffff",
        foreground="#1a1a1a",
        panel="#dfe5ea",
        muted="#5f6368",
        accent="#00538f",
        match_back="#6b5f00",
        select_back="#00538f",
        states=_states(
            "#005fcc", "#00603a", "#8a2d63", "#5f6368", "#a63c00", "#6b5f00", "#8a5200", "#2c6e1f", "#4d5257"
        ),
    ),
    "high-contrast": Palette(
        "high-contrast",
        dark=True,
        background="#000000",
        foreground="#ffffff",
        panel="#1c1c1c",
        muted="#d0d0d0",
        accent="#7fd4ff",
        match_back="#ffff00",
        select_back="#7fd4ff",
        states=_states(
            "#7fd4ff", "#4dffb8", "#ffb0e0", "#d0d0d0", "#ff9a52", "#ffff4d", "#ffc04d", "#b8ff7a", "#e0e0e0"
        ),
    ),
    "mono": Palette(
        "mono",
        dark=True,
        background="",
        foreground="",
        panel="",
        muted="",
        accent="",
        match_back="",
        select_back="",
        states=dict.fromkeys(ATTRIBUTES, ""),
    ),
}
