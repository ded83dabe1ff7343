"""The sections every reader looks at: key results, flow, baseline, response, times to an event, comparisons, sensitivity."""

from collections.abc import Iterable, Sequence

from abstractor.outcomes.cohort import ALL, Analysis, EndpointResult, GroupSurvival, headline
from abstractor.outcomes.definitions import (
    MEASURES,
    TITLES,
    column_title,
    level_title,
    response_definition,
    statistics_definition,
)
from abstractor.outcomes.numbers import rate_id, slug
from abstractor.outcomes.report.blocks import (
    Block,
    Card,
    Cards,
    Cell,
    Column,
    Figures,
    Heading,
    Paragraph,
    Table,
    table,
)
from abstractor.outcomes.report.shown import HELD_BACK, NOT_ESTIMABLE, Printer, Results, p_value, per_cent, ratio

MAIN = ("os", "pfs", "pfs_trial")
"""The endpoints with a figure."""


def cards(results: Results, say: Printer) -> Cards:
    """The four numbers a reader wants first."""
    analysis = results.analysis
    leads = headline(analysis)
    prefix = "confirmed " if leads == "confirmed" else ""
    found = []
    for measure in ("ORR", "DCR"):
        rate, name = analysis.rate(prefix + measure), rate_id(prefix + measure, ALL, ALL)
        if not say.may_show(f"{name}.share"):
            value, interval = HELD_BACK, ""
        else:
            value = "–" if rate.estimate is None else f"{rate.estimate * 100:.1f} %"
            interval = per_cent(rate.lower, rate.upper)
        of = f"{say.count(f'{name}.x', rate.x)} of {say.count(f'{name}.n', rate.n)} patients"
        found.append(Card(f"{measure}, {leads}", value, interval, of))
    for endpoint, title in (("pfs", "Median PFS"), ("os", "Median OS")):
        group = analysis.endpoint(endpoint).overall
        value, below = say.quantile(f"{endpoint}.all.median", group.median)
        value = value if value in (NOT_ESTIMABLE, HELD_BACK) else f"{value} months"
        events = say.count(f"{endpoint}.all.events", group.sample.events)
        of = f"{events} events in {say.count(f'{endpoint}.all.n', group.sample.n)} patients"
        found.append(Card(title, value, "".join(below), of))
    return Cards(tuple(found))


def flow(results: Results, say: Printer) -> list[Block]:
    """From the notes to the analysed."""
    analysis = results.analysis
    rows = [
        [Cell(step.label), Cell(say.count(f"flow.{place}.n", step.count)), Cell(f"flow.{place}.n")]
        for place, step in enumerate(analysis.flow)
    ]
    blocks: list[Block] = [
        Heading("From notes to the analysis", "flow"),
        table([Column("Step"), Column("n", right=True), Column("id")], rows),
    ]
    if analysis.missing_group and analysis.by:
        title = column_title(analysis.by)
        who = f"{len(analysis.missing_group)} patients" if results.shareable else ", ".join(analysis.missing_group)
        blocks.append(Paragraph(f"Without a value of {title}, and so in no group: {who}.", "note"))
    return [*blocks, *_pictures(results, "consort")]


def baseline(results: Results) -> list[Block]:
    """Table 1."""
    found = results.table_one
    if found is None:
        return []
    head = [Column(one, right=place > 1) for place, one in enumerate(("", "", *found.header[2:]))]
    rows: list[list[Cell]] = []
    starts: set[int] = set()
    before = None
    for row in found.rows:
        if row.variable != before:
            starts.add(len(rows))
        name = Cell(row.variable if row.variable != before else "", strong=True)
        rows.append([name, Cell(row.level), *(Cell(one) for one in row.cells)])
        before = row.variable
    return [Heading("Patients at the start", "baseline"), table(head, rows, starts), Paragraph(found.note, "note")]


def response(results: Results, say: Printer) -> list[Block]:
    """Best response and the rates."""
    analysis = results.analysis
    return [
        Heading("Response to line 1", "response"),
        _best_table(analysis, say),
        _rate_table(analysis, say),
        Paragraph(response_definition(analysis.protocol), "note"),
        *_pictures(results, "waterfall"),
    ]


def _best_table(analysis: Analysis, say: Printer) -> Table:
    names = list(analysis.best_responses["confirmed"])
    columns = [
        Column("Best response, patients"),
        *(Column(one, right=True, id=f".{slug(one)}") for one in names),
        Column("id"),
    ]
    rows = [
        [
            Cell(kind),
            *(Cell(say.count(f"bor-{kind}.{slug(one)}", counts.get(one, 0))) for one in names),
            Cell(f"bor-{kind}"),
        ]
        for kind, counts in analysis.best_responses.items()
    ]
    return table(columns, rows)


