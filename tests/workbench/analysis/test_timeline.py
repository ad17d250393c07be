from __future__ import annotations

from slr.scoring import Transcript, score
from slr.scoring.protocols import protocol_by_name
from tests.workbench.analysis.made_up import MadeUpCorpus, made_up
from workbench.analysis.timeline import REFERENCE, operations_on, timelines


def operations(reference: str, hypothesis: str, protocol: str = "raw") -> str:
    report = score({"c": reference.split()}, {"c": hypothesis.split()}, protocol)
    transcript = Transcript(tuple(hypothesis.split()))
    return operations_on(transcript, report.clips[0], reference.split(), protocol_by_name(protocol))


def test_what_became_of_every_gloss_that_was_read() -> None:
    assert operations("A B C", "A X C D") == "CSCI"
    assert operations("A B C", "B") == "C"
    assert operations("A", "") == ""


def test_glosses_that_a_protocol_takes_out_are_compared_as_they_stand() -> None:
    assert operations("REGEN WIND", "__EMOTION__ REGEN WIND", "phoenix2014") == "ICC"


def test_every_clip_has_rows_that_lie_within_it() -> None:
    findings = made_up(MadeUpCorpus(6))
    found = timelines(findings.shown)
    assert list(found) == [clip.id for clip in findings.clips]
    for clip in findings.clips:
        timeline = found[clip.id]
        assert timeline.seconds == findings.place.corpus.num_frames(clip) / 25
        assert list(timeline.rows) == [REFERENCE, "teacher", "baseline", "student"]
        assert [one.gloss for one in timeline.rows[REFERENCE]] == list(clip.glosses)
        assert {one.operation for one in timeline.rows[REFERENCE]} == {"R"}
        for role, read in findings.reads.items():
            assert [one.gloss for one in timeline.rows[role]] == list(read.transcripts[clip.id].glosses)
            wrong = sum(one.operation != "C" for one in timeline.rows[role])
            assert wrong == sum(
                letter in "SI" for letter in next(one for one in read.report.clips if one.clip == clip.id).operations
            )


def test_a_transcript_that_does_not_fit_has_no_row() -> None:
    findings = made_up(MadeUpCorpus(2))
    del findings.looks.aligned["teacher"]["test-0001"]
    found = timelines(findings.shown)
    assert REFERENCE in found["test-0000"].rows
    assert REFERENCE not in found["test-0001"].rows
