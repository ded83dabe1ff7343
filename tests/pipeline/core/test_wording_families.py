"""Families of wording: many ways to say one thing of smoking, performance, death and stains, and words that only look like a hedge or a plan."""

import pytest

from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader

HEAD = "Small cell lung cancer.\n\n"


def facts(reader: Reader, text: str, field: str) -> set[tuple[str, str]]:
    note = Note(note_id="1", text=HEAD + text, note_type="clinic", note_date="2024-05-06")
    return {(one.value, str(one.assertion)) for one in reader.read(note) if one.field == field}


def present(reader: Reader, text: str, field: str) -> set[str]:
    return {value for value, assertion in facts(reader, text, field) if assertion == "present"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("She jacked in the fags in 2019.", {"former"}),
        ("Tobacco: a packet a day, knocked it on the head in his forties.", {"former"}),
        ("He has stayed off cigarettes since 2008.", {"former"}),
        ("She has been smoke-free for 12 years.", {"former"}),
        ("She has not touched a cigarette since the spring.", {"former"}),
        ("Last cigarette in 1998.", {"former"}),
        ("He smoked until the age of 50.", {"former"}),
        ("He no longer smokes.", {"former"}),
        ("Smoking: given up 2011.", {"former"}),
        ("Tobacco cessation in 2012.", {"former"}),
        ("Smoking status | Former", {"former"}),
        ("Non-smoker since 1996.", {"former"}),
        ("She was a heavy smoker in her twenties.", {"former"}),
        ("40-a-day smoker until the stroke in 2009.", {"former"}),
        ("Smoker of 15 cigarettes a day.", {"current"}),
        ("She remains a smoker.", {"current"}),
        ("He has smoked since the age of 14.", {"current"}),
        ("Nicotine dependence, ongoing.", {"current"}),
        ("He denies ever smoking.", {"never"}),
        ("Never took up smoking.", {"never"}),
        ("Heavy smoking history.", set()),
        ("He is still on twelve Gauloises a day.", {"current"}),
        ("She has cut down to four cigarettes a day.", {"current"}),
        ("He smoked to the end of his life, or so the family says.", {"current"}),
        ("He has gone back to smoking.", {"current"}),
        ("Has had 2 cigs/day since Monday.", {"current"}),
        ("She has never touched a cigarette.", {"never"}),
        ("Her husband smoked in the house until he quit in 2009.", set()),
        ("Quit smoking leaflet given.", set()),
        ("He should give up smoking before the operation.", set()),
        ("She does not smoke.", set()),
    ],
)
def test_smoking_in_many_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert present(reader, text, "smoking_status") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 pack × 35 y", {"35"}),
        ("2 packets a day for 20 years", {"40"}),
        ("45 packs-year", {"45"}),
        ("PY: 30", {"30"}),
    ],
)
def test_pack_years_in_many_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert present(reader, text, "pack_years") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("She scores 2 on the WHO scale.", {"2"}),
        ("ECOG performance status of one.", {"1"}),
        ("Performance status (ECOG) has slipped to 3.", {"3"}),
        ("PS 2 now, was 1 last time.", {"1", "2"}),
        ("ECOG: ( ) 0 ( ) 1 (X) 2 ( ) 3", {"2"}),
        ("ECOG: 0 [ ] 1 [x] 2 [ ]", {"1"}),
        ("A lady who is 4 days out from bronchoscopy.", set()),
        ("The protocol requires ECOG 0-1.", set()),
    ],
)
def test_performance_in_many_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert present(reader, text, "ecog") == wanted


def test_karnofsky_as_a_number_on_a_scale(reader: Reader) -> None:
    assert present(reader, "He is 60% on the Karnofsky scale.", "kps") == {"60"}


