"""Before a long run: is everything there, does the configuration fit, is the corpus sound?"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from slr.data import Finding, TemporalPlan, inspect
from slr.types import Network
from workbench.assemble import make_network, network_arguments
from workbench.config import load_config
from workbench.environment import describe_environment
from workbench.preflight import check_distillation
from workbench.progress import Progress
from workbench.schema import Data, DistillConfig, Evaluate, Run
from workbench.workplace import Workplace

_EXTRAS = ("pose_format", "av", "mediapipe", "flashlight", "kenlm", "onnx", "onnxruntime", "submitit", "tensorboard")
_COLOURS = {"info": "", "warning": "yellow", "error": "bold red"}
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
        config = load_config(what, words, schema=DistillConfig)
        check_distillation(config)
        console.print(f"{what}: the networks can be built, and the losses find their taps")
        place = Workplace.open(config.run, config.data, config.evaluate, progress)
        nodes = [node for node in (config.teacher.network, config.student.network) if node is not None]
        return _corpus(place, _fewest_steps(place, nodes), console)
    path = configs / "data" / f"{what}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.yaml")))
        raise ValueError(f"{what!r} is neither a YAML file nor a corpus of {path.parent}, which has {known}")
    data = load_config(path, [word.removeprefix("data.") for word in words], schema=Data)
    place = Workplace.open(Run(name="check"), data, Evaluate(), progress)
    return _corpus(place, lambda lengths: -(-lengths // _USUAL_REDUCTION), console)


def _fewest_steps(place: Workplace, nodes: Iterable[Mapping[str, Any]]) -> Callable[[Tensor], Tensor]:
    """Output steps of whichever network makes the fewest, for plans of ``[N]`` frames."""
    networks = [
        cast(Network, make_network(node, len(place.vocabulary), network_arguments(node, place.corpus), seed=0))
        for node in nodes
    ]

    def fewest(lengths: Tensor) -> Tensor:
        stride = place.data.streams.rgb_stride
        steps = [
            network.output_lengths(-(-lengths // stride) if network.input_stream == "rgb" else lengths)
            for network in networks
        ]
        return torch.stack(steps).amin(0)

    return fewest


def _environment() -> Table:
    table = Table(show_header=False, title="environment", title_justify="left")
    described = describe_environment()
    packages = described.pop("packages")
    described["packages"] = ", ".join(f"{name} {version}" for name, version in packages.items())
    for key, value in described.items():
        table.add_row(key.replace("_", " "), Text(str(value)))
    there = {name: importlib.util.find_spec(name) is not None for name in _EXTRAS}
    table.add_row("extras installed", ", ".join(name for name in _EXTRAS if there[name]) or "none")
    table.add_row("extras missing", ", ".join(name for name in _EXTRAS if not there[name]) or "none")
    return table


def _corpus(place: Workplace, output_lengths: Callable[[Tensor], Tensor], console: Console) -> bool:
    with place.progress.bar("reading keypoints", 1) as bar:
        findings = inspect(place.corpus, place.vocabulary, output_lengths, plan=TemporalPlan(**place.data.plan))
        bar.advance()
    table = Table("", "split", "what was found", "what to do", title=place.corpus.name, title_justify="left")
    for finding in findings:
        table.add_row(*_cells(finding))
    console.print(table)
    return all(finding.severity != "error" for finding in findings)


def _cells(finding: Finding) -> tuple[Text, str, Text, Text]:
    style = _COLOURS[finding.severity]
    return Text(finding.severity, style), finding.split, Text(finding.message), Text(finding.remedy)
