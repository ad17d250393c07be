from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from slr.data import (
    Brightness,
    Clip,
    Jitter,
    Phoenix2014,
    PosePipeline,
    RgbPipeline,
    Sample,
    ShiftFrames,
    SignDataset,
    TemporalPlan,
    collate,
    without_test,
)
from slr.skeleton import skeleton_layout
from slr.vocabulary import Vocabulary

from .conftest import HEIGHT, WIDTH


def training(corpus: Phoenix2014, **changes: Any) -> SignDataset:
    settings: dict[str, Any] = {
        "plan": TemporalPlan(speed=[0.6, 1.4]),
        "rgb_pipeline": RgbPipeline(resize=[18, 22], crop=16, augment=[ShiftFrames(1), Brightness(0.1)]),
        "pose_pipeline": PosePipeline(normalise="frame", augment=[Jitter(0.01)]),
        "training": True,
        "flip": 0.5,
    }
    return SignDataset(corpus, "train", corpus.vocabulary(), **{**settings, **changes})


def same(left: Sample, right: Sample) -> bool:
    for field in dataclasses.fields(Sample):
        one, other = getattr(left, field.name), getattr(right, field.name)
        if not (torch.equal(one, other) if isinstance(one, Tensor) else one == other):
            return False
    return True


def test_an_evaluation_sample_is_the_whole_clip(tiny: Phoenix2014) -> None:
    data = SignDataset(tiny, "train", tiny.vocabulary(), pose_pipeline=PosePipeline(normalise="frame"))
    assert len(data) == 3
    sample = data[1]
    assert sample.id == "monday-1"
    assert tiny.vocabulary().decode(sample.glosses.tolist()) == ("SONNE", "SONNE", "WIND")
    assert sample.frames.tolist() == list(range(14))
    clip = tiny.clips("train")[1]
    video, pose = tiny.rgb(clip, torch.arange(14)), tiny.pose(clip, torch.arange(14))
    assert torch.equal(sample.rgb, video / 127.5 - 1)
    assert torch.allclose(sample.pose[..., 0], torch.where(pose[..., 2] > 0, 2 * (pose[..., 0] + 0.5) / WIDTH - 1, 0.0))
    assert not sample.flipped


def test_samples_depend_on_seed_epoch_and_clip_and_on_nothing_else(tiny: Phoenix2014) -> None:
    data = training(tiny)
    data.set_epoch(4)
    forward = [data[index] for index in range(3)]
    torch.rand(7)
    again = training(tiny)
    again.set_epoch(4)
    backward = [again[index] for index in (2, 1, 0)]
    assert all(same(one, other) for one, other in zip(forward, reversed(backward), strict=True))
    again.set_epoch(5)
    assert not any(same(one, again[index]) for index, one in enumerate(forward))
    reseeded = training(tiny, seed=1)
    reseeded.set_epoch(4)
    assert not any(same(one, reseeded[index]) for index, one in enumerate(forward))


def test_leaving_other_clips_out_does_not_change_a_sample(tiny: Phoenix2014, tiny_root: Path) -> None:
    smaller = Phoenix2014(tiny_root, exclude=["monday-0"])
    data = SignDataset(smaller, "train", tiny.vocabulary(), training=True, plan=TemporalPlan(speed=[0.6, 1.4]))
    whole = SignDataset(tiny, "train", tiny.vocabulary(), training=True, plan=TemporalPlan(speed=[0.6, 1.4]))
    assert same(data[0], whole[1])


