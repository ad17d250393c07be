from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kd.retime import frames_per_step, retimed
from slr.types import NetOutput, Padded

CLIPS = (12, 7, 1)
SEEN = [torch.arange(0, length, 2) for length in CLIPS]  # frames 0, 2, 4, ...


def clocks(stride: int) -> Padded:
    """Steps over the seen frames that say the source frame at which they begin."""
    return Padded.from_list([frames[::stride].to(torch.float32)[:, None] for frames in SEEN])


def stride_of(name: str) -> int:
    return {"logits": 2, "frame": 1}[name]


def said() -> NetOutput:
    return NetOutput(clocks(2), {"frame": clocks(1)})


def test_the_frames_that_were_seen_change_nothing():
    output = said()
    assert retimed(output, SEEN, Padded.from_list(SEEN), stride_of) is output


@pytest.mark.parametrize("other", [0, 1])
def test_a_clip_that_is_shown_as_it_was_seen_is_as_it_was(other: int):
    shown = [*SEEN]
    shown[other] = shown[other][1:]
    output = retimed(said(), SEEN, Padded.from_list(shown), stride_of)
    for name in ("logits", "frame"):
        for row in {0, 1, 2} - {other}:
            assert torch.equal(output.read(name).unpad()[row], said().read(name).unpad()[row])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_step_says_what_was_said_at_its_time(data: st.DataObject):
    # Over clocks, interpolation must give the time itself, between the first and the last step there are.
    shown = [
        torch.tensor(sorted(data.draw(st.lists(st.integers(0, int(frames[-1])), min_size=1, max_size=20))))
        for frames in SEEN
    ]
    output = retimed(said(), SEEN, Padded.from_list(shown), stride_of)
    for name, stride in (("logits", 2), ("frame", 1)):
        for row, frames in enumerate(output.read(name).unpad()):
            last = said().read(name).unpad()[row][-1, 0]
            expected = shown[row][::stride].to(torch.float32).clamp(max=last)
            torch.testing.assert_close(frames[:, 0], expected)


def test_a_frame_between_two_steps_lies_between_what_they_said():
    features = Padded(torch.tensor([[[0.0, 4.0], [8.0, 0.0]]]), torch.tensor([2]))
    output = retimed(NetOutput(features), [torch.tensor([0, 4])], Padded.from_list([torch.tensor([1, 3])]), lambda _: 1)
    assert torch.equal(output.logits.values, torch.tensor([[[2.0, 3.0], [6.0, 1.0]]]))


@pytest.mark.parametrize("steps", [(3, 0), (0, 0)])
def test_a_clip_of_which_nothing_was_said_has_no_step(steps: tuple[int, int]):
    logits = Padded.from_list([torch.randn(count, 4) for count in steps])
    seen = [torch.arange(6), torch.arange(1)]
    output = retimed(NetOutput(logits), seen, Padded.from_list([seen[0][:4], torch.tensor([0, 0])]), stride_of)
    assert output.logits.lengths.tolist() == [2 if steps[0] else 0, 0]


def test_padding_is_never_read():
    output = said()
    spoilt = output.logits.values.clone()
    spoilt[~output.logits.mask] = torch.nan
    spoilt = NetOutput(Padded(spoilt, output.logits.lengths))
    shown = Padded.from_list([frames[:-1] if len(frames) > 1 else frames for frames in SEEN])
    assert not any(clip.isnan().any() for clip in retimed(spoilt, SEEN, shown, stride_of).logits.unpad())


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
@given(lengths=st.lists(st.integers(1, 200), max_size=6))
def test_frames_per_step_are_what_made_the_steps(stride: int, lengths: list[int]):
    counts = [(length, -(-length // stride)) for length in lengths]
    found = frames_per_step(counts)
    assert [-(-length // found) for length in lengths] == [steps for _, steps in counts]
    assert found <= stride or not lengths
    assert frames_per_step([*counts, (stride**2, stride), (5, 0)]) == stride


@pytest.mark.parametrize("length", [1, 2, 3, 5, 6, 9, 10, 13, 17])
def test_a_longer_clip_settles_what_a_short_one_leaves_open(length: int):
    assert frames_per_step([(length, -(-length // 4)), (16, 4)]) == 4


def test_frames_per_step_that_are_no_whole_number_are_said():
    with pytest.raises(ValueError, match="20 frames have 4 steps and 12 frames 4: no whole number of frames is a step"):
        frames_per_step([(20, 4), (12, 4)])
