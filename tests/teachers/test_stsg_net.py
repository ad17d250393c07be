"""STSG-Net's parts and its graph, beyond what holds for every network."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from slr.types import Padded
from teachers import STSGNet
from teachers.stsg_net import PartGraphBlock, PartTokens


def built(**arguments: Any) -> STSGNet:
    torch.manual_seed(0)
    small = {
        "channels": (4, 6), "parts": 3, "part_width": 6, "frame_width": 8, "width": 8, "hidden": 4,
        "recurrent_layers": 1,
    }  # fmt: skip
    return STSGNet(num_classes=5, **{"frame_size": (20, 14), **small, **arguments}).eval()


def clips(*lengths: int, width: int = 20, height: int = 14) -> Padded:
    return Padded.from_list([torch.randn(length, 3, height, width) for length in lengths])


@torch.no_grad()
def attended(tokens: PartTokens, maps: Tensor) -> list[list[dict[str, Any]]]:
    """Attention, centre and features of every part of every map, place by place."""
    count, channels, height, width = maps.shape
    weight, bias = tokens.attention.weight[:, :, 0, 0], tokens.attention.bias
    assert bias is not None
    result: list[list[dict[str, Any]]] = []
    for image in range(count):
        result.append([])
        for part in range(len(weight)):
            scores = {}
            for row in range(height):
                for column in range(width):
                    pixel = maps[image, :, row, column]
                    dot = sum(float(weight[part, c] * pixel[c]) for c in range(channels))
                    scores[row, column] = math.exp(dot + float(bias[part]))
            total = sum(scores.values())
            shares = {place: score / total for place, score in scores.items()}
            centre = [0.0, 0.0]
            seen = [0.0] * channels
            for (row, column), share in shares.items():
                centre[0] += share * (2 * column / (width - 1) - 1)
                centre[1] += share * (2 * row / (height - 1) - 1)
                for c in range(channels):
                    seen[c] += share * float(maps[image, c, row, column])
            result[-1].append({"shares": shares, "centre": centre, "seen": seen})
    return result


def test_part_tokens_are_attended_features_and_centres() -> None:
    torch.manual_seed(0)
    tokens, maps = PartTokens(4, 3, 5).double(), torch.randn(2, 4, 3, 5, dtype=torch.float64)
    output = tokens(maps)
    for image, parts in enumerate(attended(tokens, maps)):
        assert len(parts) == 3
        for part, expected in enumerate(parts):
            assert sum(expected["shares"].values()) == pytest.approx(1.0)
            assert all(-1 <= coordinate <= 1 for coordinate in expected["centre"])
            read = torch.tensor([*expected["seen"], *expected["centre"]], dtype=torch.float64)
            torch.testing.assert_close(output[image, part], tokens.embed(read) + tokens.identity[part])


def plain_tokens() -> PartTokens:
    """Two parts of three channels that say what they see and where, and nothing else."""
    tokens = PartTokens(3, 2, 5).double()
    with torch.no_grad():
        tokens.embed.weight.copy_(torch.eye(5))
        tokens.embed.bias.zero_()
        tokens.identity.zero_()
    return tokens


def test_attention_on_one_place_reads_that_place() -> None:
    tokens = plain_tokens()
    with torch.no_grad():
        tokens.attention.weight.zero_()
        tokens.attention.weight[:, 0] = 500.0  # looks for the first channel
    maps = torch.zeros(1, 3, 4, 6, dtype=torch.float64)
    maps[0, :, 0, 5] = torch.tensor([1.0, 2.0, 3.0])
    # Upper right corner: x = 1, y = -1.
    torch.testing.assert_close(tokens(maps)[0, 0], torch.tensor([1.0, 2.0, 3.0, 1.0, -1.0]).double())


def test_even_attention_has_its_centre_in_the_middle() -> None:
    tokens = plain_tokens()
    maps = torch.ones(1, 3, 4, 6, dtype=torch.float64)
    torch.testing.assert_close(tokens(maps)[0, 1], torch.tensor([1.0, 1, 1, 0, 0]).double())


def test_a_map_of_one_place_has_finite_tokens() -> None:
    assert PartTokens(3, 2, 5)(torch.randn(2, 3, 1, 1)).isfinite().all()


def loops_of_a_block(block: PartGraphBlock, clip: Tensor) -> Tensor:
    """One clip ``[T, P, D]`` through the block, part by part and frame by frame."""
    steps, parts, _ = clip.shape
    gelu = torch.nn.functional.gelu
    x = clip.clone()
    for step in range(steps):
        normed = [block.space_norm(clip[step, part]) for part in range(parts)]
        for part in range(parts):
            likeness = [
                float(block.query(normed[part]) @ block.key(normed[other])) / math.sqrt(block.key.out_features)
                + float(block.learned[part, other])
                for other in range(parts)
            ]
            total = sum(math.exp(score) for score in likeness)
            message = sum(math.exp(score) / total * block.value(normed[other]) for other, score in enumerate(likeness))
            x[step, part] = clip[step, part] + gelu(message)
    output = x.clone()
    for part in range(parts):
        normed = [block.time_norm(x[step, part]) for step in range(steps)]
        for step in range(steps):
            assert block.along.bias is not None
            mixed = block.along.bias.clone()
            for offset in (-1, 0, 1):
                if 0 <= step + offset < steps:
                    mixed += block.along.weight[:, 0, offset + 1] * normed[step + offset]
            output[step, part] = x[step, part] + block.out(gelu(mixed))
    return output


def block_and_tokens(lengths: tuple[int, ...] = (5, 2, 1)) -> tuple[PartGraphBlock, Padded]:
    torch.manual_seed(0)
    block = PartGraphBlock(3, 4).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_()  # a newborn norm has no bias that could leak out of the padding
    return block, Padded.from_list([torch.randn(length, 3, 4, dtype=torch.float64) for length in lengths])


def test_a_graph_block_passes_messages_between_parts_and_along_time() -> None:
    block, tokens = block_and_tokens()
    with torch.no_grad():
        for clip, output in zip(tokens.unpad(), block(tokens).unpad(), strict=True):
            torch.testing.assert_close(output, loops_of_a_block(block, clip))


def test_padding_of_any_content_changes_no_token() -> None:
    block, tokens = block_and_tokens()
    longer = torch.cat([tokens.values, torch.zeros(3, 4, 3, 4, dtype=torch.float64)], dim=1)
    plain = block(tokens)
    for rubbish in (torch.nan, torch.inf, 1e6):
        padded = Padded(longer.clone(), tokens.lengths)
        padded.values[~padded.mask] = rubbish
        output = block(padded)
        assert (output.values[~output.mask] == 0).all()
        for one, other in zip(plain.unpad(), output.unpad(), strict=True):
            torch.testing.assert_close(one, other)


def test_a_block_sees_one_frame_back_and_one_ahead() -> None:
    block, tokens = block_and_tokens((7,))
    changed = Padded(tokens.values.clone(), tokens.lengths)
    changed.values[0, 3, 1, 2] += 1
    moved = (block(tokens).values - block(changed).values).abs().sum(dim=(0, 2, 3)) > 1e-9
    assert moved.tolist() == [False, False, True, True, True, False, False]


def test_parts_are_told_apart_before_anything_is_learned() -> None:
    tokens = PartTokens(4, 3, 8)
    output = tokens(torch.zeros(1, 4, 3, 3))
    assert (output[0, 0] - output[0, 1]).abs().max() > 1e-3


def test_four_frames_make_one_output_step() -> None:
    for width, height in ((20, 14), (33, 9)):
        output = built(frame_size=(width, height))(clips(1, 4, 5, 23, width=width, height=height))
        assert output.logits.lengths.tolist() == [1, 1, 2, 6]
        assert output.taps["frame"].values.shape == (4, 23, 8)
        assert (output.taps["frame"].values[0, 1:] == 0).all()


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"built for frames of 20 x 14 pixels .* have 2 x 3: give frame_size"):
        built()(clips(3, width=14, height=20))


def test_the_parts_and_the_whole_view_both_reach_the_frame() -> None:
    net, stream = built(), clips(4)
    plain = net(stream).taps["frame"].values
    for path in (net.view.project, cast(nn.Linear, net.join[-1])):
        kept = path.weight.detach().clone()
        with torch.no_grad():
            path.weight.zero_()
        assert not torch.allclose(net(stream).taps["frame"].values, plain, atol=1e-3)
        with torch.no_grad():
            path.weight.copy_(kept)
    torch.testing.assert_close(net(stream).taps["frame"].values, plain)


def test_it_computes_and_learns_in_bfloat16_under_autocast() -> None:
    net, stream = built(), clips(9, 6)
    plain = net(stream)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow = net(stream)
    torch.testing.assert_close(narrow.logits.valid().float(), plain.logits.valid(), atol=0.1, rtol=0.1)
    narrow.logits.valid().float().pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.cnn.parameters())
