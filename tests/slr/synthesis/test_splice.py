from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from slr.data.corpus import Clip
from slr.data.drawing import Strokes
from slr.data.tracks import Part, Track, TrackCorpus
from slr.skeleton import skeleton_layout
from slr.synthesis import spliced_boston104, spliced_sfinge3d
from slr.synthesis.splice import Splicing, with_spliced

LAYOUT = skeleton_layout("nose-hands-3")


def track(name: str, split: str, glosses: Sequence[str], signer: str = "man-1", gap: int = 2) -> Track:
    """Glosses of three frames with gaps before, between and after. Hands stay near where the gloss says."""
    parts, frames = [], gap
    for gloss in glosses:
        parts.append(Part(gloss, frames, frames + 3))
        frames += 3 + gap
    joints = torch.ones(frames, 3, 3)
    joints[:, 0, :2] = torch.tensor([50.0, 20.0]) + torch.rand(1, 2)  # the nose is at another place in every clip
    joints[:, 1:, :2] = torch.tensor([50.0, 60.0]) + torch.rand(frames, 2, 2)
    for part in parts:
        joints[part.start : part.end, 1:, 1] += 3 * (ord(part.gloss[0]) - ord("M"))
    return Track(Clip(name, split, signer, tuple(glosses)), joints, tuple(parts))


def corpus(*tracks: Track) -> TrackCorpus:
    return TrackCorpus(
        name="tracks", fps=30.0, frame_size=(104, 84), stored=LAYOUT, layout=LAYOUT, tracks=tracks, strokes=Strokes(3.0)
    )


def some() -> TrackCorpus:
    return corpus(
        track("one", "train", ["A", "B", "C"]),
        track("two", "train", ["C", "A"]),
        track("three", "train", ["A", "B"], signer="woman-1"),
        track("alone", "train", ["D"]),
        track("dev", "dev", ["A", "B"]),
        track("test", "test", ["Z"]),
    )


def spliced(whole: TrackCorpus) -> list[Track]:
    return [one for one in whole.tracks("train") if one.clip.id.startswith("spliced")]


def test_recordings_stay_and_only_training_grows() -> None:
    plain = some()
    whole = with_spliced(plain, Splicing(5))
    for split in ("dev", "test"):
        assert whole.tracks(split) == plain.tracks(split)
    assert whole.tracks("train")[:4] == plain.tracks("train")
    assert [one.clip.id for one in spliced(whole)] == [f"spliced-{number:04d}" for number in range(5)]
    assert whole.name == "tracks, 5 training sentences spliced from them"


def test_a_gloss_is_replaced_by_another_recording_of_the_same_gloss_and_signer() -> None:
    plain = some()
    recordings = {one.clip.id: one for one in plain.tracks("train")}
    for made in spliced(with_spliced(plain, Splicing(40, share=0.8))):
        host, *sources = made.clip.source.split()
        assert made.clip.glosses == recordings[host].clip.glosses
        assert made.clip.signer == recordings[host].clip.signer
        assert any(source != "-" for source in sources)
        for part, source in zip(made.parts, sources, strict=True):
            if source == "-":
                continue
            donor, start = source.split(":")
            assert donor != host
            assert recordings[donor].clip.signer == made.clip.signer
            taken = recordings[donor].joints[int(start) : int(start) + 3]
            moved = made.joints[part.start : part.end]
            shift = moved[0, 0, :2] - taken[0, 0, :2]
            torch.testing.assert_close(moved[..., :2], taken[..., :2] + shift)
            # The nose of the piece is where that of the recorded sentence was.
            index = made.parts.index(part)
            torch.testing.assert_close(moved[0, 0], recordings[host].joints[recordings[host].parts[index].start, 0])


def test_any_gloss_may_take_the_place_where_what_is_said_is_free() -> None:
    plain = some()
    made = spliced(with_spliced(plain, Splicing(60, share=0.9, same_gloss=False)))
    assert {gloss for one in made for gloss in one.clip.glosses} == {"A", "B", "C", "D"}
    recorded = {one.clip.glosses for one in plain.tracks("train")}
    assert any(one.clip.glosses not in recorded for one in made)
    assert all(one.clip.glosses == tuple(part.gloss for part in one.parts) for one in made)
    hosts = {one.clip.source.split()[0] for one in made}
    assert hosts == {"one", "two", "three"}  # one gloss alone is no sentence


