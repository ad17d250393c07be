"""Imported outputs of a teacher that this project does not implement: a folder that a configuration can name.

``outputs.json`` is the card: whose outputs, of which clips, over which glosses, at which rate, from where. The outputs
lie beside it in the format of the cache of teacher outputs, checksums included, over our glosses and in our order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from kd.cache import TeacherCache
from kd.foreign import ForeignClip, ForeignTeacher
from slr.data import SPLITS, Corpus
from slr.vocabulary import Vocabulary
from workbench.config import content_hash
from workbench.disk import write_text
from workbench.fitting import gloss_difference
from workbench.version import __version__

CARD = "outputs.json"
FORMAT = 1  # raised when an older version could no longer read what is written


@dataclass(frozen=True)
class OutputCard:
    """What stands beside imported outputs.

    Attributes:
        name: what tables call the teacher.
        identity: hash of the outputs and of everything that decides how they are read.
        precision: of the stored numbers.
        glosses: those of the corpus, in our order; the blank comes first.
        lacking: glosses among them that the teacher cannot write.
        corpus: name of the corpus.
        corpus_fps: frames per second of its recordings.
        fps: frames per second that the teacher saw.
        frames_per_step: of those frames, per step of the logits and of every tap.
        widths: features of every tap; scores over the glosses are as wide as these.
        clips: of every split the clips in it, by id: the key of the stored entry and the frames of the recording.
        source: where the outputs came from and what was found when they were imported.
    """

    name: str
    identity: str
    precision: Literal["float16", "float32"]
    glosses: tuple[str, ...]
    lacking: tuple[str, ...]
    corpus: str
    corpus_fps: float
    fps: float
    frames_per_step: Mapping[str, float]
    widths: Mapping[str, int]
    clips: Mapping[str, Mapping[str, tuple[str, int]]]
    source: Mapping[str, Any] = field(default_factory=dict)
    project_version: str = __version__
    format: int = FORMAT

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of which there are outputs."""
        return tuple(split for split in SPLITS if self.clips.get(split))


@dataclass(frozen=True)
class OutputStore:
    """A folder of imported outputs."""

    folder: Path
    card: OutputCard

    @classmethod
    def open(cls, folder: Path | str) -> OutputStore:
        """The store in a folder.

        Raises:
            ValueError: when there is none, its card was changed, or it is of another version; one sentence.
        """
        folder = Path(folder)
        path = folder / CARD
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            digest = content.pop("card_sha256")
        except (FileNotFoundError, NotADirectoryError):
            raise ValueError(
                f"there are no teacher outputs at {folder}: name a folder that scripts/prepare.py teacher-outputs made"
            ) from None
        except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged or no card of teacher outputs: import the outputs again") from error
        if content.get("format") != FORMAT:
            raise ValueError(
                f"{path} has format {content.get('format')!r} and this version reads {FORMAT}: import the outputs again"
            )
        if content_hash(content) != digest:
            raise ValueError(f"{path} was changed after it was written: import the outputs again")
        for key in ("glosses", "lacking"):
            content[key] = tuple(content[key])
        content["clips"] = {
            split: {clip: tuple(entry) for clip, entry in clips.items()} for split, clips in content["clips"].items()
        }
        return cls(folder, OutputCard(**content))

    def write_card(self) -> None:
        """Write the card, whole or not at all; it comes last, so that a folder with a card is complete.

        Raises:
            OSError: when there is no room, in one sentence.
        """
        content = json.loads(json.dumps(asdict(self.card)))
        text = json.dumps({**content, "card_sha256": content_hash(content)}, indent=1, ensure_ascii=False)
        write_text(self.folder / CARD, text + "\n")

    def cache(self, *, preload: bool = False) -> TeacherCache:
        """Where the numbers are."""
        return TeacherCache(self.folder, self.card.identity, self.card.precision, preload=preload)

    def teacher(
        self, split: str, plan_stride: int, taps: Iterable[str] = (), *, preload: bool = False
    ) -> ForeignTeacher:
        """The teacher on the clips of one split.

        Args:
            split: which clips it answers for, and no others.
            plan_stride: frames of the recording from one frame shown to the next.
            taps: those read beside the logits.
            preload: read everything into memory at once.
        """
        clips = {clip: ForeignClip(key, frames) for clip, (key, frames) in self.card.clips.get(split, {}).items()}
        return ForeignTeacher(self.cache(preload=preload), clips, self.recorded_frames_per_step, plan_stride, taps)

    @property
    def recorded_frames_per_step(self) -> dict[str, float]:
        """Frames of the recording per step, by name: those of the teacher at the rate of the corpus."""
        return {
            name: frames * self.card.corpus_fps / self.card.fps for name, frames in self.card.frames_per_step.items()
        }

    def check(self, corpus: Corpus, vocabulary: Vocabulary, taps: Iterable[str] = ()) -> None:
        """Refuse a corpus that the outputs are not about, and outputs that are damaged.

        Raises:
            ValueError: naming the first thing that does not fit.
        """
        if self.card.glosses != vocabulary.glosses:
            raise ValueError(
                f"the teacher outputs {self.folder} are over {len(self.card.glosses)} glosses and this corpus has "
                f"{len(vocabulary.glosses)}, {gloss_difference(self.card.glosses, vocabulary.glosses)}: import them "
                "again for this corpus"
            )
        if self.card.corpus_fps != corpus.fps:
            raise ValueError(
                f"the teacher outputs {self.folder} were imported for {self.card.corpus_fps:g} frames per second and "
                f"this corpus has {corpus.fps:g}: import them again for this corpus"
            )
        for split in SPLITS:
            if split == "train" or split in self.card.splits:
                self._check_split(corpus, split)
        missing = self.cache().missing((key for clips in self.card.clips.values() for key, _ in clips.values()), taps)
        if missing:
            raise ValueError(
                f"the teacher outputs of {len(missing)} clips in {self.folder} are damaged or gone: import them again"
            )

    def _check_split(self, corpus: Corpus, split: str) -> None:
        stored, clips = self.card.clips.get(split, {}), corpus.clips(split)
        absent = [clip.id for clip in clips if clip.id not in stored]
        if absent:
            raise ValueError(
                f"the teacher outputs {self.folder} lack {len(absent)} of {len(clips)} {split} clips, {absent[0]!r} "
                "among them: import them again with these"
            )
        for clip in clips:
            frames = corpus.num_frames(clip)
            if stored[clip.id][1] != frames:
                raise ValueError(
                    f"the teacher outputs {self.folder} are about {stored[clip.id][1]} frames of clip {clip.id!r}, "
                    f"which has {frames} now: import them again"
                )
