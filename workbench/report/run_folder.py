"""A finished run as its folder tells it, checked against itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr.data import Clip
from slr.scoring import Transcript, WerReport, read_transcripts, score
from workbench.measure import hypotheses_file
from workbench.record import MetricsFile
from workbench.result import ROLES
from workbench.schema import DistillConfig, TrainConfig
from workbench.settings import about_isolated_clips, load_either


@dataclass(frozen=True)
class Entry:
    """A network as ``result.json`` knows it: its role in the run, what it is called, and what was measured of it."""

    role: str
    title: str
    found: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The class of the network."""
        return str(self.found["name"])

    def was_read(self, split: str) -> bool:
        """Whether the network was scored on a split."""
        return self.found.get(split) is not None


@dataclass(frozen=True)
class RunFolder:
    """What a run left: settings, result and rows of training; ``config_text`` is the resolved configuration."""

    path: Path
    settings: DistillConfig | TrainConfig
    config_text: str
    result: Mapping[str, Any]
    environment: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def open(cls, path: Path, words: Sequence[str] = ()) -> RunFolder:
        """Read a folder; ``words`` change settings of the run, such as ``data.root``.

        Raises:
            ValueError: when it is no folder of a finished run, or a file in it is damaged.
        """
        if not (path / "config.yaml").is_file():
            raise ValueError(f"{path} is no run folder: it has no config.yaml")
        if about_isolated_clips(path / "config.yaml", words):
            raise ValueError(f"{path} is a run on isolated clips: a report shows the glosses of sentences in time")
        if not (path / "result.json").is_file():
            raise ValueError(f"{path} holds no result.json: its run has not finished, so start it again to continue")
        return cls(
            path,
            load_either(path / "config.yaml", words),
            (path / "config.yaml").read_text(encoding="utf-8"),
            _read_json(path / "result.json"),
            _read_json(path / "environment.json") if (path / "environment.json").is_file() else {},
            MetricsFile(path / "metrics.jsonl").rows() if (path / "metrics.jsonl").is_file() else [],
        )

    @property
    def name(self) -> str:
        """What the run is called."""
        return str(self.result["name"])

    @property
    def main(self) -> str:
        """The role of the network that the run was for."""
        return "student" if "student" in self.result else "network"

    @property
    def entries(self) -> list[Entry]:
        """Every network of the run, teachers first and the main one last."""
        if self.main == "network":
            return [Entry("network", str(self.result["network"]["name"]), self.result["network"])]
        members = self.result.get("teachers", {})
        found = [Entry(f"teacher-{name}", f"teacher {name}", entry) for name, entry in members.items()]
        titles = {**ROLES, "teacher": "teachers together"} if members else ROLES
        return [*found, *(Entry(role, title, self.result[role]) for role, title in titles.items())]

    def hypotheses(self, role: str, split: str, clips: Sequence[Clip]) -> dict[str, Transcript]:
        """What a network read in the clips of a split, with times.

        Raises:
            ValueError: when the file is missing, or is not about these clips.
        """
        path = self.path / hypotheses_file(role, split, self.main)
        if not path.is_file():
            raise ValueError(f"{path} is missing: the folder was copied by half, so copy it again")
        found = read_transcripts(path)
        lacking = [clip.id for clip in clips if clip.id not in found]
        if lacking:
            raise ValueError(f"{path} lacks {len(lacking)} of {len(clips)} clips of {split}, {lacking[0]!r} among them")
        return found

    def score(self, entry: Entry, split: str, clips: Sequence[Clip], found: Mapping[str, Transcript]) -> WerReport:
        """The score of those hypotheses, which has to be the one in ``result.json``.

        Raises:
            ValueError: when it is another, or a hypothesis is about a clip that the corpus does not have.
        """
        references = {clip.id: clip.glosses for clip in clips}
        hypotheses = {clip: transcript.glosses for clip, transcript in found.items()}
        report = score(references, hypotheses, str(self.result["protocol"]))
        if report.counts.as_dict() != entry.found[split]:
            raise ValueError(
                f"{self.path / 'result.json'} gives the {entry.title} other counts on {split} than its hypotheses do: "
                "one of the files was changed, or the corpus is another one now"
            )
        return report


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}): copy it again") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no JSON object: copy it again")
    return found