def test_both_streams_show_the_frames_of_one_plan(tiny: Phoenix2014) -> None:
    plain = {"rgb_pipeline": RgbPipeline(), "pose_pipeline": PosePipeline(normalise="frame"), "flip": 0.0}
    for stride in (1, 2, 3):
        data = training(tiny, rgb_stride=stride, **plain)
        for epoch in range(6):
            data.set_epoch(epoch)
            sample = data[1]
            steps = len(sample.frames)
            # The red channel and the y coordinate both tell the frame.
            shown = ((sample.rgb[:, 0, 0, 0] + 1) * 127.5 / 10).round().long()
            posed = (((sample.pose[:, 0, 1] + 1) / 2 * HEIGHT - 0.5) * 2).round().long()
            assert torch.equal(posed, sample.frames)
            assert torch.equal(shown, sample.frames[::stride])
            assert len(shown) == -(-steps // stride)


def test_one_decision_to_flip_mirrors_both_streams(tiny: Phoenix2014) -> None:
    plain = {
        "rgb_pipeline": RgbPipeline(),
        "pose_pipeline": PosePipeline(normalise="frame"),
        "plan": TemporalPlan(),
    }
    data = training(tiny, frame_cache_mb=1, **plain)
    whole = SignDataset(tiny, "train", tiny.vocabulary(), **plain)
    straight = [whole[index] for index in range(3)]
    swap = tiny.layout.mirror_permutation()
    flips = []
    for epoch in range(24):
        data.set_epoch(epoch)
        for index, still in enumerate(straight):
            sample = data[index]
            flips.append(sample.flipped)
            rgb, pose = still.rgb, still.pose
            if sample.flipped:
                rgb, pose = rgb.flip(-1), pose[:, swap] * torch.tensor([-1.0, 1.0, 1.0])
            assert torch.equal(sample.rgb, rgb)
            assert torch.allclose(sample.pose, pose, atol=1e-6)
    assert 18 < sum(flips) < 54


def test_an_evaluation_view_is_never_augmented_and_mirrored_only_on_request(tiny: Phoenix2014) -> None:
    data = training(tiny, flip=1.0)
    still = training(tiny, training=False, flip=1.0)
    assert data[0].flipped
    assert not still[0].flipped
    assert same(data.evaluation_sample(0), still[0])
    mirrored = data.evaluation_sample(0, flip=True)
    assert mirrored.flipped
    assert torch.equal(mirrored.frames, still[0].frames)
    assert not torch.equal(mirrored.pose, still[0].pose)


def test_a_stream_nobody_asked_for_is_not_loaded_and_changes_nothing(
    tiny: Phoenix2014, make_tiny: Callable[..., Path]
) -> None:
    both = training(tiny)
    rgb = training(Phoenix2014(make_tiny(keypoints=False)), streams=["rgb"])
    pose = training(tiny, streams=["pose"])
    for index in range(3):
        assert rgb[index].pose is None
        assert pose[index].rgb is None
        assert torch.equal(rgb[index].rgb, both[index].rgb)
        assert torch.equal(pose[index].pose, both[index].pose)
        assert torch.equal(pose[index].frames, both[index].frames)
    with pytest.raises(ValueError, match="unknown stream 'audio'"):
        training(tiny, streams=["audio"])


def test_the_frame_cache_spares_decoding_and_changes_no_sample(
    tiny: Phoenix2014, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, cached = training(tiny), training(tiny, frame_cache_mb=1)
    decoded: list[int] = []
    original = Phoenix2014.rgb

    def spy(corpus: Phoenix2014, clip: Clip, frames: Tensor) -> Tensor:
        decoded.extend(frames.tolist())
        return original(corpus, clip, frames)

    monkeypatch.setattr(Phoenix2014, "rgb", spy)
    for epoch in range(12):
        plain.set_epoch(epoch)
        expected = [plain[index] for index in range(3)]
        cached.set_epoch(epoch)
        decoded.clear()
        assert all(same(cached[index], expected[index]) for index in range(3))
    assert len(decoded) == 0  # by now every frame of the corpus has been seen


def test_lengths_bound_the_plans_of_every_epoch(tiny: Phoenix2014) -> None:
    data = training(tiny, streams=["pose"])
    assert data.lengths == (int(9 * 1.4), int(14 * 1.4), int(6 * 1.4))
    for epoch in range(10):
        data.set_epoch(epoch)
        assert all(len(data[index].frames) <= data.lengths[index] for index in range(3))
    assert training(tiny, training=False).lengths == (9, 14, 6)


def test_glosses_outside_the_vocabulary_stop_training(tiny: Phoenix2014) -> None:
    with pytest.raises(ValueError, match="gloss 'WIND' in clip 'monday-1' is not among the 2 glosses"):
        SignDataset(tiny, "train", Vocabulary(("REGEN", "SONNE")))


def test_glosses_outside_the_vocabulary_are_counted_in_dev_and_kept_in_references(tiny: Phoenix2014) -> None:
    data = SignDataset(tiny, "dev", tiny.vocabulary(), streams=["pose"])
    assert data.unknown_glosses == {"tuesday-0": ("SCHNEE",)}
    assert tiny.vocabulary().decode(data[0].glosses.tolist()) == ("SONNE",)
    assert data.references() == {"tuesday-0": ("SONNE", "SCHNEE")}
    assert SignDataset(tiny, "dev", tiny.vocabulary("union"), streams=["pose"]).unknown_glosses == {}


def test_training_never_opens_the_test_split(tiny: Phoenix2014) -> None:
    with pytest.raises(ValueError, match="test split is never trained on"):
        SignDataset(tiny, "test", tiny.vocabulary("union"), training=True)
    with pytest.raises(ValueError, match="training may not open the test split"):
        SignDataset(without_test(tiny), "test", tiny.vocabulary("union"))
    assert len(SignDataset(without_test(tiny), "dev", tiny.vocabulary("union"))) == 1


def test_a_batch_is_its_samples_padded(tiny: Phoenix2014) -> None:
    data = training(tiny, rgb_stride=2)
    samples = [data[index] for index in range(3)]
    batch = collate(samples)
    assert batch.ids == ("monday-0", "monday-1", "monday-2")
    assert batch.rgb_stride == 2
    for name in ("glosses", "frames", "rgb", "pose"):
        parts = getattr(batch, name).unpad()
        assert all(torch.equal(part, getattr(sample, name)) for part, sample in zip(parts, samples, strict=True))
        alone = getattr(collate(samples[:1]), name)
        assert torch.equal(alone.values[0], getattr(samples[0], name))
    poses = collate([training(tiny, streams=["pose"])[0]])
    assert poses.rgb is None
    assert poses.pose is not None
    with pytest.raises(ValueError, match="at least one clip"):
        collate([])


def test_a_clip_whose_glosses_are_all_unknown_still_makes_a_batch(tiny: Phoenix2014) -> None:
    data = SignDataset(tiny, "dev", Vocabulary(("REGEN",)), streams=["pose"])
    batch = collate([data[0]])
    assert batch.glosses.lengths.tolist() == [0]
    assert batch.glosses.values.shape == (1, 0)
    assert batch.glosses.values.dtype == torch.int64


def test_the_description_is_json_of_what_evaluation_does(tiny: Phoenix2014) -> None:
    data = training(tiny, rgb_stride=2)
    described = json.loads(json.dumps(data.describe()))
    assert described == training(tiny, rgb_stride=2, training=False, seed=9, flip=0.0).describe()
    assert described["fps"] == 25.0
    assert described["frame_size"] == [WIDTH, HEIGHT]
    assert skeleton_layout(described["layout"]) == tiny.layout
    assert set(training(tiny, streams=["pose"]).describe()) == {"fps", "frame_size", "plan", "pose", "layout"}
    rebuilt = SignDataset(
        tiny,
        "train",
        tiny.vocabulary(),
        plan=TemporalPlan.from_description(described["plan"]),
        rgb_pipeline=RgbPipeline.from_description(described["rgb"]),
        pose_pipeline=PosePipeline.from_description(described["pose"]),
        rgb_stride=described["rgb_stride"],
    )
    assert all(same(rebuilt[index], data.evaluation_sample(index)) for index in range(3))
    for change in (
        {"rgb_stride": 3},
        {"plan": TemporalPlan(stride=2)},
        {"rgb_pipeline": RgbPipeline(crop=16)},
        {"pose_pipeline": PosePipeline()},
    ):
        assert training(tiny, **{"rgb_stride": 2, **change}).describe() != described


def test_a_dataset_sent_to_another_process_gives_the_same_samples(tiny_root: Path) -> None:
    data = training(Phoenix2014(tiny_root), frame_cache_mb=1)
    data.set_epoch(3)
    expected = [data[index] for index in range(3)]
    received = pickle.loads(pickle.dumps(data))
    assert all(same(received[index], expected[index]) for index in range(3))


def test_senseless_settings_are_refused(tiny: Phoenix2014) -> None:
    for change, complaint in (
        ({"flip": 1.5}, "flip is 1.5: it must be between 0 and 1"),
        ({"rgb_stride": 0}, "rgb_stride is 0: it must be at least 1"),
        ({"frame_cache_mb": -1}, "is no cache"),
    ):
        with pytest.raises(ValueError, match=complaint):
            training(tiny, **change)
    with pytest.raises(ValueError, match="unknown split 'valid'"):
        SignDataset(tiny, "valid", tiny.vocabulary())
