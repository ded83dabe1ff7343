"""All figures of an analysis, as files to be: one call for the report."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from abstractor.outcomes.cause_results import Question
from abstractor.outcomes.cohort import Analysis
from abstractor.outcomes.definitions import TITLES, column_title
from abstractor.outcomes.figures.alteration_kinds import AlterationKinds
from abstractor.outcomes.figures.consort import Stage, consort_figure, consort_text
from abstractor.outcomes.figures.forest import forest_figure, forest_text
from abstractor.outcomes.figures.incidence import incidence_pictures
from abstractor.outcomes.figures.inputs import (
    analysed_groups,
    best_changes,
    consort_stages,
    forest_factors,
    gene_profiles,
    line_paths,
    swimmer_lanes,
)
from abstractor.outcomes.figures.kaplan_meier import survival_figure
from abstractor.outcomes.figures.lines_flow import lines_flow_figure, lines_flow_text
from abstractor.outcomes.figures.oncoprint import PER_PAGE as COLUMNS
from abstractor.outcomes.figures.oncoprint import Alteration, Profile, gene_rows, oncoprint_figures, oncoprint_text
from abstractor.outcomes.figures.response_curves import landmark_picture
from abstractor.outcomes.figures.style import Picture, make_picture
from abstractor.outcomes.figures.swimmer import PER_PAGE as LANES
from abstractor.outcomes.figures.swimmer import sort_lanes, swimmer_figures, swimmer_text
from abstractor.outcomes.figures.waterfall import waterfall_figure, waterfall_text
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.response_results import ResponseResult
from abstractor.outcomes.subgroup_results import Forest

CURVES = ("os", "pfs", "pfs_trial")
"""The endpoints with a figure."""
MOST_PAGES = 10
"""A registry of thousands would fill a book; its further pages are left out, and the last title says so."""


def draw_gallery(
    analysis: Analysis,
    records: Sequence[PatientRecord],
    kinds: AlterationKinds,
    *,
    forests: Sequence[Forest] = (),
    causes: Sequence[Question] = (),
    responses: Sequence[ResponseResult] = (),
    factor_title: Callable[[str], str] = column_title,
    shareable: bool = False,
) -> tuple[Picture, ...]:
    """Flow of patients, curves, flow of lines and forest plots; and, unless to be shared, the figures of single patients.

    Args:
        analysis: the results.
        records: those it was made from.
        kinds: what the alterations are, `load_alteration_kinds`.
        forests: subgroup results to draw.
        causes: questions of competing events to draw; none for others, as their curves tell single days.
        responses: results from the landmark to draw; none for others either.
        factor_title: what a factor of theirs is called.
        shareable: no figure with a mark a patient, and no count above 0 and below `small_cell` of the protocol.
    """
    least = analysis.protocol.small_cell if shareable else 0
    pictures = [*_consort(analysis, least), *_curves(analysis, least), *_flow(analysis, least)]
    pictures += [*_incidences(analysis, causes), *_landmarks(analysis, responses)]
    for one in forests:
        pictures += _forest(analysis, one, factor_title, least)
    if not shareable:
        pictures += [*_swimmer(analysis), *_waterfall(analysis, records), *_oncoprint(analysis, records, kinds)]
    return tuple(pictures)


def _consort(analysis: Analysis, least: int) -> Iterator[Picture]:
    stages, split = consort_stages(analysis), analysed_groups(analysis)
    through_analysed = stages[:-1]
    if split:  # the groups are of the analysed, so the figure ends with them
        stages = (*through_analysed[:-1], replace(through_analysed[-1], left_out=()))
    figure = consort_figure(stages, split=split, least=least)
    yield make_picture(
        "consort", "From the notes to the analysis", figure, consort_text(stages, split=split, least=least)
    )


def shared_consort(analysis: Analysis, may_show: Callable[[str], bool]) -> Picture:
    """The flow for others: only the steps whose counts the report shows, and between them how many left, without the reasons.

    Args:
        analysis: the results.
        may_show: whether the count with an id (`flow.2.n`) is shown.
    """
    told = [
        Stage(
            step.label[:1].upper() + step.label[1:], step.count, unit="notes" if step.patients is None else "patients"
        )
        for place, step in enumerate(analysis.flow)
        if may_show(f"flow.{place}.n")
    ]
    stages = [
        replace(one, left_out=(("reasons are in the internal report", one.count - after.count),))
        if one.unit == after.unit and one.count > after.count
        else one
        for one, after in pairwise(told)
    ] + told[-1:]
    return make_picture("consort", "From the notes to the analysis", consort_figure(stages), consort_text(stages))


def _curves(analysis: Analysis, least: int) -> Iterator[Picture]:
    for name in CURVES:
        for by in (None, analysis.by) if analysis.by else (None,):
            picture = survival_figure(
                analysis.endpoint(name),
                month_days=analysis.protocol.month_days,
                conf_level=analysis.protocol.conf_level,
                by=by,
                least=least,
            )
            if picture is not None:
                yield picture


def _incidences(analysis: Analysis, causes: Sequence[Question]) -> Iterator[Picture]:
    protocol = analysis.protocol
    for one in causes:
        yield from incidence_pictures(
            one, month_days=protocol.month_days, conf_level=protocol.conf_level, by=analysis.by
        )


def _landmarks(analysis: Analysis, responses: Sequence[ResponseResult]) -> Iterator[Picture]:
    protocol = analysis.protocol
    for one in responses:
        picture = landmark_picture(one, month_days=protocol.month_days, conf_level=protocol.conf_level)
        if picture is not None:
            yield picture


def _flow(analysis: Analysis, least: int) -> Iterator[Picture]:
    paths = line_paths(analysis)
    figure = lines_flow_figure(paths, least=least)
    if figure is not None:
        yield make_picture("lines_flow", "Lines of therapy", figure, lines_flow_text(paths, least=least))


def _forest(analysis: Analysis, forest: Forest, factor_title: Callable[[str], str], least: int) -> Iterator[Picture]:
    if not forest.factors:
        return
    protocol = analysis.protocol
    overall, factors = forest_factors(forest, factor_title)
    settings: dict[str, Any] = {
        "overall": overall,
        "against": f"{forest.group} against {forest.reference}".replace("_", " "),
        "conf_level": protocol.conf_level,
        "min_patients": protocol.min_group_patients,
        "min_events": protocol.min_group_events,
        "least": least,
    }
    yield make_picture(
        f"forest_{forest.endpoint}",
        f"{TITLES[forest.endpoint]} in subgroups",
        forest_figure(factors, **settings),
        forest_text(factors, **settings),
    )


def _swimmer(analysis: Analysis) -> Iterator[Picture]:
    lanes, month_days = sort_lanes(swimmer_lanes(analysis)), analysis.protocol.month_days
    figures = swimmer_figures(lanes, month_days=month_days, most_pages=MOST_PAGES)
    for place, figure in enumerate(figures):
        here = lanes[place * LANES : (place + 1) * LANES]
        name, title = _page("swimmer", "Course of each patient", place, -(-len(lanes) // LANES))
        yield make_picture(name, title, figure, swimmer_text(here, month_days=month_days))


def _waterfall(analysis: Analysis, records: Sequence[PatientRecord]) -> Iterator[Picture]:
    changes = best_changes(analysis, records)
    figure = waterfall_figure(changes)
    if figure is not None:
        yield make_picture(
            "waterfall", "Best change in size, by best response without confirmation", figure, waterfall_text(changes)
        )


def _oncoprint(analysis: Analysis, records: Sequence[PatientRecord], kinds: AlterationKinds) -> Iterator[Picture]:
    profiles, alterations = gene_profiles(analysis, records, kinds)
    genes = _drawn_genes(analysis, profiles, alterations)
    figures = oncoprint_figures(profiles, alterations, genes=genes, most_pages=MOST_PAGES)
    text = oncoprint_text(profiles, alterations)
    for place, figure in enumerate(figures):
        name, title = _page("oncoprint", "Alterations of each patient", place, -(-len(profiles) // COLUMNS))
        yield make_picture(name, title, figure, text)


def _drawn_genes(analysis: Analysis, profiles: Sequence[Profile], alterations: Sequence[Alteration]) -> list[str]:
    """The altered genes and those of the protocol; the words tell of all."""
    rows = gene_rows(profiles, alterations)
    return [one.gene for one in rows if one.altered or one.gene in analysis.protocol.genes]


def _page(name: str, title: str, place: int, pages: int) -> tuple[str, str]:
    """File name and title of a page, counted from 0; a single page has no number."""
    if pages == 1:
        return name, title
    rest = f"; the further {pages - MOST_PAGES} are not drawn" if place + 1 == MOST_PAGES < pages else ""
    return f"{name}_{place + 1:02d}", f"{title}, page {place + 1} of {pages}{rest}"
