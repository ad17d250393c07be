from __future__ import annotations

import pytest
import torch
from torch import nn

from slr.layers import ValidSteps
from slr.skeleton import adjacency, skeleton_layout
from slr.types import Padded
from students import STGCN
from students.st_gcn import GraphConv, STGCNBlock
from tests.reference import layers
from tests.slr.layers.clips import random_clips


def small(**arguments: object) -> STGCN:
    fields = {
        "num_classes": 5,
        "layout": "sign-27",
        "channels": (4, 6),
        "temporal_kernel": 3,
        "width": 8,
        "dropout": 0.0,
    }
    return STGCN(**{**fields, **arguments}).double()


def graph(joints: int = 4) -> torch.Tensor:
    return torch.rand(2, joints, joints).double()


def test_graph_convolution_equals_the_loop_over_parts_and_joints() -> None:
    conv = GraphConv(3, 5, graph()).double()
    nn.init.uniform_(conv.importance)
    frames = torch.randn(6, 4, 3).double()
    for got, frame in zip(conv(frames), frames, strict=True):
        expected = layers.graph_convolution(frame, conv.parts * conv.importance, conv.linear.weight)
        torch.testing.assert_close(got, expected)


def test_importance_starts_at_the_skeleton_and_adaptive_edges_are_parameters() -> None:
    parts = adjacency(skeleton_layout("sign-27"))
    fixed, importance, adaptive = (GraphConv(3, 5, parts, kind) for kind in ("fixed", "importance", "adaptive"))
    for conv in (importance, adaptive):
        conv.linear.load_state_dict(fixed.linear.state_dict())
    frames = torch.randn(5, 27, 3)
    torch.testing.assert_close(importance(frames), fixed(frames))
    torch.testing.assert_close(adaptive(frames), fixed(frames))
    counts = [sum(p.numel() for p in conv.parameters()) for conv in (fixed, importance, adaptive)]
    assert counts == [3 * 3 * 5, 3 * 3 * 5 + 3 * 27 * 27, 3 * 3 * 5 + 3 * 27 * 27]


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_equals_the_loop_over_clips_joints_and_kernels(stride: int) -> None:
    block = STGCNBlock(3, 5, graph(), kernel=3, stride=stride).double().eval()
    clips = random_clips([7, 1, 4], 4, 3)
    out, left = block(torch.cat(clips), ValidSteps.of(torch.tensor([7, 1, 4]), 8))
    assert left.lengths.tolist() == [-(-len(clip) // stride) for clip in clips]
    for got, clip in zip(left.scatter(out).unpad(), clips, strict=True):
        rows = [
            layers.graph_convolution(frame, block.graph_conv.parts, block.graph_conv.linear.weight) for frame in clip
        ]
        y = torch.relu(block.graph_norm.norm(torch.cat(rows)).view(len(clip), 4, 5))
        moved = [layers.convolution(y[:, joint], block.time_conv.weight[..., 0])[::stride] for joint in range(4)]
        y = block.time_norm.norm(torch.stack(moved, 1).flatten(0, 1))
        kept = block.shortcut_norm.norm(block.shortcut(clip[::stride]).flatten(0, 1))
        torch.testing.assert_close(got.flatten(0, 1), torch.relu(y + kept))


def test_a_block_of_equal_widths_keeps_its_input_and_the_first_has_no_residual() -> None:
    net = small(channels=(4, 4))
    assert (net.trunk.blocks[0].residual, net.trunk.blocks[1].residual) == (False, True)
    assert net.trunk.blocks[1].shortcut is None


def test_strides_of_blocks_are_declared() -> None:
    net = small(channels=(4, 6, 6), strides=(2, 1, 2), temporal_layers="K3-P2")
    for steps in (1, 2, 7, 8, 9, 16, 17, 30):
        output = net(Padded(torch.randn(2, 30, 27, 3).double(), torch.tensor([steps, 30])))
        assert output.logits.lengths.tolist() == net.output_lengths(torch.tensor([steps, 30])).tolist()
        assert output.logits.lengths[0] == -(-steps // 8)


def test_pooling_by_groups_or_over_all_joints() -> None:
    assert small().tap_widths["frame"] == 3 * 6
    assert small(pooling="mean").tap_widths["frame"] == 6


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"graph": "learned"}, "unknown graph 'learned' of STGCN"),
        ({"pooling": "max"}, "unknown pooling 'max'"),
        ({"context": "lstm"}, "unknown context 'lstm'"),
        ({"partition": "spacial"}, "unknown partition 'spacial'"),
        ({"strides": (1, 2, 1)}, "2 channels and 3 strides"),
        ({"temporal_kernel": 4}, "temporal kernel 4 is even"),
        ({"width": 7}, "the width must be even"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        small(**arguments)
