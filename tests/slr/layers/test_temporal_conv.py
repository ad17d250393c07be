from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from slr.layers import TemporalConv
from slr.types import Padded
from tests.reference import layers
from tests.slr.layers.clips import random_clips, with_rubbish


def randomised(module: nn.Module) -> nn.Module:
    """Batch norms that do something in evaluation."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if name.endswith(("norm.weight", "running_var")):
            nn.init.uniform_(tensor, 0.5, 1.5)
        elif name.endswith(("norm.bias", "running_mean")):
            nn.init.normal_(tensor)
    return module.double().eval()


def norm_relu(clip: Tensor, norm: nn.BatchNorm1d) -> Tensor:
    scaled = (clip - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps) * norm.weight + norm.bias
    return scaled.clamp(min=0)


@pytest.mark.parametrize("spec", ["K5-P2-K5-P2", "K5-P2-K5", "K3", "P3-K1", "P2-P2-K3-P3"])
def test_one_step_per_pooling_window_is_left_for_every_length(spec: str) -> None:
    conv = TemporalConv(2, 3, spec).eval()
    for steps in range(1, 41):
        clip = Padded.from_list([torch.randn(steps, 2)])
        expected = steps
        for part in spec.split("-"):
            expected = math.ceil(expected / int(part[1:])) if part[0] == "P" else expected
        assert conv(clip).values.shape == (1, expected, 3)
        assert conv(clip).lengths.tolist() == [expected]
        assert conv.output_lengths(clip.lengths).tolist() == [expected]


def test_the_usual_layers_leave_a_quarter_of_the_steps() -> None:
    lengths = torch.arange(1, 200)
    assert TemporalConv(1, 1).output_lengths(lengths).tolist() == [math.ceil(steps / 4) for steps in range(1, 200)]


def test_it_equals_the_loop_over_clips_steps_and_kernels() -> None:
    conv = randomised(TemporalConv(2, 3, "K5-P2-K3-P2"))
    clips = random_clips([1, 2, 5, 8, 9], 2)
    for got, clip in zip(conv(with_rubbish(clips, extra=3)).unpad(), clips, strict=True):
        first, second = conv.layers[0], conv.layers[2]
        x = layers.max_pool(norm_relu(layers.convolution(clip, first.conv.weight), first.norm.norm), 2)
        x = layers.max_pool(norm_relu(layers.convolution(x, second.conv.weight), second.norm.norm), 2)
        torch.testing.assert_close(got, x)


def test_pooling_before_any_kernel_does_not_take_padding_for_a_maximum() -> None:
    conv = TemporalConv(1, 1, "P2").double()
    out = conv(with_rubbish([torch.tensor([[-3.0], [-1.0], [-2.0]]).double(), torch.full((4, 1), -5.0).double()]))
    assert [clip.flatten().tolist() for clip in out.unpad()] == [[-1.0, -2.0], [-5.0, -5.0]]


def test_a_repeated_border_is_the_padding_of_the_vac_family() -> None:
    conv = randomised(TemporalConv(2, 3, "K5-P2-K5-P2", border="repeat"))
    clips = random_clips([1, 4, 5, 11, 12], 2)
    out = conv(with_rubbish(clips, extra=2))
    assert out.lengths.tolist() == [1, 1, 2, 3, 3]
    first, second = conv.layers[0], conv.layers[2]
    for got, clip in zip(out.unpad(), clips, strict=True):
        longer = 4 * math.ceil(len(clip) / 4) + 12 - len(clip) - 6
        x = torch.cat([clip[:1].expand(6, -1), clip, clip[-1:].expand(longer, -1)])
        x = layers.max_pool(norm_relu(layers.convolution_inside(x, first.conv.weight), first.norm.norm), 2)
        x = layers.max_pool(norm_relu(layers.convolution_inside(x, second.conv.weight), second.norm.norm), 2)
        torch.testing.assert_close(got, x)


def test_without_a_border_only_whole_windows_count() -> None:
    conv = randomised(TemporalConv(2, 3, "K5-P2-K3", border="none"))
    clips = random_clips([10, 11, 16], 2)
    out = conv(with_rubbish(clips, extra=1))
    assert out.lengths.tolist() == conv.output_lengths(torch.tensor([10, 11, 16])).tolist() == [1, 1, 4]
    for got, clip in zip(out.unpad(), clips, strict=True):
        x = norm_relu(layers.convolution_inside(clip, conv.layers[0].conv.weight), conv.layers[0].norm.norm)
        x = layers.max_pool(x[: len(x) // 2 * 2], 2)
        x = norm_relu(layers.convolution_inside(x, conv.layers[2].conv.weight), conv.layers[2].norm.norm)
        torch.testing.assert_close(got, x)
    with pytest.raises(ValueError, match=r"a clip of 9 steps is too short .* needs 10"):
        conv(with_rubbish(random_clips([9, 16], 2)))


@pytest.mark.parametrize("border", ["zeros", "repeat", "none"])
def test_padding_changes_nothing_while_training(border: str) -> None:
    clips = random_clips([16, 17, 30], 2)
    outputs, statistics = [], []
    for extra in (0, 7):
        torch.manual_seed(1)
        conv = TemporalConv(2, 3, border=border).double()
        outputs.append(conv(with_rubbish(clips, extra)).valid())
        statistics.append(torch.cat([buffer.double().flatten() for buffer in conv.buffers()]))
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*statistics)


@pytest.mark.parametrize("spec", ["", "K4", "K5P2", "Q3", "K0", "K5-", "k5"])
def test_a_spec_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="is no layer: write K and an odd kernel size"):
        TemporalConv(2, 2, spec)


def test_widths_that_nothing_changes_and_unknown_borders_are_refused() -> None:
    with pytest.raises(ValueError, match="no kernel that could turn 2 features into 3"):
        TemporalConv(2, 3, "P2")
    with pytest.raises(ValueError, match="unknown border 'zero'"):
        TemporalConv(2, 3, border="zero")
