"""The examples of CONTRIBUTING.md, cut out of the page and run: what it teaches works as it stands there."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import itertools
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import kd.losses
import slr.data
import slr.data.isolated.readers
import students
from kd.losses.base import Loss
from slr.data import collate, write_keypoints
from slr.data import inspect as inspect_corpus
from slr.data.isolated import IsolatedStore, StoredCorpus, write_store
from slr.skeleton import skeleton_layout
from slr.types import Network
from tests import losses as loss_rows
from tests import nets, test_every_combination, test_network_invariants
from tests.kd.losses import test_invariants
from tests.test_every_combination import Classroom, two_steps
from tests.workbench import test_configs
from tests.workbench.isolated import stores
from tests.workbench.isolated import test_configs as test_isolated_configs
from tests.workbench.running import ROOT, here
from tests.workbench.study import test_experiments
from workbench import isolated_command
from workbench.assemble import make_dataset, open_corpus
from workbench.config import load_config
from workbench.preflight import check_distillation
from workbench.schema import Data, DistillConfig
from workbench.study.grid import plan

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Every block of code in a language of ours begins with a comment that says where it belongs.
BLOCKS = dict(re.findall(r"^```(?:python|yaml)\n# ([^\n]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def block(place: str) -> str:
    return BLOCKS[place]


def test_every_block_says_where_it_belongs_and_is_run_here() -> None:
    assert len(re.findall(r"^```(?:python|yaml)$", PAGE, re.MULTILINE)) == len(BLOCKS)
    used = re.findall(
        r"(?:block|added|configured|written|row)\(\s*(?:\w+, )*\"([^\"]+)\"", Path(__file__).read_text(encoding="utf-8")
    )
    assert set(used) == set(BLOCKS)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, ModuleType], Any]]:
    """Puts the module of a block into a package, with its line in ``__init__.py``; returns the class it is about."""
    made = []

    def add(place: str, package: ModuleType) -> Any:
        path = tmp_path / place
        path.parent.mkdir(parents=True)
        path.write_text(f"# {place}\n{block(place)}", encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(path.parent)])
        name = f"{package.__name__}.{path.stem}"
        module = importlib.import_module(name)
        made.append(name)
        (found,) = [value for key, value in vars(module).items() if inspect.isclass(value) and value.__module__ == name]
        monkeypatch.setattr(package, found.__name__, found, raising=False)
        monkeypatch.setattr(package, "__all__", [*package.__all__, found.__name__])
        return found

    yield add
    for name in made:
        del sys.modules[name]
        delattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2])


def row(place: str, table: ModuleType, *more: tuple[str, Any]) -> dict[str, list[Any]]:
    """The row of a block, as the table would hold it."""
    return eval(f"{{{block(place)}}}", {**vars(table), **dict(more)})


def hold_for(module: ModuleType, case: Any) -> int:
    """Run every test of ``module`` that is about a case on ``case``, for all else that it is parametrised by."""
    count = 0
    for name, test in vars(module).items():
        if not name.startswith("test_") or "case" not in inspect.signature(test).parameters:
            continue
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        choices = []
        for mark in marks:
            names = mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0]
            if names != ["case"]:
                choices.append(
                    [dict(zip(names, values if len(names) > 1 else [values], strict=True)) for values in mark.args[1]]
                )
        for chosen in itertools.product(*choices):
            torch.manual_seed(0)
            test(case=case, **{key: value for part in chosen for key, value in part.items()})
            count += 1
    return count


def configured(folder: Path, place: str) -> Path:
    """The configuration of a block, among all others."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    return written(folder, place)


def written(folder: Path, place: str) -> Path:
    """The file of a block, in its place below a folder."""
    path = folder / place
    path.write_text(f"# {place}\n{block(place)}", encoding="utf-8")
    return path


