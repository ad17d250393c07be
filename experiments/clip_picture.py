"""One clip of a finished distillation in one picture: what the teacher sees, what the student sees, and what each says.

Glosses that are wrong stand in brackets. For example::

    python experiments/clip_picture.py runs/stsg_to_stgt simulated_small_test-0004 --out docs/clip.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no window, on any machine

import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from slr.data import Clip, Corpus
from slr.scoring import Transcript, read_transcripts
from slr.scoring.alignment import align
from workbench.assemble import open_corpus
from workbench.config import load_config
from workbench.distill import MAIN
from workbench.measure import hypotheses_file
from workbench.result import ROLES
from workbench.schema import DistillConfig

SHOWN = 12  # frames, evenly spread over the clip
COLOURS = {"right": "#0072B2", "wrong": "#D55E00"}  # Okabe and Ito: colour-blind people tell them apart


def draw(corpus: Corpus, clip: Clip, hypotheses: dict[str, Transcript], path: Path) -> None:
    """Frames above, keypoints below, and along the time the glosses of each network, wrong ones in orange brackets."""
    frames = torch.linspace(0, corpus.num_frames(clip) - 1, SHOWN).round().long()
    figure = plt.figure(figsize=(12, 3.9), layout="constrained")
    grid = figure.add_gridspec(3, SHOWN, height_ratios=(3, 3, 2), hspace=0.02, wspace=0.02)
    for column, (image, pose) in enumerate(zip(corpus.rgb(clip, frames), corpus.pose(clip, frames), strict=True)):
        seen = figure.add_subplot(grid[0, column])
        seen.imshow(image.permute(1, 2, 0).numpy())
        estimated = figure.add_subplot(grid[1, column])
        _skeleton(estimated, corpus, pose)
        for axes, label in ((seen, "teacher\nsees"), (estimated, "student\nsees")):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if column == 0:
                axes.set_ylabel(label, fontsize=9, rotation=0, ha="right", va="center")
    _glosses(figure.add_subplot(grid[2, :]), clip, hypotheses, corpus.num_frames(clip) / corpus.fps)
    figure.align_ylabels()
    figure.suptitle(f"{clip.id} of the {corpus.name}: rendered, not recorded", fontsize=9, color="0.35")
    figure.savefig(path, dpi=110)


def _skeleton(axes: Axes, corpus: Corpus, pose: torch.Tensor) -> None:
    width, height = corpus.frame_size
    for start, end in corpus.layout.bones:
        if pose[start, 2] > 0 and pose[end, 2] > 0:
            axes.plot(pose[[start, end], 0], pose[[start, end], 1], color="0.55", linewidth=1)
    present = pose[pose[:, 2] > 0]
    axes.scatter(present[:, 0], present[:, 1], s=3, color="#0072B2", zorder=2)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_facecolor("0.96")


def _glosses(axes: Axes, clip: Clip, hypotheses: dict[str, Transcript], seconds: float) -> None:
    for row, said in enumerate(hypotheses.values()):
        right = _matched(clip.glosses, said.glosses)
        for gloss, (start, end), fits in zip(said.glosses, said.times or (), right, strict=True):
            colour = COLOURS["right" if fits else "wrong"]
            text = gloss if fits else f"[{gloss}]"
            axes.text((start + end) / 2, -row, text, ha="center", va="center", fontsize=9, color=colour)
    axes.set_yticks([-row for row in range(len(hypotheses))], list(hypotheses), fontsize=9)
    axes.set_ylim(-len(hypotheses) + 0.4, 0.6)
    axes.set_xlim(0, seconds)
    axes.set_xlabel(f"seconds; signed: {' '.join(clip.glosses)}", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)


def _matched(reference: tuple[str, ...], said: tuple[str, ...]) -> list[bool]:
    """Which of the glosses said belong to the best alignment with the reference."""
    (operations,) = align([(reference, said)])
    return [operation == "C" for operation in operations if operation != "D"]


def main() -> None:
    """Draw the clip that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished distillation")
    parser.add_argument("clip", help="id of a test clip")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    asked = parser.parse_args()
    config = load_config(asked.run / "config.yaml", [], schema=DistillConfig)
    corpus = open_corpus(config.data)
    clips = {clip.id: clip for clip in corpus.clips("test")}
    if asked.clip not in clips:
        parser.error(f"{corpus.name} has no test clip {asked.clip!r}; the first is {next(iter(clips))!r}")
    hypotheses = {
        shown: read_transcripts(asked.run / hypotheses_file(role, "test", MAIN))[asked.clip]
        for role, shown in ROLES.items()
    }
    draw(corpus, clips[asked.clip], hypotheses, asked.out)


if __name__ == "__main__":
    main()
