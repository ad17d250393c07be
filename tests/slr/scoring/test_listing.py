from __future__ import annotations

from slr.scoring import alignments_text, score


def test_alignments_stand_below_each_other_in_any_script():
    report = score({"a": ["你们", "好", "吗"], "b": ["loc-A"]}, {"a": ["你们", "很", "好"], "b": ["B"]}, "raw")
    assert alignments_text(report).splitlines() == [
        "3 errors in 4 glosses of 2 clips: 1 substituted, 1 deleted, 1 inserted",
        "",
        "CONFUSIONS",
        "",
        "times  reference  hypothesis",
        "    1  loc-A      B",
        "",
        "GLOSSES",
        "",
        "gloss  reference  correct  sub  del  ins",
        "loc-A          1        0    1    0    0",
        "你们           1        1    0    0    0",
        "吗             1        0    0    1    0",
        "好             1        1    0    0    0",
        "很             0        0    0    0    1",
        "",
        "CLIPS",
        "",
        "a: 2 errors in 3 glosses",
        "REF:  你们 ** 好 吗",
        "HYP:  你们 很 好 **",
        "Eval:      I     D",
        "",
        "b: 1 error in 1 gloss",
        "REF:  loc-A",
        "HYP:  B",
        "Eval: S",
    ]


def test_of_many_confusions_the_most_frequent_are_shown():
    references = {f"{i}": [f"G{i}", "X"] for i in range(60)} | {"often": ["A", "A"]}
    hypotheses = {clip: ["N", "X"] for clip in references} | {"often": ["B", "B"]}
    text = alignments_text(score(references, hypotheses, "raw"))
    heading, _, _, first, *rest = text[text.index("CONFUSIONS") :].splitlines()
    assert heading == "CONFUSIONS, the 50 most frequent of 61"
    assert first.split() == ["2", "A", "B"]
    assert rest.index("") == 49


def test_a_perfect_transcript_has_no_confusions():
    assert "CONFUSIONS\n\ntimes  reference  hypothesis\n\nGLOSSES" in alignments_text(
        score({"a": ["X"]}, {"a": ["X"]}, "raw")
    )
