"""Whatever is wrong with what a user gives: one sentence, exit code 2, and nothing finished is lost."""

from __future__ import annotations

import errno
import pickle
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file, save_file

import slr.files
import workbench.measure
from slr.data import KeypointStore, write_keypoints
from slr.vocabulary import Vocabulary
from tests.workbench.running import (
    MAIN_CONFIG,
    ROOT,
    Done,
    distilling_losses,
    here,
    in_a_process,
    snapshot,
    stored,
    student_config,
    tiny_words,
)
from workbench.assemble import make_dataset, open_corpus
from workbench.config import load_config
from workbench.lock import lock_folder
from workbench.schema import DistillConfig

CORPUS = "tiny-seed0"
CLIP = "simulated_tiny_test-0003"


class Run:
    """A finished run, and attempts to run again with something wrong."""

    def __init__(self, root: Path, out: Path) -> None:
        self.root = root
        self.out = out
        self.words = tiny_words(root, teacher=1, student=1)

    def attempt(self, *more: str, words: list[str] | None = None) -> Done:
        return here("distill", MAIN_CONFIG, *(self.words if words is None else words), *more, "--out", self.out)

    def refused(self, *more: str, words: list[str] | None = None) -> str:
        """The sentence of an attempt that must fail without touching anything that is finished."""
        before = snapshot(self.out)
        sentence = self.attempt(*more, words=words).sentence
        assert snapshot(self.out) == before
        return sentence


@pytest.fixture(autouse=True, scope="module")
def _without_figures() -> Iterator[None]:
    """Figures take a second per run and are tested elsewhere."""
    with mock.patch.object(workbench.measure, "draw_training"):
        yield


