"""What was irradiated, and with what dose."""

from collections.abc import Callable

import pytest

from abstractor.pipeline.mention import Mention

Said = Callable[..., set[tuple[str, str]]]
Extract = Callable[..., list[Mention]]
FIELD = "radiotherapy"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Completed thoracic radiotherapy.", "thoracic"),
        ("Received 60 Gy in 30 fractions.", "thoracic"),
        ("TRT 45 Gy/30 BID completed.", "thoracic"),
        ("PCI 25 Gy in 10 given in May.", "pci"),
        ("Received prophylactic cranial irradiation.", "pci"),
        ("WBRT 30/10 completed.", "whole_brain"),
        ("Underwent whole brain radiotherapy.", "whole_brain"),
        ("Underwent gamma knife for the left frontal metastasis.", "stereotactic_brain"),
        ("SRS 20 Gy x 1 to the cerebellar lesion was given.", "stereotactic_brain"),
        ("Palliative radiotherapy to T8 was delivered.", "bone"),
        ("Received SBRT to the right adrenal.", "other"),
        ("Completed chemoradiation in June.", "unspecified"),
    ],
)
def test_the_kind_follows_from_the_words_around(said: Said, text: str, value: str) -> None:
    assert said(FIELD, text) == {(value, "present")}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Refer for thoracic radiotherapy.", ("thoracic", "hypothetical")),
        ("She declined PCI.", ("pci", "absent")),
        ("Radiotherapy is not indicated.", ("unspecified", "absent")),
        ("Radiotherapy\nNot indicated\n", ("unspecified", "absent")),
        ("WBRT is planned for next week.", ("whole_brain", "hypothetical")),
    ],
)
def test_planned_and_refused_radiotherapy(said: Said, text: str, fact: tuple[str, str]) -> None:
    assert said(FIELD, text) == {fact}


@pytest.mark.parametrize(
    "text",
    [
        "Inferior STEMI, PCI with two stents to the LAD.",
        "CABG 2011, PCI of the RCA 2019.",
        "Radiation oncology was consulted.",
        "Radiation pneumonitis has resolved.",
        "Mass in the RT upper lobe.",
        "Dose length product 300 mGy cm.",
        "Pain radiating to the left arm.",
        "SURGICAL PATHOLOGY REPORT",
    ],
)
def test_words_that_only_look_like_radiotherapy_are_silent(said: Said, text: str) -> None:
    assert said(FIELD, text) == set()


@pytest.mark.parametrize(
    ("text", "gray", "fractions"),
    [
        ("Thoracic RT 45 Gy in 30 fractions BID.", 45, 30),
        ("WBRT 3000 cGy in 10 fractions.", 30, 10),
        ("Whole brain irradiation 10 x 3 Gy.", 30, 10),
        ("PCI 25 Gy/10 fx.", 25, 10),
        ("RT to L3, 8 Gy x 1.", 8, 1),
    ],
)
def test_doses_are_attributes_in_gray(extract: Extract, text: str, gray: float, fractions: int | None) -> None:
    [mention] = extract(FIELD, text)
    assert mention.attributes.get("dose_gy") == gray
    assert mention.attributes.get("fractions") == fractions


def test_chemoradiation_takes_the_site_told_elsewhere_in_the_note(said: Said) -> None:
    text = "Completed chemoradiation in March.\nThe chest received 60 Gy in 30 fractions.\n"
    assert said(FIELD, text) == {("thoracic", "present")}
