from __future__ import annotations

from pathlib import Path

import pytest

from slr.files import _umask, whole_file, whole_folder, write_text


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path):
    path = tmp_path / "result.json"
    write_text(path, "old")
    with pytest.raises(OSError, match="disk full"):
        _write_half_of(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_parents_are_made_and_text_is_utf8(tmp_path):
    path = tmp_path / "a" / "b" / "glosses.txt"
    write_text(path, "ÜBER 天气")
    assert path.read_bytes() == "ÜBER 天气".encode()


def test_nothing_is_visible_before_the_block_ends(tmp_path):
    path = tmp_path / "weights"
    with whole_file(path) as temporary:
        temporary.write_text("x")
        assert not path.exists()
    assert path.exists()


def _write_half_of(path):
    with whole_file(path) as temporary:
        temporary.write_text("half of the new")
        raise OSError("disk full")


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "below" / "made") as folder:
        (folder / "one").write_text("1")
        (folder / "sub").mkdir()
        assert not (tmp_path / "below" / "made").exists()
    assert (tmp_path / "below" / "made" / "one").read_text() == "1"
    assert (tmp_path / "below" / "made").stat().st_mode & 0o777 == 0o777 & ~_umask()
    with pytest.raises(OSError, match="disk full"):
        _write_half_a_folder(tmp_path / "below" / "other")
    with pytest.raises(FileExistsError, match="is there already"), whole_folder(tmp_path / "below" / "made"):
        raise AssertionError("the block is not entered")
    assert [path.name for path in (tmp_path / "below").iterdir()] == ["made"]


def _write_half_a_folder(path: Path) -> None:
    with whole_folder(path) as folder:
        (folder / "one").write_text("1")
        raise OSError("disk full")
