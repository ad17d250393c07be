from __future__ import annotations

import pytest
import torch

from slr.skeleton import hop_distance, layout_names, linked_joints, skeleton_layout
from slr.skeleton_scales import disentangled, window_of


@pytest.mark.parametrize("name", ["sign-27", "ntu-25", "openpose-18", "coco-wholebody-133"])
def test_a_scale_holds_the_joints_at_just_that_many_hops_and_the_joint_itself(name: str) -> None:
    layout = skeleton_layout(name)
    hops, graph = hop_distance(layout), disentangled(linked_joints(layout), 5)
    for scale in range(5):
        wanted = (hops == scale) | torch.eye(len(layout), dtype=torch.bool)
        assert torch.equal(graph[scale] != 0, wanted)


def test_normalisations_divide_by_the_edges_of_both_joints_or_of_the_receiving_one() -> None:
    chain = torch.eye(4)
    for one, other in ((0, 1), (1, 2), (2, 3)):
        chain[one, other] = chain[other, one] = 1
    symmetric, columns = (disentangled(chain, 3, how) for how in ("symmetric", "columns"))
    assert torch.equal(symmetric[0], torch.eye(4))
    edges = {1: (2, 3, 3, 2), 2: (2, 2, 2, 2)}  # of every joint, its own among them
    links = {1: [(0, 1), (1, 2), (2, 3)], 2: [(0, 2), (1, 3)]}
    for scale in (1, 2):
        for one, other in [*links[scale], *((joint, joint) for joint in range(4))]:
            size = edges[scale]
            assert symmetric[scale, one, other].item() == pytest.approx((size[one] * size[other]) ** -0.5)
            assert columns[scale, one, other].item() == pytest.approx(1 / size[other])
    torch.testing.assert_close(symmetric, symmetric.transpose(1, 2))
    torch.testing.assert_close(columns.sum(1), torch.ones(3, 4))


def test_a_window_links_joints_whatever_frames_they_are_of() -> None:
    linked = linked_joints(skeleton_layout("sign-27"))
    window = window_of(linked, 3)
    for one in range(3):
        for other in range(3):
            assert torch.equal(window[27 * one : 27 * (one + 1), 27 * other : 27 * (other + 1)], linked)
    # One hop away are neighbours and the same joint in other frames; the joint of the frame itself is linked anyway.
    assert torch.equal(disentangled(window, 2)[1] != 0, window != 0)


@pytest.mark.parametrize("name", layout_names())
def test_every_joint_is_linked_with_itself_and_its_parent(name: str) -> None:
    layout = skeleton_layout(name)
    linked = linked_joints(layout)
    assert torch.equal(linked, linked.T)
    assert linked[torch.arange(len(layout)), layout.parents()].all()
    assert linked.sum().item() == len(layout) + 2 * len(layout.bones)


@pytest.mark.parametrize(
    ("scales", "normalise", "complaint"), [(0, "columns", "0 scales"), (2, "rows", "unknown normalisation 'rows'")]
)
def test_wrong_arguments_are_refused(scales: int, normalise: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        disentangled(torch.eye(3), scales, normalise)
