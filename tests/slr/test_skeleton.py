from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slr.skeleton import SkeletonLayout, adjacency, hop_distance, layout_names, skeleton_layout
from tests.reference import graphs

SIZES = {
    "coco-wholebody-133": 133,
    "coco-wholebody-79": 79,
    "coco-wholebody-77": 77,
    "sign-27": 27,
    "mediapipe-holistic-543": 543,
    "mediapipe-lips-hands-87": 87,
    "openpose-18": 18,
    "ntu-25": 25,
    "ntu-25-pyskl": 25,
    "kinect-20": 20,
    "nose-hands-3": 3,
    "leap-hand-20": 20,
    "coco-17": 17,
    "mediapipe-hand-21": 21,
}


def arm(**changes: Any) -> dict[str, Any]:
    """A small layout: a nose, two shoulders, a left hand that hangs on nothing."""
    fields: dict[str, Any] = {
        "name": "arm",
        "joints": ["nose", "left_shoulder", "right_shoulder", "root", {"prefix": "tip_", "first": 1, "last": 2}],
        "bones": [["nose", "left_shoulder"], ["nose", "right_shoulder"], ["root", "tip_1"], ["root", "tip_2"]],
        "groups": {"body": "rest", "left_hand": ["root", "tip_1", "tip_2"]},
        "roots": {"left_hand": "root"},
        "centre": "nose",
        "reference": ["left_shoulder", "right_shoulder"],
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


def test_every_built_in_layout_has_its_published_number_of_joints() -> None:
    assert {name: len(skeleton_layout(name)) for name in layout_names()} == SIZES


@pytest.mark.parametrize("name", SIZES)
def test_mirror_twice_is_the_layout_itself_and_maps_bones_on_bones(name: str) -> None:
    layout = skeleton_layout(name)
    mirror = layout.mirror_permutation()
    assert torch.equal(mirror[mirror], torch.arange(len(layout)))
    if name != "coco-wholebody-79":  # its jaw and eyebrows are every third point, which is not symmetric
        assert {(int(mirror[a]), int(mirror[b])) for a, b in layout.bones} == set(layout.bones)
    for group, joints in layout.groups.items():
        other = group.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")
        assert {int(mirror[joint]) for joint in joints} == set(layout.groups[other])


@pytest.mark.parametrize("name", SIZES)
def test_mirror_swaps_the_sides_of_every_joint_named_after_a_side(name: str) -> None:
    layout = skeleton_layout(name)
    for joint, image in zip(layout.joints, layout.mirror_permutation().tolist(), strict=True):
        if joint.startswith("left_"):
            assert layout.joints[image].startswith("right_")


@pytest.mark.parametrize("name", SIZES)
def test_a_layout_survives_json(name: str) -> None:
    layout = skeleton_layout(name)
    assert skeleton_layout(json.loads(json.dumps(layout.to_dict()))) == layout


def test_face_mesh_mirror_knows_the_corners_of_eyes_and_mouth() -> None:
    mirror = skeleton_layout("mediapipe-holistic-543").mirror_permutation().tolist()
    pairs = {33: 263, 133: 362, 61: 291, 78: 308, 234: 454, 70: 300, 145: 374, 1: 1, 10: 10, 152: 152}
    assert {joint: mirror[joint] for joint in pairs} == pairs


def test_mediapipe_rows_are_face_left_hand_pose_right_hand() -> None:
    layout = skeleton_layout("mediapipe-holistic-543")
    assert [layout.index(joint) for joint in ("face_0", "left_hand_root", "nose", "right_hand_root")] == [
        0,
        468,
        489,
        522,
    ]
    left_arm = ["left_elbow", "left_wrist", "left_pinky", "left_index", "left_thumb"]
    assert [layout.index(joint) for joint in left_arm] == [502, 504, 506, 508, 510]


def test_coco_wholebody_parts_start_where_its_annotation_says() -> None:
    layout = skeleton_layout("coco-wholebody-133")
    starts = {"nose": 0, "left_big_toe": 17, "right_jaw_1": 23, "chin": 31, "nose_tip": 53, "right_mouth_corner": 71}
    starts |= {"left_mouth_corner": 77, "right_inner_corner": 83, "left_hand_root": 91, "right_hand_root": 112}
    assert {joint: layout.index(joint) for joint in starts} == starts


def test_coco_wholebody_face_mirrors_like_the_68_point_face() -> None:
    mirror = (skeleton_layout("coco-wholebody-133").mirror_permutation() - 23).tolist()
    face = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46]
    face += [39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    assert mirror[23:91] == face


def test_sign_27_is_the_published_selection_graph_and_mirror() -> None:
    layout, whole = skeleton_layout("sign-27"), skeleton_layout("coco-wholebody-133")
    hand = [0, 4, 5, 8, 9, 12, 13, 16, 17, 20]
    expected = [0, 5, 6, 7, 8, 9, 10, *(91 + joint for joint in hand), *(112 + joint for joint in hand)]
    assert layout.selection_from(whole).tolist() == expected
    edges = {(0, 1), (0, 2), (1, 3), (3, 5), (2, 4), (4, 6), (5, 7), (6, 17)}
    for root in (7, 17):
        edges |= {(root, root + 1), (root, root + 2), (root, root + 4), (root, root + 6), (root, root + 8)}
        edges |= {(root + base, root + base + 1) for base in (2, 4, 6, 8)}
    assert set(layout.bones) == edges
    assert layout.mirror_permutation().tolist() == [0, 2, 1, 4, 3, 6, 5, *range(17, 27), *range(7, 17)]
    assert layout.groups["left_hand"] == tuple(range(7, 17))
    assert layout.roots == {"left_hand": 7, "right_hand": 17}
    assert layout.reference == (1, 2)


def test_sign_27_can_be_picked_from_mediapipe_and_from_another_subset() -> None:
    layout = skeleton_layout("sign-27")
    hand = [0, 4, 5, 8, 9, 12, 13, 16, 17, 20]
    pose = [489 + joint for joint in (0, 11, 12, 13, 14, 15, 16)]
    mediapipe = layout.selection_from(skeleton_layout("mediapipe-holistic-543")).tolist()
    assert mediapipe == pose + [468 + joint for joint in hand] + [522 + joint for joint in hand]
    subset = skeleton_layout("coco-wholebody-79")
    picked = layout.selection_from(subset).tolist()
    assert [subset.joints[joint] for joint in picked] == list(layout.joints)


def test_twostream_79_is_body_mouth_face_and_hands() -> None:
    selection = skeleton_layout("coco-wholebody-79").selection_from(skeleton_layout("coco-wholebody-133")).tolist()
    assert selection == [*range(11), *range(23, 71, 3), *range(71, 91, 2), *range(91, 133)]


def test_cosign_77_has_the_published_group_sizes() -> None:
    groups = skeleton_layout("coco-wholebody-77").groups
    sizes = {"body": 9, "left_hand": 21, "right_hand": 21, "mouth": 8, "face": 18}
    assert {name: len(joints) for name, joints in groups.items()} == sizes


def test_a_bone_of_a_subset_reaches_to_the_nearest_selected_ancestor() -> None:
    fields = {"name": "tips", "of": "coco-wholebody-133", "select": [0, 91, 95, 94, 99], "groups": {"body": "rest"}}
    layout = SkeletonLayout.from_dict({**fields, "mirror": {"midline": _names([91, 95, 94, 99])}})
    assert set(layout.bones) == {(0, 1), (1, 3), (3, 2), (1, 4)}  # root on nose; thumb 3 on root; its tip on thumb 3


def _names(indexes: list[int]) -> list[str]:
    return [skeleton_layout("coco-wholebody-133").joints[index] for index in indexes]


def test_bones_are_the_published_edges() -> None:
    ntu = "0,1 1,20 2,20 3,2 4,20 5,4 6,5 7,6 8,20 9,8 10,9 11,10 12,0 13,12 14,13 15,14 16,0 17,16 18,17 19,18"
    ntu += " 21,22 22,7 23,24 24,11"
    kinect = "0,1 1,2 3,2 4,2 5,4 6,5 7,6 8,2 9,8 10,9 11,10 12,0 13,12 14,13 15,14 16,0 17,16 18,17 19,18"
    pyskl = ntu.replace("21,22", "21,7").replace("23,24", "23,11")
    coco = "15,13 13,11 16,14 14,12 11,5 12,6 9,7 7,5 10,8 8,6 5,0 6,0 1,0 3,1 2,0 4,2"
    hand = " ".join(f"{joint},{0 if joint % 4 == 1 else joint - 1}" for joint in range(1, 21))
    openpose = "4,3 3,2 7,6 6,5 13,12 12,11 10,9 9,8 11,5 8,2 5,1 2,1 0,1 15,0 14,0 17,15 16,14"
    ours = {"ntu-25": ntu, "ntu-25-pyskl": pyskl, "kinect-20": kinect, "openpose-18": openpose, "coco-17": coco}
    for name, edges in {**ours, "mediapipe-hand-21": hand}.items():
        published = {tuple(map(int, edge.split(",")))[::-1] for edge in edges.split()}
        assert set(skeleton_layout(name).bones) == published


def test_a_joint_without_a_parent_is_its_own_parent() -> None:
    layout = SkeletonLayout.from_dict(arm())
    assert layout.parents().tolist() == [0, 0, 0, 3, 3, 3]


def test_picking_from_a_layout_that_lacks_joints_names_both_layouts() -> None:
    with pytest.raises(ValueError, match=r"'sign-27' cannot be picked from 'ntu-25', which lacks 21 of its 27 joints"):
        skeleton_layout("sign-27").selection_from(skeleton_layout("ntu-25"))


def test_an_unknown_layout_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"unknown skeleton layout 'sign27' \(did you mean 'sign-27'\?\)"):
        skeleton_layout("sign27")


