from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.scoring import PROTOCOLS, protocol_by_name, read_transcripts, score

HONEST = ("phoenix2014", "phoenix2014t", "csl-daily", "raw")
# Glosses that some rule is about, and parts of them.
_SPOKEN = """
    A B NN SCH WIE AUSSEHEN ZEIGEN REGEN NORDRAUM RAUM loc-REGEN loc- cl-A qu-B __PU__ __ON__ __EMOTION__ __EPENTHESIS__
    neg-HABEN A+B REGEN-PLUSPLUS S0NNE HABEN2 [EMPTY] 你们 ä Ä * @ regen
"""
WORDS = st.sampled_from(tuple(_SPOKEN.split())) | st.text("ABz-_+*;", min_size=1, max_size=5)


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
    with pytest.raises(ValueError, match=r"'phoenix14'.* phoenix2014, phoenix2014t, .*; did you mean 'phoenix2014'\?"):
        protocol_by_name("phoenix14")


def test_every_protocol_is_found_by_its_name_and_says_what_it_does():
    for name, protocol in PROTOCOLS.items():
        assert protocol_by_name(name) is protocol
        assert protocol.description
    assert {name for name, protocol in PROTOCOLS.items() if protocol.honest} == {*HONEST}


@pytest.mark.parametrize(
    ("gloss", "cleaned"),
    [
        ("REGEN", ("REGEN",)),
        ("loc-REGION", ("REGION",)),
        ("cl-KOMMEN-PLUSPLUS", ("KOMMEN",)),
        ("loc-cl-KOMMEN", ("KOMMEN",)),
        ("cl-loc-KOMMEN", ("loc-KOMMEN",)),  # the rules have an order
        ("X-loc-KOMMEN", ("X-loc-KOMMEN",)),
        ("KOMMEN-PLUSPLUS-X", ("KOMMEN-PLUSPLUS-X",)),
        ("poss-BEI-UNS", ("poss-BEI-UNS",)),  # the references keep these four
        ("neg-HABEN", ("neg-HABEN",)),
        ("lh-HOCH", ("lh-HOCH",)),
        ("ZEIGEN", ("ZEIGEN",)),
        ("SUEDRAUM", ("SUED",)),
        ("SUED-NORDRAUM", ("SUED-NORD",)),
        ("RAUMFAHRT", ("RAUMFAHRT",)),
        ("RAUM", ("RAUM",)),
        ("__ON__", ()),
        ("__OFF__", ()),
        ("__EMOTION__", ()),
        ("loc-__LEFTHAND__", ()),
        ("__EPENTHESIS__", ()),
        ("__A_B__", ("__A_B__",)),
        ("loc-", ()),
    ],
)
def test_phoenix_t_clean_up_of_one_gloss(gloss, cleaned):
    for name in ("phoenix2014t", "phoenix2014t-script"):
        assert protocol_by_name(name).hypothesis([gloss]) == cleaned


@pytest.mark.parametrize(
    ("sentence", "ours", "script"),
    [
        ("REGEN REGEN WIND", "REGEN WIND", "REGEN WIND"),
        ("loc-REGEN REGEN REGEN-PLUSPLUS", "REGEN", "REGEN"),
        ("REGEN __ON__ REGEN", "REGEN", "REGEN"),
        ("neg-HABEN neg-HABEN", "neg-HABEN neg-HABEN", "neg-HABEN"),
        ("WIE AUSSEHEN", "WIE AUSSEHEN", "WIE AUSSEHEN"),
        ("A S", "A S", "A S"),
    ],
)
def test_the_script_of_phoenix_t_drops_every_repeat_of_a_hypothesis_and_we_those_of_plain_glosses(
    sentence, ours, script
):
    assert protocol_by_name("phoenix2014t").hypothesis(sentence.split()) == tuple(ours.split())
    assert protocol_by_name("phoenix2014t-script").hypothesis(sentence.split()) == tuple(script.split())


def test_csl_daily_is_scored_as_it_stands():
    assert protocol_by_name("csl-daily").hypothesis(["你们", "你们", "loc-A"]) == ("你们", "你们", "loc-A")


@settings(deadline=None)
@given(st.dictionaries(st.text("abc"), st.lists(WORDS, max_size=8), min_size=1))
def test_a_perfect_transcript_scores_zero_under_every_honest_protocol(sentences):
    for name in HONEST:
        assert score(sentences, sentences, name).counts.errors == 0


