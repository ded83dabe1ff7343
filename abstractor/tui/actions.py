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
HELP = "help"
TIMELINE = "timeline"
OUTCOMES = "outcomes"
"""These three are readers too: their own keys go before those of `READER`."""
CHECKS = "checks"
"""The problems of a patient, as a list to read and where it is closed: its keys go before those of the screen around them."""
EXAMINE = "examine"
"""One question after another out of many patients, with the note beside it: what audits and adjudication share."""
AUDIT = "audit"
ADJUDICATE = "adjudicate"
"""These two go before `EXAMINE`."""
INBOX = "inbox"
"""A reader too."""
DIALOG = "dialog"
"""Questions that wait for an answer."""

_ALL = (REVIEW, WORKLIST, READER)
_EVERY = (*_ALL, EXAMINE)
_NOTED = (REVIEW, EXAMINE)
"""Screens with a note."""


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
    yield Action("help", "anywhere", "?", "help", "help for this screen", _EVERY)
    yield Action("palette", "anywhere", "ctrl+p", "palette", "all commands, by name", _EVERY)
    yield Action("quit", "anywhere", "ctrl+q", "quit", "quit at once; everything is saved", (*_EVERY, DIALOG))
    yield Action("back", "anywhere", "q escape", "back", "back one screen; never quits", _EVERY)
    yield Action("copy", "anywhere", "ctrl+c", "copy", "copy the selection; without one, say how to quit", _EVERY)
    yield Action("repaint", "anywhere", "ctrl+l", "repaint", "read anew and draw the screen again", _EVERY)
    yield Action("suspend", "anywhere", "ctrl+z", "put aside", "back to the shell; `fg` comes back", (*_EVERY, DIALOG))
    yield Action("next_pane", "anywhere", "tab", "pane", "next pane", _NOTED)
    yield Action("previous_pane", "anywhere", "shift+tab", "pane", "previous pane", _NOTED)
    yield Action("zoom", "anywhere", "z", "zoom", "the pane alone on the screen, and back", _NOTED)

    yield Action("worklist", "go", "w", "worklist", "to the worklist", (REVIEW, READER, EXAMINE))
    yield Action("timeline", "go", "t", "timeline", "what happened when, by note and fact", _ALL)
    yield Action("history", "go", "g+h", "history", "everything that was ever done with this row", (REVIEW, READER))
    yield Action("quality", "go", "g+q", "quality", "audits, second readings, adjudication, and your inbox", _EVERY)
    yield Action("outcomes", "go", "g+o", "outcomes", "survival and response of the confirmed cases", _EVERY)
    yield Action(
        "statistics", "go", "g+s", "statistics", "how your own work goes, and what is made of each item", _EVERY
    )
    yield Action("problems", "go", "g+e", "checks", "what can't be right, or is hardly so, in this patient", (REVIEW,))
    yield Action("top", "go", "g+g home", "top", "first row", _EVERY)
    yield Action("bottom", "go", "G end", "bottom", "last row", _EVERY)

    yield Action("down", "list", "j down", "down", "next row; note and evidence follow", (*_EVERY, CHECKS))
    yield Action("up", "list", "k up", "up", "previous row", (*_EVERY, CHECKS))
    yield Action("half_down", "list", "ctrl+d", "half page", "half a page down", _EVERY)
    yield Action("half_up", "list", "ctrl+u", "half page", "half a page up", _EVERY)
    yield Action("page_down", "list", "pagedown", "page", "a page down", _EVERY)
    yield Action("page_up", "list", "pageup", "page", "a page up", _EVERY)
    yield Action("go_there", "list", "enter", "open", "to the note of this line", (READER,))
    yield Action("open", "list", "enter", "open", "open the patient and claim it", (WORKLIST,))
    yield Action("look", "list", "v", "read only", "open the patient without claiming it", (WORKLIST,))
    yield Action("claim", "list", "c", "claim", "claim the next patients from the pool", (WORKLIST,))
    yield Action("give_back", "list", "b", "give back", "put the patient back into the pool", (WORKLIST,))
    yield Action("view", "list", "tab", "mine/pool", "all patients, only mine, only the pool", (WORKLIST,))

    yield Action("accept", "decide", "a", "accept", "take the suggested value, go to the next row", (REVIEW,))
    yield Action("reject", "decide", "r", "reject", "none of the values is right", (REVIEW,))
    yield Action("defer", "decide", "d", "defer", "later; comes back at the end", (REVIEW,))
    yield Action("pick", "decide", "1 2 3 4 5 6 7 8 9", "pick", "take the value of that number", (REVIEW,))
    yield Action("not_documented", "decide", "0", "not documented", "the record does not say", (REVIEW,))
    yield Action("edit", "decide", "e", "edit", "another value: type a code or its name; enter saves", (REVIEW,))
    yield Action("reject_why", "decide", "R", "reject, why", "reject and give a reason, 1-6", (REVIEW,))
    yield Action("accept_alike", "decide", "A", "accept alike", "accept all rows that ask the same", (REVIEW,))
    yield Action("comment", "decide", "c", "comment", "say something about this row", (REVIEW, EXAMINE))
    yield Action("undo", "decide", "u", "undo", "take back your last decision, and go to it", (REVIEW, AUDIT))
    yield Action("redo", "decide", "U ctrl+r", "redo", "bring back what was undone", (REVIEW,))

    yield Action("next_note", "note", "n", "note", "next note", _NOTED)
    yield Action("previous_note", "note", "p", "note", "previous note", _NOTED)
    yield Action("next_evidence", "note", ".", "evidence", "next words that bear on this row, in any note", _NOTED)
    yield Action("previous_evidence", "note", ",", "evidence", "previous words that bear on this row", _NOTED)
    yield Action("note_down", "note", "space", "page note", "a page down in the note", _NOTED)
    yield Action("note_up", "note", "b", "page note", "a page up in the note", _NOTED)
    yield Action("next_section", "note", "}", "section", "next section heading", _NOTED)
    yield Action("previous_section", "note", "{", "section", "previous section heading", _NOTED)
    yield Action("find", "note", "/", "find", "find in the note; a second / in all notes; \\ for an expression", _NOTED)
    yield Action("next_match", "note", "]", "match", "next match", _NOTED)
    yield Action("previous_match", "note", "[", "match", "previous match", _NOTED)

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

    yield Action("next_patient", "patient", "N", "next patient", "next patient with work", (REVIEW, WORKLIST))
    yield Action("previous_patient", "patient", "P", "previous patient", "previous patient with work", (REVIEW,))
    yield Action(
        "close", "patient", "enter", "close", "on the last row, or when all is decided: close the patient", (REVIEW,)
    )
    yield Action("reopen", "patient", "O", "reopen", "open a closed patient again, with a reason", (REVIEW, AUDIT))
    yield Action("sign", "patient", "S", "sign", "sign a closed patient; what is signed is shown first", (REVIEW,))
    yield Action(
        "sign_all", "patient", "S", "sign", "sign the closed patients of the list, each for itself", (WORKLIST,)
    )
    yield Action("unlock", "patient", "L", "unlock", "void the signatures of the patient, with a reason", (REVIEW,))
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

    yield Action("tour", "anywhere", "T", "tour", "the tour of the first run again", (HELP,))

    yield Action("time_earlier", "timeline", "h left", "earlier", "earlier in time", (TIMELINE,))
    yield Action("time_later", "timeline", "l right", "later", "later in time", (TIMELINE,))
    yield Action("zoom_in", "timeline", "+", "closer", "a shorter stretch of time", (TIMELINE,))
    yield Action("zoom_out", "timeline", "-", "farther", "a longer stretch of time", (TIMELINE,))
    yield Action("notes_too", "timeline", "n", "notes", "the notes in the list too, and back", (TIMELINE,))

    yield Action("table", "outcomes", "tab", "table", "the numbers instead of the curve, and back", (OUTCOMES,))
    yield Action("endpoint", "outcomes", "e", "endpoint", "overall survival, progression-free survival", (OUTCOMES,))
    yield Action("cohort", "outcomes", "f", "cohort", "which patients, and by what they are compared", (OUTCOMES,))
    yield Action("all_patients", "outcomes", "F", "all", "all patients again", (OUTCOMES,))

    yield Action("next_open", "quality", "enter", "next", "next open one; when all are judged: finish", (EXAMINE,))
    yield Action("agree", "quality", "a", "agree", "the decision is right", (AUDIT,))
    yield Action("disagree", "quality", "r", "disagree", "it is wrong: 1 major, 2 minor, then why", (AUDIT,))
    yield Action("choose", "quality", "1 2", "left right", "the left or the right reader is right", (ADJUDICATE,))
    yield Action("unresolvable", "quality", "0", "can't tell", "the record leaves it open", (ADJUDICATE,))
    yield Action("meeting", "quality", "d", "meeting", "send it to the meeting; it stays open", (ADJUDICATE,))
    yield Action("third", "quality", "e", "third value", "another value is right: type it, then why", (EXAMINE,))
    yield Action("figures", "quality", "f", "figures", "what the audit says so far, field by field", (AUDIT,))
    yield Action("ask", "quality", "Q", "ask", "ask somebody about this row", (REVIEW, AUDIT))
    yield Action("mark_read", "quality", "m", "read", "mark a message as read, or as unread again", (INBOX,))
    yield Action("answer", "quality", "a", "answer", "answer a question", (INBOX,))
    yield Action("close_query", "quality", "x", "close", "close a question that you asked", (INBOX,))

    yield Action("override", "checks", "o", "right so", "a warning is right as reported: give a word", (CHECKS,))
    yield Action("override_all", "checks", "O", "all right so", "one word for all warnings that want one", (CHECKS,))
    yield Action("to_row", "checks", ".", "to the row", "to the row that a line is about", (CHECKS,))

    yield Action("leave", "in a question", "escape", "leave", "leave the question, nothing changes", (DIALOG,))
    yield Action("save", "in a question", "enter", "save", "save, or say yes", (DIALOG,))
    yield Action("next_field", "in a question", "tab", "field", "next field of the question", (DIALOG,))
    yield Action("previous_field", "in a question", "shift+tab", "field", "previous field of the question", (DIALOG,))
    yield Action("choice_down", "in a question", "down", "choice", "next code that fits", (DIALOG,))
    yield Action("choice_up", "in a question", "up", "choice", "previous code that fits", (DIALOG,))
    yield Action("negate", "in a question", "ctrl+n", "negate", "the fact is that it is not so, and back", (DIALOG,))


