"""The way from the notes to the analysis as boxes: who is left at each step, and who left it and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from matplotlib.figure import Figure

from abstractor.outcomes.figures.style import INK, MARGIN, PAGE, Sheet, columns, plural, shown, styled, wrap

PATIENTS = "patients"
Groups = Sequence[tuple[str, int | None]]
"""Names with their numbers; None: not told."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step, and who is not in the next one."""

    label: str
    count: int
    unit: str = PATIENTS
    left_out: tuple[tuple[str, int | None], ...] = ()
    """Reason and number of those who do not reach the next stage; None: the number is not told."""


_LINE, _PAD, _ARROW, _BESIDE, _MAIN, _SIDE, _ACROSS = 0.16, 0.09, 0.26, 0.12, 3.1, 3.1, 0.35  # inches
_WIDEST_GROUP, _MOST_BOXES = 1.15, 6


@styled
def consort_figure(stages: Sequence[Stage], *, split: Groups = (), least: int = 0) -> Figure:
    """Boxes from top to bottom, exclusions to the right, the groups of the last stage side by side below it.

    Args:
        stages: from the first to the analysis set.
        split: groups of the last stage with their numbers; who is in none must be a group of its own.
        least: counts above 0 and below this are not told.

    Raises:
        ValueError: there is no stage, or the numbers do not add up.
    """
    _check(stages, split)
    stages, split = hide_small(stages, split, least)
    main = [_words(one, least) for one in stages]
    side = [_reasons(one) for one in stages]
    width, boxes = _group_boxes(split, least)
    height = sum(map(_height, main)) + sum(map(_between, side[:-1]))
    height += _ARROW + max(map(_height, boxes)) if boxes else 0.0
    sheet = Sheet(PAGE, height + 2 * MARGIN)
    y = MARGIN
    centre = MARGIN + _MAIN / 2
    for place, (box, aside) in enumerate(zip(main, side, strict=True)):
        _box(sheet, MARGIN, y, _MAIN, box)
        y += _height(box)
        if place == len(stages) - 1:
            break
        gap = _between(aside)
        _arrow(sheet, (centre, y), (centre, y + gap))
        if aside:
            middle = y + gap / 2
            left = MARGIN + _MAIN + _ACROSS
            _arrow(sheet, (centre, middle), (left, middle))
            _box(sheet, left, middle - _height(aside) / 2, _SIDE, aside)
        y += gap
    if boxes:
        _groups(sheet, width, boxes, y, centre)
    return sheet.figure


def consort_text(stages: Sequence[Stage], *, split: Groups = (), least: int = 0) -> str:
    """The stages as rows, with the exclusions below the stage that they leave."""
    _check(stages, split)
    stages, split = hide_small(stages, split, least)
    rows = []
    for one in stages:
        rows.append((one.label, shown(one.count, least), one.unit))
        rows += [
            (f"  not further: {reason}", "" if count is None else str(count), one.unit)
            for reason, count in one.left_out
        ]
    rows += [(f"  of these {label}", shown(count, least), stages[-1].unit) for label, count in split]
    return f"From the notes to the analysis\n\n{columns(rows, right=[1])}\n"


def hide_small(stages: Sequence[Stage], split: Groups, least: int) -> tuple[list[Stage], Groups]:
    """The same flow without a number above 0 and below `least`, also none that others would give away.

    A stage that too few left is joined with the next one; the numbers of rare reasons are left out, and with them as many
    of the next rarest as make up the least.
    """
    joined: list[Stage] = []
    for one in stages:
        while joined and joined[-1].unit == one.unit and 0 < joined[-1].count - one.count < least:
            gone = joined.pop()
            if joined and joined[-1].unit == one.unit:
                joined[-1] = replace(joined[-1], left_out=(*joined[-1].left_out, *gone.left_out))
        joined.append(one)
    told = [replace(one, left_out=_without_small(one.left_out, least)) for one in joined]
    return told, _without_small(split, least)


