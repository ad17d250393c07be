from __future__ import annotations

import json
import math
import statistics

import pytest
import torch
from torch import Tensor

from slr.data import DropHands, DropJoints, Jitter, PosePipeline, Rotate, Scale, ShiftPose
from slr.data.transforms import CentreNormalisation, FrameNormalisation, PoseSpace, SignerNormalisation, mirror_pose
from slr.skeleton import SkeletonLayout, skeleton_layout

from .conftest import generator

LAYOUT = skeleton_layout("sign-27")
WHOLE = skeleton_layout("coco-wholebody-133")
SIZE = (210, 260)
LEFT, RIGHT = LAYOUT.index("left_shoulder"), LAYOUT.index("right_shoulder")


def clip(num_frames: int = 7, layout: SkeletonLayout = LAYOUT, seed: int = 0) -> Tensor:
    """Random keypoints with gaps; shoulders stand where shoulders are and are missing in frame 1 only."""
    chances = generator(seed)
    pose = torch.rand(num_frames, len(layout), 3, generator=chances)
    pose[..., :2] *= torch.tensor(SIZE)
    pose[..., 2] = 0.2 + 0.8 * pose[..., 2]
    gaps = torch.rand(num_frames, len(layout), generator=chances) < 0.2
    pose[gaps] = 0
    left, right = layout.index("left_shoulder"), layout.index("right_shoulder")
    pose[:, left] = torch.tensor([140.0, 120.0, 0.9]) + torch.randn(num_frames, 3, generator=chances) * 0.05
    pose[:, right] = torch.tensor([70.0, 118.0, 0.9]) + torch.randn(num_frames, 3, generator=chances) * 0.05
    if num_frames > 1:
        pose[1, left] = 0
    return pose


def slow_signer(pose: Tensor, layout: SkeletonLayout, part_scale: float) -> Tensor:
    """The definition of the signer normalisation, joint by joint."""
    left, right = layout.index("left_shoulder"), layout.index("right_shoulder")
    widths, middles = [], []
    for frame in pose.tolist():
        if frame[left][2] > 0 and frame[right][2] > 0:
            widths.append(math.dist(frame[left][:2], frame[right][:2]))
            middles.append([(a + b) / 2 for a, b in zip(frame[left][:2], frame[right][:2], strict=True)])
    unit = statistics.median(widths)
    origin = [statistics.median([middle[axis] for middle in middles]) for axis in range(2)]
    root_of = {}
    for group, root in layout.roots.items():
        root_of.update({joint: root for joint in layout.groups[group] if joint not in layout.roots.values()})
    result = torch.zeros_like(pose)
    for t, frame in enumerate(pose.tolist()):
        for joint, (x, y, confidence) in enumerate(frame):
            root = frame[root_of[joint]] if joint in root_of else None
            if confidence == 0 or (root is not None and root[2] == 0):
                continue
            if root is None:
                result[t, joint] = torch.tensor([(x - origin[0]) / unit, (y - origin[1]) / unit, confidence])
            else:
                distance = [(x - root[0]) / unit * part_scale, (y - root[1]) / unit * part_scale]
                result[t, joint] = torch.tensor([*distance, confidence])
    return result


@pytest.mark.parametrize("layout", [LAYOUT, WHOLE], ids=lambda layout: layout.name)
@pytest.mark.parametrize("num_frames", [1, 6, 7])
def test_signer_normalisation_is_its_definition(layout: SkeletonLayout, num_frames: int) -> None:
    pose = clip(num_frames, layout)
    result = SignerNormalisation(3.0)(pose, layout, SIZE)
    assert torch.allclose(result, slow_signer(pose, layout, 3.0), atol=1e-4)


def test_signer_normalisation_forgets_where_and_how_large_the_signer_is() -> None:
    pose = clip(9)
    moved = torch.where(pose[..., 2:] > 0, pose * torch.tensor([1.7, 1.7, 1.0]) + torch.tensor([30.0, -12.0, 0.0]), 0.0)
    normalise = SignerNormalisation()
    assert torch.allclose(normalise(pose, LAYOUT, SIZE), normalise(moved, LAYOUT, SIZE), atol=1e-3)


