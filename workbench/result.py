"""What a distillation run found: ``result.json``, and the table that says whether distillation helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slr.scoring import GapClosed, RecipeGap, WerReport, gap_closed, paired_bootstrap, wer_interval

# The networks of a distillation and what they are called where people read.
STUDENTS = {"baseline": "student alone", "student": "student distilled"}
ROLES = {"teacher": "teacher", **STUDENTS}
# Below this the gap may be chance, and a share of it means nothing.
LEAST_GAP = 3.0
_UNKNOWN = "-"


@dataclass(frozen=True)
class NetworkResult:
    """One network of a run: its scores by split, its size, and multiply-adds per second of signing.

    A teacher that is known by its outputs alone has no size, and no scores of a split of which there are no outputs.
    """

    name: str
    reports: Mapping[str, WerReport]
    params: int | None
    macs: int | None

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``result.json``; what was not measured is None."""
        scores = {
            split: self.reports[split].counts.as_dict() if split in self.reports else None for split in ("dev", "test")
        }
        return {"name": self.name, **scores, "params": self.params, "macs": self.macs}


def trustworthy(gap: GapClosed | RecipeGap) -> bool:
    """Whether the teacher is so much better than the baseline that a share of the gap can be stated.

    There is no standard error where every resample shows the same gap, which is then as certain as can be.
    """
    if gap.value is None:
        return False
    return gap.gap_in_standard_errors is None or gap.gap_in_standard_errors > LEAST_GAP


def gap_as_dict(baseline: NetworkResult, student: NetworkResult, teacher: NetworkResult) -> dict[str, Any]:
    """The entry ``gap_closed``: shares only where the gap exceeds three standard errors, absolute gains always.

    There is no gap where the teacher was not measured.
    """
    entry: dict[str, Any] = {}
    for split in ("dev", "test"):
        alone, distilled = baseline.reports[split], student.reports[split]
        taught_by = teacher.reports.get(split)
        closed = None if taught_by is None else gap_closed(alone, distilled, taught_by)
        gap = None if taught_by is None else alone.wer - taught_by.wer
        entry |= gap_entry(split, alone.wer - distilled.wer, gap, closed)
    comparison = paired_bootstrap(baseline.reports["test"], student.reports["test"])
    entry["p_value"] = comparison.p_value
    return entry


def gap_entry(split: str, gain: float | None, gap: float | None, closed: GapClosed | None) -> dict[str, Any]:
    """What ``gap_closed`` says of a split, as shares of a rate: None where it was not measured or means nothing.

    Args:
        split: which.
        gain: of the student distilled over the student alone.
        gap: between the student alone and the teacher.
        closed: the share of that gap.
    """
    shown = closed if closed is not None and trustworthy(closed) else None
    return {
        split: None if shown is None else shown.value,
        f"{split}_ci95": None if shown is None or shown.ci95 is None else list(shown.ci95),
        f"{split}_gain": gain,
        f"{split}_gap": gap,
        f"{split}_gap_in_standard_errors": None if closed is None else closed.gap_in_standard_errors,
    }


def render_distillation(
    result: Mapping[str, Any],
    networks: Mapping[str, NetworkResult],
    corpus: str,
    *,
    roles: Mapping[str, str] = MappingProxyType(ROLES),
    notes: Sequence[str] = (),
) -> RenderableType:
    """The table of a distillation run, and below it the sentences that say whether it helped.

    ``roles`` are the rows with what they are called; ``notes`` are said about the teacher.
    """
    table = render_networks(result, {shown: networks[role] for role, shown in roles.items()}, corpus)
    return Group(table, *(Text(line) for line in (*notes, *verdict(result))))


def render_networks(result: Mapping[str, Any], networks: Mapping[str, NetworkResult], corpus: str) -> RenderableType:
    """One row per network: its scores on dev and test, its size and cost; below, what was measured and how."""
    title = f"{result['name']}, seed {result['seed']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", min_width=9)  # what a narrow terminal folds; all others keep their line
    table.add_column("network", no_wrap=True)
    for column in ("dev WER", "test WER", "95 % interval", "S/D/I", "params", "MAC/s"):
        table.add_column(column.replace(" WER", "\nWER"), justify="right", no_wrap=True)
    for shown, network in networks.items():
        table.add_row(shown, *_row(network))
    return Group(
        table,
        Text(f"{corpus}; protocol {result['protocol']}, decoder {result['decoder']}"),
        Text("WER in %, its 95 % interval and S/D/I on test; MAC/s: multiply-adds per second of signing"),
    )


def _row(network: NetworkResult) -> list[str]:
    dev, test = network.reports.get("dev"), network.reports.get("test")
    shown = [escape(network.name), _percent(dev.wer) if dev else _UNKNOWN]
    if test:
        interval, counts = wer_interval(test), test.counts
        shown += [
            _percent(test.wer),
            f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
            f"{counts.substitutions}/{counts.deletions}/{counts.insertions}",
        ]
    else:
        shown += [_UNKNOWN] * 3
    return [*shown, *(_UNKNOWN if number is None else short(number) for number in (network.params, network.macs))]


def verdict(result: Mapping[str, Any]) -> list[str]:
    """Two sentences on ``result.json``: whether distillation helped, and what share of the gap it closed."""
    found = result["gap_closed"]
    gain, p_value = 100 * found["test_gain"], found["p_value"]
    says = "Distillation made no difference that this test set shows"
    if p_value < 0.05 and gain != 0:
        says = "Distillation helped" if gain > 0 else "Distillation hurt"
    moved = f"{abs(gain):.1f} points of test WER {'gained' if gain >= 0 else 'lost'}"
    return [f"{says}: {moved} (paired bootstrap p {_p(p_value)}).", share_of_gap(found)]


def share_of_gap(found: Mapping[str, Any]) -> str:
    """A sentence on the entry ``gap_closed``: what share of the gap on test was closed, or why none can be stated."""
    if found["test_gap"] is None:
        return "The teacher was not measured on test, so there is no gap to speak of."
    gap, share, errors = 100 * found["test_gap"], found["test"], found["test_gap_in_standard_errors"]
    if gap <= 0:
        worse = f"{-gap:.1f} points worse than" if gap < 0 else "as good as"
        return f"The teacher is {worse} the student alone on test: there is no gap to close."
    if share is None:
        return (
            f"The teacher is {gap:.1f} points better than the student alone on test, {errors:.1f} standard errors of "
            "that difference: too little to speak of a share of it."
        )
    bounds = found["test_ci95"]
    interval = f", 95 % interval {100 * bounds[0]:.0f} to {100 * bounds[1]:.0f} %" if bounds else ""
    return f"It closed {100 * share:.0f} % of the gap of {gap:.1f} points to the teacher{interval}."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def short(number: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            scaled = number / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f} {unit}"
    return str(round(number))