@pytest.fixture(scope="module")
def finished(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(simulated_root, tmp_path_factory.mktemp("finished") / "runs")
    assert run.attempt().code == 0
    return run


@pytest.fixture
def copied_run(finished: Run, tmp_path: Path) -> Run:
    """The finished run, to be spoilt."""
    shutil.copytree(finished.out, tmp_path / "runs")
    return Run(finished.root, tmp_path / "runs")


@pytest.fixture
def broken_root(simulated_root: Path, tmp_path: Path) -> Path:
    """A copy of the corpus, to be spoilt."""
    return Path(shutil.copytree(simulated_root, tmp_path / "data"))


# Through the real script in a process of its own: code, standard error, no traceback.


@pytest.mark.slow
def test_a_mistake_is_told_in_a_sentence_and_not_in_a_traceback(tmp_path: Path) -> None:
    words = ["data=phoenix2014", "data.root=/nowhere"]
    done = in_a_process(ROOT / "scripts" / "distill.py", MAIN_CONFIG, *words, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "distill.py: there is no corpus at /nowhere: give the folder of the Phoenix-2014 release\n"
    assert not list(tmp_path.iterdir())  # not even an empty folder is left


# The command line and the configuration.


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["data.rooot=x"], "data.rooot (command line): no such key; did you mean root?"),
        (["epochs"], "'epochs' is no override: write dotted.key=value (command line)"),
        (["data=phoenix2015"], "data (command line): no corpus is called 'phoenix2015'; did you mean phoenix2014"),
        (["data.protocol=phoenix"], "unknown scoring protocol 'phoenix': choose one of phoenix2014"),
        (["teacher.network=null"], "this teacher would be untrained: give it a network and the stages that train it"),
        (["student.stages.glosses.optimizer.lr=-1"], "student.stages.glosses: Invalid learning rate: -1"),
        (["data.plan.stride=0"], "stride 0 would show nothing: it must be at least 1"),
        (["data.plan.speed=[1.2,0.8]"], "speed [1.2, 0.8] is no interval"),
        (["data.corpus.level=awful"], "unknown keypoint level 'awful': there are none, low, mid, high"),
        (["data.corpus.profile=huge"], "unknown profile 'huge': simulated corpora come as tiny, small, medium, large"),
        (["run.device=cuda"], "torch finds no CUDA device here"),
        (
            ["distillation.losses.crd.loss.tap=local"],
            "distillation.losses.crd: reads the tap 'local', which the student does not publish; known here: context",
        ),
        (
            ["distillation.losses.crd.loss.teacher_tap=local"],
            "distillation.losses.crd: reads the tap 'local', which the teacher does not publish; known here: context",
        ),
        (
            [f"distillation.losses.{name}.weight=0" for name in distilling_losses()],
            "distillation.losses: nothing in it compares with the teacher at a weight above 0",
        ),
        (
            [f"student.stages.glosses.losses.{name}.start_epoch=1" for name in ("ctc", "ctc_conv")],
            "student.stages.glosses: in epoch 0 every loss has weight 0",
        ),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_before_anything_is_touched(finished: Run, words: list[str], sentence: str) -> None:
    if "cuda" in words[0] and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    before = snapshot(finished.out)
    done = finished.attempt(*words)
    assert done.code == 2
    assert sentence in done.err
    assert "Traceback" not in done.err
    assert snapshot(finished.out) == before


def test_all_faults_of_a_configuration_come_at_once(finished: Run) -> None:
    done = finished.attempt("run.sede=1", "student.network.widht=3", "teacher.stages.glosses.epochs=many")
    assert done.code == 2
    assert done.err.count("\n") == 4
    for part in ("has 3 faults:", "did you mean seed?", "did you mean width?", "should be a whole number, got 'many'"):
        assert part in done.err


def test_a_loss_that_needs_a_teacher_is_refused_where_there_is_none(simulated_root: Path, tmp_path: Path) -> None:
    words = [f"data.root={simulated_root}", "data.corpus.profile=tiny", "--out", str(tmp_path)]
    kd = "stages.glosses.losses.kd={weight: 1, loss: {_target_: kd.losses.FrameKL}}"
    done = here("train", ROOT / "configs" / "train_stsg.yaml", kd, *words)
    assert done.sentence == "" or "compares with a teacher" in done.err
    assert "stages.glosses.losses.kd: compares with a teacher, and this training has none" in done.err
    assert not list(tmp_path.iterdir())


# The corpus.


def spoil_frames(root: Path) -> str:
    shutil.rmtree(root / CORPUS / "features" / "fullFrame-210x260px" / "test" / CLIP)
    return f"no frames of clip {CLIP!r} at "


def _stores(root: Path) -> Path:
    return root / CORPUS / "keypoints" / "very-high"


def _rewritten(root: Path, change: Callable[[dict[str, torch.Tensor]], None], **options: Any) -> None:
    path = _stores(root) / "test.safetensors"
    tensors = load_file(path)
    change(tensors)
    size = KeypointStore.open(path).size
    assert size is not None
    write_keypoints(path, tensors, **{"layout": "coco-wholebody-133", "size": size, **options})


def spoil_layout(root: Path) -> str:
    def fewer(tensors: dict[str, torch.Tensor]) -> None:
        tensors.update({clip: values[:, :18] for clip, values in tensors.items()})

    _rewritten(root, fewer, layout="openpose-18")
    return "skeleton layout 'sign-27' cannot be picked from 'openpose-18', which lacks"


def spoil_length(root: Path) -> str:
    frames = KeypointStore.open(_stores(root) / "test.safetensors").num_frames(CLIP)
    _rewritten(root, lambda tensors: tensors.update({CLIP: tensors[CLIP][:-3]}))
    return f"clip {CLIP!r} has {frames} images and {frames - 3} frames of keypoints in "


def spoil_a_number(root: Path) -> str:
    path = _stores(root) / "test.safetensors"
    tensors = load_file(path)
    tensors[CLIP][2, 9, 0] = float("nan")
    metadata = {"format": "slr-keypoints-1", "layout": "coco-wholebody-133", "width": "9", "height": "9"}
    save_file(tensors, path, metadata=metadata)
    return f"in frame 2 of clip {CLIP!r} in {path} is not finite: store 0, 0 with confidence 0"


def spoil_store(root: Path) -> str:
    path = _stores(root) / "test.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    return f"{path} cannot be read as safetensors"


def spoil_annotations(root: Path) -> str:
    path = root / CORPUS / "annotations" / "manual" / "dev.corpus.csv"
    path.write_text(path.read_text() + "a|b|c\n")
    return f"of {path} is not id|folder|signer|annotation: 'a|b|c'"


def spoil_card(root: Path) -> str:
    (root / CORPUS / "CORPUS.json").write_text("{")
    return f"{root / CORPUS / 'CORPUS.json'} is no"


def spoil_length_of_a_sentence(root: Path) -> str:
    path = root / CORPUS / "annotations" / "manual" / "train.corpus.csv"
    lines = path.read_text().splitlines()
    clip, *_, annotation = lines[2].split("|")
    lines[2] = lines[2] + f" {annotation.split()[0]}" * 40
    path.write_text("\n".join(lines) + "\n")
    return f"1 clip is too short to write every gloss in the output steps of STSGNet: {clip} ("


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_frames, spoil_layout, spoil_length, spoil_a_number, spoil_store, spoil_annotations, spoil_card,
        spoil_length_of_a_sentence,
    ],
)  # fmt: skip
def test_a_faulty_corpus_is_refused_before_training(
    finished: Run, broken_root: Path, spoil: Callable[[Path], str]
) -> None:
    expected = spoil(broken_root)
    words = tiny_words(broken_root, teacher=1, student=1)
    assert expected in finished.refused(words=words)
    # Nor does it begin where nothing has been trained yet.
    new = here("distill", MAIN_CONFIG, *words, "--out", broken_root.parent / "new")
    assert expected in new.sentence
    assert not list((broken_root.parent).glob("new/networks/*/*"))


