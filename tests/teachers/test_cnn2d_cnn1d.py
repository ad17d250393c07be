"""2DCNN+1DCNN, beyond what holds for every network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from slr.types import Padded
from teachers import CNN2DCNN1D

WIDTH, HEIGHT = 20, 14


def built(**arguments: Any) -> CNN2DCNN1D:
    torch.manual_seed(0)
    small = {"channels": (4, 6), "frame_width": 8, "width": 8, "hidden": 4, "recurrent_layers": 1}
    return CNN2DCNN1D(num_classes=5, **{"frame_size": (WIDTH, HEIGHT), **small, **arguments}).eval()


def clips(*lengths: int, width: int = WIDTH, height: int = HEIGHT) -> Padded:
    return Padded.from_list([torch.randn(length, 3, height, width) for length in lengths])


def test_four_frames_make_one_output_step() -> None:
    lengths = [1, 4, 5, 8, 23]
    output = built()(clips(*lengths))
    assert output.logits.lengths.tolist() == [1, 1, 2, 2, 6]
    assert output.logits.values.shape == (5, 6, 5)
    assert output.taps["frame"].lengths.tolist() == lengths


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"built for frames of 20 x 14 pixels .* have 4 x 2: give frame_size"):
        built()(clips(3, width=25))


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v3_small"])
def test_a_torchvision_backbone_reads_frames_of_any_size(backbone: str) -> None:
    net = built(backbone=backbone)
    output = net(clips(5, 2, width=32, height=32))
    assert output.taps["frame"].values.shape == (2, 5, net.tap_widths["frame"])
    assert net.tap_widths["frame"] == {"resnet18": 512, "mobilenet_v3_small": 1024}[backbone]
    assert output.logits.valid().isfinite().all()


def test_every_real_frame_is_looked_at_once_and_alone() -> None:
    net, stream = built(), clips(6, 3)
    frame = net(stream).taps["frame"]
    for clip, length in enumerate((6, 3)):
        for step in range(length):
            torch.testing.assert_close(frame.values[clip, step], net.encoder(stream.values[clip, step][None])[0])
    assert (frame.values[1, 3:] == 0).all()


def test_without_recurrence_a_step_sees_its_neighbourhood_alone() -> None:
    """K5-P2-K5-P2 reaches 16 frames: a change of the first frame cannot be seen in the last of twelve steps."""
    stream = clips(48)
    changed = Padded(stream.values.clone(), stream.lengths)
    changed.values[0, 0] += 1
    for hidden, unchanged in ((0, True), (4, False)):
        net = built(hidden=hidden)
        before, after = net(stream).logits.values, net(changed).logits.values
        assert not torch.equal(before[0, 0], after[0, 0])
        assert torch.equal(before[0, 6:], after[0, 6:]) is unchanged


def test_a_shared_head_is_one_head() -> None:
    net = built(shared_head=True)
    assert net.tail.head is net.tail.conv_head
    assert built().tail.head is not built().tail.conv_head
    with pytest.raises(
        ValueError, match="the heads cannot be shared: the convolution gives 8 features and the context"
    ):
        built(shared_head=True, hidden=6)


def test_it_computes_in_bfloat16_under_autocast() -> None:
    net, stream = built(), clips(9, 6)
    plain = net(stream)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow = net(stream)
    assert narrow.logits.lengths.tolist() == plain.logits.lengths.tolist()
    torch.testing.assert_close(narrow.logits.valid().float(), plain.logits.valid(), atol=0.1, rtol=0.1)


def test_it_learns_in_bfloat16_under_autocast() -> None:
    net = built().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = net(clips(9, 6)).logits.valid().float().pow(2).sum()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.encoder.parameters())
