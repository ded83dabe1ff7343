"""Confidence measured on annotated notes: shares by rule, drawn towards the field, weighed by what stands around a finding."""

import dataclasses
import re
import tomllib
from collections.abc import Callable

import pytest

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Finding
from abstractor.model.note import Note
from abstractor.pipeline.confidence import HIGHEST, LOWEST, Trust, traits
from abstractor.rulebook.book import MEASURED, RuleBook
from abstractor.workbench.calibration import Judged, calibrate, fit, settings_text, unmeasured

NOTE = Note("n1", "Possible liver metastasis. Liver metastasis. ECOG 1.", "p1", None, "clinic")
NEVER = re.compile("(?!)")
MakeFinding = Callable[..., Finding]


def judged(found_in: MakeFinding, rule: str, right: int, wrong: int, field: str = "ecog", **its: float) -> list[Judged]:
    one = dataclasses.replace(found_in(NOTE, "ECOG 1", field, "1"), rule=rule)
    return [
        Judged(dataclasses.replace(one, note_id=f"{rule}{number}"), f"{rule}{number}", its, number < right, 1.0, True)
        for number in range(right + wrong)
    ]


def test_a_rule_that_is_often_right_is_trusted_more_than_one_that_is_not(found_in: MakeFinding) -> None:
    trust = fit(judged(found_in, "good", 95, 5) + judged(found_in, "bad", 50, 50), NEVER)
    good, bad = (trust.rules["ecog"][name] for name in ("good", "bad"))
    assert bad < trust.fields["ecog"] < good < 0.95


def test_a_rule_that_seldom_fires_is_drawn_towards_its_field(found_in: MakeFinding) -> None:
    trust = fit(judged(found_in, "often", 90, 10) + judged(found_in, "once", 0, 1), NEVER)
    assert 0.75 < trust.rules["ecog"]["once"] < trust.rules["ecog"]["often"]


def test_an_unknown_rule_has_the_trust_of_its_field_and_an_unknown_field_that_of_all(found_in: MakeFinding) -> None:
    trust = dataclasses.replace(fit(judged(found_in, "r", 60, 40), NEVER), context={})
    unknown = dataclasses.replace(found_in(NOTE, "ECOG 1", "ecog", "1"), rule="new")
    assert trust.of(unknown, {}) == pytest.approx(trust.fields["ecog"], abs=1e-3)
    assert trust.of(dataclasses.replace(unknown, field="kps"), {}) == pytest.approx(trust.overall, abs=1e-3)


def test_confidence_is_never_certain(found_in: MakeFinding) -> None:
    trust = Trust(0.5, {}, {"ecog": {"r": 0.9999}}, {"any": 30.0}, NEVER)
    one = dataclasses.replace(found_in(NOTE, "ECOG 1", "ecog", "1"), rule="r")
    assert trust.of(one, {}) == HIGHEST
    assert dataclasses.replace(trust, context={"any": -60.0}).of(one, {}) == LOWEST


def test_saying_it_again_never_lowers_and_doubt_nearby_never_raises_whatever_the_sample_says(
    found_in: MakeFinding,
) -> None:
    data = judged(found_in, "a", 5, 35, repeated=1.0) + judged(found_in, "b", 38, 2) + judged(found_in, "c", 40, 0, **{"doubt nearby": 1.0})  # fmt: skip
    context = fit(data, NEVER).context
    assert context.get("repeated", 0.0) >= 0
    assert context.get("doubt nearby", 0.0) <= 0


def test_what_stands_around_a_finding_is_told_apart(found_in: MakeFinding) -> None:
    sure = found_in(NOTE, "Liver metastasis", "metastasis", "liver")
    doubted = found_in(NOTE, "liver metastasis", "metastasis", "liver", "uncertain")
    first, second = traits(NOTE.text, [doubted, sure], re.compile("possible", re.IGNORECASE))
    assert first["contradicted"] == second["contradicted"] == 1.0
    assert first["doubt nearby"] == 1.0
    assert "assertion uncertain" in first
    assert "repeated" not in first


def test_the_figures_are_judged_on_patients_they_did_not_know(found_in: MakeFinding) -> None:
    measured = calibrate(judged(found_in, "r", 60, 40), NEVER, 100)
    assert measured.before.ece == pytest.approx(0.3)  # 0.9 is stated, 0.6 is right
    assert measured.after.ece < measured.before.ece / 2
    assert measured.after.brier < measured.before.brier
    assert measured.after.facts == 100


def test_what_is_written_can_be_read_back(found_in: MakeFinding, rulebook: RuleBook) -> None:
    measured = calibrate(judged(found_in, "r one", 60, 40, field="stage.valg"), NEVER, 100)
    settings = {MEASURED: tomllib.loads(settings_text(measured))}
    trust = Trust.from_rulebook(dataclasses.replace(rulebook, settings=settings))
    assert trust is not None
    assert (trust.rules, trust.fields, trust.context) == (
        measured.trust.rules,
        measured.trust.fields,
        measured.trust.context,
    )
    assert unmeasured(dataclasses.replace(rulebook, settings=settings)).settings == {}


@pytest.mark.parametrize("wrong", [{}, {"overall": 1.0, "fields": {}, "rules": {}, "context": {}}, {"overall": "high"}])
def test_figures_of_another_shape_are_a_fault_of_the_rulebook(rulebook: RuleBook, wrong: dict[str, object]) -> None:
    with pytest.raises(RulebookError, match=r"settings/confidence\.toml"):
        Trust.from_rulebook(dataclasses.replace(rulebook, settings={MEASURED: wrong}))


def test_a_rulebook_may_do_without_figures(rulebook: RuleBook) -> None:
    assert Trust.from_rulebook(rulebook) is None
