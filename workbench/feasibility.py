"""Before training: does every transcript fit the output steps of its clip?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import nn

from slr.ctc import required_steps
from slr.data import SPLITS, SignDataset
from slr.types import Network
from workbench.workplace import Workplace

_SHOWN = 20


def check_clips(place: Workplace, streams: Iterable[str], networks: Iterable[nn.Module]) -> str:
    """Look at every clip before anything is trained: is it there, and can ``networks`` write its glosses?

    Returns:
        hash of all that the clips show in ``streams``, and of their transcripts.

    Raises:
        ValueError: when frames or keypoints of a clip are missing or wrong, or training clips are too short.
    """
    contents = place.contents(SPLITS, streams)
    for network in networks:
        reader = cast(Network, network)
        check_targets_fit(place.dataset("train", {reader.input_stream}), reader)
    return contents


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
        are = "clip is" if len(short) == 1 else "clips are"
        raise ValueError(
            f"{len(short)} {are} too short to write every gloss in the output steps of {type(network).__name__}: "
            f"{', '.join(short[:_SHOWN])}{more}; leave out what is listed here (data.corpus.exclude), or lower the "
            "stride of the plan or the network"
        )
