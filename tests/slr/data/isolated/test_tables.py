from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from slr.data.isolated import IsolatedStore, LabelTable, StoreSpec, TableFolder, read_classes, write_store
from slr.data.isolated.readers.clip_files import read_clip
from slr.skeleton import skeleton_layout

from .made_up import LAYOUT

XYS = ("x", "y", "score")


def table(folder: Path, text: str, name: str = "clips.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def spec(table: LabelTable, **changes: object) -> StoreSpec:
    fields = {"layout": LAYOUT, "channels": XYS, "units": "pixels", **changes}
    return StoreSpec(name="mine", classes=table.classes, **fields)


def test_clips_of_ones_own_in_a_few_lines(tmp_path: Path) -> None:
    chances = np.random.default_rng(0)
    clips = {name: chances.uniform(0.1, 1, (frames, 5, 3)) for name, frames in (("a", 3), ("b", 4), ("sub/c", 2))}
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "a.npy", clips["a"])
    np.savez(tmp_path / "b.npz", clips["b"][:, None])
    np.savez(tmp_path / "sub" / "c.npz", keypoints=clips["sub/c"].astype(np.float16), other=np.zeros(2))
    told = LabelTable.read(
        table(tmp_path, "clip,label,signer,split\na,ja,s1,train\nb,nein,s2,test\nsub/c.npz,ja,s1,val\n")
    )
    store = IsolatedStore(write_store(tmp_path / "store", TableFolder(told, tmp_path, spec(told))))
    assert store.spec.classes == ("ja", "nein")
    assert store.splits == {"official": {"train": 1, "dev": 1, "test": 1}}
    assert [store.row(index).signer for index in range(3)] == ["s1", "s2", "s1"]
    for index, clip in enumerate(clips.values()):
        np.testing.assert_allclose(store.read(index)[:, 0], clip, rtol=1e-3)


def test_a_csv_per_clip_has_a_column_per_channel(tmp_path: Path) -> None:
    head = [f"{joint}_{channel}" for joint in reversed(LAYOUT.joints) for channel in XYS]
    rows = [[f"{10 * t + n}" for n in range(15)] for t in range(2)]
    rows[1][3:6] = ["", "", ""]
    (tmp_path / "a.csv").write_text(
        "\n".join(",".join(row) for row in [["time", *head], ["0", *rows[0]], ["1", *rows[1]]])
    )
    clip = read_clip(tmp_path / "a.csv", LAYOUT, XYS)
    assert clip.shape == (2, 1, 5, 3)
    assert clip[0, 0, 0].tolist() == [12, 13, 14]  # the head stands last
    assert clip[1, 0, 3].tolist() == [0, 0, 0]  # the empty cells
    (tmp_path / "a.csv").write_text("head_x,head_y\n1,2\n")
    with pytest.raises(ValueError, match="lacks 13 columns that made-up asks for, 'head_score' among them"):
        read_clip(tmp_path / "a.csv", LAYOUT, XYS)
    (tmp_path / "a.csv").write_text(",".join(head) + "\n" + ",".join(["x"] * 15))
    with pytest.raises(ValueError, match="no number"):
        read_clip(tmp_path / "a.csv", LAYOUT, XYS)


def landmarks(frames: int = 3) -> np.ndarray:
    rows = np.random.default_rng(1).uniform(0, 1, (frames, 543, 3))
    rows[1, 468:489] = np.nan  # no left hand in the second frame
    return rows


def as_parquet(path: Path, rows: np.ndarray, drop: slice | None = None) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    kinds = [("face", 468), ("left_hand", 21), ("pose", 33), ("right_hand", 21)]
    index = [(kind, number) for kind, count in kinds for number in range(count)]
    flat = [
        {"frame": 20 + t, "row_id": f"{t}", "type": kind, "landmark_index": number, "x": x, "y": y, "z": z}
        for t, frame in enumerate(rows.tolist())
        for (kind, number), (x, y, z) in zip(index, frame, strict=True)
    ]
    flat = [row for n, row in enumerate(flat) if drop is None or n not in range(*drop.indices(len(flat)))]
    flat = [{k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()} for row in flat]
    parquet.write_table(pyarrow.Table.from_pylist(flat[::-1]), path)  # in any order
    return path


@pytest.mark.parametrize("layout", ["sign-27", "mediapipe-holistic-543"])
def test_landmark_tables_stay_in_step_where_a_hand_is_missing(tmp_path: Path, layout: str) -> None:
    rows, wanted = landmarks(), skeleton_layout(layout)
    np.savez(tmp_path / "b.npz", rows)
    as_parquet(tmp_path / "a.parquet", rows)
    picked = wanted.selection_from(skeleton_layout("mediapipe-holistic-543")).numpy()
    expected = np.nan_to_num(rows[:, picked])
    for name in ("a.parquet", "b.npz"):
        clip = read_clip(tmp_path / name, wanted, ("x", "y", "z"))
        np.testing.assert_allclose(clip[:, 0], expected)
        assert not clip[1, 0, wanted.index("left_hand_root")].any()
        assert clip[1, 0, wanted.index("right_hand_root")].any()
        scored = read_clip(tmp_path / name, wanted, XYS)
        np.testing.assert_allclose(scored[:, 0, :, 2], expected.any(axis=-1))


