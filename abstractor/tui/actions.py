"""The table of everything a key can do: key bindings, footer, help, palette and documentation all read it here.

Letters are commands, digits are choices; no alt, no ctrl+shift, no function key. Holds no behaviour: a screen has a method
`do_ID` for each action it takes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from abstractor.model.errors import InputError

REVIEW = "review"
SELECT = "select"
"""The review screen while a selection is being made: its keys go before those of `REVIEW`."""
WORKLIST = "worklist"
READER = "reader"
"""Screens that show lines to read: help, history, timeline."""
DIALOG = "dialog"
"""Questions that wait for an answer."""

_ALL = (REVIEW, WORKLIST, READER)


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the table."""

    id: str
    where: str
    """Heading in help."""
    keys: str
    """Separated by blanks; two keys pressed one after the other are joined by `+`: `g+h`."""
    label: str
    """A word or two, for the footer."""
    says: str
    screens: tuple[str, ...]


def _table() -> Iterable[Action]:
    yield Action("help", "anywhere", "?", "help", "help for this screen", _ALL)
    yield Action("palette", "anywhere", "ctrl+p", "palette", "all commands, by name", _ALL)
    yield Action("quit", "anywhere", "ctrl+q", "quit", "quit at once; everything is saved", (*_ALL, DIALOG))
    yield Action("back", "anywhere", "q escape", "back", "back one screen; never quits", _ALL)
    yield Action("copy", "anywhere", "ctrl+c", "copy", "copy the selection; without one, say how to quit", _ALL)
    yield Action("repaint", "anywhere", "ctrl+l", "repaint", "read anew and draw the screen again", _ALL)
    yield Action("next_pane", "anywhere", "tab", "pane", "next pane", (REVIEW,))
    yield Action("previous_pane", "anywhere", "shift+tab", "pane", "previous pane", (REVIEW,))
    yield Action("zoom", "anywhere", "z", "zoom", "the pane alone on the screen, and back", (REVIEW,))

    yield Action("worklist", "go", "w", "worklist", "to the worklist", (REVIEW, READER))
    yield Action("timeline", "go", "t", "timeline", "what happened when, by note and fact", (REVIEW,))
    yield Action("history", "go", "g+h", "history", "everything that was ever done with this row", (REVIEW,))
    yield Action("top", "go", "g+g home", "top", "first row", _ALL)
    yield Action("bottom", "go", "G end", "bottom", "last row", _ALL)

    yield Action("down", "list", "j down", "down", "next row; note and evidence follow", _ALL)
    yield Action("up", "list", "k up", "up", "previous row", _ALL)
    yield Action("half_down", "list", "ctrl+d", "half page", "half a page down", _ALL)
    yield Action("half_up", "list", "ctrl+u", "half page", "half a page up", _ALL)
    yield Action("page_down", "list", "pagedown", "page", "a page down", _ALL)
    yield Action("page_up", "list", "pageup", "page", "a page up", _ALL)
    yield Action("go_there", "list", "enter", "open", "to the note of this line", (READER,))
    yield Action("open", "list", "enter", "open", "open the patient and claim it", (WORKLIST,))
    yield Action("look", "list", "v", "read only", "open the patient without claiming it", (WORKLIST,))

    yield Action("accept", "decide", "a", "accept", "take the suggested value, go to the next row", (REVIEW,))
    yield Action("reject", "decide", "r", "reject", "none of the values is right", (REVIEW,))
    yield Action("defer", "decide", "d", "defer", "later; comes back at the end", (REVIEW,))
    yield Action("pick", "decide", "1 2 3 4 5 6 7 8 9", "pick", "take the value of that number", (REVIEW,))
    yield Action("not_documented", "decide", "0", "not documented", "the record does not say", (REVIEW,))
    yield Action("edit", "decide", "e", "edit", "another value: type a code or its name; enter saves", (REVIEW,))
    yield Action("reject_why", "decide", "R", "reject, why", "reject and give a reason, 1-6", (REVIEW,))
    yield Action("accept_alike", "decide", "A", "accept alike", "accept all rows that ask the same", (REVIEW,))
    yield Action("comment", "decide", "c", "comment", "say something about this row", (REVIEW,))
    yield Action("undo", "decide", "u", "undo", "take back your last decision, and go to it", (REVIEW,))
    yield Action("redo", "decide", "U ctrl+r", "redo", "bring back what was undone", (REVIEW,))

    yield Action("next_note", "note", "n", "note", "next note", (REVIEW,))
    yield Action("previous_note", "note", "p", "note", "previous note", (REVIEW,))
    yield Action("next_evidence", "note", ".", "evidence", "next words that bear on this row, in any note", (REVIEW,))
    yield Action("previous_evidence", "note", ",", "evidence", "previous words that bear on this row", (REVIEW,))
    yield Action("note_down", "note", "space", "page note", "a page down in the note", (REVIEW,))
    yield Action("note_up", "note", "b", "page note", "a page up in the note", (REVIEW,))
    yield Action("next_section", "note", "}", "section", "next section heading", (REVIEW,))
    yield Action("previous_section", "note", "{", "section", "previous section heading", (REVIEW,))
    yield Action(
        "find", "note", "/", "find", "find in the note; a second / in all notes; \\ for an expression", (REVIEW,)
    )
    yield Action("next_match", "note", "]", "match", "next match", (REVIEW,))
    yield Action("previous_match", "note", "[", "match", "previous match", (REVIEW,))

    yield Action(
        "select", "select", "v", "select", "start a selection at the match, the evidence or the top", (REVIEW,)
    )
    yield Action(
        "take",
        "select",
        "=",
        "take selection",
        "the selection is this row's value; shown before it is saved",
        (REVIEW,),
    )
    yield Action("attach", "select", "+", "as evidence", "the selection bears on this row", (REVIEW,))
    yield Action(
        "new_fact", "select", "i", "new fact", "a fact nobody had found, from the selection or without", (REVIEW,)
    )
    yield Action("copy_selection", "select", "y", "copy", "copy the selection, where that is switched on", (REVIEW,))
    yield Action("select_right", "select", "l right", "", "one character on", (SELECT,))
    yield Action("select_left", "select", "h left", "", "one character back", (SELECT,))
    yield Action("select_down", "select", "j down", "", "one line down", (SELECT,))
    yield Action("select_up", "select", "k up", "", "one line up", (SELECT,))
    yield Action("select_word", "select", "w", "word", "one word on", (SELECT,))
    yield Action("select_back", "select", "b", "", "one word back", (SELECT,))
    yield Action("select_sentence", "select", "s", "sentence", "the whole sentence", (SELECT,))
    yield Action("select_swap", "select", "o", "other end", "move the other end", (SELECT,))
    yield Action("select_none", "select", "escape", "none", "select nothing", (SELECT,))

    yield Action("next_patient", "patient", "N", "next patient", "next patient with work", (REVIEW,))
    yield Action("previous_patient", "patient", "P", "previous patient", "previous patient with work", (REVIEW,))
    yield Action(
        "close", "patient", "enter", "close", "on the last row, or when all is decided: close the patient", (REVIEW,)
    )
    yield Action("reopen", "patient", "O", "reopen", "open a closed patient again, with a reason", (REVIEW,))
    yield Action(
        "take_over", "patient", "!", "take over", "take the patient over from somebody who is idle", (REVIEW, WORKLIST)
    )
    yield Action("export_unsaved", "patient", "x", "to file", "write what could not be saved to a file", (REVIEW,))

    yield Action(
        "filter", "filter", "f", "filter", "show some rows: conf<0.8 state:? item:stage note:path", (REVIEW, WORKLIST)
    )
    yield Action("unfilter", "filter", "F", "all", "show all rows", (REVIEW, WORKLIST))
    yield Action("order", "filter", "o", "order", "order by item, confidence or note", (REVIEW,))
    yield Action("find_patient", "filter", "/", "find", "find a patient by id", (WORKLIST,))

    yield Action("leave", "in a question", "escape", "leave", "leave the question, nothing changes", (DIALOG,))
    yield Action("save", "in a question", "enter", "save", "save, or say yes", (DIALOG,))
    yield Action("next_field", "in a question", "tab", "field", "next field of the question", (DIALOG,))
    yield Action("previous_field", "in a question", "shift+tab", "field", "previous field of the question", (DIALOG,))
    yield Action("choice_down", "in a question", "down", "choice", "next code that fits", (DIALOG,))
    yield Action("choice_up", "in a question", "up", "choice", "previous code that fits", (DIALOG,))
    yield Action("negate", "in a question", "ctrl+n", "negate", "the fact is that it is not so, and back", (DIALOG,))


