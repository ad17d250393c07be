"""Released weights in front of the isolated clips that they were trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout
from slr.types import Network
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.schema import IsolatedData, IsolatedEvaluate
from workbench.progress import Progress
from workbench.schema import Run


def run_of(out: Path) -> Run:
    """The run whose folder ``out`` is."""
    return Run(name=out.resolve().name, out=str(out.resolve().parent))


def open_isolated(out: Path, data: IsolatedData, progress: Progress) -> IsolatedPlace:
    """The corpus that released weights were trained on.

    Raises:
        ValueError: when it cannot be opened.
    """
    return IsolatedPlace.open(run_of(out), data, IsolatedEvaluate(), progress)


def described_clips(place: IsolatedPlace, layout: ReleasedLayout, network: nn.Module) -> dict[str, Any]:
    """How the clips are prepared for a released network that can read them.

    Raises:
        ValueError: when it reads frames, other joints, more channels or fewer persons.
    """
    if cast(Network, network).input_stream != "pose":
        raise ValueError(f"{layout.about} reads frames, and --data are clips of keypoints: leave them out")
    reads, shown = cast(SkeletonLayout, network.layout), place.corpus.layout
    if reads.joints != shown.joints:
        raise ValueError(
            f"{layout.about} reads the {len(reads)} joints of {reads.name} and these data have the {len(shown)} of "
            f"{shown.name}: name the data that it was trained on, or their layout with --skeleton"
        )
    with torch.no_grad():
        network.eval()(place.sample().stream("pose"))
    return place.described(network)
