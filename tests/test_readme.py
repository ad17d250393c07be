"""The code of README.md that takes a student away: it reads what the run read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from slr.scoring import read_transcripts
from slr.vocabulary import BLANK
from tests.workbench.running import MAIN_CONFIG, ROOT, here, student_config, tiny_words
from workbench.assemble import open_corpus
from workbench.checkpoint import load_network, save_network
from workbench.config import load_config
from workbench.schema import DistillConfig

README = (ROOT / "README.md").read_text(encoding="utf-8")
(BLOCK,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "load_network" in block]
PLACE = '"runs/stsg_to_stgt/student"'


def talkative(place: Path) -> None:
    """Give a network that learned too little a dislike of the blank, so that it writes glosses."""
    network, card = load_network(place)
    bias = cast(Tensor, network.get_parameter("tail.head.bias"))
    with torch.no_grad():
        bias[BLANK] -= 10
    kept = {name: getattr(card, name) for name in ("corpus", "vocabulary", "arguments", "layout", "preprocessing")}
    save_network(place, network, node=card.network, **kept)


def test_a_student_that_was_taken_away_reads_what_it_read_in_its_run(simulated_root: Path, tmp_path: Path) -> None:
    assert PLACE in BLOCK
    words = tiny_words(simulated_root, student=1)
    done = here("train", student_config(tmp_path, words), "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    corpus = open_corpus(load_config(MAIN_CONFIG, words, schema=DistillConfig).data)
    place = done.folder / "network"
    talkative(place)
    read = here("evaluate", done.folder)
    assert read.code == 0, read.err
    wanted = read_transcripts(read.folder)
    code = BLOCK.replace(PLACE, repr(str(place)))
    found = {}
    for clip in corpus.clips("dev"):
        keypoints = corpus.pose(clip, torch.arange(corpus.num_frames(clip)))
        names: dict[str, Any] = {"keypoints": keypoints, "frame_size": corpus.frame_size}
        exec(code, names)
        found[clip.id] = names["glosses"]
    assert found == {clip: transcript.glosses for clip, transcript in wanted.items()}
    assert any(found.values())
