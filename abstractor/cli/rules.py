"""The `rules` commands: is the rulebook sound, does it do what its examples say, what does a change of it change, how good is each rule."""

import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click

from abstractor.cli.options import ErrorGroup, db_option, opened, quiet_option, read_options, rules_option
from abstractor.cli.progress import progress
from abstractor.model.errors import InputError, RulebookError

if TYPE_CHECKING:
    from abstractor.api import Abstractor
    from abstractor.workbench.difference import Difference


@click.group(cls=ErrorGroup)
def rules() -> None:
    """The rulebook: is it sound, and does it do what its examples say?"""


@rules.command("check")
@click.option("--slow", is_flag=True, help="Also name what has to be run on every note or sentence.")
@rules_option
def rules_check(rules: Path | None, slow: bool) -> None:
    """Names every fault of the rulebook with its file and line; regular expressions that can run without bound among them.

    The settings of checks, quality, timeline, outcomes and exports are read too. Each expression is judged once, and again when it changes: the first time takes a minute.

    Example: abstractor rules check --rules my-rules
    """
    from abstractor.api import Abstractor
    from abstractor.cli.stage_settings import faults_of_settings
    from abstractor.pipeline.examples import find_unproved, rule_examples
    from abstractor.rulebook.load import load_rulebook

    try:
        book = load_rulebook(rules)
        nlp = Abstractor(book)
        nlp.check()
        runaways = nlp.runaways(_verdicts())
        faults = [*(str(one) for one in runaways if one.endless), *faults_of_settings(book.root)]
        if faults:
            raise RulebookError(faults)
    except RulebookError as error:
        for fault in error.faults:
            click.echo(fault)
        click.echo(f"{len(error.faults)} faults", err=True)
        sys.exit(1)
    unfiltered = nlp.unfiltered()
    for warning in [*map(str, runaways), *find_unproved(book), *(unfiltered if slow else [])]:
        click.echo(f"warning: {warning}", err=True)
    click.echo(
        f"sound: {len(book.fields)} fields, {len(book.targets)} target rules, {len(book.context)} context rules, "
        f"{len(book.sections)} sections, {sum(len(rows) for rows in book.vocabularies.values())} vocabulary rows, "
        f"{len(rule_examples(book))} examples; {len(unfiltered)} expressions that name no certain word; "
        f"version {book.version}"
    )


def _verdicts() -> Path:
    """Where verdicts on expressions are kept between runs."""
    from platformdirs import user_cache_path

    return user_cache_path("abstractor", appauthor=False) / "expressions.json"


@rules.command("test")
@rules_option
@quiet_option
def rules_test(rules: Path | None, quiet: bool) -> None:
    """Runs every example and counterexample that stands in the rules.

    Example: abstractor rules test
    """
    from abstractor.api import Abstractor
    from abstractor.pipeline.examples import run_examples

    nlp = Abstractor.load(rules)
    results = run_examples(nlp.rulebook, nlp.annotate_for_registry)
    failed = [result for result in results if not result.passed]
    for result in failed:
        click.echo(str(result))
    if not quiet:
        click.echo(f"{len(results)} examples, {len(failed)} failed", err=True)
    if failed:
        sys.exit(1)


@rules.command("diff")
@click.argument("old", required=False, type=click.Path(path_type=Path))
@click.argument("new", required=False, type=click.Path(path_type=Path))
@click.option(
    "--notes",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Notes to try them on (any source that ingest reads, or gold), instead of the registry's; may be repeated.",
)
@db_option
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="All changes as JSON. It holds note text.")
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path),
    help="All changes as one page with the sentences marked. It holds note text; only you can read the file.",
)
@click.option("--all", "everything", is_flag=True, help="Tell every change, not only the first 20.")
@quiet_option
def rules_diff(
    old: Path | None,
    new: Path | None,
    sources: tuple[Path, ...],
    db: str,
    json_file: Path | None,
    html_file: Path | None,
    everything: bool,
    quiet: bool,
) -> None:
    """What a change of rules changes: in notes, and against what was confirmed in the registry or stands in gold.

    OLD and NEW are folders of rules; with one folder, it is compared with the rules that came with the program, and `-` stands for
    those. Won is a confirmed fact that only the new rules find, or a rejected one that only the old ones find; lost is the reverse.
    What is shown holds words of the notes.

    \b
    Examples: abstractor rules diff my-rules
              abstractor rules diff rules my-rules --notes gold.jsonl --html diff.html
    """  # noqa: D301  (click wants the control character)
    from abstractor.api import Abstractor
    from abstractor.workbench.difference_report import MOST_SHOWN, difference_page, difference_row, difference_text

    if old is None:
        raise click.UsageError("name a folder of rules to compare with those of the program, or two")
    before, after = (Abstractor.load(_folder(one)) for one in ((None, old) if new is None else (old, new)))
    found = _difference(before, after, sources, db, quiet=quiet)
    if json_file is not None:
        _write(json_file, json.dumps(difference_row(found), indent=1, ensure_ascii=False) + "\n")
    if html_file is not None:
        _write(html_file, difference_page(found))
    click.echo(difference_text(found, None if everything else MOST_SHOWN))