def test_the_loss_meets_what_holds_for_every_loss(
    added: Callable[[str, ModuleType], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = added("kd/losses/step_cosine.py", kd.losses)
    assert issubclass(loss, Loss)
    rows = row("tests/losses.py, in ROWS", loss_rows)
    assert list(rows) == [loss.__name__]
    for case in rows[loss.__name__]:
        assert hold_for(test_invariants, case) > 20
    monkeypatch.setitem(loss_rows.ROWS, loss.__name__, rows[loss.__name__])
    test_invariants.test_every_exported_loss_has_a_row()
    own: dict[str, Any] = {}
    exec(block("tests/kd/losses/test_step_cosine.py"), own)
    (its_test,) = [value for name, value in own.items() if name.startswith("test_")]
    its_test()
    config = load_config(configured(tmp_path, "configs/cosine.yaml"), schema=DistillConfig)
    assert check_distillation(config).teacher_taps >= {"conv"}
    assert config.distillation.losses["cosine"].weight == 1
    (tmp_path / "experiments").mkdir()
    grid = plan(written(tmp_path, "experiments/cosine.yaml"), tmp_path / "runs")
    assert [str(cell) for cell in grid.runs] == [
        f"{row}, seed {seed}" for row in ("cosine", "fitnet") for seed in range(3)
    ]
    for run in grid.runs.values():
        assert isinstance(run.config, DistillConfig)
        assert check_distillation(run.config).teacher_taps >= {"conv"}
    # The study of all losses wants a row, and that of the page is one.
    study = tmp_path / "experiments" / "losses.yaml"
    shutil.copy(ROOT / "experiments" / "losses.yaml", study)
    monkeypatch.setattr(test_experiments, "ROOT", tmp_path)
    every_loss = test_experiments.test_the_loss_zoo_has_every_loss_that_compares_a_student_with_its_teacher_on_sentences
    with pytest.raises(AssertionError, match="StepCosine"):
        every_loss()
    without = study.read_text(encoding="utf-8").rstrip()
    study.write_text(without + "\n" + block("experiments/losses.yaml, in rows"), encoding="utf-8")
    every_loss()
    test_experiments.test_every_run_of_a_study_passes_the_preflight(study)


def test_the_test_of_the_loss_would_notice_another_formula(
    added: Callable[[str, ModuleType], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = added("kd/losses/step_cosine.py", kd.losses)
    monkeypatch.setitem(loss_rows.ROWS, loss.__name__, row("tests/losses.py, in ROWS", loss_rows)[loss.__name__])
    monkeypatch.setattr(loss, "compute", lambda self, student, teacher, batch: student.logits.values.sum())
    own: dict[str, Any] = {}
    exec(block("tests/kd/losses/test_step_cosine.py"), own)
    with pytest.raises(AssertionError):
        next(value for name, value in own.items() if name.startswith("test_"))()


def test_the_network_meets_what_holds_for_every_network(
    added: Callable[[str, ModuleType], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated_root: Path
) -> None:
    network = added("students/frame_mlp.py", students)
    rows = row("tests/nets.py, in ROWS", nets, (network.__name__, network))
    for case in rows[network.__name__]:
        assert isinstance(case.build(), Network)
        assert hold_for(test_network_invariants, case) > 10
    monkeypatch.setitem(nets.ROWS, network.__name__, rows[network.__name__])
    two_steps(Classroom(simulated_root), "STSGNet", network.__name__, "CRD")
    config = load_config(configured(tmp_path, "configs/stsg_to_frame_mlp.yaml"), schema=DistillConfig)
    assert [type(made).__name__ for made in check_distillation(config).trained] == ["STSGNet", network.__name__]


def written_corpus(root: Path) -> Path:
    """Three clips of five frames and five sets of keypoints, as the reader of the example wants them."""
    layout = skeleton_layout("sign-27")
    lines = ["id\tsplit\tsigner\tglosses"]
    for split, glosses in (("train", "RAIN WIND"), ("dev", "RAIN"), ("test", "WIND")):
        clip = f"{split}-1"
        lines.append(f"{clip}\t{split}\tAnna\t{glosses}")
        (root / "frames" / clip).mkdir(parents=True)
        for index in range(5):
            Image.new("RGB", (84, 104), (40 * index, 0, 0)).save(root / "frames" / clip / f"{index:02d}.png")
        keypoints = torch.rand(5, len(layout), 3) * torch.tensor([84.0, 104.0, 1.0])
        (root / "keypoints").mkdir(exist_ok=True)
        write_keypoints(
            root / "keypoints" / f"{split}.safetensors", {clip: keypoints}, layout="sign-27", size=(84, 104)
        )
    (root / "clips.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_the_corpus_is_read_and_feeds_networks(added: Callable[[str, ModuleType], Any], tmp_path: Path) -> None:
    reader = added("slr/data/table_corpus.py", slr.data)
    root = written_corpus(tmp_path / "recordings")
    path = configured(tmp_path, "configs/data/table.yaml")
    data = load_config(path, [f"root={root}"], schema=Data)
    corpus = open_corpus(data)
    assert isinstance(corpus, reader)
    assert isinstance(corpus, slr.data.Corpus)
    assert corpus.vocabulary().glosses == ("RAIN", "WIND")
    dataset = make_dataset(corpus, "train", corpus.vocabulary(), data, streams=("rgb", "pose"), training=True)
    batch = collate([dataset[0]])
    assert batch.glosses.values.tolist() == [[1, 2]]
    assert batch.stream("rgb").values.shape == (1, 3, 3, 100, 80)
    assert batch.stream("pose").values.shape == (1, 3, 27, 3)
    findings = inspect_corpus(corpus, corpus.vocabulary(), lambda lengths: lengths)
    assert [finding for finding in findings if finding.severity == "error"] == []
    config = load_config(
        tmp_path / "configs" / "stsg_to_stgt.yaml", ["data=table", f"data.root={root}"], schema=DistillConfig
    )
    assert check_distillation(config).streams == {"rgb", "pose"}
    test_configs.test_a_data_section_is_sound_in_every_component(path)
    test_configs.test_a_configuration_opens_with_its_own_command(path)


def test_the_test_of_the_corpus_passes(added: Callable[[str, ModuleType], Any], tmp_path: Path) -> None:
    added("slr/data/table_corpus.py", slr.data)
    own: dict[str, Any] = {}
    exec(block("tests/slr/data/test_table_corpus.py"), own)
    its_tests = [value for name, value in own.items() if name.startswith("test_")]
    assert len(its_tests) == 2
    for number, its_test in enumerate(its_tests):
        its_test(tmp_path / str(number))


def test_the_corpus_of_the_example_notices_what_changes_and_what_is_wrong(
    added: Callable[[str, ModuleType], Any], tmp_path: Path
) -> None:
    reader = added("slr/data/table_corpus.py", slr.data)
    root = written_corpus(tmp_path / "recordings")
    (clip,) = reader(root).clips("dev")
    before = [reader(root).fingerprint(clip, stream) for stream in ("rgb", "pose")]
    Image.new("RGB", (84, 104), (1, 2, 3)).save(root / "frames" / "dev-1" / "02.png")
    after = [reader(root).fingerprint(clip, stream) for stream in ("rgb", "pose")]
    assert before[0] != after[0]
    assert before[1] == after[1]
    table = root / "clips.tsv"
    whole = table.read_text()
    table.write_text(whole.replace("glosses", "words"))
    with pytest.raises(ValueError, match=r"clips.tsv lacks the columns glosses"):
        reader(root)
    table.write_text(whole.replace("\ttest\t", "\ttesst\t"))
    with pytest.raises(ValueError, match="unknown split 'tesst'"):
        reader(root)
    (root / "keypoints" / "dev.safetensors").unlink()
    with pytest.raises(ValueError, match=r"dev.safetensors"):
        reader(root)


def test_everything_was_taken_out_again() -> None:
    assert "StepCosine" not in kd.losses.__all__
    assert "FrameMLP" not in test_every_combination.students.__all__
    assert not hasattr(slr.data, "TableCorpus")


def test_the_corpus_of_isolated_clips(
    added: Callable[[str, ModuleType], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = added("slr/data/isolated/readers/numbered.py", slr.data.isolated.readers)
    for sign in ("ja", "nein"):
        for signer in (3, 5, 8):
            (tmp_path / "clips" / sign).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "clips" / sign / f"{signer}-1.npy", np.full((signer, 27, 3), 0.5))
    store = IsolatedStore(write_store(tmp_path / "store", reader(tmp_path / "clips")))
    assert store.splits == {"signers": {"train": 4, "test": 2}}
    assert [store.row(index).signer for index in (0, 5)] == ["3", "8"]
    assert store.read(1).shape == (5, 1, 27, 3)
    corpus = StoredCorpus(tmp_path / "store", held_out=0.5)
    assert [clip.id for clip in corpus.clips("test")] == ["ja-5-1", "nein-5-1"]
    assert len(corpus.clips("dev")) == 2
    with pytest.raises(ValueError, match=r"there is no SIGN/SIGNER-NUMBER\.npy below"):
        reader(tmp_path / "none")
    monkeypatch.setitem(vars(isolated_command), reader.__name__, reader)
    exec(block("workbench/isolated_command.py, beside the other verbs"), vars(isolated_command))
    verb = vars(isolated_command).pop("_numbered")
    commands = argparse.ArgumentParser().add_subparsers()
    verb(commands)
    asked = commands.choices["numbered"].parse_args([str(tmp_path / "clips"), "--out", str(tmp_path / "made")])
    asked.work(asked)
    assert IsolatedStore(tmp_path / "made").splits == store.splits
    path = configured(tmp_path, "configs/data/numbered.yaml")
    test_configs.test_a_configuration_opens_with_its_own_command(path)
    rows = row("tests/workbench/isolated/stores.py, in SPECS", stores)
    assert list(rows) == [path.stem]
    for name, spec in rows.items():
        monkeypatch.setitem(stores.SPECS, name, spec)
    monkeypatch.setattr(test_isolated_configs, "CONFIGS", tmp_path / "configs")
    everything = tmp_path / "everything"
    everything.mkdir()
    test_isolated_configs.test_every_stream_of_every_corpus_goes_through_its_pipeline("numbered", "bone", everything)
    run = ROOT / "configs" / "isolated" / "wlasl50_light_dke_gcn.yaml"
    done = here("check", run, f"data={path}", f"data.root={tmp_path / 'made'}")
    assert done.code == 0, done.err
