"""A training that is stopped, in whatever way, ends with the weights of one that is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from slr.types import Batch
from tests.workbench import killed_training
from tests.workbench.tiny import TinyBatches, TinyNetwork, TinyObjective, seed_everything
from workbench.averaging import make_average
from workbench.interrupts import Interrupted
from workbench.precision import choose_precision
from workbench.progress import PlainProgress
from workbench.record import MetricsFile
from workbench.schedule import one_cycle
from workbench.tensor_file import read_tree
from workbench.trainer import parameter_groups, train_stage
from workbench.training_types import DevScore, StageOptions, StageResult

ROOT = Path(__file__).resolve().parents[2]


def run_script(folder: Path, when: str, *how: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.workbench.killed_training", str(folder), when, *how]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def flat(tree: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {place: tree}
    return {name: leaf for key, child in tree.items() for name, leaf in flat(child, f"{place}/{key}").items()}


def assert_same(one: Any, two: Any) -> None:
    one, two = flat(one), flat(two)
    assert one.keys() == two.keys()
    for name, value in one.items():
        same = torch.equal(value, two[name]) if isinstance(value, torch.Tensor) else value == two[name]
        assert same, f"{name} differs"


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    timed = ("seconds", "waiting", "dev_seconds")
    return [{key: value for key, value in row.items() if key not in timed} for row in rows]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("how", [(), ("itself",)])
def test_a_training_killed_without_warning_ends_with_the_same_weights_bit_for_bit(
    tmp_path: Path, how: tuple[str, ...]
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    killed_training.main(straight, None, bool(how))
    # Killed twice: two epochs are done, and in the middle of the fourth.
    for when in ("2:3", "3:1"):
        done = run_script(killed, when, *how)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (killed / "end.safetensors").exists()
    last = run_script(killed, "-", *how)
    assert last.returncode == 0, last.stderr
    assert_same(read_tree(killed / "end.safetensors"), read_tree(straight / "end.safetensors"))
    assert rows_of(killed) == rows_of(straight)
    assert [row["epoch"] for row in rows_of(killed)] == [1, 2, 3, 4]


class Training:
    """A training in this process, to be begun again with the same seed and the same files."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.options = options
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text)

    def flush(self) -> None:
        pass

    def run(self, batches: TinyBatches, identity: str = "a", dropout: float = 0.4) -> tuple[TinyNetwork, StageResult]:
        seed_everything(1)
        network, objective = TinyNetwork(dropout=dropout), TinyObjective()
        result = train_stage(
            network,
            objective,
            batches,
            torch.optim.Adam(parameter_groups(network, objective), lr=0.02),
            one_cycle(),
            StageOptions("student", epochs=3, identity=identity, **self.options),
            precision=choose_precision("auto", torch.device("cpu")),
            state_file=self.folder / "state.safetensors",
            rows=MetricsFile(self.folder / "metrics.jsonl"),
            progress=PlainProgress(self),  # type: ignore[arg-type]
        )
        return network, result


class Terminating(TinyBatches):
    """Sends the process a SIGTERM while a batch is being made."""

    def __init__(self, epoch: int, index: int) -> None:
        super().__init__(counts=(5,), wild=True)
        self.when = (epoch, index)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        for index, batch in enumerate(super().epoch(epoch, first), start=first):
            if (epoch, index) == self.when:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("when", [(0, 0), (1, 1), (1, 2), (1, 4), (2, 4)])
def test_sigterm_saves_in_the_middle_of_an_epoch_and_the_end_is_the_same(
    tmp_path: Path, when: tuple[int, int], accumulate: int
) -> None:
    (tmp_path / "straight").mkdir()
    before = signal.getsignal(signal.SIGTERM)
    straight, whole = Training(tmp_path / "straight", accumulate=accumulate).run(TinyBatches((5,), wild=True))
    training = Training(tmp_path, accumulate=accumulate)
    with pytest.raises(Interrupted) as caught:
        training.run(Terminating(*when))
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
    assert "stopped on request after" in "".join(training.lines)
    assert "run the same command again to continue" in "".join(training.lines)
    network, result = training.run(TinyBatches((5,), wild=True))
    assert_same(network.state_dict(), straight.state_dict())
    assert rows_of(tmp_path) == rows_of(tmp_path / "straight")
    assert result.steps == whole.steps


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    training = Training(tmp_path)
    network, result = training.run(TinyBatches((2,)))
    again, repeated = training.run(TinyBatches((2,)))
    assert_same(again.state_dict(), network.state_dict())
    assert repeated == result
    assert len(rows_of(tmp_path)) == 3
    assert "was trained before" in "".join(training.lines)


