"""The likely cause of a miss or a false alarm, told from the traces of mentions."""

import pytest

from abstractor.evaluation import GoldFact
from abstractor.model.finding import Assertion
from abstractor.pipeline.explain import Fate, Trace
from abstractor.workbench.causes import NOTHING, why_false, why_missed

LIVER = GoldFact("metastasis", "liver", "present", ((10, 20),))


def trace(
    value: str = "liver", assertion: str = "present", fate: Fate = Fate.KEPT, by: str = "", **more: object
) -> Trace:
    return Trace(**{"field": "metastasis", "value": value, "start": 10, "end": 20, "rule": "r1", "assertion": Assertion(assertion), "fate": fate, "by": by, **more})  # fmt: skip


@pytest.mark.parametrize(
    ("traces", "says"),
    [
        ([], NOTHING),
        ([trace(assertion="absent", by="context rule denied")], "assertion: absent by context rule denied"),
        ([trace("bone")], "value: read as bone present by r1"),
        ([trace(fate=Fate.MASKED, by="mask legend")], "masked: by mask legend"),
        ([trace(fate=Fate.SILENCED, by="section examination")], "silenced: by section examination"),
        ([trace(fate=Fate.RULED_OUT, by="a ruling")], "ruling: by a ruling"),
        ([trace(field="response", value="PD")], "field: these words are read as response PD by r1"),
        ([trace("bone", fate=Fate.NOT_THIS_CANCER, start=90, end=95)], "whose cancer"),
        ([trace(assertion="uncertain", by="context rule may", start=90, end=95)], "uncertain by context rule may; these words"),
    ],
)  # fmt: skip
def test_a_miss_is_explained_by_what_became_of_the_mention(traces: list[Trace], says: str) -> None:
    assert says in why_missed(LIVER, traces)


def test_of_several_mentions_the_one_that_was_kept_explains() -> None:
    traces = [trace(fate=Fate.MASKED, by="mask legend"), trace(assertion="historical", by="section history")]
    assert why_missed(LIVER, traces) == "assertion: historical by section history"


@pytest.mark.parametrize(
    ("gold", "says"),
    [
        ([], "whose cancer: the gold has no facts in this note"),
        (
            [GoldFact("metastasis", "liver", "uncertain", ((10, 20),))],
            "assertion: the gold says uncertain, not present",
        ),
        ([GoldFact("metastasis", "bone", "present", ((12, 14),))], "value: the gold has bone present at these words"),
        ([GoldFact("metastasis", "bone", "present", ((50, 54),))], "of this field the gold has only bone present"),
        ([GoldFact("response", "PD", "present", ((10, 12),))], "field: the gold reads these words as response PD"),
        ([GoldFact("response", "PD", "present", ((50, 52),))], "no fact: the gold has nothing of this field"),
    ],
)
def test_a_false_alarm_is_explained_by_the_gold(gold: list[GoldFact], says: str) -> None:
    assert says in why_false(trace(), gold)


def test_a_less_exact_value_is_told_as_such() -> None:
    found = trace("T2", field="stage.t")
    assert "less exact: the gold has T2a" in why_false(found, [GoldFact("stage.t", "T2a", "present", ((60, 63),))])
