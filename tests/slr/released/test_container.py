from __future__ import annotations

import io
import os
import pickle
import random
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from slr.released import read_released


def weights() -> OrderedDict[str, Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).state_dict()


def vac_checkpoint() -> dict[str, Any]:
    """What VAC's training saves: beside the weights an optimiser, a scheduler and the states of four generators."""
    network = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [20, 35])
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 39,
        "model_state_dict": weights(),
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": scheduler.state_dict(),
        "rng_state": {
            "torch": torch.get_rng_state(),
            "cuda": [torch.get_rng_state()],
            "numpy": np.random.get_state(),
            "random": random.getstate(),
        },
        "best": np.float64(18.9),
    }


CONTAINERS = {
    "bare": lambda: weights(),
    "plain dict": lambda: dict(weights()),
    "weights": lambda: {"weights": weights(), "epoch": 3},
    "state_dict": lambda: {"meta": {"config": "model = dict()", "time": "now"}, "state_dict": weights()},
    "model_state_dict": vac_checkpoint,
    "module.": lambda: {f"module.{name}": tensor for name, tensor in weights().items()},
    "module within": lambda: {name.replace(".", ".module."): tensor for name, tensor in weights().items()},
    "parameters": lambda: {name: nn.Parameter(tensor, tensor.is_floating_point()) for name, tensor in weights().items()
                           if tensor.is_floating_point()} | {"1.num_batches_tracked": torch.tensor(0)},
}  # fmt: skip


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_same_tensors_are_found_in_every_container(container: str, legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "released.pt"
    torch.save(CONTAINERS[container](), path, _use_new_zipfile_serialization=not legacy)
    found = read_released(path)
    assert found.keys() == weights().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in weights().items())
    assert not any(tensor.requires_grad for tensor in found.values())


def test_a_plain_safe_load_refuses_what_vac_saves(tmp_path: Path) -> None:
    torch.save(vac_checkpoint(), tmp_path / "vac.pt")
    with pytest.raises(pickle.UnpicklingError, match="numpy"):
        torch.load(tmp_path / "vac.pt", weights_only=True)


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_arrays_of_old_and_new_numpy_are_passed_over(module: str, tmp_path: Path) -> None:
    torch.save(vac_checkpoint(), tmp_path / "vac.pt")
    with zipfile.ZipFile(tmp_path / "vac.pt") as stored, zipfile.ZipFile(tmp_path / "other.pt", "w") as other:
        for name in stored.namelist():
            content = stored.read(name)
            for written in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
                content = content.replace(written + b"\n", module.encode() + b"\n")
            other.writestr(name, content)
            assert not name.endswith("data.pkl") or f"{module}\n".encode() in content
    assert read_released(tmp_path / "other.pt").keys() == weights().keys()


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(dict(weights()), tmp_path / "released.safetensors")
    found = read_released(tmp_path / "released.safetensors")
    assert found.keys() == weights().keys()
    assert all(torch.equal(weights()[name], value) for name, value in found.items())


class Touch:
    """Leaves a file behind when it is unpickled by anyone who trusts it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_runs_code_is_refused_by_what_it_wants_to_run(legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    content = {"state_dict": weights(), "meta": Touch(tmp_path / "ran")}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match=r"evil\.pt wants to run '\w+\.mkdir' when it is opened") as error:
        read_released(path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "ran").exists()  # it would have


def test_numpy_does_not_become_a_way_to_run_code(tmp_path: Path) -> None:
    class Sly:
        def __reduce__(self) -> tuple[Any, ...]:
            return np.fromfile, (str(tmp_path / "x"),)

    torch.save({"state_dict": weights(), "rng_state": Sly()}, tmp_path / "sly.pt")
    with pytest.raises(ValueError, match="wants to run 'numpy"):
        read_released(tmp_path / "sly.pt")


def test_the_allowance_ends_with_the_reading(tmp_path: Path) -> None:
    before = set(torch.serialization.get_safe_globals())
    torch.save(vac_checkpoint(), tmp_path / "vac.pt")
    read_released(tmp_path / "vac.pt")
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_cut_short_anywhere_is_refused_in_a_sentence(legacy: bool, tmp_path: Path) -> None:
    written = io.BytesIO()
    torch.save(vac_checkpoint(), written, _use_new_zipfile_serialization=not legacy)
    whole = written.getvalue()
    for share in range(19):
        path = tmp_path / "cut.pt"
        path.write_bytes(whole[: len(whole) * share // 19])
        with pytest.raises(ValueError, match=r"cut\.pt is (damaged|no file)") as error:
            read_released(path)
        assert "\n" not in str(error.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=200), start=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"<!DOCTYPE html>"]))
def test_noise_is_refused_in_a_sentence(noise: bytes, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "noise.pt"
    path.write_bytes(start + noise)
    with pytest.raises(ValueError, match=r"noise\.pt") as error:
        read_released(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({}, "holds no state dict"),
        ({"epoch": 3}, "holds no state dict"),
        ({"weights": {}}, "holds no state dict"),
        ([1, 2], "holds no state dict"),
        (torch.ones(3), "holds no state dict"),
        ({"epoch": 3, "fc.weight": torch.ones(2)}, "holds no state dict"),
        ({"state_dict": {"a": torch.ones(1)}, "ema": {"a": torch.ones(1)}}, "several state dicts, state_dict and ema"),
        ({"a": torch.tensor([1.0, torch.nan])}, "'a' in .* not finite"),
        ({"a": torch.eye(2).to_sparse()}, "'a' in .* no plain tensor"),
        ({"module.a.b": torch.ones(1), "a.b": torch.ones(1)}, "holds 'a.b' twice"),
        ({"meta": Counter("ab"), "state_dict": {"a": "text"}}, "holds no state dict"),
    ],
)
def test_what_holds_no_single_state_dict_is_refused(content: Any, complaint: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "released.pt")
    with pytest.raises(ValueError, match=complaint) as error:
        read_released(tmp_path / "released.pt")
    assert "\n" not in str(error.value)


def test_one_of_several_state_dicts_is_read_by_its_key(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "ema": {"a": torch.ones(1)}}, tmp_path / "two.pt")
    assert read_released(tmp_path / "two.pt", "ema")["a"].item() == 1
    with pytest.raises(ValueError, match="no state dict under 'net': there is state_dict, ema"):
        read_released(tmp_path / "two.pt", "net")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"  <!DOCTYPE html><title>Quota exceeded</title>", "is an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"epoch,loss\n", "is damaged or cut short"),
        (b"", "is damaged or cut short"),
    ],
)
def test_what_is_no_file_of_tensors_is_called_what_it_is(content: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "released.pt").write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_released(tmp_path / "released.pt")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pt"):
        with pytest.raises(ValueError, match="does not exist"):
            read_released(path)
