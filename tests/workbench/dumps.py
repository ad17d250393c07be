"""Outputs as another code base leaves them: one file per clip of the tiny corpus, its own glosses, its own rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from slr.data import SPLITS, Clip, Corpus, collate
from slr.types import NetOutput
from tests.workbench.running import MAIN_CONFIG, Done, here, tiny_words
from workbench.assemble import make_dataset, open_corpus
from workbench.checkpoint import load_network
from workbench.config import load_config
from workbench.schema import DistillConfig

Arrays = dict[str, Any]
FRAMES_PER_STEP = 4


def tiny_config(root: Path, *words: str) -> DistillConfig:
    return load_config(MAIN_CONFIG, [*tiny_words(root), *words], schema=DistillConfig)


@dataclass
class Dump:
    """A folder of outputs and the list of their glosses, the blank left out; ``blank`` is its column."""

    root: Path
    folder: Path
    corpus: Corpus
    glosses: tuple[str, ...]
    blank: int = 0
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def list_file(self) -> Path:
        return self.folder.parent / "glosses.txt"

    def write(self, clip: str, arrays: Mapping[str, Any]) -> Path:
        path = self.files[clip] = self.folder / f"{clip}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
        return path

    def write_glosses(self, *glosses: str) -> None:
        self.list_file.write_text("".join(f"{gloss}\n" for gloss in glosses or self.glosses), encoding="utf-8")

    def read(self, clip: str) -> Arrays:
        with np.load(self.files[clip]) as archive:
            return {name: archive[name] for name in archive.files}

    def change(self, clip: str, /, **arrays: Any) -> None:
        """Write a clip again with other arrays; None takes one out."""
        kept = {**self.read(clip), **arrays}
        self.write(clip, {name: array for name, array in kept.items() if array is not None})

    def imported(self, *words: Any, out: Path | None = None) -> Done:
        """The command on this dump, as a user calls it."""
        return here(
            *("prepare", "teacher-outputs", self.folder, "--glosses", self.list_file, "--blank", self.blank),
            *("--out", out or self.folder.parent / "store", *words),
            *("--data", MAIN_CONFIG, f"data.root={self.root}", "data.corpus.profile=tiny"),
        )  # fmt: skip


def clips_of(corpus: Corpus) -> list[Clip]:
    return [clip for split in SPLITS for clip in corpus.clips(split)]


def random_dump(root: Path, folder: Path) -> Dump:
    """Random scores over the glosses of the corpus in their order, a step per four frames, and a feature per two."""
    corpus = open_corpus(tiny_config(root).data)
    dump = Dump(root, folder, corpus, corpus.vocabulary().glosses)
    chance = np.random.default_rng(0)
    for clip in clips_of(corpus):
        frames = corpus.num_frames(clip)
        steps = -(-frames // FRAMES_PER_STEP)
        logits = chance.normal(size=(steps, len(dump.glosses) + 1)).astype(np.float32)
        dump.write(clip.id, {"logits": logits, "frame": chance.normal(size=(-(-frames // 2), 5))})
    dump.write_glosses()
    return dump


def network_dump(root: Path, checkpoint: Path, folder: Path, taps: tuple[str, ...], *, splits: Any = SPLITS) -> Dump:
    """What a trained teacher says of whole clips, with its glosses the other way round and its blank last.

    The arrays are padded, as a code base leaves them that works in batches.
    """
    network, card = load_network(checkpoint)
    config = tiny_config(root)
    corpus = open_corpus(config.data)
    glosses = tuple(reversed(card.glosses))
    dump = Dump(root, folder, corpus, glosses, blank=-1)
    order = [*range(len(glosses), 0, -1), 0]
    for split in splits:
        dataset = make_dataset(corpus, split, corpus.vocabulary(), config.data, streams={"rgb"})
        for index in range(len(dataset)):
            batch = collate([dataset[index]])
            with torch.no_grad():
                said: NetOutput = network(batch.stream("rgb"))
            arrays: Arrays = {}
            for name in ("logits", *taps):
                values = said.read(name).unpad()[0]
                values = values[:, order] if name.endswith("logits") else values
                arrays[name] = np.pad(values.numpy(), ((0, 3), (0, 0)), constant_values=np.nan)
                arrays[f"{name}_length"] = len(values)
            dump.write(batch.ids[0], {**arrays, "clip": batch.ids[0]})
    dump.write_glosses()
    return dump
