"""Sizes, costs and the answers of released weights, for every network of tests/reference/plain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import students
from slr.released import ReleasedLayout, fill, taken
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import Padded
from tests.reference.plain import PLANS, plain
from tests.released import Table
from tests.students import released
from tests.students.traces import check_trace

LAYOUTS: dict[str, tuple[Any, ReleasedLayout]] = {
    name: (network, layout)
    for network in (getattr(students, exported) for exported in students.__all__)
    for name, layout in getattr(network, "released", {}).items()
    if name in PLANS
}


def _of_s8(theirs: str) -> str:
    return theirs.replace("backbone.gcn.{n}", "l{n+1}").replace("backbone.", "").replace("cls_head.fc_cls", "fc")


AAGCN = students.AAGCN.released["pyskl-aagcn"]
S8 = replace(  # of which no weights are known, by the names that its plain formulation has here
    AAGCN,
    left_out=(),
    places={
        ours: (taken(source) if isinstance(source, str) else source).renamed(_of_s8)
        for ours, source in AAGCN.places.items()
    },
)
MAPPINGS = {"s8": S8, **{name: layout for name, (_, layout) in LAYOUTS.items()}}
SIZES = {
    "st-gcn": 3_098_832,
    "pyskl-stgcn": 3_098_832,
    "pyskl-stgcnpp": 1_403_144,
    "pyskl-aagcn": 3_781_668,
    "s8": 2_522_696,
    "ctr-gcn": 1_446_672,
    "pyskl-ctrgcn": 1_446_672,
    "dke-gcn": 1_064_444,
    "light-dke-gcn": 372_788,
    "pyskl-dgstgcn": 1_701_172,
}
# Multiply-adds of the originals for one clip of two persons, 25 joints and as many frames, in thousands of millions.
GIGA_MACS = {
    "st-gcn": {64: 3.65, 100: 5.70, 300: 17.1},
    "pyskl-stgcn": {64: 3.65, 100: 5.70},
    "pyskl-stgcnpp": {64: 1.87, 100: 2.925},  # given as 2.92
    "pyskl-aagcn": {64: 4.14, 100: 6.47},
    "s8": {64: 3.22},
    "ctr-gcn": {64: 1.94, 100: 2.97},
    "pyskl-ctrgcn": {64: 1.94, 100: 2.97},
    "dke-gcn": {64: 1.61},
    "light-dke-gcn": {64: 0.86, 300: 3.92},
    "pyskl-dgstgcn": {64: 1.61, 100: 2.50},
}


def published(name: str, classes: int = 60, layout: SkeletonLayout | None = None) -> Any:
    """The network as its authors have it, or with another skeleton."""
    if name == "s8":
        return students.S8(num_classes=classes, layout=layout or "ntu-25", task="class", persons=2)
    network, its = LAYOUTS[name]
    return network(num_classes=classes, layout=layout or its.skeleton, **its.arguments)


def test_every_plain_network_has_one_of_ours() -> None:
    assert set(MAPPINGS) == set(PLANS) == set(SIZES) == set(GIGA_MACS)


@pytest.mark.parametrize("name", SIZES)
def test_it_has_the_published_number_of_parameters(name: str) -> None:
    for network in (published(name), plain(name)):
        assert sum(parameter.numel() for parameter in network.parameters()) == SIZES[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "frames", "wanted"),
    [(name, frames, wanted) for name, figures in GIGA_MACS.items() for frames, wanted in figures.items()],
)
def test_it_costs_what_was_measured_of_the_original_or_less(name: str, frames: int, wanted: float) -> None:
    clip = torch.randn(1, frames, 2, 25, 3)
    original = macs(plain(name).to("meta"), clip.to("meta"))  # shapes are enough to count
    ours = macs(published(name), Padded(clip, torch.tensor([frames])))
    rounding = 0.005 if wanted < 10 else 0.05  # three digits are given
    assert original / 1e9 == pytest.approx(wanted, abs=rounding)
    assert 0.85 * original < ours < 1.002 * original


def macs(network: nn.Module, given: Any) -> int:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(given)
    return counter.get_total_flops() // 2


@pytest.mark.shared
@pytest.mark.parametrize("name", LAYOUTS)
def test_released_weights_answer_as_the_original(name: str) -> None:
    table, layout = Table.read(name), LAYOUTS[name][1]
    assert table.parameters == SIZES[name]
    network = published(name, table.number("classes")).eval()
    notes = fill(network, layout, table.weights(), f"{name}.tsv")
    assert [note.startswith("left out") for note in notes] == [True] * bool(layout.left_out)
    with torch.no_grad():
        scores, seen = released.answer(network, channels_first(name, table.given()))
    block, first = PLANS[name].names[1], PLANS[name].first_block
    check_trace({block.format(first + i): features for i, features in enumerate(seen)}, name, TRACE.get(name, 1e-4))
    wanted = torch.from_numpy(table.expected()["logits"])
    assert (scores - wanted).abs().max() <= 1e-4 * wanted.abs().max()


# The weights of the rule make AAGCN's features grow to a million, and its tanh sees sums of products that are 1e5 times
# as large as what is left of them: blocks agree less well than elsewhere.
TRACE = {"pyskl-aagcn": 1e-3}


def channels_first(name: str, clips: Tensor) -> Tensor:
    """``[N, C, T, V, M]``, which pyskl has as ``[N, M, T, V, C]``."""
    return clips.permute(0, 4, 2, 3, 1) if name.startswith("pyskl") else clips


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", MAPPINGS)
def test_it_equals_the_plain_formulation_in_scores_gradients_and_statistics(name: str, training: bool) -> None:
    """With the plain network's own weights, through the mapping of released ones, on a skeleton of five joints."""
    torch.manual_seed(0)
    layout, other = star(), plain(name, 4, layout=star()).double()
    for parameter in other.parameters():
        if parameter.ndim == 1:  # what begins at zero or at next to nothing hides what stands behind it
            nn.init.normal_(parameter, 0.3, 0.3)
    network = published(name, 4, layout).double()
    fill(network, MAPPINGS[name], other.state_dict(), name)
    clips, labels = torch.randn(3, 13, 2, 5, 3).double(), torch.tensor([0, 3, 1])
    ours = network.train(training)(Padded(clips, torch.full((3,), 13))).logits.values[:, 0]
    theirs = other.train(training)(clips)
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7)
    for scores in (ours, theirs):
        nn.functional.cross_entropy(scores, labels).backward()
    # The mapping puts the gradients of the plain network where ours lie, so they can be compared tensor by tensor.
    wanted = published(name, 4, layout).double()
    state = {key: value.clone() for key, value in other.state_dict().items()}
    for key, parameter in other.named_parameters():
        state[key] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    fill(wanted, MAPPINGS[name], state, name)
    for (key, parameter), gradient in zip(network.named_parameters(), wanted.parameters(), strict=True):
        if parameter.requires_grad:
            found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(
                found, gradient, rtol=1e-6, atol=1e-7, msg=lambda text, key=key: f"{key}: {text}"
            )
    for (key, buffer), statistic in zip(network.named_buffers(), wanted.buffers(), strict=True):
        torch.testing.assert_close(buffer, statistic, msg=lambda text, key=key: f"{key}: {text}")


def star() -> SkeletonLayout:
    """A middle with four arms."""
    arms = [f"arm_{number}" for number in range(4)]
    return skeleton_layout(
        {"name": "star", "joints": ["middle", *arms], "bones": [["middle", arm] for arm in arms],
         "groups": {"body": "rest"}, "centre": "middle"}
    )  # fmt: skip
