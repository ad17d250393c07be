from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.data.isolated import NTU, IsolatedStore, StoredCorpus, write_store
from slr.data.isolated.readers.ntu import VARIANTS, NTUName, ntu_splits
from slr.data.isolated.readers.ntu_bodies import two_persons
from slr.data.isolated.readers.ntu_classes import ACTIONS
from slr.data.isolated.readers.ntu_file import parse_skeleton
from tests.reference import ntu_scripts

from .kinect import Figure, plain_text, skeleton_text

CALM, LIVELY = 0.03, 0.2


def made(text: str, **options: str) -> np.ndarray:
    return two_persons(parse_skeleton(text, "it"), **options)


def agrees(text: str, returning: str = "keep", second: str = "zeros") -> np.ndarray:
    """What we make of a file, after it was compared with the slow steps."""
    found = made(text, returning=returning, second=second)
    slow = np.asarray(ntu_scripts.two_persons(text, returning=returning, second=second))
    np.testing.assert_allclose(found, slow, atol=1e-12)
    return found


def test_a_file_is_read_body_by_body() -> None:
    figures = [Figure([0, 1, 4]), Figure([1, 2], id="abc")]
    clip = parse_skeleton(skeleton_text(6, figures), "it")
    assert clip.frames == 4  # frames 3 and 5 show nobody
    assert [body.id for body in clip.bodies] == ["72057594037931101", "abc"]
    assert clip.bodies[0].frames.tolist() == [0, 1, 3]
    assert clip.bodies[1].frames.tolist() == [1, 2]
    np.testing.assert_allclose(clip.bodies[1].joints[1], figures[1].joints(2, seed=1), atol=1e-6)


def test_ids_that_differ_beyond_the_precision_of_numbers_are_different_bodies() -> None:
    one, other = "72057594037931101", "72057594037931102"
    assert float(one) == float(other)
    clip = parse_skeleton(skeleton_text(2, [Figure([0, 1], id=one), Figure([0, 1], id=other)]), "it")
    assert len(clip.bodies) == 2


def test_one_person_is_centred_and_alone() -> None:
    found = agrees(plain_text(20))
    assert found.shape == (20, 2, 25, 3)
    assert not found[:, 1].any()
    assert found[0, 0, 1].tolist() == [0, 0, 0]


def test_a_missing_second_person_is_zeros_or_a_copy() -> None:
    assert not agrees(plain_text(15), second="zeros")[:, 1].any()
    copied = agrees(plain_text(15), second="copy")
    np.testing.assert_array_equal(copied[:, 1], copied[:, 0])
    both = agrees(plain_text(15, persons=2), second="copy")
    assert not np.allclose(both[:, 1], both[:, 0])


def test_who_moves_most_comes_first() -> None:
    found = agrees(skeleton_text(30, [Figure(range(30), CALM, at=(1, 0, 3)), Figure(range(30), LIVELY)]))
    assert np.abs(found[0, 1, 1] - found[0, 0, 1])[0] == pytest.approx(1, abs=0.2)
    assert found[:, 0].var() > 0


def test_short_and_wide_bodies_are_dropped() -> None:
    man = Figure(range(30), CALM)
    flicker = Figure(range(5, 16), LIVELY)  # eleven frames
    chair = Figure(range(30), LIVELY, width=4.0)
    alone = agrees(skeleton_text(30, [man, flicker, chair]))
    np.testing.assert_allclose(alone, agrees(skeleton_text(30, [man])), atol=1e-9)
    twelve = agrees(skeleton_text(30, [man, Figure(range(5, 17), LIVELY)]))
    assert twelve[:, 1].any()
    at_times_wide = Figure(range(30), LIVELY, wide_frames=range(15))
    assert agrees(skeleton_text(30, [man, at_times_wide]))[:, 1].any()


def test_the_last_body_stays_however_short_or_wide() -> None:
    assert agrees(skeleton_text(5, [Figure(range(5)), Figure([1, 2])])).shape[0] == 5
    assert agrees(skeleton_text(30, [Figure(range(30), width=4.0), Figure(range(5))])).shape[0] == 30
    assert agrees(skeleton_text(20, [Figure(range(20), width=4.0), Figure(range(20), width=5.0)])).any()


def test_bodies_go_on_with_whom_they_do_not_overlap() -> None:
    first, later = Figure(range(20), LIVELY), Figure(range(25, 40), 0.15)
    beside = Figure(range(10, 35), CALM)
    found = agrees(skeleton_text(40, [first, later, beside]))
    assert found[:20, 0].any(axis=(1, 2)).all()
    assert not found[20:25, 0].any()
    assert found[25:, 0].any(axis=(1, 2)).all()
    assert found[10:35, 1].any(axis=(1, 2)).all()
    crowd = [*[Figure(range(20), LIVELY - 0.03 * n, at=(n, 0, 3)) for n in range(4)]]
    assert agrees(skeleton_text(20, crowd)).shape == (20, 2, 25, 3)  # two of four are left out


