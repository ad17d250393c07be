from __future__ import annotations

import pytest
import torch

from workbench import precision
from workbench.precision import choose_device, choose_precision

CPU = torch.device("cpu")


def test_auto_on_a_cpu_is_float32_and_casts_nothing() -> None:
    chosen = choose_precision("auto", CPU)
    with chosen.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert not chosen.mixed
    assert not chosen.scaler().is_enabled()


def test_bfloat16_casts_the_forward_pass_and_scales_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_has_bfloat16", lambda device: True)
    chosen = choose_precision("bfloat16", CPU)
    with chosen.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    assert not chosen.scaler().is_enabled()


def test_what_the_processor_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_has_bfloat16", lambda device: False)
    with pytest.raises(ValueError, match="this cpu has no bfloat16 instructions; use float32 or auto"):
        choose_precision("bfloat16", CPU)
    with pytest.raises(ValueError, match="precision float16 needs a CUDA device"):
        choose_precision("float16", CPU)


@pytest.mark.parametrize(("has_bfloat16", "name"), [(True, "bfloat16"), (False, "float16")])
def test_auto_on_a_gpu_takes_bfloat16_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool, name: str
) -> None:
    monkeypatch.setattr(precision, "_has_bfloat16", lambda device: has_bfloat16)
    chosen = choose_precision("auto", torch.device("cuda"))
    assert chosen.name == name
    assert chosen.mixed


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown precision 'half': choose auto, float32, bfloat16, float16"):
        choose_precision("half", CPU)
    with pytest.raises(ValueError, match="unknown device 'gpu': choose auto, cpu or cuda"):
        choose_device("gpu")


def test_a_device_that_is_not_there_is_refused_and_auto_takes_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="torch finds no CUDA device here; use device=cpu"):
        choose_device("cuda")
    assert choose_device("auto") == choose_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cpu") == CPU
