from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from kd.losses import CTC, Complementary
from slr.layers import ValidSteps
from slr.skeleton import skeleton_layout
from slr.types import Batch, NetOutput, Padded
from students import CoSign1S, CoSign2S
from students.views import ComplementaryViews, first_of_two

LENGTHS = (9, 4, 13)


def small(network: type[nn.Module] = CoSign1S, **arguments: object) -> nn.Module:
    fields = {
        "num_classes": 5,
        "layout": "sign-27",
        "channels": (4, 6),
        "temporal_kernel": 3,
        "width": 8,
        "dropout": 0.0,
        "mask_segment": 3,
    }
    return network(**{**fields, **arguments}).double()


def clips(lengths: tuple[int, ...] = LENGTHS) -> Padded:
    return Padded.from_list([torch.randn(length, 27, 3).double() for length in lengths])


def views(rate: float = 0.2, segment: int = 4) -> ComplementaryViews:
    return ComplementaryViews([[0, 2], [1], [3, 4]], 5, rate, segment).train()


def ones(*lengths: int) -> Padded:
    return Padded.from_list([torch.ones(length, 5, 2) for length in lengths])


def test_a_cell_is_lost_whole_and_never_by_both_views() -> None:
    first, second = views(0.4).masks(ones(*[11] * 50))
    assert not (first & second).any()
    for masked in (first, second):
        assert masked.any()
        for group in ([0, 2], [1], [3, 4]):
            for begin in (0, 4, 8):
                cell = masked[:, begin : min(begin + 4, 11), group].flatten(1)
                assert torch.equal(cell.any(1), cell.all(1))


def test_cells_are_lost_as_often_as_the_rate_says_and_independently() -> None:
    first, second = views(0.2, 1).masks(ones(4000))
    for masked in (first, second):
        assert masked[0, :, [0, 1, 3]].double().mean().item() == pytest.approx(0.2, abs=0.02)
    both = (first[0, :, 0] & first[0, :, 1]).double().mean().item()
    assert both == pytest.approx(0.04, abs=0.01)


def test_masked_keypoints_are_zero_and_the_others_as_they_were() -> None:
    module, given = views(0.4), ones(7, 5)
    torch.manual_seed(1)
    first, second = module.masks(given)
    torch.manual_seed(1)
    shown = module(given)
    assert shown.lengths.tolist() == [7, 5, 7, 5]
    for half, masked in ((shown.values[:2], first), (shown.values[2:], second)):
        assert torch.equal(half, torch.where(masked[..., None], 0.0, given.values))


def test_padding_changes_no_draw() -> None:
    module, given = views(), ones(7, 5, 12)
    longer = Padded(torch.cat([given.values, torch.ones(3, 9, 5, 2)], 1), given.lengths)
    drawn = []
    for stream in (given, longer):
        torch.manual_seed(3)
        drawn.append([masked[:, :12] for masked in module.masks(stream)] + [torch.rand(1)])
    assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))


