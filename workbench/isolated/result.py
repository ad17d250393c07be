"""What a run on isolated clips found: its table, and the entries of ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slr.scoring import AccuracyReport
from workbench.result import short

_UNKNOWN = "-"
SPLITS = ("dev", "test")


@dataclass(frozen=True)
class ClassifierResult:
    """One network of a run: its accuracy by part, its size, and multiply-adds for one clip as testing shows it.

    A part without clips, or without scores of a teacher that is known by these, has no report; such a teacher has no
    size. ``clip_shape`` is ``[T, P, J, C]`` of a clip, shown once. ``train`` is how the network does on its training
    clips, not augmented, ``stages`` what each stage of its training came to.
    """

    name: str
    reports: Mapping[str, AccuracyReport]
    params: int | None
    macs: int | None
    clip_shape: tuple[int, ...]
    train: Mapping[str, Any] | None = None
    best_epoch: int | None = None
    stages: Sequence[Mapping[str, Any]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``result.json``; what was not measured is None."""
        scores = {split: self.reports[split].as_dict() if split in self.reports else None for split in SPLITS}
        return {
            "name": self.name,
            **scores,
            "train": self.train,
            "gap": {split: self.gap(split) for split in SPLITS},
            "params": self.params,
            "macs_per_clip": self.macs,
            "clip_shape": list(self.clip_shape),
            "best_epoch": self.best_epoch,
            "stages": self.stages,
        }

    def gap(self, split: str) -> float | None:
        """By how much the top-1 accuracy is higher on the training clips than on a part."""
        if self.train is None or split not in self.reports:
            return None
        return self.train["top1"] - self.reports[split].per_instance()


def render_classifiers(result: Mapping[str, Any], networks: Mapping[str, ClassifierResult]) -> RenderableType:
    """One row per network; below, what was measured and how."""
    title = f"{result['name']}, seed {result['seed']}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    if any(networks):
        table.add_column("", min_width=9)
    table.add_column("network", no_wrap=True)
    columns = (
        "train\ntop-1",
        "dev\ntop-1",
        "test\ntop-1",
        "95 % interval",
        "test\ntop-5",
        "test top-1\nper class",
        "params",
        "MAC/clip",
    )
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for shown, network in networks.items():
        table.add_row(*([shown] if any(networks) else []), *_row(network))
    first = next(iter(networks.values()))
    frames, persons, joints, channels = first.clip_shape
    views = result["views"]
    shown_clip = f"{frames} frames x {persons} persons x {joints} joints x {channels} channels"
    return Group(
        table,
        Text(
            f"{result['corpus']}; stream {result['stream']}, {'one view' if views == 1 else f'{views} views'} of a clip"
        ),
        Text(f"accuracy in %, on train not augmented; MAC/clip: multiply-adds for one view of {shown_clip}"),
        *(Text(line) for line in _remarks(result)),
    )


def _row(network: ClassifierResult) -> list[str]:
    dev, test = network.reports.get("dev"), network.reports.get("test")
    train = _percent(network.train["top1"]) if network.train else _UNKNOWN
    shown = [escape(network.name), train, _percent(dev.per_instance()) if dev else _UNKNOWN]
    if test:
        low, high = test.interval()
        shown += [
            _percent(test.per_instance()),
            f"{100 * low:.1f} to {100 * high:.1f}",
            _percent(test.per_instance(5)),
            _percent(test.per_class()),
        ]
    else:
        shown += [_UNKNOWN] * 4
    return [*shown, *(_UNKNOWN if number is None else short(number) for number in (network.params, network.macs))]


def _remarks(result: Mapping[str, Any]) -> list[str]:
    if result["selected_on"] is None:
        return ["Nothing was held out: these are the weights of the last epoch."]
    return [f"Epoch {result['best_epoch']} was chosen by {result['selected_on']}."]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
