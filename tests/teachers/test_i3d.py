from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slr.released import class_count, fill, read_released
from slr.types import Padded
from teachers import I3D
from teachers.i3d import BLOCKS, I3DTrunk, mean_of_pairs
from teachers.i3d_units import InceptionBlock, MaxPool3D, Unit3D, same_border
from tests.reference import i3d as reference

NARROW = 1 / 32


def clips(lengths: tuple[int, ...], *shape: int) -> list[Tensor]:
    return [torch.randn(length, *shape, dtype=torch.float64).relu() for length in lengths]


def settled(module: nn.Module) -> Any:
    """In double precision and evaluation, with statistics that do something."""
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(buffer, std=0.3)
        elif name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5)
    return module.double().eval()


def check(module: nn.Module, slow: Callable[[Tensor, Any], Tensor], sequences: list[Tensor]) -> None:
    """Clips in a batch, with rubbish behind them, against each for itself."""
    settled(module)
    stream = Padded.from_list(sequences)
    with torch.no_grad():
        output = module(stream)
        for ours, clip in zip(output.unpad(), sequences, strict=True):
            torch.testing.assert_close(ours, slow(clip, module))
    assert not output.values[~output.mask].any()


def test_the_border_is_that_of_tensorflow() -> None:
    for kernel in range(1, 8):
        for stride in range(1, 4):
            for size in range(1, 20):
                first, _ = reference.windows(size, kernel, stride)[0]
                assert int(same_border(torch.tensor(size), kernel, stride)) == -first, (kernel, stride, size)


@pytest.mark.parametrize(("kernel", "stride"), [(7, (2, 2)), (7, (1, 2)), (3, (1, 1)), (1, (1, 1)), (3, (2, 1))])
def test_a_unit_equals_the_loop_over_places_clip_by_clip(kernel: int, stride: tuple[int, int]) -> None:
    for lengths in ((5, 2, 4), (3, 1), (4, 4)):  # odd and even lengths have other borders where there is a stride
        check(Unit3D(2, 3, kernel, stride), reference.unit, clips(lengths, 5, 4, 2))


@pytest.mark.parametrize(
    ("kernel", "stride"),
    [
        ((1, 3, 3), (1, 2, 2)),
        ((3, 3, 3), (2, 2, 2)),
        ((2, 2, 2), (2, 2, 2)),
        ((1, 2, 2), (1, 2, 2)),
        ((3, 3, 3), (1, 1, 1)),
    ],
)
def test_pooling_equals_the_loop_over_places(kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
    for lengths in ((5, 2, 4, 1), (4, 2)):
        check(MaxPool3D(kernel, stride), reference.pooling, clips(lengths, 5, 4, 2))


def test_an_inception_block_equals_its_four_branches_written_out() -> None:
    block = InceptionBlock(3, (2, 3, 4, 1, 2, 3))
    assert block.width == 2 + 4 + 2 + 3
    check(block, reference.inception, clips((3, 1, 2), 3, 2, 3))


def test_the_table_is_the_published_one() -> None:
    assert [sum((w[0], w[2], w[4], w[5])) for w in BLOCKS.values()] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    network = I3D(num_classes=400, task="class")
    assert sum(parameter.numel() for parameter in network.parameters()) == 12_697_264
    assert sum(parameter.numel() for parameter in network.trunk.parameters()) == 12_697_264 - 400 * 1025


def test_statistics_move_and_divide_as_published() -> None:
    norms = [module for module in I3DTrunk(width_multiplier=NARROW).modules() if isinstance(module, nn.BatchNorm1d)]
    assert len(norms) == 3 + 6 * len(BLOCKS)
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [1, 1, 1, 1, 2, 2, 2, 2, 3]),
        ({"strides": (1, 2, 1)}, [1, 1, 2, 2, 3, 3, 4, 4, 5]),
        ({"strides": (1, 2, 1), "temporal_layers": "K5-P2"}, [1, 1, 1, 1, 2, 2, 2, 2, 3]),
        ({"task": "class"}, [1] * 9),
    ],
)
def test_a_step_of_glosses_is_four_frames_and_a_class_one_step(arguments: dict[str, Any], expected: list[int]) -> None:
    network = I3D(num_classes=5, width_multiplier=NARROW, **arguments)
    assert network.output_lengths(torch.arange(1, 10)).tolist() == expected


def test_a_class_is_the_mean_over_windows_of_two_steps() -> None:
    steps, width = (4, 1, 2, 7), 3
    sequences = [torch.randn(length, width, dtype=torch.float64) for length in steps]
    classify = nn.Linear(width, 5).double()
    pooled = mean_of_pairs(Padded.from_list(sequences))
    assert pooled.lengths.tolist() == [1] * 4
    for ours, clip in zip(pooled.values[:, 0], sequences, strict=True):
        pairs = [clip[at : at + 2].mean(0) for at in range(max(len(clip) - 1, 1))]
        wanted = sum(classify(pair) for pair in pairs) / len(pairs)  # the published network averages scores
        torch.testing.assert_close(classify(ours), wanted)


