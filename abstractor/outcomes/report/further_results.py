"""The sections on competing events, response over time, genes and subgroups, and what errors of abstraction could do."""

from abstractor.outcomes.cohort import Analysis
from abstractor.outcomes.competing_risks import IncidenceAt
from abstractor.outcomes.cox import Term
from abstractor.outcomes.definitions import TITLES, column_title, level_title
from abstractor.outcomes.gene_results import GeneScreen
from abstractor.outcomes.multiplicity import Screened
from abstractor.outcomes.numbers import cause_id, forest_id, slug
from abstractor.outcomes.report.blocks import Block, Cell, Column, Figures, Heading, Paragraph, table
from abstractor.outcomes.report.shown import (
    HELD_BACK,
    NOT_ESTIMABLE,
    Printer,
    Results,
    format_share,
    p_value,
    per_cent,
    ratio,
)
from abstractor.outcomes.response_results import ResponseResult
from abstractor.outcomes.subgroup_results import CUTS, Forest
from abstractor.outcomes.uncertainty import Outcome, Simulation, Spread, Uncertainty


def competing(results: Results, say: Printer) -> list[Block]:
    """Cumulative incidences."""
    analysis = results.analysis
    blocks: list[Block] = [Heading("Competing events", "competing")]
    for question in results.further.causes:
        blocks.append(Heading(question.title, level=3))
        if not question.curves:
            blocks.append(Paragraph(_sentence(say.reason(question.why_not))))
            continue
        months = analysis.protocol.landmark_months
        columns = [
            Column("Group"),
            Column("First event"),
            Column("Events", right=True, id=".events"),
            *(Column(f"By {one:g} months", id=f".m{one:g}") for one in months),
            Column("id"),
        ]
        rows: list[list[Cell]] = []
        starts: set[int] = set()
        before = ""
        for one in question.curves:
            name = cause_id(question.name, one.cause, one.group)
            if one.group != before:
                starts.add(len(rows))
            rows.append(
                [
                    Cell(level_title(one.group) if one.group != before else "", strong=True),
                    Cell(one.cause),
                    Cell(say.count(f"{name}.events", one.events)),
                    *(_incidence(say, f"{name}.m{month:g}", at) for month, at in zip(months, one.at, strict=True)),
                    Cell(name),
                ]
            )
            before = one.group
        blocks += [table(columns, rows, starts), *_figures(results, f"incidence_{question.name}", wide=False)]
        ratios = [
            f"{level_title(one.group)} against {level_title(one.reference)} {ratio(one.estimate, one.lower, one.upper)}, p {p_value(one.p)}"
            for one in question.ratios
            if say.may_show(f"risk.{question.name}.hr.{slug(one.group)}")
        ]
        if ratios:
            blocks.append(Paragraph(f"Cause-specific hazard ratio of the first event: {'; '.join(ratios)}."))
        elif question.why_not:
            blocks.append(Paragraph(f"Cause-specific hazard ratio: {say.reason(question.why_not)}.", "note"))
    text = (
        "Cumulative incidence by Aalen–Johansen, of what ends progression-free survival; one minus Kaplan–Meier would overstate it. "
        "NE: behind the last observation."
    )
    return [*blocks, Paragraph(text, "note")]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _incidence(say: Printer, name: str, one: IncidenceAt) -> Cell:
    if not say.may_show(name):
        return Cell(HELD_BACK)
    if one.beyond_last or one.incidence is None:
        return Cell(NOT_ESTIMABLE)
    below = () if one.lower is None else (per_cent(one.lower, one.upper),)
    return Cell(f"{one.incidence * 100:.1f} %", below)