def test_an_unknown_joint_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"no joint 'left_wirst' \(did you mean 'left_wrist'\?\)"):
        skeleton_layout("sign-27").index("left_wirst")


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "arm.yaml").write_text(yaml.safe_dump(arm()), encoding="utf-8")
    layout = skeleton_layout(str(tmp_path / "arm.yaml"))
    assert layout.joints == ("nose", "left_shoulder", "right_shoulder", "root", "tip_1", "tip_2")
    assert layout.bones == ((0, 1), (0, 2), (3, 4), (3, 5))
    assert layout.mirror == ((1, 2),)
    assert layout.groups == {"body": (0, 1, 2), "left_hand": (3, 4, 5)}
    assert layout == SkeletonLayout.from_dict(arm())


def test_a_file_that_is_missing_broken_or_repeats_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no skeleton layout file"):
        SkeletonLayout.from_file(tmp_path / "none.yaml")
    path = tmp_path / "x.yaml"
    for text, complaint in (
        ("joints: [a\n", "not readable YAML"),
        ("name: a\nname: b\n", "repeated key 'name'"),
        ("- a\n", "holds a list, not a mapping"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=complaint):
            SkeletonLayout.from_file(path)


BONES = [["nose", "left_shoulder"], ["nose", "right_shoulder"]]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"joints": ["nose", *arm()["joints"]]}, "joint 'nose' stands 2 times"),
        ({"joints": "nose"}, "'joints' should be a list"),
        ({"joints": [3]}, "'joints' holds 3, which is no name"),
        ({"joints": [{"prefix": "tip_", "first": 1}]}, "not of the form"),
        ({"bones": [["nose", "elbow"]]}, r"bones\[0\] names 'elbow', not among the joints"),
        ({"bones": [["nose"]]}, r"bones\[0\] holds one joint"),
        ({"bones": [*BONES, ["root", "left_shoulder"]]}, "'left_shoulder' has two parents, 'nose' and 'root'"),
        ({"bones": [["root", "tip_1", "tip_2", "root"]]}, "the bones lead from joint 'tip_1' round in a circle"),
        ({"bones": [["root", "root"]]}, "the bones lead from joint 'root' round in a circle to itself"),
        ({"mirror": {"left": ["tip_1", "tip_1"], "right": ["tip_2", "root"]}}, "not symmetric: joint 'tip_1'"),
        ({"mirror": {"left": ["root"], "right": ["root"]}}, "not symmetric: joint 'root'"),
        ({"mirror": {"left": ["root"], "right": []}}, "lists 1 joints on the left and 0 on the right"),
        ({"mirror": {"links": ["root"]}}, "'mirror' should hold lists"),
        ({"mirror": {"left": ["left_shoulder"], "right": ["nose"]}}, "mirror image of right_shoulder is not among"),
        ({"groups": {"body": ["nose", "elbow"]}}, "group 'body' names 'elbow', not among the joints"),
        ({"groups": {"body": ["nose"], "left_hand": "rest", "arm": ["nose"]}}, "joint 'nose' stands in 2 groups"),
        ({"groups": {"body": ["nose"]}, "roots": None}, "joint 'left_shoulder' is in no group"),
        ({"groups": {"body": "rest", "left_hand": []}}, "group 'left_hand' is empty"),
        ({"roots": None}, "group 'left_hand' needs a root, its wrist"),
        ({"roots": {"left_hand": "root", "foot": "nose"}}, "'roots' names 'foot', which is no group"),
        ({"centre": "neck"}, "'centre' names 'neck', not among the joints"),
        ({"centre": None}, "'centre' is missing"),
        ({"reference": ["nose"]}, "'reference' should be two joints"),
        ({"reference": ["nose", "nose"]}, "the reference joints are the same, 'nose'"),
        ({"centre": "nsoe"}, r"'centre' names 'nsoe', not among the joints \(did you mean 'nose'\?\)"),
        ({"joints": [*arm()["joints"], "left_toe"]}, "the mirror image of left_toe is not among the joints"),
        ({"jionts": []}, "unknown key 'jionts'"),
    ],
)
def test_a_faulty_layout_is_refused_with_the_reason(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SkeletonLayout.from_dict(arm(**changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"select": [0, 133]}, "'select' holds 133, but 'coco-wholebody-133' has joints 0 to 132"),
        ({"select": [0, 9, 10, 92, 113]}, "'select' leaves out 'left_hand_root', the root of 'left_hand'"),
        ({"select": [5, 6]}, "'select' leaves out 'nose', the centre"),
        ({"select": [0, 5]}, "the mirror image of left_shoulder is not among the joints"),
        ({"joints": ["nose"]}, "unknown key 'joints'"),
        ({"of": "coco"}, "unknown skeleton layout 'coco'"),
    ],
)
def test_a_faulty_subset_is_refused_with_the_reason(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SkeletonLayout.from_dict({"name": "part", "of": "coco-wholebody-133", "select": [0, 5, 6], **changes})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 200) | st.sampled_from(["nose", "root", "rest", "left_hand", ""]),
    lambda part: (
        st.lists(part, max_size=4) | st.dictionaries(st.sampled_from(["prefix", "first", "last", "left"]), part)
    ),
    max_leaves=6,
)
KEYS = ["joints", "bones", "mirror", "groups", "roots", "centre", "reference", "name"]