def _rate_table(analysis: Analysis, say: Printer) -> Table:
    by = [Column(_capital(column_title(analysis.by)))] if analysis.by else []
    columns = [
        Column("Of"),
        *by,
        *(Column(one, id=rate_id(one, "OF", "GROUP").replace("OF.GROUP", "…")) for one in MEASURES),
    ]
    columns.append(Column("id"))
    denominators = list(dict.fromkeys(one.denominator for one in analysis.rates))
    groups = list(dict.fromkeys(one.group for one in analysis.rates))
    rows: list[list[Cell]] = []
    starts: set[int] = set()
    for denominator in denominators:
        starts.add(len(rows))
        for place, group in enumerate(groups):
            title = "all who started line 1" if denominator == ALL else f"the {denominator}"
            cells = [Cell(title if place == 0 else "", strong=True)]
            cells += [Cell(level_title(group))] if analysis.by else []
            for measure in MEASURES:
                name = rate_id(measure, denominator, group)
                value, below = say.share(name, analysis.rate(measure, denominator, group))
                cells.append(Cell(value, below))
            rows.append([*cells, Cell(f"….{slug(denominator)}.{slug(group)}.share")])
    return table(columns, rows, starts)


def times(results: Results, say: Printer) -> list[Block]:
    """Times to an event with curves."""
    analysis = results.analysis
    main = [one for one in analysis.endpoints if one.endpoint in MAIN]
    others = [one for one in analysis.endpoints if one.endpoint not in MAIN]
    start = [
        f"{TITLES[result.endpoint]} "
        + ", ".join(
            f"{level_title(group.group)} {say.months(group.start)}"
            for group in (result.overall, *result.groups)
            if group.start
        )
        for result in main
        if any(group.start for group in (result.overall, *result.groups))
    ]
    blocks: list[Block] = [Heading("Times to an event", "times"), _times_table(analysis, main, say)]
    if start:
        text = f"With delayed entry a curve starts when {analysis.protocol.start_at_risk} are at risk; months: {'; '.join(start)}."
        blocks.append(Paragraph(text, "note"))
    blocks += _pictures(results, "km_", "swimmer", "lines")
    if analysis.by:
        blocks += _comparisons(results, main, say)
    blocks += [Heading("Other endpoints", "other-times", 3), _times_table(analysis, others, say)]
    if analysis.by:
        blocks.append(_comparison_table(results, others, say))
    text = statistics_definition(analysis.protocol)
    tau = f"{analysis.protocol.rmst_months:g}"
    blocks.append(
        Paragraph(
            f"{text} S: survival with interval and number at risk. Restricted mean: months lived (or without the event) up to "
            f"{tau} months; NE where follow-up of a group ends before. In the figures bands are the intervals and ticks the censored.",
            "note",
        )
    )
    return blocks


def _times_table(analysis: Analysis, found: Iterable[EndpointResult], say: Printer) -> Table:
    by = [Column(_capital(column_title(analysis.by)))] if analysis.by else []
    months = analysis.protocol.landmark_months
    columns = [
        Column("Endpoint"),
        *by,
        Column("n", right=True, id=".n"),
        Column("Events", right=True, id=".events"),
        Column("Median, months", id=".median"),
        *(Column(f"S at {one:g} mo", id=f".s{one:g}") for one in months),
        Column(f"Mean to {analysis.protocol.rmst_months:g} mo", id=".rmst"),
        Column("Follow-up, months", id=".followup"),
        Column("id"),
    ]
    rows: list[list[Cell]] = []
    starts: set[int] = set()
    for result in found:
        starts.add(len(rows))
        for place, group in enumerate((result.overall, *result.groups)):
            rows.append(_times_row(analysis, result, group, say, first=place == 0))
    return table(columns, rows, starts)


def _times_row(
    analysis: Analysis, result: EndpointResult, group: GroupSurvival, say: Printer, *, first: bool
) -> list[Cell]:
    name = f"{result.endpoint}.{slug(group.group)}"
    notes = [f"not computed for {result.not_computed}"] if result.not_computed else []
    notes += [f"{result.sensitivity_only} in sensitivity analyses only"] if result.sensitivity_only else []
    head = Cell(TITLES[result.endpoint], note="; ".join(notes), strong=True) if first else Cell("")
    mean = _mean(group, say) if say.may_show(f"{name}.rmst") else Cell(HELD_BACK)
    return [
        head,
        *([Cell(level_title(group.group))] if analysis.by else []),
        Cell(say.count(f"{name}.n", group.sample.n)),
        Cell(say.count(f"{name}.events", group.sample.events)),
        Cell(*say.quantile(f"{name}.median", group.median)),
        *(
            Cell(*say.landmark(f"{name}.s{month:g}", mark))
            for month, mark in zip(analysis.protocol.landmark_months, group.landmarks, strict=True)
        ),
        mean,
        Cell(*say.quantile(f"{name}.followup", group.follow_up[1])),
        Cell(name),
    ]


