from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from slr.skeleton import skeleton_layout
from slr.types import Padded
from students import AAGCN, CTRGCN, DGSTGCN, DKEGCN, S8, STGCN, STGCNPP, LightDKEGCN

TEN = ((64, 64, 64, 64, 128, 128, 128, 256, 256, 256), (1, 1, 1, 1, 2, 1, 1, 2, 1, 1))
NETWORKS = [AAGCN, CTRGCN, DGSTGCN, DKEGCN, S8, STGCN, STGCNPP, LightDKEGCN]


def table(net: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths and strides of the blocks, as the network is built."""
    x = Padded(torch.randn(1, 8, len(net.layout), 3), torch.tensor([8]))
    widths = []
    for block in net.trunk.blocks:
        block.register_forward_hook(lambda module, given, result: widths.append(result[0].shape[-1]))
    net.eval()(x)
    return tuple(widths), net.trunk.strides


@pytest.mark.parametrize("network", [AAGCN, CTRGCN, DGSTGCN, STGCN, STGCNPP])
def test_the_published_table_has_ten_blocks(network: Any) -> None:
    assert table(network(num_classes=3, layout="openpose-18", task="class")) == TEN


def test_students_of_dke_gcn_are_networks_without_their_last_blocks() -> None:
    build: dict[str, Any] = {"num_classes": 3, "layout": "openpose-18", "task": "class"}
    assert table(DKEGCN(**build)) == table(CTRGCN(**build, drop_last=1)) == (TEN[0][:9], TEN[1][:9])
    assert table(LightDKEGCN(**build)) == table(CTRGCN(**build, drop_last=3)) == (TEN[0][:7], TEN[1][:7])
    assert table(S8(**build)) == ((64, 64, 64, 128, 128, 128, 256, 256), (1, 1, 1, 2, 1, 1, 2, 1))


@pytest.mark.parametrize("network", NETWORKS)
def test_widths_are_multiplied_and_stay_multiples_of_eight(network: Any) -> None:
    net = network(num_classes=3, layout="openpose-18", task="class", width_factor=0.2, drop_last=2)
    widths, strides = table(net)
    rows = {64: 16, 128: 24, 256: 48}  # 12.8, 25.6 and 51.2
    full, all_strides = TEN if network is STGCN else (network.CHANNELS, network.STRIDES)
    assert widths == tuple(rows[width] for width in full[:-2])
    assert strides == tuple(all_strides[:-2])
    assert table(network(num_classes=3, layout="openpose-18", task="class", width_factor=0.01))[0][0] == 8


def test_attention_can_be_added_and_left_out() -> None:
    small: dict[str, Any] = {"num_classes": 3, "layout": "openpose-18", "channels": (8, 8), "strides": (1, 1)}
    for net, attends in (
        (AAGCN(**small), True),
        (AAGCN(**small, attention=False), False),
        (S8(**small), False),
        (S8(**small, attention=True), True),
    ):
        assert [block.graph.attention is not None for block in net.trunk.blocks] == [attends] * 2


@pytest.mark.parametrize("network", NETWORKS)
def test_biases_that_a_batch_norm_makes_idle_come_with_a_class_and_do_not_learn(network: Any) -> None:
    small: dict[str, Any] = {"num_classes": 3, "layout": "openpose-18", "channels": (8, 16), "strides": (1, 2)}
    published, lean = network(**small, task="class"), network(**small, task="class", conv_bias=False)
    extra = {name for name, _ in published.named_parameters()} - {name for name, _ in lean.named_parameters()}
    assert extra
    assert all("bias" in name for name in extra)
    frozen = {name for name, parameter in published.named_parameters() if not parameter.requires_grad}
    assert frozen
    assert frozen <= extra
    assert all(parameter.requires_grad for parameter in lean.parameters())
    glosses = network(**small)
    assert not any(not parameter.requires_grad for parameter in glosses.parameters())


def test_the_graph_of_ntu_starts_as_the_published_one() -> None:
    # child and parent by number, as the published code lists them
    inward = [(0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6), (8, 20), (9, 8), (10, 9), (11, 10),
              (12, 0), (13, 12), (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18), (21, 22), (22, 7),
              (23, 24), (24, 11)]  # fmt: skip
    expected = torch.zeros(3, 25, 25)
    children = [sum(parent == joint for _, parent in inward) for joint in range(25)]
    for joint in range(25):
        expected[0, joint, joint] = 1
    for child, parent in inward:
        expected[1, parent, child] = 1
        expected[2, child, parent] = 1 / children[parent]
    for network in (DKEGCN, AAGCN):
        for block in network(num_classes=3, layout="ntu-25", channels=(8, 8), strides=(1, 1)).trunk.blocks:
            assert torch.equal(block.graph.parts.detach(), expected)


def test_dg_stgcn_knows_no_skeleton() -> None:
    small: dict[str, Any] = {"num_classes": 3, "channels": (8, 8), "strides": (1, 1)}
    nets = []
    for layout in ("ntu-25", "ntu-25-pyskl"):
        torch.manual_seed(0)
        nets.append(DGSTGCN(layout=layout, **small))
    for one, other in zip(nets[0].state_dict().values(), nets[1].state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert nets[0].trunk.blocks[0].time.share.shape == (25,)


def test_the_first_block_has_no_shortcut_and_equal_widths_keep_the_input() -> None:
    blocks = CTRGCN(num_classes=3, channels=(4, 4, 8), strides=(1, 1, 2)).trunk.blocks
    assert [block.shortcut is not None for block in blocks] == [False, True, True]
    assert [block.shortcut.change is not None for block in blocks[1:]] == [False, True]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_of_the_output_is_four_frames_and_one_for_a_class(network: Any) -> None:
    net = network(num_classes=5, layout="sign-27", width=8)
    assert net.output_lengths(torch.tensor([1, 4, 5, 230])).tolist() == [1, 1, 2, 58]
    last = 256 if network is not LightDKEGCN else 128
    assert net.tap_widths["frame"] == 3 * last
    assert network(num_classes=5, layout="sign-27", width=8, pooling="mean").tap_widths["frame"] == last
    classes = network(num_classes=5, layout="sign-27", task="class")
    assert classes.output_lengths(torch.tensor([1, 230])).tolist() == [1, 1]
    assert classes.tap_widths == {"frame": last, "pooled": last}


def test_the_frame_tap_has_the_steps_that_strides_leave() -> None:
    net = LightDKEGCN(num_classes=5, layout="ntu-25", channels=(4, 8), strides=(1, 2), width=8, temporal_layers="K3")
    output = net(Padded(torch.randn(2, 9, 25, 3), torch.tensor([9, 4])))
    assert output.taps["frame"].lengths.tolist() == output.logits.lengths.tolist() == [5, 2]


def test_joints_of_ones_own_come_with_one_file(tmp_path: Any) -> None:
    file = tmp_path / "hand.yaml"
    file.write_text(
        "name: pinch\njoints: [wrist, thumb, index]\nbones: [[wrist, thumb], [wrist, index]]\n"
        "groups: {body: rest}\ncentre: wrist\n",
        encoding="utf-8",
    )
    clips = Padded(torch.randn(2, 8, 3, 3), torch.tensor([8, 5]))
    for network in NETWORKS:
        net = network(num_classes=4, layout=str(file), channels=(8, 16), strides=(1, 2), task="class")
        assert net(clips).logits.values.shape == (2, 1, 4)
        assert net.layout == skeleton_layout(str(file))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e6, 1e15])
def test_gradients_are_finite_whatever_the_scale_of_the_clip(network: Any, scale: float) -> None:
    net = network(num_classes=3, layout="openpose-18", channels=(8, 16), strides=(1, 2), task="class", persons=2)
    for training in (True, False):
        for steps in (1, 9):
            net.train(training).zero_grad()
            clips = Padded(scale * torch.randn(2, steps, 2, 18, 3), torch.tensor([steps, 1]))
            scores = net(clips).logits.values[:, 0]
            assert scores.isfinite().all()
            nn.functional.cross_entropy(scores, torch.tensor([0, 2])).backward()
            assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    ("network", "arguments", "complaint"),
    [
        (CTRGCN, {"channels": (6,), "strides": (1,)}, "4 temporal branches cannot share 6 channels"),
        (DKEGCN, {"channels": (4, 8)}, "2 channels and 9 strides"),
        (DKEGCN, {"channels": (4, 8), "drop_last": 1}, "1 channels and 8 strides"),
        (DKEGCN, {"pooling": "max"}, "unknown pooling 'max'"),
        (DKEGCN, {"context": "lstm"}, "unknown context 'lstm'"),
        (DKEGCN, {"layout": "ntu-52"}, "unknown skeleton layout 'ntu-52'"),
        (CTRGCN, {"variant": "mmaction"}, "unknown variant 'mmaction' of CTR-GCN: there are original, pyskl"),
        (S8, {"drop_last": 8}, "of 8 blocks 0 to 7 can be left out"),
        (S8, {"width_factor": 0.0}, "width_factor is 0.0"),
        (DGSTGCN, {"groups": 5}, "5 groups cannot share 64 channels"),
        (STGCNPP, {"partition": "spacial"}, "unknown partition 'spacial'"),
    ],
)
def test_wrong_arguments_are_refused(network: Any, arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        network(num_classes=3, **arguments)
