from __future__ import annotations

import pytest

from slr.scoring import Transcript
from tests.workbench.analysis.made_up import MadeUpCorpus, made_up
from workbench.analysis.shown import best_aligner


def test_offsets_are_between_the_middles_of_the_same_gloss() -> None:
    findings = made_up(MadeUpCorpus(3))
    aligned = findings.looks.aligned
    glosses = ("A", "B")
    for role, times in {
        "teacher": ((0.0, 0.2), (1.0, 1.4)),
        "baseline": ((0.1, 0.3), (0.8, 1.0)),
        "student": ((0.0, 0.2), (1.2, 1.2)),
    }.items():
        aligned[role] = {"test-0000": Transcript(glosses, times=times)}
    aligned["baseline"]["test-0001"] = Transcript(glosses, times=((0.0, 1.0), (1.0, 2.0)))  # not seen by the teacher
    assert list(findings.spike_offsets) == ["baseline", "student"]
    assert findings.spike_offsets["baseline"] == pytest.approx([0.1, -0.3])
    assert findings.spike_offsets["student"] == pytest.approx([0.0, 0.0])


def test_without_the_teacher_there_are_no_offsets() -> None:
    findings = made_up(MadeUpCorpus(2))
    del findings.looks.aligned["teacher"]
    assert findings.spike_offsets == {}


def test_references_are_aligned_by_the_network_that_reads_best_of_those_that_look() -> None:
    findings = made_up(MadeUpCorpus(20))
    assert min(findings.reads, key=lambda role: findings.reports[role].wer) == "teacher"
    assert best_aligner(findings.reads, findings.looks.aligned) == "teacher"
    del findings.looks.aligned["teacher"]
    assert best_aligner(findings.reads, findings.looks.aligned) == "student"
    findings.looks.aligned.clear()
    assert best_aligner(findings.reads, findings.looks.aligned) is None


def test_a_step_lasts_as_long_as_the_frames_behind_it() -> None:
    findings = made_up(MadeUpCorpus(1))
    assert findings.step_seconds == 2 * 2 / 25  # a plan of every second frame, two of them per output step
