"""Help: every key of a screen, from the table of actions, and what the marks of the rows mean."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from abstractor.review.rows import State
from abstractor.tui.actions import ACTIONS, DIALOG, HELP, READER, REVIEW, Keymap, actions_of
from abstractor.tui.messages import ScreenWanted
from abstractor.tui.screens.reader import ReaderScreen
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.widgets.note import STATE_WORDS

LEAVES_BY: Mapping[State, tuple[str, ...]] = {
    State.SUGGESTED: ("accept", "reject", "pick", "edit", "defer"),
    State.ACCEPTED: ("undo",),
    State.CHANGED: ("undo", "edit"),
    State.REJECTED: ("undo",),
    State.CONFLICT: ("pick", "edit", "reject", "defer"),
    State.DEFERRED: ("accept", "reject", "pick", "edit", "not_documented"),
    State.MISSING: ("take", "edit", "not_documented"),
    State.ADDED: ("undo", "edit"),
    State.NOT_DOCUMENTED: ("undo", "edit"),
}
"""The actions that take a row out of a state."""

MARKS = (
    (">", "the cursor"),
    ("^", "decided, and something new came since: decide again"),
    ("F", "an edit check: fatal, the patient can't be closed so"),
    ("W", "an edit check: a warning"),
    ("I", "an edit check: for information"),
    ("c", "somebody commented on it"),
)
"""What may stand before a row besides its state."""


class HelpScreen(ReaderScreen):
    """Every key of a screen, from the table, and the legend of the marks."""

    def __init__(self, keymap: Keymap, palette: Palette, kinds: tuple[str, ...]) -> None:
        super().__init__(keymap, palette, f"KEYS  {kinds[0]}   {keymap.shown('tour')} replays the tour")
        self.of = kinds

    @property
    def kinds(self) -> tuple[str, ...]:
        return (HELP, READER)

    def build(self) -> Sequence[Line]:
        lines = help_lines(self.keymap, self.palette, self.of, self.takes)
        return [*lines, *legend_lines(self.keymap, self.palette)] if REVIEW in self.of else lines

    def do_help(self) -> None:
        self.dismiss(None)

    def do_go_there(self) -> None:
        self.dismiss(None)

    def do_tour(self) -> None:
        self.dismiss(None)
        self.app.post_message(ScreenWanted("tour"))


def help_lines(
    keymap: Keymap, palette: Palette, kinds: tuple[str, ...], takes: Callable[[str], bool] = lambda _name: True
) -> list[Line]:
    """The keys of some screens under their headings, and of the questions those screens ask; `takes` tells those that are for somebody."""
    lines: list[Line] = []
    order = list(dict.fromkeys(action.where for action in ACTIONS))
    mine = [action for action in actions_of(*kinds, DIALOG) if takes(action.id)]
    wanted = sorted(mine, key=lambda action: order.index(action.where))
    for where, actions in groupby(wanted, key=lambda action: action.where):
        lines.append(Line.of((f" {where}", palette.heading)))
        lines.extend(
            Line.of(
                (f"   {keymap.all_shown(action.id):<14} ", palette.state(State.SUGGESTED)),
                (f" {action.says}", palette.plain),
            )
            for action in actions
        )
    return lines


def legend_lines(keymap: Keymap, palette: Palette) -> list[Line]:
    """The marks of rows and notes: state, name in the attributes of the state, and the keys that lead out of it."""
    lines = [Line.of((" marks before a row, and beside the lines of a note", palette.heading))]
    for state in State:
        keys = " ".join("1-9" if name == "pick" else keymap.shown(name) for name in LEAVES_BY[state])
        lines.append(
            Line.of(
                (f"   {state.value:<14}  ", palette.state(state)),
                (STATE_WORDS[state], palette.state(state)),
                (f"   leaves by {keys}", palette.faint),
            )
        )
    lines.extend(Line.of((f"   {mark:<14}  {says}", palette.plain)) for mark, says in MARKS)
    return lines
