"""The bars and rows of the review screen, from rows to styled text. Pure: no widget, no registry."""

from collections.abc import Callable, Mapping, Sequence

from rich.cells import cell_len
from rich.style import Style

from abstractor.checks.problem import Severity
from abstractor.registry.notes import StoredNote
from abstractor.review.rows import BETWEEN, Row, State, Verb
from abstractor.tui.actions import BY_ID, Keymap
from abstractor.tui.safe import safe
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line
from abstractor.tui.widgets.note import STATE_WORDS
from abstractor.tui.wrap import fit

_SURE = 4
"""Cells for how sure the rules are, the blank before it among them."""


_ROOMY, _SHORT = 60, 13
"""Cells of a list that has room for whole labels, and of a label in one that has not."""
_DATE_CUTS = (10, 8, 5)
"""Characters of a date that are shown: day, month or year, the hyphen behind it included."""


def row_line(row: Row, width: int, palette: Palette, *, current: bool, problem: Severity | None = None) -> Line:
    """A row of the list: cursor, glyph, label, value, date, confidence; the date gives way to the value."""
    style = palette.state(row.state)
    narrow = width < _ROOMY
    label = _SHORT if narrow else max(14, min(24, 3 * width // 8))
    named = (row.spec.short if narrow else "") or row.spec.label
    confidence = _sure(row)
    room = max(4, width - label - 5 - _SURE)
    date = _date_that_fits(row, room - cell_len(safe(row.shown)) - 1)
    mark = "^" if row.changed else problem.value if problem else '"' if row.read_as else "c" if row.comments else " "
    mark_style = palette.alarm if problem is Severity.FATAL and not row.changed else palette.plain
    return Line.of(
        (">" if current else " ", palette.plain),
        (row.state.value, style),
        (mark, mark_style),
        (" ", palette.plain),
        (fit(named, label), palette.plain),
        (" ", palette.plain),
        *_value(row, room - len(date), palette),
        (date, palette.faint),
        (f"{confidence:>{_SURE}}", palette.faint),
    )


def _sure(row: Row) -> str:
    """How sure the rules are of what nobody has decided: `.98`, at most three cells."""
    if row.decision is not None or not row.choices:
        return ""
    return f"{row.confidence:.2f}".lstrip("0") if row.confidence < 0.995 else "1.0"


def _value(row: Row, room: int, palette: Palette) -> tuple[tuple[str, Style], ...]:
    """The value in exactly `room` cells; the values of a conflict share it, so that each is seen."""
    shown = safe(row.shown)
    if row.state is State.CONFLICT and cell_len(shown) > room:
        share = max(1, (room - 3 * (len(row.choices) - 1)) // len(row.choices))
        shown = BETWEEN.join(fit(choice.told(row.spec.label_of), share).rstrip() for choice in row.choices)
    cut = fit(shown, min(room, cell_len(shown)))
    return (cut, palette.state(row.state)), (" " * (room - cell_len(cut)), palette.plain)


def _date_that_fits(row: Row, room: int) -> str:
    """The date, in whole or down to a hyphen: `2024-01-` is cut, `2024-01` is all that is known."""
    if row.spec.slot == "patient" or not row.date:
        return ""
    return next((row.date[:length] for length in _DATE_CUTS if len(row.date[:length]) <= room), "")


def header_line(patient: str, notes: int, counts: Sequence[tuple[int, str]], rest: str, palette: Palette) -> Line:
    """Who is on the screen, and how far it has come."""
    told = [
        f"{notes} note{'' if notes == 1 else 's'}",
        *(f"{number} {word}" for number, word in counts if number),
        rest,
    ]
    return Line.of((f" {patient}", palette.bar_key), ("  " + "   ".join(told), palette.bar))


def note_title(
    note: StoredNote | None,
    at: int,
    of: int,
    percent: int,
    evidence: tuple[int, int],
    palette: Palette,
    fault: str = "",
) -> Line:
    """Over the note: what is wrong with it, its type, date and id, how far down it is shown, which evidence of the row this is."""
    if note is None:
        return Line.of((" no note", palette.bar))
    version = f" v{note.version}" if note.version > 1 else ""
    shown = f"  evid {evidence[0]}/{evidence[1]}" if evidence[1] else "  no evidence"
    head = f" {note.note_type} {(note.note_date or 'undated')[:10]}"
    return Line.of(
        (head, palette.bar_key),
        (f" {fault} " if fault else "", palette.alarm),
        (f"  {note.note_id}{version}  note {at}/{of}  {percent}%{shown}", palette.bar),
    )


def note_fault(shown: int, cut: int, unreadable: int) -> str:
    """What a person must know of a note that is not all there: how much is shown, how many characters could not be read."""
    told = []
    if cut:
        told.append(f"first {shown / 1e6:.3g} M of {(shown + cut) / 1e6:.3g} M characters")
    if unreadable:
        told.append(f"{unreadable} unreadable character{'s' if unreadable > 1 else ''}")
    return ", ".join(told)


_QUOTED = 24
"""Cells of the selected words that are shown in the footer."""


def selection_told(words: str) -> str:
    """A selection for the footer: its beginning and how many characters it has; "" for none."""
    if not words:
        return ""
    flat = " ".join(words.split())
    quoted = fit(flat, _QUOTED).rstrip()
    return f'"{quoted}{"..." if len(quoted) < len(flat) else ""}" {len(words)}'


def evidence_title(row: Row | None, palette: Palette, wide: bool) -> Line:
    """Over the evidence: what the row asks and where it stands."""
    if row is None:
        return Line.of((" nothing here", palette.bar))
    notes = len({one.note_id for one in row.evidence})
    what = STATE_WORDS[row.state]
    if row.conflict:
        what = f"{what} {len(row.choices)} values, {notes} note{'s' if notes != 1 else ''}"
    elif row.evidence:
        what = f"{what} x{len(row.evidence)} in {notes} note{'s' if notes != 1 else ''}"
    label = row.spec.label.upper() if wide else row.spec.label
    return Line.of((f" {label}", palette.bar_key), (f"  {what}", palette.bar))


def keys_that_fit(keys: Sequence[tuple[str, str]], keymap: Keymap, palette: Palette, width: int) -> Line:
    """A footer of action ids with their words, as many as `width` holds in whole."""
    parts: list[tuple[str, Style]] = []
    used = 0
    for name, label in keys:
        key = keymap.shown(name)
        used += cell_len(key) + cell_len(label) + 3
        if used > width:
            break
        parts += [(f" {key}", palette.bar_key), (f" {label} ", palette.bar)]
    return Line.of(*parts)


_VERB_KEYS = (
    (Verb.ACCEPT, "accept"),
    (Verb.PICK, "pick"),
    (Verb.REJECT, "reject"),
    (Verb.EDIT, "edit"),
    (Verb.NOT_DOCUMENTED, "not_documented"),
    (Verb.DEFER, "defer"),
)


_FROZEN_KEYS: Mapping[str, list[str]] = {
    "signed": ["sign", "unlock"],
    "closed": ["sign", "reopen"],
    "held": ["take_over"],
}


def footer_line(
    row: Row | None,
    keymap: Keymap,
    palette: Palette,
    width: int,
    *,
    frozen: str,
    selecting: bool,
    selected: str,
    last: bool,
    takes: Callable[[str], bool] = lambda _name: True,
) -> Line:
    """The keys that do something now, as many as fit.

    Args:
        row: the current one.
        keymap: the keys.
        palette: the colours.
        width: cells there are.
        frozen: why nothing can be decided, or "": `signed`, `closed`, `held`.
        selecting: a selection is being made.
        selected: the selected words, or "".
        last: enter would close the patient, or say what is open.
        takes: whether an action is for the person at work, and the patient as it stands.
    """
    if selecting:
        ids = ["select_word", "select_sentence", "select_swap", "take", "attach", "new_fact", "select_none"]
    elif frozen:
        ids = _FROZEN_KEYS[frozen] + ["next_patient", "next_evidence", "next_note", "history", "worklist", "help"]
    else:
        verbs = row.verbs if row is not None else frozenset()
        ids = [
            name for verb, name in _VERB_KEYS if verb in verbs and not (verb is Verb.PICK and row and not row.conflict)
        ]
        if row is not None and row.state is State.MISSING:
            ids = ["find", "take", *ids]
        if selected:
            ids = ["take", "attach", "new_fact", *[name for name in ids if name != "take"]]
        ids += ["close"] if last else []
        ids += ["undo", "next_evidence", "next_note", "find", "help"]
    parts: list[tuple[str, Style]] = [(f" {selection_told(selected)} ", palette.selection)] if selected else []
    used = sum(cell_len(safe(text)) for text, _ in parts)
    for name in dict.fromkeys(filter(takes, ids)):
        key = "1-9" if name == "pick" else keymap.shown(name)
        label = "reject all" if name == "reject" and row is not None and row.conflict else BY_ID[name].label
        used += len(key) + len(label) + 4
        if used > width:
            break
        parts.extend(((f" {key}", palette.bar_key), (f" {label}  ", palette.bar)))
    return Line.of(*parts)
