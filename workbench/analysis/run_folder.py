"""A finished run in front of whoever reports on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slr.data import Clip
from slr.scoring import Transcript, WerReport, read_transcripts
from workbench.measure import hypotheses_file, references_file
from workbench.record import MetricsFile
from workbench.result import ROLES
from workbench.schema import DistillConfig, TrainConfig
from workbench.settings import about_isolated_clips, load_either
from workbench.study.folder_files import read_config
from workbench.study.reading import read_finished


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
    """What a run left: settings, result and rows of training.

    ``scores`` gives the score of a network by role and split; ``config_text`` is the resolved configuration.
    """

    path: Path
    settings: DistillConfig | TrainConfig
    config_text: str
    result: Mapping[str, Any]
    environment: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    scores: Mapping[tuple[str, str], WerReport]

    @classmethod
    def open(cls, path: Path, words: Sequence[str] = ()) -> RunFolder:
        """Read a folder; ``words`` change settings of the run, such as ``data.root``.

        Raises:
            ValueError: when it is no folder of a finished run on sentences, or its files do not agree with each other.
        """
        if not (path / "config.yaml").is_file():
            raise ValueError(f"{path} is no run folder: it has no config.yaml")
        if about_isolated_clips(path / "config.yaml", words):
            raise ValueError(f"{path} is a run on isolated clips: a report shows the glosses of sentences in time")
        checked = read_finished(path, read_config(path))
        if checked is None:
            raise ValueError(f"{path} holds no result.json: its run has not finished, so start it again to continue")
        run = cls(
            path,
            load_either(path / "config.yaml", words),
            (path / "config.yaml").read_text(encoding="utf-8"),
            checked.result,
            checked.environment,
            MetricsFile(path / "metrics.jsonl").rows(),
            {},
        )
        wanted = [(entry.role, split) for entry in run.entries for split in ("dev", "test") if entry.was_read(split)]
        found = {key: report for key in wanted if (report := checked.report(*key)) is not None}
        return cls(**{**vars(run), "scores": found})

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

    def hypotheses(self, role: str, split: str) -> dict[str, Transcript]:
        """What a network read in the clips of a split, with times; it is as the run left it."""
        return read_transcripts(self.path / hypotheses_file(role, split, self.main))

    def check_clips(self, split: str, clips: Sequence[Clip], corpus: str) -> None:
        """Refuse a corpus whose clips of a split are not those that the run was scored on.

        Raises:
            ValueError: naming the first difference.
        """
        path, known = self.path / references_file(split), self._transcripts(split)
        here = {clip.id: clip.glosses for clip in clips}
        for clip in sorted(known.keys() | here.keys()):
            now, then = _shown(here.get(clip)), _shown(known.get(clip))
            if now != then:
                raise ValueError(
                    f"clip {clip!r} of {split} is {now} in {corpus} and {then} in {path}: name the corpus that the run "
                    "was made on, with data.root=..."
                )

    def has_clips(self, split: str, clips: Sequence[Clip]) -> bool:
        """Whether the run was scored on exactly these clips of a split."""
        return self._transcripts(split) == {clip.id: clip.glosses for clip in clips}

    def _transcripts(self, split: str) -> dict[str, tuple[str, ...]]:
        found = read_transcripts(self.path / references_file(split))
        return {clip: transcript.glosses for clip, transcript in found.items()}


def _shown(glosses: Sequence[str] | None) -> str:
    return "not there" if glosses is None else repr(" ".join(glosses))
