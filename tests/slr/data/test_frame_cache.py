from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from slr.data.frame_cache import FrameCache

FRAME_BYTES = 3 * 10 * 10


def frame(clip: str, index: int) -> Tensor:
    return torch.full((3, 10, 10), (ord(clip) * 7 + index) % 256, dtype=torch.uint8)


class Source:
    """Frames of any clip, with a list of what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def of(self, clip: str):
        def load(frames: Tensor) -> Tensor:
            self.asked += [(clip, index) for index in frames.tolist()]
            return torch.stack([frame(clip, index) for index in frames.tolist()])

        return load


READS = st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 6), min_size=1, max_size=5)), max_size=12)


@given(reads=READS, room=st.integers(0, 12))
def test_a_cache_changes_nothing_but_what_is_loaded_and_keeps_the_latest(
    reads: list[tuple[str, list[int]]], room: int
) -> None:
    cache, source = FrameCache(room * FRAME_BYTES / 1_000_000), Source()
    kept: list[tuple[str, int]] = []  # oldest first
    for clip, wanted in reads:
        source.asked.clear()
        result = cache.read(clip, torch.tensor(wanted), source.of(clip))
        assert torch.equal(result, torch.stack([frame(clip, index) for index in wanted]))
        fresh = sorted(index for index in set(wanted) if (clip, index) not in kept)
        if room:
            assert source.asked == [(clip, index) for index in fresh]
        seen = {(clip, index) for index in wanted}
        kept = [key for key in kept if key not in seen] + sorted(key for key in kept if key in seen)
        kept = [*kept, *((clip, index) for index in fresh)][-room:] if room else []
        assert len(cache) == len(kept)
        assert cache.bytes == len(kept) * FRAME_BYTES <= cache.capacity + 1


def test_the_oldest_frames_leave_first() -> None:
    cache, source = FrameCache(2 * FRAME_BYTES / 1_000_000), Source()
    for index in (0, 1, 0, 2, 0, 1):
        cache.read("a", torch.tensor([index]), source.of("a"))
    # 2 pushed out 1, because 0 had been used since.
    assert [index for _, index in source.asked] == [0, 1, 2, 1]


def test_a_kept_frame_does_not_keep_the_others_of_its_load_alive() -> None:
    cache = FrameCache(1)
    loaded = torch.zeros(50, 3, 10, 10, dtype=torch.uint8)
    cache.read("a", torch.arange(50), lambda frames: loaded)
    assert all(kept.untyped_storage().nbytes() == FRAME_BYTES for kept in cache._frames.values())


def test_a_cache_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a frame cache of -1 MB is no cache"):
        FrameCache(-1)