SENTENCE = st.lists(WORDS, max_size=8)


@settings(deadline=None)
@given(st.sampled_from(tuple(PROTOCOLS)), st.dictionaries(st.text("abc"), st.tuples(SENTENCE, SENTENCE), min_size=1))
def test_any_sentences_are_scored_under_any_protocol(name, sentences):
    report = score({c: pair[0] for c, pair in sentences.items()}, {c: pair[1] for c, pair in sentences.items()}, name)
    for clip in report.clips:
        assert clip.reference == PROTOCOLS[name].reference(sentences[clip.clip][0])
        assert clip.counts.reference == len(clip.reference)


@pytest.mark.shared
@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("stem", ["phoenix2014/phoenix2014", "phoenix2014T/phoenix2014-T", "csl-daily/CSL-Daily"])
@pytest.mark.parametrize("split", ["dev", "test"])
def test_official_references_are_perfect_transcripts_of_themselves(shared_data, stem, split, name):
    references = glosses(shared_data / f"{stem}-groundtruth-{split}.stm")
    assert score(references, references, name).counts.errors == 0


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "stem", "facts"),
    [
        ("phoenix2014", "phoenix2014/phoenix2014", {"dev": (0, 5540), "test": (0, 6504)}),
        ("phoenix2014t", "phoenix2014T/phoenix2014-T", {"dev": (0, 3748), "test": (0, 4264)}),
        ("phoenix2014t-script", "phoenix2014T/phoenix2014-T", {"dev": (1, 3748), "test": (5, 4264)}),
        ("csl-daily", "csl-daily/CSL-Daily", {"dev": (0, 8173), "test": (0, 9002)}),
        ("vac-python", "phoenix2014/phoenix2014", {"dev": (5, 5540), "test": (10, 6504)}),
        ("vac-python", "csl-daily/CSL-Daily", {"dev": (126, 8173), "test": (150, 9002)}),
        ("twostream", "phoenix2014/phoenix2014", {"dev": (0, 5535), "test": (0, 6493)}),
        ("twostream-t", "phoenix2014T/phoenix2014-T", {"dev": (0, 3747), "test": (0, 4259)}),
    ],
)
def test_what_a_perfect_transcript_scores_and_of_how_many_glosses(shared_data, name, stem, facts):
    for split, (errors, number) in facts.items():
        references = glosses(shared_data / f"{stem}-groundtruth-{split}.stm")
        counts = score(references, references, name).counts
        assert (counts.errors, counts.reference) == (errors, number)


@pytest.mark.shared
@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_table_of_phoenix_t_is_a_perfect_transcript(shared_data, split):
    folder = shared_data / "phoenix2014T"
    references = glosses(folder / f"phoenix2014-T-groundtruth-{split}.stm")
    assert score(references, glosses(folder / f"PHOENIX-2014-T.{split}.corpus.csv"), "phoenix2014t").wer == 0


@pytest.mark.shared
def test_no_rule_of_phoenix_finds_a_gloss_of_csl_daily(shared_data):
    for transcript in read_transcripts(shared_data / "csl-daily" / "CSL-Daily-groundtruth-train.stm").values():
        assert protocol_by_name("phoenix2014").hypothesis(transcript.glosses) == transcript.glosses


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "stem"), [("phoenix2014", "phoenix2014/phoenix2014"), ("phoenix2014t", "phoenix2014T/phoenix2014-T")]
)
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_official_references_pass_unchanged(shared_data, split, name, stem):
    references = read_transcripts(shared_data / f"{stem}-groundtruth-{split}.stm")
    for transcript in references.values():
        assert protocol_by_name(name).reference(transcript.glosses) == transcript.glosses


@pytest.mark.shared
@pytest.mark.parametrize("split", ["dev", "test"])
def test_clean_up_equals_what_the_official_script_made_of_real_hypotheses(shared_data, split):
    folder = shared_data / "phoenix2014" / "sclite-fixture"
    raw, official = (read_transcripts(folder / f"{split}.hyp.{kind}.ctm") for kind in ("raw", "normalised"))
    protocol = protocol_by_name("phoenix2014")
    assert any(protocol.hypothesis(transcript.glosses) != transcript.glosses for transcript in raw.values())
    for clip, transcript in official.items():
        assert protocol.hypothesis(raw[clip].glosses if clip in raw else ()) == transcript.glosses


def glosses(path):
    return {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}
