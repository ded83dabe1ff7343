"""What a running program has loaded: the static contracts can't see an import inside a function."""

import importlib.util
import subprocess
import sys

import pytest


def loaded_by(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.skipif(not present("abstractor.tui.app"), reason="the terminal interface is not written yet")
def test_the_screens_load_neither_language_processing_nor_statistics() -> None:
    loaded = loaded_by("abstractor.tui.app", "abstractor.review.session")
    assert "textual" in loaded
    assert not {"spacy", "medspacy", "pandas", "lifelines", "matplotlib", "scipy", "pyarrow"} & loaded


def test_the_model_needs_the_standard_library_only() -> None:
    modules = ("case", "dates", "decision", "errors", "fact", "finding", "note", "suggestion")
    loaded = loaded_by(*(f"abstractor.model.{name}" for name in modules))
    assert {
        name for name in loaded if name not in sys.stdlib_module_names and not name.startswith(("_", "abstractor"))
    } <= {
        "sitecustomize",
        "usercustomize",
    }


def test_reading_sources_loads_no_data_frames_and_no_language_processing() -> None:
    loaded = loaded_by("abstractor.sources.reader")
    assert not {"pandas", "pyarrow", "spacy", "sqlalchemy", "textual"} & loaded


def test_suggesting_loads_no_language_processing() -> None:
    loaded = loaded_by("abstractor.batch.propose", "abstractor.batch.facts", "abstractor.exports.facts")
    assert not {"spacy", "medspacy", "textual", "matplotlib", "lifelines"} & loaded
