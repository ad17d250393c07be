from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench import targets
from workbench.config import ConfigError, Section, config_hash, essential, load_config, write_config
from workbench.schema import DistillConfig, TrainConfig

NETWORK = {"_target_": "tests.workbench.tiny.TinyNetwork", "width": 8}
STAGE: dict[str, Any] = {
    "epochs": 3,
    "frames_per_batch": 400,
    "optimizer": {"_target_": "torch.optim.AdamW", "lr": 1e-3},
    "schedule": {"kind": "one_cycle", "warmup": 0.2},
    "losses": {"ctc": {"loss": {"_target_": "kd.losses.CTC"}}},
}
DATA = {
    "root": "/somewhere",
    "corpus": {"_target_": "slr.data.Phoenix2014"},
    "plan": {"stride": 2, "speed": [0.8, 1.2]},
    "streams": {
        "rgb": {"resize": 64, "crop": [56, 56]},
        "pose": {"normalise": "signer", "augment": [{"_target_": "slr.data.Rotate", "sd": 0.1}]},
    },
}


@pytest.fixture(autouse=True)
def _tests_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "ALLOWED_ROOTS", (*targets.ALLOWED_ROOTS, "tests.workbench"))


def train_settings(**changes: Any) -> dict[str, Any]:
    return {"run": {"name": "tiny"}, "data": DATA, "network": NETWORK, "stages": [STAGE], **changes}


def distill_settings(**changes: Any) -> dict[str, Any]:
    trained = {"network": NETWORK, "stages": [STAGE]}
    frame_kl = {"weight": 10, "warmup_epochs": 1, "loss": {"_target_": "kd.losses.FrameKL", "temperature": 8}}
    settings = {"run": {"name": "tiny"}, "data": DATA, "teacher": trained, "student": trained}
    return {**settings, "distillation": {"losses": {"frame_kl": frame_kl}}, **changes}


def load(tmp_path: Path, settings: dict[str, Any], *words: str, schema: type[Section] = TrainConfig) -> Any:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    return load_config(path, words, schema=schema)


def faults(tmp_path: Path, settings: dict[str, Any], *words: str, schema: type[Section] = TrainConfig) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, settings, *words, schema=schema)
    return [f"{'.'.join(map(str, fault.place))}: {fault.message}" for fault in caught.value.faults]


@pytest.mark.parametrize(("schema", "make"), [(TrainConfig, train_settings), (DistillConfig, distill_settings)])
def test_a_whole_configuration_is_read_written_and_read_again(tmp_path: Path, schema: Any, make: Any) -> None:
    config = load(tmp_path, make(), schema=schema)
    write_config(config, tmp_path / "resolved.yaml")
    again = load_config(tmp_path / "resolved.yaml", schema=schema)
    assert again == config
    assert config_hash(again) == config_hash(config)


def test_the_hash_ignores_where_a_run_runs_and_nothing_else(tmp_path: Path) -> None:
    before = config_hash(load(tmp_path, train_settings()))
    ignored = ["run.out=x", "run.device=cpu", "run.threads=1", "data.workers=3", "data.frame_cache_mb=9"]
    assert config_hash(load(tmp_path, train_settings(), *ignored)) == before
    counted = [
        "run.seed=1",
        "run.precision=float32",
        "data.plan.stride=1",
        "stages.0.optimizer.lr=2e-3",
        "network.width=9",
    ]
    assert before not in {config_hash(load(tmp_path, train_settings(), word)) for word in counted}


def test_faults_in_components_anywhere_are_listed_together(tmp_path: Path) -> None:
    words = [
        "network.widht=3",
        "stages.0.optimizer.lr=fast",
        "stages.0.losses.ctc.loss._target_=kd.losses.CTCC",
        "data.corpus._target_=slr.data.Phoenix2015",
        "data.plan.strid=2",
        "data.streams.rgb.crop=big",
        "data.streams.pose.augment=[{_target_: slr.data.Rotate, sd: wide}]",
    ]
    found = faults(tmp_path, train_settings(), *words)
    expected = [
        ("network.widht", "did you mean width?"),
        ("stages.0.optimizer.lr", "should be a number"),
        ("stages.0.losses.ctc.loss._target_", "did you mean"),
        ("data.corpus._target_", "did you mean Phoenix2014"),
        ("data.plan.strid", "did you mean stride?"),
        ("data.streams.rgb.crop", "should be a whole number or a list"),
        ("data.streams.pose.augment.0.sd", "should be a number, got 'wide'"),
    ]
    assert len(found) == len(expected), found
    for place, message in expected:
        assert any(fault.startswith(f"{place}: ") and message in fault for fault in found), (place, found)


