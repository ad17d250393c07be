from __future__ import annotations

import pytest
import torch

from slr.types import Padded
from students import JointRNN


def built(**arguments: object) -> JointRNN:
    small = {"layout": "nose-hands-3", "frame_width": 8, "width": 8, "dropout": 0.0, **arguments}
    return JointRNN(num_classes=4, **small).double().eval()


def frame_of(net: JointRNN, values: torch.Tensor) -> torch.Tensor:
    return net(Padded(values, torch.tensor([values.shape[1]]))).taps["frame"].values


@pytest.mark.parametrize("with_motion", [True, False])
def test_a_frame_sees_its_neighbours_only_through_motion(with_motion: bool) -> None:
    net = built(with_motion=with_motion)
    values = torch.randn(1, 7, 3, 3, dtype=torch.float64)
    changed = values.clone()
    changed[0, 3, 1, :2] += 1.0
    differs = (frame_of(net, values) != frame_of(net, changed)).any(-1)[0].tolist()
    assert differs == [False, False, with_motion, True, with_motion, False, False]


def test_the_frame_is_a_projection_of_joints_and_differences_side_by_side() -> None:
    net = built()
    values = torch.randn(1, 4, 3, 3, dtype=torch.float64)
    rows = []
    for t in range(4):
        row = []
        for joint in range(3):
            after = values[0, t + 1, joint, :2] - values[0, t, joint, :2] if t < 3 else torch.zeros(2)
            before = values[0, t, joint, :2] - values[0, t - 1, joint, :2] if t > 0 else torch.zeros(2)
            row += [*values[0, t, joint].tolist(), *after.tolist(), *before.tolist()]
        rows.append(row)
    expected = net.to_frame(net.data_norm.norm(torch.tensor(rows, dtype=torch.float64)))
    torch.testing.assert_close(frame_of(net, values)[0], expected)


def test_depth_moves_too() -> None:
    net = built(in_channels=4, layout="leap-hand-20")
    values = torch.randn(1, 5, 20, 4, dtype=torch.float64)
    deeper = values.clone()
    deeper[0, 2, 7, 2] += 1.0
    assert (frame_of(net, values) != frame_of(net, deeper)).any(-1)[0].tolist() == [False, True, True, True, False]


def test_an_unknown_context_is_named() -> None:
    with pytest.raises(ValueError, match="unknown context 'gru'"):
        built(context="gru")
