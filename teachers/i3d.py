"""I3D: the image network Inception-v1 inflated into space and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import TypedDict, Unpack

from slr.layers import BiLSTM, RecogniserTail, check_task
from slr.released import ReleasedLayout, fill, read_released
from slr.types import NetOutput, Padded, strided_lengths
from teachers.i3d_released import I3D_CLASSES, I3D_TRUNK
from teachers.i3d_units import InceptionBlock, MaxPool3D, Unit3D

# Widths of the branches of every block, as InceptionBlock takes them (Szegedy et al., CVPR 2015, table 1).
BLOCKS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
STEM = (64, 64, 192)


class I3DTrunk(nn.Module):
    """The layers of I3D up to its classifier (Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017).

    Names and table are the published ones. ``strides`` are those in time of the three layers that have one: the first
    convolution, the pooling before the blocks 4 and the one before the blocks 5. A pooling before the blocks 5 that
    does not stride does not look at other frames either.

    Args:
        strides: in time; the published ones are 2, 2 and 2. Weights do not depend on them.
        width_multiplier: share of all widths, for small frames on a CPU.

    Raises:
        ValueError: when there are not three positive strides, or nothing is left of a width.
    """

    def __init__(self, strides: Sequence[int] = (2, 2, 2), width_multiplier: float = 1.0) -> None:
        super().__init__()
        if len(strides) != 3 or min(strides) < 1:
            raise ValueError(f"I3D has three strides in time, of 1 or more, got {list(strides)}")
        if not 0 < width_multiplier <= 1:
            raise ValueError(f"width_multiplier is {width_multiplier:g}: it is a share of the widths, above 0 and to 1")
        share = lambda width: max(1, round(width * width_multiplier))  # noqa: E731
        self.strides = tuple(strides)
        stem = [share(width) for width in STEM]
        layers: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": Unit3D(3, stem[0], 7, (strides[0], 2)),
            "MaxPool3d_2a_3x3": MaxPool3D((1, 3, 3), (1, 2, 2)),
            "Conv3d_2b_1x1": Unit3D(stem[0], stem[1]),
            "Conv3d_2c_3x3": Unit3D(stem[1], stem[2], 3),
            "MaxPool3d_3a_3x3": MaxPool3D((1, 3, 3), (1, 2, 2)),
        }
        width = stem[2]
        for name, widths in BLOCKS.items():
            if name == "Mixed_4b":
                layers["MaxPool3d_4a_3x3"] = MaxPool3D((3, 3, 3), (strides[1], 2, 2))
            elif name == "Mixed_5b":
                layers["MaxPool3d_5a_2x2"] = MaxPool3D((strides[2], 2, 2), (strides[2], 2, 2))
            block = layers[name] = InceptionBlock(width, [share(each) for each in widths])
            width = block.width
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.width = width
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        self.to(memory_format=torch.channels_last_3d)

    def forward(self, stream: Padded) -> Padded:
        """``[B, T, 3, H, W]`` in [-1, 1] -> ``[B, S, width]``, the mean over all places."""
        maps = stream.zeroed().map(lambda frames: frames.permute(0, 1, 3, 4, 2).contiguous())
        for layer in self.children():
            maps = layer(maps)
        return maps.map(lambda values: values.to(torch.promote_types(values.dtype, torch.float32)).mean(dim=(2, 3)))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps that are left of clips of ``lengths`` frames."""
        for stride in self.strides:
            lengths = strided_lengths(lengths, stride)
        return lengths


class TailOptions(TypedDict, total=False):
    """What a recogniser of sentences takes about its tail, see :class:`~slr.layers.RecogniserTail`.

    ``width`` (512), ``temporal_layers`` (``K5``), ``hidden`` of the BiLSTM per direction (256), ``recurrent_layers``
    (2), ``head`` (``linear``), ``head_scale`` (1) and ``shared_head`` (false).
    """

    width: int
    temporal_layers: str
    hidden: int
    recurrent_layers: int
    head: str
    head_scale: float
    shared_head: bool


