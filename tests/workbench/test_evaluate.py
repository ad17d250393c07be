from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pympi import Eaf
from rich.console import Console

from slr.ctc import LabelSet
from slr.ctc.ngrams import arpa
from slr.scoring import read_transcripts, score
from slr.synthesis import SimulatedSpec, write_corpus
from tests.workbench.running import here, read_json, student_config, tiny_words
from workbench.assemble import open_corpus
from workbench.evaluate import Question, evaluate
from workbench.prepare import language_model
from workbench.progress import NoProgress
from workbench.settings import load_either

GLOSSES = {"dev": 15, "test": 22}


@pytest.fixture(scope="module")
def run(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a skeleton network that has learned to write something."""
    folder = tmp_path_factory.mktemp("evaluate")
    config = student_config(folder, tiny_words(simulated_root, student=12))
    done = here("train", config, "--out", folder / "runs")
    assert done.code == 0, done.err
    return done.folder


def ask(run: Path, *words: str, **question: Any) -> tuple[Path, str]:
    out = io.StringIO()
    path = evaluate(run, Question(**question), list(words), NoProgress(), Console(file=out, width=120))
    return path, out.getvalue()


def references(run: Path, split: str) -> dict[str, tuple[str, ...]]:
    return {clip.id: clip.glosses for clip in open_corpus(load_either(run / "config.yaml").data).clips(split)}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_same_question_finds_what_the_run_found(run: Path, split: str) -> None:
    path, text = ask(run, split=split)
    assert path == run / f"hypotheses.main.{split}.beam-10.ctm"
    assert path.read_bytes() == (run / f"hypotheses.{split}.ctm").read_bytes()
    found = read_json(run / "result.json")["network"][split]
    assert found["ref"] == GLOSSES[split]
    assert f"{100 * found['wer']:.2f}%" in text
    assert f"STGT on {split} of simulated corpus (tiny, seed 0), keypoints very-high, decoder beam-10" in text
    assert sum(len(transcript.glosses) for transcript in read_transcripts(path).values()) > 0


def test_another_decoder_and_another_protocol(run: Path) -> None:
    path, text = ask(run, "evaluate.decoder=greedy", split="dev", protocol="phoenix2014")
    assert path == run / "hypotheses.main.dev.greedy.ctm"
    hypotheses = {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}
    assert f"{100 * score(references(run, 'dev'), hypotheses, 'phoenix2014').wer:.2f}%" in text
    assert ask(run, "evaluate.beam_width=3", split="dev")[0].name == "hypotheses.main.dev.beam-3.ctm"


def test_a_language_model_is_a_setting_of_the_run(run: Path, simulated_root: Path, tmp_path: Path) -> None:
    pytest.importorskip("kenlm", reason="the extra kenlm is not installed")
    transcripts = simulated_root / "tiny-seed0/annotations/manual/train.corpus.csv"
    model = language_model(str(transcripts), (), 2, tmp_path / "pairs.arpa", NoProgress())
    words = (f"evaluate.language_model={model}", "evaluate.insertion_bonus=0.5")
    path, text = ask(run, *words, split="dev")
    assert path.name == "hypotheses.main.dev.beam-10-pairs-0.5-bonus+0.5.ctm"
    assert "decoder beam-10-pairs-0.5-bonus+0.5" in text
    other = tmp_path / "other.arpa"
    other.write_text(arpa([("SONNE", "REGEN")], 2), encoding="utf-8")
    with pytest.raises(ValueError, match="another vocabulary"):
        ask(run, f"evaluate.language_model={other}", split="dev")
    with pytest.raises(ValueError, match="need our own beam search, not greedy"):
        ask(run, *words, "evaluate.decoder=greedy", split="dev")


def test_the_corpus_may_have_moved(run: Path, simulated_root: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(simulated_root, tmp_path / "moved")
    path, _ = ask(run, f"data.root={moved}", split="dev")
    assert path.read_bytes() == (run / "hypotheses.dev.ctm").read_bytes()


def test_nothing_of_the_run_is_changed(run: Path) -> None:
    kept = ("result.json", "config.yaml", "hypotheses.dev.ctm", "network.safetensors", "metrics.jsonl")
    before = {name: (run / name).read_bytes() for name in kept}
    ask(run, "evaluate.decoder=greedy", split="dev")
    assert {name: (run / name).read_bytes() for name in kept} == before


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is no run folder: it has no config\.yaml"):
        ask(tmp_path)


def test_a_network_that_the_run_does_not_have_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match=r"alone holds no network 'teacher': it holds network$"):
        ask(run, role="teacher")


def test_what_is_shown_in_another_way_is_warned_of(run: Path) -> None:
    assert "was trained on clips with" not in here("evaluate", run, "evaluate.decoder=greedy").err
    done = here("evaluate", run, "data.plan.stride=4")
    assert done.code == 0, done.err
    assert f"{run} was trained on clips with plan.stride 2, and is shown them with 4" in done.err


def test_another_vocabulary_is_refused(run: Path, tmp_path: Path) -> None:
    spec = SimulatedSpec(profile="tiny", seed=3)
    write_corpus(tmp_path / "other" / spec.folder, spec, "high", workers=1)
    with pytest.raises(
        ValueError,
        match=r"was trained on 8 glosses and the corpus now has 7, 'FENI' among those it lacks: evaluate on the corpus",
    ):
        ask(run, f"data.root={tmp_path / 'other'}", "data.corpus.seed=3")


def test_a_run_is_compared_with_another_on_the_same_clips(run: Path) -> None:
    """The same network under another name, its hypotheses decoded likewise: not a point between them."""
    other = shutil.copytree(run, run.parent / "other")
    _, text = ask(run, "evaluate.decoder=greedy", split="test", against=str(other))
    found = read_transcripts(run / "hypotheses.main.test.greedy.ctm")
    wer = score(references(run, "test"), {clip: transcript.glosses for clip, transcript in found.items()}, "raw").wer
    assert str(other) in text
    assert text.count(f"{wer:.2%}") == 3  # in the table of scores, and of both in the comparison
    assert "+0.00" in text
    assert f"{run} cannot be told apart from {other}" in " ".join(text.split())
    assert not (other / "hypotheses.main.test.greedy.ctm").exists()


def test_what_a_run_is_compared_with_has_to_be_there(run: Path, tmp_path: Path) -> None:
    for against, says in (
        (tmp_path, r"is no run folder: it has no config\.yaml"),
        (run, "would be compared with itself"),
        (f"{run}:student", r"holds no network 'student': it holds network$"),
        (f"{run}:pupil", r"holds no network 'pupil': it holds network$"),
    ):
        with pytest.raises(ValueError, match=says):
            ask(run, against=str(against))


def test_runs_on_other_clips_are_not_compared(run: Path, simulated_root: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(simulated_root, tmp_path / "moved")
    other = shutil.copytree(run, tmp_path / "other")
    config = other / "config.yaml"
    config.write_text(config.read_text().replace(str(simulated_root), str(moved)))
    (table,) = moved.rglob("dev.corpus.csv")
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], lines[-1].rpartition(" ")[0]]) + "\n")
    with pytest.raises(ValueError, match="networks are compared on the same clips with the same transcripts"):
        ask(run, against=str(other))


def test_segments_are_written_where_asked(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    other = shutil.copytree(run, tmp_path / "other")
    path, text = ask(run, "evaluate.n_best=4", split="dev", segments=folder, eaf=True, against=str(other))
    assert f"segments: 9 files in {folder}" in text
    assert (folder / "hypothesis.ctm").read_bytes() == path.read_bytes()
    found = read_json(folder / "segments.json")
    assert (found["run"], found["network"], found["decoder"], found["fps"]) == (str(run), "STGT", "beam-10", 25.0)
    clips = {clip["clip"]: clip for clip in found["clips"]}
    aligned = read_transcripts(folder / "reference.ctm")
    assert aligned.keys() | found["left_out"].keys() == clips.keys()
    for clip, transcript in aligned.items():
        assert " ".join(transcript.glosses) == clips[clip]["reference"]
        edges = [
            frame for row in clips[clip]["alignment"]["segments"] for frame in (row["start_frame"], row["end_frame"])
        ]
        assert edges == sorted(edges)
        assert edges[-1] <= clips[clip]["frames"]
    assert max(len(clip["hypotheses"]) for clip in found["clips"]) == 4
    eaf = Eaf(folder / "eaf" / f"{next(iter(aligned))}.eaf")
    assert list(eaf.get_tier_names())[:3] == ["reference", "hypothesis", f"hypothesis of {other}"]


def test_clips_that_do_not_fit_are_named(run: Path, simulated_root: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(simulated_root, tmp_path / "moved")
    (table,) = moved.rglob("dev.corpus.csv")
    lines = table.read_text().splitlines()
    clip, *rest = lines[-1].split("|")
    gloss = rest[-1].split()[0]
    rest[-1] = " ".join([gloss] * 40)
    lines[-2] += " NEVER-SEEN"
    table.write_text("\n".join([*lines[:-1], "|".join([clip, *rest])]) + "\n")
    _, text = ask(run, f"data.root={moved}", split="dev", segments=tmp_path / "out")
    assert re.search(
        rf"not aligned, the transcript does not fit the clip: {clip} \(\d+ output steps, 79 needed\)", text
    )
    assert f"aligned without glosses that the network cannot write: NEVER-SEEN in {lines[-2].split('|')[0]}" in text
    assert clip not in read_transcripts(tmp_path / "out" / "reference.ctm")
    assert clip in read_transcripts(tmp_path / "out" / "hypothesis.ctm")


def test_labels_are_kept_by_one_question_and_compared_with_by_another(run: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    _, text = ask(run, split="dev", write_labels=labels)
    assert f"pseudo-labels of {len(LabelSet.read(labels).clips)} clips" in text
    _, text = ask(run, split="dev", labels=labels)
    shown = re.search(r"pseudo-label accuracy: all ([\d.]+)%, non-blank ([\d.]+)%, dense ([\d.]+)%", text)
    assert shown
    assert f"(pseudo-labels of STGT, {LabelSet.read(labels).sha256[:16]}, " in text
    # Its own alignment is bound by the transcript, its own best classes are not: they agree in part.
    assert 20 < float(shown[1]) < 100
    with pytest.raises(ValueError, match=r"labels\.json labels 'dev' and not 'test'"):
        ask(run, split="test", labels=labels)
    labels.write_text(labels.read_text().replace(" 0", " 1", 1))
    with pytest.raises(ValueError, match="was changed after it was written"):
        ask(run, split="dev", labels=labels)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"eaf": True}, "name it with --segments"),
        ({"media": "{clip}.mp4", "segments": Path("x")}, "ask for these with --eaf"),
        ({"media": "clip.mp4", "segments": Path("x"), "eaf": True}, r"write \{clip\} where the id of a clip belongs"),
    ],
)
def test_options_that_lack_another_are_told(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Question(**asked)


def test_a_beam_without_width_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="width"):
        ask(run, "evaluate.beam_width=0")
