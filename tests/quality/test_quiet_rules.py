"""A rule that is in force and finds nothing is told apart from one that is gone."""

from dataclasses import replace

from abstractor.quality.rule_answers import listed_rules, quiet_rules
from abstractor.registry.judgements import RuleRecord
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import TargetRule

FIRED = RuleRecord("fires", "stage.valg", fired=3, accepted=2)
DERIVED = RuleRecord("L1", "therapy_line", offered=2, accepted=4)
ONCE = RuleRecord("once", "response", accepted=2, rejected=5)
RECORDS = {one.rule: one for one in (FIRED, DERIVED, ONCE)}


def names(rules: tuple[RuleRecord, ...]) -> list[str]:
    return [one.rule for one in rules]


def test_a_rule_that_finds_or_derives_something_is_neither() -> None:
    quiet = quiet_rules(RECORDS, listed=["fires"], named_now=[])
    assert not {"fires", "L1"} & {*names(quiet.in_force), *names(quiet.retired)}


def test_a_rule_of_the_rulebook_without_a_finding_is_in_force_and_silent() -> None:
    quiet = quiet_rules(RECORDS, listed=["fires", "never"], named_now=[])
    assert [(one.rule, one.fired, one.judged) for one in quiet.in_force] == [("never", 0, 0)]


def test_a_rule_that_the_rulebook_has_no_more_is_retired_and_keeps_its_record() -> None:
    quiet = quiet_rules(RECORDS, listed=["fires"], named_now=[])
    assert quiet.retired == (ONCE,)
    assert (quiet.retired[0].right, quiet.retired[0].judged) == (2, 7)


def test_a_rule_without_a_name_in_the_rulebook_is_in_force_as_long_as_decisions_under_it_go_back_to_it() -> None:
    quiet = quiet_rules(RECORDS, listed=["fires"], named_now=["once"])
    assert quiet.in_force == (ONCE,)
    assert quiet.retired == ()


def test_target_rules_and_named_forms_stand_in_the_rulebook_by_name(rulebook: RuleBook) -> None:
    book = replace(
        rulebook,
        targets=(TargetRule.model_construct(id="alive-words"),),
        settings={"response": {"form": [{"id": "pd_new"}, {"id": "gone"}]}, "dates": {"form": [{"id": "iso"}]}},
    )
    assert listed_rules(book, ["response.measured.pd_new"]) == {
        "alive-words",
        "response.measured.pd_new",
        "response.gone",
    }
