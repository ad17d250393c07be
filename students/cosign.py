"""CoSign: an encoder per joint group, in one stream or as static, motion and fusion streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, RecogniserTail, ValidSteps
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import NetOutput, Padded
from students.gloss_tail import NamedTailOptions, gloss_tail
from students.group_blocks import Features, GroupBlocks, GroupSplit, StreamBlocks
from students.joint_groups import centred_groups, dimensions, joint_groups, motion
from students.views import ComplementaryViews, first_of_two


class _GroupedClips(nn.Module):
    """What both networks make of a clip before its joint groups are encoded, each number of a frame on its own."""

    input_stream = "pose"

    def __init__(
        self, layout: str | SkeletonLayout, numbers: int, centre_groups: bool, mask_rate: float, mask_segment: int
    ) -> None:
        super().__init__()
        self.layout = skeleton_layout(layout)
        self.centre_groups = centre_groups
        joints = len(self.layout)
        self.data_norm = MaskedBatchNorm(joints * numbers)
        self.views = ComplementaryViews(self.layout.groups.values(), joints, mask_rate, mask_segment)
        self.groups = GroupSplit(joint_groups(self.layout))

    def shown(self, clips: Padded) -> Padded:
        """``[B, T, J, numbers]`` normalised over all frames, in :class:`~students.views.ComplementaryViews`."""
        valid = ValidSteps.of(clips.lengths, clips.values.shape[1])
        rows = valid.gather(clips.values)
        return self.views(valid.scatter(self.data_norm.normalise(rows.flatten(1)).view(rows.shape)))


def _tail(width: int, num_classes: int, dropout: float, options: NamedTailOptions) -> RecogniserTail:
    named: NamedTailOptions = {"head": "cosine", "head_scale": 32.0, **options}
    return gloss_tail(width, num_classes, width=width, dropout=dropout, **named)


class CoSign1S(_GroupedClips):
    """CoSign with one stream (Jiao et al., ICCV 2023), read from keypoints as they are.

    An ST-GCN per joint group of the layout, with adaptive graphs that start from the joints at most one bone apart, the
    two hands with the same weights; the mean over the joints of every group, the groups side by side; a linear layer to
    ``width``; temporal convolution, BiLSTM and cosine classifiers. While training, every clip is shown in two
    complementary views (:class:`~students.views.ComplementaryViews`, with ``mask_rate`` and ``mask_segment``): logits
    and taps are about the first, ``view_logits`` and ``view_conv_logits`` about the second. In evaluation nothing is
    masked and both are the same. :class:`kd.losses.Complementary` compares them; CTC takes ``head: view_logits``.

    The official code was not at hand. Groups, widths, classifier and the centring by group come from the paper and
    from work that builds on it; kernel, batch norm on the input and what a masked joint becomes are reconstruction.
    ``centre_groups`` centres every group as the paper does, for keypoints under ``normalise: frame``; under the default
    ``normalise: signer`` they come centred already and it would do harm. ``dropout`` acts in the tail, whose options
    are :class:`~students.gloss_tail.NamedTailOptions`, but with cosine classifiers of scale 32 by default.

    Raises:
        ValueError: when the layout or ``context`` is unknown, or a mask setting is out of range.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-77",
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256),
        temporal_kernel: int = 5,
        centre_groups: bool = False,
        width: int = 1024,
        dropout: float = 0.3,
        mask_rate: float = 0.2,
        mask_segment: int = 25,
        **tail: Unpack[NamedTailOptions],
    ) -> None:
        super().__init__(layout, in_channels, centre_groups, mask_rate, mask_segment)
        groups = joint_groups(self.layout)
        widths = [in_channels, *channels]
        self.levels = nn.ModuleList(
            GroupBlocks(groups, widths[i], widths[i + 1], temporal_kernel, residual=i > 0) for i in range(len(channels))
        )
        self.to_frame = nn.Linear(self.groups.count * channels[-1], width)
        self.tail = _tail(width, num_classes, dropout, tail)
        views = {"view_logits": num_classes, "view_conv_logits": num_classes}
        self.tap_widths = {"frame": width, **self.tail.tap_widths, **views}

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` keypoints -> ``[B, S, V]`` scores."""
        clips = self.shown(centred_groups(stream, self.layout) if self.centre_groups else stream)
        valid = ValidSteps.of(clips.lengths, clips.values.shape[1])
        features, steps = self.groups(valid.gather(clips.values)), self.groups.steps(valid)
        for level in self.levels:
            features = level(features, steps)
        frame = valid.scatter(self.to_frame(self.groups.pooled(features)))
        output = self.tail(frame)
        return first_of_two(NetOutput(output.logits, {"frame": frame, **output.taps}), len(stream.lengths))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)


class CoSign2S(_GroupedClips):
    """CoSign with two streams (Jiao et al., ICCV 2023): keypoints, their motion, and a fusion of both that decides.

    The static stream reads keypoints, the motion stream their differences to the next and the previous frame
    (:func:`~students.joint_groups.motion`); each is the encoder of :class:`CoSign1S`. The fusion stream has blocks of
    the same widths: its first reads the inputs of the two, joined; each other one its own features, joined with the sum
    of theirs. Logits and the taps ``frame``, ``conv``, ``context`` and ``conv_logits`` are those of the fusion. The
    other two have tails of their own, for CTC: ``static_logits``, ``static_conv_logits``, ``motion_logits``,
    ``motion_conv_logits``. Every head has a second view, ``view_...``, as in :class:`CoSign1S`.

    The scores of the two streams are published in evaluation too, although only the fusion is used then.
    ``stream_heads`` false leaves out their tails, and their last blocks, which nothing else reads: more than half of
    the cost. Which features the fusion joins follows a description of the method; the rest is reconstruction to the
    same extent as in :class:`CoSign1S`.

    Raises:
        ValueError: when the layout or ``context`` is unknown, or a mask setting is out of range.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-77",
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256),
        temporal_kernel: int = 5,
        centre_groups: bool = False,
        width: int = 1024,
        dropout: float = 0.3,
        stream_heads: bool = True,
        mask_rate: float = 0.2,
        mask_segment: int = 25,
        **tail: Unpack[NamedTailOptions],
    ) -> None:
        inputs = {"static": in_channels, "motion": 2 * dimensions(in_channels)}
        super().__init__(layout, sum(inputs.values()), centre_groups, mask_rate, mask_segment)
        self.in_channels = in_channels
        groups = joint_groups(self.layout)
        streams = ("fusion", *(inputs if stream_heads else ()))
        ins = {**inputs, "fusion": sum(inputs.values())}
        self.levels = nn.ModuleList()
        for number, out in enumerate(channels, 1):
            # What the last blocks of the two streams find is read by their own heads alone.
            own = {name: ins[name] for name in (streams if number == len(channels) else ins)}
            self.levels.append(StreamBlocks(groups, own, out, temporal_kernel, residual=number > 1))
            ins = {**dict.fromkeys(inputs, out), "fusion": 2 * out}
        self.to_frame = nn.ModuleDict({name: nn.Linear(self.groups.count * channels[-1], width) for name in streams})
        self.tails = nn.ModuleDict({name: _tail(width, num_classes, dropout, tail) for name in streams})
        scores = ["conv_logits", *(f"{name}_{kind}" for name in streams[1:] for kind in ("logits", "conv_logits"))]
        views = [f"view_{name}" for name in ["logits", *scores]]
        features = dict.fromkeys(["frame", "conv", "context"], width)
        self.tap_widths = features | dict.fromkeys([*scores, *views], num_classes)

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` keypoints -> ``[B, S, V]`` scores."""
        given = centred_groups(stream, self.layout) if self.centre_groups else stream.zeroed()
        both = Padded(torch.cat([given.values, motion(given).values], dim=-1), given.lengths)
        clips = self.shown(both)
        valid = ValidSteps.of(clips.lengths, clips.values.shape[1])
        pooled = {name: self.groups.pooled(features) for name, features in self._encoded(clips, valid).items()}
        frames = {name: valid.scatter(layer(pooled[name])) for name, layer in self.to_frame.items()}
        outputs = {name: tail(frames[name]) for name, tail in self.tails.items()}
        fusion = outputs.pop("fusion")
        taps = {"frame": frames["fusion"], **fusion.taps}
        for name, output in outputs.items():
            taps |= {f"{name}_logits": output.logits, f"{name}_conv_logits": output.taps["conv_logits"]}
        return first_of_two(NetOutput(fusion.logits, taps), len(stream.lengths))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return cast(RecogniserTail, self.tails["fusion"]).output_lengths(lengths)

    def _encoded(self, clips: Padded, valid: ValidSteps) -> dict[str, Features]:
        """Features of the joints in the three streams."""
        rows = valid.gather(clips.values)
        inputs = {"static": rows[..., : self.in_channels], "motion": rows[..., self.in_channels :], "fusion": rows}
        steps = self.groups.steps(valid)
        features = {name: self.groups(stream) for name, stream in inputs.items()}
        for number, level in enumerate(self.levels):
            if number > 0:
                parts = zip(features["fusion"], features["static"], features["motion"], strict=True)
                features["fusion"] = [torch.cat([fusion, static + moving], -1) for fusion, static, moving in parts]
            features = level(features, steps)
        return features
