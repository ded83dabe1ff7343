"""The statistics of the outcomes module on any table: what `abstractor stats` answers, as plain numbers ready for JSON.

It computes nothing itself: every number comes from the functions that the report's tables use, so that who checks these numbers against
R or SAS checks those. It reads no registry and draws nothing.
"""

from pathlib import Path

from abstractor.outcomes.table_answers.comparisons import compare_groups, screen_columns
from abstractor.outcomes.table_answers.groups import group_statistics
from abstractor.outcomes.table_answers.model import check_truncation, fit_model, time_dependent_effect
from abstractor.outcomes.table_answers.question import Question, check_question, needed_columns, settings_of
from abstractor.outcomes.table_answers.responses import response_rates
from abstractor.outcomes.table_answers.study import Json, group_labels, make_study
from abstractor.outcomes.time_table import TimeTable, read_time_table

__all__ = ["Question", "compute_statistics"]


def compute_statistics(path: Path, asked: Question) -> Json:
    """Reads a table and computes what is asked.

    Returns:
        The layout of `stats --json` (spec: "Statistics out"), and beside it `cox_model`, `settings` and `notes`.

    Raises:
        InputError: the file or a row is at fault, or a grouping would bring immortal time.
    """
    check_question(asked)
    table = read_time_table(path, needed_columns(asked), asked.conditions)
    if not asked.time:
        return _responses_only(table, asked)
    study = make_study(table, asked)
    groups = {name: group_statistics(study, name, asked) for name in study.names}
    answer: Json = {
        "n": int(study.time.size),
        "events": int(study.ours.sum()),
        "groups": groups,
        "logrank": None,
        "cox": [],
        "zph": [],
    }
    if study.labels is not None:
        compare_groups(study, asked, answer)
    fit_model(study, asked, answer)
    if asked.screen:
        answer["screen"] = screen_columns(study, asked)
    if study.entry is not None:
        answer["truncation"] = check_truncation(study)
    if asked.reached:
        answer["time_dependent"] = time_dependent_effect(table, asked, study)
    if asked.response:
        answer |= response_rates(table, asked, study.labels)
    answer["settings"] = settings_of(asked)
    answer["notes"] = study.notes
    return answer


def _responses_only(table: TimeTable, asked: Question) -> Json:
    labels = group_labels(table, asked.by) if asked.by else None
    return response_rates(table, asked, labels) | {"settings": settings_of(asked), "notes": []}
