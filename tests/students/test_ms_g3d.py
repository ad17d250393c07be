from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slr.released import fill
from slr.types import Padded
from students import MSG3D
from students.joints_first import clips_first, joints_first
from students.ms_g3d_released import MS_G3D, PYSKL_MS_G3D
from tests.reference.ms_g3d import plain_network
from tests.released import Table
from tests.slr.layers.clips import random_clips, with_rubbish
from tests.students.plain_equality import assert_equal_to_plain
from tests.students.traces import check_trace

LAYOUTS = {"ms-g3d": MS_G3D, "pyskl-msg3d": PYSKL_MS_G3D}


def small(**arguments: Any) -> MSG3D:
    """A class network in double precision, away from the values it is born with."""
    torch.manual_seed(0)
    fields = {"num_classes": 5, "layout": "sign-27", "task": "class", "channels": (6, 12), "strides": (1, 2)}
    net = MSG3D(**{**fields, "scales": 3, "window_scales": 2, "dropout": 0.0, **arguments}).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.3)
    return net


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("arguments", [{}, {"persons": 2, "normalise": "columns", "windows": (1, 5)}])
def test_it_equals_the_plain_formulation_in_scores_and_gradients(training: bool, arguments: dict[str, Any]) -> None:
    net = small(**arguments).train(training)
    assert_equal_to_plain(net, plain_network, torch.randn(3, 9, net.persons, 27, 3).double())


def test_a_stage_is_the_sum_of_its_two_ways() -> None:
    stage = small().trunk.blocks[1].eval()
    x, steps = joints_first(with_rubbish(random_clips([9, 4], 27, 6), extra=2))
    clips, left = steps.scatter(x), steps.strided(2)
    way, _ = stage.times[0](stage.scales(clips, steps).squeeze(0), steps)
    way, _ = stage.times[1](way, left)
    assert (way < 0).any(), "the second unit over time has no ReLU"
    ways = way + sum(conv(clips, left, torch.zeros_like(way), relu=False) for conv in stage.windows)
    expected, _ = stage.last(torch.relu(ways), left)
    got, seen = stage(x, steps)
    torch.testing.assert_close(got, expected)
    assert seen.lengths.tolist() == [5, 2]


def test_a_window_sees_its_frames_and_no_other() -> None:
    stage = small(windows=(5,)).trunk.blocks[0].eval()
    clip = torch.randn(1, 20, 27, 3).double()
    other = clip.clone()
    other[0, 10] += 1
    seen = []
    for values in (clip, other):
        x, steps = joints_first(Padded(values, torch.tensor([20])))
        seen.append(stage.windows[0](steps.scatter(x), steps, torch.zeros(27, 20, 6).double(), relu=False))
    changed = (seen[0] != seen[1]).any(-1).any(0).nonzero().flatten().tolist()
    assert changed == [8, 9, 10, 11, 12]


def test_joints_come_first_and_go_back() -> None:
    clips = random_clips([5, 2, 7], 4, 3)
    rows, steps = joints_first(with_rubbish(clips, extra=1))
    assert rows.shape == (4, 14, 3)
    back = clips_first(rows, steps)
    assert not back.values[~back.mask].any()
    for ours, clip in zip(back.unpad(), clips, strict=True):
        assert torch.equal(ours, clip)


@pytest.mark.parametrize("layout", ["ntu-25", "ntu-25-pyskl"])
def test_the_published_size(layout: str) -> None:
    net = MSG3D(num_classes=60, layout=layout, task="class", persons=2)
    assert sum(parameter.numel() for parameter in net.parameters()) == 3_194_595
    assert net.output_lengths(torch.tensor([1, 64, 300])).tolist() == [1, 1, 1]
    assert net.trunk.output_lengths(torch.tensor([1, 64, 300])).tolist() == [1, 16, 75]


@pytest.mark.shared
@pytest.mark.parametrize("name", LAYOUTS)
def test_released_weights_answer_as_the_original(name: str) -> None:
    table, layout = Table.read(name), LAYOUTS[name]
    net = MSG3D(num_classes=table.number("classes"), layout=layout.skeleton, **layout.arguments).eval()
    notes = fill(net, layout, table.weights(), f"{name}.tsv")
    assert notes == (() if name == "ms-g3d" else ("left out, since it has no place here: 'backbone.A'",))
    # [N, C, T, V, M] of the original, [N, M, T, V, C] of pyskl
    clips = table.given().permute(*((0, 2, 4, 3, 1) if name == "ms-g3d" else (0, 2, 1, 3, 4)))
    seen: dict[str, Tensor] = {}
    prefix = "" if name == "ms-g3d" else "backbone."
    for number, stage in enumerate(net.trunk.blocks, 1):
        _note(stage.times[1], f"{prefix}sgcn{number}.2", seen)
        _note(stage.last, f"{prefix}tcn{number}", seen)
    with torch.no_grad():
        scores = net(Padded(clips, torch.tensor([64, 64]))).logits.values[:, 0]
    check_trace(seen, name)
    wanted = torch.from_numpy(table.expected()["logits"])
    assert (scores - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def _note(module: nn.Module, name: str, seen: dict[str, Tensor]) -> None:
    def hook(unit: nn.Module, given: object, result: Any) -> None:
        # In place the next unit adds to it; the original's axes are clips, features, steps, joints.
        seen[name] = clips_first(*result).values.permute(0, 3, 1, 2).clone()

    module.register_forward_hook(hook)


def test_graphs_are_kept_in_checkpoints_only_where_released_weights_bring_them() -> None:
    assert not [name for name in small().state_dict() if name.endswith("graph.graph")]
    kept = [name for name in small(stored_graphs=True).state_dict() if name.endswith("graph.graph")]
    assert len(kept) == 2 * 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"windows": (3, 4)}, "window of 4 frames"),
        ({"channels": (6, 8)}, "cannot share 8 channels"),
        ({"channels": (6,)}, "1 channels and 2 strides"),
        ({"normalise": "rows"}, "unknown normalisation"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        small(**arguments)
