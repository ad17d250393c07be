"""A run that nobody made: networks of known errors on clips that move, as large as a test wants it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from slr.data.corpus import Clip, Exclusion, gather_vocabulary
from slr.scoring import Transcript, score
from slr.skeleton import skeleton_layout
from slr.vocabulary import Vocabulary
from tests.workbench.running import MAIN_CONFIG
from workbench.analysis.findings import Findings
from workbench.analysis.looks import Looks
from workbench.analysis.relations import Relations
from workbench.analysis.run_folder import RunFolder
from workbench.analysis.shown import Read
from workbench.config import load_config
from workbench.progress import NoProgress
from workbench.result import NetworkResult, gap_as_dict
from workbench.schema import DistillConfig

GLOSSES = tuple(f"GLOSS{number:02d}" for number in range(40))
# What a careless page would run or choke on.
NASTY = (
    "</script><script>window.hacked=1</script>", "<img/src=x/onerror=window.hacked=1>",
    '"onmouseover="window.hacked=1"', "&lt;b&gt;", "{{DATA}}", "a&b", "ÄÖÜ-手語-🤟", "$x_1^2$", "-->",
)  # fmt: skip
WRONG = {"teacher": 0.1, "baseline": 0.35, "student": 0.2}


class MadeUpCorpus:
    """Clips in memory: a skeleton that waves with an estimator's jitter, and frames of a coloured gradient."""

    name = "made-up corpus"
    fps = 25.0
    excluded: tuple[Exclusion, ...] = ()

    def __init__(
        self,
        clips: int,
        *,
        glosses: Sequence[str] = GLOSSES,
        frames: int = 50,
        layout: str = "sign-27",
        size: tuple[int, int] = (84, 104),
        rgb: bool = True,
    ) -> None:
        self.layout = skeleton_layout(layout)
        self.frame_size = size
        self._rgb = rgb
        chance = random.Random(1)
        lengths = [frames + chance.randrange(-frames // 5, frames // 5 + 1) for _ in range(clips)]
        self._frames = {f"test-{number:04d}": length for number, length in enumerate(lengths)}
        self._clips = {
            "train": [Clip(f"train-{n}", "train", "S0", tuple(chance.choices(glosses, k=4))) for n in range(60)],
            "test": [
                Clip(
                    name, "test", f"Signer{chance.randrange(4)}", tuple(chance.choices(glosses, k=max(2, length // 14)))
                )
                for name, length in self._frames.items()
            ],
        }

    def clips(self, split: str) -> list[Clip]:
        return self._clips.get(split, [])

    def num_frames(self, clip: Clip) -> int:
        return self._frames[clip.id]

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        number, joints = self._number(clip), len(self.layout)
        chance = np.random.default_rng(number)
        time, joint = np.arange(self.num_frames(clip))[:, None], np.arange(joints)[None]
        x = 0.5 + 0.3 * np.sin(time / 9 + joint / 5 + number) * np.cos(joint)
        y = 0.5 + 0.3 * np.cos(time / 7 + joint / 3)
        places = np.stack([x, y], -1) * self.frame_size + chance.normal(0, 0.4, (*x.shape, 2))
        there = (chance.random(x.shape) > 0.03).astype(float)
        return torch.tensor(np.concatenate([places, there[..., None]], -1), dtype=torch.float32)[frames]

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        if not self._rgb:
            raise ValueError(f"no frames of clip {clip.id!r}")
        width, height = self.frame_size
        across, down = torch.arange(width)[None, None], torch.arange(height)[None, :, None]
        red = (2 * across + 3 * frames[:, None, None] + 0 * down) % 256
        green = (2 * down + 5 * self._number(clip) + 0 * red) % 256
        return torch.stack([red, green, (red + green) // 2], dim=1).to(torch.uint8)

    def vocabulary(self, over: str = "train") -> Vocabulary:
        return gather_vocabulary(cast(Any, self), over)

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        return clip.id

    def _number(self, clip: Clip) -> int:
        return int(clip.id.rpartition("-")[2])


def made_up(
    corpus: MadeUpCorpus, *, glosses: Sequence[str] = GLOSSES, relations: bool = True, name: str = "made up"
) -> Findings:
    """Findings about the test clips; every network takes a known share of the glosses for others."""
    chance = random.Random(2)
    clips = corpus.clips("test")
    references = {clip.id: clip.glosses for clip in clips}
    found = {
        role: {clip.id: _read(clip, corpus, share, glosses, chance) for clip in clips} for role, share in WRONG.items()
    }
    reports = {
        role: score(references, {clip: one.glosses for clip, one in read.items()}, "raw")
        for role, read in found.items()
    }
    networks = {
        role: NetworkResult(
            "STGT" if role != "teacher" else "STSGNet", {"dev": one, "test": one}, 1_000_000, 20_000_000
        )
        for role, one in reports.items()
    }
    result = {
        "name": name,
        "config_hash": "0" * 64,
        "seed": 3,
        "protocol": "raw",
        "decoder": "beam-10",
        **{role: network.as_dict() for role, network in networks.items()},
        "gap_closed": gap_as_dict(networks["baseline"], networks["student"], networks["teacher"]),
        "warnings": [{"network": "teacher", "stage": None, "epoch": None, "message": "a warning <b>"}],
        "pseudo_label_accuracy": {"all": 0.8, "non_blank": 0.5, "dense": 0.6, "baseline": {"all": 0.7}},
    }
    settings = load_config(MAIN_CONFIG, schema=DistillConfig)
    run = RunFolder(
        Path("made-up"), settings, "run: {name: <made up>}\n", result, {"command": ["distill.py"]}, _rows(), {}
    )
    looks = Looks(strides=dict.fromkeys(WRONG, 2))
    for place, role in enumerate(WRONG):
        looks.aligned[role] = {clip.id: _aligned(clip, corpus, 0.04 * place, chance) for clip in clips}
    if relations:
        looks.relations["trkd"] = {clip.id: _relations(corpus.num_frames(clip) // 4, chance) for clip in clips}
    place = SimpleNamespace(corpus=corpus, data=settings.data, progress=NoProgress(), vocabulary=corpus.vocabulary())
    reads = {entry.role: Read(entry, found[entry.role], reports[entry.role]) for entry in run.entries}
    return Findings(run, cast(Any, place), "test", clips, reads, looks, "teacher")


def _read(clip: Clip, corpus: MadeUpCorpus, share: float, glosses: Sequence[str], chance: random.Random) -> Transcript:
    read = [chance.choice(glosses) if chance.random() < share else gloss for gloss in clip.glosses]
    if chance.random() < share / 2:
        read.append(chance.choice(glosses))
    return Transcript(tuple(read), times=_times(len(read), corpus.num_frames(clip) / corpus.fps))


def _aligned(clip: Clip, corpus: MadeUpCorpus, later: float, chance: random.Random) -> Transcript:
    seconds = corpus.num_frames(clip) / corpus.fps
    moved = [chance.gauss(later, 0.03) for _ in clip.glosses]
    times = [(start + by, end + by) for (start, end), by in zip(_times(len(moved), seconds), moved, strict=True)]
    return Transcript(clip.glosses, times=tuple(times))


def _times(number: int, seconds: float) -> tuple[tuple[float, float], ...]:
    part = seconds / max(1, number)
    return tuple((round(part * (i + 0.3), 3), round(part * (i + 0.6), 3)) for i in range(number))


def _relations(steps: int, chance: random.Random) -> Relations:
    def side(width: float) -> np.ndarray:
        scores = np.exp(-np.abs(np.subtract.outer(np.arange(steps), np.arange(steps))) / width)
        scores *= np.array([[chance.uniform(0.7, 1.3) for _ in range(steps)]])
        return (scores / scores.sum(1, keepdims=True)).astype(np.float32)

    return Relations(student=side(3), teacher=side(2))


def _rows() -> list[dict[str, Any]]:
    rows = []
    for network, terms in (("teacher", ("ctc",)), ("baseline", ("ctc",)), ("student", ("ctc", "kd", "trkd"))):
        for epoch in range(1, 13):
            row: dict[str, Any] = {
                "network": network,
                "stage": network,
                "epoch": epoch,
                "terms": {name: (place + 1) * math.exp(-epoch / 3) for place, name in enumerate(terms)},
            }
            if epoch % 4 == 0:
                row["dev"] = {"WER": 0.2 + 0.8 / epoch}
            rows.append(row)
    return rows