def by_response(results: Results, say: Printer) -> list[Block]:
    """Landmark and time-dependent analysis."""
    blocks: list[Block] = [Heading("Response and what came after", "by-response")]
    if not results.further.responses:
        return [*blocks, Paragraph("Not computed: the landmark counts from line 1, and time zero is another day.")]
    blocks.append(
        Paragraph(
            "Who responded has lived until then, so responders are never compared as such. Landmark: patients still followed on day "
            f"{results.analysis.protocol.response_landmark_days} after the start of line 1, by what had happened until then, from that "
            "day on. Time-dependent: everybody from the start, counted as responding from the day after the response."
        )
    )
    rows: list[list[Cell]] = []
    starts = set()
    for one in results.further.responses:
        starts.add(len(rows))
        prefix = f"landmark.{one.endpoint}"
        for place, group in enumerate(one.groups):
            name = f"{prefix}.{slug(group.group)}"
            rows.append(
                [
                    Cell(TITLES[one.endpoint] if place == 0 else "", strong=True),
                    Cell(group.group),
                    Cell(say.count(f"{name}.n", group.sample.n)),
                    Cell(say.count(f"{name}.events", group.sample.events)),
                    Cell(*say.quantile(f"{name}.median", group.median)),
                    Cell("", note=_response_test(one, say) if place == 0 else ""),
                    Cell(name),
                ]
            )
    columns = [
        Column("From the landmark"), Column(""), Column("n", right=True, id=".n"), Column("Events", right=True, id=".events"),
        Column("Median, months", id=".median"), Column("Compared"), Column("id"),
    ]  # fmt: skip
    blocks += [table(columns, rows, starts), *_figures(results, "landmark_", wide=False)]
    if not results.shareable:
        blocks += [Paragraph(_left_and_late(one), "note") for one in results.further.responses]
    blocks += [Paragraph(_changing(one, say)) for one in results.further.responses]
    return blocks


def _response_test(one: ResponseResult, say: Printer) -> str:
    if one.test is None:
        return say.reason(one.no_test)
    if not say.may_show(f"landmark.{one.endpoint}.logrank"):
        return HELD_BACK
    hazard = one.ratio
    told = "no hazard ratio" if hazard is None else f"HR {ratio(hazard.estimate, hazard.lower, hazard.upper)}"
    return f"log-rank p {p_value(one.test.p)}; {told} of who responded"


def _left_and_late(one: ResponseResult) -> str:
    left = ", ".join(one.left_before) or "nobody"
    later = ", ".join(one.later) or "nobody"
    return (
        f"{TITLES[one.endpoint]}: in neither group, since their time ended by day {one.landmark_days}: {left}. "
        f"Responded only later, and so counted as not responding: {later}."
    )


def _changing(one: ResponseResult, say: Printer) -> str:
    term = one.time_dependent
    head = f"{TITLES[one.endpoint]}, time-dependent: "
    if term is None:
        return f"{head}{say.reason(one.why_not)}."
    if not say.may_show(f"response.{one.endpoint}.hr"):
        return f"{head}{HELD_BACK}."
    return f"{head}hazard ratio after a response {_term(term)}, p {p_value(term.p)}."


def _term(term: Term) -> str:
    return ratio(term.hazard_ratio, term.lower, term.upper)


def genes(results: Results, say: Printer) -> list[Block]:
    """The screen of genes."""
    blocks: list[Block] = [Heading("Genes", "genes"), *_figures(results, "oncoprint")]
    protocol = results.analysis.protocol
    for screen in results.further.genes:
        blocks.append(Heading(TITLES[screen.endpoint], level=3))
        columns = [
            Column("Gene"), Column("Tested", right=True, id=".known"), Column("Altered", right=True, id=".altered"),
            Column("Hazard ratio, altered", id=".hr"), Column("Log-rank p", id=".p"),
            Column("q (Benjamini–Hochberg)", id=".q"), Column("p (Holm)", id=".p-holm"), Column("id"),
        ]  # fmt: skip
        rows = [_gene_row(screen, one, say, protocol.gene_q) for one in screen.genes]
        blocks += [table(columns, rows), Paragraph(_screen_words(results, screen), "note")]
    return blocks


def _gene_row(screen: GeneScreen, one: Screened, say: Printer, limit: float) -> list[Cell]:
    name = f"gene.{screen.endpoint}.{slug(one.marker)}"
    head = [
        Cell(one.marker, strong=True),
        Cell(say.count(f"{name}.known", one.known)),
        Cell(say.count(f"{name}.altered", one.altered)),
    ]
    if one.test is None:
        why = f"not tested: {say.reason(one.why_not)}"
        return [*head, Cell("", note=why), Cell(""), Cell(""), Cell(""), Cell(name)]
    if not say.may_show(f"{name}.p"):
        return [*head, Cell(HELD_BACK), Cell(""), Cell(""), Cell(""), Cell(name)]
    q = p_value(one.q) + (" *" if one.q is not None and one.q <= limit else "")
    hazard = NOT_ESTIMABLE if one.ratio is None else _term(one.ratio)
    return [*head, Cell(hazard), Cell(p_value(one.test.p)), Cell(q), Cell(p_value(one.p_holm)), Cell(name)]


