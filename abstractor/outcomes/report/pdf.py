"""The page as paper: A4, the fonts inside, by ReportLab (pure Python, no system packages). Folded parts are left out."""

import io
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from abstractor.model.errors import InputError
from abstractor.outcomes.figures.style import Picture
from abstractor.outcomes.report.blocks import (
    Block,
    Cards,
    Cell,
    Column,
    Contents,
    Figures,
    Folded,
    Heading,
    Page,
    Paragraph,
    Quote,
    Settings,
    Table,
    Terms,
)

FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
_MARGIN = 40.0
_NARROW = 6.5
"""Points: the smallest print of a table."""
_TALLEST = 620.0


def require_pdf() -> None:
    """Stops before any work where a PDF can't be made.

    Raises:
        InputError: the library is not installed; says how to get it.
    """
    if find_spec("reportlab") is None:
        raise InputError("--pdf needs the package reportlab: pip install 'abstractor[pdf]'; or print report.html")


def render_pdf(page: Page) -> bytes:
    """The page as PDF; the same page gives the same bytes."""
    require_pdf()
    from reportlab.platypus import SimpleDocTemplate

    _register_fonts()
    content = io.BytesIO()
    document = SimpleDocTemplate(
        content, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
        title=page.title, author="Abstractor", invariant=1, pageCompression=1,
    )  # fmt: skip
    paper = _Paper(document.width)
    story = [paper.text(page.title, "h1"), *paper.blocks(page.blocks)]
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return content.getvalue()


def _register_fonts() -> None:
    """DejaVu, which matplotlib carries: it has the letters that names and intervals need."""
    import matplotlib as mpl
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _number(canvas: Any, document: Any) -> None:
    canvas.setFont(FONT, 7)
    canvas.drawRightString(document.pagesize[0] - _MARGIN, _MARGIN / 2, str(canvas.getPageNumber()))


