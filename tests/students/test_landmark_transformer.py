from __future__ import annotations

import pytest
import torch
from torch import nn

from slr.layers import RotaryContext
from slr.skeleton import layout_names, skeleton_layout
from slr.types import Padded
from students import LandmarkTransformer
from students.landmark_transformer import CrossGroups, ParallelConv, PatchEmbedding, landmark_parts
from tests.slr.layers.clips import random_clips, with_rubbish


def small(**arguments: object) -> LandmarkTransformer:
    fields = {
        "num_classes": 5,
        "layout": "sign-27",
        "width": 16,
        "patch_heads": 2,
        "heads": 2,
        "local_blocks": 1,
        "global_blocks": 1,
        "dropout": 0.0,
    }
    return LandmarkTransformer(**{**fields, **arguments}).double()


@pytest.mark.parametrize("name", layout_names())
def test_every_landmark_is_in_one_part(name: str) -> None:
    layout = skeleton_layout(name)
    parts = landmark_parts(layout)
    assert sorted(joint for joints in parts.values() for joint in joints) == list(range(len(layout)))


def test_lips_belong_to_the_face_and_both_arms_to_the_body() -> None:
    layout = skeleton_layout("coco-wholebody-79")
    parts = landmark_parts(layout)
    assert list(parts) == ["left_hand", "right_hand", "face", "body"]
    assert set(parts["face"]) == {*layout.groups["mouth"], *layout.groups["face"]}
    body = {layout.joints[joint] for joint in parts["body"]}
    assert {"left_elbow", "right_elbow", "left_wrist", "right_wrist"} <= body


