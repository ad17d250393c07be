from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kd.shard
from kd import CachedClip, EntryError, TeacherCache, clip_key, fill, teacher_identity, weights_hash
from kd.shard import checksum
from slr.types import Batch, NetOutput, Padded

ROOT = Path(__file__).resolve().parents[2]


def output(steps: int = 5, classes: int = 4, width: int = 3, padding: int = 0) -> NetOutput:
    def one(*shape: int) -> Padded:
        values = torch.cat([torch.randn(1, *shape), torch.full((1, padding, *shape[1:]), torch.nan)], dim=1)
        return Padded(values, torch.tensor([shape[0]]))

    return NetOutput(one(steps, classes), {"conv": one(steps, width), "frame": one(2 * steps, width)})


def shards(cache: TeacherCache) -> list[Path]:
    return sorted(cache.folder.glob("*.safetensors"))


# Names ---------------------------------------------------------------------------------------------------------------


def identity(state: dict | None = None, **changes: object) -> str:
    state = state if state is not None else {"weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(5)}
    parts = {"network": {"_target_": "teachers.X"}, "preprocessing": {"size": 64}, "plan": {"stride": 2}}
    return teacher_identity(state, **{**parts, **changes})


def test_the_identity_is_the_same_for_the_same_teacher():
    state = {"steps": torch.tensor(5), "weight": torch.arange(6.0).reshape(3, 2).T.contiguous().T.reshape(2, 3)}
    assert identity(state) == identity(dict(reversed(state.items())))
    assert identity() == identity(network={"_target_": "teachers.X"})
    assert len(identity()) == 64


@pytest.mark.parametrize(
    "state",
    [
        {"weight": torch.arange(6.0).reshape(3, 2), "steps": torch.tensor(5)},
        {"weight": torch.arange(6.0).reshape(2, 3).double(), "steps": torch.tensor(5)},
        {"weight": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(6)},
        {"weigth": torch.arange(6.0).reshape(2, 3), "steps": torch.tensor(5)},
        {"weight": torch.nextafter(torch.arange(6.0), torch.ones(6)).reshape(2, 3), "steps": torch.tensor(5)},
        {"weight": torch.arange(6.0).reshape(2, 3)},
    ],
)
def test_any_change_of_the_weights_changes_the_identity(state: dict):
    assert identity(state) != identity()


@pytest.mark.parametrize("part", ["network", "preprocessing", "plan"])
def test_any_change_of_the_description_changes_the_identity(part: str):
    assert identity(**{part: {"_target_": "teachers.X", "size": 65}}) != identity()


def test_weights_of_every_kind_can_be_hashed():
    state = {
        "half": torch.ones(2, dtype=torch.bfloat16),
        "scalar": torch.tensor(1.0),
        "empty": torch.zeros(0, 3),
        "strided": torch.arange(6).reshape(2, 3).T,
        "flags": torch.tensor([True, False]),
    }
    assert weights_hash(state) == weights_hash({name: value.clone() for name, value in state.items()})
    with pytest.raises(ValueError, match="'extra' of the teacher's state is a dict"):
        weights_hash({"extra": {}})


def test_keys_tell_clips_files_and_views_apart():
    keys = {
        clip_key("a", "b"),
        clip_key("a", "c"),
        clip_key("ab", ""),
        clip_key("", "ab"),
        clip_key("a", "b", "flipped"),
    }
    assert len(keys) == 5
    assert clip_key("a", "b", "plain") in keys


# Round trip ----------------------------------------------------------------------------------------------------------


def test_what_is_read_is_what_was_written_within_half_precision(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    written = {"k1": output(5, padding=3), "k2": output(2), "k3": output(7)}
    cache.write(written)
    found = TeacherCache(tmp_path, "abc").read(["k3", "k1"], taps=("frame",))
    assert set(found.taps) == {"frame"}
    assert found.logits.lengths.tolist() == [7, 5]
    assert found.taps["frame"].lengths.tolist() == [14, 10]
    for row, key in enumerate(["k3", "k1"]):
        for name in ("logits", "frame"):
            expected = written[key].read(name).unpad()[0]
            assert found.read(name).values.dtype == torch.float32
            assert torch.equal(found.read(name).unpad()[row], expected.half().float())
    assert not found.logits.values[~found.logits.mask].any()


def test_float32_keeps_every_bit(tmp_path):
    cache = TeacherCache(tmp_path, "abc", precision="float32")
    written = output()
    cache.write({"k": written})
    assert torch.equal(cache.read(["k"]).logits.values, written.logits.values)
    assert TeacherCache(tmp_path, "abc").missing(["k"]) == ["k"], "another precision is another cache"


def test_missing_lists_what_must_be_computed_in_the_given_order(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    assert cache.missing(["b", "a"]) == ["b", "a"]
    cache.write({"a": output()})
    assert cache.missing(["c", "a", "b"]) == ["c", "b"]
    assert cache.missing(["a"], taps=("conv", "logits")) == []
    assert cache.missing(["a"], taps=("context",)) == ["a"]


def test_an_entry_can_be_written_again_with_more_taps(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    first = output()
    cache.write({"a": NetOutput(first.logits)})
    assert cache.missing(["a"], taps=("conv",)) == ["a"]
    cache.write({"a": first})
    assert cache.missing(["a"], taps=("conv",)) == []
    assert torch.equal(cache.read(["a"], taps=("conv",)).taps["conv"].values, first.taps["conv"].values.half().float())


def test_clips_without_steps_can_be_stored(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    cache.write({"a": output(0, padding=2), "b": output(3)})
    assert cache.read(["a", "b"]).logits.lengths.tolist() == [0, 3]


def test_what_was_read_can_be_written_to_without_touching_the_cache(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    cache.write({"a": output()})
    expected = cache.read(["a"]).logits.values.clone()
    cache.read(["a"]).logits.values.zero_()
    assert torch.equal(cache.read(["a"]).logits.values, expected)


@pytest.mark.parametrize("preload", [True, False])
def test_an_entry_is_checked_once_however_often_it_is_read(tmp_path, monkeypatch, preload: bool):
    TeacherCache(tmp_path, "abc").write({f"k{index}": output() for index in range(4)})
    summed: list[int] = []

    def counted(tensors):
        summed.append(len(tensors))
        return checksum(tensors)

    monkeypatch.setattr(kd.shard, "checksum", counted)
    cache = TeacherCache(tmp_path, "abc", preload=preload)
    for _ in range(3):
        cache.read(["k0", "k1", "k2", "k3"], taps=("conv",))
    assert len(summed) == 4


def test_a_preloaded_cache_does_not_need_its_files(tmp_path):
    TeacherCache(tmp_path, "abc").write({"a": output()})
    cache = TeacherCache(tmp_path, "abc", preload=True)
    expected = cache.read(["a"], taps=("conv",))
    shards(cache)[0].unlink()
    assert torch.equal(cache.read(["a"], taps=("conv",)).taps["conv"].values, expected.taps["conv"].values)


def test_a_cache_travels_to_another_process(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    cache.write({"a": output()})
    other = pickle.loads(pickle.dumps(cache))
    assert torch.equal(other.read(["a"]).logits.values, cache.read(["a"]).logits.values)


# What must not be stored or read -------------------------------------------------------------------------------------


def test_values_beyond_half_precision_are_refused_with_their_size(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    large = output()
    large.taps["conv"].values[0, 2, 1] = -70_000
    with pytest.raises(
        EntryError, match="conv of entry k reaches 70000 in size, which float16 cannot hold: set precision"
    ):
        cache.write({"k": large})
    assert shards(cache) == []
    TeacherCache(tmp_path, "abc", precision="float32").write({"k": large})


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_teacher_that_gives_nan_is_refused(tmp_path, bad: float):
    broken = output()
    broken.logits.values[0, 0, 0] = bad
    with pytest.raises(EntryError, match=r"logits of entry k reaches inf in size.*check the teacher for NaN"):
        TeacherCache(tmp_path, "abc").write({"k": broken})


def test_a_missing_entry_is_an_error(tmp_path):
    with pytest.raises(EntryError, match="no undamaged entry k with logits"):
        TeacherCache(tmp_path, "abc").read(["k"])


def test_a_changed_teacher_finds_nothing(tmp_path):
    TeacherCache(tmp_path, identity()).write({"k": output()})
    changed = {"weight": torch.arange(6.0).reshape(2, 3) + 1e-6, "steps": torch.tensor(5)}
    assert TeacherCache(tmp_path, identity(changed)).missing(["k"]) == ["k"]
    assert TeacherCache(tmp_path, identity()).missing(["k"]) == []


@pytest.mark.parametrize("identity", ["", "../other", "a/b", "a b"])
def test_identities_that_are_no_folder_name_are_refused(tmp_path, identity: str):
    with pytest.raises(ValueError, match="identity is"):
        TeacherCache(tmp_path, identity)


def test_a_flipped_bit_is_found_warned_about_and_computed_again(tmp_path, caplog):
    cache = TeacherCache(tmp_path, "abc")
    good = output()
    cache.write({"a": good, "b": output()})
    cache.write({"c": output()})
    (path,) = [path for path in shards(cache) if b"a/logits" in path.read_bytes()]
    _flip(path, good.logits.values.half().numpy().tobytes()[:16])
    fresh = TeacherCache(tmp_path, "abc")
    with caplog.at_level(logging.WARNING):
        assert fresh.missing(["a", "b", "c"]) == ["a", "b"]
    assert "set aside" in caplog.text
    assert path.name in caplog.text
    fresh.write({"a": good, "b": output()})
    again = TeacherCache(tmp_path, "abc")
    caplog.clear()
    assert again.missing(["a", "b", "c"]) == []
    assert torch.equal(again.read(["a"]).logits.values, good.logits.values.half().float())
    assert not caplog.text, "a damaged shard is reported once"


def test_what_lies_beside_a_damaged_entry_is_missing_too_whoever_is_asked_for_first(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    good = output()
    cache.write({"a": output(), "b": good, "c": output()})
    _flip(shards(cache)[0], good.logits.values.half().numpy().tobytes()[:16])
    fresh = TeacherCache(tmp_path, "abc")
    assert fresh.missing(["a", "b", "c"]) == ["a", "b", "c"]
    with pytest.raises(EntryError, match="no undamaged entry a"):
        fresh.read(["a"])


def test_a_damaged_entry_is_never_read_even_if_nobody_asked_what_is_missing(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    good = output()
    cache.write({"a": good})
    _flip(shards(cache)[0], good.logits.values.half().numpy().tobytes()[:16])
    with pytest.raises(EntryError, match="no undamaged entry a"):
        TeacherCache(tmp_path, "abc").read(["a"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_no_damage_anywhere_in_a_file_is_read_as_data(tmp_path, where: float, bit: int, cut: bool):
    torch.manual_seed(0)
    folder = tmp_path / f"{where}-{bit}-{cut}"
    cache = TeacherCache(folder, "abc")
    written = {"a": output(), "b": output(2)}
    cache.write(written)
    (path,) = shards(cache)
    data = bytearray(path.read_bytes())
    place = int(where * len(data))
    if cut:
        del data[place:]
    else:
        data[place] ^= 1 << bit
    path.write_bytes(data)
    for key, expected in written.items():
        # Without asking what is missing first: reading itself must find the damage.
        try:
            found = TeacherCache(folder, "abc").read([key], taps=("conv", "frame"))
        except EntryError:
            continue
        for name in ("logits", "conv", "frame"):
            assert torch.equal(found.read(name).values, expected.read(name).values.half().float())


@pytest.mark.parametrize("change", ["empty", "garbage", "foreign"])
def test_files_that_are_no_shards_of_ours_are_set_aside(tmp_path, caplog, change: str):
    cache = TeacherCache(tmp_path, "abc")
    cache.write({"a": output()})
    stranger = cache.folder / "shard-0.safetensors"
    if change == "foreign":
        other = TeacherCache(tmp_path, "xyz")
        other.write({"b": output()})
        stranger.write_bytes(shards(other)[0].read_bytes())
    else:
        stranger.write_bytes(b"" if change == "empty" else b"x" * 100)
    with caplog.at_level(logging.WARNING):
        assert TeacherCache(tmp_path, "abc").missing(["a", "b"]) == ["b"]
    assert "shard-0.safetensors" in caplog.text
    assert not stranger.exists()
    assert stranger.with_name("shard-0.safetensors.damaged").exists()


# Several processes ---------------------------------------------------------------------------------------------------


def test_two_writers_see_each_other(tmp_path):
    one, two = TeacherCache(tmp_path, "abc"), TeacherCache(tmp_path, "abc")
    one.write({"a": output()})
    two.write({"b": output()})
    assert one.missing(["a", "b"]) == []
    assert two.read(["a", "b"]).logits.values.shape[0] == 2


WRITER = """
import sys, torch
from kd import TeacherCache
from slr.types import NetOutput, Padded
cache = TeacherCache(sys.argv[1], "abc")
index = 0
while True:
    outputs = {}
    for clip in range(8):
        logits = Padded(torch.full((1, 200, 200), 1.0 + clip), torch.tensor([200]))
        outputs[f"{sys.argv[2]}-{index}-{clip}"] = NetOutput(logits)
    cache.write(outputs)
    print(index, flush=True)
    index += 1
"""


@pytest.mark.slow
def test_writers_killed_at_any_moment_leave_whole_shards_or_nothing(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name], stdout=subprocess.PIPE, env=environment, text=True
        )
        for name in ("one", "two")
    ]
    finished = {}
    for writer, name in zip(writers, ("one", "two"), strict=True):
        for _ in range(3):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        finished[name] = 3 + len(writer.stdout.read().split())
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()
    cache = TeacherCache(tmp_path, "abc")
    assert not list(cache.folder.glob("*.damaged"))
    promised = [
        f"{name}-{index}-{clip}" for name, count in finished.items() for index in range(count) for clip in range(8)
    ]
    assert cache.missing(promised) == []
    assert len(cache) % 8 == 0
    assert (cache.read(promised[:8]).logits.values.mean(dim=(1, 2)) == torch.arange(1.0, 9.0)).all()


# Filling -------------------------------------------------------------------------------------------------------------


class Teacher:
    """Counts what it is shown; the logits of a clip are its length."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, ...]] = []

    def __call__(self, batch: Batch) -> NetOutput:
        self.shown.append(batch.ids)
        values = batch.frames.lengths[:, None, None].expand(-1, batch.frames.values.shape[1], 2).float()
        return NetOutput(Padded(values, batch.frames.lengths), {"conv": Padded(-values, batch.frames.lengths)})


CLIPS = [CachedClip(f"clip-{length:02d}", "x", length) for length in (4, 9, 2, 7, 5, 8, 3)]


def load(batches: list[list[str]]) -> list[Batch]:
    out = []
    for ids in batches:
        frames = Padded.from_list([torch.arange(int(clip[5:])) for clip in ids])
        out.append(Batch(tuple(ids), frames, frames))
    return out


def test_filling_computes_the_longest_clips_first_and_reports_progress(tmp_path):
    cache, teacher, seen = TeacherCache(tmp_path, "abc"), Teacher(), []
    done = fill(
        cache, teacher, CLIPS, load, taps=("conv",), batch_size=3, clips_per_shard=4, progress=lambda *x: seen.append(x)
    )
    assert done == 7
    assert teacher.shown == [("clip-09", "clip-08", "clip-07"), ("clip-05", "clip-04", "clip-03"), ("clip-02",)]
    assert seen == [(3, 7), (6, 7), (7, 7)]
    assert len(shards(cache)) == 2
    found = cache.read([clip_key("clip-05", "x"), clip_key("clip-02", "x")], taps=("conv",))
    assert found.logits.lengths.tolist() == [5, 2]
    assert found.taps["conv"].values[0].flatten().tolist() == [-5.0] * 10


def test_filling_again_computes_nothing(tmp_path):
    fill(TeacherCache(tmp_path, "abc"), Teacher(), CLIPS, load)
    teacher = Teacher()
    assert fill(TeacherCache(tmp_path, "abc"), teacher, CLIPS, load) == 0
    assert teacher.shown == []


def test_filling_goes_on_where_it_was_interrupted(tmp_path):
    def dies(batches: list[list[str]]):
        yield from load(batches[:2])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(TeacherCache(tmp_path, "abc"), Teacher(), CLIPS, dies, batch_size=2, clips_per_shard=2)
    teacher = Teacher()
    assert fill(TeacherCache(tmp_path, "abc"), teacher, CLIPS, load, batch_size=2) == 3
    assert teacher.shown == [("clip-04", "clip-03"), ("clip-02",)]


def test_a_change_of_one_file_computes_one_clip(tmp_path):
    fill(TeacherCache(tmp_path, "abc"), Teacher(), CLIPS, load)
    teacher = Teacher()
    changed = [CachedClip("clip-07", "y", 7) if clip.id == "clip-07" else clip for clip in CLIPS]
    assert fill(TeacherCache(tmp_path, "abc"), teacher, changed, load) == 1
    assert teacher.shown == [("clip-07",)]


def test_another_view_is_computed_beside_the_first(tmp_path):
    cache = TeacherCache(tmp_path, "abc")
    assert fill(cache, Teacher(), CLIPS, load) == 7
    assert fill(cache, Teacher(), CLIPS, load, view="flipped") == 7
    assert len(cache) == 14


def test_a_loader_that_leaves_clips_out_is_found(tmp_path):
    with pytest.raises(ValueError, match="1 clips were asked for but never loaded, 'clip-02' among them"):
        fill(TeacherCache(tmp_path, "abc"), Teacher(), CLIPS, lambda batches: load(batches)[:-1], batch_size=6)


def test_the_clip_whose_output_cannot_be_stored_is_named(tmp_path):
    def huge(batch: Batch) -> NetOutput:
        given = Teacher()(batch)
        return NetOutput(given.logits.map(lambda values: torch.where(values == 5, 1e6, values)))

    with pytest.raises(ValueError, match=r"clip 'clip-05': logits of entry .* reaches 1e\+06"):
        fill(TeacherCache(tmp_path, "abc"), huge, CLIPS, load)


def test_two_clips_of_one_id_are_refused(tmp_path):
    with pytest.raises(ValueError, match="8 clips share 7 ids"):
        fill(TeacherCache(tmp_path, "abc"), Teacher(), [*CLIPS, CLIPS[0]], load)


def _flip(path: Path, beginning: bytes) -> None:
    """Flip one bit of the tensor that begins with these bytes."""
    data = bytearray(path.read_bytes())
    place = data.index(beginning)
    data[place + 5] ^= 0b100
    path.write_bytes(data)
