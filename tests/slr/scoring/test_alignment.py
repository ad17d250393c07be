from __future__ import annotations

import random
import time
import tracemalloc

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import alignment as room
from slr.scoring.alignment import align
from tests.reference import edit_distance

SENTENCE = st.lists(st.sampled_from("ABCD"), max_size=9)


def random_pairs(number: int, seed: int, longest: int = 12) -> list[tuple[list[str], list[str]]]:
    """Sentences over few glosses, so that many alignments cost the same."""
    generator = random.Random(seed)
    pairs = []
    for _ in range(number):
        glosses = "ABCDEFGHIJKLMNOPQRST"[: generator.choice((2, 3, 5, 20))]
        pairs.append(
            (
                [generator.choice(glosses) for _ in range(generator.randint(1, longest))],
                [generator.choice(glosses) for _ in range(generator.randint(0, longest))],
            )
        )
    return pairs


@given(st.lists(st.tuples(SENTENCE, SENTENCE), max_size=6))
def test_every_pair_is_aligned_as_by_slow_recursion(pairs):
    assert align(pairs) == [edit_distance.alignment(*pair)[1] for pair in pairs]


@pytest.mark.slow
def test_a_hundred_thousand_pairs_are_aligned_as_by_slow_recursion():
    pairs = random_pairs(100_000, seed=4, longest=8)
    assert align(pairs) == [edit_distance.alignment(*pair)[1] for pair in pairs]


def test_pairs_are_aligned_alike_in_small_and_large_chunks(monkeypatch):
    pairs = random_pairs(50, seed=0)
    whole = align(pairs)
    monkeypatch.setattr(room, "_CELLS", 200)
    assert align(pairs) == whole == [align([pair])[0] for pair in pairs]


def test_equal_costs_are_decided_as_sclite_decides_them():
    # Three substitutions cost 12, and so do two insertions and two deletions around the common A.
    assert align([(list("AXY"), list("PQA"))]) == ["SSS"]
    assert align([(list("AB"), list("BA"))]) == ["DCI"]


def test_deletions_may_come_before_insertions():
    assert align([(list("AB"), list("BA"))], deletions_first=True) == ["ICD"]
    assert align([(list("A"), []), ([], list("A"))], deletions_first=True) == ["D", "I"]


@pytest.mark.parametrize(("left", "right"), [(0, 0), (0, 3), (3, 0), (1, 17), (17, 1), (8, 8), (9, 16)])
def test_sentences_of_any_lengths_meet(left, right):
    reference, hypothesis = [f"r{i}" for i in range(left)], [f"h{i}" for i in range(right)]
    operations = align([(reference, hypothesis)])[0]
    assert operations == edit_distance.alignment(reference, hypothesis)[1]
    assert (operations.count("D"), operations.count("I")) == (max(0, left - right), max(0, right - left))


def test_two_sentences_of_ten_thousand_glosses_need_little_time_and_memory():
    generator = random.Random(5)
    reference, hypothesis = ([str(generator.randrange(1300)) for _ in range(10_000)] for _ in range(2))
    tracemalloc.start()
    start = time.perf_counter()
    unlike, alike = align([(reference, hypothesis), (reference, [*reference[1:], "end"])])
    assert time.perf_counter() - start < 20  # about a second on an idle machine, without the tracing
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()
    assert len(unlike) - unlike.count("I") == len(reference)
    assert alike == "D" + 9999 * "C" + "I"


@pytest.mark.parametrize("length", [10_922, 10_923])
def test_numbers_are_wide_enough_for_long_sentences(length):
    words = [str(index) for index in range(length)]
    assert align([(words, [*words[1:], "end"])]) == ["D" + (length - 1) * "C" + "I"]


def test_the_fewest_errors_of_all_alignments_are_close_to_those_of_unit_costs():
    pairs = random_pairs(200, seed=3)
    ours = sum(len(operations) - operations.count("C") for operations in align(pairs))
    unit = jiwer.process_words([" ".join(r) for r, _ in pairs], [" ".join(h) for _, h in pairs])
    fewest = unit.substitutions + unit.deletions + unit.insertions
    slow = sum(edit_distance.alignment(r, h, 1, 1, 1)[0] for r, h in pairs)
    assert fewest == slow <= ours <= 1.2 * fewest
