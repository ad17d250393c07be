from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slr.skeleton import skeleton_layout
from slr.types import Padded, strided_lengths
from students import DKEGCN, STGCN
from students.skeleton_network import BlockTrunk, SkeletonNetwork

LAYOUT = skeleton_layout("sign-27")


class EverySecond(nn.Module):
    """A trunk that widens the channels, keeps every ``stride``-th step, and leaves rubbish in its padding."""

    def __init__(self, stride: int = 2) -> None:
        super().__init__()
        self.width, self.stride = 4, stride
        self.widen = nn.Linear(3, 4)
        self.given: Padded | None = None

    def forward(self, clips: Padded) -> Padded:
        self.given = clips
        kept = clips.every(self.stride).map(self.widen)
        return Padded(torch.where(kept.expanded_mask(), kept.values, torch.nan), kept.lengths)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return strided_lengths(lengths, self.stride)


def network(trunk: Any = None, *, norm_per_person: bool = True, **options: Any) -> SkeletonNetwork:
    net = SkeletonNetwork(
        EverySecond() if trunk is None else trunk,
        num_classes=5,
        layout=LAYOUT,
        in_channels=3,
        norm_per_person=norm_per_person,
        **options,
    )
    for name, buffer in net.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(buffer)
        elif name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5)
    return net.double().eval()


def clips(*shape: int, lengths: tuple[int, ...] = (7, 4)) -> Padded:
    return Padded(torch.randn(len(lengths), max(lengths), *shape).double(), torch.tensor(lengths))


def test_a_class_is_scored_once_from_the_mean_over_steps_joints_and_persons() -> None:
    net, stream = network(task="class", persons=2, dropout=0.0), clips(2, 27, 3)
    output = net(stream)
    assert net.trunk.given is not None
    assert net.trunk.given.lengths.tolist() == [7, 7, 4, 4]  # the persons of a clip, one after the other
    given = net.trunk.given.values.unflatten(0, (2, 2))
    for scores, persons, kept in zip(output.logits.values, given, (4, 2), strict=True):
        features = [net.trunk.widen(person[2 * step]) for person in persons for step in range(kept)]
        pooled = torch.stack(features).mean((0, 1))
        torch.testing.assert_close(scores[0], net.head.classify.weight @ pooled + net.head.classify.bias)


def test_a_class_head_publishes_what_the_classifier_reads() -> None:
    net = network(task="class", persons=2)
    output = net(clips(2, 27, 3))
    assert output.logits.values.shape == (2, 1, 5)
    assert output.taps["pooled"].values.shape == (2, 1, 4)
    assert output.taps["frame"].lengths.tolist() == [4, 2]
    for pooled, frames in zip(output.taps["pooled"].values, output.taps["frame"].unpad(), strict=True):
        torch.testing.assert_close(pooled[0], frames.mean(0))
    assert net.output_lengths(torch.tensor([1, 9])).tolist() == [1, 1]


@pytest.mark.parametrize("norm_per_person", [True, False])
def test_keypoints_are_normalised_by_person_joint_and_channel_or_by_joint_and_channel(norm_per_person: bool) -> None:
    net, stream = network(norm_per_person=norm_per_person, persons=2), clips(2, 27, 3)
    given = net.normalised(stream)
    norm = net.data_norm.norm
    mean, deviation = norm.running_mean, (norm.running_var + norm.eps).sqrt()
    assert len(mean) == (2 if norm_per_person else 1) * 27 * 3
    for clip in range(2):
        for person in range(2):
            for step in range(7):
                for joint, channel in ((0, 0), (13, 2), (26, 1)):
                    place = ((person if norm_per_person else 0) * 27 + joint) * 3 + channel
                    wanted = (stream.values[clip, step, person, joint, channel] - mean[place]) / deviation[place]
                    wanted = wanted if step < stream.lengths[clip] else torch.tensor(0.0).double()
                    torch.testing.assert_close(given.values[2 * clip + person, step, joint, channel], wanted)


@pytest.mark.parametrize("norm_per_person", [True, False])
@pytest.mark.parametrize("task", ["class", "glosses"])
def test_a_person_who_is_not_there_is_zeros(task: str, norm_per_person: bool) -> None:
    net = network(norm_per_person=norm_per_person, task=task, persons=2)
    alone = clips(27, 3)
    axis = Padded(alone.values[:, :, None], alone.lengths)
    zeros = Padded(torch.stack([alone.values, torch.zeros_like(alone.values)], 2), alone.lengths)
    wanted = net(zeros).logits.valid()
    for stream in (alone, axis):
        torch.testing.assert_close(net(stream).logits.valid(), wanted)


def test_persons_without_statistics_of_their_own_may_change_places() -> None:
    net, stream = network(norm_per_person=False, persons=3), clips(3, 27, 3)
    swapped = stream.map(lambda values: values[:, :, [2, 0, 1]])
    torch.testing.assert_close(net(stream).logits.valid(), net(swapped).logits.valid())


@pytest.mark.parametrize(("stride", "layers"), [(1, "K5-P2-K5-P2"), (2, "K5-P2-K5"), (4, "K5-K5")])
def test_strides_and_poolings_make_a_step_of_four_frames(stride: int, layers: str) -> None:
    net, same = network(EverySecond(stride), width=8), network(EverySecond(stride), width=8, temporal_layers=layers)
    lengths = torch.tensor([1, 4, 5, 230])
    assert net.output_lengths(lengths).tolist() == same.output_lengths(lengths).tolist()
    assert net.output_lengths(torch.tensor(32)).item() == 8


@pytest.mark.parametrize("stride", [3, 6, 8])
def test_strides_that_no_pooling_brings_to_four_frames_need_temporal_layers(stride: int) -> None:
    with pytest.raises(
        ValueError, match=f"a step of every {stride} frames, from which no temporal_layers make .* four"
    ):
        network(EverySecond(stride), width=8)
    net = network(EverySecond(stride), width=8, temporal_layers="K5-K5")
    assert net.output_lengths(torch.tensor(48)).item() == 48 // stride
    network(EverySecond(stride), task="class")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"task": "sentence"}, "unknown task 'sentence'"),
        ({"task": "class", "width": 8, "context": "none"}, "width, context: a network with task 'class' has no tail"),
        ({"persons": 0}, "persons is 0"),
        ({"pooling": "max"}, "unknown pooling 'max'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        network(**options)


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ((25, 3), "27, 3"),
        ((27, 2), "27, 3"),
        ((2, 25, 3), "27, 3"),
        ((1, 2, 27, 3), "27, 3"),
        ((2, 27, 3), "2 persons"),
    ],
)
def test_clips_of_another_skeleton_or_more_persons_are_refused(shape: tuple[int, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        network()(clips(*shape))


def test_blocks_and_strides_are_as_many() -> None:
    with pytest.raises(ValueError, match="2 channels and 1 strides"):
        BlockTrunk(3, (4, 8), (1,), lambda *sizes: nn.Identity())


def test_the_head_takes_the_same_options_from_every_network() -> None:
    for build in (STGCN, DKEGCN):
        net = build(num_classes=5, layout="sign-27", channels=(4, 8), strides=(1, 2), task="class", pooling="groups")
        assert net.tap_widths == {"frame": 24, "pooled": 24}