@given(key=st.sampled_from(KEYS), value=ANYTHING)
def test_whatever_stands_in_a_layout_is_read_or_refused_in_a_sentence(key: str, value: Any) -> None:
    _read_or_refuse({**arm(), key: value})


@given(key=st.sampled_from(["select", "of", *KEYS[1:]]), value=ANYTHING)
def test_whatever_stands_in_a_subset_is_read_or_refused_in_a_sentence(key: str, value: Any) -> None:
    _read_or_refuse({"name": "part", "of": "coco-wholebody-133", "select": [0, 5, 6], key: value})


def _read_or_refuse(fields: dict[str, Any]) -> None:
    try:
        layout = SkeletonLayout.from_dict(fields)
    except ValueError:
        return
    assert SkeletonLayout.from_dict(layout.to_dict()) == layout


def test_all_faults_come_in_one_message() -> None:
    with pytest.raises(ValueError, match=r"'elbow'.*'neck'"):
        SkeletonLayout.from_dict(arm(bones=[["nose", "elbow"]], centre="neck"))


@pytest.mark.parametrize("name", ["sign-27", "ntu-25", "openpose-18", "coco-wholebody-79"])
def test_hop_distance_equals_breadth_first_search(name: str) -> None:
    layout = skeleton_layout(name)
    expected = torch.tensor(graphs.hop_distance(len(layout), list(layout.bones)))
    assert torch.equal(hop_distance(layout), expected)


