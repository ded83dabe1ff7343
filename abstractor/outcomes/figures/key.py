"""The key of a figure: signs with their words, in rows as wide as there is room."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from abstractor.outcomes.figures.style import INK, ROW, Sheet, measure, printable


@dataclass(frozen=True, slots=True)
class Glyph:
    """A cell as a sign: its ground, and boxes (left, top, width, height) in shares of it."""

    ground: str
    boxes: tuple[tuple[float, float, float, float], ...]
    face: str


Sign = Patch | Line2D | Glyph
Entry = tuple[str, Sign]
"""Words, and a marker, a filled box or a cell."""

_SIGN, _CELL, _WORDS, _NEXT = 0.26, 0.14, 0.06, 0.22  # inches


def marker_sign(shape: str, face: str, size: float) -> Line2D:
    """A marker as a sign of the key."""
    return Line2D(
        [], [], linestyle="none", marker=shape, markersize=size, markerfacecolor=face, markeredgecolor=INK,
        markeredgewidth=0.7,
    )  # fmt: skip


def box_sign(face: str, hatch: str = "", edge: str = INK, *, dashed: bool = False) -> Patch:
    """A filled box as a sign of the key."""
    return Patch(facecolor=face, hatch=hatch, edgecolor=edge, linewidth=0.4, linestyle="--" if dashed else "-")


def key_height(entries: Sequence[Entry], width: float) -> float:
    """Inches that `draw_key` needs."""
    return ROW * len(_rows(entries, width))


def draw_key(sheet: Sheet, entries: Sequence[Entry], x: float, y: float, width: float) -> None:
    """Draws the key with its upper left corner at x, y."""
    for number, row in enumerate(_rows(entries, width)):
        middle = y + ROW * (number + 0.5)
        for start, words, sign in row:
            _draw_sign(sheet, sign, x + start, middle)
            sheet.text(x + start + _SIGN + _WORDS, middle, printable(words))


def _rows(entries: Sequence[Entry], width: float) -> list[list[tuple[float, str, Sign]]]:
    """Each row with the inches from the left at which its signs start."""
    rows: list[list[tuple[float, str, Sign]]] = []
    x = width
    for words, sign in entries:
        needs = _SIGN + _WORDS + measure(printable(words))
        if not rows or x + needs > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, words, sign))
        x += needs + _NEXT
    return rows


def _draw_sign(sheet: Sheet, sign: Sign, x: float, middle: float) -> None:
    if isinstance(sign, Line2D):
        across, down = sheet.place(x + _SIGN / 2, middle)
        sign.set_data([across], [down])
        sign.set_transform(sheet.figure.transFigure)
        sheet.figure.add_artist(sign)
        return
    if isinstance(sign, Glyph):
        left, top = x + _SIGN / 4, middle - _CELL / 2
        sheet.box(left, top, _SIGN / 2, _CELL, facecolor=sign.ground, edgecolor="none")
        for across, down, width, height in sign.boxes:
            sheet.box(
                left + across * _SIGN / 2,
                top + down * _CELL,
                width * _SIGN / 2,
                height * _CELL,
                facecolor=sign.face,
                edgecolor=INK,
                linewidth=0.35,
            )
        return
    sheet.box(
        x, middle - 0.055, _SIGN, 0.11, facecolor=sign.get_facecolor(), edgecolor=sign.get_edgecolor(),
        hatch=sign.get_hatch(), linewidth=sign.get_linewidth(), linestyle=sign.get_linestyle(),
    )  # fmt: skip
