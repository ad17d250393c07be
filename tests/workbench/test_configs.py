"""Every configuration of the project loads, fits and builds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
import torch

import kd.losses
from kd.ensemble import combined_widths
from slr.data import SignDataset
from slr.types import Network
from students import CoSign1S
from teachers import VACResNet
from tests.workbench.running import ROOT, tiny_words
from workbench.assemble import (
    CorpusSizes,
    make_dataset,
    make_decoder,
    make_objective,
    make_optimizer,
    make_pipelines,
    make_plan,
    make_rate_schedule,
    network_arguments,
    open_corpus,
)
from workbench.assemble import make_network as build_network
from workbench.components import check
from workbench.config import load_config, to_plain
from workbench.cost import count_parameters
from workbench.preflight import BARE_CLASSES, check_distillation, check_training, configured_layout
from workbench.schema import Data, DistillConfig, LossTerm, TrainConfig
from workbench.settings import about_isolated_clips, data_file, load_either
from workbench.targets import resolve

CONFIGS = ROOT / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
# Those about isolated clips are looked at in tests/workbench/isolated/test_configs.py.
DATA = [path for path in FILES if path.parent.name == "data" and isinstance(data_file(path, []), Data)]
RUNS = [path for path in FILES if path.parent.name != "data" and not about_isolated_clips(path)]


def name_of(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


def test_all_configurations_were_found() -> None:
    assert len(RUNS) >= 5
    assert len(DATA) >= 3
    assert {path.name for path in CONFIGS.rglob("*") if path.is_file()} == {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_configuration_opens_with_its_own_command(path: Path) -> None:
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    commands = [line.removeprefix("#").strip() for line in head if "python scripts/" in line]
    assert commands
    own = path.stem if path.parent.name == "data" else f"configs/{name_of(path)}"
    assert any(re.search(rf"(^|[ =]){re.escape(own)}( |$)", command) for command in commands)
    for command in commands:
        script, *words = command.split()[1:]
        assert (ROOT / script).is_file(), command
        for word in words:
            if word.startswith("configs/"):
                assert (ROOT / word).is_file(), command


@pytest.mark.parametrize("path", RUNS, ids=name_of)
def test_a_run_is_called_like_its_file_and_passes_the_preflight(path: Path) -> None:
    config = load_either(path)
    assert config.run.name == path.stem
    if isinstance(config, DistillConfig):
        assert len(check_distillation(config).trained) == 1 + len(config.teacher.sources())
    else:
        assert len(check_training(config).trained) == 1


@pytest.mark.parametrize("path", RUNS, ids=name_of)
def test_networks_losses_and_optimisers_of_a_run_are_built_on_the_tiny_corpus(path: Path, simulated_root: Path) -> None:
    config = load_either(
        path, ["data=synthetic", *(word for word in tiny_words(simulated_root) if word.startswith("data."))]
    )
    corpus = open_corpus(config.data)
    sizes = CorpusSizes.of(corpus, corpus.vocabulary())
    classes = sizes.classes
    made = {}
    parts = [("network", config.network, config.stages)] if isinstance(config, TrainConfig) else []
    if isinstance(config, DistillConfig):
        sources = {role: source for role, (_, source) in config.teacher.sources().items()}
        parts += [(role, source.network, source.stages) for role, source in sources.items()]
        parts.append(("student", config.student.network, config.student.stages))
    for role, node, stages in parts:
        network = made[role] = build_network(node, classes, network_arguments(node, corpus, config.data), seed=0)
        for stage in stages:
            objective = make_objective(stage.losses or {}, network, sizes, None)
            assert make_optimizer(stage, network, objective).param_groups
            assert 0 < make_rate_schedule(stage)(0.0) <= 1
    if isinstance(config, DistillConfig):
        published = [{**made[role].tap_widths, "logits": classes} for role in sources]
        widths = combined_widths(published, config.teacher.combine) if config.teacher.combine else published[0]
        losses = make_objective(config.distillation.losses, made["student"], sizes, widths)
        assert losses.needs_teacher
    assert make_decoder(config.evaluate, corpus.vocabulary()).name


@pytest.mark.parametrize("path", DATA, ids=name_of)
def test_a_data_section_is_sound_in_every_component(path: Path) -> None:
    data = load_config(path, schema=Data)
    assert not check(dict(data.corpus), added=("root", "progress"))
    assert configured_layout(data).name == data.corpus.get("layout", "sign-27")
    rgb, pose = make_pipelines(data)
    assert len(rgb.describe()) > 1
    assert len(pose.describe()) > 1
    assert make_plan(data).describe() == {"stride": data.plan["stride"]}


@pytest.mark.parametrize("name", [path.stem for path in DATA])
def test_every_corpus_can_stand_in_the_main_configuration(name: str) -> None:
    config = load_config(CONFIGS / "stsg_to_stgt.yaml", [f"data={name}"], schema=DistillConfig)
    assert config.data == load_config(CONFIGS / "data" / f"{name}.yaml", schema=Data)
    assert check_distillation(config).streams == {"rgb", "pose"}


def test_the_simulated_corpus_gives_both_streams_as_its_section_prepares_them(simulated_root: Path) -> None:
    words = [f"root={simulated_root}", "corpus.profile=tiny"]
    data = load_config(CONFIGS / "data" / "synthetic.yaml", words, schema=Data)
    corpus = open_corpus(data)
    width, height = data.streams.rgb["crop"]
    for training in (False, True):
        dataset: SignDataset = make_dataset(
            corpus, "train", corpus.vocabulary(), data, streams=("rgb", "pose"), training=training
        )
        sample = dataset[0]
        assert sample.rgb is not None
        assert sample.pose is not None
        assert sample.rgb.shape == (len(sample.frames), 3, height, width)
        assert sample.pose.shape == (len(sample.frames), 27, 3)


@pytest.mark.parametrize(
    ("name", "run", "role"),
    [
        ("train_stsg", "stsg_to_stgt", "teacher"),
        ("train_stgt", "stsg_to_stgt", "student"),
        ("train_vac", "vac_to_stgt", "teacher"),
        ("train_i3d", "i3d_to_stgt", "teacher"),
        ("train_2dcnn_1dcnn", "2dcnn_1dcnn_to_stgt", "teacher"),
    ],
)
def test_a_network_trained_alone_is_that_of_its_distillation(name: str, run: str, role: str) -> None:
    alone = to_plain(load_config(CONFIGS / f"{name}.yaml", schema=TrainConfig))
    within = to_plain(load_config(CONFIGS / f"{run}.yaml", schema=DistillConfig))
    assert alone["network"] == within[role]["network"]
    assert alone["stages"] == within[role]["stages"]
    assert alone["data"] == within["data"]
    assert alone["evaluate"] == within["evaluate"]


def test_the_networks_for_phoenix_2014_are_as_large_as_their_constructors_make_them() -> None:
    config = load_config(CONFIGS / "phoenix2014.yaml", schema=DistillConfig)
    assert config.teacher.network is not None
    for node in (config.teacher.network, config.student.network):
        usual = resolve(node["_target_"]).parameters
        different = {name for name, value in node.items() if name[0] != "_" and value != usual[name].default}
        assert different == {"temporal_layers"}
    # Frames, plan and network together: a step per four frames of the recording, as in the main configuration.
    shown = torch.tensor([len(make_plan(config.data).draw(200))])
    for network in check_distillation(config).trained:
        assert cast(Network, network).output_lengths(shown).tolist() == [50]


@pytest.mark.parametrize("name", ["vac_to_stgt", "i3d_to_stgt"])
def test_the_words_for_published_sizes_fit_each_other(name: str) -> None:
    path = CONFIGS / f"{name}.yaml"
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#   ")]
    words = [word for line in head if "python" not in line for word in line.split()[1:]]
    # Published weights would have to be there.
    words = [word for word in words if not word.startswith("teacher.network.weights=")]
    assert "data.plan.stride=1" in words
    config = load_config(path, words, schema=DistillConfig)
    teacher, student = check_distillation(config).trained
    shown = torch.tensor([len(make_plan(config.data).draw(200))])
    assert cast(Network, teacher).output_lengths(shown).tolist() == [50]
    assert cast(Network, student).output_lengths(shown).tolist() == [50]
    if isinstance(teacher, VACResNet):
        assert count_parameters(teacher) == count_parameters(VACResNet(num_classes=BARE_CLASSES))


def test_smkd_differs_from_vac_by_its_classifier_alone() -> None:
    vac, smkd = (to_plain(load_config(CONFIGS / f"train_{name}.yaml", schema=TrainConfig)) for name in ("vac", "smkd"))
    assert smkd["network"] == vac["network"] | {"head": "normalised", "shared_head": True}
    assert {**smkd, "run": None, "network": None} == {**vac, "run": None, "network": None}


def test_the_ensemble_is_made_of_the_teachers_of_two_other_runs() -> None:
    members = load_config(CONFIGS / "ensemble_to_stgt.yaml", schema=DistillConfig).teacher.members
    for member, run in zip(members, ("stsg_to_stgt", "2dcnn_1dcnn_to_stgt"), strict=True):
        alone = load_config(CONFIGS / f"{run}.yaml", schema=DistillConfig).teacher
        assert (member.network, member.stages, member.seed) == (alone.network, alone.stages, alone.seed)


def test_the_teacher_of_the_control_is_another_student() -> None:
    control = to_plain(load_config(CONFIGS / "control_skeleton_teacher.yaml", schema=DistillConfig))
    main = to_plain(load_config(CONFIGS / "stsg_to_stgt.yaml", schema=DistillConfig))
    for key in ("network", "stages"):
        assert control["teacher"][key] == control["student"][key] == main["student"][key]
    assert control["distillation"] == main["distillation"]
    assert control["teacher"]["seed"] != 0


@pytest.mark.parametrize("loss", kd.losses.__all__)
def test_every_loss_can_be_named_in_a_configuration(loss: str) -> None:
    student = CoSign1S(num_classes=4, layout="sign-27", channels=(4,), width=8)
    # It publishes all there is to read, except how sure it is.
    other = {"tap": "frame"} if loss == "Confidence" else {}
    term = LossTerm(weight=1, loss={"_target_": f"kd.losses.{loss}", **other})
    teacher = {**student.tap_widths, "logits": 4}
    objective = make_objective({"it": term}, student, CorpusSizes(classes=4, joints=79, clips=5), teacher)
    assert type(objective.losses["it"]) is getattr(kd.losses, loss)
