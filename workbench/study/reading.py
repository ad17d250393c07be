"""Finished runs from their folders, whatever their networks were for."""

from __future__ import annotations

from pathlib import Path

from workbench.study.class_folders import ClassRunFolder, read_class_run
from workbench.study.folders import RunFolder, read_run
from workbench.study.grid import ClassConfig, RunConfig


def read_finished(folder: Path, config: RunConfig) -> RunFolder | ClassRunFolder | None:
    """The finished run in a folder, checked; None where a run is not finished.

    Args:
        folder: the run folder.
        config: what it says was asked for.

    Raises:
        RefusedRunError: when a file is missing, damaged, or does not agree with the others.
    """
    if isinstance(config, ClassConfig):
        return read_class_run(folder, config)
    return read_run(folder, config)
