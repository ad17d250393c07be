"""The columns that a study may ask for, as text."""

from __future__ import annotations

from collections.abc import Callable

from slr.scoring import Interval, RecipeComparison, RecipeRate
from workbench.result import short
from workbench.study.schema import ColumnName, Task
from workbench.study.summary import Figure, RowSummary
from workbench.training_lines import duration


def _percent(figure: Figure | None) -> str | None:
    if figure is None:
        return None
    spread = "" if figure.deviation is None else f" ± {100 * figure.deviation:.1f}"
    return f"{100 * figure.mean:.1f}{spread}"


def _mean(key: str, form: Callable[[float], str]) -> Callable[[RowSummary], str | None]:
    return lambda row: form(row.figures[key].mean) if key in row.figures else None


def _rate(key: str) -> Callable[[RowSummary], str | None]:
    return lambda row: _percent(row.figures.get(key))


def _interval(row: RowSummary) -> str | None:
    shown = shown_rate(row, row.test)
    return None if shown is None else f"{100 * shown.low:.1f} to {100 * shown.high:.1f}"


def shown_rate(row: RowSummary, found: RecipeRate | None) -> Interval | None:
    """A word error rate with its interval; the accuracy instead where classes were to be found."""
    if found is None or not row.of_classes:
        return None if found is None else found.rate
    return Interval(1 - found.rate.value, 1 - found.rate.high, 1 - found.rate.low)


def shown_difference(row: RowSummary, found: RecipeComparison) -> Interval:
    """A difference of word error rates with its interval; of accuracies instead where classes were to be found."""
    errors = found.difference
    return Interval(-errors.value, -errors.high, -errors.low) if row.of_classes else errors


def _sdi(row: RowSummary) -> str | None:
    names = ("substitutions", "deletions", "insertions")
    if not all(name in row.figures for name in names):
        return None
    return "/".join(f"{row.figures[name].mean:.0f}" for name in names)


def _difference(row: RowSummary) -> str | None:
    if row.comparison is None:
        return None
    found = shown_difference(row, row.comparison)
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _p(row: RowSummary) -> str | None:
    if row.holm is None:
        return None
    return "< 0.001" if row.holm < 0.001 else f"{row.holm:.3f}"


def _gap(row: RowSummary) -> str | None:
    if row.shown_gap is None or row.gap is None:
        return None
    bounds = "" if row.gap.ci95 is None else f" ({100 * row.gap.ci95[0]:.0f} to {100 * row.gap.ci95[1]:.0f})"
    return f"{100 * row.shown_gap:.0f} %{bounds}"


# Heading and content of every column a study may ask for.
COLUMNS: dict[ColumnName, tuple[str, Callable[[RowSummary], str | None]]] = {
    "dev_wer": ("dev WER", _rate("dev_wer")),
    "test_wer": ("test WER", _rate("test_wer")),
    "test_ci95": ("95 % interval", _interval),
    "test_sdi": ("S/D/I", _sdi),
    "difference": ("difference", _difference),
    "p": ("p", _p),
    "gap_closed": ("gap closed", _gap),
    "pla_all": ("PLA all", _rate("pla_all")),
    "pla_non_blank": ("PLA non-blank", _rate("pla_non_blank")),
    "pla_dense": ("PLA dense", _rate("pla_dense")),
    "teacher_wer": ("teacher WER", _rate("teacher_wer")),
    "alone_wer": ("alone WER", _rate("alone_wer")),
    "params": ("params", _mean("params", short)),
    "macs": ("MAC/s", _mean("macs", short)),
    "epoch_seconds": ("s/epoch", _mean("epoch_seconds", lambda seconds: f"{seconds:.1f}")),
    "train_seconds": ("training", _mean("train_seconds", duration)),
    "dev_top1": ("dev top-1", _rate("dev_top1")),
    "top1": ("top-1", _rate("top1")),
    "top1_ci95": ("95 % interval", _interval),
    "top5": ("top-5", _rate("top5")),
    "top1_per_class": ("top-1 per class", _rate("top1_per_class")),
    "top5_per_class": ("top-5 per class", _rate("top5_per_class")),
}


def heading_of(name: ColumnName, task: Task) -> str:
    """The heading of a column; multiply-adds are those of a second of signing, or of an isolated clip."""
    return "MAC/clip" if name == "macs" and task == "class" else COLUMNS[name][0]
