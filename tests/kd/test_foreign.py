from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kd import TeacherCache, clip_key
from kd.foreign import ForeignClip, ForeignTeacher, _positions, step_frames
from slr.types import Batch, NetOutput, Padded

FRAMES = {"long": 24, "short": 10, "one": 1}


def clock(frames: int, frames_per_step: float) -> torch.Tensor:
    """Steps that say the source frame at which they begin."""
    steps = max(1, -int(-frames // frames_per_step))
    return torch.arange(steps)[:, None] * frames_per_step


def teacher_of(folder: Path, rates: dict[str, float], stride: int = 1, **arguments: object) -> ForeignTeacher:
    """A foreign teacher whose every output says when it was said."""
    cache, clips = TeacherCache(folder, "abc", precision="float32"), {}
    for clip, frames in FRAMES.items():
        said = {name: Padded.from_list([clock(frames, rate)]) for name, rate in rates.items()}
        clips[clip] = ForeignClip(clip_key(clip, "its outputs"), frames)
        cache.write({clips[clip].key: NetOutput(said.pop("logits"), said)})
    return ForeignTeacher(cache, clips, rates, stride, taps=[name for name in rates if name != "logits"], **arguments)


def shown(*plans: Sequence[int], clips: Sequence[str] = tuple(FRAMES)) -> Batch:
    frames = Padded.from_list([torch.tensor(plan) for plan in plans])
    return Batch(
        tuple(clips[: len(plans)]), Padded(torch.ones(len(plans), 1).long(), torch.ones(len(plans)).long()), frames
    )


def whole(stride: int, start: int = 0) -> Batch:
    return shown(*(range(min(start, frames - 1), frames, stride) for frames in FRAMES.values()))


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_whole_clips_get_the_outputs_as_they_are(tmp_path: Path, stride: int):
    teacher = teacher_of(tmp_path, {"logits": 4.0, "frame": 4.0}, stride)
    found = teacher(whole(stride))
    for name in ("logits", "frame"):
        for row, frames in enumerate(FRAMES.values()):
            assert torch.equal(found.read(name).unpad()[row], clock(frames, 4))
    said = teacher.said(tuple(FRAMES))
    assert torch.equal(said.logits.values, found.logits.values)


def test_every_sequence_has_a_rate_of_its_own(tmp_path: Path):
    # 24 frames, every second one shown: a step per frame of the recording, per four of them, and per eight.
    teacher = teacher_of(tmp_path, {"logits": 4.0, "frame": 1.0, "slow": 8.0}, stride=2)
    found = teacher(whole(2))
    assert [int(found.read(name).lengths[0]) for name in ("logits", "frame", "slow")] == [6, 24, 3]
    for name, rate in (("logits", 4), ("frame", 1), ("slow", 8)):
        assert torch.equal(found.read(name).unpad()[0], clock(24, rate)), name


def test_another_start_reads_between_the_steps(tmp_path: Path):
    teacher = teacher_of(tmp_path, {"logits": 4.0}, stride=2)
    found = teacher(shown(range(1, 24, 2))).logits.unpad()[0].flatten()
    assert found.tolist() == [1, 5, 9, 13, 17, 20], "after the last step there is only the last step"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_step_says_what_was_said_at_the_time_of_its_frame(data: st.DataObject):
    frames = data.draw(st.integers(1, 60))
    plan = sorted(data.draw(st.lists(st.integers(0, frames - 1), min_size=1, max_size=40)))
    stride = data.draw(st.integers(1, 3))
    rate = data.draw(st.sampled_from([1.0, 2.0, 3.0, 10 / 3, 4.0, 4.8]))
    steps = len(clock(frames, rate))
    places = _positions(torch.tensor(plan), steps, rate, stride)
    per_step = rate / stride
    assert len(places) == -int(-(len(plan) - 1e-5 * per_step) // per_step)
    for number, place in enumerate(places.tolist()):
        index = number * per_step
        before = int(index)
        # Past the last frame shown, time goes on at the usual speed.
        after = plan[before + 1] if before + 1 < len(plan) else plan[-1] + stride
        time = plan[before] + (index - before) * (after - plan[before])
        assert place * rate == pytest.approx(min(time, (steps - 1) * rate), abs=1e-3)


def test_a_sequence_of_other_length_is_spread_over_the_clip(tmp_path: Path):
    assert step_frames(24, 6, 4.0) == 4.0
    assert step_frames(23, 6, 4.0) == 4.0, "the last step is short"
    assert step_frames(24, 4, 4.0) == 6.0, "two steps lost to convolutions without padding"
    assert step_frames(24, 8, 4.0) == 3.0
    assert step_frames(24, 0, 4.0) == 4.0
    teacher = teacher_of(tmp_path, {"logits": 6.0})
    teacher.frames_per_step["logits"] = 4.0  # of which only four of six steps are there
    found = teacher(shown(range(24))).logits.unpad()[0].flatten()
    assert found.tolist() == [0, 6, 12, 18]


def test_clips_of_a_batch_do_not_change_each_other_and_padding_is_never_read(tmp_path: Path):
    teacher = teacher_of(tmp_path, {"logits": 4.0, "frame": 1.0}, stride=2)
    together = teacher(whole(2))
    for row, clip in enumerate(FRAMES):
        alone = teacher(shown(range(0, FRAMES[clip], 2), clips=[clip]))
        for name in ("logits", "frame"):
            assert torch.equal(alone.read(name).unpad()[0], together.read(name).unpad()[row])


def test_mirrored_clips_are_refused(tmp_path: Path):
    teacher = teacher_of(tmp_path, {"logits": 4.0})
    with pytest.raises(ValueError, match="clip 'short' is shown mirrored, and the teacher's outputs are those of the"):
        teacher(replace(whole(1), flipped=(False, True, False)))
    assert teacher(replace(whole(1), flipped=(False,) * 3)).logits.lengths.tolist() == [6, 3, 1]


def test_clips_without_outputs_are_named(tmp_path: Path):
    teacher = teacher_of(tmp_path, {"logits": 4.0})
    with pytest.raises(ValueError, match="clip 'other' is none of the 3 clips"):
        teacher(shown(range(4), clips=["other"]))
    teacher.clips["short"] = ForeignClip("0" * 64, 10)
    with pytest.raises(ValueError, match="clip 'short': no undamaged entry"):
        teacher(whole(1))


def test_a_clip_of_which_nothing_was_said_has_no_step(tmp_path: Path):
    teacher = teacher_of(tmp_path, {"logits": 4.0})
    teacher.cache.write({clip_key("none", "x"): NetOutput(Padded.from_list([torch.zeros(0, 1)]))})
    teacher.clips["none"] = ForeignClip(clip_key("none", "x"), 3)
    assert teacher(shown(range(24), range(3), clips=["long", "none"])).logits.lengths.tolist() == [6, 0]