def test_a_few_wild_shoulders_do_not_move_the_clip() -> None:
    pose = clip(11)
    wild = pose.clone()
    wild[4, LEFT, :2] = torch.tensor([4000.0, -900.0])
    wild[7, LEFT, :2] = wild[7, RIGHT, :2]
    before, after = (SignerNormalisation()(one, LAYOUT, SIZE) for one in (pose, wild))
    others = [frame for frame in range(11) if frame not in (4, 7)]
    assert float((before[others] - after[others]).abs().max()) < 0.02


@pytest.mark.parametrize("fault", ["missing", "one point"])
def test_a_clip_without_shoulders_is_placed_by_the_frame(fault: str) -> None:
    pose = clip(5)
    if fault == "missing":
        pose[:, LEFT] = 0
    else:
        pose[:, LEFT] = pose[:, RIGHT]
    nose = LAYOUT.index("nose")
    pose[2, nose] = torch.tensor([104.5 + 70, 129.5 - 35, 1.0])
    result = SignerNormalisation()(pose, LAYOUT, SIZE)
    assert torch.isfinite(result).all()
    assert torch.allclose(result[2, nose], torch.tensor([1.0, -0.5, 1.0]))


def test_joints_of_a_missing_hand_root_are_missing_too() -> None:
    pose = clip(4)
    pose[..., 2] = 1
    root = LAYOUT.roots["left_hand"]
    pose[2, root] = 0
    result = SignerNormalisation()(pose, LAYOUT, SIZE)
    hand = list(LAYOUT.groups["left_hand"])
    assert torch.equal(result[2, hand], torch.zeros(len(hand), 3))
    assert bool((result[1, hand, 2] == 1).all())


def test_layouts_without_shoulders_cannot_be_normalised_by_the_signer() -> None:
    layout = SkeletonLayout("two", ("a", "b"), ((0, 1),), (), {"body": (0, 1)}, {}, 0)
    with pytest.raises(ValueError, match="layout 'two' names no shoulders: normalise by 'frame'"):
        PosePipeline()(torch.ones(2, 2, 3), layout, SIZE)
    assert PosePipeline(normalise="frame")(torch.ones(2, 2, 3), layout, SIZE).shape == (2, 2, 3)


def test_frame_normalisation_maps_the_edges_of_the_frame_to_one() -> None:
    pose = torch.tensor([[[-0.5, -0.5, 1.0], [209.5, 259.5, 0.5], [104.5, 129.5, 1.0], [33.0, 44.0, 0.0]]])
    layout = SkeletonLayout("four", ("a", "b", "c", "d"), (), (), {"body": (0, 1, 2, 3)}, {}, 0)
    result = FrameNormalisation()(pose, layout, SIZE)
    expected = [[[-1, -1, 1], [1, 1, 0.5], [0, 0, 1], [0, 0, 0]]]
    assert torch.allclose(result, torch.tensor(expected), atol=1e-6)


def test_mirroring_reflects_pixels_and_swaps_sides() -> None:
    pose = clip(3)
    mirrored = mirror_pose(pose, LAYOUT, 210)
    for joint, name in enumerate(LAYOUT.joints):
        other = name.replace("left", "*").replace("right", "left").replace("*", "right")
        for frame in range(3):
            x, y, confidence = pose[frame, LAYOUT.index(other)].tolist()
            expected = [209 - x, y, confidence] if confidence > 0 else [0.0, 0.0, 0.0]
            assert torch.allclose(mirrored[frame, joint], torch.tensor(expected))
    assert torch.allclose(mirror_pose(mirrored, LAYOUT, 210), pose, atol=1e-4)


@pytest.mark.parametrize("normalise", ["frame", "signer"])
def test_a_mirrored_clip_has_negated_x_and_swapped_sides_after_normalising(normalise: str) -> None:
    pipeline = PosePipeline(normalise=normalise)
    pose = clip(7)
    expected = pipeline(pose, LAYOUT, SIZE)[:, LAYOUT.mirror_permutation()] * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(pipeline(pose, LAYOUT, SIZE, flip=True), expected, atol=1e-4)


def test_uncertain_joints_count_as_missing() -> None:
    pose = torch.rand(4, 27, 3, generator=generator()) * 100
    pose[..., 2] /= 100
    result = PosePipeline(normalise="frame", min_confidence=0.4)(pose, LAYOUT, SIZE)
    missing = pose[..., 2] < 0.4
    assert 0 < int(missing.sum()) < missing.numel()
    assert torch.equal(result[missing], torch.zeros(int(missing.sum()), 3))
    assert torch.equal(result[~missing][:, 2], pose[~missing][:, 2])