def test_patches_hold_four_neighbouring_landmarks_and_zeros_where_none_are_left() -> None:
    embed = PatchEmbedding((3, 1, 0, 2, 4, 6), 3, 8, 2).double()
    frames = torch.randn(2, 7, 3).double()
    patches = torch.zeros(2, 2, 12).double()
    for frame in range(2):
        for place, joint in enumerate((3, 1, 0, 2, 4, 6)):
            start = place % 4 * 3
            patches[frame, place // 4, start : start + 3] = frames[frame, joint]
    features = embed.norm(embed.project(patches) + embed.places)
    mean = (features + embed.attention(features, features)).mean(1)
    torch.testing.assert_close(embed(frames), embed.base + mean)


def test_a_part_without_any_landmark_is_its_learned_vector() -> None:
    embed = PatchEmbedding((0, 1, 2), 3, 8, 2)
    frames = torch.randn(3, 5, 3)
    frames[1, :3] = 0
    frames[2, :2] = 0
    out = embed(frames)
    assert torch.equal(out[1], embed.base)
    assert not torch.equal(out[0], embed.base)
    assert not torch.equal(out[2], embed.base)


def test_a_missing_landmark_stays_zero_and_a_wild_one_is_clipped() -> None:
    net = small().eval()
    nn.init.constant_(net.data_norm.norm.running_mean, 0.5)
    landmarks = torch.randn(4, 27, 3).double()
    landmarks[1, 3] = 0
    landmarks[2, 4] = 1e6
    normed = net._normalised(landmarks)
    assert not normed[1, 3].any()
    assert normed[2, 4].tolist() == [5.0, 5.0, 5.0]
    kept = landmarks[0].clone()
    torch.testing.assert_close(normed[0], (kept - 0.5) / (1 + 1e-5) ** 0.5)


def test_parts_attend_to_their_partner_with_shared_weights_and_see_no_padding() -> None:
    cross = CrossGroups(["left_hand", "right_hand", "body"], 8, 2).double()
    assert cross.pairs == [("left_hand", "right_hand")]
    lengths = [5, 2]
    hands = {name: random_clips(lengths, 8) for name in ("left_hand", "right_hand", "body")}
    out = cross({name: with_rubbish(clips).zeroed() for name, clips in hands.items()})
    swapped = cross(
        {
            "left_hand": with_rubbish(hands["right_hand"]).zeroed(),
            "right_hand": with_rubbish(hands["left_hand"]).zeroed(),
            "body": with_rubbish(hands["body"]).zeroed(),
        }
    )
    torch.testing.assert_close(out["left_hand"].valid(), swapped["right_hand"].valid())
    for row in range(2):
        own, other = hands["left_hand"][row][None], hands["right_hand"][row][None]
        expected = cross.norms[0](own + cross.attention[0](own, other))
        torch.testing.assert_close(out["left_hand"].unpad()[row], expected[0])
        assert torch.equal(out["body"].unpad()[row], hands["body"][row])


def test_parallel_convolutions_see_three_five_and_seven_steps() -> None:
    conv = ParallelConv(8).double()
    assert [(c.out_channels, c.kernel_size[0]) for c in conv.convs] == [(3, 3), (3, 5), (2, 7)]
    x = torch.randn(1, 9, 8).double()
    y = torch.zeros_like(x)
    for t in range(9):
        start = 0
        for layer in conv.convs:
            total = layer.bias.clone()
            for k in range(layer.kernel_size[0]):
                source = t + k - layer.kernel_size[0] // 2
                if 0 <= source < 9:
                    total = total + layer.weight[:, :, k] @ x[0, source]
            y[0, t, start : start + len(total)] = total
            start += len(total)
    expected = conv.norm(x + nn.functional.gelu(y))
    torch.testing.assert_close(conv(Padded(x, torch.tensor([9]))).values, expected)


def test_the_frame_tap_is_local_in_time_and_the_context_is_not() -> None:
    net = small(window=2, temporal_layers="K1").eval()
    # Hands and face look at each other over all time; without that, frames know their neighbourhood alone.
    net.cross = CrossGroups([], 16, 2)
    clip = torch.randn(1, 20, 27, 3).double()
    other = clip.clone()
    other[0, 10] += 1
    one, two = (net(Padded(x, torch.tensor([20]))).taps for x in (clip, other))
    changed = (one["frame"].values != two["frame"].values).any(-1)[0].nonzero().flatten().tolist()
    assert changed == list(range(10 - 2 - 3, 10 + 2 + 3 + 1))
    assert (one["context"].values != two["context"].values).any(-1).all()


def test_sentences_longer_than_any_seen_are_read() -> None:
    net = small().eval()
    output = net(Padded(torch.randn(1, 700, 27, 3).double(), torch.tensor([700])))
    assert output.logits.lengths.tolist() == [175]
    assert output.logits.values.isfinite().all()


def test_default_sizes_are_those_of_the_method_sheet() -> None:
    net = LandmarkTransformer(num_classes=5)
    assert net.tap_widths == {"frame": 512, "conv": 512, "context": 512, "conv_logits": 5}
    assert (len(net.local.blocks), net.local.window, len(net.tail.context.blocks)) == (4, 8, 4)
    assert {embed.attention.heads for embed in net.embed.values()} == {4}
    assert net.output_lengths(torch.tensor([1, 4, 5, 230])).tolist() == [1, 1, 2, 58]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"width": 20}, "heads cannot share 20 features"),
        ({"window": -1}, "attention window -1"),
        ({"layout": "sign-72"}, "unknown skeleton layout"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        small(**{"heads": 8, **arguments})


def test_stochastic_depth_rises_from_the_first_block_to_the_last() -> None:
    network = LandmarkTransformer(
        num_classes=3, layout="sign-27", width=16, patch_heads=2, heads=2, local_blocks=2, global_blocks=3,
        stochastic_depth=0.2, layer_drop=0.1,
    )  # fmt: skip
    contexts = [module for module in network.modules() if isinstance(module, RotaryContext)]
    drops = [getattr(block.sometimes, "p", 0.0) for context in contexts for block in context.blocks]
    assert drops == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert [context.layer_drop for context in contexts] == [0.1, 0.1]
