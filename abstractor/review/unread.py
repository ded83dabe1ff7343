"""What the rules have not read, or not these rules: told on top of the list, so that nobody takes silence for absence. Pure."""

from collections.abc import Sequence

from abstractor.registry.findings import NoteReading


def unread_words(readings: Sequence[NoteReading], rulebook: str, *, suggesting: bool) -> str:
    """One line about notes that suggestions do not rest on; "" where they rest on all.

    Args:
        readings: one a note of the patient.
        rulebook: the version of the rules at hand.
        suggesting: whether anything is suggested; suggestions that came without readings are somebody else's.
    """
    read = [one for one in readings if one.read_at is not None and not one.set_aside]
    if not readings or (suggesting and not any(one.read_at for one in readings)):
        return ""
    if not read:
        return f"none of {_notes(len(readings))} has been read by the rules: all is to be abstracted by hand"
    told = []
    unread = sum(one.read_at is None for one in readings)
    aside = sum(one.set_aside for one in readings)
    if unread:
        told.append(f"{_notes(unread)} newer and not read by the rules")
    if aside:
        told.append(f"{_notes(aside)} could not be read by the rules")
    other = sorted({one.rulebook or "" for one in read if one.rulebook != rulebook})
    if other:
        told.append(f"read by other rules ({', '.join(one[:8] for one in other)}) than those here ({rulebook[:8]})")
    last = max(one.read_at or "" for one in read)[:10]
    return f"rules ran {last}; {'; '.join(told)}" if told else ""


def _notes(count: int) -> str:
    return f"{count} note" if count == 1 else f"{count} notes"
