"""Does learning beat the rules? Linear models over sentence words, cross-validated by note, beside the rules on the same folds.

    python benchmarks/learning.py GOLD.jsonl [GOLD.jsonl ...] [--folds 5] [--seed 20250630]

Two questions, each answered with logistic regression (numpy and scipy, L2, no dependency of our own needs to be added):

* response: which of CR, PR, SD, PD does a sentence state? Scored by note, as `evaluate` does: the facts of a note are the values
  of its sentences. Words alone, words and what the rules found there ("stacked"), and the two together ("either").
* assertion: is what a mention states present, absent or neither? Scored by mention, for those of which the gold has one assertion.

Penalty and threshold are chosen inside each training part. The rules saw part of this gold when they were written, which
favours them; so the figures of the files that they did not see matter most: name those alone to get them. It prints no text.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from abstractor.model.finding import Assertion, Finding
from abstractor.model.note import Note
from abstractor.pipeline.nlp import Reader
from abstractor.rulebook.load import load_rulebook

VALUES = ("CR", "PR", "SD", "PD")
PENALTIES = (0.3, 1.0, 3.0)
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
RARE = 2
"""Words in fewer training examples than this are left out."""
Row = dict[str, Any]
"""A line of a gold file."""
WINDOW = 8
"""Words to each side of a mention."""
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One sentence or mention: its features, its label, and what the rules say."""

    note: str
    features: frozenset[str]
    label: str
    """Values joined by a blank (`PD PR`), or an assertion class."""
    ruled: str


@dataclass(frozen=True)
class Model:
    """One binary logistic regression."""

    weights: Vector
    vocabulary: dict[str, int]

    def probabilities(self, examples: Sequence[Example]) -> Vector:
        scores = _matrix(examples, self.vocabulary) @ self.weights
        return np.asarray(1 / (1 + np.exp(-scores)))


