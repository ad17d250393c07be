from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from slr.ctc import NgramModel
from slr.ctc.ngrams import arpa

SENTENCES = [("REGEN", "MORGEN"), ("MORGEN", "REGEN", "SÜD"), ("MORGEN", "REGEN"), ("SÜD",)]


def probability(*words: str) -> float:
    """Of the last word after those before, by the formula, counting through the sentences each time."""
    *context, word = words
    texts = [("<s>", *sentence, "</s>") for sentence in SENTENCES]
    followers = [
        text[place + len(context)]
        for text in texts
        for place in range(len(text) - len(context))
        if list(text[place : place + len(context)]) == context and text[place + len(context)] != "<s>"
    ]
    lower = probability(*words[1:]) if context else 1 / (len(set(followers)) + 1)
    if not followers:
        return lower
    return (followers.count(word) + len(set(followers)) * lower) / (len(followers) + len(set(followers)))


def read(text: str) -> dict[tuple[str, ...], tuple[float, float]]:
    """Probability and weight of backing off by n-gram."""
    rows = [line.split("\t") for line in text.splitlines() if "\t" in line]
    return {tuple(row[1].split()): (10 ** float(row[0]), 10 ** float(row[2]) if len(row) > 2 else 1.0) for row in rows}


def looked_up(table: dict[tuple[str, ...], tuple[float, float]], *words: str) -> float:
    if words in table:
        return table[words][0]
    return table.get(words[:-1], (0.0, 1.0))[1] * looked_up(table, *words[1:])


@pytest.mark.parametrize("order", [2, 3, 4])
def test_every_probability_is_that_of_the_formula_and_all_add_up_to_one(order: int):
    table = read(arpa(SENTENCES, order))
    words = ("REGEN", "MORGEN", "SÜD", "</s>", "<unk>")
    contexts = {("<s>", *sentence)[:end] for sentence in SENTENCES for end in range(1, 5)} | {("SÜD", "SÜD")}
    for context in contexts:
        seen = context[max(0, len(context) - order + 1) :]
        for word in words:
            assert looked_up(table, *seen, word) == pytest.approx(probability(*seen, word), rel=1e-4)
        assert sum(looked_up(table, *seen, word) for word in words) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_kenlm_reads_it_alike(tmp_path: Path, order: int):
    pytest.importorskip("kenlm", reason="the extra kenlm is not installed")
    (tmp_path / "glosses.arpa").write_text(arpa(SENTENCES, order), encoding="utf-8")
    glosses = ("REGEN", "MORGEN", "SÜD")
    model = NgramModel(tmp_path / "glosses.arpa", glosses)
    assert (model.order, model.unknown) == (order, ())
    for sentence in itertools.product((1, 2, 3), repeat=3):
        context, words = model.start, ["<s>"]
        for gloss in sentence:
            words.append(glosses[gloss - 1])
            expected = probability(*words[max(0, len(words) - order) :])
            assert 2.718281828 ** model.log_probability(context, gloss) == pytest.approx(expected, rel=1e-4)
            context = model.extend(context, gloss)


@pytest.mark.parametrize(
    ("sentences", "order", "complaint"),
    [
        ([], 3, "at least one sentence"),
        ([("REGEN",)], 1, "order 1 knows nothing of neighbours"),
        ([("REGEN", "<s>")], 2, "'<s>' cannot stand"),
        ([("BLAU ROT",)], 2, "'BLAU ROT' cannot stand"),
    ],
)
def test_what_no_file_can_hold_is_refused(sentences: list, order: int, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        arpa(sentences, order)


def test_sentences_without_glosses_only_end():
    table = read(arpa([()], 2))
    assert table[("</s>",)][0] == pytest.approx(0.75)
    assert table[("<s>", "</s>")][0] == pytest.approx(0.875)
