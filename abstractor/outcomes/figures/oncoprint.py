"""Oncoprints: genes by patients, with every patient, also those without an alteration and those who were not tested.

Kinds of alteration differ in shape and place within the cell, so that they are told apart without colour and several fit one cell.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from abstractor.outcomes.figures.key import Entry, Glyph, box_sign, draw_key, key_height
from abstractor.outcomes.figures.style import (
    BLUE,
    CAPTION,
    COLOURS,
    GREEN,
    INK,
    MARGIN,
    MUTED,
    ORANGE,
    PAGE,
    PINK,
    ROW,
    SKY,
    SMALL,
    VERMILLION,
    Sheet,
    caption,
    columns,
    fit,
    plural,
    styled,
    widest,
    wrap,
)


@dataclass(frozen=True, slots=True)
class Alteration:
    """One alteration of one patient."""

    patient: str
    gene: str
    kind: str
    """One of `KINDS`."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a patient's tumour, altered or not."""

    patient: str
    tested: frozenset[str] | None
    """Genes with a result, altered or not; None where the patient has no molecular result at all."""
    group: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an alteration is drawn: boxes (left, top, width, height) in shares of the cell."""

    words: str
    boxes: tuple[tuple[float, float, float, float], ...]
    face: str


_KINDS: Mapping[str, _Kind] = {
    "amplification": _Kind("amplification", ((0.0, 0.0, 1.0, 0.5),), VERMILLION),
    "gain": _Kind("gain", ((0.0, 0.0, 1.0, 0.22),), ORANGE),
    "loss": _Kind("deletion or loss", ((0.0, 0.5, 1.0, 0.5),), BLUE),
    "fusion": _Kind("fusion", ((0.3, 0.0, 0.4, 1.0),), PINK),
    "truncating": _Kind("truncating", ((0.0, 0.33, 1.0, 0.34),), INK),
    "splice": _Kind("splice site", ((0.0, 0.26, 1.0, 0.16), (0.0, 0.58, 1.0, 0.16)), SKY),
    "missense": _Kind("missense or in frame", ((0.22, 0.3, 0.56, 0.4),), GREEN),
    "other_mutation": _Kind("mutation of unstated kind", ((0.0, 0.33, 1.0, 0.34),), "white"),
    "vus": _Kind("unknown significance (not counted)", ((0.36, 0.4, 0.28, 0.2),), "white"),
}
KINDS = tuple(_KINDS)
"""Every kind of alteration; an unknown significance is drawn, and does not make a gene altered."""
PER_PAGE = 120
UNCOUNTED = frozenset({"vus"})

_TESTED, _EDGE = "#d4d4d4", "#bdbdbd"
_GROUP_HATCHES = ("", "////", "....", "xxxx", "----", "\\\\\\\\")
_CELL, _WIDE, _NARROW, _ROW, _TRACK = 0.05, 0.17, 0.02, 0.17, 0.11  # inches
_NAMED = 0.125
_CAPTION = (
    "Beside each gene: altered of those with a stated result for it. Where reports list only what they found, that share is "
    "too high. White: no result for the gene."
)
_LONGEST_NAME, _LONGEST_GENE = 1.1, 0.9


@dataclass(frozen=True, slots=True)
class _Row:
    """A gene with how many of the tested have it altered."""

    gene: str
    altered: int
    tested: int

    @property
    def share(self) -> str:
        return f"{self.altered}/{self.tested}" + (f"  {self.altered / self.tested * 100:.0f} %" if self.tested else "")


@styled
def oncoprint_figures(
    profiles: Sequence[Profile],
    alterations: Sequence[Alteration],
    *,
    genes: Sequence[str] | None = None,
    per_page: int = PER_PAGE,
    most_pages: int | None = None,
    names: bool = True,
) -> tuple[Figure, ...]:
    """Pages of at most `per_page` patients, none where no gene has a result: genes by frequency; patients by group, tested first, then by their alterations.

    Args:
        profiles: one per patient; nobody is left out.
        alterations: of these patients, any number a cell.
        genes: the rows; None for every gene with a result.
        per_page: patients on one page. The shares beside the genes are those of all pages.
        most_pages: what lies beyond is not drawn; None for all.
        names: whether patients are named where there is room.

    Raises:
        ValueError: an alteration of an unknown kind, or of a patient without a profile.
    """
    _check(profiles, alterations)
    rows = gene_rows(profiles, alterations, genes)
    cells = _cells(alterations)
    left_out = len(gene_rows(profiles, alterations)) - len(rows)
    note = _CAPTION + (f" {plural(left_out, 'more gene')} with a result not drawn." if left_out > 0 else "")
    ordered = sort_profiles(profiles, cells, rows)
    groups = _looks(profiles)
    if not rows:
        return ()
    pages = [ordered[start : start + per_page] for start in range(0, len(ordered), per_page)][:most_pages]
    return tuple(
        _page(page, cells, rows, groups, _count(profiles, number * per_page, len(page)), note, names)
        for number, page in enumerate(pages)
    )


def oncoprint_text(
    profiles: Sequence[Profile], alterations: Sequence[Alteration], *, genes: Sequence[str] | None = None
) -> str:
    """A row a gene with its share and the kinds found; then the patients without results."""
    _check(profiles, alterations)
    lines = [("gene", "altered of those with a result", "kinds")]
    for row in gene_rows(profiles, alterations, genes):
        kinds = Counter(kind for kind in (one.kind for one in set(alterations) if one.gene == row.gene))
        found = ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS if kinds[kind])
        lines.append((row.gene, row.share, found or "–"))
    return f"{_count(profiles, 0, len(profiles))}\n\n{columns(lines)}\n"


def gene_rows(
    profiles: Sequence[Profile], alterations: Sequence[Alteration], genes: Sequence[str] | None = None
) -> list[_Row]:
    """Genes by how often they are altered, then by name. An unknown significance alone is no alteration."""
    tested = Counter(gene for one in profiles for gene in one.tested or ())
    altered = Counter(gene for _, gene in {(one.patient, one.gene) for one in alterations if one.kind not in UNCOUNTED})
    chosen = set(tested) if genes is None else set(genes)
    return sorted(
        (_Row(gene, altered[gene], tested[gene]) for gene in chosen),
        key=lambda one: (-one.altered, -one.tested, one.gene),
    )


def sort_profiles(
    profiles: Sequence[Profile], cells: Mapping[tuple[str, str], frozenset[str]], rows: Sequence[_Row]
) -> list[Profile]:
    """By group in the order of first appearance; the tested first, those altered in the commonest genes leading."""
    order = {name: place for place, name in enumerate(dict.fromkeys(one.group for one in profiles))}

    def rank(one: Profile) -> tuple[int, bool, tuple[bool, ...], str]:
        unaltered = tuple(not cells.get((one.patient, row.gene), frozenset()) - UNCOUNTED for row in rows)
        return order[one.group], one.tested is None, unaltered, one.patient

    return sorted(profiles, key=rank)


def _check(profiles: Sequence[Profile], alterations: Sequence[Alteration]) -> None:
    tested = {one.patient: one.tested for one in profiles}
    for one in alterations:
        if one.kind not in _KINDS:
            raise ValueError(f"{one.kind}: no kind of alteration; the kinds are {', '.join(KINDS)}")
        if one.gene not in (tested.get(one.patient) or ()):
            raise ValueError(
                f"{one.gene} is altered in patient {one.patient}, whose profile does not say it was tested"
            )


def _cells(alterations: Sequence[Alteration]) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for one in alterations:
        found.setdefault((one.patient, one.gene), set()).add(one.kind)
    return {place: frozenset(kinds) for place, kinds in found.items()}


def _looks(profiles: Sequence[Profile]) -> dict[str, tuple[str, str]]:
    """Colour and hatch of each group; none where there are no groups."""
    names = list(dict.fromkeys(one.group for one in profiles))
    if names == [""]:
        return {}
    return {
        name: (COLOURS[place % len(COLOURS)], _GROUP_HATCHES[(place + place // len(COLOURS)) % len(_GROUP_HATCHES)])
        for place, name in enumerate(names)
    }


def _count(profiles: Sequence[Profile], first: int, here: int) -> str:
    tested = sum(one.tested is not None for one in profiles)
    page = "" if here == len(profiles) else f"Patients {first + 1}–{first + here} of {len(profiles)}. "
    return f"{page}{plural(len(profiles), 'patient')}: {tested} with a molecular result, {len(profiles) - tested} not tested"


def _page(
    page: Sequence[Profile],
    cells: Mapping[tuple[str, str], frozenset[str]],
    rows: Sequence[_Row],
    groups: Mapping[str, tuple[str, str]],
    heading: str,
    note: str,
    names: bool,
) -> Figure:
    genes, shares = [fit(row.gene, _LONGEST_GENE) for row in rows], [row.share for row in rows]
    left, right = MARGIN + max(0.3, widest(genes)) + 0.1, 0.1 + max(0.6, widest(shares)) + MARGIN
    cell = min(_WIDE, max(_CELL, (PAGE - left - right) / len(page)))
    width = max(PAGE, left + cell * len(page) + right)
    key = _key(page, cells, rows, groups)
    top = MARGIN + ROW + key_height(key, width - 2 * MARGIN) + 0.12
    track = _TRACK + 0.05 if groups else 0.0
    labels = [fit(one.patient, _LONGEST_NAME) for one in page] if names and cell >= _NAMED else []
    height = _ROW * len(rows)
    below = wrap(note, width - 2 * MARGIN)
    under = 0.12 + widest(labels)
    sheet = Sheet(width, top + track + height + under + CAPTION * len(below) + MARGIN)
    sheet.text(MARGIN, MARGIN + ROW / 2, heading, color=MUTED)
    draw_key(sheet, key, MARGIN, MARGIN + ROW, width - 2 * MARGIN)
    if groups:
        _groups(sheet.axes(left, top, cell * len(page), _TRACK), page, groups)
    axes = sheet.axes(left, top + track, cell * len(page), height)
    _grid(axes, page, cells, rows, cell)
    for place, (gene, share) in enumerate(zip(genes, shares, strict=True)):
        y = top + track + _ROW * (place + 0.5)
        sheet.text(left - 0.08, y, gene, ha="right", style="italic")
        sheet.text(left + cell * len(page) + 0.1, y, share)
    if labels:
        axes.set_xticks([place + 0.5 for place in range(len(labels))], labels, rotation=90, size=SMALL)
        axes.tick_params(axis="x", length=0)
    caption(sheet, top + track + height + under, below)
    return sheet.figure


def _key(
    page: Sequence[Profile],
    cells: Mapping[tuple[str, str], frozenset[str]],
    rows: Sequence[_Row],
    groups: Mapping[str, tuple[str, str]],
) -> list[Entry]:
    """The kinds on this page, the states of a cell, the groups."""
    genes = {row.gene for row in rows}
    here = {one.patient for one in page}
    found = {kind for (patient, gene), kinds in cells.items() if patient in here and gene in genes for kind in kinds}
    key: list[Entry] = [
        (_KINDS[kind].words, Glyph(_TESTED, _KINDS[kind].boxes, _KINDS[kind].face)) for kind in KINDS if kind in found
    ]
    key.append(("tested, not altered", box_sign(_TESTED, edge=_EDGE)))
    if any(one.tested is not None and not genes <= one.tested for one in page):
        key.append(("gene without a result", box_sign("white", edge=_EDGE)))
    if any(one.tested is None for one in page):
        key.append(("patient not tested", box_sign("white", "////", edge=_EDGE)))
    key += [
        (name or "group not known", box_sign(*look))
        for name, look in groups.items()
        if any(one.group == name for one in page)
    ]
    return key


def _groups(axes: Axes, page: Sequence[Profile], groups: Mapping[str, tuple[str, str]]) -> None:
    for place, one in enumerate(page):
        face, hatch = groups[one.group]
        axes.add_patch(
            Rectangle((place + 0.08, 0.0), 0.84, 1.0, facecolor=face, hatch=hatch, edgecolor=INK, linewidth=0)
        )
    axes.set_xlim(0, len(page))
    axes.set_ylim(0, 1)
    axes.axis("off")


def _grid(
    axes: Axes,
    page: Sequence[Profile],
    cells: Mapping[tuple[str, str], frozenset[str]],
    rows: Sequence[_Row],
    cell: float,
) -> None:
    gap = min(0.1, 0.006 / cell + 0.04)
    ground: dict[str, list[Rectangle]] = {_TESTED: [], "white": []}
    strokes = []
    marks: dict[str, list[Rectangle]] = {kind: [] for kind in KINDS}
    for across, one in enumerate(page):
        for down, row in enumerate(rows):
            x, y, width, height = across + gap, down + 0.08, 1 - 2 * gap, 0.84
            tested = one.tested is not None and row.gene in one.tested
            ground[_TESTED if tested else "white"].append(Rectangle((x, y), width, height))
            if one.tested is None:
                strokes.append([(x, y + height), (x + width, y)])
            for kind in cells.get((one.patient, row.gene), ()):
                marks[kind] += [
                    Rectangle((x + a * width, y + b * height), c * width, d * height)
                    for a, b, c, d in _KINDS[kind].boxes
                ]
    for face, boxes in ground.items():
        axes.add_collection(PatchCollection(boxes, facecolor=face, edgecolor=_EDGE, linewidth=0.4, zorder=1))
    axes.add_collection(LineCollection(strokes, colors=_EDGE, linewidths=0.5, zorder=2))
    for place, (kind, boxes) in enumerate(marks.items()):
        look = _KINDS[kind]
        axes.add_collection(
            PatchCollection(boxes, facecolor=look.face, edgecolor=INK, linewidth=0.35, zorder=3 + place)
        )
    axes.set_xlim(0, len(page))
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([])
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)
