"""The frame of skeleton networks: keypoints of one or several persons, normalised, through a trunk, into a head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, ValidSteps
from slr.skeleton import SkeletonLayout
from slr.types import NetOutput, Padded, strided_lengths
from students.heads import HeadOptions, make_head


class Trunk(Protocol):
    """What makes features of normalised keypoints, person by person; an ``nn.Module``.

    It maps ``[N, T, J, C]`` to ``[N, T', J, width]``, where a clip of ``N`` shows one person. The padding that it is
    given holds zeros; what it leaves in its own is not read.
    """

    width: int

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps that are left of clips of ``lengths`` steps."""
        ...

    def __call__(self, clips: Padded) -> Padded:
        """Features of every joint."""
        ...


class BlockTrunk(nn.Module):
    """Blocks in a row, the first without a residual.

    A block maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``: of a clip
    of ``T`` steps ``ceil(T / stride)``. It is given them with where they lie, and returns the same.

    Args:
        in_width: features of a joint that the first block reads.
        channels: width of every block.
        strides: stride of every block.
        block: makes a block of its input width, width, stride, and whether it has a residual.

    Raises:
        ValueError: when ``channels`` and ``strides`` differ in number, or there are none.
    """

    def __init__(
        self,
        in_width: int,
        channels: Sequence[int],
        strides: Sequence[int],
        block: Callable[[int, int, int, bool], nn.Module],
    ) -> None:
        super().__init__()
        if len(strides) != len(channels) or not channels:
            raise ValueError(f"{len(channels)} channels and {len(strides)} strides: each block needs one of both")
        self.width = channels[-1]
        self.strides = tuple(strides)
        ins = [in_width, *channels]
        self.blocks = nn.ModuleList(block(ins[i], channels[i], strides[i], i > 0) for i in range(len(channels)))

    def forward(self, clips: Padded) -> Padded:
        """``[N, T, J, in_width]`` -> ``[N, T', J, width]``."""
        valid = ValidSteps.of(clips.lengths, clips.values.shape[1])
        x = valid.gather(clips.values)
        for block in self.blocks:
            x, valid = block(x, valid)
        return valid.scatter(x)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps that are left of clips of ``lengths`` steps."""
        for stride in self.strides:
            lengths = strided_lengths(lengths, stride)
        return lengths


class SkeletonNetwork(nn.Module):
    """Batch norm of the keypoints, a trunk, and a head for glosses or for a class.

    A network derives from it, builds its trunk and hands it over, with its own ``HeadOptions``. The batch norm has
    statistics for every channel of every joint, over all real steps; with ``norm_per_person`` for every person too
    (2s-AGCN, CTR-GCN, MS-G3D, DSTA-SLR), else all persons share them (ST-GCN, DG-STGCN).

    Keypoints are ``[B, T, J, C]`` or ``[B, T, P, J, C]``. A person who is not there is zeros, as in the data of the
    published networks, which average over persons all the same; so a clip with fewer persons than ``persons`` means the
    same with and without such zeros.

    Args:
        trunk: what makes features of joints.
        num_classes: width of the logits, with the blank where the task is ``glosses``.
        layout: the skeleton.
        in_channels: numbers of a joint.
        norm_per_person: whether every person has statistics of its own.
        options: :class:`~students.heads.HeadOptions`.

    Raises:
        ValueError: when an option is unknown to the task, or its value is.
    """

    input_stream = "pose"

    def __init__(
        self,
        trunk: Trunk,
        *,
        num_classes: int,
        layout: SkeletonLayout,
        in_channels: int,
        norm_per_person: bool,
        **options: Unpack[HeadOptions],
    ) -> None:
        super().__init__()
        self.layout = layout
        self.in_channels = in_channels
        self.persons = options.get("persons", 1)
        if self.persons < 1:
            raise ValueError(f"persons is {self.persons}: a clip shows at least one")
        self.norm_per_person = norm_per_person
        self.data_norm = MaskedBatchNorm((self.persons if norm_per_person else 1) * len(layout) * in_channels)
        self.trunk = trunk
        many = 1 << 20  # ceil(many / reduction) steps are left, which no reduction below a thousand shares with another
        reduction = -(-many // int(trunk.output_lengths(torch.tensor(many))))
        self.head = make_head(trunk.width, num_classes, layout, reduction, **options)
        self.tap_widths = self.head.tap_widths

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` or ``[B, T, P, J, C]`` keypoints -> ``[B, S, V]`` scores; one step for a class."""
        return self.head(self.trunk(self.normalised(stream)), self.persons)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.head.output_lengths(self.trunk.output_lengths(lengths))

    def normalised(self, stream: Padded) -> Padded:
        """The keypoints as the trunk reads them, person by person: ``[B P, T, J, C]``, padding zero.

        Raises:
            ValueError: when the clips show another skeleton or more persons than the network was built for.
        """
        values = self._with_persons(stream.values)
        _, steps, persons, joints, channels = values.shape
        if not self.norm_per_person:
            values = values.transpose(1, 2).flatten(0, 1)  # [B P, T, J, C]
            valid = ValidSteps.of(stream.lengths.repeat_interleave(persons), steps)
            rows = valid.gather(values)
            return valid.scatter(self.data_norm.normalise(rows.flatten(1)).view(rows.shape))
        valid = ValidSteps.of(stream.lengths, steps)
        rows = self.data_norm.normalise(valid.gather(values.flatten(2)))
        clips = valid.scatter(rows).values.view(values.shape).transpose(1, 2)
        return Padded(clips.reshape(-1, steps, joints, channels), stream.lengths.repeat_interleave(persons))

    def _with_persons(self, values: Tensor) -> Tensor:
        """``[B, T, P, J, C]`` with as many persons as the network was built for."""
        if values.shape[-2:] != (len(self.layout), self.in_channels) or values.ndim not in (4, 5):
            raise ValueError(
                f"keypoints of shape {tuple(values.shape)}: this network reads [clips, frames, {len(self.layout)}, "
                f"{self.in_channels}] or [clips, frames, persons, {len(self.layout)}, {self.in_channels}], the joints "
                f"of {self.layout.name!r} with their channels"
            )
        if values.ndim == 4:
            values = values.unsqueeze(2)
        missing = self.persons - values.shape[2]
        if missing < 0:
            raise ValueError(f"the clips show {values.shape[2]} persons, and this network was built for {self.persons}")
        return nn.functional.pad(values, (0, 0, 0, 0, 0, missing)) if missing else values
