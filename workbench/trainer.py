"""The training loop: one network, one objective, some epochs, in plain torch.

Nothing here knows a loss, a corpus or a configuration by name. Where a teacher is given, it answers batches like a
function; it is not trained, moved or saved here.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from slr.types import Batch, NetOutput
from workbench.diagnostics import diagnosed_batches
from workbench.interrupts import Interrupted, TerminationRequest
from workbench.layer_rates import layers_of
from workbench.learner import MAX_SKIPPED_STEPS, Learner
from workbench.meters import EpochMeter
from workbench.precision import Precision
from workbench.progress import NoProgress, Progress
from workbench.pull_watch import PullWatch
from workbench.rng import preserved, restore_rng
from workbench.schedule import Schedule, epoch_factors
from workbench.training_lines import epoch_line, where
from workbench.training_state import Best, Position, Trainee, copied_weights, load_state, save_state
from workbench.training_types import Batches, DevScore, NonFiniteError, Rows, StageOptions, StageResult, Watch

Evaluate = Callable[[nn.Module], DevScore]


def parameter_groups(network: nn.Module, objective: nn.Module) -> list[dict[str, Any]]:
    """What an optimiser is given: the parameters of the network, and as a second group those that the losses learn."""
    groups = [[weight for weight in part.parameters() if weight.requires_grad] for part in (network, objective)]
    return [{"params": group} for group in groups if group]


def layered_groups(network: nn.Module, objective: nn.Module, decay: float) -> tuple[list[dict[str, Any]], list[float]]:
    """The same with a group for every layer of the network, the last one first, and every group's share of the rate.

    Layer ``k`` from the output, counted from 0, has ``decay ** k``; what the losses learn has the whole rate.
    """
    layers = layers_of(network)[::-1]
    shares = [decay**depth for depth in range(len(layers))]
    learned = [weight for weight in objective.parameters() if weight.requires_grad]
    if learned:
        layers, shares = [*layers, learned], [*shares, 1.0]
    return [{"params": layer} for layer in layers], shares


def tell_epoch(network: nn.Module, epoch: int) -> None:
    """Call ``set_epoch(epoch)`` of every module of the network that has it, see :class:`slr.types.Network`."""
    for module in network.modules():
        set_epoch = getattr(module, "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)


def train_stage(
    network: nn.Module,
    objective: nn.Module,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    options: StageOptions,
    *,
    precision: Precision,
    teacher: Callable[[Batch], NetOutput] | None = None,
    evaluate: Evaluate | None = None,
    state_file: Path | None = None,
    rows: Rows | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    kept: nn.Module | None = None,
    average: AveragedModel | None = None,
) -> StageResult:
    """Train ``network`` on ``objective``, and leave it with the weights of its best epoch on the dev split.

    Args:
        network: answers ``network(batch.stream(network.input_stream))`` with a :class:`NetOutput`.
        objective: a module that is also a :class:`workbench.training_types.Objective`; to be diagnosed it must be a
            :class:`kd.objective.Objective`.
        batches: the training clips.
        optimizer: of the parameters of network and objective, see :func:`parameter_groups`.
        schedule: factor on the optimiser's rates over the stage.
        options: how long and how.
        precision: number format of the network's forward pass, and the device that network and objective are on.
        teacher: answers a batch; called without gradients and outside autocast.
        evaluate: judges the network, which is in eval mode, without gradients. What it draws from the global random
            generators is put back, so looking more often trains the same network.
        state_file: where the state is saved after every epoch and on SIGTERM; an existing one is continued.
        rows: where one row per epoch is recorded.
        progress: who is told.
        watch: gives the alarm when the training goes wrong.
        kept: a part of the objective whose weights in the best epoch are to be kept.
        average: of the weights of the network, see :func:`workbench.averaging.make_average`; then it is this that is
            judged, and that the network is left with.

    Raises:
        NonFiniteError: when a loss or a gradient is not finite, before anything moves.
        ValueError: when there is nothing to learn from, or the saved state cannot be used.
        Interrupted: after SIGTERM, once the state is saved.
    """
    trainee = Trainee(network, objective, optimizer, precision.scaler(), average)
    learner = Learner(trainee, precision, teacher, options.clip_grad_norm)
    stage = _Stage(learner, batches, schedule, options, state_file, rows, progress or NoProgress(), kept)
    stage.resume()
    with TerminationRequest() as termination:
        while not stage.over:
            stage.train_epoch(stage.position.epoch, termination)
            score = stage.look_at_dev(evaluate)
            stage.conclude_epoch(score, watch)
            stage.save()
            stage.stop_if_asked(termination)
    return stage.result()


class _Stage:
    """A stage under way: where it is, and what it does in one epoch."""

    def __init__(
        self,
        learner: Learner,
        batches: Batches,
        schedule: Schedule,
        options: StageOptions,
        state_file: Path | None,
        rows: Rows | None,
        progress: Progress,
        kept: nn.Module | None,
    ) -> None:
        self.learner = learner
        self.kept = kept or nn.Module()  # nothing
        self.trainee = learner.trainee
        self.batches = batches
        self.schedule = schedule
        self.options = options
        self.state_file = state_file
        self.rows = rows
        self.progress = progress
        self.position = Position()
        self._saved_rng: dict[str, Any] | None = None
        self._dev_seconds = 0.0
        self.trainee.optimizer.zero_grad(set_to_none=True)

    def resume(self) -> None:
        """Continue a saved state of the same settings; drop the rows of epochs that will be done again."""
        name = self.options.name
        if self.state_file is not None and self.state_file.is_file():
            found = load_state(self.state_file, self.options.identity, self.trainee)
            if found is None:
                self.progress.line(f"{name}  its settings have changed since it was begun: starting over")
            else:
                self.position, self._saved_rng = found
                begun = "was trained before:" if self.over else "continuing after"
                self.progress.line(f"{name}  {begun} {self._progress_made()}")
        if self._saved_rng is not None and self.position.batch == 0:
            self._restore_rng()
        if self.rows is not None:
            done = self.position.epoch
            self.rows.keep(lambda row: row.get("stage") != name or row.get("epoch", 0) <= done)

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or the dev split was looked at too often in vain."""
        position, patience = self.position, self.options.patience
        if position.epoch >= self.options.epochs:
            return True
        if patience is None or position.best is None:
            return False
        return sum("dev" in row for row in position.history[position.best.epoch :]) >= patience

    def train_epoch(self, epoch: int, termination: TerminationRequest) -> None:
        """One pass over the data, or the rest of one."""
        position, accumulate = self.position, self.options.accumulate
        self.trainee.network.train()
        self.trainee.objective.train()
        cast(Any, self.trainee.objective).set_epoch(epoch)
        tell_epoch(self.trainee.network, epoch)
        count = self.batches.count(epoch)
        if count < 1:
            raise ValueError(
                f"{self.options.name}: epoch {epoch + 1} has no batch, because the training split is empty"
            )
        steps = math.ceil(count / accumulate)
        factors = epoch_factors(self.schedule, epoch=epoch, epochs=self.options.epochs, steps=steps)
        diagnosed = self._diagnosed(epoch, count)
        with self.progress.bar(self._label(epoch), count, position.batch) as bar:
            for index, batch in self._arriving(epoch):
                assert index < count, f"the data announced {count} batches and gave more"
                try:
                    group = min(accumulate, count - index // accumulate * accumulate)
                    loss = self._learn(batch, index, group, diagnose=index in diagnosed)
                    if (index + 1) % accumulate == 0 or index + 1 == count:
                        self._step(factors[index // accumulate])
                except NonFiniteError as error:
                    raise NonFiniteError(where(self.options, position, batch.ids, str(error))) from None
                bar.advance(f"loss {loss:.3f}")
                if position.batch % accumulate == 0:
                    self.stop_if_asked(termination)
        assert position.batch == count, f"the data announced {count} batches and gave {position.batch}"

    def _arriving(self, epoch: int) -> Iterator[tuple[int, Batch]]:
        """The numbered batches still to come in this epoch, on the device; measures time, and time spent waiting."""
        meter, first = self.position.meter, self.position.batch
        source = iter(self.batches.epoch(epoch, first))
        begin = time.perf_counter()
        for index in itertools.count(first):
            batch = next(source, None)
            # Starting the data amid an epoch may draw random numbers that an unbroken run drew at the epoch's start.
            self._restore_rng()
            if batch is None:
                return
            meter.waiting += time.perf_counter() - begin
            yield index, batch.to(self.learner.precision.device)
            now = time.perf_counter()
            meter.seconds += now - begin
            begin = now

    def _diagnosed(self, epoch: int, count: int) -> frozenset[int]:
        options = self.options
        return diagnosed_batches(
            epoch=epoch,
            epochs=options.epochs,
            every=options.diagnose_every,
            batches=options.diagnose_batches,
            count=count,
        )

    def _learn(self, batch: Batch, index: int, group: int, *, diagnose: bool) -> float:
        """Gradients of one batch, one of ``group`` that share a step; returns its loss."""
        numbers = self.learner.learn(batch, share=1 / group, diagnose=diagnose)
        self.position.meter.add_batch(len(batch), numbers)
        self.position.batch = index + 1
        return numbers.loss

    def _step(self, factor: float) -> None:
        position = self.position
        norm = self.learner.step(factor, may_skip=position.skipped_in_a_row < MAX_SKIPPED_STEPS)
        position.meter.add_step(norm)
        position.step += norm is not None
        position.skipped_in_a_row = position.skipped_in_a_row + 1 if norm is None else 0

    def look_at_dev(self, evaluate: Evaluate | None) -> DevScore | None:
        """Judge the network when it is time to, and remember the best weights."""
        done = self.position.epoch + 1
        if evaluate is None or (done % self.options.evaluate_every and done != self.options.epochs):
            return None
        begin = time.perf_counter()
        with preserved(), torch.no_grad():
            score = evaluate(self.trainee.judged.eval())
        self._dev_seconds = time.perf_counter() - begin
        if not math.isfinite(score.value):
            raise ValueError(
                f"{self.options.name}: the dev {score.name} of epoch {done} is {score.value}, which is no score"
            )
        if self.position.best is None or score.beats(self.position.best.score):
            self.position.best = Best(done, score, copied_weights(self.trainee.judged), copied_weights(self.kept))
        return score

    def conclude_epoch(self, score: DevScore | None, watch: Watch | None) -> None:
        """Record what the epoch gave, and say it."""
        position, options = self.position, self.options
        label = self._label(position.epoch)
        position.epoch, position.batch = position.epoch + 1, 0
        row = {"stage": options.name, "epoch": position.epoch, "step": position.step, **position.meter.means()}
        row["lr"] = self.trainee.optimizer.param_groups[0]["lr"]
        if score is not None and position.best is not None:
            best = position.best.epoch == position.epoch
            row |= {"dev": {score.name: score.value, **score.details}, "best": best}
            row["dev_seconds"] = round(self._dev_seconds, 3)
        alarms = self._new_alarms(score, row, watch)
        row |= {"alarms": alarms} if alarms else {}
        position.history.append(row)
        position.meter = EpochMeter()
        if self.rows is not None:
            self.rows.append(row)
        self.progress.line(f"{label}  {epoch_line(row, score)}")
        if self.over and position.epoch < options.epochs:
            self.progress.line(f"{options.name}  ends early: dev was looked at {options.patience} times in vain")
        for alarm in alarms:
            self.progress.warn(f"{options.name}: {alarm}")

    def _new_alarms(self, score: DevScore | None, row: Mapping[str, Any], watch: Watch | None) -> list[str]:
        alarms = PullWatch().alarms([*self.position.history, row]) if "diagnostics" in row else []
        if watch is not None:
            alarms += watch.look(row, None if score is None else score.value, self.options.epochs)
        new = [alarm for alarm in alarms if alarm.cause not in self.position.alarmed]
        self.position.alarmed += [alarm.cause for alarm in new]
        return [alarm.message for alarm in new]

    def save(self) -> None:
        """Save everything a continuation needs, where there is a place for it."""
        if self.state_file is not None:
            save_state(self.state_file, self.options.identity, self.position, self.trainee)

    def stop_if_asked(self, termination: TerminationRequest) -> None:
        """After SIGTERM: save, say how to go on, and end."""
        if not termination.received:
            return
        self.save()
        saved = "saved; run the same command again to continue" if self.state_file is not None else "nothing was saved"
        self.progress.line(f"{self.options.name}  stopped on request after {self._progress_made()}: {saved}")
        raise Interrupted(termination.number)

    def result(self) -> StageResult:
        """The stage in numbers; the network gets its best weights."""
        position = self.position
        if position.best is not None:
            self.trainee.network.load_state_dict(position.best.weights)
        elif self.trainee.average is not None:
            self.trainee.network.load_state_dict(self.trainee.average.module.state_dict())
        return StageResult(
            best_epoch=position.epoch if position.best is None else position.best.epoch,
            best=None if position.best is None else position.best.score,
            steps=position.step,
            seconds=sum(row["seconds"] for row in position.history),
            history=tuple(position.history),
            kept=copied_weights(self.kept) if position.best is None else position.best.kept,
        )

    def _restore_rng(self) -> None:
        if self._saved_rng is not None:
            restore_rng(self._saved_rng)
            self._saved_rng = None

    def _label(self, epoch: int) -> str:
        width = len(str(self.options.epochs))
        return f"{self.options.name}  epoch {epoch + 1:{width}d}/{self.options.epochs}"

    def _progress_made(self) -> str:
        batches = f" and {self.position.batch} batches" if self.position.batch else ""
        return f"{self.position.epoch} of {self.options.epochs} epochs{batches}"
