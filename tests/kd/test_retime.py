from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kd.retime import retimed
from slr.types import NetOutput, Padded

CLIPS = (12, 7, 1)
SEEN = [torch.arange(0, length, 2) for length in CLIPS]  # frames 0, 2, 4, ...


def clocks(stride: int) -> Padded:
    """Steps over the seen frames that say the source frame at which they begin."""
    return Padded.from_list([frames[::stride].to(torch.float32)[:, None] for frames in SEEN])


def said() -> NetOutput:
    return NetOutput(clocks(2), {"frame": clocks(1)})


def test_the_frames_that_were_seen_change_nothing():
    output = said()
    assert retimed(output, SEEN, Padded.from_list(SEEN)) is output


@pytest.mark.parametrize("other", [0, 1])
def test_a_clip_that_is_shown_as_it_was_seen_is_as_it_was(other: int):
    shown = [*SEEN]
    shown[other] = shown[other][1:]
    output = retimed(said(), SEEN, Padded.from_list(shown))
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
    output = retimed(said(), SEEN, Padded.from_list(shown))
    for name, stride in (("logits", 2), ("frame", 1)):
        for row, frames in enumerate(output.read(name).unpad()):
            last = said().read(name).unpad()[row][-1, 0]
            expected = shown[row][::stride].to(torch.float32).clamp(max=last)
            torch.testing.assert_close(frames[:, 0], expected)


def test_a_frame_between_two_steps_lies_between_what_they_said():
    features = Padded(torch.tensor([[[0.0, 4.0], [8.0, 0.0]]]), torch.tensor([2]))
    output = retimed(NetOutput(features), [torch.tensor([0, 4])], Padded.from_list([torch.tensor([1, 3])]))
    assert torch.equal(output.logits.values, torch.tensor([[[2.0, 3.0], [6.0, 1.0]]]))


@pytest.mark.parametrize("steps", [(3, 0), (0, 0)])
def test_a_clip_of_which_nothing_was_said_has_no_step(steps: tuple[int, int]):
    logits = Padded.from_list([torch.randn(count, 4) for count in steps])
    seen = [torch.arange(6), torch.arange(1)]
    output = retimed(NetOutput(logits), seen, Padded.from_list([seen[0][:4], torch.tensor([0, 0])]))
    assert output.logits.lengths.tolist() == [2 if steps[0] else 0, 0]


def test_padding_is_never_read():
    output = said()
    spoilt = output.logits.values.clone()
    spoilt[~output.logits.mask] = torch.nan
    spoilt = NetOutput(Padded(spoilt, output.logits.lengths))
    shown = Padded.from_list([frames[:-1] if len(frames) > 1 else frames for frames in SEEN])
    assert not any(clip.isnan().any() for clip in retimed(spoilt, SEEN, shown).logits.unpad())