ACTIONS: tuple[Action, ...] = tuple(_table())
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_SPELLED = {
    "question_mark": "?",
    "full_stop": ".",
    "comma": ",",
    "slash": "/",
    "equals_sign": "=",
    "plus": "+",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "exclamation_mark": "!",
}
"""Textual's names of keys that the table writes as they are."""


def key_name(key: str, character: str | None) -> str:
    """A key press as the table writes it: the character itself where it has a visible one."""
    if key in _SPELLED:
        return _SPELLED[key]
    if character and len(character) == 1 and character.isprintable() and character != " ":
        return character
    return key


class Keymap:
    """Which key does what on which screen."""

    def __init__(self, changed: Mapping[str, str] | None = None) -> None:
        """Takes the table, with the keys that a person has changed.

        Raises:
            InputError: an unknown action, or a key that would do two things on one screen; it names both.
        """
        for name in changed or {}:
            if name not in BY_ID:
                near = get_close_matches(name, BY_ID, 1)
                raise InputError(f"keys: unknown action {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        self.keys: dict[str, tuple[str, ...]] = {
            action.id: tuple((changed or {}).get(action.id, action.keys).split()) for action in ACTIONS
        }
        self._by_screen: dict[str, dict[str, str]] = {}
        for action in ACTIONS:
            for screen in action.screens:
                bound = self._by_screen.setdefault(screen, {})
                for key in self.keys[action.id]:
                    if key in bound:
                        raise InputError(f"keys: {key!r} is both {bound[key]!r} and {action.id!r} on {screen}")
                    bound[key] = action.id
        self._refuse_hidden_prefixes()

    def _refuse_hidden_prefixes(self) -> None:
        for screen, bound in self._by_screen.items():
            for key, name in bound.items():
                first = key.split("+")[0]
                if is_sequence(key) and first in bound:
                    raise InputError(f"keys: {first!r} is {bound[first]!r} and also starts {name!r} on {screen}")

    def action(self, screen: str, key: str) -> str | None:
        """The id of what a key does on a screen."""
        return self._by_screen.get(screen, {}).get(key)

    def follows(self, screen: str, first: str) -> tuple[tuple[str, str], ...]:
        """What may be pressed after a first key that does nothing alone: (second key, action id)."""
        return tuple(
            (key.split("+")[1], name)
            for key, name in self._by_screen.get(screen, {}).items()
            if is_sequence(key) and key.split("+")[0] == first
        )

    def shown(self, name: str) -> str:
        """The first key of an action, as footer and help write it."""
        keys = self.keys.get(name, ())
        return spell(keys[0]) if keys else "-"

    def all_shown(self, name: str) -> str:
        """All keys of an action, as help writes them."""
        if name == "pick":
            return "1-9"
        return " ".join(spell(key) for key in self.keys.get(name, ()))


def is_sequence(key: str) -> bool:
    """Whether a key of the table is two keys, one after the other."""
    first, plus, second = key.partition("+")
    return bool(plus and second) and len(first) == 1


def spell(key: str) -> str:
    """A key as people read it."""
    named = {"escape": "esc", "pagedown": "pgdn", "pageup": "pgup"}
    return " ".join(key.split("+")) if is_sequence(key) else named.get(key, key)


def actions_of(*screens: str) -> tuple[Action, ...]:
    """The actions that a screen takes, in the order of the table."""
    return tuple(action for action in ACTIONS if any(screen in action.screens for screen in screens))
