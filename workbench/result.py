"""What a distillation run found: ``result.json``, and the table that says whether distillation helped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slr.scoring import GapClosed, WerReport, gap_closed, paired_bootstrap, wer_interval

# Below this the gap may be chance, and a share of it means nothing.
LEAST_GAP = 3.0


@dataclass(frozen=True)
class NetworkResult:
    """One network of a run: its scores by split, its size, and multiply-adds per second of signing."""

    name: str
    reports: Mapping[str, WerReport]
    params: int
    macs: int

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``result.json``."""
        scores = {split: report.counts.as_dict() for split, report in self.reports.items()}
        return {"name": self.name, **scores, "params": self.params, "macs": self.macs}


def trustworthy(gap: GapClosed) -> bool:
    """Whether the teacher is so much better than the baseline that a share of the gap can be stated."""
    return gap.value is not None and (gap.gap_in_standard_errors or 0.0) > LEAST_GAP


def gap_as_dict(baseline: NetworkResult, student: NetworkResult, teacher: NetworkResult) -> dict[str, Any]:
    """The entry ``gap_closed``: shares only where the gap exceeds three standard errors, absolute gains always."""
    entry: dict[str, Any] = {}
    for split in ("dev", "test"):
        reports = [network.reports[split] for network in (baseline, student, teacher)]
        gap = gap_closed(*reports)
        shown = trustworthy(gap)
        entry[split] = gap.value if shown else None
        entry[f"{split}_ci95"] = list(gap.ci95) if shown and gap.ci95 else None
        entry[f"{split}_gain"] = reports[0].wer - reports[1].wer
        entry[f"{split}_gap"] = reports[0].wer - reports[2].wer
        entry[f"{split}_gap_in_standard_errors"] = gap.gap_in_standard_errors
    comparison = paired_bootstrap(baseline.reports["test"], student.reports["test"])
    entry["p_value"] = comparison.p_value
    return entry


def render_distillation(
    result: Mapping[str, Any], networks: Mapping[str, NetworkResult], corpus: str
) -> RenderableType:
    """The table of a distillation run, and below it the sentences that say whether it helped."""
    rows = {"teacher": "teacher", "baseline": "student alone", "student": "student distilled"}
    table = render_networks(result, {shown: networks[role] for role, shown in rows.items()}, corpus)
    return Group(table, *(Text(line) for line in _verdict(result)))


def render_networks(result: Mapping[str, Any], networks: Mapping[str, NetworkResult], corpus: str) -> Table:
    """One row per network: its scores on dev and test, its size and cost."""
    caption = f"{corpus}; protocol {result['protocol']}, decoder {result['decoder']}; WER in %"
    table = Table(title=f"{result['name']}, seed {result['seed']}", caption=caption, caption_justify="left")
    for column, justify in _COLUMNS:
        table.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for shown, network in networks.items():
        table.add_row(shown, *_row(network))
    return table


_COLUMNS = (
    ("", "left"), ("network", "left"), ("dev WER", "right"), ("test WER", "right"), ("95 % interval", "right"),
    ("S / D / I", "right"), ("parameters", "right"), ("MAC/s", "right"),
)  # fmt: skip


def _row(network: NetworkResult) -> list[str]:
    test = network.reports["test"]
    interval = wer_interval(test)
    counts = test.counts
    return [
        network.name,
        _percent(network.reports["dev"].wer),
        _percent(test.wer),
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
        f"{counts.substitutions} / {counts.deletions} / {counts.insertions}",
        _short(network.params),
        _short(network.macs),
    ]


def _verdict(result: Mapping[str, Any]) -> list[str]:
    gap = result["gap_closed"]
    gain, p_value = 100 * gap["test_gain"], gap["p_value"]
    says = (
        "Distillation helped"
        if gain > 0 and p_value < 0.05
        else "Distillation made no difference that this test set shows"
    )
    if gain < 0 and p_value < 0.05:
        says = "Distillation hurt"
    lines = [f"{says}: {gain:+.1f} points of test WER gained (paired bootstrap p {_p(p_value)})."]
    if gap["test"] is not None:
        low_high = gap["test_ci95"]
        bounds = f", 95 % interval {100 * low_high[0]:.0f} to {100 * low_high[1]:.0f} %" if low_high else ""
        lines.append(
            f"It closed {100 * gap['test']:.0f} % of the gap of {100 * gap['test_gap']:.1f} points to the teacher"
            f"{bounds}."
        )
    else:
        lines.append(
            f"The teacher is {100 * gap['test_gap']:+.1f} points better than the student alone: too little, on this "
            "test set, to speak of a share of that gap."
        )
    return lines


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return str(round(number))
