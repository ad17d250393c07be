from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm
from slr.skeleton import adjacency, skeleton_layout
from slr.types import Padded
from students.ctr_gcn_units import RefinedGraphConv
from students.graph_units import AdaptiveGraphConv, DynamicGraphConv
from students.temporal_units import Branches, LongKernel, MixedBranches, TemporalBranches
from students.units import GraphBlock, NormedLinear, Shortcut
from tests.reference import graph_units as reference
from tests.reference import layers
from tests.slr.layers.clips import random_clips
from tests.students.grown import grown, steps_of

GRAPHS: dict[str, tuple[Callable[[int, int], nn.Module], Callable[[Tensor, nn.Module], Tensor]]] = {
    "refined": (
        lambda given, width: RefinedGraphConv(given, width, torch.rand(2, 4, 4)),
        reference.refined_graph_convolution,
    ),
    "refined-transposed": (
        lambda given, width: RefinedGraphConv(given, width, torch.rand(2, 4, 4), transposed=True),
        reference.refined_graph_convolution,
    ),
    "adaptive": (
        lambda given, width: AdaptiveGraphConv(given, width, torch.rand(2, 4, 4), attention=False),
        reference.adaptive_graph_convolution,
    ),
    "dynamic": (
        lambda given, width: DynamicGraphConv(given, width, joints=4, groups=2),
        reference.dynamic_graph_convolution,
    ),
}


@pytest.mark.parametrize(("in_width", "width"), [(3, 8), (8, 8), (16, 4)])
@pytest.mark.parametrize("unit", GRAPHS)
def test_a_graph_unit_equals_the_loop_over_channels_and_pairs_of_joints(unit: str, in_width: int, width: int) -> None:
    build, slow = GRAPHS[unit]
    conv, clips = grown(build(in_width, width)), random_clips([5, 1, 3], 4, in_width)
    rows, valid = steps_of(clips, extra=2)
    for ours, clip in zip(valid.scatter(conv(rows, valid)).unpad(), clips, strict=True):
        torch.testing.assert_close(ours, slow(clip, conv))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("activated", [False, True])
def test_four_branches_equal_the_loop_over_branches_and_steps(stride: int, activated: bool) -> None:
    unit = grown(TemporalBranches(8, stride, activated=activated))
    check_time_unit(unit, 8, reference.temporal_branches)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("joints", [None, 3])
def test_six_branches_equal_the_loop_over_branches_and_steps(stride: int, joints: int | None) -> None:
    check_time_unit(grown(MixedBranches(14, stride, joints=joints)), 14, reference.mixed_branches)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_long_kernel_equals_the_loop_over_steps(stride: int) -> None:
    def slow(clip: Tensor, unit: nn.Module, plus: Tensor) -> Tensor:
        joints = [layers.convolution(clip[:, j], unit.conv.weight[..., 0])[::stride] for j in range(clip.shape[1])]
        return torch.relu(reference.norm(torch.stack(joints, 1) + unit.conv.bias, unit.norm) + plus)

    check_time_unit(grown(LongKernel(5, stride, kernel=3)), 5, slow)


