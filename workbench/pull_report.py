"""What the diagnostics and the alarms of a run come to: for ``result.json``, and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.pull_watch import supervision

_SHOWN = ("weight", "gradient", "cosine")  # columns of their own; what else a loss measures follows them


def summary_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The diagnostics among the recorded ``rows`` of a network: their mean, and the last; None when there are none.

    Returns:
        ``epochs``, how many were diagnosed; ``mean`` and ``last``, each nested as in ``metrics.jsonl``. The mean of
        what was not measured in every epoch is over those where it was.
    """
    found = [row["diagnostics"] for row in rows if "diagnostics" in row]
    return {"epochs": len(found), "mean": _mean(found), "last": found[-1]} if found else None


def _mean(found: Sequence[Any]) -> Any:
    if not isinstance(found[0], Mapping):
        return sum(found) / len(found)
    names = dict.fromkeys(name for each in found for name in each)
    return {name: _mean([each[name] for each in found if name in each]) for name in names}


def alarms_of(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every alarm among the rows of ``metrics.jsonl``, with the network, stage and epoch it was about."""
    return [
        {"network": row["network"], "stage": row["stage"], "epoch": row["epoch"], "message": message}
        for row in rows
        for message in row.get("alarms", [])
    ]


def render_diagnostics(summary: Mapping[str, Any]) -> RenderableType:
    """A row per loss, means with the last measurement in brackets; below, how well teacher and student read."""
    mean, last = summary["mean"], summary["last"]
    terms = mean["terms"]
    meters = sorted({name for term in terms.values() for name in term} - set(_SHOWN))
    title = f"what pulled at the student, means over {summary['epochs']} epochs (the last)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("loss", no_wrap=True)
    for column in (
        "weight",
        "gradient",
        "share",
        f"cosine with\n{supervision(mean)}",
        *(name.replace("_", "\n") for name in meters),
    ):
        table.add_column(column, justify="right", no_wrap=True)
    together = sum(term.get("gradient", 0.0) for term in terms.values())
    for name, term in terms.items():
        share = 100 * term["gradient"] / together if together and "gradient" in term else None
        both = [(term.get(key), last["terms"].get(name, {}).get(key)) for key in ("cosine", *meters)]
        cells = [_number(term["weight"], ".3g"), _number(term.get("gradient"), ".3g"), _number(share, ".0f", " %")]
        table.add_row(name, *cells, *(_with_last(*pair) for pair in both))
    return Group(table, *(Text(line) for line in _sentences(mean, last)))


def _sentences(mean: Mapping[str, Any], last: Mapping[str, Any]) -> Iterator[str]:
    if "teacher" not in mean:
        return
    entropy = f"entropy of the teacher {mean['teacher']['entropy']:.2f} nats per"
    if "top1" in mean["teacher"]:
        tops = [
            f"{who} top-1 {100 * mean[who]['top1']:.1f} % ({100 * last.get(who, mean[who])['top1']:.1f} %)"
            for who in ("teacher", "student")
        ]
        yield f"On the training clips measured, as they are shown: {', '.join([*tops, entropy])} clip."
        return
    wers = [
        f"{who} WER {100 * mean[who]['wer']:.1f} % ({100 * last.get(who, mean[who])['wer']:.1f} %)"
        for who in ("teacher", "student")
        if "wer" in mean.get(who, {})
    ]
    yield f"On the training clips measured, as they are shown, decoded greedily: {', '.join([*wers, entropy])} step."
    if "pseudo_labels" in mean:
        shares = last.get("pseudo_labels", mean["pseudo_labels"])
        named = ", ".join(f"{name.replace('_', '-')} {share:.1%}" for name, share in shares.items())
        yield f"In the end the student agrees with the teacher's alignment of the transcripts in: {named}."


def _with_last(mean: float | None, last: float | None) -> str:
    return "" if mean is None else f"{_number(mean, '.2f')} ({_number(last, '.2f') or '-'})"


def _number(value: float | None, style: str, unit: str = "") -> str:
    return "" if value is None else f"{value:{style}}{unit}"
