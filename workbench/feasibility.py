"""Before training: does every transcript fit the output steps of its clip?"""

from __future__ import annotations

import torch

from slr.data import SignDataset, required_steps
from slr.types import Network

_SHOWN = 20


def check_targets_fit(dataset: SignDataset, network: Network) -> None:
    """Refuse clips whose glosses cannot be written by the network's output steps.

    CTC needs ``S >= U + repeats``: one step per gloss and a blank between equal neighbours.

    Raises:
        ValueError: listing the clips that are too short, with both numbers.
    """
    plans = [dataset.plan.bounds(dataset.corpus.num_frames(clip), training=True)[0] for clip in dataset.clips]
    stride = dataset.rgb_stride if network.input_stream == "rgb" else 1
    steps = network.output_lengths(torch.tensor([-(-length // stride) for length in plans])).tolist()
    short = [
        f"{clip.id} ({available} steps, {required_steps(clip.glosses)} needed)"
        for clip, available in zip(dataset.clips, steps, strict=True)
        if available < required_steps(clip.glosses)
    ]
    if short:
        more = f" and {len(short) - _SHOWN} more" if len(short) > _SHOWN else ""
        raise ValueError(
            f"{len(short)} clips of split {dataset.split!r} are too short for their glosses after the network's "
            f"temporal stride: {', '.join(short[:_SHOWN])}{more}; exclude them, or lower the stride of plan or network"
        )