def test_what_is_not_replaced_is_as_recorded_and_no_bridge_is_put_within_it() -> None:
    plain = some()
    recordings = {one.clip.id: one for one in plain.tracks("train")}
    for made in spliced(with_spliced(plain, Splicing(40, share=0.3))):
        host, *sources = made.clip.source.split()
        first = next(index for index, source in enumerate(sources) if source != "-")
        untouched = recordings[host].parts[first].start
        assert torch.equal(made.joints[:untouched], recordings[host].joints[:untouched])
        last = len(sources) - 1 - next(index for index, source in enumerate(reversed(sources)) if source != "-")
        rest = len(recordings[host].joints) - recordings[host].parts[last].end
        assert torch.equal(made.joints[-rest:], recordings[host].joints[-rest:])


def test_a_bridge_leads_smoothly_over_every_jump() -> None:
    far = corpus(
        track("one", "train", ["A", "Z"]), track("two", "train", ["Z", "A"]), track("d", "dev", ["A"]),
        track("t", "test", ["A"]),
    )  # fmt: skip
    for made in spliced(with_spliced(far, Splicing(20, share=1.0, same_gloss=False))):
        steps = (made.joints[1:] - made.joints[:-1])[..., :2].norm(dim=-1).amax(1)
        inside = [frame for part in made.parts for frame in range(part.start, part.end)]
        assert len(made.joints) > len(inside)
        jumps = [float(step) for frame, step in enumerate(steps) if frame in inside or frame + 1 in inside]
        assert max(jumps) < 20  # between recorded places lie up to 75 pixels


def test_words_that_share_frames_with_their_neighbours_are_cut_apart() -> None:
    plain = track("one", "train", ["A", "B"], gap=0)
    parts = (Part("A", 0, 5), Part("B", 2, 4), Part("C", 4, 6))
    overlapping = Track(Clip("one", "train", "man-1", ("A", "B", "C")), plain.joints, parts)
    whole = corpus(overlapping, track("two", "train", ["C", "A"]), track("d", "dev", ["A"]), track("t", "test", ["A"]))
    for made in spliced(with_spliced(whole, Splicing(30))):
        assert all(0 <= part.start <= part.end <= len(made.joints) for part in made.parts)
        assert all(one.end <= other.start for one, other in zip(made.parts, made.parts[1:], strict=False))


def test_the_same_seed_makes_the_same_sentences() -> None:
    plain = some()
    one, same, other = (spliced(with_spliced(plain, Splicing(8, seed=seed))) for seed in (0, 0, 1))
    assert [track.clip for track in one] == [track.clip for track in same]
    assert all(torch.equal(a.joints, b.joints) for a, b in zip(one, same, strict=True))
    assert [track.clip.source for track in one] != [track.clip.source for track in other]


def test_senseless_splicing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 spliced sentences are none"):
        Splicing(0)
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match=f"share {share} of the glosses cannot be replaced"):
            Splicing(1, share)
    single = corpus(track("one", "train", ["A", "B"]), track("d", "dev", ["A"]), track("t", "test", ["A"]))
    with pytest.raises(ValueError, match="no gloss of tracks was recorded twice: nothing can be spliced"):
        with_spliced(single, Splicing(3))


@pytest.mark.shared
def test_real_recordings_are_spliced(shared_data: Path) -> None:
    boston = spliced_boston104(shared_data / "boston104-hands", sentences=30)
    assert len(boston.clips("train")) == 139 + 30
    assert boston.name.endswith("rendered frames), 30 training sentences spliced from them")
    sfinge = spliced_sfinge3d(shared_data / "sfinge3d", sentences=20)
    assert len(sfinge.clips("train")) == 504 + 20
    for whole in (boston, sfinge):
        steps = torch.cat([(one.joints[1:] - one.joints[:-1])[..., :-1].norm(dim=-1).amax(1) for one in spliced(whole)])
        assert float(steps.quantile(0.99)) < 20
