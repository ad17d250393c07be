"""Every student reads every skeleton that the project knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import students
from slr.data import Sample
from slr.skeleton import layout_names, skeleton_layout
from slr.types import Padded
from workbench.cost import count_macs, count_parameters

SMALL: dict[str, dict[str, Any]] = {
    "STGT": {"joint_width": 4, "spatial_heads": 2, "spatial_blocks": 1, "temporal_blocks": 1, "temporal_heads": 2},
    "STGCN": {"channels": (4, 4), "temporal_kernel": 3, "context_layers": 1},
    "STGCNPP": {"channels": (6, 6), "strides": (1, 2), "context_layers": 1},
    "AAGCN": {"channels": (4, 4), "strides": (1, 2), "temporal_kernel": 3, "context_layers": 1},
    "S8": {"channels": (4, 4), "strides": (1, 2), "temporal_kernel": 3, "context_layers": 1},
    "CTRGCN": {"channels": (4, 4), "strides": (1, 2), "context_layers": 1},
    "DGSTGCN": {"channels": (6, 6), "strides": (1, 2), "groups": 2, "context_layers": 1},
    "DKEGCN": {"channels": (4, 4), "strides": (1, 2), "context_layers": 1},
    "LightDKEGCN": {"channels": (4, 4), "strides": (1, 2), "context_layers": 1},
    "DSTASLR": {"channels": (4, 8), "strides": (1, 2), "graphs": 2, "context_layers": 1},
    "MSG3D": {"channels": (6, 12), "strides": (1, 2), "scales": 2, "window_scales": 1, "windows": (3,)},
    "SLGCN": {"channels": (4, 8), "strides": (1, 2), "groups": 2, "temporal_kernel": 3, "context_layers": 1},
    "CoSign1S": {"channels": (4, 4), "temporal_kernel": 3, "context_layers": 1},
    "CoSign2S": {"channels": (4, 4), "temporal_kernel": 3, "context_layers": 1},
    "JointRNN": {"frame_width": 8, "context_layers": 1},
    "LandmarkTransformer": {"patch_heads": 2, "heads": 2, "local_blocks": 1, "global_blocks": 1},
}


def built(student: str, layout: str) -> Any:
    network: Callable[..., nn.Module] = getattr(students, student)
    return network(num_classes=4, layout=layout, width=8, **SMALL[student])


def test_every_student_is_here() -> None:
    assert SMALL.keys() == set(students.__all__)


@pytest.mark.slow
@pytest.mark.parametrize("layout", layout_names())
@pytest.mark.parametrize("student", SMALL)
def test_a_student_reads_and_learns_from_any_layout(student: str, layout: str) -> None:
    net, joints = built(student, layout), len(skeleton_layout(layout))
    stream = Padded(torch.randn(2, 6, joints, 3), torch.tensor([6, 3]))
    output = net(stream)
    assert output.logits.lengths.tolist() == net.output_lengths(stream.lengths).tolist()
    output.logits.valid().pow(2).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())
    assert any(p.grad is not None and p.grad.any() for p in net.data_norm.parameters())


@pytest.mark.parametrize("student", SMALL)
def test_the_cost_of_a_student_is_counted_and_grows_with_the_clip(student: str) -> None:
    net = built(student, "sign-27")
    clips = [
        Sample("clip", torch.tensor([1]), torch.arange(steps), None, torch.rand(steps, 27, 3), 1, False)
        for steps in (8, 16)
    ]
    short, long = (count_macs(net, clip) for clip in clips)
    assert 0 < short < long
    assert count_parameters(net) == sum(weight.numel() for weight in net.parameters())
