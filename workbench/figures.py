"""Figures of a run, drawn from its own records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no window, on any machine

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slr.files import whole_file
from workbench.result import ROLES

# Okabe and Ito's colours, which colour-blind people tell apart; the line styles say the same in black and white.
_LOOKS = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#CC79A7", ":"))


@dataclass(frozen=True)
class Curves:
    """What is drawn: a dev ``score`` with its label, and the training loss called ``term``, or all of it together."""

    score: str
    score_label: str
    loss_label: str
    term: str | None = None

    def loss(self, row: Mapping[str, Any]) -> float | None:
        """The loss of an epoch; None where it was not trained on."""
        return row["loss"] if self.term is None else row.get("terms", {}).get(self.term)


WER_CURVES = Curves("WER", "dev WER in %, greedy", "CTC loss per training clip", "ctc")
ACCURACY_CURVES = Curves("top-1", "dev top-1 in %", "training loss")


def draw_curves(rows: Sequence[Mapping[str, Any]], title: str, folder: Path, curves: Curves = WER_CURVES) -> list[Path]:
    """Dev score and training loss of every network over the epochs, as ``curves.png`` and ``curves.svg``.

    ``rows`` are those of ``metrics.jsonl``; nothing is drawn, and no file returned, when they hold no dev score.
    """
    networks = list(dict.fromkeys(row["network"] for row in rows))
    if not any("dev" in row for row in rows):
        return []
    figure, (score, loss) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for network, (colour, style) in zip(networks, _LOOKS, strict=False):
        mine = [row for row in rows if row["network"] == network and curves.loss(row) is not None]
        look = {"color": colour, "linestyle": style, "label": ROLES.get(network, network)}
        seen = ((row["epoch"], 100 * row["dev"][curves.score]) for row in mine if "dev" in row)
        _curve(score, seen, marker="o", **look)
        _curve(loss, ((row["epoch"], curves.loss(row)) for row in mine), **look)
    _dress(score, curves.score_label)
    _dress(loss, curves.loss_label, log=True)
    figure.suptitle(title, fontsize=10)
    return _save(figure, folder, "curves")


def _curve(axes: Axes, points: Iterable[tuple[float, float | None]], **look: Any) -> None:
    pairs = list(points)
    if pairs:
        axes.plot(*zip(*pairs, strict=True), markersize=3, linewidth=1.5, **look)


def _dress(axes: Axes, label: str, *, log: bool = False) -> None:
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    if log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _save(figure: Figure, folder: Path, name: str) -> list[Path]:
    paths = [folder / f"{name}.{ending}" for ending in ("png", "svg")]
    for path in paths:
        with whole_file(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=150)
    plt.close(figure)
    return paths
