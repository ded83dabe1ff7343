"""`abstractor stats` and `abstractor derive`: the statistics on any table, and the derivations on case files, open to checking."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from abstractor.outcomes.statistics import Question

Json = Mapping[str, Any]


def _names(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    """`a,b`: names of columns."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _times(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, ...]:
    """`6,12,24`: times, none of them negative."""
    try:
        times = tuple(float(part) for part in value.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r} holds something that is no number", ctx, param) from None
    if not all(0.0 <= time < math.inf for time in times):
        raise click.BadParameter("a time is negative or not finite", ctx, param)
    return times


def _levels(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`arm=B`: a column and one of its levels."""
    pairs = []
    for value in values:
        column, equals, level = value.partition("=")
        if not (column and equals and level):
            raise click.BadParameter(f"{value!r}: write COLUMN=LEVEL", ctx, param)
        pairs.append((column.strip(), level.strip()))
    return tuple(pairs)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.csv")
@click.option("--time", "time_column", metavar="C", help="Column of the time to the event or to censoring.")
@click.option("--event", "event_column", metavar="C", help="Column of the event: 1, or 0 for censored.")
@click.option("--entry", metavar="C", help="Column of the time at which observation began (left truncation).")
@click.option("--by", metavar="C", help="Column of groups: curves of each, and the log-rank test between them.")
@click.option(
    "--strata", default="", metavar="C,C", callback=_names, help="Strata of the log-rank test and of the Cox model."
)
@click.option(
    "--covariates",
    default="",
    metavar="C,C",
    callback=_names,
    help="Terms of the Cox model, A:B for a product; without it, the groups. Text becomes a factor against its first level.",
)
@click.option(
    "--factor",
    "factors",
    default="",
    metavar="C,C",
    callback=_names,
    help="Covariates of numbers to be taken as factors.",
)
@click.option(
    "--reference", "references", multiple=True, callback=_levels, metavar="C=LEVEL",
    help="What the other levels of a factor are compared with; default: the first in order.",
)  # fmt: skip
@click.option("--times", default="", metavar="T,T", callback=_times, help="Times at which survival is given.")
@click.option(
    "--rmst", type=click.FloatRange(min=0, min_open=True), metavar="T", help="Restricted mean up to this time."
)
@click.option(
    "--conf-type", type=click.Choice(["log-log", "log", "plain"]), default="log-log", show_default=True,
    help="Scale on which the intervals of a curve are symmetric.",
)  # fmt: skip
@click.option(
    "--conf-level", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95, show_default=True,
    help="Of all intervals.",
)  # fmt: skip
@click.option(
    "--rho", type=float, default=0.0, show_default=True, help="Weight of the log-rank test: S(t-) to this power."
)
@click.option(
    "--ties", type=click.Choice(["efron", "breslow"]), default="efron", show_default=True, help="Ties in the Cox model."
)
@click.option(
    "--transform", type=click.Choice(["km", "rank", "identity", "log"]), default="km", show_default=True,
    help="Of time, in the test of proportional hazards.",
)  # fmt: skip
@click.option(
    "--cause",
    metavar="CODE",
    help="The event column holds several codes that compete; this one is in question. Gives cumulative incidence in place of survival.",
)
@click.option(
    "--landmark", type=click.FloatRange(min=0), metavar="T", help="Follow from this time only; with --reached."
)
@click.option(
    "--reached", metavar="C", help="Column of the time something happened (empty: never): the landmark's groups."
)
@click.option("--response", metavar="C", help="A column of 0/1: rates with exact and Wilson intervals, Fisher's test.")
@click.option(
    "--start-at-risk", type=click.IntRange(min=0), default=0, metavar="N", help="Curves begin when N are at risk."
)
@click.option(
    "--pairwise", is_flag=True, help="Each pair of groups tested too, with Holm's and Benjamini-Hochberg's p."
)
@click.option(
    "--screen",
    default="",
    metavar="C,C",
    callback=_names,
    help="Markers (columns of 0/1), each tested alone, with Benjamini-Hochberg's p.",
)
@click.option(
    "--named-before",
    default="",
    metavar="C,C",
    callback=_names,
    help="Those of --screen that were pre-specified: Holm's p.",
)
@click.option("--curve", is_flag=True, help="Every step of every curve in the JSON.")
@click.option(
    "--where", "conditions", multiple=True, metavar="C=V", help="Only rows with this value (C!=V: without it)."
)
@click.option("--known-at-start", is_flag=True, help="I vouch that groups and covariates were known at time zero.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="All numbers, in full precision.")
def stats(
    file: Path,
    time_column: str | None,
    event_column: str | None,
    rmst: float | None,
    json_file: Path | None,
    conditions: tuple[str, ...],
    **options: Any,
) -> None:
    """The statistics of the outcomes module on any table, to be held against R or SAS.

    Kaplan-Meier with quartiles, survival at given times, restricted mean and follow-up; log-rank test; Cox model with the test of
    proportional hazards. Units are those of the file. How each is defined and checked: docs/checking-statistics.md.

    Example: abstractor stats trial.csv --time days --event died --by arm --times 182,365 --json trial.json
    """
    from abstractor.outcomes.statistics import Question, compute_statistics
    from abstractor.outcomes.time_table import Condition

    for name in ("entry", "by", "cause", "reached", "response"):
        options[name] = options[name] or ""
    asked = Question(
        time=time_column or "",
        event=event_column or "",
        tau=rmst,
        conditions=tuple(Condition.parse(one) for one in conditions),
        **options,
    )
    answer = compute_statistics(file, asked)
    if json_file is not None:
        write_json(json_file, answer)
    click.echo(statistics_text(answer, asked))


@click.command()
@click.argument("cases", type=click.Path(path_type=Path), metavar="CASES.json")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="The answers as JSON, by case.")
def derive(cases: Path, json_file: Path | None) -> None:
    """Best responses and times to events of a file of cases, from the functions the analysis uses.

    The layout of the cases and of the answers is in docs/checking-statistics.md.

    Example: abstractor derive bor_cases.json --json answers.json
    """
    from abstractor.outcomes.cases import derive_cases, read_cases

    answers = derive_cases(read_cases(cases))
    if json_file is not None:
        write_json(json_file, answers)
    click.echo("\n".join(f"{name}  {_answer(answer)}" for name, answer in answers.items()))


def _answer(answer: Json) -> str:
    return "  ".join(f"{name} {'-' if value is None else value}" for name, value in answer.items())


def write_json(path: Path, value: object) -> None:
    """Writes a result whole or not at all."""
    from abstractor.files import whole_file

    with whole_file(path) as file:
        cast("IO[str]", file).write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def statistics_text(answer: Json, asked: "Question") -> str:
    """The numbers for people: NE is not reached or not estimable; tests of groups that are too small are not shown."""
    level = f"{100 * asked.conf_level:g} %"
    told: list[list[str]] = []
    if "groups" in answer:
        told.append([f"{answer['n']} patients, {answer['events']} events"])
        told.append(_group_lines(answer["groups"], level, competing=bool(asked.cause)))
        told += [_time_lines(answer["groups"], level), _mean_lines(answer["groups"])]
        small = (answer["logrank"] or {}).get("below_limits")
        if small:
            told.append([f"{small}; --json holds the numbers, for checking"])
        else:
            told += [
                _test_lines(answer),
                _difference_lines(answer, level),
                _cox_lines(answer, level),
                _hazards_lines(answer),
            ]
    told += [_screen_lines(answer, level), _response_lines(answer, level), _late_lines(answer)]
    notes = [f"note: {one}" for one in answer["notes"]]
    return "\n\n".join("\n".join(lines) for lines in [*told, notes] if lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as needed, the first to the left."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _show(value: float | None) -> str:
    return "NE" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _between(row: Json, name: str = "est") -> str:
    return f"{_show(row[name])} ({_show(row['lower'])} to {_show(row['upper'])})"


def _p(value: float | None) -> str:
    return "NE" if value is None else "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _group_lines(groups: Json, level: str, *, competing: bool) -> list[str]:
    if competing:
        rows = [["group", "n", "events", "competing", "median follow-up"]]
        rows += [
            [name, str(one["n"]), str(one["events"]), str(one["competing_events"]), _between(one["followup"], "median")]
            for name, one in groups.items()
        ]
        return _aligned(rows)
    rows = [["group", "n", "events", "25 %", f"median ({level})", "75 %", f"follow-up ({level})"]]
    for name, one in groups.items():
        lower, middle, upper = one["quantiles"]
        rows.append(
            [
                name,
                str(one["n"]),
                str(one["events"]),
                _show(lower["est"]),
                _between(middle),
                _show(upper["est"]),
                _between(one["followup"], "median"),
            ]
        )
    return _aligned(rows)


def _time_lines(groups: Json, level: str) -> list[str]:
    rows = []
    for name, one in groups.items():
        for mark in one.get("survival", one.get("cumulative_incidence", [])):
            value = "surv" if "surv" in mark else "est"
            shown = "NE (later than the last time)" if mark["beyond_last"] else _between(mark, value)
            rows.append([name, f"{mark['t']:g}", str(mark["n_risk"]), shown])
    what = "incidence" if any("cumulative_incidence" in one for one in groups.values()) else "survival"
    return _aligned([["group", "time", "at risk", f"{what} ({level})"], *rows]) if rows else []


def _mean_lines(groups: Json) -> list[str]:
    rows = [
        [name, f"{mean['tau']:g}", _show(mean["rmst"]), _show(mean["se"]), "carried on" if mean["extrapolated"] else ""]
        for name, one in groups.items()
        if (mean := one.get("rmst"))
    ]
    return _aligned([["group", "up to", "restricted mean", "SE", ""], *rows]) if rows else []


def _test_lines(answer: Json) -> list[str]:
    test = answer["logrank"]
    if not test:
        return []
    strata = f", stratified by {', '.join(test['strata'])}" if test["strata"] else ""
    weight = f", rho {test['rho']:g}" if test["rho"] else ""
    lines = [f"log-rank{strata}{weight}: chi-square {_show(test['chisq'])} on {test['df']} df, p {_p(test['p'])}"]
    for one in answer.get("pairwise", ()):
        p_values = f"p {_p(one['p'])}, Holm {_p(one['p_holm'])}, Benjamini-Hochberg {_p(one['p_bh'])}"
        lines.append(f"  {' / '.join(one['groups'])}: {one['below_limits'] or p_values}")
    return lines


def _difference_lines(answer: Json, level: str) -> list[str]:
    one = answer.get("rmst_difference")
    if not one:
        return []
    first, second = one["groups"]
    return [f"restricted mean to {one['tau']:g}, {second} less {first} ({level}): {_between(one)}, p {_p(one['p'])}"]


def _screen_lines(answer: Json, level: str) -> list[str]:
    if not answer.get("screen"):
        return []
    rows = [["marker", "n", "altered", f"hazard ratio ({level})", "p", "B-H p", "Holm p"]]
    for one in answer["screen"]:
        head = [one["marker"], str(one["n"]), str(one["altered"])]
        if one["not_tested"]:
            rows.append([*head, f"not tested: {one['not_tested']}", "", "", ""])
        else:
            by_holm = "" if one["p_holm"] is None else _p(one["p_holm"])
            rows.append([*head, _between(one, "hr"), _p(one["p"]), _p(one["p_bh"]), by_holm])
    return _aligned(rows)


def _cox_lines(answer: Json, level: str) -> list[str]:
    if not answer["cox"]:
        return []
    rows = [["Cox model", f"hazard ratio ({level})", "coef", "SE", "p"]]
    rows += [
        [one["term"], _between(one, "hr"), _show(one["coef"]), _show(one["se"]), _p(one["p"])] for one in answer["cox"]
    ]
    model = answer["cox_model"]
    tests = ", ".join(
        f"{label} {_show(model[name]['chisq'])} (p {_p(model[name]['p'])})"
        for label, name in (("likelihood ratio", "lrt"), ("Wald", "wald"), ("score", "score"))
    )
    return [
        *_aligned(rows),
        f"{model['n']} patients, {model['events']} events; {tests} on {model['lrt']['df']} df; concordance {_show(model['concordance'])}",
    ]


def _hazards_lines(answer: Json) -> list[str]:
    if not answer["zph"]:
        return []
    rows = [["proportional hazards", "chi-square", "df", "p"]]
    rows += [[one["term"], _show(one["chisq"]), str(one["df"]), _p(one["p"])] for one in answer["zph"]]
    return _aligned(rows)


def _response_lines(answer: Json, level: str) -> list[str]:
    rates = answer.get("response")
    if not rates:
        return []
    rows = [["group", "x/n", f"rate (exact {level})", "Wilson"]]
    rows += [
        [name, f"{one['x']}/{one['n']}", _between(one), f"{_show(one['wilson_lower'])} to {_show(one['wilson_upper'])}"]
        for name, one in rates.items()
    ]
    lines = _aligned(rows)
    if "fisher" in answer:
        two = answer["fisher"]
        lines.append(f"Fisher's exact test: p {_p(two['p'])}; odds ratio {_between(two, 'odds_ratio')}")
    if answer["response_missing"]:
        lines.append(f"{answer['response_missing']} without a value are in no denominator")
    return lines


def _late_lines(answer: Json) -> list[str]:
    """Time-dependent covariate, and independence of a delayed entry."""
    lines = []
    if one := answer.get("time_dependent"):
        lines.append(f"time-dependent {one['term']}: hazard ratio {_between(one, 'hr')}, p {_p(one['p'])}")
    if one := answer.get("truncation"):
        entry = one["cox_entry"]
        lines.append(
            f"entry and event: conditional Kendall's tau {_show(one['kendall_tau'])}, p {_p(one['p'])}; hazard ratio per unit of "
            f"entry {_between(entry, 'hr')}, p {_p(entry['p'])} (an informative entry may go unseen)"
        )
    return lines
