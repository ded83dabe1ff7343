"""The report as a page of blocks, in the order a reader asks: results first, then who is in them, then how it was done."""

from collections.abc import Mapping

from abstractor.outcomes.cohort import exclusions
from abstractor.outcomes.definitions import TIME_ZERO
from abstractor.outcomes.report import course, further_results, main_results, methods, people
from abstractor.outcomes.report.blocks import Block, Contents, Heading, Page, Paragraph
from abstractor.outcomes.report.shown import HELD_BACK, Printer, Results

UNREVIEWED = ("suggestions not yet reviewed", "patients with suggestions not yet reviewed")
"""Provenance that is said at the top: how many suggestions nobody has looked at, and of how many patients."""


def report_page(results: Results) -> Page:
    """The whole report."""
    say = Printer(results)
    blocks = _top(results, say)
    body: list[Block] = [*main_results.flow(results, say), *people.left_out(results, say)]
    if results.analysis.analysed:
        body += main_results.baseline(results)
        body += main_results.response(results, say)
        body += course.platinum(results, say)
        body += main_results.times(results, say)
        body += course.endings(results, say)
        body += course.assessment_intervals(results, say)
        body += further_results.competing(results, say)
        body += further_results.by_response(results, say)
        body += further_results.genes(results, say)
        body += further_results.subgroups(results, say)
        body += main_results.sensitivity(results, say)
    body += further_results.uncertainty(results, say)
    if results.analysis.analysed:
        body += methods.second_opinion(results)
    body += people.missing(results)
    body += people.faults(results)
    body += people.patients(results, say)
    body += people.trace(results)
    body += methods.methods(results, say)
    body += methods.settings(results)
    contents = [(one.anchor, one.text) for one in body if isinstance(one, Heading) and one.anchor and one.level == 2]
    return Page("Outcomes", (*blocks, Contents(tuple(contents)), *body))


def _top(results: Results, say: Printer) -> list[Block]:
    analysis = results.analysis
    n_excluded = len(exclusions(analysis))
    sizes = (("flow.1.n", len(analysis.patients), "in the registry"), ("flow.4.n", len(analysis.analysed), "analysed"))
    shown = [(say.count(name, value), where) for name, value, where in sizes]
    counted = [f"{count} patients {where}" for count, where in shown if count != HELD_BACK]
    if n_excluded and not results.shareable:
        counted.append(f"{n_excluded} not (named below)")
    waits = " No suggestion waits for review." if results.provenance.get(UNREVIEWED[0]) == 0 else ""
    blocks: list[Block] = [
        Paragraph(
            f"Small cell lung cancer registry. Data cutoff {analysis.cutoff}. {', '.join(counted)}{'. ' if counted else ''}"
            f"Time zero: {TIME_ZERO[analysis.protocol.time_zero]}.{waits}",
            "note",
        )
    ]
    if results.shareable:
        text = (
            f"Shareable report: no patient and no words of notes; counts below {analysis.protocol.small_cell} are withheld, and with them "
            "what would give them away. Tables and figures hold nothing more."
        )
        blocks.append(Paragraph(text, "note"))
    opinion = results.opinion
    if opinion is not None and opinion.disagreements:
        blocks.append(Paragraph(opinion.text(), "alarm"))
    if not analysis.patients:
        text = "The registry holds no patient with confirmed facts: there is nothing to analyse yet."
        blocks.append(Paragraph(text, "warn"))
    elif not analysis.analysed:
        blocks.append(Paragraph("No patient can be analysed; the reasons are listed under “Not analysed”.", "warn"))
    waiting = "" if results.shareable else _unreviewed(results.provenance)
    if waiting:
        blocks.append(Paragraph(f"{waiting} Only what people confirmed is in these numbers.", "warn"))
    if analysis.analysed:
        blocks.append(main_results.cards(results, say))
        told = f" {opinion.text()}" if opinion is not None and not results.shareable else ""
        level = f"{analysis.protocol.conf_level * 100:g} %"
        text = f"{level} intervals; NE: not reached, or not to be estimated. Response rates are of all who started line 1.{told}"
        blocks.append(Paragraph(text, "note"))
    return blocks


def _unreviewed(provenance: Mapping[str, object]) -> str:
    suggestions, patients = (provenance.get(name) for name in UNREVIEWED)
    if not suggestions:  # nothing to warn of, or the caller does not know
        return ""
    return f"{suggestions} suggestions" + (f" of {patients} patients" if patients else "") + " are not yet reviewed."
