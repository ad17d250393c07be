"""Import what a teacher of another code base said about the clips of a corpus, checked whole before it is kept."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from kd.cache import TeacherCache
from kd.ensemble import holds_scores
from kd.identity import clip_key
from slr.data import SPLITS, Clip, Corpus
from slr.types import NetOutput, Padded
from slr.vocabulary import Vocabulary
from workbench.assemble import open_corpus
from workbench.clip_outputs import ClipOutputs, digest, find_files, like_probabilities, read_outputs
from workbench.config import content_hash
from workbench.disk import saying_when_full
from workbench.gloss_columns import GlossColumns, read_columns
from workbench.import_report import counted, import_lines, some
from workbench.making import Making
from workbench.output_rates import Rates
from workbench.output_store import CARD, FORMAT, OutputCard, OutputStore
from workbench.progress import Progress
from workbench.schema import Data

_CLIPS_PER_SHARD = 128
_LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class ImportSettings:
    """What is said about outputs beside the files themselves.

    Attributes:
        folder: a file per clip, see :func:`workbench.clip_outputs.read_outputs`.
        glosses: the gloss of every column, see :func:`workbench.gloss_columns.read_columns`.
        out: the store to make.
        index: which file is about which clip, where files are not called by the clip's id.
        name: what tables call the teacher; the name of ``folder`` when left out.
        blank: column of the blank; -1 is the last one.
        fps: frames per second that the teacher saw; those of the corpus when left out.
        frames_per_step: of these frames, for ``logits`` or a tap; worked out from all clips when left out.
        taps: features to import; all there are when left out.
        max_lacking: share of the corpus' glosses that the teacher may lack.
        precision: of the stored numbers.
    """

    folder: Path
    glosses: Path
    out: Path
    index: Path | None = None
    name: str | None = None
    blank: int = 0
    fps: float | None = None
    frames_per_step: Mapping[str, float] = field(default_factory=dict)
    taps: Sequence[str] | None = None
    max_lacking: float = 0.1
    precision: Literal["float16", "float32"] = "float16"

    def __post_init__(self) -> None:
        for name, frames in {
            "--fps": self.fps,
            **{f"--frames-per-step of {k}": v for k, v in self.frames_per_step.items()},
        }.items():
            if frames is not None and not (math.isfinite(frames) and frames > 0):
                raise ValueError(f"{name} is {frames:g}: it has to be greater than 0")
        if not 0 <= self.max_lacking <= 1:
            raise ValueError(f"--max-lacking is {self.max_lacking:g}: it is a share, from 0 to 1")


def import_outputs(settings: ImportSettings, data: Data, progress: Progress) -> Path:
    """Check outputs against a corpus and make a store of them, which ``teacher.outputs`` of a configuration names.

    Outputs of all training clips are needed; of dev and test those of all clips or of none.

    Returns:
        the folder of the store.

    Raises:
        ValueError: when anything does not fit, in a sentence; nothing is written then.
        OSError: when a file is missing, or there is no room.
    """
    with Making(progress) as making, saying_when_full(data.root):
        corpus = open_corpus(data, making)
    job = _Import(settings, corpus, corpus.vocabulary(data.vocabulary), progress)
    return job.run()


@dataclass(frozen=True)
class _Looked:
    """What was found of one clip: steps of every array, and a hash of all its numbers as they will be stored."""

    steps: Mapping[str, int]
    widths: Mapping[str, int]
    digest: str
    like_probabilities: bool


class _Import:
    def __init__(self, settings: ImportSettings, corpus: Corpus, vocabulary: Vocabulary, progress: Progress) -> None:
        self.settings = settings
        self.corpus = corpus
        self.vocabulary = vocabulary
        self.progress = progress
        self.files = find_files(settings.folder, settings.index)
        self.clips = self._clips()
        self.frames = {clip: corpus.num_frames(found) for clip, found in self.clips.items()}
        first = next(iter(self.clips))
        columns = self._read(first).arrays["logits"].shape[1]
        names = read_columns(settings.glosses, columns, settings.blank, vocabulary)
        self.columns = GlossColumns.matched(names, vocabulary)
        self._check_lacking()

    def run(self) -> Path:
        looked = self._look()
        fps, frames_per_step = self._rates(looked)
        card = self._card(looked, fps, frames_per_step)
        store = OutputStore(self.settings.out, card)
        if (self.settings.out / CARD).exists():
            kept = OutputStore.open(self.settings.out)
            if kept.card.identity != card.identity:
                raise ValueError(
                    f"{self.settings.out} holds other teacher outputs, {kept.card.name!r}: give another folder with "
                    "--out, or remove that one"
                )
            store = kept
        with saying_when_full(self.settings.out):
            self._write(store, looked)
            store.write_card()
        for line in import_lines(store.card, self.columns.unused, self.corpus):
            self.progress.line(line)
        return self.settings.out

    def _clips(self) -> dict[str, Clip]:
        """The clips of the corpus that there are outputs of, by id in ascending order."""
        known = {clip.id: clip for split in SPLITS for clip in self.corpus.clips(split)}
        excluded = {exclusion.clip for exclusion in self.corpus.excluded}
        strangers = [clip for clip in self.files if clip not in known and clip not in excluded]
        if strangers:
            raise ValueError(
                f"{self.files[strangers[0]]} is about {strangers[0]!r}, which is no clip of {self.corpus.name} "
                f"({counted(len(strangers), 'such file')}): files are called by the ids of the clips, or listed with "
                "them in an --index"
            )
        for split in SPLITS:
            wanted = [clip.id for clip in self.corpus.clips(split)]
            absent = [clip for clip in wanted if clip not in self.files]
            if absent and (split == "train" or len(absent) < len(wanted)):
                need = "all training clips are needed" if split == "train" else f"give all of {split} or none"
                raise ValueError(
                    f"{self.settings.folder} has outputs of {len(wanted) - len(absent)} of {len(wanted)} {split} "
                    f"clips, and none of {absent[0]!r}: {need}"
                )
        return {clip: known[clip] for clip in self.files if clip in known}

    def _check_lacking(self) -> None:
        lacking, glosses = self.columns.lacking, self.vocabulary.glosses
        if len(lacking) > self.settings.max_lacking * len(glosses):
            raise ValueError(
                f"the teacher of {self.settings.glosses} lacks {len(lacking)} of the {len(glosses)} glosses of "
                f"{self.corpus.name} ({some(lacking)}), and {self.settings.max_lacking:.0%} may be lacking: is it the "
                "list of another corpus, or spelt otherwise? --max-lacking allows more"
            )

    def _read(self, clip: str) -> ClipOutputs:
        return read_outputs(self.files[clip], clip, self.settings.taps)

    def _ours(self, outputs: ClipOutputs) -> dict[str, Tensor]:
        """The arrays of a clip as they are stored: scores over our glosses, everything else as it is."""
        found = {}
        for name, values in outputs.arrays.items():
            if holds_scores(name):
                if values.shape[1] != len(self.columns.names):
                    raise ValueError(
                        f"{name} in {outputs.path} has {values.shape[1]} columns and {self.settings.glosses} names "
                        f"{len(self.columns.names)}: scores of all clips are over the same glosses"
                    )
                values = self.columns.ours(values)
            found[name] = values
        return found

    def _look(self) -> dict[str, _Looked]:
        """Read every file once and refuse what cannot be kept, before anything is."""
        found: dict[str, _Looked] = {}
        with self.progress.bar("looking at outputs", len(self.clips)) as bar:
            for clip in self.clips:
                outputs = self._read(clip)
                ours = self._ours(outputs)
                self._check_size(outputs.path, ours)
                found[clip] = _Looked(
                    {name: len(values) for name, values in ours.items()},
                    {name: values.shape[1] for name, values in ours.items()},
                    digest(ours),
                    like_probabilities(outputs.arrays["logits"]),
                )
                self._check_same_arrays(outputs.path, found[clip], found[next(iter(found))])
                bar.advance()
        if all(looked.like_probabilities for looked in found.values()):
            raise ValueError(
                f"the logits in {self.settings.folder} are probabilities, since every step sums to 1: write the scores "
                "before the softmax, or the logarithms of these"
            )
        return found

    def _check_size(self, path: Path, arrays: Mapping[str, Tensor]) -> None:
        if self.settings.precision != "float16":
            return
        for name, values in arrays.items():
            if values.numel() and float(values.abs().max()) > _LARGEST_HALF:
                raise ValueError(
                    f"{name} in {path} reaches {float(values.abs().max()):g} in size, which half precision cannot "
                    "hold: say --precision float32"
                )

    def _check_same_arrays(self, path: Path, here: _Looked, first: _Looked) -> None:
        if here.widths != first.widths:
            ours, theirs = (", ".join(f"{name} [{width}]" for name, width in looked.widths.items())
                            for looked in (here, first))  # fmt: skip
            raise ValueError(f"{path} holds {ours}, and the first file {theirs}: all clips need the same arrays")

    def _rates(self, looked: Mapping[str, _Looked]) -> tuple[float, dict[str, float]]:
        """Frames per second that the teacher saw, and of these the frames per step of every array."""
        fps = self.corpus.fps if self.settings.fps is None else self.settings.fps
        names = next(iter(looked.values())).steps
        steps = {name: {clip: one.steps[name] for clip, one in looked.items()} for name in names}
        return fps, Rates(self.corpus.fps, fps, self.settings.frames_per_step).frames_per_step(self.frames, steps)

    def _card(self, looked: Mapping[str, _Looked], fps: float, frames_per_step: Mapping[str, float]) -> OutputCard:
        settings = self.settings
        first = next(iter(looked.values()))
        widths = {name: width for name, width in first.widths.items() if name != "logits"}
        digests = {clip: one.digest for clip, one in looked.items()}
        deciding = [FORMAT, self.vocabulary.glosses, fps, frames_per_step, self.corpus.fps, settings.precision, digests]
        clips: dict[str, dict[str, tuple[str, int]]] = {}
        for clip, found in self.clips.items():
            clips.setdefault(found.split, {})[clip] = (clip_key(clip, digests[clip]), self.frames[clip])
        return OutputCard(
            name=settings.name or settings.folder.resolve().name,
            identity=content_hash(deciding),
            precision=settings.precision,
            glosses=self.vocabulary.glosses,
            lacking=self.columns.lacking,
            corpus=self.corpus.name,
            corpus_fps=self.corpus.fps,
            fps=fps,
            frames_per_step=frames_per_step,
            widths=widths,
            clips=clips,
            source=self._source(),
        )

    def _source(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "folder": str(settings.folder),
            "glosses": str(settings.glosses),
            "glosses_sha256": hashlib.sha256(settings.glosses.read_bytes()).hexdigest(),
            "index": None if settings.index is None else str(settings.index),
            "columns": len(self.columns.names),
            "blank": self.columns.names.index(None),
            "unused_glosses": list(self.columns.unused),
            "imported": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }

    def _write(self, store: OutputStore, looked: Mapping[str, _Looked]) -> None:
        """Store what is not stored yet; an import that was cut off goes on."""
        cache = store.cache()
        keys = {clip: clip_key(clip, one.digest) for clip, one in looked.items()}
        taps = [name for name in next(iter(looked.values())).steps if name != "logits"]
        missing = set(cache.missing(keys.values(), taps))
        todo = iter([clip for clip in self.clips if keys[clip] in missing])
        with self.progress.bar("importing outputs", len(missing)) as bar:
            while clips := list(islice(todo, _CLIPS_PER_SHARD)):
                cache.write(dict(self._entries(cache, clips, keys, looked)))
                for _ in clips:
                    bar.advance()

    def _entries(
        self, cache: TeacherCache, clips: Sequence[str], keys: Mapping[str, str], looked: Mapping[str, _Looked]
    ) -> Iterator[tuple[str, NetOutput]]:
        for clip in clips:
            ours = self._ours(self._read(clip))
            if digest(ours) != looked[clip].digest:
                raise ValueError(f"{self.files[clip]} was changed while it was imported: start again")
            arrays = {name: Padded.from_list([values]) for name, values in ours.items()}
            yield keys[clip], NetOutput(arrays.pop("logits"), arrays)