def check_time_unit(unit: nn.Module, width: int, slow: Callable[[Tensor, nn.Module, Tensor], Tensor]) -> None:
    clips = random_clips([11, 1, 4], 3, width)
    plus = random_clips([-(-len(clip) // unit.stride) for clip in clips], 3, width)
    rows, valid = steps_of(clips, extra=1)
    left = valid.strided(unit.stride)
    out = unit(rows, valid, left, torch.cat(plus))
    for ours, clip, extra in zip(left.scatter(out).unpad(), clips, plus, strict=True):
        torch.testing.assert_close(ours, slow(clip, unit, extra))


def test_branches_that_cannot_share_the_width_are_refused() -> None:
    assert Branches(14, 1, 3, (1, 2, 3, 4), uneven=True).shares == [4, 2, 2, 2, 2]
    with pytest.raises(ValueError, match="4 temporal branches cannot share 6 channels: 4 must divide them"):
        TemporalBranches(6)
    with pytest.raises(ValueError, match="6 temporal branches cannot share 5 channels: there must be 6 at least"):
        MixedBranches(5)
    with pytest.raises(ValueError, match="3 groups cannot share 8 channels"):
        DynamicGraphConv(8, 8, joints=2, groups=3)
    with pytest.raises(ValueError, match="temporal kernel 4 is even"):
        LongKernel(8, kernel=4)


def test_a_new_unit_is_its_input_and_refines_no_graph() -> None:
    parts = adjacency(skeleton_layout("ntu-25"), "directed")
    rows, valid = steps_of([torch.rand(6, 25, 8)])
    for conv in (RefinedGraphConv(8, 8, parts), AdaptiveGraphConv(8, 8, parts, attention=False)):
        torch.testing.assert_close(conv.eval()(rows, valid), rows, rtol=0, atol=1e-3)
        assert conv.strength.item() == 0
    dynamic = DynamicGraphConv(8, 8, joints=25)
    assert not dynamic.alpha.any()
    assert not dynamic.beta.any()
    assert 0.03 < dynamic.parts.mean().item() < 0.05
    assert 0.015 < dynamic.parts.std().item() < 0.025


def test_layers_that_stand_for_several_begin_as_each_of_them() -> None:
    parts = torch.rand(3, 4, 4)
    deviations = {
        "refined": (RefinedGraphConv(512, 256, parts).receive.weight, 64),
        "adaptive": (AdaptiveGraphConv(512, 256, parts).compare.weight, 64),
        "dynamic": (DynamicGraphConv(512, 256, 4).compare.weight, 256),
        "value": (RefinedGraphConv(512, 256, parts).value, 256),
    }
    for name, (weight, outputs) in deviations.items():
        assert weight.std().item() == pytest.approx((2 / outputs) ** 0.5, rel=0.05), name


def test_a_block_adds_every_second_step_of_its_input_where_it_strides() -> None:
    parts = torch.rand(3, 3, 3)
    block = grown(GraphBlock(RefinedGraphConv(4, 8, parts), TemporalBranches(8, 2), Shortcut(4, 8, 2)))
    clips = random_clips([7, 2], 3, 4)
    rows, valid = steps_of(clips)
    out, left = block(rows, valid)
    assert left.lengths.tolist() == [4, 1]
    for ours, clip in zip(left.scatter(out).unpad(), clips, strict=True):
        inner = reference.refined_graph_convolution(clip, block.graph)
        kept = reference.normed_linear(clip[::2], block.shortcut.change)
        torch.testing.assert_close(ours, reference.temporal_branches(inner, block.time, kept))


def test_a_shortcut_of_equal_shape_is_the_input() -> None:
    rows, valid = steps_of(random_clips([4], 2, 3))
    assert Shortcut(3, 3)(rows, valid, valid) is rows
    assert Shortcut(3, 3, stride=2).change is not None


def test_an_idle_bias_is_counted_in_evaluation_and_in_the_running_mean_and_does_not_learn() -> None:
    torch.manual_seed(0)
    ours = NormedLinear(4, 6).double()
    nn.init.normal_(ours.linear.bias)
    layer, norm = nn.Linear(4, 6).double(), nn.BatchNorm1d(6).double()
    layer.load_state_dict(ours.linear.state_dict())
    for turn in range(3):
        rows, plus = torch.randn(5 + turn, 2, 4).double(), torch.randn(5 + turn, 2, 6).double()
        wanted = norm(layer(rows).flatten(0, 1)).view_as(plus) + plus
        torch.testing.assert_close(ours(rows, plus), wanted)
        torch.testing.assert_close(ours(rows, plus, relu=True).detach(), wanted.relu().detach())
        norm(layer(rows).flatten(0, 1))  # the second pass of ours
    for name, value in norm.state_dict().items():
        torch.testing.assert_close(ours.norm.norm.state_dict()[name], value)
    rows = torch.randn(3, 2, 4).double()
    torch.testing.assert_close(ours.eval()(rows), norm.eval()(layer(rows).flatten(0, 1)).view(3, 2, 6))
    assert not ours.linear.bias.requires_grad


def test_one_single_row_is_normalised_by_the_running_statistics_whatever_the_bias() -> None:
    norm = MaskedBatchNorm(2).double().train()
    nn.init.normal_(norm.norm.running_mean)
    row, offset = torch.randn(1, 2).double(), torch.randn(2).double()
    wanted = norm.eval()(Padded((row + offset)[None], torch.tensor([1]))).values[0]
    before = norm.norm.running_mean.clone()
    torch.testing.assert_close(norm.train().normalise(row, offset=offset), wanted)
    assert torch.equal(norm.norm.running_mean, before)