def test_unconnected_joints_are_infinitely_far_apart() -> None:
    layout = SkeletonLayout.from_dict(arm())
    expected = torch.tensor(graphs.hop_distance(6, list(layout.bones)))
    assert torch.equal(hop_distance(layout), expected)
    assert hop_distance(layout)[0, 3] == torch.inf


@pytest.mark.parametrize("max_hop", [1, 2])
@pytest.mark.parametrize("name", ["sign-27", "ntu-25", "arm"])
def test_spatial_partition_equals_the_loop_over_neighbours(name: str, max_hop: int) -> None:
    layout = SkeletonLayout.from_dict(arm()) if name == "arm" else skeleton_layout(name)
    expected = torch.tensor(graphs.spatial(len(layout), list(layout.bones), layout.centre, max_hop))
    torch.testing.assert_close(adjacency(layout, "spatial", max_hop), expected)


@pytest.mark.parametrize("max_hop", [1, 2, 3])
@pytest.mark.parametrize("name", ["ntu-25-pyskl", "coco-17", "mediapipe-hand-21", "arm"])
def test_uniform_and_distance_partitions_equal_the_loop_over_neighbours(name: str, max_hop: int) -> None:
    layout = SkeletonLayout.from_dict(arm()) if name == "arm" else skeleton_layout(name)
    rings = torch.tensor(graphs.distance(len(layout), list(layout.bones), max_hop))
    torch.testing.assert_close(adjacency(layout, "distance", max_hop), rings)
    torch.testing.assert_close(adjacency(layout, "uniform", max_hop), rings.sum(0, keepdim=True))


