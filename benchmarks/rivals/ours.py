"""This project: the engine, or the plain pipeline with `--plain`. Its terms are its rulebook, the one of the project or that of `--rules FOLDER`."""

import argparse
import inspect
import sys

from measure import Read, Terms, measured

from abstractor.api import Abstractor
from abstractor.model.note import Note


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules")
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    if given.plain and "plain" not in inspect.signature(Abstractor.load).parameters:
        sys.exit("this version has no plain pipeline of its own")

    def prepare(terms: Terms) -> Read:
        chosen = {"plain": True} if given.plain else {}
        nlp = Abstractor.load(given.rules, **chosen)
        return lambda text, kind: len(nlp.annotate(Note("n", text, note_type=kind)))

    measured(prepare)


if __name__ == "__main__":
    main()
