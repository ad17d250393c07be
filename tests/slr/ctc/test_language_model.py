from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

from slr.ctc import BeamDecoder, NgramModel
from slr.types import Padded
from tests.reference import ctc_brute_force as brute

GLOSSES = ("REGEN", "MORGEN", "SÜD")
# Logarithms to the base ten; the second number is the weight of backing off.
ARPA = """\\data\\
ngram 1=6
ngram 2=5
ngram 3=2

\\1-grams:
-1.2\t<unk>\t0
0\t<s>\t-0.4
-0.9\t</s>\t0
-0.7\tREGEN\t-0.3
-0.8\tMORGEN\t-0.2
-1.1\tSÜD\t0

\\2-grams:
-0.2\t<s> MORGEN\t-0.1
-0.3\tMORGEN REGEN\t-0.6
-0.6\tREGEN </s>
-0.5\tREGEN SÜD\t0
-0.4\tSÜD </s>

\\3-grams:
-0.05\t<s> MORGEN REGEN
-0.15\tMORGEN REGEN SÜD

\\end\\
"""


def backed_off(*words: str) -> float:
    """Natural logarithm of the probability of the last word after those before, read from the text of the file."""
    rows = [line.split("\t") for line in ARPA.splitlines() if line.count("\t")]
    table = {tuple(row[1].split(" ")): (float(row[0]), float(row[2]) if len(row) > 2 else 0.0) for row in rows}
    if words in table:
        return table[words][0] * math.log(10)
    if len(words) == 1:
        return table[("<unk>",)][0] * math.log(10)
    return table.get(words[:-1], (0.0, 0.0))[1] * math.log(10) + backed_off(*words[1:])


def sentence(*glosses: int) -> float:
    """That of a whole sentence, its end included, by trigrams."""
    words = ["<s>", *(GLOSSES[gloss - 1] for gloss in glosses), "</s>"]
    return sum(backed_off(*words[max(0, place - 2) : place + 1]) for place in range(1, len(words)))


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    pytest.importorskip("kenlm", reason="the extra kenlm is not installed")
    path = tmp_path / "trigrams.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return path


@pytest.mark.parametrize("glosses", [(), (1,), (2, 1), (2, 1, 3), (3, 3, 3, 1), (1, 2, 1, 3, 2)])
def test_a_sentence_is_as_probable_as_the_file_says(arpa: Path, glosses: tuple[int, ...]):
    model = NgramModel(arpa, GLOSSES)
    total, context = 0.0, model.start
    for gloss in glosses:
        total += model.log_probability(context, gloss)
        context = model.extend(context, gloss)
    assert total + model.log_end(context) == pytest.approx(sentence(*glosses), abs=1e-5)
    assert len(context) <= 2


@pytest.mark.parametrize("weight", [0.3, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_ranks_every_sentence_by_both_models(arpa: Path, weight: float, seed: int):
    logits = 2 * torch.randn(5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    exact = brute.sentence_scores(logits.log_softmax(-1).tolist(), 4)
    rated = {glosses: score + weight * sentence(*glosses) + 0.4 * len(glosses) for glosses, score in exact.items()}
    model = NgramModel(arpa, GLOSSES)
    decoder = BeamDecoder(
        width=400, n_best=len(exact), language_model=model, language_weight=weight, insertion_bonus=0.4
    )
    found = decoder.decode(Padded(logits[None], torch.tensor([5])))[0].hypotheses
    assert [hypothesis.glosses for hypothesis in found] == sorted(rated, key=lambda glosses: -rated[glosses])
    for hypothesis in found:
        assert hypothesis.score == pytest.approx(rated[hypothesis.glosses], abs=1e-4)
        assert hypothesis.log_probability == pytest.approx(exact[hypothesis.glosses], abs=1e-4)
    assert decoder.name == f"beam-400-trigrams-{weight:g}-bonus+0.4"


def test_company_in_the_batch_changes_nothing_under_a_language_model(arpa: Path):
    clips = [torch.randn(steps, 4, generator=torch.Generator().manual_seed(steps)) for steps in (6, 1, 9)]
    decoder = BeamDecoder(4, n_best=4, language_model=NgramModel(arpa, GLOSSES))
    together = decoder.decode(Padded.from_list(clips))
    for clip, decoding in zip(clips, together, strict=True):
        (alone,) = decoder.decode(Padded(clip[None], torch.tensor([len(clip)])))
        assert [h.glosses for h in alone.hypotheses] == [h.glosses for h in decoding.hypotheses]
        assert [h.score for h in alone.hypotheses] == pytest.approx([h.score for h in decoding.hypotheses], abs=1e-5)


def test_a_weight_of_zero_is_no_language_model(arpa: Path):
    decoder = BeamDecoder(language_model=NgramModel(arpa, GLOSSES), language_weight=0)
    assert decoder.name == "beam-10"


def test_a_language_model_of_another_vocabulary_is_refused(arpa: Path):
    assert NgramModel(arpa, (*GLOSSES, "NEU")).unknown == ("NEU",)
    with pytest.raises(ValueError, match=r"trigrams.arpa is .* another vocabulary: it does not know 3 of .* 4 glosses"):
        NgramModel(arpa, ("REGEN", "A", "B", "C"))


@pytest.mark.parametrize("text", ["", "REGEN MORGEN\n", ARPA[:200], ARPA.replace("-0.15\t", "nan\t")])
def test_a_file_that_is_no_language_model_is_refused(arpa: Path, text: str):
    arpa.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"trigrams.arpa"):
        NgramModel(arpa, GLOSSES)


def test_a_missing_file_or_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(ValueError, match=r"pip install .*\[kenlm\]"):
        NgramModel(tmp_path / "no.arpa", GLOSSES)
    monkeypatch.undo()
    pytest.importorskip("kenlm", reason="the extra kenlm is not installed")
    with pytest.raises(ValueError, match=r"no language model .*no\.arpa"):
        NgramModel(tmp_path / "no.arpa", GLOSSES)
