"""What travels between the rooms: padded sequences, batches and network outputs.

Axis legend, used in every shape comment and docstring of the project:

====== ==========================================================================
letter axis
====== ==========================================================================
``B``  clips in a batch
``T``  time steps of an input stream (video frames or skeleton frames)
``S``  output steps of a network, ``ceil(T / 4)`` for most
``V``  width of the logits: the glosses and the blank, or the classes of an isolated corpus, which has no blank
``U``  glosses of a transcript
``P``  persons in a clip; a pose without this axis shows one
``J``  joints (keypoints) of a skeleton
``C``  channels of a joint or an image: (x, y, confidence), (x, y, z, confidence), (x, y, z) or (red, green, blue)
``D``  features
``H W`` image height and width in pixels
====== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


def strided_lengths(lengths: Tensor, stride: int) -> Tensor:
    """``ceil(lengths / stride)``: the steps that are left when every ``stride``-th one is kept, the first included."""
    return torch.div(lengths + stride - 1, stride, rounding_mode="floor")


def moved(values: Tensor, device: torch.device | str) -> Tensor:
    """``values`` on another device, copied while the program goes on where that is safe.

    From a GPU to memory it is not: the copy may still be under way when its numbers are read.
    """
    return values.to(device, non_blocking=torch.device(device).type != "cpu")


@dataclass(frozen=True)
class Padded:
    """A batch of sequences of unequal length.

    ``values`` is ``[B, T, ...]``, batch first; ``lengths`` is ``[B]`` int64, counted in steps of these ``values``.
    Positions at and after a length are padding and mean nothing: no result may depend on them.
    """

    values: Tensor
    lengths: Tensor

    def __post_init__(self) -> None:
        assert self.values.ndim >= 2, f"values need a batch and a time axis, got shape {tuple(self.values.shape)}"
        assert self.lengths.shape == self.values.shape[:1], (
            f"{tuple(self.lengths.shape)} lengths for {self.values.shape[0]} sequences"
        )

    @classmethod
    def from_list(cls, sequences: Sequence[Tensor]) -> Padded:
        """Pad ``[T_i, ...]`` tensors with zeros to the longest and stack them.

        Raises:
            ValueError: when there is no sequence to stack.
        """
        if not sequences:
            raise ValueError("cannot pad an empty list of sequences: a batch needs at least one clip")
        lengths = torch.tensor([len(sequence) for sequence in sequences], dtype=torch.int64)
        values = torch.nn.utils.rnn.pad_sequence(list(sequences), batch_first=True)
        return cls(values, lengths.to(values.device))

    @cached_property
    def mask(self) -> Tensor:
        """``[B, T]`` bool, true on real steps and false on padding."""
        steps = torch.arange(self.values.shape[1], device=self.lengths.device)
        return steps < self.lengths[:, None]

    def expanded_mask(self) -> Tensor:
        """The mask with trailing axes of size one, ready to multiply or select ``values``."""
        return self.mask.reshape(*self.values.shape[:2], *([1] * (self.values.ndim - 2)))

    def zeroed(self) -> Padded:
        """The same sequences with zeros as padding; a NaN in the padding disappears too."""
        zero = torch.zeros((), dtype=self.values.dtype, device=self.values.device)
        return ZeroPadded(torch.where(self.expanded_mask(), self.values, zero), self.lengths)

    def valid(self) -> Tensor:
        """All real steps of all sequences, one after the other: ``[sum(lengths), ...]``."""
        rows = self.values.flatten(0, 1)
        if len(self.places) == len(rows):
            return rows
        return rows.index_select(0, self.places)  # much faster than values[mask], backwards too

    def mean(self) -> Tensor:
        """Mean of the real steps of each sequence, ``[B, ...]``, zeros where there is none; in float32 at least."""
        precise = torch.promote_types(self.values.dtype, torch.float32)
        counts = self.lengths.clamp(min=1).to(precise)
        summed = self.zeroed().values.sum(dim=1, dtype=precise)
        return summed / counts.view(-1, *[1] * (summed.ndim - 1))

    def every(self, stride: int) -> Padded:
        """Every ``stride``-th step of each sequence, its first included."""
        return Padded(self.values[:, ::stride], strided_lengths(self.lengths, stride))

    def unpad(self) -> list[Tensor]:
        """The sequences one by one, each ``[T_i, ...]``."""
        return [sequence[:length] for sequence, length in zip(self.values, self.lengths.tolist(), strict=True)]

    def map(self, function: Callable[[Tensor], Tensor]) -> Padded:
        """Apply a step-wise ``function`` to the values and keep the lengths."""
        return Padded(function(self.values), self.lengths)

    @cached_property
    def places(self) -> Tensor:
        """Where the real steps lie among all ``B * T`` steps: ``[sum(lengths)]`` int64, ascending."""
        return self.mask.flatten().nonzero().squeeze(1)

    def to(self, device: torch.device | str) -> Padded:
        """The same sequences on another device."""
        return Padded(moved(self.values, device), moved(self.lengths, device))

    def detach(self) -> Padded:
        """The same sequences without their history of gradients."""
        return type(self)(self.values.detach(), self.lengths)


class ZeroPadded(Padded):
    """Sequences whose padding is known to be zero: whoever asks for that again gets it for nothing."""

    def zeroed(self) -> Padded:
        """Itself."""
        return self


@dataclass(frozen=True)
class Batch:
    """A few clips, as a network and a loss see them.

    ``rgb`` is ``[B, T', 3, H, W]`` and ``pose`` is ``[B, T, J, C]``, or ``[B, T, P, J, C]`` where a corpus has several
    persons; a stream nobody asked for is ``None``. ``glosses`` holds gloss ids ``[B, U]`` int64, never the blank; clips
    of one sign or action have none and carry a class each in ``labels`` ``[B]`` int64, which counts from 0 and is
    ``None`` for sentences. ``frames`` is ``[B, T]`` int64, the temporal plan: the source frame behind every step of
    ``pose``; ``rgb`` shows every ``rgb_stride``-th of them. ``flipped`` says which clips are shown mirrored; empty when
    none is.
    """

    ids: tuple[str, ...]
    glosses: Padded
    frames: Padded
    rgb: Padded | None = None
    pose: Padded | None = None
    rgb_stride: int = 1
    flipped: tuple[bool, ...] = ()
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def stream(self, name: str) -> Padded:
        """The stream called ``"rgb"`` or ``"pose"``.

        Raises:
            ValueError: when the stream is unknown or was not loaded.
        """
        if name not in ("rgb", "pose"):
            raise ValueError(f"unknown stream {name!r}: a network reads 'rgb' or 'pose'")
        stream = getattr(self, name)
        if stream is None:
            raise ValueError(f"this batch carries no {name!r} stream: the corpus was opened without it")
        return stream

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return replace(
            self,
            glosses=self.glosses.to(device),
            frames=self.frames.to(device),
            rgb=self.rgb.to(device) if self.rgb is not None else None,
            pose=self.pose.to(device) if self.pose is not None else None,
            labels=moved(self.labels, device) if self.labels is not None else None,
        )


@dataclass(frozen=True)
class NetOutput:
    """What every teacher and every student returns.

    ``logits`` are raw scores ``[B, S, V]`` (isolated networks have ``S = 1``). ``taps`` are the intermediate features
    ``[B, S', D]`` that the network chooses to publish, by name.
    """

    logits: Padded
    taps: dict[str, Padded] = field(default_factory=dict)

    def read(self, name: str) -> Padded:
        """The tap called ``name``, or the logits when ``name`` is ``"logits"``."""
        if name == "logits":
            return self.logits
        if name not in self.taps:
            raise ValueError(f"no tap {name!r}: this network publishes {', '.join(['logits', *sorted(self.taps)])}")
        return self.taps[name]

    def detach(self) -> NetOutput:
        """The same output without its history of gradients."""
        return NetOutput(self.logits.detach(), {name: tap.detach() for name, tap in self.taps.items()})


@runtime_checkable
class Network(Protocol):
    """What the workbench asks of a teacher or a student, besides being a ``torch.nn.Module``.

    ``input_stream`` is ``"rgb"`` or ``"pose"``; ``tap_widths`` gives the feature width ``D`` of every published tap.
    A network, or any module in it, that changes as training goes on may have a method ``set_epoch(epoch)``: it is
    called before each epoch, counted from 0, and after a resume too.
    """

    input_stream: str

    @property
    def tap_widths(self) -> dict[str, int]:
        """Width of every tap the network publishes, by name."""
        ...

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps ``S`` for inputs of ``lengths`` steps, without running the network."""
        ...

    def __call__(self, stream: Padded) -> NetOutput:
        """Recognise a padded stream."""
        ...
