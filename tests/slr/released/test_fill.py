from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from slr.released import (
    ReleasedLayout,
    class_count,
    fill,
    joined,
    rearranged,
    reshaped,
    stacked,
    transposed,
)


class Ours(nn.Module):
    def __init__(self, classes: int = 3, depth: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(depth))
        self.norm = nn.BatchNorm1d(4)
        self.parts = nn.Parameter(torch.zeros(2, 3, 3))
        self.flat = nn.Parameter(torch.zeros(6))
        self.head = nn.Linear(4, classes)
        self.second_head = self.head


LAYOUT = ReleasedLayout(
    about="the network of a test",
    class_tensors=("head.weight", "head.bias", "second_head.weight", "second_head.bias"),
    left_out=("old.{rest}",),
    places={
        "layers.{n}.{kind}": "block{n+1}.conv.{kind}",
        "norm.{kind}": joined(f"branches.{b}.bn.{{kind}}" for b in range(2)),
        "parts": stacked(["graph.in", "graph.out"]),
        "flat": reshaped("table", -1),
        "head.weight": transposed("fc.weight"),
        "second_head.weight": transposed("fc2.weight"),
        "head.bias": "fc.bias",
        "second_head.bias": "fc2.bias",
    },
)


def released(classes: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(1)
    fc = {"weight": torch.randn(4, classes), "bias": torch.randn(classes)}
    kinds = ("weight", "bias", "running_mean", "running_var")
    norms = {f"branches.{b}.bn.{kind}": torch.rand(2) for b in range(2) for kind in kinds}
    return {
        **{f"block{n}.conv.weight": torch.randn(4, 4, 1, 1) for n in (1, 2)},
        **{f"block{n}.conv.bias": torch.randn(4) for n in (1, 2)},
        **norms,
        "branches.0.bn.num_batches_tracked": torch.tensor(70),
        "branches.1.bn.num_batches_tracked": torch.tensor(71),
        "graph.in": torch.randn(3, 3),
        "graph.out": torch.randn(3, 3),
        "table": torch.randn(2, 3),
        **{f"{name}.{kind}": tensor for name in ("fc", "fc2") for kind, tensor in fc.items()},
        "old.1.unused": torch.ones(2),
    }


def unchanged(network: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_every_tensor_reaches_its_place() -> None:
    network, tensors = Ours(), released()
    notes = fill(network, LAYOUT, tensors, "file.pt")
    assert notes == ("left out, since it has no place here: 'old.1.unused'",)
    for n in range(2):
        assert torch.equal(network.layers[n].weight, tensors[f"block{n + 1}.conv.weight"][:, :, 0, 0])
    for kind in ("weight", "bias", "running_mean", "running_var"):
        assert getattr(network.norm, kind).tolist() == [
            *tensors[f"branches.0.bn.{kind}"].tolist(),
            *tensors[f"branches.1.bn.{kind}"].tolist(),
        ]
    assert network.norm.num_batches_tracked.item() == 71
    assert torch.equal(network.parts[1], tensors["graph.out"])
    assert network.flat.tolist() == [x for row in tensors["table"].tolist() for x in row]
    assert torch.equal(network.second_head.weight, tensors["fc.weight"].T)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("name", released())
def test_one_missing_tensor_is_refused_by_name(name: str) -> None:
    network, tensors = Ours(), released()
    if name.startswith("old."):
        return
    before = {key: value.clone() for key, value in network.state_dict().items()}
    del tensors[name]
    with pytest.raises(
        ValueError, match=rf"file\.pt is not the network of a test, as Ours reads it: it lacks '{name}'"
    ):
        fill(network, LAYOUT, tensors, "file.pt")
    assert unchanged(network, before)


@pytest.mark.parametrize("name", ["extra", "block3.conv.weight", "branches.2.bn.num_batches_tracked", "older.1"])
def test_one_extra_tensor_is_refused_by_name(name: str) -> None:
    network = Ours()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(ValueError, match=f"holds '{name}', which has no place in it; nothing was loaded"):
        fill(network, LAYOUT, released() | {name: torch.tensor(0)}, "file.pt")
    assert unchanged(network, before)


def test_many_names_are_counted() -> None:
    tensors = {name: value for name, value in released().items() if not name.startswith("branches")}
    with pytest.raises(ValueError, match=r"lacks 'branches.0.bn.weight', .* and 3 more"):
        fill(Ours(), LAYOUT, tensors, "file.pt")


def test_counters_may_all_be_absent_as_before_torch_0_4_1() -> None:
    network = Ours()
    fill(network, LAYOUT, {k: v for k, v in released().items() if "num_batches" not in k}, "old.pt")
    assert network.norm.num_batches_tracked.item() == 0


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (
            {"block1.conv.weight": torch.ones(4, 5)},
            r"'block1.conv.weight' \[4, 5\], and 'layers.0.weight' of .* \[4, 4\]",
        ),
        ({"block1.conv.bias": torch.ones(2, 2)}, r"'layers.0.bias' of this Ours wants \[4\]"),
        ({"graph.in": torch.ones(2, 2)}, r"'graph.in' \[2, 2\] and 'graph.out' \[3, 3\], .* do not make 'parts'"),
        ({"fc2.bias": torch.zeros(3)}, "values in 'fc.bias' and 'fc2.bias', which are one"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Tensor], complaint: str) -> None:
    network = Ours()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(ValueError, match=complaint):
        fill(network, LAYOUT, released() | changed, "file.pt")
    assert unchanged(network, before)


def test_another_number_of_classes_needs_to_be_asked_for() -> None:
    network, tensors = Ours(classes=5), released()
    with pytest.raises(ValueError, match="the file has 3 classes and the network 5"):
        fill(network, LAYOUT, tensors, "file.pt")
    head = network.head.weight.detach().clone()
    notes = fill(network, LAYOUT, tensors, "file.pt", new_classes=True)
    assert notes[-1].startswith("the classifier is new and untrained: 'fc.bias', 'fc.weight', 'fc2.bias', 'fc2.weight'")
    assert torch.equal(network.head.weight, head)
    assert torch.equal(network.layers[0].bias, tensors["block1.conv.bias"])


def test_classes_are_counted_where_they_lie() -> None:
    assert class_count(LAYOUT, released(classes=7), "file.pt") == 7
    with pytest.raises(ValueError, match=r"file\.pt lacks 'fc.weight': it is not the network of a test"):
        class_count(LAYOUT, {"a": torch.ones(1)}, "file.pt")


def test_a_network_with_other_arguments_is_refused_by_what_it_has_too_much() -> None:
    layout = replace(LAYOUT, places={k: v for k, v in LAYOUT.places.items() if k != "flat"})
    with pytest.raises(ValueError, match="this Ours has 'flat', which the network of a test has not"):
        fill(Ours(), layout, released(), "file.pt")


def test_mappings_that_lose_elements_are_faults_of_ours() -> None:
    lossy = replace(LAYOUT, places=LAYOUT.places | {"flat": rearranged(["table"], lambda parts: parts[0][0].repeat(3))})
    with pytest.raises(AssertionError, match="'flat' drops or repeats elements"):
        fill(Ours(), lossy, released(), "file.pt")


def test_half_precision_is_widened() -> None:
    network, tensors = Ours(), released()
    fill(network, LAYOUT, {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}, "file.pt")
    assert network.flat.dtype == torch.float32
    torch.testing.assert_close(network.flat.detach(), tensors["table"].flatten(), rtol=1e-3, atol=1e-3)
