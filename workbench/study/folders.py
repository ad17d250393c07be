"""Run folders as a table reads them: wherever they come from, nothing in them is taken on trust.

A run folder tells what was asked for (``config.yaml``), what was measured (``steps.json``), what the networks read
(``hypotheses.*``) and what they should have read (``references.*``). What ``result.json`` says has to follow from
these; the scores are counted again, so no corpus is needed.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from slr.scoring import WerReport, score
from slr.scoring.files import parse_transcripts
from workbench.config import content_hash, essential
from workbench.faults import ConfigError
from workbench.measure import SPLITS, hypotheses_file, references_file
from workbench.pseudo_labels import agreement_as_dict
from workbench.record import MetricsFile, read_steps
from workbench.schema import DistillConfig
from workbench.settings import load_either
from workbench.study.finished import machine_of
from workbench.study.grid import RunConfig, run_content
from workbench.yaml_text import read_yaml

# The step that leaves the networks, and the network whose hypotheses carry no role, by what the run was.
STEPS = {"distill": ("networks", "student"), "train": ("network", "network")}
# What result.json repeats of what was measured: in it by network, and as it is.
_BY_NETWORK = ("params", "macs")


class RefusedRunError(ValueError):
    """A run folder that no figure may be taken from; the message is a sentence that names it."""


@dataclass(frozen=True)
class RunFolder:
    """A finished run whose files agree with each other.

    ``measured`` is what its steps found, ``result`` the content of ``result.json``, ``finished`` when that was, UTC.
    """

    folder: Path
    config: RunConfig
    result: Mapping[str, Any]
    measured: Mapping[str, Any]
    finished: str

    @property
    def main(self) -> str:
        """The network that the run was for."""
        return STEPS[kind_of(self.config)][1]

    @property
    def corpus(self) -> str:
        """The name of its corpus, which says so when this is simulated or rendered."""
        return str(self.result["corpus"])

    @cached_property
    def content(self) -> str:
        """Hash of what was asked for, by which it is found."""
        return contents(self.config)

    @property
    def place(self) -> str:
        """What a message calls it."""
        return str(self.folder)

    @property
    def commit(self) -> str | None:
        """The commit of the workbench that it was started with last, where that is known."""
        return self._environment.get("commit")

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The kind of machine that it was started on last, where that is known."""
        return machine_of(self._environment, self.config.run.device) if self._environment else None

    @property
    def wall_seconds(self) -> float | None:
        """From its last start to its end, where that is known."""
        started = self._environment.get("started")
        if started is None:
            return None
        return (datetime.fromisoformat(self.finished) - datetime.fromisoformat(started)).total_seconds()

    @cached_property
    def _environment(self) -> Mapping[str, Any]:
        path = self.folder / "environment.json"
        return _json(path) if path.is_file() else {}

    def hypotheses(self, role: str, split: str) -> Mapping[str, tuple[str, ...]] | None:
        """What a network read, by clip; None for a teacher that was not measured there."""
        if split not in self._splits(role):
            return None
        path = self.folder / hypotheses_file(role, split, self.main)
        return {clip: one.glosses for clip, one in parse_transcripts(path, path.read_text(encoding="utf-8")).items()}

    def report(self, role: str, split: str) -> WerReport | None:
        """The scores of a network on a split; None for a teacher that was not measured there."""
        if split not in self._splits(role):
            return None
        names = (references_file(split), hypotheses_file(role, split, self.main))
        return _report(*((self.folder / name).read_text(encoding="utf-8") for name in names), self.config.data.protocol)

    @cached_property
    def references(self) -> Mapping[str, str]:
        """What should have been read, as the text of an STM file, by split."""
        return {split: (self.folder / references_file(split)).read_text(encoding="utf-8") for split in SPLITS}

    @cached_property
    def clips(self) -> str:
        """Hash of what should have been read in dev and test."""
        return content_hash([self.references[split] for split in SPLITS])

    def epoch_seconds(self, role: str) -> float | None:
        """Mean seconds of an epoch of training; None for a network that was not trained in this run."""
        rows = [row["seconds"] for row in MetricsFile(self.folder / "metrics.jsonl").rows() if row["network"] == role]
        return sum(rows) / len(rows) if rows else None

    def _splits(self, role: str) -> list[str]:
        return self.measured.get("splits", {}).get(role, list(SPLITS))


def read_run(folder: Path, config: RunConfig | None = None) -> RunFolder | None:
    """The finished run in a folder, checked; None where a run is not finished.

    Args:
        folder: the run folder.
        config: what :func:`read_config` found in it, if it was asked before.

    Raises:
        RefusedRunError: when a file is missing, damaged, or does not agree with the others.
    """
    config = config or read_config(folder)
    result_path = folder / "result.json"
    if not result_path.is_file():
        return None
    result = _json(result_path)
    step, _ = STEPS[kind_of(config)]
    if not (folder / "steps.json").is_file():
        raise RefusedRunError(f"{folder} was copied by halves: it lacks steps.json")
    done = read_steps(folder / "steps.json").get(step)
    if done is None:
        return None  # it was begun anew, and the result is that of an earlier run
    run = RunFolder(folder, config, result, done.result, done.finished)
    _check_whole(run, done.outputs)
    _check_result(run)
    return run


