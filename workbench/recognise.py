"""Let a network read clips: hypotheses with real times, and their scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import nn

from slr.ctc import Decoder, Decoding, step_times
from slr.data import SignDataset
from slr.scoring import Transcript, WerReport, score, write_ctm
from slr.types import Batch, NetOutput, Network
from workbench.precision import Precision

# Long enough that rounding up at the end of a clip does not matter.
_LONG = 1 << 16


@dataclass(frozen=True)
class Recognition:
    """What a network read in the clips of a split, beside what should have been read."""

    references: Mapping[str, tuple[str, ...]]
    transcripts: Mapping[str, Transcript]

    def score(self, protocol: str) -> WerReport:
        """The word error rate under a named protocol."""
        return score(self.references, {clip: found.glosses for clip, found in self.transcripts.items()}, protocol)

    def write(self, path: Path) -> None:
        """Write the hypotheses as CTM, with start and duration of every gloss in seconds of the recording."""
        write_ctm(path, {clip: _readable(transcript) for clip, transcript in self.transcripts.items()})


def recognise(
    network: nn.Module, dataset: SignDataset, batches: Iterable[Batch], decoder: Decoder, precision: Precision
) -> Recognition:
    """Decode every clip of ``batches``, which come from ``dataset``."""
    network.eval()
    stream = cast(Network, network).input_stream
    stride = steps_per_output(cast(Network, network), dataset.rgb_stride)
    found: dict[str, Transcript] = {}
    for batch in batches:
        batch = batch.to(precision.device)
        with torch.no_grad(), precision.autocast():
            output: NetOutput = network(batch.stream(stream))
        for index, decoding in enumerate(decoder.decode(output.logits)):
            found[batch.ids[index]] = _transcript(decoding, _plan_of(batch, index), stride, dataset)
    return Recognition(dataset.references(), {clip.id: found[clip.id] for clip in dataset.clips})


def steps_per_output(network: Network, rgb_stride: int) -> int:
    """Steps of the temporal plan behind one output step of a network."""
    seen = rgb_stride if network.input_stream == "rgb" else 1
    return round(_LONG / int(network.output_lengths(torch.tensor([_LONG // seen]))[0]))


def _plan_of(batch: Batch, index: int) -> list[int]:
    return batch.frames.values[index, : int(batch.frames.lengths[index])].tolist()


def _transcript(decoding: Decoding, plan: list[int], stride: int, dataset: SignDataset) -> Transcript:
    best = decoding.best
    return Transcript(
        glosses=dataset.vocabulary.decode(best.glosses),
        times=step_times(best.starts, best.ends, plan, stride=stride, fps=dataset.corpus.fps).seconds,
        confidences=tuple(math.exp(min(score, 0.0)) for score in best.log_posteriors),
    )


def _readable(transcript: Transcript) -> Transcript:
    """To the millisecond, since a frame lasts tens of them, and with four digits of each confidence."""
    return replace(
        transcript,
        times=tuple((round(start, 3), round(end, 3)) for start, end in transcript.times or ()),
        confidences=tuple(round(confidence, 4) for confidence in transcript.confidences or ()),
    )