ACTIONS: tuple[Action, ...] = tuple(_table())
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_NEEDED: Mapping[str, str] = {
    "decide second_read": (
        "accept reject defer pick not_documented edit reject_why accept_alike redo take attach new_fact close override override_all"
    ),
    "decide second_read audit": "undo reopen",
    "decide second_read audit adjudicate": "comment",
    "decide": "claim give_back",
    "decide supervise": "take_over",
    "audit": "agree disagree figures",
    "adjudicate": "choose unresolvable meeting",
    "audit adjudicate": "third",
    "query": "ask answer close_query",
    "sign_abstracted sign_reviewed sign_adjudicated sign_approved lock": "sign sign_all",
    "unlock sign_abstracted sign_reviewed sign_adjudicated sign_approved lock": "unlock",
    "list_patients": "open look next_patient previous_patient find_patient timeline",
    "read_history second_read": "history",
    "read_facts": "outcomes",
}
NEEDS: Mapping[str, frozenset[str]] = {
    name: frozenset(powers.split()) for powers, names in _NEEDED.items() for name in names.split()
}
"""Powers of `rules/roles.toml`, any of which an action needs where people have roles; one that is not named here is everybody's.

This only spares people keys that lead nowhere: what may be done is asked by the registry, whatever a screen offers.
"""

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


_SENT_FOR = {"ctrl+h": "backspace", "ctrl+j": "enter"}
"""What some terminals and SSH clients send where another key was pressed."""


def meant_key(key: str, keymap: "Keymap") -> str:
    """The key that was meant by one that a terminal sends; a key that somebody has given an action is meant itself."""
    meant = _SENT_FOR.get(key, key)
    return key if any(key in keys for keys in keymap.keys.values()) else meant


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
