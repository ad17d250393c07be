from __future__ import annotations

from pathlib import Path

import pytest

from slr.vocabulary import Vocabulary
from tests.workbench.running import MAIN_CONFIG, ROOT, distilling_losses, student_config
from workbench.assemble import make_network
from workbench.checkpoint import save_network
from workbench.config import load_config
from workbench.faults import ConfigError
from workbench.preflight import (
    TEACHER_ROLES,
    Needs,
    bare_network,
    check_distillation,
    check_training,
    configured_layout,
    find_checkpoint,
    find_network,
)
from workbench.schema import DistillConfig, TrainConfig


def config(*words: str) -> DistillConfig:
    return load_config(MAIN_CONFIG, words, schema=DistillConfig)


def checked(*words: str) -> Needs:
    return check_distillation(config(*words))


def test_what_the_main_configuration_reads() -> None:
    needs = checked()
    assert needs.streams == {"rgb", "pose"}
    assert needs.teacher_taps == {"logits", "frame", "conv"}
    assert checked("distillation.losses.trkd.weight=3").teacher_taps == needs.teacher_taps | {"context"}
    assert [type(network).__name__ for network in needs.trained] == ["STSGNet", "STGT"]


def test_only_the_taps_of_losses_in_use_are_asked_of_the_teacher() -> None:
    words = [f"distillation.losses.{name}.weight=0" for name in distilling_losses() if name != "kd"]
    assert checked(*words).teacher_taps == {"logits"}


def test_a_student_alone_reads_no_frames(tmp_path: Path) -> None:
    alone = load_config(student_config(tmp_path, []), schema=TrainConfig)
    assert check_training(alone).streams == {"pose"}


def test_a_loss_on_keypoints_makes_an_rgb_network_read_both() -> None:
    trained = load_config(ROOT / "configs" / "train_stsg.yaml", schema=TrainConfig)
    assert check_training(trained).streams == {"rgb", "pose"}
    without = load_config(
        ROOT / "configs" / "train_stsg.yaml",
        ["stages.warm-start.losses={ctc: {loss: {_target_: kd.losses.CTC}}}"],
        schema=TrainConfig,
    )
    assert check_training(without).streams == {"rgb"}


def test_every_fault_of_every_loss_is_told_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        checked(
            "distillation.losses.crd.loss.tap=locale",
            "distillation.losses.trkd.weight=3",
            "distillation.losses.trkd.loss.teacher_tap=contxt",
            "distillation.losses.kd.loss.head=conv_logit",
        )
    assert [".".join(map(str, fault.place)) for fault in caught.value.faults] == [
        "distillation.losses.kd",
        "distillation.losses.crd",
        "distillation.losses.trkd",
    ]
    assert "did you mean context" in str(caught.value)
    assert "did you mean conv_logits" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["teacher.stages.warm-start.losses.keypoints.loss.tap=frames"], "teacher.stages.warm-start.losses.keypoints"),
        (["student.stages.glosses.losses.ctc_conv.loss.head=none"], "student.stages.glosses.losses.ctc_conv"),
        (
            ["student.stages.glosses.losses.kd={loss: {_target_: kd.losses.FrameKL}}"],
            "student.stages.glosses.losses.kd: compares with a teacher, and this training has none",
        ),
        (
            ["student.stages.glosses.losses={ctc: {weight: 0, loss: {_target_: kd.losses.CTC}}}"],
            "student.stages.glosses: has no losses: name at least one of a weight above 0",
        ),
        (
            ["teacher.stages.glosses.optimizer.weight_decay=-1"],
            "teacher.stages.glosses: Invalid weight_decay value: -1",
        ),
        (
            [f"distillation.losses.{name}.weight=0" for name in distilling_losses()],
            "distillation.losses: nothing in it compares with the teacher at a weight above 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(words: list[str], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(*words)
    assert any(str(found).startswith(fault) for found in caught.value.faults), str(caught.value)


def test_a_stage_without_any_loss_in_some_epoch_is_refused() -> None:
    words = [
        *(f"distillation.losses.{name}.weight=0" for name in distilling_losses() if name != "kd"),
        *("distillation.losses.kd.decay_start=1", "distillation.losses.kd.decay_epochs=1"),
        "student.stages.glosses.losses={ctc: {decay_start: 1, decay_epochs: 1, loss: {_target_: kd.losses.CTC}}}",
        "student.stages.glosses.epochs=2",
    ]
    with pytest.raises(ConfigError, match=r"student\.stages\.glosses: in epoch 1 every loss has weight 0"):
        checked(*words)


def test_published_weights_are_not_fetched_for_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*arguments: object, **more: object) -> None:
        raise AssertionError("weights were fetched")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", fetch)
    node = {"_target_": "teachers.CNN2DCNN1D", "backbone": "resnet18", "weights": "imagenet"}
    network = bare_network(node, configured_layout(config().data))
    assert network.input_stream == "rgb"


def test_the_layout_of_the_configuration_or_of_the_corpus() -> None:
    assert configured_layout(config().data).name == "sign-27"
    assert configured_layout(config("data.corpus.layout=coco-wholebody-77").data).name == "coco-wholebody-77"


def test_checkpoints_are_found_by_their_files_and_in_run_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = dict(config().student.network)
    layout = configured_layout(config().data)
    network = make_network(node, 3, {"layout": layout}, seed=0)
    for name in ("run/teacher", "run/student", "alone/network", "v1.5/best.v2"):
        path = tmp_path / name
        save_network(path, network, node=node, vocabulary=Vocabulary(("A", "B")), corpus="c")
    for given, found in (
        ("run", "run/student"), ("alone", "alone/network"), ("run/teacher", "run/teacher"),
        ("run/teacher.safetensors", "run/teacher"), ("v1.5/best.v2", "v1.5/best.v2"),
    ):  # fmt: skip
        assert find_checkpoint(str(tmp_path / given)) == tmp_path / found
    assert find_checkpoint(str(tmp_path / "run"), TEACHER_ROLES) == tmp_path / "run" / "teacher"
    monkeypatch.chdir(tmp_path / "alone")
    assert find_checkpoint(".") == Path("network")
    monkeypatch.chdir(tmp_path)
    for given in (".", "none", "/"):
        with pytest.raises(
            ValueError, match=r"there is no checkpoint at .*: name a \.safetensors file, or a run folder"
        ):
            find_checkpoint(given)


def test_a_network_of_a_run_is_found_by_its_role_and_nothing_else_is_taken_for_one(tmp_path: Path) -> None:
    roles = ("assistant-again", "student", "teacher", "teacher-cnn")
    for name in (*roles, "scores.test", "evaluated.main.dev"):
        (tmp_path / f"{name}.safetensors").touch()
    assert find_network(tmp_path, None) == tmp_path / "student"
    for role in roles:
        assert find_network(tmp_path, role) == tmp_path / role
    for role in ("baseline", "scores.test", "../student", "*"):
        with pytest.raises(
            ValueError, match=r"holds no network .*: it holds assistant-again, student, teacher, teacher-cnn$"
        ):
            find_network(tmp_path, role)