def _without_small(parts: Groups, least: int) -> tuple[tuple[str, int | None], ...]:
    """None for the small numbers, and for the next smallest until what is hidden adds up to the least."""
    known = [(label, count) for label, count in parts if count]
    hidden: set[str] = set()
    total = 0
    for label, count in sorted(known, key=lambda one: (one[1] or 0, one[0])):
        if (count or 0) < least or (hidden and (total < least or len(hidden) < 2)):
            hidden.add(label)
            total += count or 0
    return tuple((label, None if label in hidden else count) for label, count in known)


def _check(stages: Sequence[Stage], split: Groups) -> None:
    if not stages:
        raise ValueError("no stage to draw")
    for one, after in pairwise(stages):
        left = sum(count or 0 for _, count in one.left_out)
        if one.unit == after.unit and one.count - left != after.count:
            raise ValueError(
                f"{one.label}: {one.count} less {left} left out are not the {after.count} of {after.label}"
            )
    total = sum(count or 0 for _, count in split)
    if split and total != stages[-1].count:
        raise ValueError(f"{stages[-1].label}: the groups have {total} of {stages[-1].count}")


def _words(one: Stage, least: int) -> list[str]:
    return [*wrap(one.label, _MAIN - 2 * _PAD), f"{shown(one.count, least)} {_unit(one)}"]


def _unit(one: Stage) -> str:
    return one.unit.removesuffix("s") if one.count == 1 else one.unit


def _reasons(one: Stage) -> list[str]:
    if not one.left_out:
        return []
    numbers = [count for _, count in one.left_out]
    total = "" if None in numbers else f": {plural(sum(count or 0 for count in numbers), one.unit.removesuffix('s'))}"
    lines = [f"Not further{total}"]
    for reason, count in one.left_out:
        number = "" if count is None else f"{count}  "
        first, *more = wrap(number + reason, _SIDE - 2 * _PAD - 0.15)
        lines += [f"• {first}", *(f"   {line}" for line in more)]
    return lines


def _group_boxes(split: Groups, least: int) -> tuple[float, list[list[str]]]:
    """Width and lines of the boxes of the groups, in one row; with many groups one box lists them."""
    if len(split) > _MOST_BOXES:
        lines = [line for label, count in split for line in wrap(f"{label}: {shown(count, least)}", _MAIN - 2 * _PAD)]
        return _MAIN, [lines]
    width = min(_WIDEST_GROUP, (PAGE - 2 * MARGIN) / max(len(split), 1) - _BESIDE)
    return width, [[*wrap(label, width - 2 * _PAD), shown(count, least)] for label, count in split]


def _height(lines: Sequence[str]) -> float:
    return _LINE * len(lines) + 2 * _PAD if lines else 0.0


def _between(aside: Sequence[str]) -> float:
    return max(_ARROW, _height(aside) + 0.12 if aside else 0.0)


def _box(sheet: Sheet, x: float, y: float, width: float, lines: Sequence[str]) -> None:
    sheet.box(x, y, width, _height(lines), facecolor="white", edgecolor=INK, linewidth=0.9, zorder=2)
    for place, line in enumerate(lines):
        sheet.text(x + _PAD, y + _PAD + _LINE * (place + 0.5), line, zorder=3)


def _arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    (x, y), (to_x, to_y) = start, end
    sheet.line([x, to_x], [y, to_y], color=INK, linewidth=0.9, zorder=1)
    shape, back = (">", (-0.03, 0.0)) if to_x > x else ("v", (0.0, -0.03))
    sheet.line([to_x + back[0]], [to_y + back[1]], marker=shape, markersize=4.5, color=INK, linestyle="none", zorder=4)


def _groups(sheet: Sheet, width: float, boxes: Sequence[Sequence[str]], y: float, centre: float) -> None:
    lefts = [MARGIN + place * (width + _BESIDE) for place in range(len(boxes))]
    middles = [left + width / 2 for left in lefts]
    bar = y + _ARROW / 2
    sheet.line([centre, centre], [y, bar], color=INK, linewidth=0.9, zorder=1)
    sheet.line([min(centre, *middles), max(centre, *middles)], [bar, bar], color=INK, linewidth=0.9, zorder=1)
    for left, middle, box in zip(lefts, middles, boxes, strict=True):
        _arrow(sheet, (middle, bar), (middle, y + _ARROW))
        _box(sheet, left, y + _ARROW, width, box)
