"""Putting one's name to patients: what is signed, and as what, stands on the screen before `enter` signs it."""

from collections.abc import Iterable, Sequence
from itertools import islice

from textual import events
from textual.widget import Widget

from abstractor.registry.roles import roles
from abstractor.registry.signatures import Signature
from abstractor.registry.worklist import WorklistRow
from abstractor.review.session import Session
from abstractor.tui.actions import Keymap
from abstractor.tui.screens.dialogs import Dialog
from abstractor.tui.themes import Palette
from abstractor.tui.widgets.lines import Line, LineList

SIGNED = "#"
"""The glyph of a patient that is signed, always with a word beside it."""
_NAMED = 8
"""Problems that are told one by one."""
_SHOWN = 10


class SignScreen(Dialog[str]):
    """Asks for the meaning of a signature, where there is a choice, and then for `enter`; hands back the meaning."""

    def __init__(
        self, keymap: Keymap, palette: Palette, title: str, lines: Sequence[str], meanings: Sequence[str]
    ) -> None:
        """Takes what is signed, in lines, and what it could be signed as; `chosen` is what was chosen."""
        self.meanings = meanings
        self.chosen = meanings[0] if len(meanings) == 1 else ""
        self.lines = lines
        super().__init__(keymap, palette, title)

    def asks(self) -> Iterable[Widget]:
        yield LineList(lambda at, _width: Line.of((f"   {self.lines[at]}", self.palette.plain)), id="about")
        yield LineList(lambda at, _width: Line.of((f" {self.choices[at]}", self.palette.heading)), id="meanings")

    def draw(self) -> None:
        self.hint = self._hint()
        super().draw()
        about, meanings = self.query_one("#about", LineList), self.query_one("#meanings", LineList)
        about.styles.height = min(len(self.lines), _SHOWN)
        about.show(len(self.lines), about.index, self.palette.plain)
        meanings.styles.height = len(self.choices)
        meanings.show(len(self.choices), 0, self.palette.plain)

    @property
    def choices(self) -> tuple[str, ...]:
        told = roles().meaning
        return tuple(
            f'{">" if one == self.chosen else " "} {number} {one:<12} "{told[one].says}"'
            for number, one in enumerate(self.meanings, 1)
        )

    def _hint(self) -> str:
        if self.chosen:
            return f"enter signs as {self.chosen}   esc leaves"
        return f"1-{len(self.meanings)} says what your name means   esc leaves"

    def on_key(self, event: events.Key) -> None:
        if self.app.screen is self and event.character and event.character.isdecimal():
            event.stop()
            event.prevent_default()
            at = int(event.character)
            if 1 <= at <= len(self.meanings):
                self.chosen = self.meanings[at - 1]
                self.draw()
            return
        super().on_key(event)

    def do_choice_down(self) -> None:
        self.query_one("#about", LineList).move(1)

    def do_choice_up(self) -> None:
        self.query_one("#about", LineList).move(-1)

    def do_save(self) -> None:
        if self.chosen:
            self.dismiss(self.chosen)
        else:
            self.say(self.hint, alarm=True)


def sign_patient(keymap: Keymap, palette: Palette, session: Session) -> SignScreen:
    """The question whether to sign the patient that is shown."""
    return SignScreen(keymap, palette, f"Sign {session.patient_id}", patient_lines(session), session.signing.meanings)


def sign_listed(
    keymap: Keymap, palette: Palette, rows: Sequence[WorklistRow], found: dict[str, tuple[str, ...]]
) -> SignScreen:
    """The question whether to sign the closed patients of the list.

    Args:
        keymap: of this person.
        palette: the colours.
        rows: the patients.
        found: what each of them could be signed as; at least one.
    """
    order = [one for one in roles().meaning if any(one in meanings for meanings in found.values())]
    counts = ", ".join(f"{sum(one in meanings for meanings in found.values())} as {one}" for one in order)
    told = [f"{row.patient_id:<16} {row.notes} notes   {signed_words(row.signed)}" for row in rows]
    title = f"Sign closed patients of the list: {counts}"
    return SignScreen(keymap, palette, title, told, order)


def patient_lines(session: Session) -> list[str]:
    """What stands in a patient, and who has signed it."""
    case = session.case
    stated = len(case.facts)
    told = [f"{stated} facts, {len(case.current) - stated} rows without one, {len(session.blocking)} open"]
    problems = session.problems.standing
    told.append(f"problems that nobody has let pass: {len(problems)}" if problems else "no open problem")
    told += [f"  {one.check} {one.severity.value} {one.message}" for one in islice(problems, _NAMED)]
    if len(problems) > _NAMED:
        told.append(f"  and {len(problems) - _NAMED} more")
    standing = [one for one in session.signing.signatures if one.stands]
    return told + ([signature_words(one) for one in standing] or ["nobody has signed it"])


def signature_words(one: Signature) -> str:
    """A signature in words; one that no longer fits what holds says so."""
    said = f"{one.signed_at[:16].replace('T', ' ')} {one.meaning} by {one.printed_name} ({one.signed_by})"
    if one.reason:
        return f"{said}, because: {one.reason}"
    if one.stands and not one.fits:
        return f"{said}: DOES NOT FIT what holds now, see `abstractor verify`"
    return said if one.stands else f"{said}, void"


def signed_words(meaning: str) -> str:
    """The state of a patient in a list: glyph and word; "" where it is not signed."""
    if not meaning:
        return ""
    return f"{SIGNED} {meaning}" if meaning == "locked" else f"{SIGNED} signed {meaning}"