def test_a_training_gloss_outside_the_vocabulary_is_named_with_its_clip(simulated_root: Path) -> None:
    config = load_config(MAIN_CONFIG, tiny_words(simulated_root), schema=DistillConfig)
    corpus = open_corpus(config.data)
    clip = corpus.clips("train")[0]
    others = [gloss for gloss in corpus.vocabulary().glosses if gloss != clip.glosses[0]]
    with pytest.raises(ValueError, match=f"{clip.glosses[0]}.*{clip.id}|{clip.id}.*{clip.glosses[0]}"):
        make_dataset(corpus, "train", Vocabulary(tuple(others)), config.data, streams=["pose"], training=True)


# The teacher.


def test_a_teacher_that_is_not_there(finished: Run, tmp_path: Path) -> None:
    sentence = finished.refused(f"teacher.checkpoint={tmp_path / 'none'}")
    assert sentence.startswith(f"there is no checkpoint at {tmp_path / 'none'}: name a .safetensors file, or a run")


def cut_short(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:-100])
    return "is damaged or cut short"


def pickled(path: Path) -> str:
    path.write_bytes(pickle.dumps({"weight": 1}))
    return "is a pickle as torch.save writes it, which can run code when it is opened"


def tampered(path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    return "is not the file that teacher.json describes"


def another_card(path: Path) -> str:
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace('"best_epoch": 1', '"best_epoch": 9'))
    return "teacher.json was changed after it was written"


def no_card(path: Path) -> str:
    path.with_suffix(".json").unlink()
    return "teacher.json does not exist: a checkpoint is a .safetensors file with a .json beside it"


@pytest.mark.parametrize("spoil", [cut_short, pickled, tampered, another_card, no_card])
def test_a_spoilt_checkpoint_of_a_teacher_is_refused(
    finished: Run, copied_run: Run, spoil: Callable[[Path], str]
) -> None:
    folder = copied_run.out / "stsg_to_stgt"
    expected = spoil(folder / "teacher.safetensors")
    assert expected in finished.refused(f"teacher.checkpoint={folder / 'teacher'}")


def test_a_teacher_of_another_vocabulary_is_refused(finished: Run, broken_root: Path) -> None:
    manual = broken_root / CORPUS / "annotations" / "manual"
    gloss = open_corpus(load_config(MAIN_CONFIG, finished.words, schema=DistillConfig).data).vocabulary().glosses[0]
    for split in ("train", "dev", "test"):
        path = manual / f"{split}.corpus.csv"
        path.write_text(path.read_text().replace(gloss, "NEU"))
    teacher = finished.out / "stsg_to_stgt" / "teacher"
    words = tiny_words(broken_root, f"teacher.checkpoint={teacher}")
    done = here("distill", MAIN_CONFIG, *words, "--out", broken_root.parent / "new")
    assert done.sentence == (
        f"the teacher {teacher} writes 8 glosses and this corpus has 8, 'NEU' among those it lacks: train a teacher "
        "on the same vocabulary"
    )


@pytest.mark.parametrize(
    ("key", "trained", "here_now"),
    [("plan.stride", "2", "1"), ("rgb_stride", "1", "2"), ("rgb.crop", "[80, 100]", "[60, 64]")],
)
def test_a_teacher_of_other_preprocessing_is_refused(
    finished: Run, tmp_path: Path, key: str, trained: str, here_now: str
) -> None:
    teacher = finished.out / "stsg_to_stgt"
    place = key if key.startswith("plan") else f"streams.{key}"
    done = here(
        *("distill", MAIN_CONFIG, *finished.words, "--out", tmp_path),
        *(f"teacher.checkpoint={teacher}", f"data.{place}={here_now}"),
    )
    assert done.sentence == (
        f"the teacher {teacher / 'teacher'} was trained on clips with {key} {trained}, and this configuration prepares "
        f"them with {here_now}: give data the teacher's settings, or train a teacher on these"
    )


# While it runs.