def published_names(classifier: bool = True) -> set[str]:
    """The names of the port's state dict, without counters, as its files of 2017 have them."""
    units = ["Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"]
    units += [f"{block}.{branch}" for block in BLOCKS for branch in ("b0", "b1a", "b1b", "b2a", "b2b", "b3b")]
    kinds = ("conv3d.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    names = {f"{unit}.{kind}" for unit in units for kind in kinds}
    return names | ({"logits.conv3d.weight", "logits.conv3d.bias"} if classifier else set())


def released_file(path: Path, classes: int = 4) -> tuple[Path, I3D]:
    """A narrow classifier, and its weights as the port saves them: bare, in the format before torch 1.6."""
    torch.manual_seed(2)
    network = I3D(num_classes=classes, task="class", width_multiplier=NARROW)
    tensors = {}
    for ours, tensor in network.state_dict().items():
        origin = I3D.released["i3d"].source_of(ours)
        assert origin is not None
        if not ours.endswith("num_batches_tracked"):
            tensors[origin.names[0]] = tensor[..., None, None, None] if ours == "classify.weight" else tensor
    assert tensors.keys() == published_names()
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return path, network


@pytest.mark.parametrize("task", ["glosses", "class"])
def test_published_weights_are_read_without_their_classifier(task: str, tmp_path: Path) -> None:
    path, theirs = released_file(tmp_path / "rgb_imagenet.pt")
    ours = I3D(num_classes=9, weights=path, task=task, width_multiplier=NARROW)
    assert ours.notes == ("left out, since it has no place here: 'logits.conv3d.bias', 'logits.conv3d.weight'",)
    for name, tensor in theirs.trunk.state_dict().items():
        assert torch.equal(ours.trunk.state_dict()[name], tensor), name
    assert torch.equal(theirs.trunk.Mixed_4e.b1b.conv.weight, ours.trunk.Mixed_4e.b1b.conv.weight)


def test_a_published_classifier_becomes_ours_whole(tmp_path: Path) -> None:
    path, theirs = released_file(tmp_path / "rgb_charades.pt", classes=157)
    layout, tensors = I3D.released["i3d"], read_released(path)
    assert class_count(layout, tensors, path) == 157
    torch.manual_seed(7)
    ours = I3D(num_classes=157, width_multiplier=NARROW, **layout.arguments)
    assert fill(ours, layout, tensors, path) == ()
    frames = Padded(torch.randn(1, 9, 3, 33, 20), torch.tensor([9]))
    assert torch.equal(ours.eval()(frames).logits.values, theirs.eval()(frames).logits.values)


def test_the_port_names_its_tensors_as_the_mapping_expects() -> None:
    state = I3DTrunk(width_multiplier=NARROW).state_dict()
    origins = [I3D.released["i3d"].source_of(f"trunk.{name}") for name in state if "num_batches" not in name]
    assert {name for origin in origins if origin for name in origin.names} == published_names(classifier=False)


def test_weights_that_are_not_complete_are_refused_by_name(tmp_path: Path) -> None:
    path, _ = released_file(tmp_path / "it.pt")
    tensors = torch.load(path, weights_only=True)
    del tensors["Mixed_4c.b2a.conv3d.weight"]
    torch.save(tensors, tmp_path / "less.pt")
    with pytest.raises(ValueError, match=r"it lacks 'Mixed_4c\.b2a\.conv3d\.weight'; nothing was loaded"):
        I3D(num_classes=9, weights=tmp_path / "less.pt", width_multiplier=NARROW)
    with pytest.raises(ValueError, match=r"wants \[\d+, 3, 7, 7, 7\]: it was built with other arguments"):
        I3D(num_classes=9, weights=path, width_multiplier=NARROW * 2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"task": "signs"}, "unknown task 'signs' of I3D: there are glosses, class"),
        ({"task": "class", "hidden": 8}, "hidden: a network with task 'class' has no tail"),
        ({"strides": (2, 2)}, r"three strides in time, of 1 or more, got \[2, 2\]"),
        ({"strides": (2, 0, 1)}, "three strides in time"),
        ({"width_multiplier": 0.0}, "width_multiplier is 0"),
        ({"weights": Path("/nowhere/rgb.pt")}, r"/nowhere/rgb\.pt does not exist"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        I3D(num_classes=5, **{"width_multiplier": NARROW, **arguments})


def test_maps_of_a_frame_are_averaged_over_all_places() -> None:
    trunk = settled(I3DTrunk((2, 2, 1), width_multiplier=NARROW))
    frames = torch.randn(1, 5, 3, 65, 40, dtype=torch.float64)
    maps = Padded(frames.permute(0, 1, 3, 4, 2), torch.tensor([5]))
    with torch.no_grad():
        for layer in trunk.children():
            maps = layer(maps)
        assert maps.values.shape[:4] == (1, math.ceil(5 / 4), math.ceil(65 / 32), math.ceil(40 / 32))
        torch.testing.assert_close(trunk(Padded(frames, torch.tensor([5]))).values, maps.values.mean((2, 3)))


def test_it_computes_and_learns_in_bfloat16_under_autocast() -> None:
    network = I3D(num_classes=5, width_multiplier=NARROW, width=8, hidden=4).eval()
    stream = Padded(torch.randn(2, 9, 3, 34, 20), torch.tensor([9, 6]))
    with torch.no_grad():
        exact = network(stream).logits.values
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(stream)
    assert output.taps["frame"].values.dtype == torch.float32
    assert (output.logits.values - exact).abs().max() < 0.05 * exact.abs().max()
    output.logits.values.float().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.trunk.parameters())