def test_karnofsky_is_never_read_as_ecog(reader: Reader) -> None:
    text = "Karnofsky performance score has fallen to 50."
    assert (present(reader, text, "kps"), present(reader, text, "ecog")) == ({"50"}, set())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("DEATH NOTE\nPupils fixed, no pulse. Declared at 04:40.", {"dead"}),
        ("He slipped away on Sunday.", {"dead"}),
        ("He died on the ward in the presence of his wife and his daughter.", {"dead"}),
        ("The baby is alive and well.", set()),
        ("His twin, who had the same illness, is alive.", set()),
        ("She grieves over the death of her husband.", set()),
    ],
)
def test_death_and_survival_in_many_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert present(reader, text, "vital_status") == wanted


def test_the_day_in_a_death_note(reader: Reader) -> None:
    note = "DEATH NOTE\nCalled 0510, 3 Feb 2024. No breath sounds."
    assert present(reader, note, "death_date") == {"2024-02-03"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The cells label for CD56 and INSM1.", {"CD56 positive", "INSM1 positive"}),
        ("CD56 brisk, p40 blank.", {"CD56 positive", "p40 negative"}),
        ("Chromogranin here and there.", {"chromogranin positive"}),
        ("ASCL1 H-score 140, POU2F3 0.", {"ASCL1 positive", "POU2F3 negative"}),
        ("Synaptophysin seen in most of the tumour cells.", {"synaptophysin positive"}),
        ("TTF-1 did not stain.", {"TTF-1 negative"}),
    ],
)
def test_stains_in_many_words(reader: Reader, text: str, wanted: set[str]) -> None:
    assert present(reader, text, "ihc") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("KRAS, BRAF and RET all clean.", {("KRAS mutation", "absent"), ("BRAF mutation", "absent"), ("RET fusion", "absent")}),
        ("ROS1 rearrangement and BRAF mutation were lacking.", {("ROS1 fusion", "absent"), ("BRAF mutation", "absent")}),
        ("MYCL amplification was reported from the second biopsy.", {("MYCL amplification", "present")}),
        ("MYCN amplification   ++   5.1 copies   none   none", {("MYCN amplification", "present")}),
        ("Mutations in RB1 most likely related to heavy smoking.", {("RB1 mutation", "present")}),
        ("Synonymous: TP53 R213R", set()),
    ],
)  # fmt: skip
def test_genes_in_many_words(reader: Reader, text: str, wanted: set[tuple[str, str]]) -> None:
    assert facts(reader, text, "variant") == wanted


def test_genes_tested_without_mutations_are_negatives_not_a_panel(reader: Reader) -> None:
    text = "GENES TESTED: NO MUTATIONS DETECTED\nNRAS, BRAF\n"
    assert facts(reader, text, "variant") == {("NRAS mutation", "absent"), ("BRAF mutation", "absent")}


@pytest.mark.parametrize(
    "text",
    [
        "Adrenal metastasis since May 2023.",
        "In May liver metastases and adrenal metastasis were seen.",
        "Suspected adrenal metastasis was confirmed by biopsy.",
        "You will recall his adrenal metastasis.",
    ],
)
def test_words_that_only_look_like_a_hedge(reader: Reader, text: str) -> None:
    assert ("adrenal", "present") in facts(reader, text, "metastasis")


@pytest.mark.parametrize("text", ["Possible adrenal metastasis.", "The nodule may be an adrenal metastasis."])
def test_a_hedge_is_still_a_hedge(reader: Reader, text: str) -> None:
    assert facts(reader, text, "metastasis") == {("adrenal", "uncertain")}


@pytest.mark.parametrize("title", ["TREATMENT AND PLAN", "MDT outcome", "Disposal", "Vote", "Way forward", "Procedure"])
def test_titles_that_announce_a_plan(reader: Reader, title: str) -> None:
    found = facts(reader, f"{title}: cisplatin and etoposide.", "systemic_therapy")
    assert found == {("cisplatin", "hypothetical"), ("etoposide", "hypothetical")}


def test_the_procedure_of_an_operation_note_was_done(reader: Reader) -> None:
    assert facts(reader, "PROCEDURE: right lower lobectomy.\nEBL 100 ml.", "surgery") == {("lobectomy", "present")}
