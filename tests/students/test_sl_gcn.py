from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from slr.layers import ValidSteps
from slr.skeleton import adjacency, skeleton_layout
from slr.types import Padded
from students import SLGCN
from students.drop_masks import DropMasks
from students.sl_gcn import DecoupledGraphConv
from tests.reference.sl_gcn import plain_network
from tests.students.plain_equality import assert_equal_to_plain


def small(**arguments: Any) -> SLGCN:
    """A class network in double precision, away from the values it is born with."""
    torch.manual_seed(0)
    fields = {"num_classes": 5, "task": "class", "channels": (8, 8, 16), "strides": (1, 1, 2), "groups": 4}
    net = SLGCN(**{**fields, "temporal_kernel": 3, "drop_blocks": 2, "dropout": 0.0, **arguments}).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.3)
    return net


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("persons", [1, 2])
def test_it_equals_the_plain_formulation_in_scores_and_gradients(training: bool, persons: int) -> None:
    net = small(persons=persons).train(training)
    assert_equal_to_plain(net, plain_network, torch.randn(3, 9, persons, 27, 3).double())


def test_channels_of_a_group_share_their_graphs() -> None:
    conv = DecoupledGraphConv(3, 8, adjacency(skeleton_layout("sign-27"), "directed"), groups=2).double().eval()
    nn.init.normal_(conv.graphs)
    z = torch.randn(2, 27, 3 * 8).double()
    found = conv._gathered(z)
    for channel in range(8):
        graphs = conv.graphs[:, channel // 4]
        graphs = graphs / (graphs.abs().sum(1, keepdim=True) + 0.001)
        wanted = sum(z[:, :, 8 * part + channel] @ graphs[part] for part in range(3))
        torch.testing.assert_close(found[..., channel], wanted)


def test_graphs_begin_as_the_skeleton_and_stay_so_in_the_first_epoch() -> None:
    net = small()
    graphs = [module for module in net.modules() if isinstance(module, DecoupledGraphConv)]
    fresh = SLGCN(num_classes=3).trunk.blocks[4].graph.graphs
    assert torch.equal(fresh[:, 7], adjacency(skeleton_layout("sign-27"), "directed"))
    assert all(module.graphs.requires_grad for module in graphs), "an optimiser takes what learns at some time"
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    clips = Padded(torch.randn(2, 9, 27, 3).double(), torch.tensor([9, 5]))
    learnt = []
    for epoch in (0, 1):
        before = [module.graphs.detach().clone() for module in graphs]
        for module in graphs:
            module.set_epoch(epoch)
        optimizer.zero_grad()
        net(clips).logits.values.sum().backward()
        optimizer.step()
        learnt.append([not torch.equal(module.graphs, old) for module, old in zip(graphs, before, strict=True)])
    assert learnt == [[False] * 3, [True] * 3]


def test_graphs_whose_columns_sum_to_nothing_stay_finite() -> None:
    conv = DecoupledGraphConv(3, 4, torch.zeros(3, 27, 27), groups=2).eval()
    with torch.no_grad():
        conv.graphs[:, :, 0, :], conv.graphs[:, :, 1, :] = 1.0, -1.001  # their plain sums are minus what is added
    out = conv(torch.randn(2, 27, 3), ValidSteps.of(torch.tensor([2]), 2))
    out.sum().backward()
    assert out.abs().max() < 100
    assert conv.graphs.grad is not None
    assert conv.graphs.grad.isfinite().all()


def test_the_last_blocks_drop_what_they_convolve_and_what_they_add() -> None:
    net = small()
    dropping = [sum(isinstance(part, DropMasks) for part in block.modules()) for block in net.trunk.blocks]
    assert dropping == [0, 2, 2]
    published = SLGCN(num_classes=3).trunk.blocks
    assert [block.drop is not None for block in published] == [False] * 6 + [True] * 4
    clips = Padded(torch.randn(2, 30, 27, 3).double(), torch.tensor([30, 20]))
    net.train()
    before = net(clips).logits.values
    torch.testing.assert_close(net(clips).logits.values, before)
    for part in net.modules():
        if isinstance(part, DropMasks):
            part.set_epoch(100)
    assert not torch.allclose(net(clips).logits.values, before)


def test_the_published_size_without_its_constants() -> None:
    net = SLGCN(num_classes=2000, task="class")
    learning = sum(parameter.numel() for parameter in net.parameters())
    assert learning == 4_294_502
    channels = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
    constants = 27**2 * (sum(channels) + len(channels))  # an identity for every channel, a graph for every block
    assert learning + constants == 5_328_224
    assert net.trunk.output_lengths(torch.tensor([1, 100, 150])).tolist() == [1, 25, 38]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"groups": 3}, "3 groups cannot share 8 channels"),
        ({"temporal_kernel": 4}, "temporal kernel 4 is even"),
        ({"strides": (1, 2)}, "3 channels and 2 strides"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        small(**arguments)