def fit(examples: Sequence[Example], positive: Callable[[Example], bool], penalty: float) -> Model:
    """Minimises the penalised negative log likelihood with L-BFGS; the intercept is not penalised."""
    counts = Counter(feature for one in examples for feature in one.features)
    vocabulary = {name: index + 1 for index, name in enumerate(sorted(f for f, n in counts.items() if n >= RARE))}
    matrix = _matrix(examples, vocabulary)
    signs = np.array([1.0 if positive(one) else -1.0 for one in examples])
    ridge = np.full(len(vocabulary) + 1, penalty)
    ridge[0] = 0.0

    def loss(weights: Vector) -> tuple[float, Vector]:
        margins = signs * (matrix @ weights)
        value = np.logaddexp(0, -margins).sum() + 0.5 * (ridge * weights**2).sum()
        return float(value), matrix.T @ (-signs / (1 + np.exp(margins))) + ridge * weights

    found = minimize(loss, np.zeros(len(vocabulary) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return Model(found.x, vocabulary)


def _matrix(examples: Sequence[Example], vocabulary: dict[str, int]) -> csr_matrix:
    rows = [[0, *sorted(vocabulary[name] for name in one.features if name in vocabulary)] for one in examples]
    columns = [column for row in rows for column in row]
    starts = np.cumsum([0, *(len(row) for row in rows)])
    return csr_matrix((np.ones(len(columns)), columns, starts), shape=(len(rows), len(vocabulary) + 1))


def words_of(text: str) -> list[str]:
    """Words in lower case; every number is `#`."""
    return [
        "#" if word[0].isdigit() else word for word in re.findall(r"[a-z]+(?:'t)?|\d+(?:\.\d+)?|[%?]", text.lower())
    ]


def grams(words: Sequence[str]) -> Iterator[str]:
    """Words, and pairs of neighbours."""
    yield from words
    yield from (f"{one} {other}" for one, other in pairwise(words))


def response_examples(reader: Reader, rows: Iterable[Row]) -> Iterator[Example]:
    """Sentences of all notes. A sentence that repeats a value whose quoted place is elsewhere counts as stating it if the rules say so."""
    for row in rows:
        note = _note(row)
        found = [one for one in reader.read(note) if one.field == "response"]
        gold = [one for one in row["facts"] if one["field"] == "response" and one["assertion"] == "present"]
        stated = {one["value"] for one in gold}
        for sentence in reader.view(note).sentences:
            ruled = _inside(found, sentence.start, sentence.end)
            quoted = {
                one["value"]
                for one in gold
                if any(start < sentence.end and sentence.start < end for start, end in one.get("spans", ()))
            }
            label = {value for value in quoted | (ruled & stated) if value in VALUES}
            features = {
                *grams(words_of(note.text[sentence.start : sentence.end])),
                *(f"rule {value}" for value in ruled),
            }
            yield Example(note.note_id, frozenset(features), " ".join(sorted(label)), " ".join(sorted(ruled)))


def _inside(found: Iterable[Finding], start: int, end: int) -> set[str]:
    return {
        one.value
        for one in found
        if one.assertion is Assertion.PRESENT and one.value in VALUES and start <= one.start < end
    }


def assertion_examples(reader: Reader, rows: Iterable[Row]) -> Iterator[Example]:
    """Findings whose field and value the gold has, with one assertion only."""
    for row in rows:
        note = _note(row)
        view = reader.view(note)
        gold: dict[tuple[str, str], set[str]] = {}
        for fact in row["facts"]:
            gold.setdefault((fact["field"], fact["value"]), set()).add(_class(fact["assertion"]))
        for one in reader.read(note):
            said = gold.get((one.field, one.value), set())
            if len(said) != 1:
                continue
            sentence = view.sentence_at(one.start)
            before = words_of(note.text[sentence.start : one.start])[-WINDOW:]
            behind = words_of(note.text[one.end : max(sentence.end, one.end)])[:WINDOW]
            features = {
                *(f"< {gram}" for gram in grams(before)),
                *(f"> {gram}" for gram in grams(behind)),
                *(f"= {gram}" for gram in grams(words_of(one.text))),
                f"field {one.field}",
                f"section {view.section_at(one.start)}",
                f"rule {_class(one.assertion)}",
            }
            yield Example(note.note_id, frozenset(features), said.pop(), _class(one.assertion))


def _class(assertion: str) -> str:
    return str(assertion) if assertion in {Assertion.PRESENT, Assertion.ABSENT} else "neither"


def _note(row: Row) -> Note:
    return Note(
        row["note_id"], row["text"], row.get("patient_id") or "", row.get("note_date"), row.get("note_type") or "other"
    )


def without_rules(examples: Iterable[Example]) -> list[Example]:
    return [
        Example(one.note, frozenset(f for f in one.features if not f.startswith("rule ")), one.label, one.ruled)
        for one in examples
    ]


def folds_of(examples: Sequence[Example], count: int, seed: int) -> list[set[str]]:
    """Notes, dealt into as many heaps."""
    notes = [str(one) for one in np.random.default_rng(seed).permutation(sorted({one.note for one in examples}))]
    return [set(notes[number::count]) for number in range(count)]


def f1(right: int, found: int, wanted: int) -> float:
    return 2 * right / (found + wanted) if found + wanted else 0.0


def note_facts(examples: Iterable[Example], values: Iterable[str]) -> set[tuple[str, str]]:
    return {(one.note, value) for one, said in zip(examples, values, strict=True) for value in said.split()}


def predicted(train: Sequence[Example], test: Sequence[Example], inner: Sequence[Example]) -> list[str]:
    """Values of the test sentences; penalty and threshold are the best on `inner`, a part of the training notes kept from the first fit."""
    kept = {one.note for one in inner}
    outer = [one for one in train if one.note not in kept]
    said = ["" for _ in test]
    for value in VALUES:

        def states(one: Example, value: str = value) -> bool:
            return value in one.label.split()

        if not any(map(states, outer)):
            continue
        wanted = {one.note for one in inner if states(one)}
        best = (-1.0, PENALTIES[0], 0.5)
        for penalty in PENALTIES:
            odds = fit(outer, states, penalty).probabilities(inner)
            for threshold in THRESHOLDS:
                found = {one.note for one, chance in zip(inner, odds, strict=True) if chance >= threshold}
                best = max(best, (f1(len(found & wanted), len(found), len(wanted)), penalty, threshold))
        odds = fit(train, states, best[1]).probabilities(test)
        said = [f"{old} {value}" if chance >= best[2] else old for old, chance in zip(said, odds, strict=True)]
    return said


def compare_response(examples: Sequence[Example], wanted: set[tuple[str, str]], folds: int, seed: int) -> None:
    """Prints precision, recall and F1 by note of the rules and of each model."""
    heaps = folds_of(examples, folds, seed)
    plain = without_rules(examples)
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in ("rules", "words alone", "stacked", "either")}
    for number, heap in enumerate(heaps):
        spare = heaps[(number + 1) % folds]
        for name, pool in (("words alone", plain), ("stacked", list(examples))):
            test = [one for one in pool if one.note in heap]
            train = [one for one in pool if one.note not in heap]
            facts = note_facts(test, predicted(train, test, [one for one in train if one.note in spare]))
            found[name] |= facts
            if name == "words alone":
                ruled = note_facts(test, [one.ruled for one in test])
                found["rules"] |= ruled
                found["either"] |= ruled | facts
    for name, facts in found.items():
        right = len(facts & wanted)
        print(
            f"response   {name:12} precision {right / max(1, len(facts)):.3f} recall {right / max(1, len(wanted)):.3f} "
            f"F1 {f1(right, len(facts), len(wanted)):.3f}  ({len(wanted)} facts)"
        )


def compare_assertion(examples: Sequence[Example], folds: int, seed: int) -> None:
    """Prints accuracy, and F1 of each class, of the rules and of each model."""
    classes = sorted({one.label for one in examples})
    heaps = folds_of(examples, folds, seed)
    said: dict[str, list[tuple[str, str]]] = {"rules": [(one.ruled, one.label) for one in examples]}
    for name, pool in (("words alone", without_rules(examples)), ("stacked", list(examples))):
        said[name] = []
        for heap in heaps:
            train = [one for one in pool if one.note not in heap]
            test = [one for one in pool if one.note in heap]
            odds = np.array(
                [fit(train, lambda one, label=label: one.label == label, 1.0).probabilities(test) for label in classes]
            )
            said[name] += [(classes[best], one.label) for best, one in zip(odds.argmax(axis=0), test, strict=True)]
    for name, pairs in said.items():
        figures = " ".join(
            f"{label} {f1(sum(a == b == label for a, b in pairs), sum(a == label for a, _ in pairs), sum(b == label for _, b in pairs)):.3f}"
            for label in classes
        )
        print(
            f"assertion  {name:12} accuracy {sum(a == b for a, b in pairs) / len(pairs):.3f}  F1: {figures}  ({len(pairs)} mentions)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Linear models beside the rules, cross-validated by note.")
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20_250_630)
    given = parser.parse_args()
    rows = [json.loads(line) for path in given.gold for line in path.read_text(encoding="utf-8").splitlines() if line]
    reader = Reader.from_rulebook(load_rulebook())
    wanted = {
        (str(row["note_id"]), fact["value"])
        for row in rows
        for fact in row["facts"]
        if fact["field"] == "response" and fact["assertion"] == "present" and fact["value"] in VALUES
    }
    sentences = list(response_examples(reader, rows))
    print(f"{len(rows)} notes, {len(sentences)} sentences")
    compare_response(sentences, wanted, given.folds, given.seed)
    compare_assertion(list(assertion_examples(reader, rows)), given.folds, given.seed)


if __name__ == "__main__":
    main()
