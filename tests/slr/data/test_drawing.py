from __future__ import annotations

import pytest
import torch

from slr.data.drawing import Strokes, draw_joints
from slr.skeleton import SkeletonLayout

LAYOUT = SkeletonLayout("rod", ("a", "b"), ((0, 1),), (), {"one": (0,), "two": (1,)}, {}, 0)
SIZE = (40, 30)
THIN = Strokes(radius=2.0)


def drawn(joints: list[list[float]], strokes: Strokes = THIN) -> torch.Tensor:
    return draw_joints(torch.tensor([joints]), LAYOUT, SIZE, strokes)[0]


def ink(frame: torch.Tensor) -> torch.Tensor:
    """``[H, W]`` bool: what differs from the empty frame."""
    empty = drawn([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    return (frame != empty).any(dim=0)


def test_discs_lie_where_the_joints_are() -> None:
    marked = ink(drawn([[10.0, 20.0, 1.0], [30.0, 5.0, 1.0]]))
    rows, columns = marked.nonzero(as_tuple=True)
    near = [((rows - y) ** 2 + (columns - x) ** 2).sqrt() for x, y in ((10, 20), (30, 5))]
    assert float(torch.minimum(*near).max()) < 3.2
    assert bool(marked[20, 10]) and bool(marked[5, 30])  # noqa: PT018
    left = marked[:, :20].nonzero().float().mean(0)
    assert torch.allclose(left, torch.tensor([20.0, 10.0]), atol=0.3)


def test_missing_joints_and_their_bones_are_not_drawn() -> None:
    bones = Strokes(radius=1.0, bone=2.0)
    both = ink(drawn([[5.0, 15.0, 1.0], [35.0, 15.0, 1.0]], bones))
    assert bool(both[15, 20])
    one = ink(drawn([[5.0, 15.0, 1.0], [35.0, 15.0, 0.0]], bones))
    assert not bool(one[15, 20])
    assert not one[:, 10:].any()
    assert not ink(drawn([[5.0, 15.0, 1.0], [35.0, 15.0, 1.0]]))[15, 20]  # no bones asked for


def test_the_nearer_joint_covers_the_other_and_is_brighter() -> None:
    in_front, behind = (drawn([[20.0, 15.0, 0.0, 1.0], [20.0, 15.0, z, 1.0]])[:, 15, 20].tolist() for z in (9.0, -9.0))
    assert in_front != behind
    near, far = (drawn([[20.0, 15.0, z, 1.0], [0.0, 0.0, 0.0, 0.0]])[:, 15, 20] for z in (40.0, -40.0))
    assert int(near.max()) > int(far.max())


def test_joints_beyond_the_frame_are_cut_off_and_no_frames_are_no_frames() -> None:
    frame = drawn([[-100.0, 15.0, 1.0], [39.5, 15.0, 1.0]], Strokes(radius=3.0, bone=1.0))
    assert frame.shape == (3, 30, 40)
    assert ink(frame)[:, -1].any()
    assert draw_joints(torch.zeros(0, 2, 3), LAYOUT, SIZE, THIN).shape == (0, 3, 30, 40)


@pytest.mark.parametrize("frames", [1, 3])
def test_every_frame_is_drawn_for_itself(frames: int) -> None:
    poses = torch.rand(frames, 2, 3) * 20 + 5
    together = draw_joints(poses, LAYOUT, SIZE, THIN)
    assert torch.equal(together, torch.cat([draw_joints(pose[None], LAYOUT, SIZE, THIN) for pose in poses]))