def _folder(path: Path | None) -> Path | None:
    return None if path is None or str(path) == "-" else path


def _difference(
    old: "Abstractor", new: "Abstractor", sources: tuple[Path, ...], db: str, *, quiet: bool
) -> "Difference":
    from abstractor.workbench.comparison import compare_rules

    if sources:
        from abstractor.workbench.corpus import read_corpus

        corpus = read_corpus(sources, read_options((), None, new.rulebook))
        with progress("compare", quiet=quiet) as show:
            return compare_rules(old, new, corpus, total=len(corpus), progress=show)
    from abstractor.workbench.confirmed import confirmed, registry_notes

    with opened(db) as registry, progress("compare", quiet=quiet) as show:
        notes = ((note, None) for note in registry_notes(registry))
        return compare_rules(old, new, notes, confirmed(registry), progress=show)


@rules.command("stats")
@click.option(
    "--notes",
    "sources",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Count also how often each rule fires on these notes; may be repeated.",
)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="The figures as CSV, a row a rule.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="The figures as JSON.")
@db_option
@rules_option
@quiet_option
def rules_stats(
    sources: tuple[Path, ...], csv_file: Path | None, json_file: Path | None, db: str, rules: Path | None, quiet: bool
) -> None:
    """Per rule: how often it fired in the registry, what reviewers made of it, and its precision with an exact 95 % interval.

    Right are suggestions that were accepted, picked out of several, or edited in date or details alone; wrong are those whose value
    was replaced or rejected. The worst rules come first.

    Example: abstractor rules stats --csv rules.csv
    """
    from abstractor.registry.judgements import rule_records
    from abstractor.workbench.record_report import figures_csv, figures_text, rule_figures

    with opened(db) as registry:
        records = rule_records(registry)
    figures = rule_figures(records.values(), _fired(sources, rules, quiet=quiet) if sources else None)
    if csv_file is not None:
        _write(csv_file, figures_csv(figures))
    if json_file is not None:
        _write(json_file, json.dumps([one.row() for one in figures], indent=1) + "\n")
    click.echo(figures_text(figures))


def _fired(sources: tuple[Path, ...], rules: Path | None, *, quiet: bool) -> dict[str, int]:
    """How often each rule fires on some notes."""
    from collections import Counter

    from abstractor.api import Abstractor
    from abstractor.workbench.corpus import read_corpus

    nlp = Abstractor.load(rules)
    corpus = read_corpus(sources, read_options((), None, nlp.rulebook))
    fired: Counter[str] = Counter()
    with progress("annotate", quiet=quiet) as show:
        for done, (note, _) in enumerate(corpus, 1):
            fired.update(finding.rule for finding in nlp.annotate(note))
            show(done, len(corpus))
    return dict(fired)


@rules.command("calibrate")
@click.argument("gold", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="GOLD.jsonl...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where to write the figures, e.g. my-rules/settings/confidence.toml; without it, they are only told.",
)
@rules_option
@quiet_option
def rules_calibrate(gold: tuple[Path, ...], out: Path | None, rules: Path | None, quiet: bool) -> None:
    """Measures on annotated notes how far findings can be trusted, by rule and by what stands around them.

    The confidence of findings then is the measured share that is right; a rule that seldom fires falls back on its field. Gold that
    nobody tuned the rules on gives honest figures. The file is part of the rulebook, so notes are annotated anew after a change of it.

    Example: abstractor rules calibrate gold.jsonl --out my-rules/settings/confidence.toml
    """
    from abstractor.api import Abstractor
    from abstractor.pipeline.confidence import doubts
    from abstractor.rulebook.load import load_rulebook
    from abstractor.workbench.calibration import calibrate, judge, settings_text, summary, unmeasured
    from abstractor.workbench.corpus import read_gold

    book = unmeasured(load_rulebook(rules))
    nlp = Abstractor(book)
    options = read_options((), None, book)
    rows = [pair for path in gold for pair in read_gold(path, options)]
    with progress("annotate", quiet=quiet) as show:
        shown = ((show(done, len(rows)), pair)[1] for done, pair in enumerate(rows, 1))
        judged = judge(shown, nlp.annotate, book)
    if not judged:
        raise InputError("nothing was found in these notes: there is nothing to measure")
    measured = calibrate(judged, doubts(book), len(rows))
    if out is not None:
        _write(out, settings_text(measured))
    click.echo(summary(measured))


def _write(path: Path, content: str) -> None:
    from abstractor.files import whole_file

    with whole_file(path) as file:
        cast("IO[str]", file).write(content)
