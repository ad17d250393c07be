from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from kd import CachedClip, CachedTeacher, FrozenTeacher, TeacherCache, fill
from kd.identity import clip_key, view_name
from kd.losses import FrameKL
from slr.types import Batch, NetOutput, Padded


class TinyTeacher(nn.Module):
    """Two frames to a step, with batch statistics and drop-out that would give a live teacher away."""

    input_stream = "pose"

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 3)

    @property
    def tap_widths(self) -> dict[str, int]:
        return {"conv": 4}

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return (lengths + 1) // 2

    def forward(self, stream: Padded) -> NetOutput:
        lengths = self.output_lengths(stream.lengths)
        frames = stream.zeroed().values.flatten(2)[:, ::2]
        features = self.drop(self.norm(frames.transpose(1, 2)).transpose(1, 2))
        return NetOutput(Padded(self.head(features), lengths), {"conv": Padded(features, lengths)})


def batch_of(*lengths: int) -> Batch:
    pose = Padded.from_list([torch.randn(length, 2, 2) for length in lengths])
    frames = Padded.from_list([torch.arange(length) for length in lengths])
    glosses = Padded.from_list([torch.ones(1, dtype=torch.int64) for _ in lengths])
    return Batch(tuple(f"clip-{length}" for length in lengths), glosses, frames, pose=pose)


def test_a_teacher_stays_in_eval_mode_whatever_anyone_calls():
    network = TinyTeacher()
    teacher = FrozenTeacher(network, provenance="run 7")
    batch = batch_of(6, 3)
    expected, statistics = teacher(batch), network.norm.running_mean.clone()
    for shout in (teacher.train, nn.Sequential(teacher).train, network.train, network.drop.train):
        shout()
        output = teacher(batch)
        assert torch.equal(output.logits.values, expected.logits.values)
        assert torch.equal(network.norm.running_mean, statistics)
    assert teacher.train() is teacher
    assert not any(module.training for module in teacher.modules())


def test_nothing_of_a_teacher_learns():
    teacher = FrozenTeacher(TinyTeacher(), provenance="run 7")
    output = teacher(batch_of(6, 3))
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not output.logits.values.requires_grad
    assert not output.taps["conv"].values.requires_grad


def test_its_outputs_can_be_a_target_of_a_loss():
    # Tensors of inference mode could not: autograd refuses to keep them.
    batch = batch_of(6, 3)
    wanted = FrozenTeacher(TinyTeacher(), provenance="run 7")(batch)
    scores = torch.randn_like(wanted.logits.values).requires_grad_()
    FrameKL()(NetOutput(Padded(scores, wanted.logits.lengths)), wanted, batch).backward()
    assert scores.grad.any()


@pytest.mark.parametrize("provenance", ["", "  "])
def test_a_teacher_that_was_never_trained_is_refused(provenance: str):
    with pytest.raises(ValueError, match="TinyTeacher was neither trained nor loaded"):
        FrozenTeacher(TinyTeacher(), provenance=provenance)


def test_a_teacher_whose_stream_was_not_loaded_says_so():
    teacher = FrozenTeacher(TinyTeacher(), provenance="run 7")
    teacher.network.input_stream = "rgb"
    with pytest.raises(ValueError, match="no 'rgb' stream"):
        teacher(batch_of(6, 3))


@pytest.fixture
def cached(tmp_path) -> tuple[FrozenTeacher, Batch, TeacherCache, tuple[dict, dict]]:
    teacher, batch = FrozenTeacher(TinyTeacher(), provenance="run 7"), batch_of(6, 3, 5)
    cache = TeacherCache(tmp_path, "abc")
    clips = [CachedClip(clip, f"print of {clip}", int(clip[5:])) for clip in batch.ids]

    def load(wanted: list[list[str]]) -> list[Batch]:
        assert wanted == [["clip-6", "clip-5", "clip-3"]], "longest first"
        order = [0, 2, 1]
        pose = Padded(batch.pose.values[order], batch.pose.lengths[order])
        return [Batch(tuple(wanted[0]), batch.glosses, batch.frames, pose=pose)]

    assert fill(cache, teacher, clips, load, taps=("conv",)) == 3
    frames = {clip: [shown] for clip, shown in zip(batch.ids, batch.frames.unpad(), strict=True)}
    return teacher, batch, cache, ({clip.id: clip.fingerprint for clip in clips}, frames)


