"""Let a network read clips: hypotheses with real times, and their scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import nn

from slr.ctc import Decoder, GlossTimes, Hypothesis, step_times
from slr.data import Clip, SignDataset
from slr.scoring import Transcript, WerReport, score, write_ctm
from slr.types import Batch, NetOutput, Network, Padded
from workbench.precision import Precision

# Long enough that rounding up at the end of a clip does not matter.
_LONG = 1 << 16


@dataclass(frozen=True)
class Reading:
    """Glosses where they lie in a recording.

    ``frames`` holds, for each, its first source frame and the one after its last; the times of the transcript are the
    same in seconds. ``log_probability`` is that of the hypothesis or the path it was read from.
    """

    transcript: Transcript
    frames: tuple[tuple[int, int], ...]
    log_probability: float


@dataclass(frozen=True)
class Seen:
    """A batch and what a network wrote about it; ``stride`` is the steps of the temporal plan per output step."""

    batch: Batch
    logits: Padded
    stride: int
    dataset: SignDataset

    def locate(self, row: int, hypothesis: Hypothesis) -> Reading:
        """A hypothesis about clip ``row`` of the batch, in frames and seconds of its recording."""
        times = self._times(row, hypothesis)
        transcript = Transcript(
            glosses=self.dataset.vocabulary.decode(hypothesis.glosses),
            times=times.seconds,
            confidences=tuple(math.exp(min(score, 0.0)) for score in hypothesis.log_posteriors),
        )
        return Reading(transcript, times.frames, hypothesis.log_probability)

    def _times(self, row: int, hypothesis: Hypothesis) -> GlossTimes:
        plan = self.batch.frames.values[row, : int(self.batch.frames.lengths[row])].tolist()
        return step_times(hypothesis.starts, hypothesis.ends, plan, stride=self.stride, fps=self.dataset.corpus.fps)


class Watcher(Protocol):
    """Takes from every batch what it is there for."""

    def see(self, seen: Seen) -> None:
        """One more batch."""
        ...


def show(
    network: nn.Module, dataset: SignDataset, batches: Iterable[Batch], precision: Precision, *watchers: Watcher
) -> None:
    """Let ``network`` read every clip of ``batches``, which come from ``dataset``, once for all ``watchers``."""
    network.eval()
    stream = cast(Network, network).input_stream
    stride = steps_per_output(cast(Network, network), dataset.rgb_stride)
    for batch in batches:
        batch = batch.to(precision.device)
        with torch.no_grad(), precision.autocast():
            output: NetOutput = network(batch.stream(stream))
        for watcher in watchers:
            watcher.see(Seen(batch, output.logits, stride, dataset))


@dataclass(frozen=True)
class Recognition:
    """What a network read in the clips of a split, beside what should have been read.

    ``readings`` holds at least one of every clip, the best first.
    """

    references: Mapping[str, tuple[str, ...]]
    readings: Mapping[str, Sequence[Reading]]

    @cached_property
    def transcripts(self) -> dict[str, Transcript]:
        """The best reading of every clip."""
        return {clip: readings[0].transcript for clip, readings in self.readings.items()}

    def score(self, protocol: str) -> WerReport:
        """The word error rate under a named protocol."""
        return score(self.references, {clip: found.glosses for clip, found in self.transcripts.items()}, protocol)

    def write(self, path: Path) -> None:
        """Write the hypotheses as CTM, with start and duration of every gloss in seconds of the recording."""
        write_ctm(path, {clip: readable(transcript) for clip, transcript in self.transcripts.items()})


class Recogniser:
    """Decodes every clip it sees, and keeps the readings that the decoder gives."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._found: dict[str, list[Reading]] = {}

    def see(self, seen: Seen) -> None:
        """One more batch."""
        for row, decoding in enumerate(self._decoder.decode(seen.logits)):
            self._found[seen.batch.ids[row]] = [seen.locate(row, hypothesis) for hypothesis in decoding.hypotheses]

    def recognition(self, clips: Iterable[Clip]) -> Recognition:
        """What was found in ``clips``, in their order."""
        clips = list(clips)
        references = {clip.id: clip.glosses for clip in clips}
        return Recognition(references, {clip.id: self._found[clip.id] for clip in clips})


def recognise(
    network: nn.Module, dataset: SignDataset, batches: Iterable[Batch], decoder: Decoder, precision: Precision
) -> Recognition:
    """Decode every clip of ``batches``, which come from ``dataset``."""
    recogniser = Recogniser(decoder)
    show(network, dataset, batches, precision, recogniser)
    return recogniser.recognition(dataset.clips)


def steps_per_output(network: Network, rgb_stride: int) -> int:
    """Steps of the temporal plan behind one output step of a network."""
    seen = rgb_stride if network.input_stream == "rgb" else 1
    return round(_LONG / int(network.output_lengths(torch.tensor([_LONG // seen]))[0]))


def readable(transcript: Transcript) -> Transcript:
    """To the millisecond, since a frame lasts tens of them, and with four digits of each confidence."""
    return replace(
        transcript,
        times=tuple((round(start, 3), round(end, 3)) for start, end in transcript.times or ()),
        confidences=tuple(round(confidence, 4) for confidence in transcript.confidences or ()),
    )
