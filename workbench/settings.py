"""Configurations of either kind, and the data section of whatever has one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.config import load_config
from workbench.layers import read_layers
from workbench.schema import Data, DistillConfig, ReleasedConfig, TrainConfig

_YAML = (".yaml", ".yml")


def load_either(path: Path | str, words: Sequence[str] = ()) -> DistillConfig | TrainConfig:
    """A configuration of a distillation or, when it has a ``network`` and no ``student``, of a training alone.

    That of ``released`` weights counts as a training, of no stages.

    Raises:
        ConfigError: as :func:`workbench.config.load_config` does.
    """
    top = read_layers(path, []).value  # its faults are found again when it is loaded
    alone = isinstance(top, dict) and "network" in top and "student" not in top
    if alone and "released" in top:
        return load_config(path, words, schema=ReleasedConfig)
    if alone:
        return load_config(path, words, schema=TrainConfig)
    return load_config(path, words, schema=DistillConfig)


def corpus_section(name: str, words: Sequence[str], configs: Path) -> Data:
    """The data section of the corpus that ``configs/data`` calls ``name``; ``words`` may begin with ``data.``.

    Raises:
        ValueError: when there is none of this name, or it has faults.
    """
    path = configs / "data" / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.yaml")))
        raise ValueError(f"{name!r} is neither a YAML file nor a corpus of {path.parent}, which has {known}")
    return _data_of(path, words)


def data_section(what: str, words: Sequence[str], configs: Path) -> Data:
    """The data section of a configuration, a file that holds only one, or a corpus by its name.

    Raises:
        ValueError: when there is no such file or corpus, or it has faults.
    """
    if not what.endswith(_YAML):
        return corpus_section(what, words, configs)
    top = read_layers(what, []).value
    if isinstance(top, dict) and "corpus" in top and "run" not in top:
        return _data_of(Path(what), words)
    return load_either(what, words).data


def _data_of(path: Path, words: Sequence[str]) -> Data:
    return load_config(path, [word.removeprefix("data.") for word in words], schema=Data)