def test_a_loss_that_explodes_names_step_and_clips_and_keeps_what_is_finished(copied_run: Run) -> None:
    teacher = snapshot(stored(copied_run.out, "teacher")[0])
    done = copied_run.attempt("student.stages.glosses.optimizer.lr=1e30", "student.stages.glosses.epochs=2")
    assert "student alone stopped before step " in done.sentence
    assert "on the clips simulated_tiny_train-00" in done.sentence
    assert "the weights have not moved, so look at these clips" in done.sentence
    assert snapshot(stored(copied_run.out, "teacher")[0]) == teacher
    assert copied_run.attempt().code == 0


def test_two_processes_do_not_share_a_run_folder(finished: Run) -> None:
    holder = lock_folder(finished.out / "stsg_to_stgt")
    try:
        sentence = finished.refused()
    finally:
        holder.close()
    folder = finished.out / "stsg_to_stgt"
    assert sentence == f"another process is working in {folder}: wait for it, or give this run another run.name"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets every file whose name contains a word fail to be written, as on a full disk."""

    def fill(word: str) -> None:
        harmless = slr.files._sync

        def sync(path: Path) -> None:
            if word in str(path).replace("/.", "/"):  # files are hidden until they are whole
                raise OSError(errno.ENOSPC, "No space left on device")
            harmless(path)

        monkeypatch.setattr(slr.files, "_sync", sync)

    return fill


FULL = "could not be written: the disk is full; what was there before is untouched, so make room and start again"


@pytest.mark.parametrize(
    "word",
    ["0.state.safetensors", "network.json", "hypotheses.dev", "alone/network.safetensors", "result.json"],
)
def test_a_full_disk_is_told_with_its_place_and_the_run_continues_afterwards(
    simulated_root: Path, tmp_path: Path, full_disk: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    config = student_config(tmp_path, tiny_words(simulated_root))
    full_disk(word)
    done = here("train", config, "--out", tmp_path / "runs")
    assert FULL in done.sentence
    assert done.sentence.startswith(str(tmp_path / "runs"))
    assert not list((tmp_path / "runs").rglob("*.part"))
    monkeypatch.undo()
    again = here("train", config, "--out", tmp_path / "runs")
    assert again.code == 0, again.err
    reused = ("network  reused from", "network  was trained before", "nothing is left to do")
    assert any(text in again.err for text in reused) == (not word.startswith("0.state"))


def test_a_full_disk_under_the_cache_keeps_the_teacher(
    copied_run: Run, full_disk: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copied_run.out / "cache")
    kept = [snapshot(stored(copied_run.out, label)[0]) for label in ("teacher", "student-alone")]
    full_disk("shard-")
    done = copied_run.attempt("distillation.losses.kd.weight=1")
    assert done.sentence.startswith(f"{copied_run.out / 'cache'} {FULL}")
    assert not list(copied_run.out.rglob("*.part"))
    monkeypatch.undo()
    assert [snapshot(stored(copied_run.out, label)[0]) for label in ("teacher", "student-alone")] == kept
    assert copied_run.attempt().code == 0


def test_a_corpus_that_does_not_fit_on_the_disk_says_so(
    tmp_path: Path, full_disk: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk("dev.safetensors")
    monkeypatch.setattr("slr.synthesis.folder.os.cpu_count", lambda: 1)
    done = here("distill", MAIN_CONFIG, *tiny_words(tmp_path / "data"), "--out", tmp_path / "runs")
    assert done.sentence.startswith(f"{tmp_path / 'data'} could not be written: the disk is full")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_what_safetensors_says_of_a_real_lack_of_room_becomes_the_same_sentence(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import resource, sys
        import numpy as np
        from safetensors.numpy import save_file
        from workbench.disk import NoRoomError, saying_when_full
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            with saying_when_full("outer"), saying_when_full("shard"):
                save_file({"a": np.zeros(10_000)}, sys.argv[1])
        except NoRoomError as error:
            print(error.errno, error.strerror)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "shard")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"{errno.EFBIG} shard could not be written: the file may not grow; "), done.stderr


def test_an_output_folder_that_cannot_be_made_is_named(simulated_root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = here("distill", MAIN_CONFIG, *tiny_words(simulated_root), "--out", tmp_path / "file" / "runs")
    assert done.sentence.endswith(": Not a directory")
    assert done.sentence.startswith(str(tmp_path / "file"))


def test_output_folders_may_have_any_name(
    simulated_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = here("distill", MAIN_CONFIG, *tiny_words(simulated_root, "run.sede=1"), "--out", "1")
    assert "run.out" not in done.err
    assert "did you mean seed?" in done.err
