"""Every configuration about isolated clips loads, fits and trains a step on a made-up store of its corpus' shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from slr.data.isolated import WLASL50, Chance, SkeletonClip, StoreSpec, Transform, write_store
from slr.data.isolated.dataset import run_pipeline
from slr.skeleton import SkeletonLayout, skeleton_layout
from tests.slr.data.isolated.test_wlasl50 import written
from tests.workbench.running import here, read_json
from tests.workbench.test_configs import CONFIGS, FILES, name_of
from workbench.components import build
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.schema import IsolatedData, IsolatedEvaluate
from workbench.progress import NoProgress
from workbench.schema import Run
from workbench.settings import about_isolated_clips, data_file, load_isolated

from .stores import SPECS, store_like

DATA = [path for path in FILES if path.parent.name == "data" and isinstance(data_file(path, []), IsolatedData)]
RUNS = [path for path in FILES if path.parent.name != "data" and about_isolated_clips(path)]
OF_FRAMES = [path for path in RUNS if load_isolated(path).data.frames is not None]
NETWORKS = (
    "light_dke_gcn",
    "ctr_gcn",
    "dg_stgcn",
    "dsta_slr",
    "ms_g3d",
    "landmark_transformer",
    "ctr_gcn_to_light_dke_gcn",
    "dke_gcn_chain",
)


def test_every_corpus_has_a_made_up_store() -> None:
    assert {path.stem for path in DATA} == set(SPECS)
    assert {path.stem for path in RUNS} >= {
        f"{corpus}_{network}" for corpus in ("nw_ucla", "wlasl50") for network in NETWORKS
    }


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("stream", ["joint", "bone", "joint-motion", "bone-motion"])
def test_every_stream_of_every_corpus_goes_through_its_pipeline(name: str, stream: str, tmp_path: Path) -> None:
    spec: StoreSpec = SPECS[name]
    root = store_like(spec, tmp_path, data_file(CONFIGS / "data" / f"{name}.yaml", []))
    data = data_file(CONFIGS / "data" / f"{name}.yaml", [f"root={root}", f"stream={stream}"])
    assert isinstance(data, IsolatedData)
    place = IsolatedPlace.open(Run(name="r", device="cpu"), data, IsolatedEvaluate(), NoProgress())
    test = place.dataset("test")
    assert test[0].pose.shape[1:] == (place.corpus.persons, len(place.corpus.layout), len(place.corpus.channels))
    assert bool(test[0].pose.any())


@pytest.mark.parametrize("path", [path for path in RUNS if path not in OF_FRAMES], ids=name_of)
def test_a_run_is_called_like_its_file_and_passes_the_check(path: Path, tmp_path: Path) -> None:
    config = load_isolated(path)
    assert config.run.name == path.stem
    root = store_like(SPECS[Path(config.data.root).name.replace("-", "_")], tmp_path, config.data)
    done = here("check", path, f"data.root={root}", "run.threads=1")
    assert done.code == 0, done.err
    assert "clips go through" in done.out


@pytest.mark.parametrize("path", OF_FRAMES, ids=name_of)
def test_a_run_with_frames_distils_across_modalities(path: Path, tmp_path: Path) -> None:
    assert load_isolated(path).run.name == path.stem
    source = written(tmp_path / "made_up.npz", clips=10)
    root = write_store(tmp_path / "store", WLASL50(source))
    words = [f"data.root={root}", f"data.frames.source={source}", "run.threads=1", "data.corpus.held_out=0"]
    words += ["teacher.stages.classes.epochs=1", "student.stages.classes.epochs=1"]
    words += ["teacher.network.width=16", "teacher.network.hidden=8", "teacher.network.channels=[4,8]"]
    words += ["student.network.channels=[4,8]", "student.network.strides=[1,2]"]
    done = here("distill", path, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    result = read_json(done.folder / "result.json")
    assert result["teacher"]["name"] == "CNN2DCNN1D"
    assert result["student"]["train"]["clips"] == 8


def test_the_nw_ucla_run_trains(tmp_path: Path) -> None:
    path = CONFIGS / "isolated" / "nw_ucla_light_dke_gcn.yaml"
    root = store_like(SPECS["nw_ucla"], tmp_path, data_file(CONFIGS / "data" / "nw_ucla.yaml", []))
    words = [
        f"data.root={root}",
        "stages.classes.epochs=1",
        "run.threads=1",
        "network.channels=[4,8]",
        "network.strides=[1,2]",
    ]
    done = here("train", path, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    assert read_json(done.folder / "result.json")["network"]["clip_shape"] == [52, 1, 20, 3]


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("stream", ["joint", "bone", "joint-motion", "bone-motion"])
@pytest.mark.parametrize("frames", [1, 2, 400])
@pytest.mark.parametrize("shown", ["something", "nothing", "a little"])
def test_odd_clips_go_through_every_pipeline(name: str, stream: str, frames: int, shown: str) -> None:
    """One frame, many, nobody at all, a single joint in a single frame: finite, and as long as any other clip."""
    data = data_file(CONFIGS / "data" / f"{name}.yaml", [f"stream={stream}"])
    assert isinstance(data, IsolatedData)
    spec = SPECS[name]
    layout, channels = odd_layout(data, spec)
    values = torch.rand(frames, spec.persons, len(layout), len(channels), generator=torch.Generator().manual_seed(1))
    if shown != "something":
        only = torch.zeros_like(values)
        only[-1, 0, -1] = values[-1, 0, -1] * (shown == "a little")
        values = only
    pipeline = [build(node, stream=stream) for node in data.pipeline]
    clip = SkeletonClip.of(values, layout, channels, spec.frame_size)
    for chance in (Chance(), Chance.training(torch.Generator().manual_seed(0)), Chance(view=torch.Generator())):
        made = run_pipeline(pipeline, clip, chance, "odd")
        assert made.values.shape[1:] == values.shape[1:]
        assert 1 <= len(made) <= max_steps(pipeline, frames)
        assert made.values.isfinite().all()
        assert made.frames.min() >= 0
        assert made.frames.max() <= frames - 1


def test_pixels_of_ones_own_clips_are_not_stretched() -> None:
    """As far right of the shoulders as below them in pixels is as far in what a network reads."""
    data = data_file(CONFIGS / "data" / "own_clips.yaml", [])
    assert isinstance(data, IsolatedData)
    layout = skeleton_layout("sign-27")
    assert layout.reference is not None
    left, right = layout.reference
    values = torch.zeros(4, 1, len(layout), 3)
    values[..., 2] = 1
    values[:, 0, left, :2], values[:, 0, right, :2] = torch.tensor([110.0, 200.0]), torch.tensor([90.0, 200.0])
    others = [joint for joint in range(len(layout)) if joint not in layout.reference]
    values[:, 0, others[0], :2], values[:, 0, others[1], :2] = (
        torch.tensor([140.0, 200.0]),
        torch.tensor([100.0, 240.0]),
    )
    clip = SkeletonClip.of(values, layout, ("x", "y", "score"), None)
    made = run_pipeline([build(node, stream="joint") for node in data.pipeline], clip, Chance(), "clip").values
    assert made[0, 0, others[0], :2].tolist() == pytest.approx([2, 0])
    assert made[0, 0, others[1], :2].tolist() == pytest.approx([0, 2])


@pytest.mark.parametrize("dev", [False, True])
def test_ones_own_clips_pass_the_check_as_the_page_about_data_says(tmp_path: Path, dev: bool) -> None:
    parts = ["train"] * 8 + ["dev" if dev else "train"] * 2 + ["test"] * 2
    for number in range(len(parts)):
        np.save(tmp_path / f"c{number}.npy", np.random.default_rng(number).uniform(1, 400, (9, 27, 3)).clip(0, 400))
    rows = "".join(f"c{number},{'ja' if number % 2 else 'nein'},{part}\n" for number, part in enumerate(parts))
    (tmp_path / "clips.csv").write_text(f"clip,label,split\n{rows}", encoding="utf-8")
    stored = here("prepare", "table", tmp_path / "clips.csv", "--layout", "sign-27", "--out", tmp_path / "own_clips")
    assert stored.code == 0, stored.err
    words = [f"data.root={stored.folder}", "data.corpus.split=official", *(["data.corpus.held_out=0"] if dev else [])]
    run = CONFIGS / "isolated" / "wlasl50_light_dke_gcn.yaml"
    done = here("check", run, "data=own_clips", *words)
    assert done.code == 0, done.err


def odd_layout(data: IsolatedData, spec: StoreSpec) -> tuple[SkeletonLayout, tuple[str, ...]]:
    """What the corpus of a data section would deliver."""
    layout = skeleton_layout(data.corpus.get("layout", spec.skeleton))
    return layout, tuple(data.corpus.get("channels", spec.channels))


def max_steps(pipeline: Sequence[Transform], frames: int) -> int:
    for transform in pipeline:
        frames = transform.steps(frames)
    return frames
