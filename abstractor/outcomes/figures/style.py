"""What all figures share: sizes in inches, colours told apart by everybody, text that is measured before it is placed, and files.

A sheet is addressed in inches from its upper left corner, so that what must not overlap is laid out and not hoped for. The same
sheet gives the same bytes, without a date and without anything from outside: glyphs are drawn as paths.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar
from xml.sax.saxutils import escape, quoteattr

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text

P = ParamSpec("P")
R = TypeVar("R")

# Okabe and Ito: told apart with every common colour vision; line style, hatch or shape tells the same in black and white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY = COLOURS
YELLOW = "#F0E442"
INK, MUTED, GRID = "#1a1a1a", "#555555", "#dddddd"
STYLES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, ()), (0, (6, 2)), (0, (6, 2, 1.5, 2)), (0, (1.5, 1.5)), (0, (10, 2)), (0, (3, 1.5, 1, 1.5, 1, 1.5)),
)  # fmt: skip

PAGE = 7.2
"""Width of a figure over two columns of a journal, in inches."""
SIZE, SMALL = 9.0, 8.0
"""Points of text, and of text in tables and captions; nothing is smaller."""
ROW = 0.185
"""Height of a row of small text, in inches."""
MARGIN = 0.15
CAPTION = 0.16
DPI = 160

_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "abstractor",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": SIZE,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure in all its forms."""

    name: str
    """File name without ending."""
    title: str
    png: bytes
    svg: bytes
    text: str = ""
    """The same in words and numbers, for terminals and screen readers."""


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Makes a function draw in the house style, whatever the process has set."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(_SETTINGS):
            return draw(*args, **kwargs)

    return in_style


class Sheet:
    """A figure addressed in inches from its upper left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height))
        FigureCanvasAgg(self.figure)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """A plot whose upper left corner is at x, y."""
        bottom = self.height - y - height
        return self.figure.add_axes((x / self.width, bottom / self.height, width / self.width, height / self.height))

    def text(self, x: float, y: float, words: str, **how: Any) -> Text:
        """Words whose middle is at height y; `ha`, `size`, `color`, `weight` as in matplotlib."""
        settings: dict[str, Any] = {"va": "center", "ha": "left", "size": SMALL, **how}
        return self.figure.text(x / self.width, 1.0 - y / self.height, words, **settings)

    def line(self, xs: Sequence[float], ys: Sequence[float], **how: Any) -> None:
        """A line through points."""
        across = [x / self.width for x in xs]
        down = [1.0 - y / self.height for y in ys]
        self.figure.add_artist(Line2D(across, down, **how))

    def box(self, x: float, y: float, width: float, height: float, **how: Any) -> None:
        """A rectangle whose upper left corner is at x, y."""
        corner = (x / self.width, 1.0 - (y + height) / self.height)
        self.patch(Rectangle(corner, width / self.width, height / self.height, **how))

    def patch(self, one: Patch) -> None:
        """Any patch, in shares of the figure."""
        one.set_transform(self.figure.transFigure)
        self.figure.add_artist(one)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point in shares of the figure."""
        return x / self.width, 1.0 - y / self.height


@styled
def make_picture(name: str, title: str, figure: Figure, text: str) -> Picture:
    """The files of a figure; the SVG carries title and words for screen readers."""
    png, svg = io.BytesIO(), io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": "Abstractor", "Title": title})
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "Abstractor"})
    return Picture(name, title, png.getvalue(), _described(svg.getvalue(), title, text), text)


def _described(svg: bytes, title: str, text: str) -> bytes:
    start = svg.index(b"<svg ")
    end = svg.index(b">", start)
    label = f' role="img" aria-label={quoteattr(title)}'
    words = f"\n <title>{escape(title)}</title>\n <desc>{escape(text)}</desc>"
    return svg[:end] + label.encode() + svg[end : end + 1] + words.encode("utf-8", "replace") + svg[end + 1 :]


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    return RendererAgg(10, 10, 72)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=64)
def _font(size: float, weight: str) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=size, weight=weight)


@lru_cache(maxsize=4096)
def measure(words: str, size: float = SMALL, weight: str = "normal") -> float:
    """Width of a line of text, in inches."""
    font = _font(size, weight)
    width, _, _ = _renderer().get_text_width_height_descent(words, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width) / 72.0


def widest(lines: Sequence[str], size: float = SMALL, weight: str = "normal") -> float:
    """Width of the widest of the lines, in inches; 0 without any."""
    return max((measure(one, size, weight) for one in lines), default=0.0)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[str]:
    return frozenset(map(chr, get_font(findfont(_font(SMALL, "normal"))).get_charmap()))


def printable(words: str) -> str:
    """One line; what the font can't draw becomes a white square."""
    flat = " ".join(words.split())
    return "".join(one if one in _glyphs() else "□" for one in flat)


def fit(words: str, width: float, size: float = SMALL, weight: str = "normal") -> str:
    """The text, cut with an ellipsis where it is wider than `width` inches."""
    text = printable(words)
    if measure(text, size, weight) <= width:
        return text
    kept = len(text) - 1
    while kept > 0 and measure(text[:kept].rstrip() + "…", size, weight) > width:
        kept -= 1
    return text[:kept].rstrip() + "…"


def wrap(words: str, width: float, size: float = SMALL, weight: str = "normal") -> list[str]:
    """The text in lines of at most `width` inches, broken between words; a longer word is cut."""
    lines: list[str] = []
    for word in printable(words).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(fit(word, width, size, weight))
    return lines


def caption(sheet: Sheet, y: float, lines: Sequence[str]) -> None:
    """Lines of small print from height y down; see `CAPTION` for the height of one."""
    for place, line in enumerate(lines):
        sheet.text(MARGIN, y + CAPTION * (place + 0.5), line, color=MUTED)


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows as text in aligned columns, two blanks apart; the columns in `right` end flush."""
    if not rows:
        return ""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def plural(count: int, noun: str) -> str:
    """`1 patient`, `2 patients`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def shown(count: int | None, least: int = 0) -> str:
    """A count as printed: None is withheld, and one above 0 and below `least` is not told."""
    if count is None:
        return "withheld"
    return f"<{least}" if 0 < count < least else str(count)


def format_p(p: float) -> str:
    """A p value with its sign, as journals print it."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