class Dev:
    """The scores of dev, one look after the other; looks may be repeated after a stop."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)
        self.looks = 0

    def __call__(self, network: torch.nn.Module) -> DevScore:
        self.looks += 1
        return DevScore(self.scores[self.looks - 1])


@pytest.mark.parametrize(
    ("every", "scores", "epochs", "best"),
    [
        (1, (0.9, 0.5, 0.6, 0.5, 0.1), 4, 2),
        (1, (0.5, 0.6, 0.4, 0.3, 0.2, 0.1), 6, 6),
        (2, (0.5, 0.6, 0.7), 6, 2),
    ],
)
def test_a_stage_ends_when_dev_was_looked_at_in_vain(
    tmp_path: Path, every: int, scores: tuple[float, ...], epochs: int, best: int
) -> None:
    def train() -> StageResult:
        seed_everything(1)
        network, objective = TinyNetwork(), TinyObjective()
        return train_stage(
            network,
            objective,
            TinyBatches((1,)),
            torch.optim.Adam(parameter_groups(network, objective)),
            one_cycle(),
            StageOptions("student", epochs=6, evaluate_every=every, patience=2),
            precision=choose_precision("auto", torch.device("cpu")),
            evaluate=Dev(*scores),
            state_file=tmp_path / "state.safetensors",
        )

    result = train()
    assert (len(result.history), result.best_epoch) == (epochs, best)
    again = train()  # what ended early is over: the looks begin anew, and none is taken
    assert again == result


def test_an_average_is_judged_and_kept(tmp_path: Path) -> None:
    seed_everything(1)
    network, objective = TinyNetwork(), TinyObjective()
    average = make_average(network, 0.99)
    seen: list[dict[str, torch.Tensor]] = []

    def evaluate(candidate: torch.nn.Module) -> DevScore:
        assert candidate is average.module
        seen.append({name: tensor.clone() for name, tensor in candidate.state_dict().items()})
        return DevScore(1 / len(seen))

    train_stage(
        network,
        objective,
        TinyBatches((4,)),
        torch.optim.Adam(parameter_groups(network, objective), lr=0.02),
        one_cycle(),
        StageOptions("student", epochs=2),
        precision=choose_precision("auto", torch.device("cpu")),
        evaluate=evaluate,
        average=average,
    )
    assert_same(network.state_dict(), seen[-1])


def test_other_settings_start_over(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.run(TinyBatches((2,)), identity="a", dropout=0.0)
    network, _ = training.run(TinyBatches((2,)), identity="b", dropout=0.4)
    (tmp_path / "new").mkdir()
    straight, _ = Training(tmp_path / "new").run(TinyBatches((2,)), identity="b", dropout=0.4)
    assert_same(network.state_dict(), straight.state_dict())
    assert len(rows_of(tmp_path)) == 3
    assert "its settings have changed since it was begun: starting over" in "".join(training.lines)


def test_a_damaged_state_is_refused_in_one_sentence(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.run(TinyBatches((2,)))
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"state.safetensors is damaged or cut short"):
        training.run(TinyBatches((2,)))


def test_a_state_of_another_network_is_refused_in_one_sentence(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.run(TinyBatches((2,)))
    network = TinyNetwork(width=9)
    objective = TinyObjective(width=9)
    with pytest.raises(
        ValueError, match=r"state.safetensors does not fit what is trained here .*: start over with --fresh"
    ):
        train_stage(
            network,
            objective,
            TinyBatches((2,)),
            torch.optim.Adam(parameter_groups(network, objective)),
            one_cycle(),
            StageOptions("student", epochs=3, identity="a"),
            precision=choose_precision("auto", torch.device("cpu")),
            state_file=tmp_path / "state.safetensors",
        )


def test_looking_at_dev_more_often_trains_the_same_network() -> None:
    def train(evaluate_every: int) -> dict[str, Any]:
        seed_everything(1)
        network, objective = TinyNetwork(dropout=0.4), TinyObjective()
        seen: list[dict[str, Any]] = []

        def evaluate(candidate: torch.nn.Module) -> DevScore:
            torch.rand(11)
            assert not candidate.training
            assert not torch.is_grad_enabled()
            seen.append({name: tensor.clone() for name, tensor in candidate.state_dict().items()})
            return DevScore(1.0)

        train_stage(
            network,
            objective,
            TinyBatches((2,)),
            torch.optim.Adam(parameter_groups(network, objective), lr=0.02),
            one_cycle(),
            StageOptions("student", epochs=4, evaluate_every=evaluate_every),
            precision=choose_precision("auto", torch.device("cpu")),
            evaluate=evaluate,
        )
        return seen[-1]

    assert_same(train(1), train(4))