NORMALISED = SignerNormalisation()(clip(12), LAYOUT, SIZE)
SPACE = PoseSpace(LAYOUT, SignerNormalisation().relative(LAYOUT))
AUGMENTATIONS = [Rotate(0.2), Scale(0.2), ShiftPose(0.2), Jitter(0.05), DropJoints(0.3), DropHands(1.0)]


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=lambda one: type(one).__name__)
def test_an_augmentation_follows_its_generator_and_leaves_missing_joints_missing(augmentation) -> None:
    before = NORMALISED.clone()
    first = augmentation(NORMALISED, SPACE, generator(1))
    assert torch.equal(NORMALISED, before)
    assert not torch.equal(first, NORMALISED)
    assert torch.equal(first, augmentation(NORMALISED, SPACE, generator(1)))
    assert not torch.equal(first, augmentation(NORMALISED, SPACE, generator(2)))
    missing = NORMALISED[..., 2] == 0
    assert bool(missing.any())
    assert torch.equal(first[missing], torch.zeros(int(missing.sum()), 3))
    kept = first[..., 2] > 0
    assert torch.equal(first[kept][:, 2], NORMALISED[kept][:, 2])


def test_rotation_keeps_lengths_and_turns_every_joint_by_one_angle() -> None:
    turned = Rotate(0.3)(NORMALISED, SPACE, generator(3))
    assert torch.allclose(turned[..., :2].norm(dim=-1), NORMALISED[..., :2].norm(dim=-1), atol=1e-5)
    present = NORMALISED[..., :2].norm(dim=-1) > 0.05
    before, after = (torch.view_as_complex(one[..., :2].contiguous())[present] for one in (NORMALISED, turned))
    angles = (after / before).angle()
    assert float(angles.std()) < 1e-4
    assert abs(float(angles.mean())) > 0.01


def test_scaling_multiplies_by_one_factor_and_shifting_moves_places_only() -> None:
    present = NORMALISED[..., 2] > 0
    ratio = (Scale(0.3)(NORMALISED, SPACE, generator(3)) / NORMALISED)[..., :2][NORMALISED[..., :2].abs() > 0.01]
    assert float(ratio.std()) < 1e-5
    assert float(ratio.mean()) > 0
    moved = ShiftPose(0.3)(NORMALISED, SPACE, generator(3)) - NORMALISED
    assert torch.equal(moved[:, SPACE.relative], torch.zeros(12, int(SPACE.relative.sum()), 3))
    places = moved[present & ~SPACE.relative]
    assert float(places.std(dim=0).max()) < 1e-6
    assert float(places[0, :2].norm()) > 0.01


def test_jitter_has_the_stated_spread_and_no_drift() -> None:
    pose = torch.ones(400, 27, 3)
    noise = (Jitter(0.05)(pose, SPACE, generator()) - pose)[..., :2]
    assert abs(float(noise.std()) - 0.05) < 0.001
    assert abs(float(noise.mean())) < 0.001


def test_dropped_joints_are_gone_for_the_whole_clip_with_the_stated_probability() -> None:
    pose = torch.ones(3, 27, 3)
    chances = generator()
    dropped = 0
    for _ in range(300):
        gone = DropJoints(0.2)(pose, SPACE, chances)[..., 2] == 0
        assert torch.equal(gone[0], gone[2])
        dropped += int(gone[0].sum())
    assert abs(dropped / (300 * 27) - 0.2) < 0.02


def test_a_dropped_hand_is_gone_for_one_span_no_longer_than_its_share() -> None:
    pose = torch.ones(20, 27, 3)
    hands = {name: list(LAYOUT.groups[name]) for name in ("left_hand", "right_hand")}
    body = list(LAYOUT.groups["body"])
    chances = generator()
    both = 0
    for _ in range(100):
        result = DropHands(0.5, 0.4)(pose, SPACE, chances)
        assert bool((result[:, body] == 1).all())
        gone = []
        for joints in hands.values():
            missing = (result[:, joints, 2] == 0).all(dim=1)
            assert torch.equal(missing, (result[:, joints, 2] == 0).any(dim=1))
            frames = missing.nonzero()[:, 0].tolist()
            assert len(frames) <= 8
            assert frames == list(range(frames[0], frames[0] + len(frames))) if frames else True
            gone.append(bool(frames))
        both += all(gone)
    assert 10 < both < 45  # a quarter is expected