def test_nothing_is_masked_or_drawn_in_evaluation_or_at_rate_zero() -> None:
    given, before = ones(7, 5), torch.get_rng_state()
    assert views().eval()(given) is given
    assert views(0.0)(given) is given
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("rate", "segment", "complaint"), [(0.6, 3, "0.5 each"), (-0.1, 3, "0.5 each"), (0.2, 0, "counts frames")]
)
def test_masks_out_of_range_are_refused(rate: float, segment: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        views(rate, segment)


def test_the_first_of_two_views_is_the_output_and_the_second_gives_its_scores() -> None:
    def rows(*numbers: float) -> Padded:
        return Padded(torch.tensor(numbers)[:, None, None], torch.ones(len(numbers), dtype=torch.int64))

    two = NetOutput(rows(1, 2, 3, 4), {"conv": rows(5, 6, 7, 8), "conv_logits": rows(9, 10, 11, 12)})
    output = first_of_two(two, 2)
    assert {name: tap.values.flatten().tolist() for name, tap in output.taps.items()} == {
        "conv": [5, 6], "conv_logits": [9, 10], "view_logits": [3, 4], "view_conv_logits": [11, 12]
    }  # fmt: skip
    assert output.logits.values.flatten().tolist() == [1, 2]


@pytest.mark.parametrize("network", [CoSign1S, CoSign2S])
def test_views_differ_while_training_and_agree_in_evaluation(network: type[nn.Module]) -> None:
    net, stream = small(network, mask_rate=0.4), clips()
    output = net(stream)
    heads = [name for name in ("logits", *output.taps) if f"view_{name}" in output.taps]
    assert heads == [name.removeprefix("view_") for name in output.taps if name.startswith("view_")]
    assert len(heads) == (2 if network is CoSign1S else 6)
    for name in heads:
        assert not torch.allclose(output.read(name).valid(), output.read(f"view_{name}").valid())
    output = net.eval()(stream)
    for name in heads:
        assert torch.equal(output.read(name).values, output.read(f"view_{name}").values)


@pytest.mark.parametrize("network", [CoSign1S, CoSign2S])
def test_a_training_that_stops_and_goes_on_ends_with_the_same_weights_bit_for_bit(network: type[nn.Module]) -> None:
    stream = clips()
    glosses = Padded.from_list([torch.tensor([1]), torch.tensor([2]), torch.tensor([3, 4])])
    batch = Batch(("a", "b", "c"), glosses, glosses, pose=stream)

    def step(net: nn.Module) -> None:
        output = net(stream)
        total = sum(
            loss(output, None, batch) for loss in (CTC(), CTC("view_logits"), CTC("conv_logits"), Complementary())
        )
        net.zero_grad()
        total.backward()
        with torch.no_grad():
            for parameter in net.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad

    net = small(network, mask_rate=0.4, dropout=0.2)
    step(net)
    state, generator = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    step(net)
    resumed = small(network, mask_rate=0.4, dropout=0.2)
    resumed.load_state_dict(state)
    torch.set_rng_state(generator)
    step(resumed)
    for (name, one), other in zip(net.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


def test_the_hands_are_read_with_the_same_weights_and_told_apart() -> None:
    net = small().eval()
    left, right = (list(net.layout.groups[hand]) for hand in ("left_hand", "right_hand"))
    rows = torch.randn(2, 27, 3).double()
    swapped = rows.clone()
    swapped[:, left], swapped[:, right] = rows[:, right], rows[:, left]

    def pooled(values: Tensor) -> Tensor:
        padded = Padded(values[None], torch.tensor([2]))
        features, steps = net.groups(values), net.groups.steps(ValidSteps.of(padded.lengths, 2))
        for level in net.levels:
            features = level(features, steps)
        return net.groups.pooled(features).unflatten(1, (3, -1))

    one, other = pooled(rows), pooled(swapped)
    torch.testing.assert_close(one[:, 1], other[:, 2])
    torch.testing.assert_close(one[:, 2], other[:, 1])
    torch.testing.assert_close(one[:, 0], other[:, 0])
    assert not torch.allclose(one[:, 1], one[:, 2])


def test_the_fusion_joins_inputs_first_and_then_its_features_with_the_sum_of_both_streams() -> None:
    net = small(CoSign2S, channels=(4, 6, 8)).eval()
    widths = [
        {name: blocks.blocks[0].graph_conv.linear.in_features // 2 for name, blocks in level.streams.items()}
        for level in net.levels
    ]
    assert widths == [
        {"static": 3, "motion": 4, "fusion": 7},
        {"static": 4, "motion": 4, "fusion": 8},
        {"static": 6, "motion": 6, "fusion": 12},
    ]


def test_without_heads_of_their_own_the_streams_still_feed_the_fusion() -> None:
    net = small(CoSign2S, stream_heads=False, mask_rate=0.0)
    assert set(net.tap_widths) == {"frame", "conv", "context", "conv_logits", "view_logits", "view_conv_logits"}
    net(clips()).logits.valid().sum().backward()
    assert [set(level.streams) for level in net.levels] == [{"static", "motion", "fusion"}, {"fusion"}]
    assert all(parameter.grad.any() for name, parameter in net.levels.named_parameters())


def test_centring_takes_away_where_the_signer_stands() -> None:
    net, stream = small(centre_groups=True).eval(), clips()
    moved = Padded(stream.values + torch.tensor([3.0, -2.0, 0.0]).double(), stream.lengths)
    torch.testing.assert_close(net(stream).logits.valid(), net(moved).logits.valid())
    bare = small().eval()
    assert not torch.allclose(bare(stream).logits.valid(), bare(moved).logits.valid())


def test_default_sizes_are_those_of_the_method_sheet() -> None:
    net = CoSign1S(num_classes=5)
    assert len(net.layout) == 77
    assert [len(joints) for joints in skeleton_layout("coco-wholebody-77").groups.values()] == [9, 21, 21, 8, 18]
    assert [level.blocks[0].time_conv.out_channels for level in net.levels] == [64, 128, 256]
    assert (net.tail.head.kind, net.tail.head.scale) == ("cosine", 32.0)
    assert net.tap_widths["frame"] == net.tap_widths["conv"] == net.tap_widths["context"] == 1024
    assert (net.views.rate, net.views.segment) == (0.2, 25)


def test_wrong_arguments_are_refused() -> None:
    for network in (CoSign1S, CoSign2S):
        with pytest.raises(ValueError, match="the width must be even"):
            small(network, width=7)
        with pytest.raises(ValueError, match="unknown context 'lstm'"):
            small(network, context="lstm")