class _Paper:
    """Blocks to what ReportLab flows onto pages."""

    def __init__(self, width: float) -> None:
        from reportlab.lib.colors import HexColor
        from reportlab.lib.styles import ParagraphStyle

        self._width = width
        self._colour: Callable[[str], Any] = HexColor

        def style(name: str, size: float, **more: Any) -> Any:
            fonts = {"fontName": FONT, "fontSize": size, "leading": size * 1.3, "spaceAfter": 4}
            return ParagraphStyle(name, **(fonts | more))

        self._styles = {
            "": style("plain", 9),
            "h1": style("h1", 16, fontName=BOLD, spaceAfter=6),
            "h2": style("h2", 12, fontName=BOLD, spaceBefore=12, spaceAfter=4, keepWithNext=1),
            "h3": style("h3", 10, fontName=BOLD, spaceBefore=6, keepWithNext=1),
            "note": style("note", 7.5, textColor=HexColor("#555555")),
            "warn": style("warn", 9, backColor=HexColor("#fff4d6"), borderPadding=4, spaceBefore=6, spaceAfter=8),
            "alarm": style(
                "alarm", 9, fontName=BOLD, backColor=HexColor("#fde3e1"), borderPadding=4, spaceBefore=6, spaceAfter=8
            ),
            "card": style("card", 8, leading=15, spaceAfter=0),
        }
        self._style = style

    def text(self, words: str, kind: str = "") -> Any:
        from reportlab.platypus import Paragraph as Words

        return Words(escape(words), self._styles.get(kind, self._styles[""]))

    def blocks(self, blocks: Iterable[Block]) -> list[Any]:
        return [one for block in blocks for one in self._block(block)]

    def _block(self, block: Block) -> list[Any]:
        match block:
            case Heading():
                return [self.text(block.text, f"h{min(block.level, 3)}")]
            case Paragraph():
                return [self.text(block.text, block.kind)]
            case Table():
                return self._table(block) if block.rows else []
            case Cards():
                return self._cards(block)
            case Figures() if block.wide or len(block.pictures) == 1:
                return [self._together(self._picture(one, 0.8 * self._width)) for one in block.pictures]
            case Figures():
                return self._pairs(block)
            case Terms():
                return [self._marked(f"<b>{escape(name)}</b><br/>{escape(text)}") for name, text in block.items]
            case Settings():
                listed = "; ".join(f"{escape(name)} = <b>{escape(value)}</b>" for name, value in block.items)
                return [self._marked(listed, "note")]
            case Quote():
                return [self.text(f"“{block.text}” {block.where}", "note")]
            case Contents() | Folded():
                return []

    def _marked(self, markup: str, kind: str = "") -> Any:
        from reportlab.platypus import Paragraph as Words

        return Words(markup, self._styles[kind])

    def _cards(self, block: Cards) -> list[Any]:
        from reportlab.platypus import Spacer
        from reportlab.platypus import Table as Grid

        cells = [
            self._marked(
                f"<b>{escape(one.name)}</b><br/><font size='13'><b>{escape(one.value)}</b></font><br/>{escape(one.interval)}<br/>{escape(one.of)}",
                "card",
            )
            for one in block.cards
        ]
        rule = self._colour("#c8d3dd")
        grid = Grid([cells], colWidths=[self._width / len(cells)] * len(cells))
        grid.setStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.5, rule),
                ("INNERGRID", (0, 0), (-1, -1), 0.5, rule),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
        return [grid, Spacer(1, 6)]

    def _picture(self, picture: Picture, width: float) -> list[Any]:
        from reportlab.lib.utils import ImageReader
        from reportlab.platypus import Image

        across, down = ImageReader(io.BytesIO(picture.png)).getSize()
        scale = min(width / across, _TALLEST / down)
        drawn = Image(io.BytesIO(picture.png), across * scale, down * scale, hAlign="LEFT")
        return [self.text(picture.title, "h3"), drawn]

    def _together(self, parts: list[Any]) -> Any:
        from reportlab.platypus import KeepTogether

        return KeepTogether(parts)

    def _pairs(self, block: Figures) -> list[Any]:
        """Two beside each other."""
        from reportlab.platypus import Table as Grid

        half = self._width / 2
        cells: list[Any] = [self._picture(one, half - 10) for one in block.pictures]
        cells += [""] * (len(cells) % 2)
        grid = Grid([cells[place : place + 2] for place in range(0, len(cells), 2)], colWidths=[half, half])
        grid.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
        return [grid]

    def _table(self, block: Table) -> list[Any]:
        """Ids stay off paper; what is left is as wide as its words need."""
        from reportlab.platypus import Spacer
        from reportlab.platypus import Table as Grid

        shown = [place for place, one in enumerate(block.columns) if one.title != "id"]
        size = 7.5 if len(shown) < 8 and not block.small else _NARROW
        left, right = self._style("left", size, spaceAfter=0), self._style("right", size, alignment=2, spaceAfter=0)
        styles = [right if block.columns[place].right else left for place in shown]
        rows = [[self._head(block.columns[place], style) for place, style in zip(shown, styles, strict=True)]]
        rows += [[_cell(row[place], style) for place, style in zip(shown, styles, strict=True)] for row in block.rows]
        grid = Grid(rows, colWidths=self._widths(block, shown, size), repeatRows=1, hAlign="LEFT")
        rule, strong = self._colour("#e4e4e4"), self._colour("#777777")
        look = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 2), ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, rule), ("LINEBELOW", (0, 0), (-1, 0), 0.7, strong),
        ]  # fmt: skip
        look += [("LINEABOVE", (0, row + 1), (-1, row + 1), 0.6, strong) for row in block.starts if row]
        grid.setStyle(look)
        return [grid, Spacer(1, 6)]

    def _head(self, column: Column, style: Any) -> Any:
        from reportlab.platypus import Paragraph as Words

        return Words(f"<b>{escape(column.title)}</b>", style)

    def _widths(self, block: Table, shown: list[int], size: float) -> list[float]:
        """As wide as the words want, where all fit; else shared in proportion, but no column narrower than its longest word."""
        wanted, least = [], []
        for place in shown:
            cells = [Cell(block.columns[place].title, strong=True), *(row[place] for row in block.rows)]
            lines = [line for cell in cells for line in (cell.text, *cell.below)] + [cell.note for cell in cells]
            words = [word for line in lines for word in line.split()]
            wanted.append(min(max((_length(line, size) for line in lines), default=0.0), 0.4 * self._width) + 8)
            least.append(min(max((_length(word, size) for word in words), default=0.0), 0.3 * self._width) + 8)
        if sum(wanted) <= self._width:
            return wanted
        spare = max(self._width - sum(least), 0.0)
        more = [max(one - low, 0.0) for one, low in zip(wanted, least, strict=True)]
        share = spare / sum(more) if sum(more) else 0.0
        widths = [low + share * one for low, one in zip(least, more, strict=True)]
        return [one * min(1.0, self._width / sum(widths)) for one in widths]


def _length(words: str, size: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(words, BOLD, size))


def _cell(one: Cell, style: Any) -> Any:
    from reportlab.platypus import Paragraph as Words

    text = f"<b>{escape(one.text)}</b>" if one.strong else escape(one.text)
    small = [f"<font color='#555555'>{escape(line)}</font>" for line in (*one.below, *([one.note] if one.note else []))]
    return Words("<br/>".join([part for part in (text, *small) if part]), style)
