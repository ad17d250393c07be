"""Faults of the code that the landmark transformer comes from: none of them is here.

Each test holds for ours and not for the faulty form, which stands beside it where that is short.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn

from kd.losses import Focal
from slr.data.isolated import (
    Chance,
    DropFrames,
    DropFramesWithout,
    MixUp,
    RandomScale,
    SizeOfBody,
    SkeletonClip,
)
from slr.data.isolated.readers.clip_files import holistic
from slr.data.isolated.transforms.turns import mirrored
from slr.data.transforms import mirror_pose
from slr.layers import RotaryContext
from slr.skeleton import skeleton_layout
from slr.types import Batch, NetOutput, Padded
from students import LandmarkTransformer
from students.landmark_pooling import AttentionPooling, part_means
from students.landmark_transformer import CrossGroups, ParallelConv, landmark_parts
from tests.conftest import ROOT

LAYOUT = skeleton_layout("mediapipe-lips-hands-87")


def small(**arguments: Any) -> LandmarkTransformer:
    torch.manual_seed(0)
    fields = {"num_classes": 5, "layout": LAYOUT, "task": "class", "in_channels": 2, "width": 16, "patch_heads": 2}
    return LandmarkTransformer(**{**fields, "heads": 2, "local_blocks": 1, "global_blocks": 1, **arguments})


def clip_of(values: Tensor, channels: tuple[str, ...] = ("x", "y")) -> SkeletonClip:
    """``[T, J, 2]`` of one person."""
    return SkeletonClip.of(values[:, None], LAYOUT, channels)


def test_1_the_scales_of_pooling_tell_different_things() -> None:
    ramp = Padded(torch.arange(128.0)[None, :, None], torch.tensor([128]))
    means = {count: part_means(ramp, count)[0, :, 0] for count in (1, 2, 4, 8)}
    for count, parts in means.items():
        torch.testing.assert_close(parts.mean(), means[1][0])  # the faulty form keeps this alone, at every scale
        assert parts.tolist() == pytest.approx([(128 * part + 64) / count - 0.5 for part in range(count)])


def test_2_pooling_by_attention_learns_its_query_and_repeats_itself() -> None:
    pool = AttentionPooling(16, 2).eval()
    clips = Padded(torch.randn(2, 6, 16), torch.tensor([6, 4]))
    assert torch.equal(pool(clips), pool(clips))
    pool(clips).sum().backward()
    assert pool.query.grad is not None
    assert pool.query.grad.any()
    assert "query" in pool.state_dict()


def test_3_both_arms_enter() -> None:
    mirror = LAYOUT.mirror_permutation()
    for joints in landmark_parts(LAYOUT).values():
        image = {int(mirror[joint]) for joint in joints}
        assert image in [set(other) for other in landmark_parts(LAYOUT).values()]
    body = {LAYOUT.joints[joint] for joint in landmark_parts(LAYOUT)["body"]}
    assert body == {"nose", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"}


def test_4_a_mirror_turns_hands_and_face_alike() -> None:
    values = torch.rand(3, 87, 2) + 0.1
    lip, hand = LAYOUT.groups["mouth"][0], LAYOUT.groups["left_hand"][3]
    partner_of_lip, partner_of_hand = (int(LAYOUT.mirror_permutation()[joint]) for joint in (lip, hand))
    before = (values[:, lip] - values[:, hand]).norm(dim=-1)
    confident = torch.cat([values, torch.ones(3, 87, 1)], -1)
    for turned in (mirrored(clip_of(values), 1.0).values[:, 0], mirror_pose(confident, LAYOUT, 2)[..., :2]):
        after = (turned[:, partner_of_lip] - turned[:, partner_of_hand]).norm(dim=-1)
        torch.testing.assert_close(after, before)
    hands_alone = values.clone()
    hands_alone[:, LAYOUT.groups["left_hand"], 0] = 1 - hands_alone[:, LAYOUT.groups["left_hand"], 0]
    assert not torch.allclose((hands_alone[:, lip] - hands_alone[:, hand]).norm(dim=-1), before)


def test_5_frames_without_a_hand_are_left_out_and_a_missing_face_shifts_nothing() -> None:
    whole = skeleton_layout("mediapipe-holistic-543")
    values = np.random.default_rng(0).uniform(0.1, 0.9, (4, 543, 2))
    values[1, whole.groups["left_hand"]] = np.nan
    values[1, whole.groups["right_hand"]] = np.nan
    values[2, :468] = np.nan
    picked = torch.from_numpy(holistic(values, LAYOUT, ("x", "y"))).float()
    assert picked.shape == (4, 87, 2)
    hands = LAYOUT.groups["left_hand"] + LAYOUT.groups["right_hand"]
    rows = whole.groups["left_hand"] + whole.groups["right_hand"]
    torch.testing.assert_close(picked[2, list(hands)], torch.from_numpy(values[2, list(rows)]).float())
    left = DropFramesWithout(("left_hand", "right_hand"))(clip_of(picked), Chance())
    assert left.frames.tolist() == [0, 2, 3]
    # With NaN read as a place, as the faulty form does before it filters, every frame shows hands.
    assert np.nan_to_num(values, nan=1e-9)[:, list(rows)].any(axis=(1, 2)).all()


def test_6_mixing_makes_no_step_of_padding_and_always_gives_the_same_things() -> None:
    clips = [torch.rand(length, 87, 2) + 1 for length in (4, 9)]
    batch = Batch(
        ids=("a", "b"),
        glosses=Padded.from_list([torch.zeros(0, dtype=torch.int64)] * 2),
        frames=Padded.from_list([torch.arange(len(clip)) for clip in clips]),
        pose=Padded.from_list(clips),
        labels=torch.tensor([0, 1]),
    )
    for probability in (0.0, 1.0):
        mixed = MixUp(probability=probability)(batch, torch.Generator().manual_seed(1), scored=False)
        assert mixed.pose is not None
        assert sum(share for share, _ in mixed.parts()) == 1
        for row, clip in enumerate(mixed.pose.unpad()):
            longest = 9 if probability else len(clips[row])
            assert len(clip) == longest
            assert (clip >= 1).all(), "a place that only one of two clips has is not drawn towards zero"


def test_7_local_blocks_are_local() -> None:
    context = RotaryContext(8, 2, layers=1, dropout=0.0, window=2).eval()
    assert small().local.window == 8
    clip = torch.randn(1, 12, 8)
    other = clip.clone()
    other[0, 6] += 1
    one, two = (context(Padded(values, torch.tensor([12]))).values for values in (clip, other))
    assert (one != two).any(-1)[0].nonzero().flatten().tolist() == [4, 5, 6, 7, 8]


def test_8_groups_see_no_padding_of_each_other() -> None:
    cross = CrossGroups(["left_hand", "right_hand"], 8, 2).eval()
    hands = {name: torch.randn(1, 9, 8) for name in ("left_hand", "right_hand")}
    short = {name: Padded(values, torch.tensor([5])) for name, values in hands.items()}
    alone = {name: Padded(values[:, :5], torch.tensor([5])) for name, values in hands.items()}
    torch.testing.assert_close(cross(short)["left_hand"].values[:, :5], cross(alone)["left_hand"].values)


@pytest.mark.parametrize("frames", [1, 2, 10, 64])
def test_8_masking_of_frames_keeps_a_share_of_even_the_shortest_clip_and_ends_with_training(frames: int) -> None:
    clip = clip_of(torch.rand(frames, 87, 2))
    for seed in range(5):
        chance = Chance.training(torch.Generator().manual_seed(seed))
        assert len(DropFrames(keep=0.0, least=0.2)(clip, chance)) == max(1, int(0.2 * frames))
    assert DropFrames(keep=0.5)(clip, Chance()) is clip


def test_9_a_body_is_scaled_about_its_own_middle() -> None:
    pipeline = yaml.safe_load((ROOT / "configs" / "data" / "landmarks.yaml").read_text(encoding="utf-8"))["pipeline"]
    steps = [step["_target_"].rpartition(".")[2] for step in pipeline]
    assert steps.index("SizeOfBody") < steps.index("RandomScale")
    signer = torch.rand(1, 87, 2).expand(5, -1, -1) + 3
    centred = SizeOfBody()(clip_of(signer), Chance())
    scaled = RandomScale(low=0.5, high=0.5)(centred, Chance.training(torch.Generator().manual_seed(0)))
    shoulders = list(LAYOUT.reference or ())
    before, after = (clip.values[:, 0, shoulders].mean(1) for clip in (centred, scaled))
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    moved = (0.5 * signer[:, shoulders].mean(1) - signer[:, shoulders].mean(1)).norm(dim=-1)
    assert (moved > 1).all(), "scaled about the origin of the frame, as in the faulty form, it goes elsewhere"
    torch.testing.assert_close(scaled.values, 0.5 * centred.values)


def test_9_time_is_told_by_rotation_alone_and_the_convolution_is_activated() -> None:
    net = small()
    assert not [name for name, weight in net.named_parameters() if 128 in weight.shape or "time" in name]
    conv = ParallelConv(16)
    stream = Padded(torch.randn(1, 9, 16), torch.tensor([9]))
    found = torch.cat([layer(stream.values.transpose(1, 2)) for layer in conv.convs], 1).transpose(1, 2)
    torch.testing.assert_close(conv(stream).values, conv.norm(stream.values + nn.functional.gelu(found)))
    assert not torch.allclose(conv(stream).values, conv.norm(stream.values + found))


def test_10_a_sure_answer_weighs_little_however_much_the_target_is_smoothed() -> None:
    scores = Padded(torch.tensor([[[8.0, 0.0, 0.0, 0.0, 0.0]]]), torch.tensor([1]))
    batch = Batch(
        ids=("a",),
        glosses=Padded.from_list([torch.zeros(0, dtype=torch.int64)]),
        frames=Padded.from_list([torch.arange(1)]),
        labels=torch.tensor([0]),
    )
    ours, faulty = (loss(NetOutput(scores, {}), None, batch) for loss in (Focal(), Focal(focus="every")))
    assert ours < 1e-4
    assert faulty > 0.5, "in the faulty form every smoothed class keeps its weight"


@pytest.mark.parametrize("training", [True, False])
def test_a_clip_is_classified_alike_alone_and_beside_a_longer_one(training: bool) -> None:
    net = small(dropout=0.0).double().train(training)
    if training:
        net.data_norm.eval()  # its statistics are those of the batch
    clips = [torch.rand(length, 87, 2).double() for length in (5, 30)]
    together = net(Padded.from_list(clips)).logits.values
    alone = torch.cat([net(Padded(clip[None], torch.tensor([len(clip)]))).logits.values for clip in clips])
    torch.testing.assert_close(together, alone)
