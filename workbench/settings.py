"""Configurations of every kind, and the data section of whatever has one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.components import TARGET
from workbench.config import load_config, resolved_value
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.schema import ISOLATED, IsolatedData, IsolatedReleasedConfig, IsolatedTrainConfig
from workbench.layers import read_layers
from workbench.schema import Data, DistillConfig, ReleasedConfig, TrainConfig

_YAML = (".yaml", ".yml")


def load_alone(path: Path | str, words: Sequence[str] = ()) -> TrainConfig | IsolatedTrainConfig:
    """A configuration of a training alone; its corpus says whether on sentences or on isolated clips.

    Raises:
        ConfigError: as :func:`workbench.config.load_config` does.
    """
    if about_isolated_clips(path, words):
        return load_config(path, words, schema=IsolatedTrainConfig)
    return load_config(path, words, schema=TrainConfig)


def load_isolated(path: Path | str, words: Sequence[str] = ()) -> IsolatedTrainConfig | IsolatedDistillConfig:
    """A configuration about isolated clips: of a distillation, or of a training alone when it has no ``student``.

    That of ``released`` weights counts as a training, of no stages.

    Raises:
        ConfigError: as :func:`workbench.config.load_config` does.
    """
    if resolved_value(path, words, ("released",), schema=IsolatedReleasedConfig) is not None:
        return load_config(path, words, schema=IsolatedReleasedConfig)
    if resolved_value(path, words, ("student",), schema=IsolatedDistillConfig) is not None:
        return load_config(path, words, schema=IsolatedDistillConfig)
    return load_config(path, words, schema=IsolatedTrainConfig)


def load_distillation(path: Path | str, words: Sequence[str] = ()) -> DistillConfig | IsolatedDistillConfig:
    """A configuration of a distillation; its corpus says whether on sentences or on isolated clips.

    Raises:
        ConfigError: as :func:`workbench.config.load_config` does.
    """
    if about_isolated_clips(path, words):
        return load_config(path, words, schema=IsolatedDistillConfig)
    return load_config(path, words, schema=DistillConfig)


def about_isolated_clips(path: Path | str, words: Sequence[str] = ()) -> bool:
    """Whether the corpus of a configuration is one of isolated clips; faults are left to whoever loads it."""
    return _is_isolated(resolved_value(path, words, ("data", "corpus", TARGET), schema=TrainConfig))


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


def load_any(
    path: Path | str, words: Sequence[str] = ()
) -> DistillConfig | TrainConfig | IsolatedDistillConfig | IsolatedTrainConfig:
    """A configuration of any kind of run.

    Raises:
        ConfigError: as :func:`workbench.config.load_config` does.
    """
    return load_isolated(path, words) if about_isolated_clips(path, words) else load_either(path, words)


def corpus_section(name: str, words: Sequence[str], configs: Path) -> Data | IsolatedData:
    """The data section of the corpus that ``configs/data`` calls ``name``; ``words`` may begin with ``data.``.

    Raises:
        ValueError: when there is none of this name, or it has faults.
    """
    path = configs / "data" / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.yaml")))
        raise ValueError(f"{name!r} is neither a YAML file nor a corpus of {path.parent}, which has {known}")
    return data_file(path, words)


def any_data_section(what: str, words: Sequence[str], configs: Path) -> Data | IsolatedData:
    """The data section of a configuration, a file that holds only one, or a corpus by its name.

    Raises:
        ValueError: when there is no such file or corpus, or it has faults.
    """
    top = read_layers(what, []).value if what.endswith(_YAML) else {}
    if what.endswith(_YAML) and not (isinstance(top, dict) and "corpus" in top and "run" not in top):
        return load_any(what, words).data
    return data_file(Path(what), words) if what.endswith(_YAML) else corpus_section(what, words, configs)


def data_section(what: str, words: Sequence[str], configs: Path) -> Data:
    """The data section of :func:`any_data_section`, of sentences.

    Raises:
        ValueError: as there, or when it is about isolated clips.
    """
    data = any_data_section(what, words, configs)
    if isinstance(data, IsolatedData):
        raise ValueError(f"{what} is a corpus of isolated clips, and this is about sentences")
    return data


def data_file(path: Path, words: Sequence[str]) -> Data | IsolatedData:
    """The data section that a file holds and nothing else; ``words`` may begin with ``data.``.

    Raises:
        ConfigError: when it has faults.
    """
    words = [word.removeprefix("data.") for word in words]
    target = resolved_value(path, words, ("corpus", TARGET), schema=Data)
    if _is_isolated(target):
        return load_config(path, words, schema=IsolatedData)
    return load_config(path, words, schema=Data)


def _is_isolated(target: object) -> bool:
    return isinstance(target, str) and target.startswith(f"{ISOLATED}.")