def test_a_cached_teacher_answers_like_the_live_one_within_half_precision(cached):
    teacher, batch, cache, known = cached
    live, stored = teacher(batch), CachedTeacher(cache, *known, taps=("conv", "logits"))(batch)
    assert set(stored.taps) == {"conv"}
    for name in ("logits", "conv"):
        assert stored.read(name).values.dtype == torch.float32
        assert torch.equal(stored.read(name).lengths, live.read(name).lengths)
        for ours, theirs in zip(stored.read(name).unpad(), live.read(name).unpad(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_clips_never_cached_are_named(cached):
    _, batch, cache, known = cached
    with pytest.raises(ValueError, match="clip 'clip-9' is none of the 3 clips"):
        CachedTeacher(cache, *known)(batch_of(6, 9))
    with pytest.raises(ValueError, match=r"clip 'clip-6': no undamaged entry .* with logits, context"):
        CachedTeacher(cache, *known, taps=("context",))(batch)


def test_another_view_or_another_file_is_not_the_cached_one(cached):
    _, batch, cache, known = cached
    with pytest.raises(ValueError, match="no undamaged entry"):
        CachedTeacher(cache, *known)(replace(batch, flipped=(True,) * len(batch)))
    with pytest.raises(ValueError, match="clip 'clip-3': no undamaged entry"):
        CachedTeacher(cache, {**known[0], "clip-3": "another file"}, known[1])(batch)


def test_each_start_of_a_clip_has_outputs_of_its_own(tmp_path):
    # Two views of clip-9, frames 0 2 4 6 8 and 1 3 5 7, each with logits that say its start.
    cache, starts = TeacherCache(tmp_path, "abc"), [torch.arange(0, 9, 2), torch.arange(1, 9, 2)]
    for start, frames in enumerate(starts):
        said = NetOutput(Padded.from_list([torch.full((len(frames), 3), float(start))]))
        cache.write({clip_key("clip-9", "its print", view_name(start=start)): said})
    teacher = CachedTeacher(cache, {"clip-9": "its print"}, {"clip-9": starts})
    batch = batch_of(9)
    for shown, start in ((starts[0], 0), (starts[1], 1), (starts[1][1:], 1), (torch.tensor([4, 8]), 0)):
        logits = teacher(replace(batch, frames=Padded.from_list([shown]))).logits
        assert torch.equal(logits.values, torch.full((1, len(shown), 3), float(start)))


def test_other_frames_of_a_clip_get_what_was_said_at_their_times(cached):
    _, batch, cache, known = cached
    plain = CachedTeacher(cache, *known)(batch)
    half = [frames[::2] for frames in batch.frames.unpad()]  # twice as fast
    fast = CachedTeacher(cache, *known)(replace(batch, frames=Padded.from_list(half)))
    for slow, quick in zip(plain.logits.unpad(), fast.logits.unpad(), strict=True):
        torch.testing.assert_close(quick, slow[::2])


@pytest.mark.parametrize("stride", [4, 8])
def test_the_frames_per_step_are_those_of_all_clips(tmp_path, stride: int):
    # every short clip by itself would go with fewer frames per step
    cache, lengths = TeacherCache(tmp_path, "abc", "float32"), (1, 2, 3, 5, 6, 9, 10, 13, 17, 70)
    seen = {f"clip-{length}": [torch.arange(length)] for length in lengths}
    begins = {clip: frames[::stride].float()[:, None] for clip, (frames,) in seen.items()}
    for clip, times in begins.items():
        cache.write({clip_key(clip, "print", view_name()): NetOutput(Padded.from_list([times]))})
    teacher = CachedTeacher(cache, dict.fromkeys(seen, "print"), seen)
    for length in lengths[:-1]:
        shown = torch.arange(length).repeat_interleave(3)  # three times as slow
        logits = teacher(replace(batch_of(length), frames=Padded.from_list([shown]))).logits.unpad()[0]
        torch.testing.assert_close(logits[:, 0], shown[::stride].float().clamp(max=float(begins[f"clip-{length}"][-1])))


def test_a_teacher_without_a_whole_number_of_frames_per_step_is_not_read_at_other_times(tmp_path):
    cache, seen = TeacherCache(tmp_path, "abc"), {"clip-20": [torch.arange(20)], "clip-12": [torch.arange(12)]}
    for clip in seen:
        cache.write({clip_key(clip, "print", view_name()): NetOutput(Padded.from_list([torch.zeros(4, 3)]))})
    teacher, batch = CachedTeacher(cache, dict.fromkeys(seen, "print"), seen), batch_of(20, 12)
    assert teacher(batch).logits.lengths.tolist() == [4, 4]
    with pytest.raises(ValueError, match=r"logits cannot be read at other times \(20 frames have 4 steps"):
        teacher(replace(batch, frames=Padded.from_list([torch.arange(9), torch.arange(12)])))