@pytest.mark.parametrize("name", ["sign-27", "ntu-25-pyskl", "coco-17", "mediapipe-hand-21", "arm"])
def test_directed_partition_equals_the_loop_over_parents_and_children(name: str) -> None:
    layout = SkeletonLayout.from_dict(arm()) if name == "arm" else skeleton_layout(name)
    expected = torch.tensor(graphs.directed(len(layout), list(layout.bones)))
    torch.testing.assert_close(adjacency(layout, "directed"), expected)


def test_partitions_of_a_chain_of_three_joints_can_be_done_by_hand() -> None:
    chain = SkeletonLayout.from_dict(
        {"name": "c", "joints": ["a", "b", "c"], "bones": [["a", "b", "c"]], "groups": {"body": "rest"}, "centre": "a"}
    )
    half, third = 1 / 2, 1 / 3
    uniform = torch.tensor([[half, third, 0], [half, third, half], [0, third, half]])
    torch.testing.assert_close(adjacency(chain, "uniform"), uniform[None])
    own = torch.diag(torch.tensor([half, third, half]))
    torch.testing.assert_close(adjacency(chain, "distance"), torch.stack([own, uniform - own]))
    farther = torch.tensor([[0, 0, 0], [half, 0, 0], [0, third, 0]])  # b feeds a, c feeds b: away from the centre a
    nearer = torch.tensor([[0, third, 0], [0, 0, half], [0, 0, 0]])
    torch.testing.assert_close(adjacency(chain, "spatial"), torch.stack([own, farther, nearer]))


@pytest.mark.parametrize("strategy", ["uniform", "distance", "spatial"])
@pytest.mark.parametrize("name", ["sign-27", "mediapipe-holistic-543"])
def test_the_parts_of_a_graph_together_are_an_average(strategy: str, name: str) -> None:
    parts = adjacency(skeleton_layout(name), strategy)
    torch.testing.assert_close(parts.sum((0, 1)), torch.ones(len(skeleton_layout(name))))


def test_a_wrong_partition_or_hop_is_refused() -> None:
    layout = skeleton_layout("sign-27")
    with pytest.raises(ValueError, match=r"unknown partition 'spacial'.* \(did you mean 'spatial'\?\)"):
        adjacency(layout, "spacial")
    with pytest.raises(ValueError, match="max_hop is 0"):
        adjacency(layout, "uniform", 0)
    with pytest.raises(ValueError, match="max_hop is 2"):
        adjacency(layout, "directed", 2)
