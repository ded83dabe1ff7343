"""The table of keys as text: for `--keys`, and for the file of settings. Opens no screen."""

from itertools import groupby

from abstractor.tui.actions import ACTIONS, Action, Keymap


def _by_heading() -> list[tuple[str, list[Action]]]:
    order = list(dict.fromkeys(action.where for action in ACTIONS))
    ranked = sorted(ACTIONS, key=lambda action: order.index(action.where))
    return [(where, list(actions)) for where, actions in groupby(ranked, key=lambda action: action.where)]


def keys_text(keymap: Keymap) -> str:
    """Every action with its keys and its id, under its heading."""
    lines: list[str] = []
    for where, actions in _by_heading():
        lines += ["", where.upper()]
        lines += [f"  {keymap.all_shown(action.id):<18} {action.id:<20} {action.says}" for action in actions]
    return "\n".join(lines).strip() + "\n"


def keys_toml() -> str:
    """The table `[keys]` of a file of settings, with all defaults commented out."""
    lines = ["[keys]", "# action id = keys, separated by blanks; two keys one after the other are joined by +"]
    for where, actions in _by_heading():
        lines += ["", f"# {where}"]
        # a literal string: a key may be a backslash or a quotation mark
        lines += [f"# {action.id} = '{action.keys}'" for action in actions]
    return "\n".join(lines) + "\n"
