"""MS-G3D: graphs over many hops and over windows of time, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn
from typing_extensions import Unpack

from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, linked_joints, skeleton_layout
from slr.skeleton_scales import disentangled, window_of
from slr.types import Padded, strided_lengths
from students.heads import HeadOptions
from students.joints_first import clips_first, joints_first
from students.ms_g3d_blocks import MSG3DStage
from students.ms_g3d_released import MS_G3D, PYSKL_MS_G3D
from students.skeleton_network import SkeletonNetwork


class MSG3D(SkeletonNetwork):
    """MS-G3D (Liu et al., "Disentangling and Unifying Graph Convolutions for Skeleton-Based Action Recognition", CVPR
    2020), for glosses or for a class.

    Three stages, see :class:`~students.ms_g3d_blocks.MSG3DStage`. Graphs inside a stage are as wide as the stage before
    it. The head takes the arguments of :class:`~students.heads.HeadOptions`; group pooling, tail and gloss heads are
    ours.

    The graph of a window grows with the square of its joints: some 130 are comfortable, the 543 of MediaPipe want short
    windows and few scales.

    Args:
        num_classes: width of the logits, with the blank where the task is ``glosses``.
        layout: the skeleton.
        in_channels: numbers of a joint.
        channels: widths of the stages.
        strides: of the stages.
        scales: of the graph of a frame, from no hop on; 13 for the 25 joints of NTU RGB+D, 8 for Kinetics.
        window_scales: the same of the graph of a window; 6 and 8.
        windows: frames of each window, odd.
        normalise: of the graphs, see :func:`~slr.skeleton_scales.disentangled`.
        stored_graphs: whether the graphs that do not learn are kept in checkpoints, as pyskl's are.

    Raises:
        ValueError: when the layout or an option is unknown, ``channels`` and ``strides`` differ in number, six does not
            divide a width, or a window is even.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"ms-g3d": MS_G3D, "pyskl-msg3d": PYSKL_MS_G3D}

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        channels: Sequence[int] = (96, 192, 384),
        strides: Sequence[int] = (1, 2, 2),
        scales: int = 13,
        window_scales: int = 6,
        windows: Sequence[int] = (3, 5),
        normalise: str = "symmetric",
        stored_graphs: bool = False,
        **options: Unpack[HeadOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        even = [window for window in windows if window < 1 or window % 2 == 0]
        if even:
            raise ValueError(f"a window of {even[0]} frames has no frame in its middle: it must be odd")
        if not windows:
            raise ValueError("MSG3D without a window is no MS-G3D: windows must name the frames of at least one window")
        linked = linked_joints(layout)
        graph = disentangled(linked, scales, normalise)
        of_windows = [(window, disentangled(window_of(linked, window), window_scales, normalise)) for window in windows]

        if len(strides) != len(channels) or not channels:
            raise ValueError(f"{len(channels)} channels and {len(strides)} strides: each stage needs one of both")
        ins, inner = [in_channels, *channels], [channels[0], *channels]
        stages = [
            MSG3DStage(ins[i], inner[i], channels[i], graph, of_windows, strides[i], stored_graphs)
            for i in range(len(channels))
        ]
        super().__init__(
            MSG3DTrunk(stages, channels[-1], strides),
            num_classes=num_classes,
            layout=layout,
            in_channels=in_channels,
            norm_per_person=True,
            **options,
        )


class MSG3DTrunk(nn.Module):
    """The stages in a row: ``[N, T, J, C]`` -> ``[N, T', J, width]``."""

    def __init__(self, stages: Sequence[MSG3DStage], width: int, strides: Sequence[int]) -> None:
        super().__init__()
        self.width = width
        self.strides = tuple(strides)
        self.blocks = nn.ModuleList(stages)

    def forward(self, clips: Padded) -> Padded:
        """Features of every joint."""
        x, steps = joints_first(clips)
        for stage in self.blocks:
            x, steps = stage(x, steps)
        return clips_first(x, steps)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps that are left of clips of ``lengths`` steps."""
        for stride in self.strides:
            lengths = strided_lengths(lengths, stride)
        return lengths