def test_rows_that_are_not_there_are_missing_too(tmp_path: Path) -> None:
    rows = landmarks()
    path = as_parquet(tmp_path / "a.parquet", rows, drop=slice(543 + 468, 543 + 489))
    clip = read_clip(path, skeleton_layout("sign-27"), ("x", "y", "z"))
    np.testing.assert_allclose(
        clip, read_clip(as_parquet(tmp_path / "b.parquet", rows), skeleton_layout("sign-27"), ("x", "y", "z"))
    )


def test_a_table_of_landmarks_that_is_none_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist([{"frame": 1, "x": 0.1}]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="is no table of landmarks"):
        read_clip(tmp_path / "a.parquet", skeleton_layout("sign-27"), ("x", "y"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(ValueError, match="is no table of landmarks"):
        read_clip(tmp_path / "a.parquet", skeleton_layout("sign-27"), ("x", "y"))
    row = {"frame": 0, "type": "left_hand", "landmark_index": 21, "x": 0.1, "y": 0.1, "z": 0.0}
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    with pytest.raises(
        ValueError, match="a landmark 21 of 'left_hand': MediaPipe Holistic has 468 of face, 21 of left_hand"
    ):
        read_clip(tmp_path / "a.parquet", skeleton_layout("sign-27"), ("x", "y"))


def test_pose_files_are_read_by_the_names_of_their_points(tmp_path: Path) -> None:
    pytest.importorskip("pose_format")
    from tests.slr.data.test_pose_files import HOLISTIC, numbered, write_pose

    layout = skeleton_layout("sign-27")
    write_pose(tmp_path / "a.pose", HOLISTIC, *numbered(HOLISTIC, 3))
    clip = read_clip(tmp_path / "a.pose", layout, XYS)
    assert clip.shape == (3, 1, 27, 3)
    assert clip[2, 0, layout.index("left_shoulder")].tolist() == [11, 2, 0.5]
    with pytest.raises(ValueError, match="gives x, y and score"):
        read_clip(tmp_path / "a.pose", layout, ("x", "y", "z"))


def test_published_label_files_are_understood(tmp_path: Path) -> None:
    google = table(
        tmp_path, "path,participant_id,sequence_id,sign\nt/1/2.parquet,1,2,blow\nt/1/3.parquet,2,3,wait\n", "train.csv"
    )
    told = LabelTable.read(google, classes=("blow", "cloud", "wait"))
    assert [(row.clip, row.label, row.signer) for row in told.rows] == [
        ("t/1/2.parquet", "blow", "1"),
        ("t/1/3.parquet", "wait", "2"),
    ]
    assert told.clip_row(told.rows[1]).label == 2
    slovo = table(
        tmp_path,
        "attachment_id\ttext\tuser_id\theight\ttrain\nid1\tПривет\tu1\t1920\tTrue\nid2\tПривет\tu2\t1920\tFalse\n",
        "annotations.csv",
    )
    told = LabelTable.read(slovo)
    assert told.classes == ("Привет",)
    assert told.splits() == {"official": {"train": ["id1"], "test": ["id2"]}}
    other = table(tmp_path, "video;word\na;x\nb;y\n", "other.csv")
    assert LabelTable.read(other, {"clip": "video", "label": "word"}).classes == ("x", "y")


def test_without_a_split_a_fifth_is_the_test_of_whole_signers_where_known(tmp_path: Path) -> None:
    lines = [f"c{n},{'ab'[n % 2]},s{n // 4}" for n in range(40)]
    told = LabelTable.read(table(tmp_path, "clip,label,signer\n" + "\n".join(lines)))
    parts = told.splits()["made"]
    assert len(parts["test"]) == 8
    signer_of = {row.clip: row.signer for row in told.rows}
    assert not {signer_of[clip] for clip in parts["test"]} & {signer_of[clip] for clip in parts["train"]}
    unknown = LabelTable.read(table(tmp_path, "clip,label\n" + "\n".join(line.rpartition(",")[0] for line in lines)))
    label_of = {row.clip: row.label for row in unknown.rows}
    assert sorted(label_of[clip] for clip in unknown.splits()["made"]["test"]) == ["a"] * 4 + ["b"] * 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "none of them is the clip: call one of them clip or id or path"),
        ("clip,word\na,b\n", "none of them is the label: call one of them label or sign or gloss"),
        ("clip,label\n", "lists no clip"),
        ("clip,label\na,x\na,y\n", "lists 'a' twice"),
        ("clip,label\n,x\n", "line 2 of .* names no clip"),
        ("clip,label\na\n", "line 2 of .* names no label"),
        ("clip,label,split\na,x,maybe\n", "is in part 'maybe': say train, dev or test"),
    ],
)
def test_faulty_tables_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(ValueError, match=says):
        LabelTable.read(path).splits()


