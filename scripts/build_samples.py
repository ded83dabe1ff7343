"""Puts together what is made by hand in `corpus_samples/`: notes.csv, gold.jsonl, facts.csv and patients.json.

By hand: notes/PATIENT/NOTE.txt, gold/PATIENT.toml (facts by quotation) and truth/PATIENT.json. Run it after a change there;
a test holds that the built files are up to date.
"""

import csv
import io
import json
import sys
import tomllib
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1] / "corpus_samples"
CUTOFF = "2025-06-30"


def main() -> int:
    for name, content in build(SAMPLES).items():
        (SAMPLES / name).write_bytes(content)
    return 0


def build(samples: Path) -> dict[str, bytes]:
    """Name of each built file to its content."""
    golds = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((samples / "gold").glob("*.toml"))]
    truths = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((samples / "truth").glob("*.json"))
    }
    notes = [(gold["patient"], note) for gold in golds for note in gold["note"]]
    lines = [
        json.dumps(_gold_note(samples / "notes" / patient, patient, note), ensure_ascii=False)
        for patient, note in notes
    ]
    listed = [
        (note["id"], patient, note.get("date", ""), note["type"], f"{patient}/{note['id']}.txt")
        for patient, note in notes
    ]
    single = [
        (samples / "single" / "notes", "", note)
        for path in sorted((samples / "single" / "gold").glob("*.toml"))
        for note in tomllib.loads(path.read_text(encoding="utf-8"))["note"]
    ]
    singles = [json.dumps(_gold_note(*one), ensure_ascii=False) for one in single]
    patients = {"data_cutoff": CUTOFF, "time_zero": "first systemic dose of line 1", "patients": truths}
    return {
        "notes/notes.csv": _csv(("note_id", "patient_id", "note_date", "note_type", "path"), listed),
        "gold.jsonl": ("\n".join(lines) + "\n").encode(),
        "single.jsonl": ("\n".join(singles) + "\n").encode(),
        "facts.csv": _csv(
            ("patient_id", "field", "value", "assertion", "date", "end_date", "attributes"),
            [row for patient, truth in truths.items() for row in _facts(patient, truth)],
        ),
        "patients.json": (json.dumps(patients, indent=1, ensure_ascii=False) + "\n").encode(),
    }


def _gold_note(folder: Path, patient: str, note: dict) -> dict:
    text = (folder / f"{note['id']}.txt").read_bytes().decode("utf-8")
    facts = []
    for field, value, assertion, quotes, *attributes in note["facts"]:
        spans = [_find(text, quote, note["id"]) for quote in quotes]
        facts.append(
            {
                "field": field,
                "value": value,
                "assertion": assertion,
                "spans": spans,
                **(attributes[0] if attributes else {}),
            }
        )
    row = {
        "note_id": note["id"],
        "patient_id": patient or note["id"],
        "note_date": note.get("date"),
        "note_type": note["type"],
    }
    return {**row, "text": text, "facts": facts}


def _find(text: str, quote: str, note: str) -> list[int]:
    """Where a quotation stands: its first place, or with `@@2` its second."""
    words, _, nth = quote.partition("@@")
    start = -1
    for _ in range(int(nth or 1)):
        start = text.find(words, start + 1)
    if start < 0:
        sys.exit(f"{note}: not in the text: {quote!r}")
    return [start, start + len(words)]


def _csv(header: tuple[str, ...], rows: list[tuple]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def _facts(patient: str, truth: dict) -> list[tuple]:
    """The patient-level truth as registry facts."""
    rows: list[tuple] = []

    def add(
        field: str,
        value: object,
        date: str | None = None,
        end: str | None = None,
        assertion: str = "present",
        **attributes: object,
    ) -> None:
        if value not in (None, ""):
            kept = {key: item for key, item in attributes.items() if item is not None}
            said = json.dumps(kept, ensure_ascii=False) if kept else ""
            rows.append((patient, field, value, assertion, date or "", end or "", said))

    add("birth_date", truth.get("birth_year"), str(truth["birth_year"]) if truth.get("birth_year") else None)
    add("sex", truth.get("sex"))
    add("histology", truth["histology"])
    add("diagnosis_date", truth["diagnosis_date"], truth["diagnosis_date"])
    add("primary_site", truth["primary_site"])
    add("smoking_status", truth["smoking"])
    add("pack_years", truth["pack_years"])
    add("stage.valg", truth["stage_valg"])
    for part in ("t", "n", "m", "group"):
        add(f"stage.{part}", (truth["tnm"] or {}).get(part))
    for site in truth["metastatic_sites_at_diagnosis"]:
        add("metastasis", site, truth["diagnosis_date"])
    for one in truth["variants_present"]:
        add("variant", one["variant"], vus=one.get("vus"))
    for value in truth["variants_absent"]:
        add("variant", value, assertion="absent")
    add("molecular_report_date", truth["molecular_report_date"], truth["molecular_report_date"])
    if truth["ecog_baseline"] is not None:
        add("ecog", truth["ecog_baseline"], truth["index"])
    for line in truth["lines"]:
        add("therapy_line", line["line"], line["start"], line["stop"], drugs=line["drugs"], cycles=line["cycles"])
    for course in truth["radiotherapy"]:
        add(
            "radiotherapy",
            course["site"],
            course["start"],
            course["end"],
            dose_gy=course.get("dose_gy"),
            fractions=course.get("fractions"),
        )
    for operation in truth["surgery"]:
        add("surgery", operation["procedure"], operation["date"])
    for one in truth["response_assessments"]:
        add("response", one["value"], one["date"])
    add("death_date", truth["death_date"], truth["death_date"])
    add("vital_status", truth["vital_status"])
    add("last_contact_date", truth["last_contact_date"], truth["last_contact_date"])
    for day in truth["contacts"]:
        add("visit", day, day)
    return rows


if __name__ == "__main__":
    sys.exit(main())
