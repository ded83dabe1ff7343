"""The assertion part alone, any concept, on the labelled sentences of the NegEx/ConText kit: precision, recall and F1 of each class.

    python benchmarks/assertion.py [SENTENCES.tsv] [--errors]

The file has five columns: number, concept, sentence, negation (Negated, Affirmed), time (Recent, Historical, Not particular),
experiencer (Patient, Family member). Their classes are not ours: the kit's "Historical" is anything that began before the visit,
which we call present unless it was another illness. So it is counted with the present ones, and what we call historical there is
shown apart. Without the file it says so and ends.
"""

import sys
from collections import Counter
from pathlib import Path

from abstractor.model.finding import Assertion
from abstractor.model.note import Note
from abstractor.pipeline.assertion import Asserter
from abstractor.pipeline.mention import Mention
from abstractor.pipeline.prepare import prepare
from abstractor.pipeline.sentences import find_sentences
from abstractor.pipeline.view import NoteView, SectionSpan
from abstractor.rulebook.load import load_rulebook

SENTENCES = Path("../shared/corpora/context/sentences.tsv")
FIELD = "metastasis"
"""The field as which every concept is read: a finding, no treatment."""


def meant(negation: str, time: str, experiencer: str) -> str:
    """The kit's labels as one of our classes."""
    if experiencer != "Patient":
        return Assertion.OTHER_EXPERIENCER
    if negation == "Negated":
        return Assertion.ABSENT
    return Assertion.HYPOTHETICAL if time == "Not particular" else Assertion.PRESENT


def said(asserter: Asserter, sentence: str, concept: str) -> str | None:
    """What we make of it; None where the concept does not stand in the sentence."""
    text = prepare(sentence)
    start = text.lower().find(prepare(concept).lower().strip())
    if start < 0:
        return None
    sections = (SectionSpan(None, 0, 0, len(text)),)
    view = NoteView(Note("kit", "kit", text), text, find_sentences(text, sections), sections)
    mention = Mention(FIELD, "any", start, start + len(concept.strip()), "benchmark")
    return asserter.assertion_of(view, mention)


def main() -> None:
    paths = [Path(one) for one in sys.argv[1:] if not one.startswith("--")]
    path = paths[0] if paths else SENTENCES
    if not path.exists():
        print(f"{path} is not here: nothing to measure")
        return
    asserter = Asserter.from_rulebook(load_rulebook())
    pairs: Counter[tuple[str, str]] = Counter()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        number, concept, sentence, negation, time, experiencer = (*line.split("\t"), "", "", "")[:6]
        ours = said(asserter, sentence.strip('"'), concept.strip('"'))
        if ours is None:
            continue
        theirs = meant(negation.strip(), time.strip(), experiencer.strip())
        pairs[theirs, ours] += 1
        if ours != theirs and "--errors" in sys.argv:
            print(f"{number}\t{theirs} -> {ours}\t{concept}\t{sentence}")
    print(f"{sum(pairs.values())} sentences")
    for one in Assertion:
        right = pairs[one, one]
        given = sum(count for (_, ours), count in pairs.items() if ours == one)
        true = sum(count for (theirs, _), count in pairs.items() if theirs == one)
        precision, recall = right / max(given, 1), right / max(true, 1)
        print(
            f"{one:<18} {true:5d} labelled {given:5d} given {right:5d} right"
            f"  precision {precision:.3f} recall {recall:.3f} F1 {2 * right / max(given + true, 1):.3f}"
        )


if __name__ == "__main__":
    main()