class I3D(nn.Module):
    """I3D as a recogniser of sentences, or of isolated signs.

    With ``task: glosses`` the features of its last block, a step per four frames, go through the tail that all
    continuous networks share: one more convolution over time, a BiLSTM, a head on each. How Phoenix-2014 was read with
    I3D in the tables of TRKD is not known; the nearest published system (DPLD+TEM, Zhou et al., ICME 2019) has a
    recurrent network and CTC behind it, too. With ``task: class`` it is the published network: a step per eight frames,
    windows of two steps averaged, dropout, one linear layer, the mean over all windows: logits ``[B, 1, V]`` without a
    blank. Its 400-class form for Kinetics has 12,697,264 parameters.

    All convolutions and poolings have the border that TensorFlow calls SAME, by every clip's own length.

    Taps: ``frame`` (after the last block); for glosses ``conv``, ``context``, ``conv_logits``; for a class ``pooled``
    (what the classifier reads, before dropout, one step).

    Args:
        num_classes: the glosses and the blank, or the classes.
        weights: a file of published weights to begin from, such as ``rgb_imagenet.pt``: complete but for the
            classifier, which is left out whatever the task. ``scripts/prepare.py weights --layout i3d`` keeps it.
        task: ``glosses`` or ``class``.
        strides: in time, see :class:`I3DTrunk`; (2, 2, 1) for glosses and (2, 2, 2) for a class when left out.
        width_multiplier: share of all widths of the trunk.
        dropout: on what heads read, and in the BiLSTM; 0.3 for glosses and 0.5 for a class when left out.
        tail: for glosses alone, :class:`TailOptions`.

    Raises:
        ValueError: when the task is unknown, an argument does not fit it, or the weights are not those of I3D.
    """

    input_stream = "rgb"
    released: ClassVar[Mapping[str, ReleasedLayout]] = {"i3d": I3D_CLASSES}

    def __init__(
        self,
        *,
        num_classes: int,
        weights: Path | None = None,
        task: str = "glosses",
        strides: Sequence[int] | None = None,
        width_multiplier: float = 1.0,
        dropout: float | None = None,
        **tail: Unpack[TailOptions],
    ) -> None:
        super().__init__()
        check_task(task, "I3D")
        if task == "class" and tail:
            raise ValueError(
                f"{', '.join(tail)}: a network with task 'class' has no tail; leave out what is about it, or set task "
                "to 'glosses'"
            )
        self.task = task
        self.trunk = I3DTrunk(strides or ((2, 2, 1) if task == "glosses" else (2, 2, 2)), width_multiplier)
        width = self.trunk.width
        self.notes: tuple[str, ...] = ()
        if weights is not None:
            self.notes = fill(self.trunk, I3D_TRUNK, read_released(weights), weights)
        if task == "glosses":
            self.tail = _tail(width, num_classes, 0.3 if dropout is None else dropout, **tail)
            self.tap_widths = {"frame": width, **self.tail.tap_widths}
        else:
            self.dropout = nn.Dropout(0.5 if dropout is None else dropout)
            self.classify = nn.Linear(width, num_classes)
            self.tap_widths = {"frame": width, "pooled": width}

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        if self.task == "class":
            return torch.ones_like(lengths)
        return self.tail.output_lengths(self.trunk.output_lengths(lengths))

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, 3, H, W]`` frames in [-1, 1] -> ``[B, S, V]`` scores; one step for a class."""
        frame = self.trunk(stream)
        if self.task == "glosses":
            output = self.tail(frame)
            return NetOutput(output.logits, {"frame": frame, **output.taps})
        pooled = mean_of_pairs(frame)
        logits = pooled.map(lambda values: self.classify(self.dropout(values)))
        return NetOutput(logits, {"frame": frame, "pooled": pooled})


def mean_of_pairs(frame: Padded) -> Padded:
    """The mean over all windows of two neighbouring steps of each clip, ``[B, S, D]`` -> ``[B, 1, D]``.

    So the first and the last step count half; a single step is its own window.
    """
    steps = torch.arange(frame.values.shape[1], device=frame.lengths.device)
    inner = (steps > 0) & (steps < frame.lengths[:, None] - 1)
    shares = frame.mask * (1 + inner) / (2 * (frame.lengths - 1).clamp(min=1))[:, None]
    shares = torch.where((frame.lengths == 1)[:, None], frame.mask.to(shares.dtype), shares).to(frame.values.dtype)
    pooled = (shares[..., None] * frame.zeroed().values).sum(dim=1, keepdim=True)
    return Padded(pooled, torch.ones_like(frame.lengths))


def _tail(
    in_width: int,
    num_classes: int,
    dropout: float,
    *,
    width: int = 512,
    temporal_layers: str = "K5",
    hidden: int = 256,
    recurrent_layers: int = 2,
    head: str = "linear",
    head_scale: float = 1.0,
    shared_head: bool = False,
) -> RecogniserTail:
    return RecogniserTail(
        in_width,
        num_classes,
        context=BiLSTM(width, hidden, recurrent_layers, dropout),
        width=width,
        temporal_layers=temporal_layers,
        dropout=dropout,
        head=head,
        head_scale=head_scale,
        shared_head=shared_head,
    )
