from __future__ import annotations

import shutil
from pathlib import Path

from tests.workbench.running import here


def test_a_sound_corpus_is_0(simulated_root: Path) -> None:
    done = here("check", "synthetic", f"data.root={simulated_root}", "data.corpus.profile=tiny")
    assert done.code == 0, done.err
    assert "simulated corpus (tiny, seed 0), keypoints very-high" in done.out


def test_the_environment_alone_is_0() -> None:
    done = here("check")
    assert done.code == 0
    assert done.out.startswith("environment")


def test_an_error_in_a_corpus_is_2(simulated_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(simulated_root, tmp_path / "data"))
    shutil.rmtree(next((root / "tiny-seed0" / "features" / "fullFrame-210x260px" / "dev").iterdir()))
    done = here("check", "synthetic", f"data.root={root}", "data.corpus.profile=tiny")
    assert done.code == 2
    assert "error" in done.out
    assert done.sentence == "there are errors: mend them as the table says before training"


def test_a_name_that_means_nothing_is_2() -> None:
    assert here("check", "phoenix").sentence.startswith("'phoenix' is neither a YAML file nor a corpus of")
