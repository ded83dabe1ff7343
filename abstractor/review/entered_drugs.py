"""Drugs as people type them, by generic name, brand, synonym or the code of a regimen; kept by their generic names. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property

from abstractor.review.picker import Picker, flat
from abstractor.rulebook.book import RuleBook
from abstractor.rulebook.schema import Code

_BETWEEN = re.compile(r"\s*(?:[+,;/]|\band\b)\s*")

_BEGUN = 4
"""Letters from which the beginning of a name is taken for the name."""


@dataclass(frozen=True)
class DrugReader:
    """The drugs and regimens of a rulebook."""

    book: RuleBook

    @cached_property
    def codes(self) -> tuple[Code, ...]:
        """The drugs, for choosing."""
        return tuple(
            Code(code=drug.generic, label=drug.generic, synonyms=(*drug.brands, *drug.synonyms, *drug.abbreviations))
            for drug in self.book.drugs()
        )

    @cached_property
    def picker(self) -> Picker:
        return Picker.of(self.codes)

    def one(self, typed: str) -> tuple[str, str]:
        """The generic name, and what is doubtful about it: a drug of a trial may be in no list, a slip of the pen neither.

        The beginning of a name stands for the one drug that begins so.
        """
        text = " ".join(typed.split())
        known = self.picker.exact(text)
        if known is not None:
            return known.code, ""
        if text.lower() in self._classes:
            return text.lower(), ""
        begun = {code.code for code in self.codes if any(flat(name).startswith(flat(text)) for name in _names(code))}
        if len(begun) == 1 and len(text) >= _BEGUN:
            return begun.pop(), ""
        near = [code.code for code in self.picker.matching(text)[:3]]
        return text.lower(), f"{text} is no drug we know" + (f" (near: {', '.join(near)})" if near else "")

    def several(self, typed: str) -> tuple[list[str], str]:
        """The generic names in the order typed, each once, and the first doubt; the code of a regimen stands for its drugs."""
        found: list[str] = []
        doubts = ""
        for part in (one for one in _BETWEEN.split(typed) if one):
            regimen = self._regimens.get(flat(part))
            if regimen is not None and self.picker.exact(part) is None:
                found.extend(regimen)
                continue
            name, doubt = self.one(part)
            found.append(name)
            doubts = doubts or doubt
        return list(dict.fromkeys(found)), doubts

    @cached_property
    def _classes(self) -> frozenset[str]:
        """What is written where no drug is named."""
        return frozenset(name for drug in self.book.drugs() for name in (drug.group, drug.therapy_class))

    @cached_property
    def _regimens(self) -> dict[str, tuple[str, ...]]:
        return {flat(one.code): one.drugs for one in self.book.regimens()}


def _names(code: Code) -> tuple[str, ...]:
    return code.code, *code.synonyms