def _mean(group: GroupSurvival, say: Printer) -> Cell:
    if group.restricted.extrapolated or not group.sample.n:
        return Cell(NOT_ESTIMABLE)
    return Cell(say.months(group.restricted.estimate), (f"SE {say.months(group.restricted.std_err)}",))


def _comparisons(results: Results, main: Sequence[EndpointResult], say: Printer) -> list[Block]:
    blocks: list[Block] = [Heading("Groups compared", "comparisons", 3), _comparison_table(results, main, say)]
    analysis = results.analysis
    if any(one.groups_delayed for one in main):
        never = sorted({patient for one in main for patient in one.never_at_risk})
        text = (
            f"{analysis.by} is known only of patients who lived until their molecular report: the groups are at risk from the report "
            "on (left truncation), and their curves start when enough are at risk."
        )
        if never and not results.shareable:
            text += f" Never at risk, because there is no report date or it lies after the end: {', '.join(never)}."
        blocks.append(Paragraph(text, "note"))
    doubtful = [
        TITLES[one.endpoint]
        for one in main
        if one.hazards_test is not None and one.hazards_test.p < 0.05 and say.may_show(f"{one.endpoint}.zph")
    ]
    if doubtful:
        text = (
            f"The hazards are not proportional for {', '.join(doubtful)} (p < 0.05): a single hazard ratio does not describe the "
            "difference; read the restricted means."
        )
        blocks.append(Paragraph(text, "warn"))
    return blocks


def _comparison_table(results: Results, found: Sequence[EndpointResult], say: Printer) -> Block:
    if all(one.test is None for one in found):
        reasons = list(dict.fromkeys(say.reason(one.no_test.removeprefix("no test: ")) for one in found))
        names, where = (
            ", ".join(TITLES[one.endpoint] for one in found),
            "" if results.shareable else " See tables/comparisons.csv.",
        )
        told = reasons[0] if len(reasons) == 1 else "a group is too small"
        return Paragraph(f"No test of {names}: {told}.{where}", "note")
    columns = [
        Column("Endpoint"),
        Column("Log-rank p", id=".logrank"),
        Column("Hazard ratio", id=".hr.…"),
        Column("Proportional hazards p", id=".zph"),
        Column("Difference of restricted means, months", id=".rmst-difference"),
    ]
    rows = []
    for one in found:
        name = one.endpoint
        if one.test is None or not say.may_show(f"{name}.logrank"):
            why = one.no_test if one.test is None else HELD_BACK
            rows.append([Cell(TITLES[name], strong=True), Cell("", note=say.reason(why)), Cell(""), Cell(""), Cell("")])
            continue
        ratios = tuple(
            f"{level_title(each.group)} against {level_title(each.reference)}: {ratio(each.estimate, each.lower, each.upper)}"
            for each in one.hazard_ratios
        )
        gap = one.mean_difference
        difference = (
            NOT_ESTIMABLE
            if gap is None
            else f"{say.months(gap.estimate)} ({say.months(gap.lower)} to {say.months(gap.upper)})"
        )
        rows.append(
            [
                Cell(TITLES[name], strong=True),
                Cell(p_value(one.test.p)),
                Cell("", ratios or ("no hazard ratio: the model did not converge",)),
                Cell(p_value(one.hazards_test.p) if one.hazards_test else NOT_ESTIMABLE),
                Cell(difference),
            ]
        )
    return table(columns, rows)


def sensitivity(results: Results, say: Printer) -> list[Block]:
    """The medians under other choices."""
    shared = results.shareable  # counts under other settings could be set off against the main ones
    columns = [Column("Endpoint"), Column("Choice")]
    columns += [] if shared else [Column("n", right=True), Column("Events", right=True)]
    rows = []
    for one in results.analysis.sensitivity:
        counts = [] if shared else [Cell(str(one.n)), Cell(str(one.events))]
        median = Cell(*say.quantile(f"{one.endpoint}.all.median", one.median))
        rows.append([Cell(TITLES[one.endpoint]), Cell(one.choice), *counts, median])
    return [Heading("Sensitivity analyses", "sensitivity"), table([*columns, Column("Median, months")], rows)]


def _pictures(results: Results, *names: str) -> list[Block]:
    found = tuple(one for one in results.pictures if one.name.startswith(names))
    return [Figures(found, wide=not names[0].startswith("km"))] if found else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
