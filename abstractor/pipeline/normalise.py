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


def performance(found: Found) -> Normalised:
    """ECOG: one digit or its word, or both ends of a range ("1-2")."""
    text = found["value"] if isinstance(found, re.Match) else found
    word = _NUMBERS.get(text.strip().lower())
    return (word,) if word else tuple(dict.fromkeys(re.findall(r"[0-5]", text)))


def karnofsky(found: Found) -> Normalised:
    """KPS: the numbers of the words that are whole tens up to 100."""
    text = found["value"] if isinstance(found, re.Match) else found
    values = [
        value for value in re.findall(r"\d+", text) if value == "100" or (len(value) <= 2 and value.endswith("0"))
    ]
    return tuple(dict.fromkeys(values)) or None


def pack_years(found: Found) -> Normalised:
    """Pack-years as stated (of a range the lower bound), or packs a day times years (groups `packs`, `years`, or `per_day` cigarettes)."""
    if isinstance(found, str):
        return number(found)
    groups = found.groupdict()
    if groups.get("years"):
        packs = _amount(groups.get("packs")) or (_amount(groups.get("cigarettes")) or 0) / 20
        years = _amount(groups["years"])
        if not packs or not years:
            return None
        return _plain(packs * years) if packs * years <= 300 else None
    value = number(found)
    return value if isinstance(value, str) and float(value) <= 300 else None


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


def _amount(text: str | None) -> float | None:
    if not text:
        return None
    if "/" in text or "half" in text.lower():
        return 0.5
    match = _NUMBER.search(text)
    if match:
        return float(match.group())
    word = _NUMBERS.get(text.strip().lower())
    return float(word) if word else {"a": 1.0, "an": 1.0}.get(text.strip().lower())


def _plain(value: float) -> str:
    """Without a needless decimal point."""
    return f"{value:g}"


NORMALISERS: dict[str, Callable[[Found], Normalised]] = {
    "number": number,
    "performance": performance,
    "karnofsky": karnofsky,
    "pack_years": pack_years,
    "stage_group": stage_group,
}
