"""The reliability figure: what share is right of the facts that were given some confidence. It draws what it is handed, and computes nothing."""

from io import BytesIO
from pathlib import Path
from typing import IO, cast

from abstractor.evaluation.reliability import Reliability
from abstractor.files import whole_file
from abstractor.model.errors import InputError

_KINDS = {".svg": "svg", ".png": "png"}
_INK, _FAINT, _FILL = "#1b1f24", "#7c8793", "#4477aa"
_LARGEST, _LEAST = 420.0, 18.0
"""Area of the mark of the fullest bin, and of the emptiest, in square points."""


def write_reliability(path: Path, found: Reliability) -> None:
    """Draws the figure.

    Raises:
        InputError: an unknown ending, or the place can't be written.
    """
    kind = _KINDS.get(path.suffix)
    if kind is None:
        raise InputError(f"{path}: can't tell the form of the figure; end its name with {' or '.join(_KINDS)}")
    content = _drawn(found, kind)
    with whole_file(path, "wb") as file:
        cast("IO[bytes]", file).write(content)


def _drawn(found: Reliability, kind: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "reliability", "font.size": 10, "svg.fonttype": "none"}):
        figure = Figure(figsize=(5, 5), dpi=144, layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=1, linestyle=(0, (4, 3)), label="stated = observed")
        most = max((one.facts for one in found.bins), default=1)
        axes.plot([one.stated for one in found.bins], [one.observed for one in found.bins], color=_FILL, linewidth=1.2)
        axes.scatter(
            [one.stated for one in found.bins],
            [one.observed for one in found.bins],
            s=[max(_LEAST, _LARGEST * one.facts / most) for one in found.bins],
            color=_FILL,
            alpha=0.75,
            edgecolor=_INK,
            linewidth=0.5,
            label="facts found (area: how many)",
        )
        for one in found.bins:
            axes.annotate(
                str(one.facts), (one.stated, one.observed), textcoords="offset points", xytext=(0, -18), ha="center",
                color=_INK, fontsize=8,
            )  # fmt: skip
        axes.set(xlim=(0, 1.02), ylim=(0, 1.06), xlabel="confidence stated", ylabel="share that is right")
        axes.set_title(f"{found.facts} facts; ECE {found.ece:.3f}, Brier {found.brier:.3f}", fontsize=10, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left", frameon=False, fontsize=8)
        out = BytesIO()
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return out.getvalue()
