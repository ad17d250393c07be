from __future__ import annotations

import pytest

from slr.scoring import PROTOCOLS, protocol_by_name, read_transcripts, score


@pytest.mark.parametrize(
    ("gloss", "cleaned"),
    [
        ("REGEN", "REGEN"),
        ("loc-REGION", "REGION"),
        ("cl-KOMMEN-PLUSPLUS", "KOMMEN"),
        ("poss-BEI-UNS", "BEI-UNS"),
        ("qu-DU", "DU"),
        ("lh-HOCH", "HOCH"),
        ("loc-__OFF__", "__OFF__"),
        ("S0NNE", "SONNE"),
        ("HABEN2", "HABEN"),
        ("ZEIGEN", "ZEIGEN-BILDSCHIRM"),
        ("loc-ZEIGEN", "ZEIGEN-BILDSCHIRM"),
        ("ZEIGEN-BILDSCHIRM", "ZEIGEN-BILDSCHIRM"),
        ("SUEDRAUM", "SUED"),
        ("loc-SUEDRAUM-PLUSPLUS", "SUED"),
        ("RAUM", "RAUM"),
        ("TRAUM", "TRAUM"),
        ("loc-RAUM", "RAUM"),
        ("S+H", "S+H"),
    ],
)
def test_phoenix_clean_up_of_one_gloss(gloss, cleaned):
    assert protocol_by_name("phoenix2014").hypothesis([gloss]) == (cleaned,)


@pytest.mark.parametrize(
    "gloss", ["__EMOTION__", "__PU__", "__LEFTHAND__", "loc-__PU__", "__EPENTHESIS__", "-PLUSPLUS"]
)
def test_phoenix_clean_up_drops_what_is_no_sign(gloss):
    assert protocol_by_name("phoenix2014").hypothesis(["A", gloss, "B"]) == ("A", "B")


def test_rules_over_neighbouring_glosses_never_fire():
    sentence = ("WIE", "AUSSEHEN", "C", "M", "KUEHL", "KUEHL", "A", "SCH", "NN")
    assert protocol_by_name("phoenix2014").hypothesis(sentence) == sentence


def test_an_empty_hypothesis_becomes_one_wrong_gloss_as_in_the_official_pipeline():
    official = score({"a": ["X", "Y"]}, {"a": ["__PU__"]}, "phoenix2014")
    assert (official.clips[0].hypothesis, official.clips[0].operations) == (("[EMPTY]",), "DS")
    raw = score({"a": ["X", "Y"]}, {"a": []}, "raw")
    assert (raw.clips[0].hypothesis, raw.clips[0].operations) == ((), "DD")


def test_silence_where_there_is_nothing_to_recognise_is_no_error():
    assert score({"a": ["__EMOTION__"]}, {"a": ["__EMOTION__"]}, "phoenix2014").counts.errors == 0
    only_a_marker = score({"a": ["__ON__"]}, {"a": []}, "phoenix2014")
    assert only_a_marker.counts.errors == 1
    assert only_a_marker.without(["__ON__"]).counts.errors == 0


def test_raw_changes_nothing():
    assert protocol_by_name("raw").hypothesis(["loc-A", "__PU__"]) == ("loc-A", "__PU__")


def test_an_unknown_protocol_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"'phoenix14'.* phoenix2014, raw; did you mean 'phoenix2014'\?"):
        protocol_by_name("phoenix14")


def test_every_protocol_is_found_by_its_name_and_says_what_it_does():
    for name, protocol in PROTOCOLS.items():
        assert protocol_by_name(name) is protocol
        assert protocol.description


@pytest.mark.shared
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_official_references_pass_unchanged(shared_data, split):
    references = read_transcripts(shared_data / "phoenix2014" / f"phoenix2014-groundtruth-{split}.stm")
    for transcript in references.values():
        assert protocol_by_name("phoenix2014").reference(transcript.glosses) == transcript.glosses


@pytest.mark.shared
@pytest.mark.parametrize("split", ["dev", "test"])
def test_clean_up_equals_what_the_official_script_made_of_real_hypotheses(shared_data, split):
    folder = shared_data / "phoenix2014" / "sclite-fixture"
    raw, official = (read_transcripts(folder / f"{split}.hyp.{kind}.ctm") for kind in ("raw", "normalised"))
    protocol = protocol_by_name("phoenix2014")
    assert any(protocol.hypothesis(transcript.glosses) != transcript.glosses for transcript in raw.values())
    for clip, transcript in official.items():
        assert protocol.hypothesis(raw[clip].glosses if clip in raw else ()) == transcript.glosses
