"""Configurations of either kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.config import load_config
from workbench.layers import read_layers
from workbench.schema import DistillConfig, TrainConfig


def load_either(path: Path | str, words: Sequence[str] = ()) -> DistillConfig | TrainConfig:
    """A configuration of a distillation or, when it has a ``network`` and no ``student``, of a training alone.

    Raises:
        ConfigError: as :func:`workbench.config.load_config` does.
    """
    top = read_layers(path, []).value  # its faults are found again when it is loaded
    alone = isinstance(top, dict) and "network" in top and "student" not in top
    if alone:
        return load_config(path, words, schema=TrainConfig)
    return load_config(path, words, schema=DistillConfig)
