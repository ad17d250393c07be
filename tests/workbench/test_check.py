from __future__ import annotations

import configparser
import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from tests.workbench.dumps import random_dump
from tests.workbench.running import MAIN_CONFIG, ROOT, distilling_losses
from workbench.check import EXTRAS, check
from workbench.progress import PlainProgress

CONFIGS = ROOT / "configs"
CORPUS = "tiny-seed0"


def checked(what: str | Path | None, *words: str) -> tuple[bool, str]:
    out = io.StringIO()
    console = Console(file=out, width=160)
    sound = check(None if what is None else str(what), list(words), CONFIGS, PlainProgress(io.StringIO()), console)
    return sound, " ".join(out.getvalue().split())


def tiny(root: Path) -> list[str]:
    return [f"data.root={root}", "data.corpus.profile=tiny"]


def test_the_environment_alone_is_sound() -> None:
    sound, text = checked(None)
    assert sound
    for part in ("project version", "python", "torch", "extras installed", "extras missing"):
        assert part in text


def test_the_extras_are_those_that_the_project_has() -> None:
    """And messages, the README and the pages tell how to install one from a checkout."""
    project = configparser.ConfigParser()
    project.read(ROOT / "setup.cfg", encoding="utf-8")
    assert set(EXTRAS) == set(project["options.extras_require"]) - {"test", "lint"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in readme for name in EXTRAS)
    sources = [path for room in ("slr", "kd", "workbench") for path in (ROOT / room).rglob("*.py")]
    told = [words for path in sources for words in re.findall(r"pip install (.*)", path.read_text(encoding="utf-8"))]
    named = [re.match(r"-e '\.\[([\w-]+)\]'", words) for words in told]
    assert {found and found[1] for found in named} <= set(EXTRAS), told


@pytest.mark.parametrize("config", ["stsg_to_stgt.yaml", "train_stsg.yaml"])
def test_a_configuration_is_checked_with_its_corpus(simulated_root: Path, config: str) -> None:
    sound, text = checked(CONFIGS / config, *tiny(simulated_root))
    assert sound
    assert f"{config}: the networks can be built, and the losses find their taps" in text
    assert "simulated corpus (tiny, seed 0), keypoints very-high" in text
    assert "train: 16 clips of 2 signers" in text


def test_imported_outputs_are_checked_with_the_configuration(simulated_root: Path, tmp_path: Path) -> None:
    dump = random_dump(simulated_root, tmp_path / "dump")
    store = dump.imported().folder
    words = [*tiny(simulated_root), f"teacher.outputs={store}"]
    words += [f"distillation.losses.{name}.weight=0" for name in distilling_losses() if name == "crd"]
    assert checked(MAIN_CONFIG, *words)[0]
    for shard in store.glob("*/shard-*"):
        shard.unlink()
    with pytest.raises(ValueError, match=r"the teacher outputs of 30 clips in .* are damaged or gone"):
        checked(MAIN_CONFIG, *words)


def test_a_corpus_is_checked_by_its_name(simulated_root: Path) -> None:
    sound, text = checked("synthetic", *tiny(simulated_root))
    assert sound
    assert "test: 8 clips" in text
    assert checked("phoenix2014", f"data.root={simulated_root / CORPUS}")[0]
    assert checked("phoenix2014", f"root={simulated_root / CORPUS}")[0]  # its own keys will do


def test_what_training_would_stumble_over_is_an_error(simulated_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(simulated_root, tmp_path / "data"))
    manual = root / CORPUS / "annotations" / "manual" / "train.corpus.csv"
    lines = manual.read_text().splitlines()
    lines[1] += f" {lines[1].split()[-1]}" * 40
    manual.write_text("\n".join(lines) + "\n")
    gone = next(path for path in (root / CORPUS / "features" / "fullFrame-210x260px" / "dev").iterdir())
    shutil.rmtree(gone)
    sound, text = checked(MAIN_CONFIG, *tiny(root))
    assert not sound
    assert gone.name in text
    assert lines[1].partition("|")[0] in text
    assert text.count("error") >= 2


def test_a_corpus_without_frames_is_checked_for_what_it_has(simulated_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(simulated_root, tmp_path / "data"))
    shutil.rmtree(root / CORPUS / "features")
    sound, text = checked("phoenix2014", f"data.root={root / CORPUS}", "data.corpus.features=null")
    assert sound
    assert "keypoints missing per group" in text


@pytest.mark.parametrize(
    ("what", "words", "says"),
    [
        (
            "phoenix",
            [],
            r"'phoenix' is neither a YAML file nor a corpus of .*configs.data, which has .*phoenix2014, .*synth",
        ),
        ("none.yaml", [], "none.yaml does not exist"),
        ("synthetic", ["data.corpus.profil=tiny"], "did you mean profile"),
        (str(MAIN_CONFIG), ["distillation.losses.crd.loss.tap=x"], "reads the tap 'x'"),
        ("phoenix2014", ["data.root=/nowhere"], "there is no corpus at /nowhere"),
    ],
)
def test_what_cannot_be_opened_is_refused(what: str, words: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked(what, *words)
