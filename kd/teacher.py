"""Teachers: a frozen network, or its outputs read back from disk. Both are called with a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from kd.cache import EntryError, TeacherCache
from kd.identity import clip_key, view_name
from kd.retime import frames_per_step, retimed
from slr.types import Batch, NetOutput, Network


class Teacher(Protocol):
    """Whatever answers a batch with a network's output that carries no gradient."""

    def __call__(self, batch: Batch) -> NetOutput:
        """Outputs for the clips of ``batch``, in its order."""
        ...


class FrozenTeacher(nn.Module):
    """A trained network that never changes again: in eval mode whatever anyone calls, and without gradients.

    Args:
        network: the network; its parameters stop requiring gradients.
        provenance: where its weights come from, for example a run folder or a checkpoint and its hash.

    Raises:
        ValueError: when ``provenance`` is empty: an untrained teacher teaches noise.
    """

    def __init__(self, network: nn.Module, provenance: str) -> None:
        super().__init__()
        if not provenance.strip():
            raise ValueError(
                f"the teacher {type(network).__name__} was neither trained nor loaded, and random weights teach "
                "nothing: train it or name its checkpoint"
            )
        self.provenance = provenance
        self.network = network.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> FrozenTeacher:
        """Stay in eval mode, whatever ``mode`` says."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, batch: Batch) -> NetOutput:
        """Outputs of the network for the stream it reads."""
        # Someone who holds the network itself may have switched it; its batch statistics must not move.
        self.network.eval()
        output: NetOutput = self.network(batch.stream(cast(Network, self.network).input_stream))
        return output.detach()


class CachedTeacher:
    """A teacher whose outputs were computed before, see :func:`kd.cache.fill`.

    Valid only for the views of the clips that were cached, plain and (where the cache was filled with it) flipped, each
    from one start or several: with another crop every epoch, use the live network. A batch that shows other frames of a
    clip, as a random speed does, gets the outputs at the times of these, see :func:`~kd.retime.retimed`.

    Args:
        cache: where the outputs are.
        fingerprints: fingerprint of every clip, by id, as given when the cache was filled.
        frames: source frames ``[T]`` of every clip, by id, that the teacher was shown then: one view per start, and
            all views of a clip without a frame in common.
        taps: taps to read beside the logits; others stay on disk.
    """

    def __init__(
        self,
        cache: TeacherCache,
        fingerprints: Mapping[str, str],
        frames: Mapping[str, Sequence[Tensor]],
        taps: Iterable[str] = (),
    ) -> None:
        self.cache = cache
        self.fingerprints = dict(fingerprints)
        self.frames = dict(frames)
        self._shown = {clip: [frozenset(view.tolist()) for view in views] for clip, views in self.frames.items()}
        self.taps = tuple(tap for tap in taps if tap != "logits")
        self._strides: dict[str, int] = {}

    def __call__(self, batch: Batch) -> NetOutput:
        """Cached outputs of the clips of ``batch``, in float32, on its device.

        Raises:
            ValueError: when a clip is not in the cache, or shown at other times than its outputs can be read at.
        """
        self._check_known(batch)
        shown = batch.frames.to("cpu")
        starts = [self._start(clip, first) for clip, first in zip(batch.ids, shown.values[:, 0].tolist(), strict=True)]
        keys = self._keys(batch, starts)
        try:
            output = self.cache.read(keys, self.taps)
        except EntryError as error:
            raise ValueError(f"clip {batch.ids[keys.index(error.key)]!r}: {error}") from error
        seen = [self.frames[clip][start] for clip, start in zip(batch.ids, starts, strict=True)]
        output = retimed(output, seen, shown, self._stride_of)
        device = batch.frames.values.device
        return NetOutput(output.logits.to(device), {name: tap.to(device) for name, tap in output.taps.items()})

    def _stride_of(self, name: str) -> int:
        """Frames per step of the logits or a tap, from all clips: those of a batch may be too short to tell."""
        if name not in self._strides:
            lengths = {
                clip_key(clip, self.fingerprints[clip], view_name(start=start)): len(seen)
                for clip, views in self.frames.items()
                for start, seen in enumerate(views)
            }
            steps = self.cache.steps(lengths, name)
            try:
                self._strides[name] = frames_per_step((lengths[key], count) for key, count in steps.items())
            except ValueError as error:
                raise ValueError(
                    f"the teacher's {name} cannot be read at other times ({error}): leave the random speed out, or ask "
                    "the teacher in every step (teacher.live: true)"
                ) from error
        return self._strides[name]

    def _check_known(self, batch: Batch) -> None:
        unknown = [clip for clip in batch.ids if clip not in self.fingerprints]
        if unknown:
            raise ValueError(
                f"clip {unknown[0]!r} is none of the {len(self.fingerprints)} clips whose teacher outputs were cached: "
                "fill the cache for this split"
            )

    def _start(self, clip: str, first: int) -> int:
        """The start of the cached view that shows this frame; 0 where none does."""
        return next((start for start, seen in enumerate(self._shown[clip]) if first in seen), 0)

    def _keys(self, batch: Batch, starts: Sequence[int]) -> list[str]:
        flipped = batch.flipped or (False,) * len(batch)
        views = [view_name(flipped=flip, start=start) for flip, start in zip(flipped, starts, strict=True)]
        return [clip_key(clip, self.fingerprints[clip], view) for clip, view in zip(batch.ids, views, strict=True)]
