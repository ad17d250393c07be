from __future__ import annotations

import pytest
import torch
from torch import nn

from students import STGCN, LandmarkTransformer, LightDKEGCN
from workbench.assemble import make_optimizer
from workbench.layer_rates import layers_of
from workbench.schema import Stage
from workbench.trainer import parameter_groups

ADAM = {"_target_": "torch.optim.AdamW", "lr": 1.0}


class Deep(nn.Module):
    """An input, two lists of blocks, a parameter of its own, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.embed = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.Linear(1, 1)})
        self.trunk = nn.Module()
        self.trunk.blocks = nn.ModuleList(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)) for _ in range(2))
        self.frozen = nn.Linear(1, 1).requires_grad_(False)
        self.side_by_side = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])
        self.head = nn.ModuleDict({"norm": nn.LayerNorm(1), "layers": nn.ModuleList([nn.Linear(1, 1)])})


def names(network: nn.Module) -> list[list[str]]:
    by_id = {id(weight): name for name, weight in network.named_parameters()}
    return [[by_id[id(weight)] for weight in layer] for layer in layers_of(network)]


def test_layers_are_blocks_and_parts_in_their_order() -> None:
    found = names(Deep())
    assert [sorted({name.rpartition(".")[0] for name in layer}) for layer in found] == [
        ["embed.a", "embed.b"],
        ["trunk.blocks.0.0", "trunk.blocks.0.1"],
        ["trunk.blocks.1.0", "trunk.blocks.1.1"],
        ["side_by_side.0", "side_by_side.1"],
        ["head.norm"],
        ["", "head.layers.0"],
    ]


@pytest.mark.parametrize(
    "network",
    [
        LightDKEGCN(num_classes=3, layout="sign-27", channels=(4, 8), strides=(1, 2), task="class"),
        LandmarkTransformer(
            num_classes=3,
            layout="sign-27",
            task="class",
            width=8,
            patch_heads=2,
            heads=2,
            local_blocks=2,
            global_blocks=2,
        ),
        STGCN(num_classes=3, layout="sign-27", channels=(4, 6), strides=(1, 1), width=8),
    ],
    ids=["class", "landmarks", "glosses"],
)
def test_every_parameter_that_learns_is_in_one_layer(network: nn.Module) -> None:
    found = [id(weight) for layer in layers_of(network) for weight in layer]
    assert sorted(found) == sorted(id(weight) for weight in network.parameters() if weight.requires_grad)
    firsts = [layer[0] for layer in names(network)]
    assert firsts[0].startswith("data_norm")
    blocks = [first.rpartition("blocks.")[2][0] for first in firsts if "blocks." in first]
    assert blocks == ["0", "1", "0", "1"] if isinstance(network, LandmarkTransformer) else ["0", "1"]
    assert firsts[-1].startswith(("head", "tail"))


def test_rates_fall_from_the_output_to_the_input() -> None:
    network, objective = Deep(), nn.Linear(1, 1)
    stage = Stage(epochs=1, max_clips=4, optimizer=ADAM, layer_decay=0.8)
    optimizer = make_optimizer(stage, network, objective)
    rates = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    assert optimizer.param_groups[0]["lr"] == 1.0  # the rate that is recorded
    depths = {"head.layers.0.weight": 0, "scale": 0, "head.norm.bias": 1, "side_by_side.1.bias": 2, "embed.b.bias": 5}
    for name, depth in depths.items():
        assert rates[id(network.get_parameter(name))] == pytest.approx(0.8**depth)
    assert all(rates[id(weight)] == 1.0 for weight in objective.parameters())
    assert id(network.frozen.weight) not in rates


def test_the_rate_grows_with_the_clips_of_a_step() -> None:
    network = Deep()
    stage = Stage(epochs=1, max_clips=16, accumulate=2, optimizer=ADAM, rate_clips=128, layer_decay=0.5)
    rates = [group["lr"] for group in make_optimizer(stage, network, nn.Module()).param_groups]
    assert rates == pytest.approx([0.25 * 0.5**depth for depth in range(6)])
    plain = Stage(epochs=1, max_clips=64, optimizer=ADAM, rate_clips=128)
    assert [group["lr"] for group in make_optimizer(plain, network, nn.Module()).param_groups] == [0.5]
    assert len(parameter_groups(network, nn.Module())) == 1