def test_dropping_hands_of_a_layout_without_hands_is_refused() -> None:
    layout = skeleton_layout("openpose-18")
    with pytest.raises(ValueError, match="'openpose-18' has no hand to drop"):
        DropHands(0.5)(torch.ones(3, 18, 3), PoseSpace(layout, torch.zeros(18, dtype=torch.bool)), generator())


def test_without_a_generator_nothing_is_random() -> None:
    pose = clip(5)
    augmented = PosePipeline(augment=AUGMENTATIONS)
    assert torch.equal(augmented(pose, LAYOUT, SIZE), PosePipeline()(pose, LAYOUT, SIZE))
    assert not torch.equal(augmented(pose, LAYOUT, SIZE, generator=generator()), PosePipeline()(pose, LAYOUT, SIZE))


@pytest.mark.parametrize("normalise", ["frame", "signer"])
def test_a_pipeline_rebuilt_from_its_description_evaluates_alike(normalise: str) -> None:
    pipeline = PosePipeline(normalise=normalise, part_scale=2.5, min_confidence=0.3, augment=AUGMENTATIONS)
    described = json.loads(json.dumps(pipeline.describe()))
    rebuilt = PosePipeline.from_description(described)
    assert torch.equal(rebuilt(clip(), LAYOUT, SIZE), pipeline(clip(), LAYOUT, SIZE))
    assert rebuilt.describe() == described
    with pytest.raises(ValueError, match="recorded with missing 'nan'"):
        PosePipeline.from_description({**described, "missing": "nan"})


