from __future__ import annotations

import pytest

from slr.files import whole_file, write_text


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