def _screen_words(results: Results, screen: GeneScreen) -> str:
    protocol = results.analysis.protocol
    parts = [
        f"{screen.tested} of {len(screen.genes)} genes tested (altered in at least {protocol.gene_min_altered} patients and "
        f"{100 * protocol.gene_min_prevalence:g} % of those tested; each group with {protocol.min_group_patients} patients and "
        f"{protocol.min_group_events} events). At risk from the molecular report on. "
        + (
            "Stratified by stage. "
            if screen.stratified
            else "Not stratified by stage, which is not known of everybody. "
        )
        + f"Benjamini–Hochberg over all tested (* q ≤ {protocol.gene_q:g}), Holm over those named before: "
        f"{', '.join(protocol.genes_named_before)}."
    ]
    if results.shareable:
        return parts[0]
    parts.append(f"{screen.untested} analysed patients without any of these genes looked for.")
    if screen.never_at_risk:
        parts.append(
            f"Never at risk (no date of the report, or only after the end): {', '.join(screen.never_at_risk)}."
        )
    if screen.entry is not None:
        parts.append(
            f"Is the outcome independent of the day of the report? Conditional tau {screen.entry.kendall_tau:.2f}, p "
            f"{p_value(screen.entry.p)}; the day as a covariate, p {p_value(screen.entry.cox.p)}. A large p is no proof."
        )
    else:
        parts.append(f"Independence of the outcome from the day of the report: {screen.no_entry_test}.")
    return " ".join(parts)


def subgroups(results: Results, say: Printer) -> list[Block]:
    """Forest plots and their numbers."""
    blocks: list[Block] = [Heading("Subgroups", "subgroups")]
    for forest in results.further.forests:
        blocks.append(Heading(TITLES[forest.endpoint], level=3))
        if not forest.factors:
            blocks.append(Paragraph(f"No comparison: {say.reason(forest.why_not)}."))
            continue
        blocks += _figures(results, f"forest_{forest.endpoint}")
        blocks.append(_forest_table(results.analysis, forest, say))
    text = (
        "Hazard ratios of Cox models inside each subgroup, unadjusted; none where a group has fewer than "
        f"{results.analysis.protocol.min_group_patients} patients or {results.analysis.protocol.min_group_events} events. "
        "Interaction: likelihood-ratio test. The subgroups were not powered; no correction for their number."
    )
    return [*blocks, Paragraph(text, "note")]


def _forest_table(analysis: Analysis, forest: Forest, say: Printer) -> Block:
    columns = [
        Column("Subgroup"), Column(""), Column("n", right=True, id=".n"),
        Column(f"Hazard ratio, {level_title(forest.group)} against {level_title(forest.reference)}", id=".hr"),
        Column("p of interaction", id=".interaction"), Column("id"),
    ]  # fmt: skip
    rows: list[list[Cell]] = []
    starts: set[int] = set()
    for factor in forest.factors:
        starts.add(len(rows))
        key = f"forest.{forest.endpoint}.{slug(factor.name)}.interaction"
        for place, one in enumerate(factor.levels):
            name = forest_id(forest.endpoint, factor.name, one.level)
            hazard = Cell("", note=say.reason(one.why_not)) if one.ratio is None else Cell(_term(one.ratio))
            shown = hazard if say.may_show(f"{name}.hr") and say.may_show(key) else Cell(HELD_BACK)
            p = Cell("", note=factor.why_not) if factor.interaction_p is None else Cell(p_value(factor.interaction_p))
            if not say.may_show(key):
                p = Cell(HELD_BACK)
            missing = f"unknown of {len(factor.missing)}" if factor.missing and not say.hides else ""
            rows.append(
                [
                    Cell(
                        factor_title(factor.name) if place == 0 else "", note=missing if place == 0 else "", strong=True
                    ),
                    Cell(level_title(one.level)),
                    Cell(say.count(f"{name}.n", len(one.patients))),
                    shown,
                    p if place == 0 else Cell(""),
                    Cell(name),
                ]
            )
    return table(columns, rows, starts)


def factor_title(name: str) -> str:
    """What a factor of the forest plot is called."""
    return {"ecog_2": "ECOG", "age_65": "Age"}[name] if name in CUTS else column_title(name)


def _figures(results: Results, start: str, *, wide: bool = True) -> list[Block]:
    found = tuple(one for one in results.pictures if one.name.startswith(start))
    return [Figures(found, wide=wide)] if found else []


