from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slr.synthesis import RenderedSigns
from slr.synthesis.recordings import RecordedClip, read_wlasl50


@pytest.fixture(scope="module")
def clips(recordings: Path) -> list[RecordedClip]:
    return read_wlasl50(recordings)


def test_every_recorded_frame_is_drawn_and_stays_as_it_is(recordings: Path, clips: list[RecordedClip]) -> None:
    signs = RenderedSigns(recordings)
    width, height = signs.frame_size
    for clip in clips[:2]:
        drawn = signs.read(clip.id, torch.arange(len(clip)))
        assert drawn.shape == (len(clip), 3, height, width)
        assert drawn.dtype == torch.uint8
        assert len(np.unique(drawn.numpy())) > 5, "a body before a backdrop"
        assert torch.equal(RenderedSigns(recordings).read(clip.id, torch.tensor([1, 0, 1])), drawn[[1, 0, 1]])
    first, second = (signs.read(clip.id, torch.tensor([0])) for clip in clips[:2])
    assert not torch.equal(first, second)


def test_frames_move_with_the_recorded_hands(recordings: Path, clips: list[RecordedClip]) -> None:
    drawn = RenderedSigns(recordings).read(clips[0].id, torch.tensor([0, len(clips[0]) - 1]))
    assert not torch.equal(drawn[0], drawn[1])


def test_looks_do_not_follow_the_sign(recordings: Path, clips: list[RecordedClip]) -> None:
    """Else a network could tell signs apart by clothes; and another seed is another corpus."""
    signs, other = RenderedSigns(recordings), RenderedSigns(recordings, seed=1)
    corners = {tuple(signs.read(clip.id, torch.tensor([0]))[0, :, 0, 0].tolist()) for clip in clips}
    assert 1 < len(corners) <= 6
    assert signs.contents() != other.contents()
    assert signs.contents() == RenderedSigns(recordings).contents()


def test_what_was_not_recorded_is_refused(recordings: Path, clips: list[RecordedClip], tmp_path: Path) -> None:
    signs = RenderedSigns(recordings)
    with pytest.raises(ValueError, match="has no clip 'clip-7'"):
        signs.read("clip-7", torch.tensor([0]))
    with pytest.raises(ValueError, match=f"has {len(clips[0])} frames, and frame 99 is wanted"):
        signs.read(clips[0].id, torch.tensor([99]))
    with pytest.raises(ValueError, match=r"nowhere\.npz does not exist"):
        RenderedSigns(tmp_path / "nowhere.npz")
