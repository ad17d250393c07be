"""A teacher that is no single network, in front of a split: imported outputs, or several that answer as one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kd.foreign import ForeignTeacher
from kd.teacher import Teacher
from slr.ctc import Decoder, GlossTimes, Hypothesis, LabelledClip, LabelSet
from slr.data import SignDataset
from slr.types import Batch, Padded
from workbench.aligner import Aligner
from workbench.assemble import evaluation_batches
from workbench.disk import saying_when_full
from workbench.pseudo_labels import kept_labels, read_labels
from workbench.recognise import Recogniser, Recognition, Seen, Watcher
from workbench.workplace import Workplace

_CLOSE = 1e-6


@dataclass(frozen=True)
class TeacherVoice:
    """How a teacher answers about one split.

    Attributes:
        name: what it is called in tables and labels.
        split: the split.
        identity: hash of everything that decides what it says, the clips aside.
        streams: those of a clip that it reads.
        stride: steps of the temporal plan per output step, the nearest whole number where it is none.
        write: its logits about the clips of a batch.
        source: imported outputs, where its steps are theirs; these need not last a whole number of frames.
    """

    name: str
    split: str
    identity: str
    streams: tuple[str, ...]
    stride: int
    write: Callable[[Batch], Padded]
    source: ForeignTeacher | None = None

    @classmethod
    def of_outputs(cls, name: str, split: str, identity: str, teacher: ForeignTeacher) -> TeacherVoice:
        """The outputs of another code base as they are, on their own steps."""
        stride = max(1, round(teacher.frames_per_step["logits"] / teacher.plan_stride))
        return cls(name, split, identity, (), stride, lambda batch: teacher.said(batch.ids).logits, teacher)

    def together(self, name: str, identity: str, streams: tuple[str, ...], teacher: Teacher) -> TeacherVoice:
        """Several teachers that answer on the steps of this one."""
        write = lambda batch: teacher(batch).logits  # noqa: E731
        return TeacherVoice(name, self.split, identity, streams, self.stride, write, self.source)

    def show(self, place: Workplace, *watchers: Watcher) -> None:
        """Let it read every clip of its split once, for all ``watchers``."""
        dataset = place.dataset(self.split, self.streams)
        for batch in evaluation_batches(dataset, place.frames_per_batch, place.data):
            logits = self.write(batch.to(place.precision.device))
            for watcher in watchers:
                watcher.see(self._seen(batch, logits, dataset))

    def recognise(self, place: Workplace, decoder: Decoder) -> Recognition:
        """What it reads in the clips of its split."""
        recogniser = Recogniser(decoder)
        self.show(place, recogniser)
        return recogniser.recognition(place.corpus.clips(self.split))

    def labels(self, place: Workplace) -> LabelSet:
        """Its pseudo-labels: those kept beside the runs, or made and kept now.

        Raises:
            ValueError: when the file that was kept is damaged.
            NoRoomError: when there is no room to keep them.
        """
        path = kept_labels(place, self.identity, self.split, self.streams)
        if not path.is_file():
            with saying_when_full(path):
                self._made_labels(place).write(path)
        return read_labels(path, place, self.split)

    def _made_labels(self, place: Workplace) -> LabelSet:
        aligner = Aligner()
        self.show(place, aligner)
        clips = place.corpus.clips(self.split)
        return LabelSet(
            corpus=place.corpus.name,
            split=self.split,
            vocabulary=place.vocabulary.fingerprint,
            teacher=self.name,
            identity=self.identity,
            stride=self.stride,
            clips={
                clip.id: LabelledClip(aligner.labels[clip.id], place.corpus.num_frames(clip))
                for clip in clips
                if clip.id in aligner.labels
            },
            left_out={clip.id: aligner.left_out[clip.id] for clip in clips if clip.id in aligner.left_out},
        )

    def _seen(self, batch: Batch, logits: Padded, dataset: SignDataset) -> Seen:
        if self.source is None:
            return Seen(batch, logits, self.stride, dataset)
        return _SeenByRate(batch, logits, self.stride, dataset, self.source)


@dataclass(frozen=True)
class _SeenByRate(Seen):
    """A batch whose output steps last a number of frames that need not be whole."""

    source: ForeignTeacher

    def _times(self, row: int, hypothesis: Hypothesis) -> GlossTimes:
        clip = self.batch.ids[row]
        rate = self.source.step_frames(clip, "logits", int(self.logits.lengths[row]))
        last = self.source.clips[clip].frames
        # A rounding error of the rate must not add a frame on either side.
        frames = tuple(
            (min(math.floor(start * rate + _CLOSE), last - 1), min(math.ceil((end + 1) * rate - _CLOSE), last))
            for start, end in zip(hypothesis.starts, hypothesis.ends, strict=True)
        )
        fps = self.dataset.corpus.fps
        return GlossTimes(frames, tuple((first / fps, stop / fps) for first, stop in frames))