@pytest.mark.parametrize("returning", ["keep", "slide"])
def test_a_body_that_vanishes_and_returns(returning: str) -> None:
    gone = [*range(12), *range(25, 40)]
    text = skeleton_text(40, [Figure(gone, LIVELY), Figure(range(40), CALM, at=(1, 0, 3))])
    found = agrees(text, returning)
    seen = found[:, 0].any(axis=(1, 2))
    wanted = np.isin(np.arange(40), gone) if returning == "keep" else np.arange(40) < len(gone)
    assert seen.tolist() == wanted.tolist()


def test_frames_without_anybody_left_are_taken_out() -> None:
    text = skeleton_text(30, [Figure([*range(12), *range(20, 30)], LIVELY), Figure(range(12, 18), CALM)])
    assert len(agrees(text)) == 22


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_crowd_agrees_with_the_slow_steps(data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, 30))
    figures = [
        Figure(
            sorted(data.draw(st.sets(st.integers(0, frames - 1), min_size=1))),
            sway=data.draw(st.sampled_from([0.01, 0.1, 0.3])),
            width=data.draw(st.sampled_from([1.0, 1.0, 4.0])),
            at=(float(n), 0.2, 3.0),
        )
        for n in range(data.draw(st.integers(1, 4)))
    ]
    agrees(
        skeleton_text(frames, figures),
        data.draw(st.sampled_from(["keep", "slide"])),
        data.draw(st.sampled_from(["zeros", "copy"])),
    )


GOOD = plain_text(2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it ends before the number of frames: it is empty or cut short"),
        ("x\n", "has 'x' where the number of frames should stand"),
        ("-1\n", "has '-1' where the number of frames"),
        ("1.5\n", "has '1.5' where"),
        ("1\n", "ends before the number of bodies in frame 0"),
        (GOOD[: len(GOOD) // 2], "ends before the joints of body .* in frame 0|in frame 1"),
        (GOOD + "1\n", "goes on for 1 values after its last frame"),
        (GOOD.replace("\n25\n", "\n24\n", 1), "24 joints in frame 0: it should be 25"),
        (GOOD.replace("250.1 200.2", "250.1", 1), "it is damaged|no number|ends before"),
        ("1\n2\n" + "\n".join(GOOD.splitlines()[2:29]) + "\n" + "\n".join(GOOD.splitlines()[2:29]), "twice in frame 0"),
    ],
)
def test_malformed_files_are_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_skeleton(text, "it")


def test_a_joint_that_is_no_number_is_named() -> None:
    words = GOOD.split()
    words[13] = "left"  # after the counts, the body's ten values and its 25
    with pytest.raises(ValueError, match=r"it, body 72057594037931101 in frame 0, has a joint that is no number"):
        parse_skeleton(" ".join(words), "it")


@given(st.text(alphabet="0123456789 .-ne\n", max_size=80) | st.integers(0, len(GOOD)).map(lambda cut: GOOD[:cut]))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        clip = parse_skeleton(text, "it")
    except ValueError as error:
        assert str(error).startswith("it")  # noqa: PT017 - some texts are files
    else:
        assert clip.frames >= 0


NAMES = [f"S{s:03d}C{c:03d}P{p:03d}R001A{a:03d}" for s, c, p, a in
         [(1, 1, 1, 1), (1, 2, 3, 60), (2, 3, 8, 5), (17, 1, 10, 60), (18, 2, 45, 61), (20, 1, 46, 120)]]  # fmt: skip


def written(folder: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = folder / f"part{number % 2}" / f"{name}.skeleton"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(plain_text(3 + number, persons=1 + number % 2, seed=number))
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_folders_become_stores(tmp_path: Path, workers: int) -> None:
    source = NTU(written(tmp_path / "raw"), "120", complete=False, workers=workers)
    store = IsolatedStore(write_store(tmp_path / "store", source))
    assert len(store) == len(source) == 6
    row = store.row(store.ids.tolist().index(NAMES[4]))
    assert (row.label, row.signer, row.camera, row.setup) == (60, "P045", "C002", "S018")
    assert store.spec.classes[60] == "put on headphone"
    assert store.splits == {"x-sub": {"train": 4, "test": 2}, "x-set": {"train": 3, "test": 3}}
    read = {str(store.ids[index]): store.read(index) for index in range(6)}
    for number, name in enumerate(NAMES):
        wanted = ntu_scripts.two_persons(
            plain_text(3 + number, persons=1 + number % 2, seed=number), returning="keep", second="copy"
        )
        np.testing.assert_allclose(read[name], np.asarray(wanted), atol=1e-5)
    corpus = StoredCorpus(tmp_path / "store", split="x-sub")
    assert {clip.signer for clip in corpus.clips("test")} == {"P003", "P010"}


def test_the_first_data_set_has_sixty_actions_and_an_archive_is_read_too(tmp_path: Path) -> None:
    folder = written(tmp_path / "raw")
    with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
        for path in sorted(folder.rglob("*.skeleton")):
            archive.write(path, f"nturgb+d_skeletons/{path.name}")
    for place in (folder, tmp_path / "raw.zip"):
        source = NTU(place, complete=False)
        assert len(source) == 4
        found = {row.id: keypoints for row, keypoints in source}
        assert set(found) == set(NAMES[:4])
        assert not found[NAMES[0]][:, 1].any()
        assert set(source.splits([row for row, _ in source])["x-view"]["train"]) == {NAMES[1], NAMES[2]}


def test_lists_say_what_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "raw")
    (tmp_path / "names.txt").write_text("\n".join(NAMES[:3]))
    (tmp_path / "missing.txt").write_text(f"302 samples are missing:\n{NAMES[1]}\nS001C002P005R002A008\n")
    both = NTU(folder, complete=False, names=tmp_path / "names.txt", without=tmp_path / "missing.txt")
    assert {row.id for row, _ in both} == {NAMES[0], NAMES[2]}
    (tmp_path / "names.txt").write_text("S001C001P001R001A002")
    with pytest.raises(ValueError, match=r"names 1 clips that .* lacks, S001C001P001R001A002 among them"):
        NTU(folder, complete=False, names=tmp_path / "names.txt")
    (tmp_path / "names.txt").write_text("nothing")
    with pytest.raises(ValueError, match="lists no clip"):
        NTU(folder, complete=False, names=tmp_path / "names.txt")
    with pytest.raises(ValueError, match="cannot be read"):
        NTU(folder, complete=False, names=tmp_path / "none.txt")


def test_an_incomplete_data_set_is_refused_unless_it_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds 4 .skeleton files to read, and NTU RGB.D 60 has 56578 clips"):
        NTU(written(tmp_path / "raw"))
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"holds 0 .skeleton files"):
        NTU(tmp_path / "none", complete=False)
    with pytest.raises(ValueError, match="there is nothing at"):
        NTU(tmp_path / "nowhere", complete=False)
    (tmp_path / "file.tar").write_text("no")
    with pytest.raises(ValueError, match="neither a folder nor a zip archive"):
        NTU(tmp_path / "file.tar", complete=False)


