from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pympi import Eaf

from slr.ctc import BeamDecoder, GreedyDecoder
from slr.scoring import read_transcripts
from tests.workbench.scripted import Scripted, workplace
from workbench.aligner import Aligner
from workbench.recognise import Recogniser
from workbench.segments import Segments
from workbench.workplace import Workplace

# Ten frames a second, and an output step for each. The network reads 天 and B, wherever it looks.
CLIPS = {
    "one": ("train", "B 天", 9),
    "a/1": ("dev", "B 天 NEW", 4),
    "b": ("dev", "天 天 天", 4),
    "empty": ("dev", "", 1),
}
WRITTEN = (0, 2, 0, 1)


def segments_of(place: Workplace, **others: Scripted) -> Segments:
    aligner, recogniser = Aligner(), Recogniser(BeamDecoder(width=3, n_best=3))
    place.show(Scripted(WRITTEN, 1), "dev", aligner, recogniser)
    found = {}
    for name, network in others.items():
        other = Recogniser(GreedyDecoder())
        place.show(network, "dev", other)
        found[name] = other.recognition(place.corpus.clips("dev"))
    return Segments({"run": "r", "fps": 10.0}, "dev", recogniser.recognition(place.corpus.clips("dev")), aligner, found)


def times(path: Path) -> dict[str, Any]:
    return {clip: (found.glosses, found.times) for clip, found in read_transcripts(path).items()}


def test_ctm_files_hold_what_was_aligned_and_what_was_recognised(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS)
    written = segments_of(place).write(tmp_path / "out", place)
    assert written == [tmp_path / "out" / name for name in ("reference.ctm", "hypothesis.ctm", "segments.json")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in written)
    reference, hypothesis = times(written[0]), times(written[1])
    # It is sure of 天, B in this order; the best path for B 天 has B at step 3 or before, and 天 after it.
    assert list(reference) == ["a/1", "empty"]  # b needs five steps and has four
    assert reference["a/1"][0] == ("B", "天")
    assert hypothesis["a/1"] == hypothesis["b"] == (("天", "B"), ((0.1, 0.2), (0.3, 0.4)))
    assert reference["empty"] == hypothesis["empty"] == ((), ())


def test_json_has_frames_confidences_all_readings_and_what_is_missing(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS)
    segments_of(place, other=Scripted((1,), 1)).write(tmp_path, place)
    text = (tmp_path / "segments.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert (found["run"], found["left_out"]) == ("r", {"b": "4 output steps, 5 needed"})
    first, second, empty = found["clips"]
    assert (first["clip"], first["signer"], first["frames"]) == ("a/1", "Signer01", 4)
    assert (first["reference"], first["not_in_vocabulary"]) == ("B 天 NEW", ["NEW"])
    assert [segment["gloss"] for segment in first["alignment"]["segments"]] == ["B", "天"]
    best = first["hypotheses"][0]["segments"]
    assert [(row["gloss"], row["start"], row["end"]) for row in best] == [("天", 0.1, 0.2), ("B", 0.3, 0.4)]
    assert [(row["start_frame"], row["end_frame"]) for row in best] == [(1, 2), (3, 4)]
    assert all(0.99 < row["confidence"] <= 1 for row in best)
    scores = [reading["log_probability"] for reading in first["hypotheses"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert [row["gloss"] for row in first["others"]["other"]["segments"]] == ["B"]
    assert second["alignment"] is None
    assert empty["alignment"] == {"log_probability": empty["alignment"]["log_probability"], "segments": []}
    assert '{"gloss": "天", "start": 0.1, "end": 0.2, "start_frame": 1, "end_frame": 2, "confidence": ' in text


def test_elan_has_a_tier_per_source_and_none_for_what_was_not_aligned(tmp_path: Path) -> None:
    place = workplace(tmp_path, CLIPS)
    segments = segments_of(place, **{"hypothesis of x": Scripted((1,), 1)})
    written = segments.write(tmp_path, place, eaf=True, media=str(tmp_path / "{clip}.mp4"))
    assert [path.name for path in written[3:]] == ["a_1.eaf", "b.eaf", "empty.eaf"]
    eaf = Eaf(tmp_path / "eaf" / "a_1.eaf")
    assert list(eaf.get_tier_names()) == ["reference", "hypothesis", "hypothesis of x"]
    assert sorted(eaf.get_annotation_data_for_tier("hypothesis")) == [(100, 200, "天"), (300, 400, "B")]
    assert eaf.get_annotation_data_for_tier("hypothesis of x") == [(0, 100, "B")]
    assert eaf.get_parameters_for_tier("reference")["PARTICIPANT"] == "Signer01"
    assert eaf.get_linked_files()[0]["MEDIA_URL"] == (tmp_path / "a" / "1.mp4").as_uri()
    assert list(Eaf(tmp_path / "eaf" / "b.eaf").get_tier_names()) == ["hypothesis", "hypothesis of x"]
    assert Eaf(tmp_path / "eaf" / "empty.eaf").get_annotation_data_for_tier("reference") == []


def test_clips_that_would_share_a_file_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    place = workplace(tmp_path, {"one": CLIPS["one"], "a/1": ("dev", "B", 4), "A:1": ("dev", "B", 4)})
    with pytest.raises(ValueError, match=r"clips 'a/1' and 'A:1' would share the file A_1\.eaf"):
        segments_of(place).write(tmp_path / "out", place, eaf=True)
    assert not (tmp_path / "out").exists()
