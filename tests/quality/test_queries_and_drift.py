"""Queries by command, rules that got worse, and the sentence that a rule misread."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from click.testing import CliRunner

from abstractor.cli.main import cli
from abstractor.model.decision import Decision
from abstractor.quality.desk import Desk
from abstractor.quality.frame import Held
from abstractor.quality.refused_words import sentence
from abstractor.quality.rule_answers import drift
from abstractor.quality.sampling import Unit
from abstractor.registry.engine import Registry

Desks = Callable[[str], Desk]
Run = Callable[..., str]


@pytest.fixture
def run(abstracted: Registry, registry_name: str) -> Run:
    """A `qa` command as somebody types it; what it says."""

    def command(user: str, *words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(cli, ["qa", *words, "--db", registry_name, "--user", user])
        assert (done.exit_code != 0) is fails, done.output
        return done.output

    return command


@pytest.mark.both_databases
def test_a_query_is_asked_answered_and_closed_by_commands(run: Run) -> None:
    query = run("qb", "query", "ask", "P1", "stage.valg", "Which CT?", "--to", "ann").split()[0]
    assert "query from qb, patient P1: Which CT?" in run("ann", "inbox")
    assert "qb asked ann" in run("ann", "query", "list")
    assert "answered" in run("ann", "query", "answer", query[:4], "That of March.")
    assert "That of March." in run("qb", "inbox")
    assert "only who asked closes it" in run("ann", "query", "close", query, fails=True)
    assert "closed" in run("qb", "query", "close", query, "--text", "thanks")
    assert run("qb", "query", "list") == ""
    told = run("qb", "query", "list", "--all")
    places = [told.index(one) for one in ("Which CT?", "That of March.", "thanks")]
    assert places == sorted(places)


def test_what_can_not_be_asked_or_answered_says_why(run: Run) -> None:
    assert "P9: not in this registry" in run("qb", "query", "ask", "P9", "stage.valg", "?", "--to", "ann", fails=True)
    assert "nothing was said" in run("qb", "query", "ask", "P1", "stage.valg", " ", "--to", "ann", fails=True)
    assert "there is no such query" in run("ann", "query", "answer", "zzz", "yes", fails=True)


def test_a_message_that_was_read_is_told_again_only_when_all_are_wanted(run: Run) -> None:
    run("qb", "query", "ask", "P1", "stage.valg", "Which CT?", "--to", "ann")
    assert "Which CT?" in run("ann", "inbox")
    assert run("ann", "inbox") == ""
    assert "Which CT?" in run("ann", "inbox", "--all")


def judged(decision: Callable[..., Decision], rule: str, month: str, kept: int, refused: int) -> list[Held]:
    """Decisions on a rule's suggestions in one month."""
    made = []
    for number in range(kept + refused):
        action = "accept" if number < kept else "reject"
        one = replace(decision("P1", "ann", f"ecog@{number}", "1", action), decided_at=f"{month}-02T08:00:00.000+00:00")
        made.append(Held(one, None, Unit(one.action_id, "ecog", {"rule": rule})))
    return made


def test_a_rule_that_is_let_stand_less_often_than_before_is_told(decision: Callable[..., Decision]) -> None:
    worse = judged(decision, "worse", "2024-01", 40, 2) + judged(decision, "worse", "2024-02", 5, 15)
    same = judged(decision, "same", "2024-01", 40, 2) + judged(decision, "same", "2024-02", 19, 1)
    [found] = drift(worse + same)
    assert (found.rule, found.since, found.before, found.after) == ("worse", "2024-02", (40, 42), (5, 20))
    assert found.p < 0.001


def test_two_refusals_in_a_new_month_are_no_drift(decision: Callable[..., Decision]) -> None:
    assert drift(judged(decision, "r", "2024-01", 9, 1) + judged(decision, "r", "2024-02", 1, 2)) == ()


def test_a_rule_that_was_never_judged_before_has_nothing_to_fall_from(decision: Callable[..., Decision]) -> None:
    assert drift(judged(decision, "new", "2024-02", 0, 20) + judged(decision, "old", "2024-01", 20, 0)) == ()


@pytest.mark.parametrize(
    ("text", "word", "told"),
    [
        ("First. Limited stage disease. Last.", "stage", "Limited stage disease."),
        ("Limited stage disease", "stage", "Limited stage disease"),
        ("One two. Three four. Five.", "two. Three", "One two. Three four."),
    ],
)
def test_the_sentence_around_some_words_is_told_whole(text: str, word: str, told: str) -> None:
    start = text.index(word)
    assert sentence(text, start, start + len(word)).strip() == told


def test_words_in_a_text_without_an_end_are_told_with_a_part_of_it_only() -> None:
    assert len(sentence("word " * 5_000, 10_000, 10_004)) < 2_000
