"""Pseudo-labels of a split, made once and kept in a file, so that every student is compared with the same ones.

The file is JSON. The labels of a clip are one line of numbers, a gloss id or the blank for every output step of the
network that made them; a hash over everything in the file finds what was changed by hand or by a bad disk.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slr.files import write_text
from slr.vocabulary import BLANK, Vocabulary

FORMAT = 1  # raised when an older version could no longer read what is written


@dataclass(frozen=True)
class LabelledClip:
    """The forced alignment of a clip's transcript: a gloss id or the blank for every output step.

    ``frames`` is the number of frames of the recording.
    """

    labels: tuple[int, ...]
    frames: int

    @property
    def glosses(self) -> list[int]:
        """The gloss ids that the labels spell."""
        return [label for label, _ in itertools.groupby(self.labels) if label != BLANK]


@dataclass(frozen=True)
class LabelSet:
    """Pseudo-labels of the clips of one split.

    Attributes:
        corpus: name of the corpus.
        split: the split.
        vocabulary: fingerprint of the vocabulary that gives the gloss ids.
        teacher: kind of the network that made the alignments.
        identity: hash of everything its outputs depend on, such as :func:`kd.identity.teacher_identity`.
        stride: steps of the temporal plan per label.
        clips: the labelled clips by their id.
        left_out: clips without labels by their id, with the reason.
    """

    corpus: str
    split: str
    vocabulary: str
    teacher: str
    identity: str
    stride: int
    clips: Mapping[str, LabelledClip]
    left_out: Mapping[str, str]

    @cached_property
    def sha256(self) -> str:
        """Sixty-four hex digits that change with anything in the set, the order of its clips excepted."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, path: Path | str) -> None:
        """Write the set, whole or not at all.

        Raises:
            OSError: when the file cannot be written.
        """
        content = {"format": FORMAT, "sha256": self.sha256, **self._content()}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path | str) -> LabelSet:
        """Read what :meth:`write` wrote.

        Raises:
            ValueError: when the file is missing, no label set, changed, or of another version; one sentence.
        """
        content = _read_json(Path(path))
        if content.pop("format") != FORMAT:
            raise ValueError(
                f"{path} has another format than {FORMAT}, which this version reads: make the labels again"
            )
        digest = content.pop("sha256")
        try:
            clips = {
                clip: LabelledClip(tuple(map(int, found["labels"].split())), int(found["frames"]))
                for clip, found in content.pop("clips").items()
            }
            labels = cls(clips=clips, **content)
            same = labels.sha256 == digest
        except (KeyError, TypeError, ValueError, AttributeError):
            same = False
        if not same:
            raise ValueError(
                f"{path} was changed after it was written: copy it again from where it was made, or make it anew and "
                "measure every student against the new one"
            )
        return labels

    def check(
        self, source: Path | str, split: str, vocabulary: Vocabulary, clips: Iterable[tuple[str, Sequence[str], int]]
    ) -> None:
        """Refuse labels that are not about these clips.

        Args:
            source: where the labels come from, for the messages.
            split: the split that is going to be compared.
            vocabulary: gloss ids of the networks that are going to be compared.
            clips: id, transcript and number of frames of every clip of the split.

        Raises:
            ValueError: naming the first thing that differs.
        """
        if split != self.split:
            raise ValueError(f"{source} labels {self.split!r} and not {split!r}: make labels of {split!r}")
        if vocabulary.fingerprint != self.vocabulary:
            raise ValueError(
                f"{source} was made with another vocabulary ({self.vocabulary}, here {vocabulary.fingerprint}): its "
                "numbers mean other glosses, so make labels with a network of the vocabulary used here"
            )
        known = {*self.clips, *self.left_out}
        for clip, transcript, frames in clips:
            if clip not in known:
                raise ValueError(f"{source} says nothing about {clip!r} of {split!r}: it was made of other clips")
            known.discard(clip)
            if clip in self.clips:
                self._check_clip(source, clip, vocabulary, transcript, frames)
        if known:
            raise ValueError(f"{source} labels {min(known)!r}, which is not in {split!r}: it was made of other clips")

    def _check_clip(
        self, source: Path | str, clip: str, vocabulary: Vocabulary, transcript: Sequence[str], frames: int
    ) -> None:
        found = self.clips[clip]
        if found.frames != frames:
            raise ValueError(
                f"{source} was made of {found.frames} frames of {clip!r}, which has {frames} now: make the labels again"
            )
        wanted = vocabulary.encode([gloss for gloss in transcript if gloss in vocabulary], clip=clip)
        if found.glosses != wanted:
            raise ValueError(
                f"{source} aligns {clip!r} with {' '.join(vocabulary.decode(found.glosses)) or 'no gloss'}, and its "
                f"transcript is {' '.join(transcript) or 'empty'}: make the labels again"
            )

    def _content(self) -> dict[str, Any]:
        return {
            "corpus": self.corpus,
            "split": self.split,
            "vocabulary": self.vocabulary,
            "teacher": self.teacher,
            "identity": self.identity,
            "stride": self.stride,
            "left_out": dict(self.left_out),
            "clips": {
                clip: {"frames": found.frames, "labels": " ".join(map(str, found.labels))}
                for clip, found in self.clips.items()
            },
        }


def _read_json(path: Path) -> dict[str, Any]:
    """The content of a label set, with its format and its hash."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist: name a file of pseudo-labels") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged or no file of pseudo-labels ({error})") from error
    if not isinstance(content, dict) or not {"format", "sha256", "clips", "identity"} <= content.keys():
        raise ValueError(f"{path} is JSON, but no file of pseudo-labels")
    return content
