from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from slr.layers import ValidSteps
from slr.released import fill
from slr.skeleton import adjacency, skeleton_layout
from slr.types import Padded
from students import DKEGCN, LightDKEGCN
from students.ctr_gcn_blocks import CTRGCNBlock, RefinedGraphConv, TemporalBranches
from tests.reference import ctr_gcn as reference
from tests.released import Table, checkpoint_layouts
from tests.slr.layers.clips import random_clips
from tests.students import released

NETWORKS = {"dke-gcn": DKEGCN, "light-dke-gcn": LightDKEGCN}


def grown(module: nn.Module) -> nn.Module:
    """In double precision, away from its initial values: a newborn refines nothing and adds nothing."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(buffer, std=0.1)
        elif name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5)
    return module.double().eval()


def steps_of(clips: list[Tensor], extra: int = 0) -> tuple[Tensor, ValidSteps]:
    lengths = torch.tensor([len(clip) for clip in clips])
    return torch.cat(clips), ValidSteps.of(lengths, int(lengths.max()) + extra)


@pytest.mark.parametrize(("in_width", "width"), [(3, 8), (8, 8), (80, 4)])
def test_the_graph_convolution_equals_the_loop_over_parts_channels_and_joints(in_width: int, width: int) -> None:
    conv = grown(RefinedGraphConv(in_width, width, torch.rand(2, 4, 4), conv_bias=True))
    clips = random_clips([5, 1, 3], 4, in_width)
    rows, valid = steps_of(clips, extra=2)
    got = valid.scatter(conv(rows, valid)).unpad()
    for ours, clip in zip(got, clips, strict=True):
        torch.testing.assert_close(ours, reference.refined_graph_convolution(clip, conv))


@pytest.mark.parametrize("stride", [1, 2])
def test_the_branches_equal_the_loop_over_branches_and_steps(stride: int) -> None:
    branches = grown(TemporalBranches(8, stride, conv_bias=True))
    clips = random_clips([9, 1, 4], 3, 8)
    rows, valid = steps_of(clips, extra=1)
    out, left = branches(rows, valid)
    for ours, clip in zip(left.scatter(out).unpad(), clips, strict=True):
        torch.testing.assert_close(ours, reference.temporal_branches(clip, branches))


def test_a_new_unit_is_its_input_and_refines_no_graph() -> None:
    conv = RefinedGraphConv(8, 8, adjacency(skeleton_layout("ntu-25"), "directed")).eval()
    rows = torch.randn(6, 25, 8)
    valid = ValidSteps.of(torch.tensor([6]), 6)
    torch.testing.assert_close(conv(rows, valid), torch.relu(rows), rtol=0, atol=1e-3)
    assert conv.strength.item() == 0


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
    for block in DKEGCN(num_classes=3, layout="ntu-25", width=8).trunk.blocks:
        assert torch.equal(block.graph.parts.detach(), expected)


def test_the_first_block_has_no_residual_and_equal_widths_keep_the_input() -> None:
    blocks = DKEGCN(num_classes=3, channels=(4, 4, 8), strides=(1, 1, 2), width=8).trunk.blocks
    assert [block.residual for block in blocks] == [False, True, True]
    assert [block.shortcut is not None for block in blocks] == [False, False, True]


def test_a_block_adds_every_second_step_of_its_input_where_it_strides() -> None:
    block = grown(CTRGCNBlock(4, 8, torch.rand(3, 3, 3), stride=2, conv_bias=True))
    clips = random_clips([7, 2], 3, 4)
    rows, valid = steps_of(clips)
    out, left = block(rows, valid)
    inner, _ = block.time(block.graph(rows, valid), valid)
    kept = torch.cat([clip[::2] for clip in clips])
    torch.testing.assert_close(
        out, torch.relu(inner + block.shortcut_norm.normalise(kept @ block.shortcut.weight.T + block.shortcut.bias))
    )
    assert left.lengths.tolist() == [4, 1]


def published(name: str, classes: int) -> nn.Module:
    return NETWORKS[name](num_classes=classes, layout="ntu-25", task="class", persons=2, conv_bias=True)


@pytest.mark.shared
@pytest.mark.parametrize("name", NETWORKS)
def test_the_published_networks_have_the_published_number_of_parameters(name: str) -> None:
    table = Table.read(name)
    network = published(name, table.number("classes"))
    assert sum(parameter.numel() for parameter in network.parameters()) == table.parameters
    assert table.parameters == {"dke-gcn": 1_064_444, "light-dke-gcn": 372_788}[name]


@pytest.mark.shared
@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_with_the_weights_of_the_rule_answer_as_the_originals(name: str) -> None:
    table = Table.read(name)
    network = published(name, table.number("classes")).eval()
    assert fill(network, released.CTR_GCN, table.weights(), f"{name}.tsv") == ()
    with torch.no_grad():
        logits, seen = released.answer(network, table.given())
    check_blocks(seen, checkpoint_layouts() / "expected" / f"{name}.blocks.tsv")
    wanted = torch.from_numpy(table.expected()["logits"])
    assert (logits - wanted).abs().max() <= 1e-4 * wanted.abs().max()


def check_blocks(seen: list[Tensor], table: Path) -> None:
    """The first block that differs from the original's is named."""
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    whole = {name: numbers for name, *numbers in lines if name.startswith("l") and name[1:].isdigit()}
    assert len(whole) == len(seen)
    for number, block in enumerate(seen, 1):
        shape, mean, deviation, first = whole[f"l{number}"]
        assert "x".join(map(str, block.shape)) == shape
        got = [block.mean().item(), block.std().item(), *block.flatten()[:4].tolist()]
        wanted = [float(mean), float(deviation), *map(float, first.split())]
        assert got == pytest.approx(wanted, rel=1e-4, abs=1e-4 * block.abs().max().item()), f"block {number}"


@pytest.mark.parametrize("network", NETWORKS.values())
def test_strides_of_the_table_make_a_step_of_four_frames(network: type[DKEGCN]) -> None:
    net = network(num_classes=5, layout="sign-27", width=8)
    assert net.output_lengths(torch.tensor([1, 4, 5, 230])).tolist() == [1, 1, 2, 58]
    assert net.tap_widths["frame"] == 3 * network.CHANNELS[-1]
    assert network(num_classes=5, layout="sign-27", width=8, pooling="mean").tap_widths["frame"] == network.CHANNELS[-1]


def test_the_frame_tap_has_the_steps_that_strides_leave() -> None:
    net = LightDKEGCN(num_classes=5, layout="ntu-25", channels=(4, 8), strides=(1, 2), width=8, temporal_layers="K3")
    output = net(Padded(torch.randn(2, 9, 25, 3), torch.tensor([9, 4])))
    assert output.taps["frame"].lengths.tolist() == output.logits.lengths.tolist() == [5, 2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"channels": (6,), "strides": (1,)}, "4 temporal branches cannot share 6 channels"),
        ({"channels": (4, 8)}, "2 channels and 9 strides"),
        ({"pooling": "max"}, "unknown pooling 'max'"),
        ({"context": "lstm"}, "unknown context 'lstm'"),
        ({"layout": "ntu-52"}, "unknown skeleton layout 'ntu-52'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        DKEGCN(num_classes=3, **arguments)
