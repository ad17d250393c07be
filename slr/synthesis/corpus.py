"""The simulated corpus: invented signs, simulated signers, rendered frames and estimated keypoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slr.synthesis.camera import Camera
from slr.synthesis.estimator import KEYPOINT_LEVELS, estimate_keypoints
from slr.synthesis.lexicon import Lexicon, make_lexicon
from slr.synthesis.motion import Motion, sign_sentence
from slr.synthesis.profiles import PROFILES, Profile
from slr.synthesis.sentences import SPLITS, Grammar, Sentence, read_durations, read_sentence_lists
from slr.synthesis.signers import Signer, make_signers

# A forced alignment leaves no gaps: its segments hold the sign and the way to the next one. The sign's own share
# makes clips of the real sentences about as long as the real ones before they are stretched to exactly that.
_SIGN_SHARE = 0.45
_USUAL_FRAMES = 12  # of a gloss that the alignment does not have


@dataclass(frozen=True)
class SimulatedSpec:
    """Everything that decides the bytes of a simulated corpus.

    ``profile`` is ``"tiny"``, ``"small"``, ``"medium"`` or ``"large"``; ``sentence_lists`` is a folder with the
    ``<split>.tsv`` tables of Phoenix-2014 (and optionally ``auto_alignment_segments.txt.gz``), used by any profile that
    is given one.

    Raises:
        ValueError: on an unknown profile.
    """

    profile: str = "small"
    seed: int = 0
    sentence_lists: str | None = None

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"unknown profile {self.profile!r}: simulated corpora come as {', '.join(PROFILES)}")

    @property
    def name(self) -> str:
        """How results must call this corpus."""
        lists = ", sentence lists of Phoenix-2014" if self.sentence_lists else ""
        return f"simulated corpus ({self.profile}, seed {self.seed}{lists})"

    @property
    def details(self) -> dict[str, Any]:
        """What the name of the profile stands for."""
        return asdict(PROFILES[self.profile])

    @property
    def folder(self) -> str:
        """Name of its own folder below a root that it may share with other corpora."""
        return f"{self.profile}{'-phoenix-lists' if self.sentence_lists else ''}-seed{self.seed}"

    def open(self) -> SimulatedClips:
        """The clips themselves."""
        return SimulatedClips(self)


class SimulatedClips:
    """All clips of a simulated corpus, made on demand."""

    def __init__(self, spec: SimulatedSpec) -> None:
        self.spec = spec
        self.profile: Profile = PROFILES[spec.profile]
        self.durations: dict[str, int] = {}
        if spec.sentence_lists is None:
            self.lexicon: Lexicon = self._make_lexicon(self.profile.glosses)
            self.sentences = self._write_sentences()
        else:
            folder = Path(spec.sentence_lists)
            self.sentences = read_sentence_lists(folder)
            glosses = sorted({gloss for split in self.sentences.values() for one in split for gloss in one.glosses})
            self.lexicon = self._make_lexicon(glosses)
            if (folder / "auto_alignment_segments.txt.gz").is_file():
                self.durations = read_durations(folder / "auto_alignment_segments.txt.gz")
        self.signers = self._make_signers()

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        return self.profile.frame_size

    def describe(self) -> dict[str, Any]:
        """Parameters of every sign and the minimal pairs."""
        signs = {gloss: asdict(sign) for gloss, sign in self.lexicon.signs.items()}
        return {"signs": signs, "minimal_pairs": [list(pair) for pair in self.lexicon.minimal_pairs]}

    def _generator(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.spec.seed, *key])

    def _make_lexicon(self, glosses: int | list[str]) -> Lexicon:
        return make_lexicon(glosses, self.profile.minimal_pairs, self._generator(1))

    def _write_sentences(self) -> dict[str, list[Sentence]]:
        grammar = Grammar(self.lexicon.glosses, self._generator(2))
        low, high = self.profile.length
        sentences = {}
        for number, split in enumerate(SPLITS):
            generator = self._generator(3, number)
            sentences[split] = [
                Sentence(
                    f"simulated_{self.spec.profile}_{split}-{index:04d}",
                    grammar.sentence(int(generator.integers(low, high + 1)), generator),
                )
                for index in range(self.profile.sentences[split])
            ]
        return sentences

    def _make_signers(self) -> dict[str, Signer]:
        named = sorted({one.signer for split in self.sentences.values() for one in split if one.signer})
        signers = make_signers(len(named) or self.profile.signers, self._generator(4))
        return dict(zip(named or [signer.name for signer in signers], signers, strict=True))

    def signer_of(self, split: str, index: int) -> str:
        """Name of who signs a clip; the splits share their signers, as Phoenix's multi-signer set-up does."""
        sentence = self.sentences[split][index]
        names = list(self.signers)
        return sentence.signer or names[int(self._generator(5, SPLITS.index(split), index).integers(len(names)))]

    def motion(self, split: str, index: int) -> tuple[Motion, Signer, Camera]:
        """One clip as a moving body, with who signs it and the camera in front of them."""
        sentence = self.sentences[split][index]
        signer = self.signers[self.signer_of(split, index)]
        motion = sign_sentence(
            [self.lexicon.signs[gloss] for gloss in sentence.glosses],
            signer,
            self._generator(6, SPLITS.index(split), index),
            durations=self._durations_of(sentence),
            num_frames=sentence.num_frames,
        )
        return motion, signer, Camera.for_signer(signer, *self.profile.frame_size)

    def _durations_of(self, sentence: Sentence) -> list[int] | None:
        if not self.durations:
            return None
        return [round(_SIGN_SHARE * self.durations.get(gloss, _USUAL_FRAMES)) for gloss in sentence.glosses]

    def keypoints(self, split: str, index: int, level: str) -> np.ndarray:
        """Estimated keypoints ``[T, 133, 3]`` of one clip at a named level."""
        generator = self._generator(7, SPLITS.index(split), index)
        return estimate_keypoints(*self.motion(split, index), KEYPOINT_LEVELS[level], generator)
