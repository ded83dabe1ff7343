"""How long a note takes to read, in microseconds of processor time for each character, for texts that are hard on a reader.

    python benchmarks/reading.py [CHARACTERS ...] [--only NAME]

Each text is one short phrase over and over (organs, drugs, stages, dates, brackets, markup), without a full stop unless the phrase has one:
what stands in no chart, and shows at once where time grows faster than the text. The figures of two lengths should be alike; 100
microseconds a character are 20 seconds for the longest notes there are.
"""

import sys
import time

from abstractor.api import Abstractor
from abstractor.model.note import Note

OPENING = "Small cell lung cancer, right upper lobe. "
PHRASES = {
    "stages": "cT2aN2M1b ",
    "organs": "liver, bone, brain, adrenal gland, left kidney, pleura and ",
    "spread": "metastases to the liver and ",
    "denied spread": "no evidence of metastatic disease in the liver, ",
    "drugs": "carboplatin, etoposide, atezolizumab, cisplatin/irinotecan and ",
    "cycles": "cycle 3 of 4 cycles C1D1 ",
    "genes": "TP53 RB1 EGFR KRAS MYC PTEN ",
    "variants": "TP53 p.R175H c.524G>A EGFR exon 19 deletion ",
    "open brackets": "p.Arg175His(",
    "stains": "synaptophysin positive, chromogranin negative, CD56 + ",
    "percentages": "PD-L1 TPS 5% 10% ",
    "sizes": "2.3 x 4.1 x 5 cm, 3 mm; ",
    "dates": "12/03/2021, 4 May 2020, 2019-01-02 ",
    "denials": "no not denies without no evidence of ",
    "denied": "no no no no no no no liver metastases ",
    "responses": "progressive disease stable disease partial response ",
    "relapses": "relapse, recurrence, progression ",
    "performance": "ECOG PS 1 ",
    "smoking": "smoker 30 pack years quit ",
    "deaths": "died on 3 May 2020 ",
    "radiotherapy": "radiotherapy 60 Gy in 30 fractions to chest ",
    "surgery": "lobectomy right upper lobe resection ",
    "family": "mother had breast cancer father had lung cancer ",
    "short lines": "a\n",
    "headings": "IMPRESSION: ",
    "table": "TP53\tp.R175H\t45%\n",
    "one letter": "a",
    "digits": "12345 67 8.9 ",
    "marks": "+-+- ",
    "brackets": "((([[[ ",
    "blanks": "a      ",
    "tags": "<p>",
    "rich text": "{\\rtf1 \\par ",
    "slips": "metastises carcinma progresion smal cell ",
    "broken words": "metas-\n",
    "no English": "\u80ba\u764c \u05e9\u05dc\u05d5\u05dd e\u0301 ",
}


def long_text(phrase: str, length: int) -> str:
    """An opening that makes the note one about lung cancer, and the phrase over and over."""
    return (OPENING + phrase * (length // len(phrase) + 1))[:length]


def seconds(reader: Abstractor, text: str) -> float:
    """Processor time of one reading."""
    begun = time.process_time()
    reader.annotate(Note("long", text))
    return time.process_time() - begun


def main() -> None:
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
    lengths = [int(one) for one in sys.argv[1:] if one.isdigit()] or [5_000, 40_000]
    reader = Abstractor.load()
    seconds(reader, OPENING + "Liver metastases, partial response after 4 cycles of carboplatin and etoposide.")
    print(f"{'text':<16}" + "".join(f"{length:>10}" for length in lengths))
    for name, phrase in PHRASES.items():
        if only is None or name == only:
            costs = (1e6 * seconds(reader, long_text(phrase, length)) / length for length in lengths)
            print(f"{name:<16}" + "".join(f"{cost:>10.1f}" for cost in costs), flush=True)


if __name__ == "__main__":
    main()
