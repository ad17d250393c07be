"""The real scripts on the tiny simulated corpus, in a process of their own or, much faster, in this one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from workbench import code_identity
from workbench.config import load_config, to_plain
from workbench.schema import DistillConfig
from workbench.yaml_text import dump_yaml

ROOT = Path(__file__).resolve().parents[2]
MAIN_CONFIG = ROOT / "configs" / "stsg_to_stgt.yaml"


def distilling_losses() -> list[str]:
    """Names of the losses of the main configuration that compare with the teacher and have a weight."""
    losses = load_config(MAIN_CONFIG, schema=DistillConfig).distillation.losses
    return [name for name, term in losses.items() if term.weight > 0]


@dataclass(frozen=True)
class Done:
    """How a script ended."""

    code: int
    out: str
    err: str

    @property
    def folder(self) -> Path:
        """The folder or file that the last line of its output names."""
        return Path(self.out.splitlines()[-1])

    @property
    def sentence(self) -> str:
        """What it said to a user's mistake, without the name of the script."""
        assert self.code == 2, f"exit code {self.code}: {self.err}"
        assert "Traceback" not in self.err
        last = self.err.splitlines()[-1] if self.err else ""
        return last.partition(": ")[2]


def tiny_words(root: Path, *more: str, teacher: int = 2, student: int = 2) -> list[str]:
    """Words that turn a configuration of ours into a short run on the tiny corpus below ``root``."""
    return [
        "data.corpus.profile=tiny",
        f"data.root={root}",
        "run.threads=1",
        "teacher.stages.warm-start.epochs=1",
        f"teacher.stages.glosses.epochs={teacher}",
        f"student.stages.glosses.epochs={student}",
        "evaluate.every_epochs=1",
        *more,
    ]


def in_a_process(*arguments: str | Path, cwd: Path) -> Done:
    """``python ARGUMENTS`` as a user calls it, with one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def here(script: str, *arguments: str | Path) -> Done:
    """A script from its first line to its exit code, in this process. A fault of ours is raised as it is."""
    path = ROOT / "scripts" / f"{script}.py"
    out, err = io.StringIO(), io.StringIO()
    threads = torch.get_num_threads()
    code: Any = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", [str(path), *map(str, arguments)]),
    ):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        finally:
            torch.set_num_threads(threads)
    return Done(code, out.getvalue(), err.getvalue())


def student_config(folder: Path, words: list[str]) -> Path:
    """A configuration in ``folder`` that trains the student of the main configuration alone: quick, without frames."""
    config = to_plain(load_config(MAIN_CONFIG, words, schema=DistillConfig))
    alone = {"run": {**config["run"], "name": "alone"}, "data": config["data"], "evaluate": config["evaluate"]}
    path = folder / "alone.yaml"
    path.write_text(dump_yaml({**alone, **config["student"]}))
    return path


def distilled(out: Path, words: list[str], *more: str, config: Path = MAIN_CONFIG) -> Done:
    """A distillation in this process that has to succeed."""
    done = here("distill", config, *words, "--out", out, *more)
    assert done.code == 0, done.err
    return done


def edited(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Let a module look as if its code had been edited."""
    honest = code_identity._code
    monkeypatch.setattr(code_identity, "_code", lambda name: "edited" if name == module else honest(name))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def stored(out: Path, label: str) -> list[Path]:
    """The folders of the store that hold networks of this label."""
    return sorted((out / "networks").glob(f"{label}-*"))


def snapshot(folder: Path, wanted: Callable[[Path], bool] = lambda path: True) -> dict[str, tuple[str, int]]:
    """Content and time of every file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and wanted(path))
    return {str(path.relative_to(folder)): (sha256(path), path.stat().st_mtime_ns) for path in files}
