"""Everything that figures and page show of a run, gathered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from slr.data import Clip
from slr.scoring import Transcript, WerReport
from workbench.analysis.breakdown import Breakdown, ConfusedPair, by_frequency, by_length, by_signer, confused_pairs
from workbench.analysis.looks import Looks, look
from workbench.analysis.run_folder import RunFolder
from workbench.analysis.shown import Read, Shown, best_aligner
from workbench.assemble import make_plan
from workbench.progress import Progress
from workbench.workplace import Workplace

_PAIRS = 20


@dataclass(frozen=True)
class Findings:
    """A run in front of the clips of a split.

    ``reads`` are the networks that were scored on it, by role, the main one last. ``aligned_by`` is the role of the
    network by which the transcripts were aligned with the clips.
    """

    run: RunFolder
    place: Workplace
    split: str
    clips: Sequence[Clip]
    reads: Mapping[str, Read]
    looks: Looks
    aligned_by: str | None

    @classmethod
    def gather(cls, run: RunFolder, split: str, progress: Progress) -> Findings:
        """Open the corpus of a run, score its hypotheses, and let its networks look at the clips again.

        Raises:
            ValueError: when run folder and corpus do not fit, or something in them is missing or damaged.
        """
        settings = run.settings
        place = Workplace.open(settings.run, settings.data, settings.evaluate, progress)
        clips = place.corpus.clips(split)
        run.check_clips(split, clips, place.corpus.name)
        reads = {
            entry.role: Read(entry, run.hypotheses(entry.role, split), run.scores[entry.role, split])
            for entry in run.entries
            if entry.was_read(split)
        }
        looks = look(run, place, split)
        return cls(run, place, split, clips, reads, looks, best_aligner(reads, looks.aligned))

    @property
    def title(self) -> str:
        """The run, its corpus and the split, as every figure says it."""
        return f"{self.run.name}: {self.place.corpus.name}, {self.split}"

    @property
    def titles(self) -> dict[str, str]:
        """What the networks that were scored are called, by role."""
        return {role: read.entry.title for role, read in self.reads.items()}

    @cached_property
    def shown(self) -> Shown:
        """The clips with what the networks read."""
        by = None if self.aligned_by is None else self.titles[self.aligned_by]
        references: Mapping[str, Transcript] = {}
        if self.aligned_by is not None:
            references = self.looks.aligned[self.aligned_by]
        before = "baseline" if "baseline" in self.reads else None
        return Shown(
            self.place.corpus, self.clips, self.reads, self.run.main, before, references, by, self.looks.relations
        )

    @cached_property
    def reports(self) -> dict[str, WerReport]:
        """The scores by role."""
        return {role: read.report for role, read in self.reads.items()}

    @cached_property
    def breakdowns(self) -> tuple[Breakdown, ...]:
        """Errors by frequency of the gloss, length of the sentence, and signer."""
        training = [clip.glosses for clip in self.place.corpus.clips("train")]
        signers = {clip.id: clip.signer for clip in self.clips}
        return by_frequency(self.reports, training), by_length(self.reports), by_signer(self.reports, signers)

    @cached_property
    def confusions(self) -> list[ConfusedPair]:
        """The most frequent substitutions."""
        return confused_pairs(self.reports, _PAIRS)

    @property
    def step_seconds(self) -> float:
        """How long an output step of the main network lasts; a step of the plan where it was not shown the clips."""
        stride = self.looks.strides.get(self.run.main, 1) * make_plan(self.place.data).stride
        return stride / self.place.corpus.fps

    @cached_property
    def spike_offsets(self) -> dict[str, list[float]]:
        """By how many seconds each gloss of the transcripts lies later in the eyes of a student than of the teacher.

        Both networks are aligned with the transcript; the middles of a gloss are compared.
        """
        teacher = self.looks.aligned.get("teacher")
        if teacher is None:
            return {}
        others = {role: found for role, found in self.looks.aligned.items() if not role.startswith("teacher")}
        return {role: _offsets(teacher, found) for role, found in others.items()}


def _offsets(teacher: Mapping[str, Transcript], student: Mapping[str, Transcript]) -> list[float]:
    return [
        (start + end) / 2 - (other_start + other_end) / 2
        for clip in teacher
        if clip in student
        for (start, end), (other_start, other_end) in zip(
            student[clip].times or (), teacher[clip].times or (), strict=True
        )
    ]
