"""Runs all checks over one patient, and tells what they find in the words of `edits.toml`."""

from collections.abc import Callable, Iterable, Mapping

from abstractor.checks import dates, evidence, molecular, person, response, staging, treatment
from abstractor.checks.book import CheckRule
from abstractor.checks.facts import PatientFacts
from abstractor.checks.problem import Hit, Problem, Severity, key_of
from abstractor.model.case import Case

CHECKS: Mapping[str, Callable[[PatientFacts, CheckRule], Iterable[Hit]]] = {
    "E01": person.identity,
    "E02": person.age,
    "E03": person.smoking,
    "E04": person.performance,
    "E05": dates.death,
    "E06": dates.after_death,
    "E07": dates.treated_early,
    "E08": dates.future,
    "E09": staging.histology,
    "E11": staging.component,
    "E12": molecular.driver,
    "E14": staging.extent,
    "E15": staging.at_diagnosis,
    "E16": staging.tnm,
    "E17": staging.new_spread,
    "E18": molecular.variants,
    "E20": response.remission,
    "E21": response.copied,
    "E22": treatment.radiotherapy,
    "E23": treatment.lines,
    "E24": response.progression,
    "E25": response.linked,
    "E26": molecular.expression,
    "E28": dates.meant,
    "E29": dates.lost,
    "E30": evidence.words,
}

_ORDER = {Severity.FATAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


class _Values(dict[str, str]):
    """A name that a message uses and nothing gives stays as it is written."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def find_problems(patient: PatientFacts, rules: Iterable[CheckRule]) -> tuple[Problem, ...]:
    """All problems of a patient, the fatal ones first; each once.

    The same facts give the same problems, in whatever order they were decided.
    """
    found: dict[tuple[str, str], Problem] = {}
    for rule in rules:
        check = CHECKS.get(rule.id)
        if check is None or rule.not_applicable:
            continue
        for one in check(patient, rule):
            if one.part in rule.messages:
                problem = _problem(rule, one)
                found.setdefault((problem.check, problem.key), problem)
    return tuple(sorted(found.values(), key=lambda one: (_ORDER[one.severity], one.check, one.slots, one.key)))


def _problem(rule: CheckRule, found: Hit) -> Problem:
    return Problem(
        check=rule.id,
        part=found.part,
        severity=rule.severity_of(found.part),
        message=rule.messages[found.part].format_map(_Values(found.values)),
        slots=tuple(dict.fromkeys(one.slot or one.field for one in found.facts)),
        key=key_of(found),
    )


def word_for(problem: Problem, case: Case) -> str:
    """The word with which a problem was let pass; "" where nobody has. A fatal one is never let pass."""
    if problem.severity is Severity.FATAL:
        return ""
    given = case.overrides.get(problem.slot)
    return given.reason if given is not None else ""


def standing(problems: Iterable[Problem], case: Case) -> tuple[Problem, ...]:
    """The problems that still stand: nobody has said that the values are right as reported."""
    return tuple(one for one in problems if not word_for(one, case))