def read_config(folder: Path) -> RunConfig:
    """What a run folder says was asked for.

    Raises:
        RefusedRunError: when there is no such file, or it cannot be used.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        raise RefusedRunError(f"{folder} was copied by halves: it lacks config.yaml")
    try:
        return load_either(path)
    except ConfigError as error:
        raise RefusedRunError(f"{path} cannot be used: {error.faults[0]}") from error


def kind_of(config: RunConfig) -> str:
    """``distill`` or ``train``."""
    return "distill" if isinstance(config, DistillConfig) else "train"


def _check_whole(run: RunFolder, outputs: Mapping[str, str]) -> None:
    """Whether all files are there that a table reads, and the hypotheses as they were left."""
    needed = [path for path in outputs if path.endswith(".ctm")]
    missing = [name for name in (*needed, *map(references_file, SPLITS)) if not (run.folder / name).is_file()]
    if missing:
        raise RefusedRunError(f"{run.folder} was copied by halves: it lacks {', '.join(missing)}")
    for name in needed:
        if hashlib.sha256((run.folder / name).read_bytes()).hexdigest() != outputs[name]:
            raise RefusedRunError(f"{run.folder / name} is not as the run left it: remove the folder, or copy it again")


def _check_result(run: RunFolder) -> None:
    path, result = run.folder / "result.json", run.result
    if result.get("config_hash") != _recorded_hash(run.folder / "config.yaml", run.config):
        raise RefusedRunError(f"{path} was not made by the config.yaml beside it: one of them was changed")
    expected: dict[str, Any] = {
        "protocol": run.config.data.protocol,
        "seed": run.config.run.seed,
        "decoder": run.measured["decoder"],
    }
    for role in run.measured["names"]:
        entry = _entry(result, role)
        if entry is None:
            raise RefusedRunError(f"{path} says nothing of the network {role}, which the run measured")
        for key in _BY_NETWORK:
            _must_be(path, f"{role}.{key}", entry.get(key), run.measured[key].get(role))
        for split in SPLITS:
            report = run.report(role, split)
            _must_be(path, f"{role}.{split}", entry.get(split), report and report.counts.as_dict())
    _must_be(path, "seconds", result.get("seconds"), run.measured["seconds"])
    agreement = run.measured.get("pseudo_label_accuracy")
    expected["pseudo_label_accuracy"] = agreement_as_dict(agreement) if run.main == "student" else agreement
    if "corpus" not in result:
        raise RefusedRunError(f"{path} does not name its corpus: start the run again, and it is added")
    if "corpus" in run.measured:
        expected["corpus"] = run.measured["corpus"]
    for key, value in expected.items():
        _must_be(path, key, result.get(key), value)


def _must_be(path: Path, key: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise RefusedRunError(
            f"{path} was edited: it says {key} is {json.dumps(found)}, and by the files beside it that is "
            f"{json.dumps(expected)}"
        )


def _entry(result: Mapping[str, Any], role: str) -> Mapping[str, Any] | None:
    """What ``result.json`` says of a network; members of a teacher stand in a place of their own."""
    prefix, _, member = role.partition("-")
    return result.get("teachers", {}).get(member) if prefix == "teacher" and member else result.get(role)


def _recorded_hash(path: Path, config: RunConfig) -> str:
    """The hash of a configuration as it was when the file was written.

    Settings that the workbench has learned since then are in ``config`` with their defaults; they were not in the hash.
    """
    root = read_yaml(path, [])
    assert root is not None, "it was read before"
    return content_hash(_common(essential(config), root.plain()))


def _common(now: Any, then: Any) -> Any:
    """``now`` without what ``then`` does not have."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {key: _common(value, then[key]) for key, value in now.items() if key in then}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [_common(mine, theirs) for mine, theirs in zip(now, then, strict=True)]
    return now


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedRunError(f"{path} is damaged ({error}): copy it again, or start the run again") from error
    if not isinstance(found, dict):
        raise RefusedRunError(f"{path} is damaged: it should hold a mapping")
    return found


@functools.lru_cache(maxsize=1024)
def _report(references: str, hypotheses: str, protocol: str) -> WerReport:
    """Scores by content: the rows of a table share teachers, and so the same hypotheses."""
    wanted = {clip: found.glosses for clip, found in parse_transcripts(Path("references.stm"), references).items()}
    read = {clip: found.glosses for clip, found in parse_transcripts(Path("hypotheses.ctm"), hypotheses).items()}
    return score(wanted, read, protocol)


def contents(config: RunConfig) -> str:
    """The hash that a planned run of the same configuration has."""
    return content_hash(run_content(config))
