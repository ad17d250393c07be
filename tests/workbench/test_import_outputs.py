"""``prepare.py teacher-outputs`` on the tiny corpus: what becomes a store, and what is refused in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from kd import clip_key
from tests.workbench.dumps import FRAMES_PER_STEP, Dump, clips_of, random_dump
from tests.workbench.running import MAIN_CONFIG, here, snapshot
from workbench.output_store import OutputStore

TRAIN, DEV = "simulated_tiny_train-0003", "simulated_tiny_dev-0002"


@pytest.fixture
def dump(simulated_root: Path, tmp_path: Path) -> Dump:
    return random_dump(simulated_root, tmp_path / "corrnet")


def stored(folder: Path, clip: str) -> dict[str, torch.Tensor]:
    store = OutputStore.open(folder)
    split = clip.split("_")[2].split("-")[0]
    said = store.teacher(split, 2, tuple(store.card.widths)).said([clip])
    return {name: said.read(name).unpad()[0] for name in ("logits", *said.taps)}


def test_outputs_become_a_store_within_half_precision(dump: Dump) -> None:
    done = dump.imported()
    assert (done.code, done.folder.name) == (0, "store"), done.err
    assert "corrnet: outputs of 16 train, 6 dev, 8 test clips of simulated corpus (tiny, seed 0)" in done.err
    assert "frames of 25 per second per step: logits 4, frame 2" in done.err
    for clip in (TRAIN, DEV):
        found, given = stored(done.folder, clip), dump.read(clip)
        for name in ("logits", "frame"):
            assert torch.equal(found[name], torch.from_numpy(given[name]).half().float()), name


def test_the_card_says_what_was_imported_from_where(dump: Dump) -> None:
    card = OutputStore.open(dump.imported("--name", "CorrNet", "--fps", "12.5").folder).card
    assert (card.name, card.fps, card.corpus_fps, card.glosses) == ("CorrNet", 12.5, 25.0, dump.glosses)
    assert (card.frames_per_step, card.widths) == ({"logits": 2.0, "frame": 1.0}, {"frame": 5})
    assert card.splits == ("train", "dev", "test")
    assert card.clips["dev"][DEV][1] == dump.corpus.num_frames(clips_of(dump.corpus)[18])
    assert card.source["folder"] == str(dump.folder)
    assert len(card.source["glosses_sha256"]) == 64
    assert (card.source["blank"], card.source["columns"], card.source["unused_glosses"]) == (0, 9, [])


def test_scores_are_matched_by_the_names_of_the_glosses(dump: Dump) -> None:
    plain = stored(dump.imported().folder, TRAIN)["logits"]
    order = [3, 8, 1, 5, 2, 7, 4, 6, 0]  # foreign column -> class of ours
    for clip in list(dump.files):
        dump.change(clip, logits=dump.read(clip)["logits"][:, order])
    dump.write_glosses(*(dump.glosses[column - 1] for column in order[:-1]))
    dump.blank = -1
    found = stored(dump.imported(out=dump.folder.parent / "other").folder, TRAIN)["logits"]
    assert torch.equal(found, plain)


def test_the_same_outputs_however_they_are_written_are_the_same_teacher(dump: Dump) -> None:
    first = OutputStore.open(dump.imported().folder).card.identity
    for clip in list(dump.files):
        arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in dump.read(clip).items()}
        dump.files[clip].unlink()
        save_file(arrays, str(dump.folder / f"{clip}.safetensors"))
    again = dump.imported()
    assert again.code == 0
    assert OutputStore.open(again.folder).card.identity == first
    (number,) = list(again.folder.glob("*/shard-*"))
    assert number.is_file(), "nothing was stored a second time"


def test_one_changed_number_is_another_teacher_and_needs_another_folder(dump: Dump) -> None:
    first = dump.imported()
    logits = dump.read(TRAIN)["logits"]
    logits[0, 0] += 1e-3
    dump.change(TRAIN, logits=logits)
    before = snapshot(first.folder)
    assert "holds other teacher outputs, 'corrnet': give another folder with --out, or" in dump.imported().sentence
    assert snapshot(first.folder) == before
    other = dump.imported(out=dump.folder.parent / "other")
    assert OutputStore.open(other.folder).card.identity != OutputStore.open(first.folder).card.identity


def test_missing_and_unknown_glosses_are_told_with_their_side(dump: Dump) -> None:
    dump.write_glosses("OTHER", *dump.glosses[1:])
    refused = dump.imported().sentence
    assert refused.startswith(f"the teacher of {dump.list_file} lacks 1 of the 8 glosses of simulated corpus")
    assert refused.endswith(
        f"({dump.glosses[0]}), and 10% may be lacking: is it the list of another corpus, or spelt otherwise? "
        "--max-lacking allows more"
    )
    done = dump.imported("--max-lacking", "0.2")
    tokens = sum(clip.glosses.count(dump.glosses[0]) for clip in dump.corpus.clips("train"))
    assert tokens > 0
    assert f"lacks 1 of 8 glosses of the corpus ({dump.glosses[0]}), {tokens} times in the training tran" in done.err
    assert "the corpus lacks 1 gloss of the teacher (OTHER): their columns are dropped" in done.err
    found, given = stored(done.folder, TRAIN)["logits"], torch.from_numpy(dump.read(TRAIN)["logits"])
    assert torch.equal(found[:, [0, *range(2, 9)]], given[:, [0, *range(2, 9)]].half().float())
    assert bool((found[:, 1] < found[:, [0, *range(2, 9)]].amin(1) - 19).all())
    assert OutputStore.open(done.folder).card.lacking == dump.glosses[:1]


def test_dev_and_test_may_be_left_out_and_that_is_said(dump: Dump) -> None:
    for clip in clips_of(dump.corpus)[16:]:
        dump.files[clip.id].unlink()
    done = dump.imported()
    assert done.code == 0
    assert "no outputs of dev and test: the teacher's WER there will not be measured" in done.err
    assert OutputStore.open(done.folder).card.splits == ("train",)


def test_the_corpus_may_be_named_in_every_way(dump: Dump, simulated_root: Path, tmp_path: Path) -> None:
    section = tmp_path / "mine.yaml"
    section.write_text((MAIN_CONFIG.parent / "data" / "synthetic.yaml").read_text())
    words = ["prepare", "teacher-outputs", dump.folder, "--glosses", dump.list_file]
    found = set()
    for number, what in enumerate((MAIN_CONFIG, "synthetic", section)):
        data = ["--data", what, f"data.root={simulated_root}", "data.corpus.profile=tiny"]
        done = here(*words, "--out", tmp_path / str(number), *data)
        assert done.code == 0, done.err
        found.add(OutputStore.open(done.folder).card.identity)
    assert len(found) == 1
    assert (
        "'synthetik' is neither a YAML file nor a corpus of"
        in here(*words, "--out", tmp_path / "x", "--data", "synthetik").sentence
    )


def test_files_of_other_names_are_found_by_an_index(dump: Dump) -> None:
    plain = OutputStore.open(dump.imported().folder).card.identity
    lines = []
    for number, clip in enumerate(sorted(dump.files)):
        dump.files[clip].rename(dump.folder / f"{number}.npz")
        lines.append(f"{clip}\t{number}.npz\n")
    index = dump.folder / "index.tsv"
    index.write_text("".join(lines))
    done = dump.imported("--index", index, out=dump.folder.parent / "other")
    assert OutputStore.open(done.folder).card.identity == plain
    index.write_text("".join(reversed(lines)))
    assert f"{index} is not sorted: line 2 puts" in dump.imported("--index", index).sentence


# What is refused -----------------------------------------------------------------------------------------------------


def nan(dump: Dump) -> str:
    logits = dump.read(TRAIN)["logits"]
    logits[3, 2] = np.nan
    return f"logits in {dump.write(TRAIN, {**dump.read(TRAIN), 'logits': logits})} is nan in step 3, column 2"


def other_steps(dump: Dump) -> str:
    dump.change(TRAIN, logits=dump.read(TRAIN)["logits"].repeat(2, axis=0))
    frames = dump.corpus.num_frames(next(clip for clip in clips_of(dump.corpus) if clip.id == TRAIN))
    steps = 2 * -(-frames // FRAMES_PER_STEP)
    return (
        f"logits of clip {TRAIN!r} has {steps} steps, and its {frames} frames of 25 per second give about "
        f"{frames / FRAMES_PER_STEP:.0f} at one per 4 frames of 25 per second (as in all clips together)"
    )


def other_steps_of_a_feature(dump: Dump) -> str:
    dump.change(TRAIN, frame=dump.read(TRAIN)["frame"][::3])
    return f"frame of clip {TRAIN!r} has "


def half_the_clips(dump: Dump) -> str:
    train = [clip.id for clip in dump.corpus.clips("train")]
    for clip in train[1::2]:
        dump.files[clip].unlink()
    return f"has outputs of 8 of 16 train clips, and none of {train[1]!r}: all training clips are needed"


def half_of_dev(dump: Dump) -> str:
    dump.files[DEV].unlink()
    return f"has outputs of 5 of 6 dev clips, and none of {DEV!r}: give all of dev or none"


def unknown_clip(dump: Dump) -> str:
    path = dump.write("somewhere-else", dump.read(TRAIN))
    return f"{path} is about 'somewhere-else', which is no clip of simulated corpus (tiny, seed 0)"


def twice(dump: Dump) -> str:
    (dump.folder / "again").mkdir()
    shutil.copy(dump.files[TRAIN], dump.folder / "again")
    return f"clip {TRAIN!r} has outputs twice, in {dump.folder / 'again'}"


def of_another_clip(dump: Dump) -> str:
    dump.change(TRAIN, clip=DEV)
    return f"says that it is about clip {DEV!r}, and it should be about {TRAIN!r}"


def fewer_glosses(dump: Dump) -> str:
    dump.write_glosses(*dump.glosses[:-1])
    return f"{dump.list_file} lists 7 glosses and the logits have 9 columns: list the gloss of every column, 8 without"


def another_language(dump: Dump) -> str:
    dump.write_glosses(*(f"G{number}" for number in range(8)))
    return "lacks 8 of the 8 glosses of simulated corpus (tiny, seed 0)"


def no_list(dump: Dump) -> str:
    dump.list_file.unlink()
    return f"{dump.list_file}: No such file or directory"


def blank_is_elsewhere(dump: Dump) -> str:
    dump.write_glosses(*dump.glosses, "<blank>")
    return f"calls column 0 {dump.glosses[0]!r}, a gloss of the corpus, and that column is said to be the blank"


def fewer_columns_in_one_clip(dump: Dump) -> str:
    dump.change(TRAIN, logits=dump.read(TRAIN)["logits"][:, 1:])
    return f"logits in {dump.files[TRAIN]} has 8 columns and {dump.list_file} names 9: scores of all clips"


def no_feature_in_one_clip(dump: Dump) -> str:
    dump.change(TRAIN, frame=None)
    return f"{dump.files[TRAIN]} holds logits [9], and the first file logits [9], frame [5]: all clips need the same"


def probabilities(dump: Dump) -> str:
    for clip in list(dump.files):
        logits = np.exp(dump.read(clip)["logits"])
        dump.change(clip, logits=logits / logits.sum(1, keepdims=True))
    return "are probabilities, since every step sums to 1: write the scores before the softmax, or the logarithms"


def too_large(dump: Dump) -> str:
    dump.change(TRAIN, frame=dump.read(TRAIN)["frame"] * 1e6)
    return "in size, which half precision cannot hold: say --precision float32"


def damaged(dump: Dump) -> str:
    dump.files[TRAIN].write_bytes(dump.files[TRAIN].read_bytes()[:-50])
    return f"{dump.files[TRAIN]} is damaged or no .npz file"


def no_rate(dump: Dump) -> str:
    for clip in list(dump.files):
        arrays = dump.read(clip)
        dump.change(clip, logits=arrays["logits"].repeat(3, axis=0)[::2])
    return "frames per step, which is no whole number: say --fps, the frames per second that the teacher saw, or --fra"


@pytest.mark.parametrize(
    "spoil",
    [
        nan, other_steps, other_steps_of_a_feature, half_the_clips, half_of_dev, unknown_clip, twice, of_another_clip,
        fewer_glosses, another_language, no_list, blank_is_elsewhere, fewer_columns_in_one_clip, no_feature_in_one_clip,
        probabilities, too_large, damaged, no_rate,
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit_are_refused_in_one_sentence(dump: Dump, spoil: Callable[[Dump], str]) -> None:
    says = spoil(dump)
    done = dump.imported()
    assert says in done.sentence
    assert done.err.count("\n") == 1
    assert not (dump.folder.parent / "store").exists(), "nothing is written before everything was checked"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fps", "19"], "frames per step, which is no whole number: say --fps"),
        (["--fps", "0"], "--fps is 0: it has to be greater than 0"),
        (
            ["--frames-per-step", "2"],
            "at one per 2 frames of 25 per second (as said): these are outputs of another clip",
        ),
        (["--frames-per-step", "conv=2"], "frames per step are said of 'conv', and there are only logits, frame"),
        (["--frames-per-step", "frame=-1"], "--frames-per-step of frame is -1: it has to be greater than 0"),
        (["--max-lacking", "2"], "--max-lacking is 2: it is a share, from 0 to 1"),
        (["--taps", "conv"], "holds no 'conv', only frame, logits"),
        (["--blank", "9"], "the blank cannot be column 9 of 9"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_one_sentence(dump: Dump, words: list[str], says: str) -> None:
    assert says in dump.imported(*words).sentence


def test_a_rate_that_is_no_number_is_a_fault_of_the_command_line(dump: Dump) -> None:
    done = dump.imported("--frames-per-step", "frame=fast")
    assert done.code == 2
    assert "'frame=fast' is neither a number nor TAP=NUMBER" in done.err


def test_rates_that_are_said_are_taken_even_where_they_are_no_whole_numbers(dump: Dump) -> None:
    done = dump.imported("--fps", "30", "--frames-per-step", "4.8", "--frames-per-step", "frame=2.4")
    store = OutputStore.open(done.folder)
    assert store.card.frames_per_step == {"logits": 4.8, "frame": 2.4}
    assert store.recorded_frames_per_step == {"logits": pytest.approx(4), "frame": pytest.approx(2)}


def test_only_the_features_that_are_named_are_imported(dump: Dump) -> None:
    store = OutputStore.open(dump.imported("--taps").folder)
    assert (store.card.widths, store.card.frames_per_step) == ({}, {"logits": 4.0})


def test_an_import_that_was_cut_off_goes_on(dump: Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.import_outputs._CLIPS_PER_SHARD", 8)
    whole = OutputStore.write_card

    def dies(self: OutputStore) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(OutputStore, "write_card", dies)
        assert dump.imported().code == 130
    folder = dump.folder.parent / "store"
    left = snapshot(folder)
    assert not (folder / "outputs.json").exists()
    assert OutputStore.write_card is whole
    assert dump.imported().code == 0
    after = snapshot(folder)
    assert {name: entry for name, entry in after.items() if name in left} == left
    assert set(after) - set(left) == {"outputs.json"}


# A store that was imported -------------------------------------------------------------------------------------------


def no_card(folder: Path) -> str:
    (folder / "outputs.json").unlink()
    return f"there are no teacher outputs at {folder}: name a folder that scripts/prepare.py teacher-outputs made"


def changed_card(folder: Path) -> str:
    card = folder / "outputs.json"
    card.write_text(card.read_text().replace('"logits": 4.0', '"logits": 2.0'))
    return f"{card} was changed after it was written: import the outputs again"


def no_json(folder: Path) -> str:
    (folder / "outputs.json").write_text("{")
    return f"{folder / 'outputs.json'} is damaged or no card of teacher outputs"


def another_json(folder: Path) -> str:
    (folder / "outputs.json").write_text("[1]")
    return f"{folder / 'outputs.json'} is damaged or no card of teacher outputs"


def another_version(folder: Path) -> str:
    card = folder / "outputs.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "format": 99}))
    return f"{card} has format 99 and this version reads 1"


@pytest.mark.parametrize("spoil", [no_card, changed_card, no_json, another_json, another_version])
def test_a_spoilt_card_is_told(dump: Dump, spoil: Callable[[Path], str]) -> None:
    folder = dump.imported().folder
    says = spoil(folder)
    with pytest.raises(ValueError, match=r".") as caught:
        OutputStore.open(folder)
    assert str(caught.value).startswith(says)


def test_a_store_fits_the_corpus_it_was_made_for_and_no_other(dump: Dump, monkeypatch: Any) -> None:
    store = OutputStore.open(dump.imported().folder)
    corpus, vocabulary = dump.corpus, dump.corpus.vocabulary()
    store.check(corpus, vocabulary, ["frame"])
    with pytest.raises(ValueError, match=r"of 30 clips in .* are damaged or gone: import them again"):
        store.check(corpus, vocabulary, ["conv"])
    other = type(vocabulary)((*vocabulary.glosses, "ZZZ"))
    with pytest.raises(ValueError, match="are over 8 glosses and this corpus has 9, 'ZZZ' among those it lacks"):
        store.check(corpus, other)
    changed = {**store.card.clips, "dev": {**store.card.clips["dev"], DEV: ("0", 3)}}
    monkeypatch.setitem(store.card.__dict__, "clips", changed)
    with pytest.raises(ValueError, match=f"are about 3 frames of clip {DEV!r}, which has 44 now: import them again"):
        store.check(corpus, vocabulary)
    monkeypatch.setitem(store.card.__dict__, "clips", {"train": dict(list(store.card.clips["train"].items())[1:])})
    with pytest.raises(ValueError, match=r"lack 1 of 16 train clips, 'simulated_tiny_train-0000' among them"):
        store.check(corpus, vocabulary)


def test_a_damaged_entry_is_found_before_training(dump: Dump) -> None:
    store = OutputStore.open(dump.imported().folder)
    (shard,) = store.folder.glob("*/shard-*")
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"of 30 clips in .* are damaged or gone: import them again"):
        store.check(dump.corpus, dump.corpus.vocabulary())
    assert dump.imported().code == 0, "which mends it"
    OutputStore.open(store.folder).check(dump.corpus, dump.corpus.vocabulary())


def test_an_entry_is_named_by_its_clip_and_its_content(dump: Dump) -> None:
    card = OutputStore.open(dump.imported().folder).card
    keys = {key for clips in card.clips.values() for key, _ in clips.values()}
    assert len(keys) == 30
    assert clip_key(TRAIN, "") not in keys
