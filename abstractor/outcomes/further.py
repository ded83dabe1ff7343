"""The analyses beyond rates and curves, in one value: competing events, response over time, genes, subgroups, and how patients were followed."""

from dataclasses import dataclass

from abstractor.outcomes.cause_results import Question, cause_results
from abstractor.outcomes.cohort import Analysis
from abstractor.outcomes.course import Course, describe_course
from abstractor.outcomes.gene_results import GeneScreen, gene_results
from abstractor.outcomes.response_results import ResponseResult, response_results
from abstractor.outcomes.subgroup_results import Forest, subgroup_results


@dataclass(frozen=True, slots=True, eq=False)
class Further:
    """All of one run."""

    causes: tuple[Question, ...]
    responses: tuple[ResponseResult, ...]
    """None where time zero is not the start of line 1."""
    genes: tuple[GeneScreen, ...]
    forests: tuple[Forest, ...]
    course: Course


def compute_further(analysis: Analysis) -> Further:
    """Computes them.

    Raises:
        InputError: the protocol names a subgroup that there is not.
    """
    return Further(
        cause_results(analysis),
        response_results(analysis),
        gene_results(analysis),
        subgroup_results(analysis),
        describe_course(analysis),
    )