def test_unknown_columns_labels_and_files_are_named(tmp_path: Path) -> None:
    path = table(tmp_path, "clip,label\na,x\nb,y\n")
    with pytest.raises(ValueError, match="'word' is none of what is asked"):
        LabelTable.read(path, {"label": "word"})
    with pytest.raises(ValueError, match="'labels' is none of what is asked"):
        LabelTable.read(path, {"labels": "label"})
    with pytest.raises(ValueError, match="has the label 'y', which is none of the 1 classes"):
        LabelTable.read(path, classes=["x"])
    with pytest.raises(ValueError, match="cannot be read"):
        LabelTable.read(tmp_path / "none.csv")
    told = LabelTable.read(path)
    with pytest.raises(ValueError, match="there is no folder"):
        TableFolder(told, tmp_path / "none", spec(told))
    with pytest.raises(ValueError, match=r"names 2 clips that .* has no file of, 'a' among them"):
        TableFolder(told, tmp_path, spec(told), complete=False)
    np.save(tmp_path / "a.npy", np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match=r"names 1 clips .* --incomplete leaves these out"):
        TableFolder(told, tmp_path, spec(told))
    assert [row.id for row, _ in TableFolder(told, tmp_path, spec(told), complete=False)] == ["a"]
    np.savez(tmp_path / "a.npz", np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match=r"holds clip 'a' twice, as a.npy and a.npz"):
        TableFolder(told, tmp_path, spec(told), complete=False)
    outside = LabelTable.read(table(tmp_path, "clip,label\n../a,x\n"))
    with pytest.raises(ValueError, match="is no file below"):
        TableFolder(outside, tmp_path, spec(outside))


def test_bodies_are_filled_up_and_too_many_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 2, 5, 3)))
    told = LabelTable.read(table(tmp_path, "clip,label\na,x\n"))
    (_, clip), *_ = TableFolder(told, tmp_path, spec(told, persons=3))
    assert clip.shape == (2, 3, 5, 3)
    assert not clip[:, 2].any()
    with pytest.raises(ValueError, match="shows 2 bodies, and the corpus has 1"):
        list(TableFolder(told, tmp_path, spec(told)))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.npy", np.ones((2, 4, 3)), r"shape \[2, 1, 4, 3\], and made-up with x, y, score wants \[frames, 5, 3\]"),
        ("a.npy", np.ones((0, 5, 3)), "has keypoints of shape"),
        ("a.npy", np.asarray([["x"]]), "not numbers"),
        ("a.npy", np.asarray([{}], dtype=object), "no pickle"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, name: str, content: np.ndarray, says: str) -> None:
    np.save(tmp_path / name, content)
    with pytest.raises(ValueError, match=says):
        read_clip(tmp_path / name, LAYOUT, XYS)


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.ones(1), two=np.ones(1))
    with pytest.raises(ValueError, match="it holds one, two, call one of them keypoints"):
        read_clip(tmp_path / "a.npz", LAYOUT, XYS)
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(ValueError, match="cannot be read"):
        read_clip(tmp_path / "b.npz", LAYOUT, XYS)
    (tmp_path / "c.mat").write_text("x")
    with pytest.raises(ValueError, match=r"of no kind that is read: \.npy, \.npz"):
        read_clip(tmp_path / "c.mat", LAYOUT, XYS)
    with pytest.raises(ValueError, match="does not exist"):
        read_clip(tmp_path / "d.npy", LAYOUT, XYS)


@pytest.mark.parametrize(
    ("name", "content", "classes"),
    [
        ("c.txt", "book\ndrink water\n\n", ("book", "drink water")),
        ("c.txt", "0\tbook\n1\tdrink water\n", ("book", "drink water")),
        ("c.txt", "000001\t前途\n000000\t情况\n", ("情况", "前途")),
        ("c.json", json.dumps(["a", "b"]), ("a", "b")),
        ("c.json", json.dumps({"b": 1, "a": 0}), ("a", "b")),
        ("c.json", json.dumps({"1": "b", "0": "a"}), ("a", "b")),
    ],
)
def test_lists_of_classes_in_all_their_forms(tmp_path: Path, name: str, content: str, classes: tuple[str, ...]) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_classes(tmp_path / name) == classes


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.txt", "", "should name the classes"),
        ("c.txt", "1 a\n2 b\n", "should name the classes 0 to 1, each once"),
        ("c.json", "{", "is no JSON"),
        ("c.json", "3", "a list of names, or a mapping"),
        ("c.json", '{"a": "b"}', "a list of names, or a mapping"),
        ("c.json", '{"a": 0, "b": 0}', "each once"),
    ],
)
def test_lists_that_are_none_are_refused(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=says):
        read_classes(tmp_path / name)
    with pytest.raises(ValueError, match="cannot be read"):
        read_classes(tmp_path / "none")


@pytest.mark.shared
def test_the_real_lists_of_classes(shared_data: Path) -> None:
    assert len(read_classes(shared_data / "wlasl-annotations" / "wlasl_class_list.txt")) == 2000
    assert len(read_classes(shared_data / "slr500" / "dictionary.txt")) == 500
    assert len(read_classes(shared_data / "slovo-sample" / "classes.json")) == 1001
