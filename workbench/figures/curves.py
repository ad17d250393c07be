"""What happened during training: dev WER, and every term of every loss (the paper's Figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matplotlib.artist import Artist

from workbench.analysis.training_rows import Row, curve_of, last_stages, networks_of, spans_decades, terms_of
from workbench.figures.style import WIDTH, grid, line, looks, plain, save, styled
from workbench.result import ROLES

_COLUMNS = 3
_WHOLE_LOSS = "training loss"


@dataclass(frozen=True)
class Curves:
    """What is drawn: a dev ``score`` with its label, and the training loss called ``term``, or all of it together."""

    score: str
    score_label: str
    loss_label: str
    term: str | None = None

    def over(self, rows: Sequence[Row]) -> Curves:
        """The same, with all of the loss where a network of ``rows`` has no such term."""
        with_term = {row["network"] for row in rows if self.term in row.get("terms", {})}
        return self if with_term >= {*networks_of(rows)} else replace(self, term=None, loss_label=_WHOLE_LOSS)

    def loss(self, row: Row) -> float | None:
        """The loss of an epoch; None where it was not trained on."""
        return row["loss"] if self.term is None else row.get("terms", {}).get(self.term)


WER_CURVES = Curves("WER", "dev WER in %, greedy", "CTC loss per training clip", "ctc")
ACCURACY_CURVES = Curves("top-1", "dev top-1 in %", _WHOLE_LOSS)


def draw_training(rows: Sequence[Row], title: str, folder: Path, curves: Curves = WER_CURVES) -> list[Path]:
    """All figures that need nothing but the rows of ``metrics.jsonl``; returns their files."""
    return [*draw_curves(rows, title, folder, curves), *draw_losses(rows, title, folder)]


@styled
def draw_curves(rows: Sequence[Row], title: str, folder: Path, curves: Curves = WER_CURVES) -> list[Path]:
    """Dev score and training loss of every network over the epochs of its last stage, as ``curves.png`` and ``.svg``.

    ``rows`` are those of ``metrics.jsonl``; nothing is drawn, and no file returned, when those of the last stages hold
    no dev score. Where a network does not learn from the term of ``curves``, the whole loss is drawn of all.
    """
    rows = last_stages(rows)
    if not any("dev" in row for row in rows):
        return []
    curves = curves.over(rows)
    figure, (score, loss) = grid(1, 2, (WIDTH, 2.6))
    for network, look in looks(networks_of(rows)).items():
        mine = [row for row in rows if row["network"] == network]
        label = ROLES.get(network, network)
        seen = ((row["epoch"], 100 * row["dev"][curves.score]) for row in mine if "dev" in row)
        line(score, seen, look, marker=look.marker, label=label)
        losses = ((row["epoch"], value) for row in mine if (value := curves.loss(row)) is not None)
        line(loss, losses, look, label=label)
    score.set(xlabel="epoch", ylabel=curves.score_label, ylim=(0, None))
    loss.set(xlabel="epoch", ylabel=curves.loss_label, yscale="log")
    score.legend()
    figure.suptitle(plain(title))
    return save(figure, folder, "curves")


@styled
def draw_losses(rows: Sequence[Row], title: str, folder: Path) -> list[Path]:
    """Every term over the epochs of the last stage, unweighted, a panel each, as ``losses.png`` and ``losses.svg``.

    Networks that have a term in common share its panel. Nothing is drawn where ``rows`` hold no term.
    """
    rows = last_stages(rows)
    terms = terms_of(rows)
    if not terms:
        return []
    lines = -(-len(terms) // _COLUMNS)
    figure, panels = grid(lines, _COLUMNS, (WIDTH, 0.5 + 1.55 * lines))
    styles = looks(networks_of(rows))
    handles: dict[str, Artist] = {}
    for term, axes in zip(terms, panels, strict=False):
        values = []
        for network, look in styles.items():
            curve = curve_of(rows, network, term)
            values += [value for _, value in curve]
            line(axes, curve, look, label=ROLES.get(network, network))
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        axes.set_title(term, loc="left")
        axes.set_yscale("log" if spans_decades(values) else "linear")
    for axes in panels[len(terms) :]:
        axes.set_axis_off()
    for axes in panels[max(0, len(terms) - _COLUMNS) : len(terms)]:
        axes.set_xlabel("epoch")
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles))
    figure.supylabel("mean over the training batches, without its weight", fontsize=8)
    figure.suptitle(plain(title))
    return save(figure, folder, "losses")
