"""More training sentences out of recorded ones: pieces of recordings, put into the place of others.

The motion is recorded, but nobody moved like that in one go: a corpus with such sentences says so in its name. Only
training recordings are taken apart, and dev and test stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from slr.data.corpus import Clip
from slr.data.tracks import Part, Track, TrackCorpus
from slr.synthesis.motion import minimum_jerk

_PACE = 6.0  # pixels of a drawn frame by which the fastest joint of a bridge moves from frame to frame
_LONGEST_BRIDGE = 8


@dataclass(frozen=True)
class Splicing:
    """How training sentences are made.

    Attributes:
        sentences: how many.
        share: of the glosses of a recorded sentence that are replaced.
        same_gloss: whether a gloss is replaced by another recording of the same gloss and signer, so that what is said
            stays what somebody said; otherwise by any gloss.
        seed: of all choices.

    Raises:
        ValueError: when there is nothing to make, or the share is none.
    """

    sentences: int
    share: float = 0.5
    same_gloss: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sentences < 1:
            raise ValueError(f"{self.sentences} spliced sentences are none: make one at least, or leave splicing out")
        if not 0 < self.share <= 1:
            raise ValueError(f"share {self.share} of the glosses cannot be replaced: it lies above 0 and up to 1")


def with_spliced(corpus: TrackCorpus, splicing: Splicing) -> TrackCorpus:
    """The corpus with further training sentences: recorded ones in which some glosses come from other recordings.

    A piece is moved so that the centre of the skeleton goes on where it was, and a minimum-jerk bridge leads to and
    from it where its joints lie elsewhere. A sentence in which chance replaced nothing is drawn again.

    Raises:
        ValueError: when no gloss of training could be replaced.
    """
    tracks = corpus.tracks("train")
    hosts = [track for track in tracks if len(track.parts) > 1]
    donors = _donors(tracks, splicing.same_gloss)
    if not any(_fitting(part, host, donors, splicing) for host in hosts for part in host.parts):
        raise ValueError(f"no gloss of {corpus.name} was recorded twice: nothing can be spliced")
    generator = np.random.default_rng([splicing.seed, 104])
    made: list[Track] = []
    while len(made) < splicing.sentences:
        host = hosts[int(generator.integers(len(hosts)))]
        chosen = [_chosen(part, host, donors, splicing, generator) for part in host.parts]
        if any(donor is not None for donor in chosen):
            made.append(_spliced(host, chosen, corpus.stored.centre, f"spliced-{len(made):04d}"))
    return corpus.with_tracks(made, f"{splicing.sentences} training sentences spliced from them")


Donor = tuple[Track, Part]


def _donors(tracks: Sequence[Track], same_gloss: bool) -> Mapping[str, list[Donor]]:
    """Recorded glosses by what they are: gloss and signer, or gloss alone."""
    donors: dict[str, list[Donor]] = defaultdict(list)
    for track in tracks:
        for part in track.parts:
            donors[_kind(part.gloss, track.clip.signer, same_gloss)].append((track, part))
    return donors


def _kind(gloss: str, signer: str, same_gloss: bool) -> str:
    return f"{gloss} {signer}" if same_gloss else gloss


def _fitting(part: Part, host: Track, donors: Mapping[str, list[Donor]], splicing: Splicing) -> list[Donor]:
    return [
        donor
        for donor in donors.get(_kind(part.gloss, host.clip.signer, splicing.same_gloss), [])
        if donor[0].clip.id != host.clip.id
    ]


def _chosen(
    part: Part, host: Track, donors: Mapping[str, list[Donor]], splicing: Splicing, generator: np.random.Generator
) -> Donor | None:
    """What takes the place of a part, if anything does."""
    if generator.random() >= splicing.share:
        return None
    if not splicing.same_gloss:
        kinds = sorted(donors)
        fitting = donors[kinds[int(generator.integers(len(kinds)))]]
    else:
        fitting = _fitting(part, host, donors, splicing)
    return fitting[int(generator.integers(len(fitting)))] if fitting else None


def _spliced(host: Track, chosen: Sequence[Donor | None], centre: int, name: str) -> Track:
    pieces: list[Tensor] = []
    parts: list[Part] = []
    frames, done, foreign = 0, 0, False

    def put(piece: Tensor, replaces: bool) -> None:
        """Append a piece, behind a bridge where it or the one before is from elsewhere."""
        nonlocal frames, foreign
        if not len(piece):
            return
        if pieces and (replaces or foreign):
            pieces.append(_bridge(pieces[-1][-1], piece[0]))
            frames += len(pieces[-1])
        pieces.append(piece)
        frames, foreign = frames + len(piece), replaces

    for part, donor in zip(host.parts, chosen, strict=True):
        start, end = max(part.start, done), max(part.end, done)  # neighbours may share frames
        put(host.joints[done:start], replaces=False)
        piece = host.joints[start:end] if donor is None else _moved(donor, host.joints[part.start], centre)
        put(piece, replaces=donor is not None)
        parts.append(Part(part.gloss if donor is None else donor[1].gloss, frames - len(piece), frames))
        done = end
    put(host.joints[done:], replaces=False)
    sources = [f"{donor[0].clip.id}:{donor[1].start}" if donor else "-" for donor in chosen]
    source = " ".join([host.clip.id, *sources])
    clip = Clip(name, "train", host.clip.signer, tuple(part.gloss for part in parts), source)
    return Track(clip, torch.cat(pieces), tuple(parts))


def _moved(donor: Donor, where: Tensor, centre: int) -> Tensor:
    """The joints of a recorded gloss, moved so that its centre begins where that of ``where`` ``[J, C]`` is."""
    track, part = donor
    joints = track.joints[part.start : part.end].clone()
    joints[..., :-1] += where[centre, :-1] - joints[0, centre, :-1]
    return joints


def _bridge(before: Tensor, after: Tensor) -> Tensor:
    """Frames between two, as many as the farthest joint needs at its pace; none where the next frame is near."""
    way = float((after - before)[..., :-1].norm(dim=-1).max())
    frames = min(int(way / _PACE), _LONGEST_BRIDGE)
    weight = torch.from_numpy(minimum_jerk(frames)).to(before)[:, None, None]
    return before + weight * (after - before)
