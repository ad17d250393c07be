from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from workbench.tensor_file import read_tree, write_tree

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(tree=trees)
def test_any_plain_data_is_read_back_the_same(tree: Any, tmp_path: Path) -> None:
    write_tree(tmp_path / "tree.safetensors", tree)
    again = read_tree(tmp_path / "tree.safetensors")
    assert again == tree
    assert repr(again) == repr(tree)  # tells True from 1 and a tuple from a list


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3),
        torch.tensor(1.5, dtype=torch.float64),
        torch.tensor([1, -1]),
        torch.tensor([True, False]),
        torch.randn(4).to(torch.bfloat16),
        torch.zeros(0, 3),
        torch.randn(3, 4).T,
        torch.randn(1, 3).expand(2, 3),
        torch.tensor([float("nan"), float("inf")]),
        torch.get_rng_state(),
    ],
)
def test_a_tensor_is_read_back_bit_for_bit(tensor: torch.Tensor, tmp_path: Path) -> None:
    write_tree(tmp_path / "t.safetensors", {"a": [tensor, {3: (tensor,)}]})
    again = read_tree(tmp_path / "t.safetensors")
    for found in (again["a"][0], again["a"][1][3][0]):
        assert found.dtype == tensor.dtype
        assert torch.equal(torch.nan_to_num(found), torch.nan_to_num(tensor))
        assert found.isnan().sum() == tensor.isnan().sum()


def test_the_state_of_an_optimiser_is_read_back(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.randn(3))
    optimizer = torch.optim.AdamW([{"params": [weight], "initial_lr": 0.1}], lr=0.1)
    weight.square().sum().backward()
    optimizer.step()
    write_tree(tmp_path / "o.safetensors", optimizer.state_dict())
    again = read_tree(tmp_path / "o.safetensors")
    assert again["param_groups"] == optimizer.state_dict()["param_groups"]
    assert torch.equal(again["state"][0]["exp_avg"], optimizer.state[weight]["exp_avg"])


def test_what_is_neither_tensor_nor_plain_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="/a/0 holds a object, which is neither a tensor nor plain data"):
        write_tree(tmp_path / "t.safetensors", {"a": [object()]})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "state.safetensors"
    write_tree(path, {"step": 3, "weight": torch.arange(6.0)})
    return path


def test_a_file_cut_short_anywhere_is_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for length in (0, 4, 9, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"state.safetensors is damaged or cut short .*: take another copy"):
            read_tree(saved)


def test_a_changed_byte_anywhere_is_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 1
        saved.write_bytes(changed)
        with pytest.raises(ValueError, match=r"state.safetensors "):
            read_tree(saved)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none.safetensors does not exist"):
        read_tree(tmp_path / "none.safetensors")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_is_refused_without_being_opened(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save({"a": torch.zeros(1)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(
        ValueError, match=r"weights.safetensors is a pickle .*: convert released weights with scripts/prepare"
    ):
        read_tree(path)


def test_a_plain_pickle_runs_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "trap.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="is a pickle"):
        read_tree(tmp_path / "trap.safetensors")
    assert not (tmp_path / "sprung").exists()


def test_someone_elses_safetensors_are_no_state_of_ours(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="something else wrote"):
        read_tree(tmp_path / "other.safetensors")


def test_the_header_is_plain_json(saved: Path) -> None:
    content = saved.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["tree"]) == {"step": 3, "weight": {"$tensor": "/weight"}}
