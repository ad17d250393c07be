"""Named sizes of the simulated corpus."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Profile:
    """How large a simulated corpus is.

    ``glosses`` counts the lexicon, minimal pairs included; ``sentences`` gives clips per split; ``length`` the fewest
    and the most glosses of a sentence; ``frame_size`` is (width, height) in pixels. Phoenix-2014 frames are 210 x
    260; the smaller profiles use 40 % of that, which keeps hands at about 20 pixels.
    """

    glosses: int
    minimal_pairs: dict[str, int]
    signers: int
    sentences: dict[str, int]
    length: tuple[int, int]
    frame_size: tuple[int, int] = (84, 104)


_SMALL = Profile(
    glosses=60,
    minimal_pairs={"handshape": 8, "movement": 6, "mouth": 4},
    signers=6,
    sentences={"train": 320, "dev": 120, "test": 420},
    length=(3, 8),
)

PROFILES: dict[str, Profile] = {
    "tiny": Profile(
        glosses=8,
        minimal_pairs={"handshape": 1, "movement": 1, "mouth": 1},
        signers=2,
        sentences={"train": 16, "dev": 6, "test": 8},
        length=(2, 3),
    ),
    "small": _SMALL,
    # The dev and test clips of "small", and its training clips with three times as many more: a network that is better
    # here lacked data there.
    "medium": replace(_SMALL, sentences={**_SMALL.sentences, "train": 1280}),
    # The sizes of RWTH-PHOENIX-Weather 2014; with its sentence lists at hand, its lexicon, sentences, signers, frame
    # counts and durations as well.
    "large": Profile(
        glosses=1231,
        minimal_pairs={"handshape": 60, "movement": 40, "mouth": 40},
        signers=9,
        sentences={"train": 5671, "dev": 540, "test": 629},
        length=(4, 16),
        frame_size=(210, 260),
    ),
}