def test_a_file_that_shows_nobody_or_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{NAMES[0]}.skeleton").write_text("2\n0\n0\n")
    with pytest.raises(ValueError, match=rf"{NAMES[0]}.skeleton shows nobody: name it in the file of --without"):
        list(NTU(tmp_path, complete=False))
    (tmp_path / f"{NAMES[0]}.skeleton").write_bytes(b"\x80\x04\x95")
    with pytest.raises(ValueError, match="is no text"):
        list(NTU(tmp_path, complete=False))


def test_what_is_not_finite_is_refused_or_counts_as_missing(tmp_path: Path) -> None:
    words = plain_text(3).split()
    words[13 + 12 * 4] = "nan"
    (tmp_path / f"{NAMES[0]}.skeleton").write_text(" ".join(words))
    with pytest.raises(ValueError, match=r"joint 'left_shoulder' of person 0 in frame 0 .* is not finite"):
        write_store(tmp_path / "store", NTU(tmp_path, complete=False))
    store = IsolatedStore(write_store(tmp_path / "store", NTU(tmp_path, complete=False), non_finite="missing"))
    assert store.card["joints_not_finite"] == {NAMES[0]: 1}


def test_names_say_what_they_say() -> None:
    assert NTUName.parse("S017C003P020R002A060") == NTUName(17, 3, 20, 2, 60)
    assert NTUName.parse("S017C003P020R002A60") is None
    assert len(set(ACTIONS)) == 120


@pytest.mark.shared
@pytest.mark.parametrize(
    ("variant", "file"), [("60", "ntu_skes_available_name"), ("120", "ntu120_skes_available_name")]
)
def test_splits_of_the_real_names_have_the_published_counts(shared_data: Path, variant: str, file: str) -> None:
    listed = (shared_data / "ntu-statistics" / f"{file}.txt.gz").read_bytes()
    names = gzip.decompress(listed).decode().split()
    assert len(names) == VARIANTS[variant].clips
    found = ntu_splits(names, VARIANTS[variant])
    counts = {split: (len(parts["train"]), len(parts["test"])) for split, parts in found.items()}
    assert counts == VARIANTS[variant].counts
