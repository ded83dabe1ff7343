"""The picture of the outcomes screen: the main job runs on the invented sample patients, and the interface draws their curve.

    python scripts/outcomes_picture.py docs

Writes `images/outcomes.svg`. All other pictures need one invented patient alone: `python -m abstractor.tui.pictures docs`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from abstractor.cli.beyond import beyond
from abstractor.demo import run_demo
from abstractor.registry.engine import open_registry
from abstractor.review.config import ReviewConfig
from abstractor.rulebook.load import load_rulebook
from abstractor.tui.pictures import screen_of


def main(folder: Path) -> None:
    """Draws the outcomes screen with survival curves, and writes it under a folder of documentation."""
    with tempfile.TemporaryDirectory() as throw_away:
        run_demo(Path(throw_away))
        registry = open_registry(str(Path(throw_away) / "demo.db"))
        made = beyond(registry, load_rulebook(), ReviewConfig(), "abstractor")
        drawn = asyncio.run(screen_of(registry, made, (80, 24), ("g", "o")))
        registry.close()
    (folder / "images" / "outcomes.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
