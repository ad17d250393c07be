from __future__ import annotations

import pytest
import torch

from slr.data import SPLITS, Clip, Corpus, Phoenix2014, without_test


def test_the_reader_and_its_training_view_keep_the_contract(tiny: Phoenix2014) -> None:
    assert isinstance(tiny, Corpus)
    assert isinstance(without_test(tiny), Corpus)


def test_training_view_refuses_the_test_split_in_every_way(tiny: Phoenix2014) -> None:
    view = without_test(tiny)
    clip = tiny.clips("test")[0]
    frames = torch.tensor([0])
    for attempt in (
        lambda: view.clips("test"),
        lambda: view.num_frames(clip),
        lambda: view.rgb(clip, frames),
        lambda: view.pose(clip, frames),
        lambda: view.fingerprint(clip),
    ):
        with pytest.raises(ValueError, match="training may not open the test split of RWTH-PHOENIX"):
            attempt()


def test_training_view_shows_the_rest_unchanged(tiny: Phoenix2014) -> None:
    view = without_test(tiny)
    for split in ("train", "dev"):
        assert view.clips(split) == tiny.clips(split)
        for clip in view.clips(split):
            frames = torch.tensor([2, 0, 2])
            assert view.num_frames(clip) == tiny.num_frames(clip)
            assert view.fingerprint(clip) == tiny.fingerprint(clip)
            assert torch.equal(view.rgb(clip, frames), tiny.rgb(clip, frames))
            assert torch.equal(view.pose(clip, frames), tiny.pose(clip, frames))
    for name in ("name", "fps", "frame_size", "layout", "excluded"):
        assert getattr(view, name) == getattr(tiny, name)
    assert view.vocabulary("union") == tiny.vocabulary("union")


def test_a_view_of_a_view_is_the_view(tiny: Phoenix2014) -> None:
    view = without_test(tiny)
    assert without_test(view) is view


def test_vocabulary_is_of_training_or_of_all_splits(tiny: Phoenix2014) -> None:
    assert tiny.vocabulary().glosses == ("REGEN", "SONNE", "WIND")
    assert tiny.vocabulary("union").glosses == ("HAGEL", "REGEN", "SCHNEE", "SONNE", "WIND")
    with pytest.raises(ValueError, match="'train' or 'union'"):
        tiny.vocabulary("dev")


def test_clips_cannot_be_changed(tiny: Phoenix2014) -> None:
    clip = tiny.clips("train")[0]
    with pytest.raises(AttributeError):
        clip.split = "dev"  # type: ignore[misc]
    assert SPLITS == ("train", "dev", "test")
    assert isinstance(clip, Clip)
