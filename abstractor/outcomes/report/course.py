"""The sections on how patients were followed: what ended their times, platinum sensitivity, how often they were assessed."""

from abstractor.outcomes.course import CATEGORIES, ENDINGS_OF
from abstractor.outcomes.definitions import TITLES, level_title
from abstractor.outcomes.numbers import ending_id, interval_id, platinum_id, slug
from abstractor.outcomes.report.blocks import Block, Cell, Column, Heading, Paragraph, table
from abstractor.outcomes.report.shown import HELD_BACK, NOT_ESTIMABLE, Printer, Results


def platinum(results: Results, say: Printer) -> list[Block]:
    """How long after the last platinum the cancer progressed, at each cut-off."""
    found = results.further.course.platinum
    if not found:
        return []
    ours = results.analysis.protocol.platinum_free_cutoff
    columns = [Column("Cut-off"), *(Column(one.capitalize(), right=True, id=f".{slug(one)}") for one in CATEGORIES)]
    rows = [
        [
            Cell(f"{one.cutoff} days", note="of the protocol" if one.cutoff == ours else ""),
            *(Cell(say.count(platinum_id(one.cutoff, category), len(who))) for category, who in one.patients),
            Cell(f"platinum.{one.cutoff}"),
        ]
        for one in found
    ]
    text = (
        "Days from the last platinum dose of line 1 to progression before the next line: sensitive from the cut-off on, else resistant; "
        "refractory: progression by the last dose. Not progressed: no progression before the next line. Unknown: no dated platinum dose."
    )
    return [
        Heading("Platinum sensitivity", "platinum", 3),
        table([*columns, Column("id")], rows),
        Paragraph(text, "note"),
    ]


def endings(results: Results, say: Printer) -> list[Block]:
    """Which events there were, and why the others were censored."""
    found = results.further.course.endings
    if not found:
        return []
    columns = [Column("Endpoint"), Column("Time ends with"), Column("Patients", right=True), Column("id")]
    rows: list[list[Cell]] = []
    starts: set[int] = set()
    for endpoint in ENDINGS_OF:
        of_endpoint = [one for one in found if one.endpoint == endpoint]
        starts.add(len(rows))
        for place, one in enumerate(of_endpoint):
            name = ending_id(endpoint, one.reason)
            title = Cell(TITLES[endpoint] if place == 0 else "", strong=True)
            rows.append([title, Cell(one.reason), Cell(say.count(name, len(one.patients))), Cell(name)])
    return [Heading("How the times ended", "endings", 3), table(columns, rows, starts)]


def assessment_intervals(results: Results, say: Printer) -> list[Block]:
    """Whether groups were assessed equally often: progression is seen no earlier than somebody looks."""
    found = results.further.course.intervals
    if not any(one.quartiles for one in found):
        return []
    columns = [
        Column("Group"),
        Column("Patients assessed", right=True, id=".n"),
        Column("Days between assessments", id=".median"),
        Column("id"),
    ]
    rows = []
    for one in found:
        name = interval_id(one.group)
        value = Cell(NOT_ESTIMABLE)
        if not say.may_show(f"{name}.median"):
            value = Cell(HELD_BACK)
        elif one.quartiles:
            low, middle, high = one.quartiles
            value = Cell(f"{middle:.0f}", (f"{low:.0f}–{high:.0f}",))
        rows.append(
            [
                Cell(level_title(one.group), strong=True),
                Cell(say.count(f"{name}.n", len(one.patients))),
                value,
                Cell(name),
            ]
        )
    text = (
        "From the start of line 1 to its first assessment and from each to the next, until the next line: of each patient the median, of the "
        "patients median and quartiles. Groups assessed at different intervals have progression dated differently late."
    )
    return [Heading("How often patients were assessed", "intervals", 3), table(columns, rows), Paragraph(text, "note")]
