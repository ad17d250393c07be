from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import Transcript, score, write_ctm, write_stm
from slr.scoring import alignment as room
from slr.scoring.alignment import align
from tests.reference import edit_distance

SENTENCE = st.lists(st.sampled_from("ABCD"), max_size=9)
DEBIAN = Path("/usr/lib/sctk/bin/sclite")  # Debian and Ubuntu install it off the search path


def random_pairs(number: int, seed: int) -> list[tuple[list[str], list[str]]]:
    """Sentences over few glosses, so that many alignments cost the same."""
    generator = random.Random(seed)
    pairs = []
    for _ in range(number):
        glosses = "ABCDEFGHIJKLMNOPQRST"[: generator.choice((2, 3, 5, 20))]
        pairs.append(
            (
                [generator.choice(glosses) for _ in range(generator.randint(1, 12))],
                [generator.choice(glosses) for _ in range(generator.randint(0, 12))],
            )
        )
    return pairs


@given(st.lists(st.tuples(SENTENCE, SENTENCE), max_size=6))
def test_every_pair_is_aligned_as_by_slow_recursion(pairs):
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


def test_a_long_sentence_needs_no_special_care():
    words = [str(index) for index in range(600)]
    assert align([(words, words[1:] + ["end"])]) == ["D" + 599 * "C" + "I"]


def test_the_fewest_errors_of_all_alignments_are_close_to_those_of_unit_costs():
    pairs = random_pairs(200, seed=3)
    ours = sum(len(operations) - operations.count("C") for operations in align(pairs))
    unit = jiwer.process_words([" ".join(r) for r, _ in pairs], [" ".join(h) for _, h in pairs])
    fewest = unit.substitutions + unit.deletions + unit.insertions
    slow = sum(edit_distance.alignment(r, h, 1, 1, 1)[0] for r, h in pairs)
    assert fewest == slow <= ours <= 1.2 * fewest


@pytest.fixture(scope="module")
def sclite() -> str:
    found = shutil.which("sclite") or (str(DEBIAN) if DEBIAN.exists() else None)
    if found is None:
        pytest.skip("sclite of NIST's SCTK is not installed")
    return found


def run_sclite(program: str, *arguments: str, folder: Path) -> dict[str, str]:
    """The errors of every utterance, in order, as letters."""
    command = [program, *arguments, "-o", "pralign", "stdout"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout
    return errors_by_utterance(text, r"id: \(([^)]*)\)")


def errors_by_utterance(text: str, name: str) -> dict[str, str]:
    """Read sclite's alignment listing; ``name`` finds the line that names an utterance."""
    found: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if match := re.match(name, line):
            current = match.group(1)
            found[current] = ""
        elif line.startswith("Eval:"):
            found[current] += "".join(line[5:].split())
    return found


def test_alignments_equal_those_of_sclite(sclite, tmp_path):
    pairs = random_pairs(1000, seed=1)
    for name, side in (("ref", 0), ("hyp", 1)):
        lines = [f"{' '.join(pair[side])} (s-{index})\n" for index, pair in enumerate(pairs)]
        (tmp_path / name).write_text("".join(lines))
    found = run_sclite(sclite, "-r", "ref", "trn", "-h", "hyp", "trn", "-i", "rm", folder=tmp_path)
    assert found == {f"s-{i}": letters.replace("C", "") for i, letters in enumerate(align(pairs))}


def test_our_stm_and_ctm_files_score_the_same_with_sclite(sclite, tmp_path):
    pairs = {f"clip{index:04d}": pair for index, pair in enumerate(random_pairs(300, seed=2))}
    write_stm(tmp_path / "ref.stm", {c: Transcript(tuple(r), signer="anna") for c, (r, _) in pairs.items()})
    times = tuple((0.4 * i, 0.4 * i + 0.36) for i in range(12))
    write_ctm(tmp_path / "hyp.ctm", {c: Transcript(tuple(h), times=times[: len(h)]) for c, (_, h) in pairs.items()})
    found = run_sclite(sclite, "-r", "ref.stm", "stm", "-h", "hyp.ctm", "ctm", folder=tmp_path)
    report = score({c: r for c, (r, _) in pairs.items()}, {c: h for c, (_, h) in pairs.items()}, "phoenix2014")
    assert any(not hypothesis for _, hypothesis in pairs.values())
    assert list(found.values()) == [clip.operations.replace("C", "") for clip in report.clips]
