"""Our matched-pairs test against the program that defined it, NIST's sc_stats, fed with sclite's alignments."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from slr.scoring import SegmentTest, Transcript, mapsswe, read_transcripts, score, write_ctm, write_stm

DEBIAN = Path("/usr/lib/sctk/bin")  # Debian and Ubuntu install it off the search path
Sentences = dict[str, list[str]]


@pytest.fixture(scope="module")
def sctk() -> tuple[str, str]:
    names = ("sclite", "sc_stats")
    sclite, sc_stats = (shutil.which(name) or shutil.which(name, path=str(DEBIAN)) for name in names)
    if sclite is None or sc_stats is None:
        pytest.skip("sclite and sc_stats of NIST's SCTK are not installed")
    return sclite, sc_stats


def run(sctk: tuple[str, str], folder: Path, reference: Sequence[str], systems: Sequence[Sequence[str]]) -> str:
    """The line of results that sc_stats writes, empty where it finds no segment at all."""
    sclite, sc_stats = sctk
    aligned = b""
    for system in systems:
        command = [sclite, "-r", *reference, "-h", *system, "-i", "rm", "-o", "sgml", "stdout"]
        aligned += subprocess.run(command, capture_output=True, check=True, cwd=folder).stdout
    command = [sc_stats, "-p", "-t", "mapsswe", "-v", "-n", "found"]
    subprocess.run(command, input=aligned, capture_output=True, check=False, cwd=folder)  # no segment, and it fails
    written = (folder / "found.stats.mapsswe").read_text(encoding="utf-8")
    return next((line for line in written.splitlines() if "MTCH_PR_RESULTS" in line), "")


def assert_equal(found: SegmentTest, line: str) -> None:
    if found.segments == 0:
        assert line == ""
        return
    number = r"\s*(-?[\d.]+)"
    shown = re.search(rf"# segs: (\d+).*mean:{number}\).*std dev:{number}\).*Z Stat:{number}\).*Stat Diff: (\w+)", line)
    assert shown is not None, line
    segments, mean, deviation, z = map(float, shown.groups()[:4])
    assert found.segments == segments
    half = 0.000501  # it prints three decimals
    assert found.deviation == pytest.approx(deviation, abs=half)
    assert (found.z or 0) == pytest.approx(z, abs=half)
    assert found.mean == pytest.approx(mean, abs=half)
    if found.z is not None and abs(abs(found.z) - 1.96) > 0.001:
        assert (found.p_value < 0.05) == (shown.group(5) == "Yes")


def disturbed(glosses: Sequence[str], rate: float, generator: random.Random, vocabulary: Sequence[str]) -> list[str]:
    """Glosses dropped, exchanged and inserted, as likely at the ends as between."""
    found = []
    for gloss in [*glosses, None]:
        while generator.random() < rate / 3:
            found.append(generator.choice(vocabulary))
        if gloss is not None and generator.random() >= rate / 3:
            found.append(generator.choice(vocabulary) if generator.random() < rate else gloss)
    return found


def random_systems(seed: int) -> tuple[Sentences, list[Sentences]]:
    """References, and two systems from nearly perfect to hopeless; now and then a single clip."""
    generator = random.Random(seed)
    vocabulary = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: generator.choice((2, 4, 26))]
    clips = generator.choice((1, 2, 5, 30))
    references = {
        f"s{clip % 3}-{clip}": generator.choices(vocabulary, k=generator.randint(1, 20)) for clip in range(clips)
    }
    rates = [generator.choice((0.02, 0.2, 0.6)) for _ in range(2)]
    systems = [
        {clip: disturbed(glosses, rate, generator, vocabulary) for clip, glosses in references.items()}
        for rate in rates
    ]
    return references, systems


def write_trn(path: Path, sentences: Sentences) -> None:
    path.write_text("".join(f"{' '.join(glosses)} ({clip})\n" for clip, glosses in sentences.items()))


def test_hundreds_of_random_pairs_of_systems_give_the_same_figures(sctk, tmp_path):
    found = []
    for seed in range(300):
        references, systems = random_systems(seed)
        for name, sentences in zip(("ref", "one", "two"), (references, *systems), strict=True):
            write_trn(tmp_path / name, sentences)
        line = run(sctk, tmp_path, ("ref", "trn"), [("one", "trn"), ("two", "trn")])
        found.append(mapsswe(*(score(references, system, "raw") for system in systems)))
        assert_equal(found[-1], line)
    assert sum(test.z is not None and abs(test.z) > 0.1 for test in found) > 150
    assert any(test.segments == 0 for test in found)
    assert any(test.z is None for test in found)


@pytest.mark.shared
@pytest.mark.parametrize("split", ["dev", "test"])
def test_phoenix_gives_the_same_figures(sctk, shared_data, tmp_path, split):
    phoenix = shared_data / "phoenix2014"
    references = read_transcripts(phoenix / f"phoenix2014-groundtruth-{split}.stm")
    made_up = read_transcripts(phoenix / "sclite-fixture" / f"{split}.hyp.normalised.ctm")
    order = sorted(references, key=str.lower)  # sclite wants both files sorted
    first = {clip: list(made_up[clip].glosses) for clip in order}
    generator = random.Random(0)
    known = sorted({gloss for transcript in references.values() for gloss in transcript.glosses})
    second = {clip: disturbed(glosses, 0.04, generator, known) for clip, glosses in first.items()}
    write_stm(tmp_path / "ref.stm", {clip: references[clip] for clip in order})
    for name, sentences in (("one.ctm", first), ("two.ctm", second)):
        write_ctm(tmp_path / name, {clip: timed(glosses) for clip, glosses in sentences.items()})
    line = run(sctk, tmp_path, ("ref.stm", "stm"), [("one.ctm", "ctm"), ("two.ctm", "ctm")])
    spoken = {clip: transcript.glosses for clip, transcript in references.items()}
    systems = [score(spoken, system, "phoenix2014") for system in (first, second)]
    found = mapsswe(*systems)
    assert_equal(found, line)
    assert found.segments > 500
    assert found.z is not None
    assert found.z < -2


def timed(glosses: Sequence[str]) -> Transcript:
    return Transcript(tuple(glosses), times=tuple((0.1 * i, 0.1 * i + 0.1) for i in range(len(glosses))))