def uncertainty(results: Results, say: Printer) -> list[Block]:
    """What errors of abstraction, and what nobody has reviewed, could change."""
    found = results.uncertainty
    if found is None:
        return []
    blocks: list[Block] = [Heading("Uncertainty of abstraction", "abstraction")]
    if results.shareable:
        # the same patients under other facts: their counts set off against each other would tell of few
        blocks.append(Paragraph("Results from other sets of facts are left out of the shareable report.", "note"))
    else:
        blocks += _side_by_side(found, say)
    blocks.append(Heading("Errors at a measured rate", level=3))
    if found.simulation is None:
        return [*blocks, Paragraph(f"Not simulated: {found.why_no_simulation}.")]
    return [*blocks, *_simulated(results.analysis, found, found.simulation, say)]


def _side_by_side(found: Uncertainty, say: Printer) -> list[Block]:
    columns = [
        Column("Facts"), Column("Patients changed", right=True), Column("Analysed", right=True),
        Column(f"ORR, {found.response}"), Column(f"DCR, {found.response}"), Column("Median PFS, months"), Column("Median OS, months"),
    ]  # fmt: skip
    blocks: list[Block] = [
        Paragraph(
            "The same rules on other sets of facts. The results of this report are those of the confirmed facts."
        ),
        table(columns, [_outcome_row(one, say) for one in found.outcomes]),
    ]
    if found.extremes is not None and found.extremes.patients:
        low, high = format_share(found.extremes.lowest), format_share(found.extremes.highest)
        blocks.append(
            Paragraph(
                f"Of {found.extremes.patients} patients the response would change if what waits for review were accepted. Choosing for each "
                f"patient whichever is lower or higher, ORR lies between {low} and {high}."
            )
        )
    elif found.extremes is not None:
        blocks.append(Paragraph("No pending suggestion would change a response."))
    return blocks


def _outcome_row(one: Outcome, say: Printer) -> list[Cell]:
    if one.orr is None or one.dcr is None:
        return [Cell(one.name, strong=True), Cell("", note=one.why_not), *[Cell("")] * 5]
    medians = []
    for endpoint in ("pfs", "os"):
        n, events, median = one.medians[endpoint]
        text = f"{say.months(median.estimate)} ({say.months(median.lower)}–{say.months(median.upper)})"
        medians.append(Cell(text, (f"{events} events in {n}",)))
    return [
        Cell(one.name, strong=True), Cell(str(one.changed)), Cell(str(one.analysed)),
        Cell(format_share(one.orr)), Cell(format_share(one.dcr)), *medians,
    ]  # fmt: skip


def _simulated(analysis: Analysis, found: Uncertainty, simulation: Simulation, say: Printer) -> list[Block]:
    rates = simulation.rates
    columns = [Column("What"), Column("Precision"), Column("Recall"), Column("Simulated: middle (95 % of runs)")]
    median = simulation.median_pfs
    rows = [
        [
            Cell(f"ORR, {found.response}", strong=True), Cell(f"{rates.response.precision:.3f}"),
            Cell(f"{rates.response.recall:.3f}"), Cell(_share_spread(simulation.orr)),
        ],
        [
            Cell("Median PFS", strong=True), Cell(f"{rates.progression.precision:.3f}"), Cell(f"{rates.progression.recall:.3f}"),
            Cell(f"{say.months(median.middle)} months ({say.months(median.lower)}–{say.months(median.upper)})"),
        ],
    ]  # fmt: skip
    text = (
        f"{simulation.runs} simulated registries (seed {simulation.seed}); rates: {rates.source}. Each stated response or progression is false as "
        "often as precision says, and as many are missing as recall says, put in at random among the others; a false progression leaves the "
        "patient's time as it is without it, a missed one lies anywhere before the end, and a right one is misdated as often as one is false, by a "
        f"standard deviation of {analysis.protocol.date_error_days:g} days. The spread is that of abstraction alone, without sampling; where its "
        "middle lies away from the result, errors of that kind would bias it."
    )
    return [table(columns, rows), Paragraph(text, "note")]


def _share_spread(one: Spread) -> str:
    if one.middle is None or one.lower is None or one.upper is None:
        return NOT_ESTIMABLE
    return f"{100 * one.middle:.1f} % ({100 * one.lower:.1f}–{100 * one.upper:.1f})"