def test_senseless_settings_are_refused() -> None:
    for make, complaint in (
        (
            lambda: PosePipeline(normalise="image"),
            "unknown normalisation 'image' of keypoints: there are frame, signer",
        ),
        (lambda: PosePipeline(min_confidence=1.1), "min_confidence 1.1 is no confidence"),
        (lambda: PosePipeline(part_scale=0), "part_scale 0 must be above 0"),
        (lambda: Jitter(-0.1), "Jitter sd is -0.1: it must be at least 0"),
        (lambda: DropHands(0.5, share=2), "DropHands share is 2: it must be between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=complaint):
            make()


HAND = skeleton_layout("leap-hand-20")


def hand(num_frames: int = 6) -> Tensor:
    """A hand in three dimensions: ``[T, 20, 4]``, with gaps, knuckles always seen."""
    chances = generator(5)
    pose = torch.rand(num_frames, 20, 4, generator=chances) * torch.tensor([*SIZE, 90.0, 0.8]) + 0.1
    pose[torch.rand(num_frames, 20, generator=chances) < 0.2] = 0
    for joint, place in (
        ((HAND.reference or ())[0], (90.0, 120.0, 15.0)),
        ((HAND.reference or ())[1], (60.0, 80.0, 40.0)),
    ):
        pose[:, joint] = torch.tensor([*place, 1.0])
    return pose


def test_in_three_dimensions_x_and_y_lie_in_the_frame_as_ever_and_z_goes_with_x() -> None:
    pose = hand()
    flat = FrameNormalisation()(pose[..., [0, 1, 3]], HAND, SIZE)
    deep = FrameNormalisation()(pose, HAND, SIZE)
    assert torch.equal(deep[..., [0, 1, 3]], flat)
    assert torch.allclose(deep[..., 2], torch.where(pose[..., 3] > 0, 2 * pose[..., 2] / SIZE[0], 0.0))


def test_in_three_dimensions_the_signer_normalisation_forgets_place_and_size_as_well() -> None:
    pose = hand()
    moved = torch.where(
        pose[..., 3:] > 0, pose * torch.tensor([0.6, 0.6, 0.6, 1.0]) + torch.tensor([9.0, 4.0, -7.0, 0]), 0
    )
    normalise = SignerNormalisation(2.0)
    result = normalise(pose, HAND, SIZE)
    assert torch.allclose(result, normalise(moved, HAND, SIZE), atol=1e-4)
    palm = HAND.index("palm")
    (frame,) = pose[:, palm, 3].nonzero()[0].tolist()
    middle, across = torch.tensor([75.0, 100.0, 27.5]), math.dist((90, 120, 15), (60, 80, 40))
    assert torch.allclose(result[frame, palm, :3], (pose[frame, palm, :3] - middle) / across)


@pytest.mark.parametrize("augmentation", [Rotate(0.2), Scale(0.2), ShiftPose(0.2), Jitter(0.05), DropJoints(0.3)])
def test_in_three_dimensions_an_augmentation_keeps_gaps_and_confidence(augmentation) -> None:
    pose = SignerNormalisation()(hand(), HAND, SIZE)
    space = PoseSpace(HAND, SignerNormalisation().relative(HAND))
    changed = augmentation(pose, space, generator(1))
    missing = pose[..., 3] == 0
    assert bool(missing.any())
    assert not changed[missing].any()
    kept = changed[..., 3] > 0
    assert torch.equal(changed[kept][:, 3], pose[kept][:, 3])
    assert torch.equal(changed[..., 2], pose[..., 2]) == isinstance(augmentation, Rotate)


def test_mirroring_leaves_depth_alone() -> None:
    pose = hand()
    mirrored = mirror_pose(pose, HAND, 210)
    assert torch.equal(mirrored[..., 1:], pose[..., 1:])
    seen = pose[..., 3] > 0
    assert torch.equal(mirrored[seen][:, 0], 209 - pose[seen][:, 0])
    assert not mirrored[~seen].any()


TRACKS = skeleton_layout("nose-hands-3")


def tracks(num_frames: int = 20) -> Tensor:
    """A nose that hardly moves and two hands."""
    pose = torch.rand(num_frames, 3, 3, generator=generator(8)) * torch.tensor([100.0, 150.0, 0.0]) + 1.0
    pose[:, 0] = torch.tensor([80.0, 40.0, 1.0]) + torch.randn(num_frames, 3, generator=generator(9)) * torch.tensor(
        [1.0, 1, 0]
    )
    return pose


def test_centre_normalisation_is_its_definition() -> None:
    pose = tracks()
    pose[4, 1] = 0
    result = CentreNormalisation()(pose, TRACKS, SIZE)
    nose = [statistics.median(pose[:, 0, axis].tolist()) for axis in range(2)]
    reaches = sorted(math.dist(joint[:2], nose) for frame in pose.tolist() for joint in frame if joint[2] > 0)
    place = 0.95 * (len(reaches) - 1)
    below, share = int(place), place - int(place)
    unit = reaches[below] * (1 - share) + reaches[below + 1] * share
    for frame in range(20):
        for joint in range(3):
            x, y, confidence = pose[frame, joint].tolist()
            expected = [(x - nose[0]) / unit, (y - nose[1]) / unit, 1.0] if confidence > 0 else [0.0] * 3
            assert result[frame, joint].tolist() == pytest.approx(expected, abs=1e-5)


def test_centre_normalisation_forgets_where_and_how_large_the_signer_is() -> None:
    pose = tracks()
    moved = pose * torch.tensor([0.6, 0.6, 1.0]) + torch.tensor([30.0, -12.0, 0.0])
    normalise = CentreNormalisation()
    assert torch.allclose(normalise(pose, TRACKS, SIZE), normalise(moved, TRACKS, SIZE), atol=1e-4)


@pytest.mark.parametrize("fault", ["no centre", "one point"])
def test_a_clip_without_a_centre_or_a_reach_is_placed_by_the_frame(fault: str) -> None:
    pose = tracks()
    if fault == "no centre":
        pose[:, 0] = 0
    else:
        pose[...] = pose[0, 0].clone()
    pose[2, 1] = torch.tensor([104.5 + 70, 129.5 - 35, 1.0]) if fault == "no centre" else pose[2, 1]
    result = PosePipeline(normalise="centre")(pose, TRACKS, SIZE)
    if fault == "no centre":
        assert torch.allclose(result[2, 1], torch.tensor([1.0, -0.5, 1.0]))
    else:
        assert torch.allclose(result[0, 0, :2], (pose[0, 0, :2] - torch.tensor([104.5, 129.5])) / 70)


def test_what_hangs_on_a_root_is_a_distance_under_the_centre_normalisation_too() -> None:
    pose = hand()
    pose[..., 3] = 1
    near, far = (CentreNormalisation(scale)(pose, HAND, SIZE) for scale in (1.0, 4.0))
    assert torch.equal(near[:, 0], far[:, 0])
    assert torch.allclose(4 * near[:, 1:, :3], far[:, 1:, :3])
    described = PosePipeline(normalise="centre", part_scale=4.0)
    assert torch.equal(PosePipeline.from_description(described.describe())(pose, HAND, SIZE), far)
