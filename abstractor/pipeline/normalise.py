"""Makes a field's value from the words that were found: one small pure function each, named in rules as `normaliser`."""

import re
from collections.abc import Callable

Found = re.Match[str] | str
Normalised = str | tuple[str, ...] | None
"""None: these words give no value after all."""

_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV", "\u2160": "I", "\u2161": "II", "\u2162": "III", "\u2163": "IV"}


def _text(found: Found) -> str:
    return found if isinstance(found, str) else found.group()


def number(found: Found) -> Normalised:
    """The first number of the words, as written; of the group `value`, if there is one."""
    text = found["value"] if isinstance(found, re.Match) and "value" in found.re.groupindex else _text(found)
    match = _NUMBER.search(text or "")
    if match:
        return _plain(float(match.group()))
    return _NUMBERS.get((text or "").strip().lower())


def stage_group(found: Found) -> Normalised:
    """Roman stage group: "stage 3b" is IIIB, "Stage IA-2" is IA2."""
    text = found["value"] if isinstance(found, re.Match) else found
    match = re.fullmatch(
        r"\s*(IV|I{1,3}|[1-4]|[\u2160-\u2163])\s*-?\s*([ABC]?)\s*-?\s*([123]?)\s*", text, re.IGNORECASE
    )
    if not match:
        return None
    group = _ROMAN.get(match[1], match[1].upper()) + match[2].upper() + (match[3] if match[2] else "")
    return group if re.fullmatch(r"I(?:A[123]?|B)?|II[AB]?|III[ABC]?|IV[AB]?", group) else None


def _plain(value: float) -> str:
    """Without a needless decimal point."""
    return f"{value:g}"


NORMALISERS: dict[str, Callable[[Found], Normalised]] = {
    "number": number,
    "stage_group": stage_group,
}
