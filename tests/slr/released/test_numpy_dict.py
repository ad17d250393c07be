from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slr.released import read_numpy_dict

VAC = {"ABEND": [1, 12], "REGEN": [2, 3], "SÜD": [3, 1]}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_dict_of_vac_is_read(protocol: int, tmp_path: Path) -> None:
    with (tmp_path / "gloss_dict.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(np.array(VAC, dtype=object), file, protocol=protocol)
    assert read_numpy_dict(tmp_path / "gloss_dict.npy") == VAC


def test_what_numpy_saves_here_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "it.npy", VAC, allow_pickle=True)  # type: ignore[arg-type]
    assert read_numpy_dict(tmp_path / "it.npy") == VAC


def test_arrays_of_old_and_new_numpy_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "it.npy", VAC, allow_pickle=True)  # type: ignore[arg-type]
    content = (tmp_path / "it.npy").read_bytes()
    found = [name for name in (b"cnumpy.core.multiarray\n", b"cnumpy._core.multiarray\n") if name in content]
    for name in (b"cnumpy.core.multiarray\n", b"cnumpy._core.multiarray\n") if found else ():
        (tmp_path / "other.npy").write_bytes(content.replace(found[0], name))
        assert read_numpy_dict(tmp_path / "other.npy") == VAC


class Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "evil.npy", {"A": Touch(tmp_path / "ran")}, allow_pickle=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"evil\.npy wants to run '\w+\.mkdir' when it is opened"):
        read_numpy_dict(tmp_path / "evil.npy")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [np.arange(3), np.array(["A", "B"]), np.array([VAC, VAC]), np.array([1, None])])
def test_what_is_no_dict_is_refused(content: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "it.npy", content, allow_pickle=True)
    with pytest.raises(ValueError, match=r"it\.npy (holds no dict|is damaged or no dict)"):
        read_numpy_dict(tmp_path / "it.npy")


def test_a_file_cut_short_anywhere_is_refused_in_a_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "it.npy", VAC, allow_pickle=True)  # type: ignore[arg-type]
    whole = (tmp_path / "it.npy").read_bytes()
    for length in range(0, len(whole), 3):
        (tmp_path / "it.npy").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"it\.npy is damaged or no dict") as error:
            read_numpy_dict(tmp_path / "it.npy")
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError):
        read_numpy_dict(tmp_path / "none.npy")
