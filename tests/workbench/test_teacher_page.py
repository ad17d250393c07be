"""docs/teacher.md: what it tells those who bring a teacher of their own works as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import workbench.measure
from tests.workbench.dumps import Dump, clips_of, random_dump
from tests.workbench.running import MAIN_CONFIG, ROOT, Done, here, read_json, tiny_words

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "teacher.md").read_text(encoding="utf-8")
PREPARE, WITH_FEATURES, LOGITS_ALONE = re.findall(r"^    python scripts/(.*)$", PAGE, re.MULTILINE)
HIDDEN = 5  # width of the features of the dump


@pytest.fixture(autouse=True, scope="module")
def _without_figures() -> Iterator[None]:
    """Figures take a second per run and are tested elsewhere."""
    with mock.patch.object(workbench.measure, "draw_training"):
        yield


def given(command: str, root: Path, tmp_path: Path) -> list[str]:
    """The words of a command of the page, about the tiny corpus and a folder for tests."""
    script, *words = shlex.split(command)
    places = {
        "dumps/mine": str(tmp_path / "dump"),
        "gloss_dict.npy": str(tmp_path / "gloss_dict.npy"),
        "data/mine_outputs": str(tmp_path / "outputs"),
        "phoenix2014": "synthetic",
        "configs/phoenix2014.yaml": str(MAIN_CONFIG),
        "data.root=/path/to/phoenix2014-release": f"data.root={root}",
        "teacher.outputs=data/mine_outputs": f"teacher.outputs={tmp_path / 'outputs'}",
    }
    assert {word for word in words if word in places} >= {"data.root=/path/to/phoenix2014-release"}
    return [script.removesuffix(".py"), *(places.get(word, word) for word in words)]


def imported(root: Path, tmp_path: Path) -> Dump:
    """Outputs with the features of the page, imported by its command, with glosses in the form of VAC."""
    dump = random_dump(root, tmp_path / "dump")
    for clip in clips_of(dump.corpus):
        features = dump.read(clip.id)["frame"]
        dump.change(clip.id, conv=features[::2])
    columns = {gloss: [index, 1] for index, gloss in enumerate(dump.glosses, start=1)}
    np.save(tmp_path / "gloss_dict.npy", np.array(columns, dtype=object), allow_pickle=True)
    words = given(PREPARE, root, tmp_path)
    out = words.index("--out")
    done = here(*words[:out], "data.corpus.profile=tiny", *words[out:])
    assert done.code == 0, done.err
    assert done.folder == tmp_path / "outputs"
    return dump


def distilled(command: str, root: Path, tmp_path: Path, *more: str) -> Done:
    script, *words = given(command, root, tmp_path)
    return here(script, *words, *tiny_words(root, *more, student=1), "--out", tmp_path / "runs")


@pytest.mark.parametrize("command", [WITH_FEATURES, LOGITS_ALONE], ids=["features", "logits"])
def test_the_commands_of_the_page_distil(simulated_root: Path, tmp_path: Path, command: str) -> None:
    dump = imported(simulated_root, tmp_path)
    done = distilled(command, simulated_root, tmp_path)
    assert done.code == 0, done.err
    result = read_json(done.folder / "result.json")
    assert (done.folder.name, result["teacher"]["name"]) == ("mine", dump.folder.name)


def test_what_the_page_says_is_refused_is_refused(simulated_root: Path, tmp_path: Path) -> None:
    dump = imported(simulated_root, tmp_path)
    done = distilled(WITH_FEATURES, simulated_root, tmp_path, "data.streams.flip=0.5")
    assert "data.streams.flip" in done.err
    for clip in clips_of(dump.corpus):
        dump.change(clip.id, conv=None, frame=None)
    words = ["--glosses", dump.list_file, "--out", tmp_path / "logits", "--data", MAIN_CONFIG]
    words += [f"data.root={simulated_root}", "data.corpus.profile=tiny"]
    without = here("prepare", "teacher-outputs", dump.folder, *words)
    assert without.code == 0, without.err
    teacher = f"teacher.outputs={tmp_path / 'logits'}"
    done = distilled(WITH_FEATURES, simulated_root, tmp_path, teacher)
    assert "crd" in done.err
    assert done.code == 2
    done = distilled(LOGITS_ALONE, simulated_root, tmp_path, teacher)
    assert done.code == 0, done.err
