from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from slr.layers import ValidSteps
from slr.released import fill
from slr.skeleton import adjacency, skeleton_layout
from slr.types import Padded
from students import DSTASLR
from students.drop_masks import DropMasks
from students.dsta_released import DSTA_SLR
from tests.reference.dsta_slr import plain_network
from tests.released import Table
from tests.students import released
from tests.students.plain_equality import assert_equal_to_plain
from tests.students.traces import check_trace


def small(**arguments: Any) -> DSTASLR:
    """A class network in double precision, away from the values it is born with."""
    torch.manual_seed(0)
    fields = {"num_classes": 5, "task": "class", "channels": (8, 8, 16), "strides": (1, 2, 2), "graphs": 2}
    net = DSTASLR(**{**fields, "dropout": 0.0, **arguments}).double()
    for parameter in net.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.3)
    return net


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("persons", [1, 2])
def test_it_equals_the_plain_formulation_in_scores_and_gradients(training: bool, persons: int) -> None:
    net = small(persons=persons).train(training)
    assert_equal_to_plain(net, plain_network, torch.randn(3, 9, persons, 27, 3).double())


def test_only_the_last_blocks_drop_and_the_trainer_reaches_their_masks() -> None:
    net = small(drop_blocks=2)
    dropping = [any(isinstance(part, DropMasks) for part in block.modules()) for block in net.trunk.blocks]
    assert dropping == [False, True, True]
    masks = [part for part in net.modules() if isinstance(part, DropMasks)]
    assert [part.groups for part in masks] == 2 * [2, 2, 2, 1]
    clips = Padded(torch.randn(2, 30, 27, 3).double(), torch.tensor([30, 20]))
    net.train()
    before = net(clips).logits.values
    torch.testing.assert_close(net(clips).logits.values, before)
    for part in masks:
        part.set_epoch(100)
    assert not torch.allclose(net(clips).logits.values, before)


def test_masks_draw_for_real_frames_alone() -> None:
    clips, answers = torch.randn(2, 30, 27, 3).double(), []
    for extra in (0, 7):
        net = small().train()
        for part in net.modules():
            if isinstance(part, DropMasks):
                part.set_epoch(100)
        torch.manual_seed(1)
        longer = torch.cat([clips, torch.full((2, extra, 27, 3), torch.nan).double()], 1)
        answers.append(net(Padded(longer, torch.tensor([30, 20]))).logits.values)
    torch.testing.assert_close(*answers)


def test_a_newborn_block_is_what_its_spatial_unit_keeps_of_the_input() -> None:
    net = DSTASLR(num_classes=3)
    unit = net.trunk.blocks[1].spatial.eval()
    rows = torch.rand(6, 27, 64)
    valid = ValidSteps.of(torch.tensor([6]), 6)
    torch.testing.assert_close(unit(rows, valid), rows, rtol=0, atol=1e-3)
    assert unit.dictionary.share.item() == 0
    torch.testing.assert_close(unit.channel_graph.detach(), torch.full((64, 27, 27), 1 / 27))


def test_the_default_strides_make_a_step_of_four_frames_for_glosses_and_of_eight_for_a_class() -> None:
    lengths = torch.tensor([1, 8, 9, 120])
    glosses, classes = DSTASLR(num_classes=3), DSTASLR(num_classes=3, task="class")
    assert glosses.output_lengths(lengths).tolist() == [1, 2, 3, 30]
    assert glosses.trunk.output_lengths(lengths).tolist() == [1, 2, 3, 30]
    assert classes.trunk.output_lengths(lengths).tolist() == [1, 1, 2, 15]


def test_the_published_size() -> None:
    net = DSTASLR(num_classes=2000, task="class")
    assert sum(parameter.numel() for parameter in net.parameters()) == 8_194_202
    graph = adjacency(skeleton_layout("sign-27"), "directed").sum(0)
    assert all(torch.equal(block.graph, graph) for block in net.trunk.blocks)


@pytest.mark.shared
def test_released_weights_answer_as_the_original() -> None:
    table = Table.read("dsta-slr")
    net = DSTASLR(num_classes=table.number("classes"), layout=DSTA_SLR.skeleton, **DSTA_SLR.arguments).eval()
    assert fill(net, DSTA_SLR, table.weights(), "dsta-slr.tsv") == ()
    with torch.no_grad():
        scores, seen = released.answer(net, table.given())
    check_trace({f"layers.{number}": features for number, features in enumerate(seen)}, "dsta-slr")
    wanted = torch.from_numpy(table.expected()["logits"])
    assert (scores - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"graphs": 3}, "3 graphs of a clip cannot share 8 channels"),
        ({"channels": (8, 12), "strides": (1, 1)}, "from 8 to 12 channels"),
        ({"channels": (8, 9), "strides": (1, 1)}, "cannot share 9 channels"),
        ({"channels": (8, 8)}, "2 channels and 3 strides"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        small(**arguments)
