from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.vocabulary import BLANK, Vocabulary

GLOSS = st.text(min_size=1, max_size=8).filter(lambda text: text.split() == [text])


def test_ids_start_after_the_blank_and_follow_sorted_order():
    vocabulary = Vocabulary.from_sentences([["REGEN", "ABEND"], ["ABEND", "WOLKE"]])
    assert vocabulary.glosses == ("ABEND", "REGEN", "WOLKE")
    assert vocabulary.encode(["WOLKE", "ABEND"]) == [3, 1]
    assert len(vocabulary) == 4
    assert BLANK == 0


@given(st.lists(st.lists(GLOSS, max_size=5), max_size=5))
def test_every_sentence_survives_encoding_and_json(sentences):
    vocabulary = Vocabulary.from_json(Vocabulary.from_sentences(sentences).to_json())
    for sentence in sentences:
        assert list(vocabulary.decode(vocabulary.encode(sentence))) == sentence


def test_an_unknown_gloss_names_the_clip_and_the_nearest_gloss():
    with pytest.raises(ValueError, match=r"'REGN' in clip 'a-1'.*'REGEN'"):
        Vocabulary(("REGEN",)).encode(["REGN"], clip="a-1")


@pytest.mark.parametrize("index", [0, -1, 3])
def test_the_blank_and_ids_outside_have_no_gloss(index):
    with pytest.raises(ValueError, match=f"id {index} is no gloss"):
        Vocabulary(("A", "B")).decode([index])


@pytest.mark.parametrize("glosses", [("A", "A"), ("",), ("A B",), (" A",)])
def test_impossible_vocabularies_are_refused(glosses):
    with pytest.raises(ValueError, match=r"gloss"):
        Vocabulary(glosses)


def test_the_fingerprint_changes_with_order_and_content():
    assert Vocabulary(("A", "B")).fingerprint != Vocabulary(("B", "A")).fingerprint
    assert Vocabulary(("A", "B")).fingerprint == Vocabulary(("A", "B")).fingerprint
