"""Before a long run: is everything there, does the configuration fit, is the corpus sound?"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from slr.data import inspect
from slr.types import Network
from workbench.assemble import make_plan
from workbench.environment import describe_environment
from workbench.findings import told
from workbench.isolated.check import check_isolated_corpus, check_isolated_run
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.schema import IsolatedData, IsolatedEvaluate
from workbench.made_teacher import check_ready_made
from workbench.making import Making
from workbench.preflight import check_distillation, check_training
from workbench.progress import Progress
from workbench.schema import Data, DistillConfig, Evaluate, Run, TrainConfig
from workbench.settings import about_isolated_clips, corpus_section, load_either, load_isolated
from workbench.workplace import Workplace

# The extras of setup.cfg that a run may need, and what each of them lets Python import.
EXTRAS = {
    "pose-format": "pose_format",
    "parquet": "pyarrow",
    "kenlm": "kenlm",
    "flashlight-text": "flashlight",
    "submitit": "submitit",
}
_USUAL_REDUCTION = 4  # frames per output step of most continuous networks


def check(what: str | None, words: list[str], configs: Path, progress: Progress, console: Console) -> bool:
    """Check the environment, and the configuration or the corpus called ``what`` when one is named.

    Returns:
        whether a run may start: nothing found is an error.

    Raises:
        ValueError: when the configuration has faults, or the corpus cannot be opened at all.
    """
    console.print(_environment())
    if what is None:
        return True
    if what.endswith((".yaml", ".yml")):
        if about_isolated_clips(what, words):
            return check_isolated_run(load_isolated(what, words), progress, console)
        config = load_either(what, words)
        needs = check_training(config) if isinstance(config, TrainConfig) else check_distillation(config)
        console.print(f"{what}: the networks can be built, and the losses find their taps")
        place = Workplace.open(config.run, config.data, config.evaluate, progress)
        if isinstance(config, DistillConfig):
            check_ready_made(config, place, needs.teacher_taps)
        return _corpus(place, _fewest_steps(place, needs.trained), needs.streams, console)
    data = corpus_section(what, words, configs)
    if isinstance(data, IsolatedData):
        return check_isolated_corpus(IsolatedPlace.open(Run(name="check"), data, IsolatedEvaluate(), progress), console)
    place = Workplace.open(Run(name="check"), data, Evaluate(), progress)
    return _corpus(place, lambda lengths: -(-lengths // _USUAL_REDUCTION), _present_streams(data), console)


def _present_streams(data: Data) -> frozenset[str]:
    """The streams of a corpus that may be opened without its frames."""
    frames = data.corpus.get("features", "") is not None
    return frozenset({"rgb", "pose"} if frames else {"pose"})


def _fewest_steps(place: Workplace, networks: Iterable[nn.Module]) -> Callable[[Tensor], Tensor]:
    """Output steps of whichever network makes the fewest, for plans of ``[N]`` frames."""

    def fewest(lengths: Tensor) -> Tensor:
        stride = place.data.streams.rgb_stride
        steps = [
            network.output_lengths(-(-lengths // stride) if network.input_stream == "rgb" else lengths)
            for network in map(_as_network, networks)
        ]
        return torch.stack(steps).amin(0)

    return fewest


def _as_network(module: nn.Module) -> Network:
    return cast(Network, module)


def _environment() -> Table:
    table = Table(show_header=False, title="environment", title_justify="left")
    described = describe_environment()
    packages = described.pop("packages")
    del described["command"]  # this one
    described["packages"] = ", ".join(f"{name} {version}" for name, version in packages.items())
    for key, value in described.items():
        shown = (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
        table.add_row(key.replace("_", " "), Text(shown))
    there = {name: importlib.util.find_spec(module) is not None for name, module in EXTRAS.items()}
    table.add_row("extras installed", ", ".join(name for name in EXTRAS if there[name]) or "none")
    table.add_row("extras missing", ", ".join(name for name in EXTRAS if not there[name]) or "none")
    return table


def _corpus(
    place: Workplace, output_lengths: Callable[[Tensor], Tensor], streams: Iterable[str], console: Console
) -> bool:
    with Making(place.progress, "checking") as looking:
        findings = inspect(
            place.corpus,
            place.vocabulary,
            output_lengths,
            plan=make_plan(place.data),
            streams=streams,
            progress=looking,
        )
    return told(findings, place.corpus.name, console)
