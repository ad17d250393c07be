"""What a run ran on, for whoever wants to repeat it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from workbench.version import __version__

_PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "pillow",
    "pyyaml",
    "jiwer",
    "pytorch-metric-learning",
    "pydantic",
    "safetensors",
    "rich",
    "matplotlib",
)
_PROJECT = Path(__file__).resolve().parent.parent


def describe_environment() -> dict[str, Any]:
    """Versions, commit, machine and command line, as plain JSON values; what is not known here is None."""
    commit = _git("rev-parse", "HEAD")
    status = None if commit is None else _git("status", "--porcelain", "--untracked-files=no")
    return {
        "project_version": __version__,
        "commit": commit,
        "uncommitted_changes": None if status is None else status != "",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "cuda_devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """What git says about the project's own folder, or None where it says nothing: no git, no checkout, no answer."""
    if not (_PROJECT / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(_PROJECT), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _cpu() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or None)
