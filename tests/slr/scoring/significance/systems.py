"""Made-up systems, by the number of their errors or by their alignments."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from slr.scoring import ClipScore, Counts, WerReport, protocol_by_name, score
from tests.reference.significance import every_draw


def aligned(*operations: Iterable[str]) -> WerReport:
    """A system whose alignments with the references of the clips are ``operations``; every gloss is another one."""
    clips = []
    for clip, letters in enumerate(map("".join, operations)):
        reference = tuple(f"X{i}" for i in range(len(letters) - letters.count("I")))
        clips.append(ClipScore(str(clip), reference, hypothesis=(), operations=letters))
    return WerReport(protocol_by_name("raw"), tuple(clips))


def report(*errors: int, glosses: int = 10) -> WerReport:
    """A system that gets ``errors[i]`` of the glosses of clip ``i`` wrong."""
    references = {str(clip): ["X"] * glosses for clip in range(len(errors))}
    hypotheses = {str(clip): ["Y"] * wrong + ["X"] * (glosses - wrong) for clip, wrong in enumerate(errors)}
    return score(references, hypotheses, "raw")


def random_reports(clips: int, rates: list[float], seed: int) -> list[WerReport]:
    """Systems that err independently of each other."""
    generator = np.random.default_rng(seed)
    return [report(*generator.binomial(10, rate, clips).tolist()) for rate in rates]


def every_resample(*systems: WerReport) -> list[tuple[float, ...]]:
    """Word error rates of all systems in every possible draw of clips."""
    rates = []
    for draw in every_draw(len(systems[0].clips)):
        drawn = [sum((system.clips[clip].counts for clip in draw), Counts()) for system in systems]
        rates.append(tuple(counts.errors / counts.reference for counts in drawn))
    return rates
