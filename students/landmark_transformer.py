"""Landmark transformer: patches of landmarks, groups that look at each other, local and global time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, RecogniserTail, RMSNorm, RotaryAttention, RotaryContext, ValidSteps, check_task
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import NetOutput, Padded
from students.gloss_tail import TailOptions
from students.joint_groups import present_joints
from students.landmark_head import LandmarkTail

CLIP = 5.0  # standard deviations beyond which a coordinate is a fault of the estimator
_EPS = 1e-6
_PATCH = 4  # landmarks


class LandmarkTransformer(nn.Module):
    """A hierarchical landmark transformer for isolated signs, with its classifier or with a head for glosses.

    The system is known by a README and by code that was found with high likelihood to be it; neither has a paper. Kept
    are its patches, attention between groups, fusion and blocks: landmarks of a group in patches of four
    (:class:`PatchEmbedding`); hands attend to each other over time, face and body to each other (:class:`CrossGroups`);
    a learned mixture of the groups plus a projection of all; ``local_blocks`` rotary blocks that see ``window`` frames
    to either side; convolutions over 3, 5 and 7 frames side by side (tap ``frame``); ``global_blocks`` over all frames.

    With ``task="class"`` (logits ``[B, 1, V]``, no blank) these end in the system's pooling over several scales and its
    three narrowing classifiers (:class:`~students.landmark_head.LandmarkClassifier`), behind the tap ``context``. With
    ``task="glosses"`` the strided temporal convolution in front of the ``global_blocks`` and both gloss heads are ours.

    Unlike that code, body landmarks are those of both sides; local blocks are local; attention sees no padding; time is
    told by rotation alone, so that a clip may be of any length; pooling does not average the parts of a clip away; and
    nothing random is left in evaluation. Landmarks are in ``parts``: left hand, right hand, face with mouth, body; a
    layout that lacks some of them goes without. A missing landmark (zero in all channels) stays zero when the input is
    normalised; a missing part leaves a learned vector.

    Args:
        num_classes: width of the logits, with the blank where the task is ``glosses``.
        layout: the landmarks. ``mediapipe-lips-hands-87`` is the system's own selection, with both arms.
        in_channels: numbers of a landmark; the system has x and y.
        width: features of a frame.
        patch_heads: of the attention between patches.
        heads: of all other attention.
        local_blocks, window, global_blocks: see above.
        dropout: of the blocks, of the tail, and of the classifier.
        stochastic_depth: probability that a clip goes without what the last block adds; it rises from 0 at the first
            block along a line, see :class:`~slr.layers.RotaryBlock`.
        layer_drop: probability that a block is left out for a whole batch, see :class:`~slr.layers.RotaryContext`.
        task: ``glosses`` or ``class``.
        confidence: of a class: whether a tap ``confidence`` says how sure the network is.
        tail: of glosses: :class:`~students.gloss_tail.TailOptions`.

    Raises:
        ValueError: when the layout or the task is unknown, an option belongs to the other task, or twice the heads do
            not divide a width.
    """

    input_stream = "pose"

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        width: int = 512,
        patch_heads: int = 4,
        heads: int = 8,
        local_blocks: int = 4,
        window: int = 8,
        global_blocks: int = 4,
        dropout: float = 0.1,
        stochastic_depth: float = 0.0,
        layer_drop: float = 0.0,
        task: str = "glosses",
        confidence: bool = False,
        **tail: Unpack[TailOptions],
    ) -> None:
        super().__init__()
        self.layout = skeleton_layout(layout)
        self.parts = landmark_parts(self.layout)
        self.data_norm = MaskedBatchNorm(len(self.layout) * in_channels)
        self.embed = nn.ModuleDict(
            {name: PatchEmbedding(joints, in_channels, width, patch_heads) for name, joints in self.parts.items()}
        )
        self.cross = CrossGroups(list(self.parts), width, heads, dropout)
        self.mixture = nn.Parameter(torch.zeros(len(self.parts))) if len(self.parts) > 1 else None
        self.join = nn.Linear(len(self.parts) * width, width)
        drops = torch.linspace(0, stochastic_depth, local_blocks + global_blocks).tolist()
        self.local = RotaryContext(width, heads, local_blocks, dropout, window, drops[:local_blocks], layer_drop)
        self.convolve = ParallelConv(width)
        context = RotaryContext(width, heads, global_blocks, dropout, None, drops[local_blocks:], layer_drop)
        check_task(task, "a skeleton network")
        self.tail: RecogniserTail | LandmarkTail
        if task == "class":
            if tail:
                raise ValueError(f"{', '.join(tail)}: only a network with task 'glosses' has a tail for glosses")
            self.tail = LandmarkTail(context, num_classes, heads=heads, dropout=dropout, confidence=confidence)
        else:
            if confidence:
                raise ValueError("confidence is said of a clip: only a network with task 'class' has it")
            self.tail = RecogniserTail(width, num_classes, context=context, width=width, dropout=dropout, **tail)
        self.tap_widths = {"frame": width, **self.tail.tap_widths}

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` keypoints -> ``[B, S, V]`` scores; one step for a class."""
        valid = ValidSteps.of(stream.lengths, stream.values.shape[1])
        landmarks = self._normalised(valid.gather(stream.values))  # [N, J, C]
        parts = {name: valid.scatter(embed(landmarks)) for name, embed in self.embed.items()}
        parts = self.cross(parts)
        frame = self.convolve(self.local(Padded(self._joined(parts), stream.lengths)))
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)

    def _joined(self, parts: Mapping[str, Padded]) -> Tensor:
        """A mixture of the parts, plus a projection of all: ``[B, T, width]``."""
        values = [part.values for part in parts.values()]
        mixed = values[0] if self.mixture is None else torch.stack(values, -1) @ self.mixture.softmax(0)
        return mixed + self.join(torch.cat(values, -1))

    def _normalised(self, landmarks: Tensor) -> Tensor:
        normed = self.data_norm.normalise(landmarks.flatten(1)).view(landmarks.shape).clamp(-CLIP, CLIP)
        return torch.where(present_joints(landmarks)[..., None], normed, torch.zeros_like(normed))


