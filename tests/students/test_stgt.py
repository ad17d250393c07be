from __future__ import annotations

import pytest
import torch

from slr.skeleton import SkeletonLayout, hop_distance, skeleton_layout
from slr.types import Padded
from students import STGT
from students.stgt import hop_bias


def small(**arguments: object) -> STGT:
    fields = {"num_classes": 5, "layout": "sign-27", "joint_width": 8, "width": 8, "temporal_heads": 2, "dropout": 0.0}
    return STGT(**{**fields, **arguments}).double()


def test_the_joint_bias_starts_as_falling_with_the_hops_and_ever_slower_from_head_to_head() -> None:
    layout = skeleton_layout("sign-27")
    bias, hops = hop_bias(layout, 3), hop_distance(layout)
    for head in range(3):
        for i in range(27):
            for j in range(27):
                assert float(bias[head, i, j].detach()) == pytest.approx(-float(hops[i, j]) / 2 ** (head + 1))


def test_joints_without_a_path_of_bones_count_one_hop_more_than_the_longest_path() -> None:
    layout = SkeletonLayout.from_dict(
        {
            "name": "two parts",
            "joints": ["a", "b", "c", "d"],
            "bones": [["a", "b", "c"]],
            "groups": {"body": "rest"},
            "centre": "a",
        }
    )
    assert hop_bias(layout, 1)[0].tolist() == [
        [0.0, -0.5, -1.0, -1.5],
        [-0.5, 0.0, -0.5, -1.5],
        [-1.0, -0.5, 0.0, -1.5],
        [-1.5, -1.5, -1.5, 0.0],
    ]


def test_the_frame_tap_sees_its_own_frame_alone() -> None:
    net = small().eval()
    clip = torch.randn(1, 6, 27, 3).double()
    other = clip.clone()
    other[0, 3] += 1
    one, two = (net(Padded(x, torch.tensor([6]))).taps["frame"].values[0] for x in (clip, other))
    changed = (one != two).any(-1).tolist()
    assert changed == [False, False, False, True, False, False]


def test_joints_are_told_apart() -> None:
    net = small().eval()
    clip = torch.randn(1, 6, 27, 3).double()
    swapped = clip[:, :, [0, 2, 1, *range(3, 27)]]
    one, two = (net(Padded(x, torch.tensor([6]))).logits.values for x in (clip, swapped))
    assert not torch.allclose(one, two)


def test_default_sizes_are_those_of_the_method_sheet() -> None:
    net = STGT(num_classes=5)
    assert len(net.layout) == 79
    assert net.embed.out_features == 64
    assert net.tap_widths == {"frame": 512, "conv": 512, "context": 512, "conv_logits": 5}
    assert net.output_lengths(torch.tensor([1, 4, 5, 230])).tolist() == [1, 1, 2, 58]


def test_a_layout_may_come_as_an_object_or_be_unknown() -> None:
    assert small(layout=skeleton_layout("ntu-25")).layout.name == "ntu-25"
    with pytest.raises(ValueError, match="unknown skeleton layout 'sign-72'"):
        small(layout="sign-72")
