from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from kd.losses import TemporalRelation
from slr.types import NetOutput
from tests.losses import TEACHER_WIDTH, example
from tests.workbench.tiny import TinyBatches, TinyNetwork, TinyObjective
from workbench.assemble import CorpusSizes, make_objective
from workbench.kept_losses import kept_file, load_kept, save_kept
from workbench.precision import choose_precision
from workbench.schedule import constant
from workbench.schema import LossTerm
from workbench.tensor_file import read_tree, write_tree
from workbench.trainer import parameter_groups, train_stage
from workbench.training_state import copied_weights
from workbench.training_types import DevScore, StageOptions, StageResult

SIZES = CorpusSizes(classes=5, joints=2, clips=3)
TEACHER = {"inner": TEACHER_WIDTH, "logits": 5}


def terms(**changes: Any) -> dict[str, LossTerm]:
    node = {"_target_": "kd.losses.TemporalRelation", "tap": "inner", "width": 4, "embedding_width": 4, **changes}
    return {
        "ctc": LossTerm(loss={"_target_": "kd.losses.CTC"}),
        "trkd": LossTerm(loss=node),
        "off": LossTerm(weight=0, loss=node),
    }


@pytest.fixture
def student() -> TinyNetwork:
    return TinyNetwork(num_classes=5, width=6)


def test_relations_come_back_as_they_were(student: TinyNetwork, tmp_path: Path) -> None:
    objective = make_objective(terms(), student, SIZES, TEACHER)
    save_kept(tmp_path / "objective.safetensors", copied_weights(objective.kept))
    found = load_kept(tmp_path / "objective.safetensors", terms(), student, SIZES, TEACHER)
    assert list(found) == ["trkd"]
    assert not found.training
    given = example()
    taps = [NetOutput(side.logits, {"inner": side.taps["conv"]}) for side in (given.student, given.teacher)]
    before, after = objective.losses["trkd"], found["trkd"]
    assert isinstance(before, TemporalRelation)
    assert isinstance(after, TemporalRelation)
    for mine, theirs in zip(after.adjacency(*taps), before.adjacency(*taps), strict=True):
        assert torch.equal(mine, theirs)


def test_where_nothing_is_worth_keeping_no_file_is_left(student: TinyNetwork, tmp_path: Path) -> None:
    objective = make_objective({"ctc": terms()["ctc"]}, student, SIZES, None)
    save_kept(tmp_path / "objective.safetensors", copied_weights(objective.kept))
    assert list(tmp_path.iterdir()) == []


def test_other_losses_and_other_files_are_refused(student: TinyNetwork, tmp_path: Path) -> None:
    path = tmp_path / kept_file("student")
    with pytest.raises(ValueError, match=r"student.objective.safetensors does not exist"):
        load_kept(path, terms(), student, SIZES, TEACHER)
    save_kept(path, copied_weights(make_objective(terms(), student, SIZES, TEACHER).kept))
    with pytest.raises(ValueError, match=r"student.objective.safetensors has 'trkd.graphs"):
        load_kept(path, terms(width=8), student, SIZES, TEACHER)
    write_tree(path, {"network": torch.zeros(3)})
    with pytest.raises(ValueError, match="holds no weights of losses"):
        load_kept(path, terms(), student, SIZES, TEACHER)


def trained(
    scores: dict[int, float] | None, state: Path | None = None, epochs: int = 3
) -> tuple[nn.Module, StageResult]:
    """A training whose dev scores are given by epoch."""
    torch.manual_seed(0)
    network, objective = TinyNetwork(), TinyObjective()
    looks = iter((scores or {}).values())
    result = train_stage(
        network,
        objective,
        TinyBatches(),
        torch.optim.SGD(parameter_groups(network, objective), lr=0.1),
        constant(),
        StageOptions("student", epochs=epochs),
        precision=choose_precision("auto", torch.device("cpu")),
        evaluate=None if scores is None else lambda candidate: DevScore(next(looks)),
        state_file=state,
        kept=objective.projection,
    )
    return objective.projection, result


def test_the_weights_kept_are_those_of_the_best_epoch() -> None:
    after_two, _ = trained(None, epochs=2)
    last, best = trained({1: 0.5, 2: 0.1, 3: 0.9})
    assert best.best_epoch == 2
    assert torch.equal(best.kept["weight"], after_two.weight)
    assert not torch.equal(best.kept["weight"], last.weight)


def test_without_a_dev_score_they_are_the_last_ones() -> None:
    last, result = trained(None)
    assert torch.equal(result.kept["weight"], last.weight)


def test_a_state_saved_by_an_earlier_version_goes_on_and_keeps_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    trained({1: 0.5, 2: 0.1, 3: 0.9}, state)
    tree = read_tree(state)
    del tree["best"]["kept"]
    write_tree(state, tree)
    _, result = trained({}, state)
    assert (result.best_epoch, result.kept) == (2, {})
