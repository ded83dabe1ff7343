"""Two sizes of one lesion, by the thresholds of RECIST."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.pipeline.measurements import Comparison, MeasurementReader
from abstractor.rulebook.book import RuleBook


@pytest.fixture(scope="module")
def measurements(rulebook: RuleBook) -> MeasurementReader:
    return MeasurementReader.of(rulebook)


@pytest.mark.parametrize(
    ("text", "now", "was"),
    [
        ("mass was 4.2 cm, now 2.1 cm", 21, 42),
        ("mass 6.1 -> 3.0", 30, 61),
        ("mass 2.1 cm (previously 5.8 cm)", 21, 58),
        ("mass increased from 2.1 to 3.6 cm", 36, 21),
        ("node 11 mm, previously 16 mm", 11, 16),
        ("down to 2 cm from 5 cm", 20, 50),
        ("mass 3.2 x 2.1 cm (prior 4.5 x 3.0 cm)", 32, 45),
        ("metastasis 1.2 cm compared with 24 mm", 12, 24),
    ],
)
def test_both_sizes_are_read_in_millimetres(measurements: MeasurementReader, text: str, now: float, was: float) -> None:
    [one] = measurements.comparisons(text, 0, len(text))
    assert (one.now_mm, one.was_mm) == (pytest.approx(now), pytest.approx(was))


@pytest.mark.parametrize("text", ["LDH fell from 820 to 310", "mass 4.2 cm", "grade 2 from 3", "seen 3/4 and 5/6"])
def test_other_numbers_are_no_sizes(measurements: MeasurementReader, text: str) -> None:
    assert list(measurements.comparisons(text, 0, len(text))) == []


@given(was=st.floats(5, 200), now=st.floats(5, 200))
def test_the_thresholds_are_those_of_recist(measurements: MeasurementReader, was: float, now: float) -> None:
    value = measurements.judged(Comparison(now, was, 0, 1, "r"))
    if value == "PR":
        assert now <= 0.7 * was + 1e-9
    elif value == "PD":
        assert now >= 1.2 * was - 1e-9
        assert now - was >= 5
    elif value == "SD":
        assert 0.9 * was - 1e-9 <= now <= 1.1 * was + 1e-9