@pytest.mark.parametrize(
    ("place", "target", "kind"),
    [
        ("network", "torch.optim.AdamW", "torch.nn.modules.module.Module"),
        ("stages.0.optimizer", "torch.nn.Linear", "torch.optim.optimizer.Optimizer"),
        ("stages.0.losses.ctc.loss", "torch.nn.CTCLoss", "kd.losses.base.Loss"),
    ],
)
def test_a_component_of_another_kind_is_a_fault(tmp_path: Path, place: str, target: str, kind: str) -> None:
    assert f"it is no {kind}" in faults(tmp_path, train_settings(), f"{place}._target_={target}")[0]


def test_what_the_workbench_adds_cannot_be_given(tmp_path: Path) -> None:
    found = faults(tmp_path, train_settings(), "network.num_classes=5", "data.corpus.root=/x")
    assert all("the workbench sets this argument itself" in fault for fault in found)
    assert len(found) == 2


def test_null_takes_an_inherited_loss_out(tmp_path: Path) -> None:
    stage = {**STAGE, "losses": {**STAGE["losses"], "extra": STAGE["losses"]["ctc"]}}
    config = load(tmp_path, train_settings(stages=[stage]), "stages.0.losses.extra=null")
    assert set(config.stages[0].losses) == {"ctc"}
    assert "stages.0.losses" in faults(tmp_path, train_settings(stages=[STAGE]), "stages.0.losses.ctc=null")[0]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"kind": "step", "warmup": 0.1, "milestones": [2]}, "a step schedule has no warmup"),
        ({"kind": "constant", "gamma": 0.1}, "a constant schedule has no gamma"),
        ({"kind": "step"}, "needs its milestones"),
        (
            {"kind": "cosin"},
            "should be 'one_cycle', 'cosine', 'cosine_restarts', 'cyclic', 'step' or 'constant', got 'cosin'",
        ),
        ({"kind": "cosine", "warmup": 1.5}, "less than or equal to 1"),
    ],
)
def test_a_schedule_takes_the_settings_of_its_kind(tmp_path: Path, schedule: dict[str, Any], message: str) -> None:
    assert message in faults(tmp_path, train_settings(stages=[{**STAGE, "schedule": schedule}]))[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_clips": None, "frames_per_batch": 100, "rate_clips": 64}, "rate_clips counts clips"),
        ({"taught_by": "average"}, "keeps none: give average"),
        ({"taught_by": "teacher"}, "should be 'average' or 'last stage'"),
        ({"average": {"decay": 1.0}}, "less than 1"),
        ({"layer_decay": 0.0}, "greater than 0"),
        ({"taught_by": "last stage"}, "is taught by the last stage, and there is none before it"),
    ],
)
def test_what_a_stage_is_asked_for_has_to_fit(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    assert message in faults(tmp_path, train_settings(stages=[{**STAGE, **settings}]))[0]


def test_settings_that_came_later_change_no_hash_until_they_are_used(tmp_path: Path) -> None:
    before = load(tmp_path, train_settings(stages=[STAGE]))
    plain = essential(before)["stages"][0]
    assert not {"rate_clips", "layer_decay", "average", "patience", "taught_by"} & set(plain)
    assert "period" not in plain["schedule"]
    used = load(tmp_path, train_settings(stages=[{**STAGE, "patience": 3}]))
    assert essential(used)["stages"][0]["patience"] == 3
    assert config_hash(used) != config_hash(before)


def test_a_teacher_is_trained_or_loaded(tmp_path: Path) -> None:
    for teacher in ({}, {"stages": [STAGE]}, {"network": NETWORK}, {"network": NETWORK, "stages": []}):
        found = faults(tmp_path, distill_settings(teacher=teacher), schema=DistillConfig)[0]
        assert "this teacher would be untrained: give it a network and the stages that train it" in found
    loaded = load(tmp_path, distill_settings(teacher={"checkpoint": "runs/teacher"}), schema=DistillConfig)
    assert loaded.teacher.checkpoint == "runs/teacher"
    # One that is named on the command line goes before what the file says.
    both = {"network": NETWORK, "stages": [STAGE], "checkpoint": "x"}
    assert load(tmp_path, distill_settings(teacher=both), schema=DistillConfig).teacher.checkpoint == "x"


def test_a_teacher_may_be_known_by_its_outputs_alone(tmp_path: Path) -> None:
    loaded = load(tmp_path, distill_settings(teacher={"outputs": "stores/corrnet"}), schema=DistillConfig)
    assert loaded.teacher.sources() == {"teacher": (("teacher",), loaded.teacher)}
    for teacher, says in (
        ({"outputs": "a", "checkpoint": "b"}, "a teacher comes from a checkpoint or from outputs: name one of them"),
        ({"outputs": "a", "live": True}, "outputs are read and cannot be asked: leave live out"),
        ({"outputs": "a", "combine": "best"}, "combine is 'best', and there is one teacher: list several as members"),
    ):
        assert faults(tmp_path, distill_settings(teacher=teacher), schema=DistillConfig) == [f"teacher: {says}"]


def test_several_teachers_have_names_and_roles_of_their_own(tmp_path: Path) -> None:
    members = [
        {"name": "one", "network": NETWORK, "stages": [STAGE], "weight": 2},
        {"name": "two", "checkpoint": "runs/x", "weight": 1},
        {"name": "three", "outputs": "stores/y", "weight": 0.5},
    ]
    settings = distill_settings(teacher={"combine": "weighted", "members": members})
    teacher = load(tmp_path, settings, schema=DistillConfig).teacher
    assert {role: place for role, (place, _) in teacher.sources().items()} == {
        f"teacher-{name}": ("teacher", "members", name) for name in ("one", "two", "three")
    }
    seeded = load(tmp_path, settings, "teacher.members.one.seed=3", schema=DistillConfig)
    assert [member.seed for member in seeded.teacher.members] == [3, None, None]


@pytest.mark.parametrize(
    ("members", "same"),
    [
        ([{"network": NETWORK, "stages": [STAGE]}, {"network": NETWORK, "stages": [STAGE], "seed": 0}], True),
        ([{"network": NETWORK, "stages": [STAGE]}, {"network": NETWORK, "stages": [STAGE], "seed": 1}], False),
        ([{"checkpoint": "a", "network": NETWORK}, {"checkpoint": "a"}], True),
        ([{"checkpoint": "a"}, {"outputs": "a"}], False),
        ([{"outputs": "a"}, {"outputs": "a"}], True),
    ],
)
def test_twice_the_same_teacher_is_a_fault(tmp_path: Path, members: list[dict[str, Any]], same: bool) -> None:
    named = [{"name": f"m{number}", **member} for number, member in enumerate(members)]
    settings = distill_settings(teacher={"combine": "average", "members": named})
    if not same:
        assert len(load(tmp_path, settings, schema=DistillConfig).teacher.members) == 2
        return
    assert faults(tmp_path, settings, schema=DistillConfig) == [
        "teacher.members: m0 and m1 are the same teacher: give one of them a seed, or leave it out"
    ]


def test_one_member_is_not_several_teachers(tmp_path: Path) -> None:
    settings = distill_settings(teacher={"combine": "average", "members": [{"name": "one", "checkpoint": "a"}]})
    assert faults(tmp_path, settings, schema=DistillConfig) == [
        "teacher.members: one is alone: several teachers are two at least"
    ]


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "a b", "x" * 101])
def test_a_run_is_called_something_that_is_a_folder_name(tmp_path: Path, name: str) -> None:
    assert faults(tmp_path, train_settings(run={"name": name}))[0].startswith("run.name: ")


def test_two_stages_may_not_have_one_name(tmp_path: Path) -> None:
    assert "main stands twice" in faults(tmp_path, train_settings(stages=[STAGE, STAGE]))[0]


def test_selection_on_the_test_split_cannot_be_written(tmp_path: Path) -> None:
    assert faults(tmp_path, train_settings(evaluate={"select_on": "test"})) == [
        "evaluate.select_on: should be 'dev', got 'test'"
    ]


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        ("beem", "should be 'greedy' or 'beam'"),
        ({"_target_": "slr.ctc.BeamDecoder", "widht": 3}, "did you mean width?"),
    ],
)
def test_a_decoder_is_a_name_or_a_component(tmp_path: Path, decoder: Any, message: str) -> None:
    found = faults(tmp_path, train_settings(evaluate={"decoder": decoder}))
    assert len(found) == 1, found
    assert message in found[0]
    good = load(tmp_path, train_settings(evaluate={"decoder": {"_target_": "slr.ctc.BeamDecoder", "width": 3}}))
    assert good.evaluate.decoder["width"] == 3