def landmark_parts(layout: SkeletonLayout) -> dict[str, tuple[int, ...]]:
    """The joints of each part that a layout has: left hand, right hand, face with mouth, and whatever else as body."""
    part_of = {"left_hand": "left_hand", "right_hand": "right_hand", "mouth": "face", "face": "face"}
    parts: dict[str, tuple[int, ...]] = {}
    for name, joints in layout.groups.items():
        part = part_of.get(name, "body")
        parts[part] = parts.get(part, ()) + tuple(joints)
    return {name: parts[name] for name in ("left_hand", "right_hand", "face", "body") if name in parts}


class PatchEmbedding(nn.Module):
    """Landmarks of a part in a frame -> ``width`` features: ``[N, J, C]`` -> ``[N, width]``.

    Four landmarks at a time, in the order of the layout, become a patch; a patch has a learned place, attends to the
    others of its frame, and their mean is added to a learned vector, which stands alone where all are missing.
    """

    def __init__(self, joints: Sequence[int], in_channels: int, width: int, heads: int) -> None:
        super().__init__()
        self.filler = -len(joints) % _PATCH
        self.joints: Tensor
        self.register_buffer("joints", torch.tensor(joints), persistent=False)
        self.project = nn.Linear(_PATCH * in_channels, width)
        self.places = nn.Parameter(0.02 * torch.randn((len(joints) + self.filler) // _PATCH, width))
        self.norm = RMSNorm(width, eps=_EPS)
        self.attention = RotaryAttention(width, heads)
        self.base = nn.Parameter(0.02 * torch.randn(width))

    def forward(self, landmarks: Tensor) -> Tensor:
        """One vector per frame."""
        own = landmarks[:, self.joints]  # [N, J of the part, C]
        patches = nn.functional.pad(own, (0, 0, 0, self.filler)).unflatten(1, (-1, _PATCH)).flatten(2)
        features = self.norm(self.project(patches) + self.places)
        features = (features + self.attention(features, features)).mean(1)
        present = present_joints(own).any(1, keepdim=True)
        return self.base + torch.where(present, features, torch.zeros_like(features))


class CrossGroups(nn.Module):
    """Each hand attends to the other over the steps of a clip, with the same weights; so do face and body.

    What is found is added and normalised. A part whose partner the layout lacks stays as it is.
    """

    PAIRS = (("left_hand", "right_hand"), ("face", "body"))

    def __init__(self, parts: Sequence[str], width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.pairs = [pair for pair in self.PAIRS if set(pair) <= set(parts)]
        self.attention = nn.ModuleList(RotaryAttention(width, heads) for _ in self.pairs)
        self.norms = nn.ModuleList(RMSNorm(width, eps=_EPS) for _ in self.pairs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, parts: dict[str, Padded]) -> dict[str, Padded]:
        """Every part ``[B, T, width]``, by name."""
        seen = dict(parts)
        for pair, attention, norm in zip(self.pairs, self.attention, self.norms, strict=True):
            for name, other in (pair, pair[::-1]):
                own, source = parts[name], parts[other]
                found = attention(own.values, source.values, source.mask[:, None, :])
                seen[name] = Padded(norm(own.values + self.dropout(found)), own.lengths)
        return seen


class ParallelConv(nn.Module):
    """Convolutions over 3, 5 and 7 steps, each for a share of the features, GELU; added to the input and normalised."""

    KERNELS = (3, 5, 7)

    def __init__(self, width: int) -> None:
        super().__init__()
        share, rest = divmod(width, len(self.KERNELS))
        shares = [share + (number < rest) for number in range(len(self.KERNELS))]
        self.convs = nn.ModuleList(
            nn.Conv1d(width, own, kernel, padding=kernel // 2) for own, kernel in zip(shares, self.KERNELS, strict=True)
        )
        self.norm = RMSNorm(width, eps=_EPS)

    def forward(self, padded: Padded) -> Padded:
        """``[B, T, width]`` -> ``[B, T, width]``; padding is zero."""
        padded = padded.zeroed()
        channels = padded.values.transpose(1, 2)
        found = torch.cat([conv(channels) for conv in self.convs], dim=1).transpose(1, 2)
        return Padded(self.norm(padded.values + nn.functional.gelu(found)), padded.lengths).zeroed()
