"""The number format of a network's forward pass; losses, gradients' sums and optimisers stay in float32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

NAMES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Precision:
    """A number format on a device: ``name`` is ``"float32"``, ``"bfloat16"`` or ``"float16"``."""

    name: str
    device: torch.device

    @property
    def mixed(self) -> bool:
        """Whether the forward pass is narrower than float32."""
        return self.name != "float32"

    def autocast(self) -> AbstractContextManager[object]:
        """What the forward pass of a network runs under, and nothing else."""
        if not self.mixed:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.name))

    def scaler(self) -> torch.amp.GradScaler:
        """A gradient scaler, which does nothing except under float16 (Micikevicius et al. 2018)."""
        return torch.amp.GradScaler(self.device.type, enabled=self.name == "float16")


def choose_device(name: str = "auto") -> torch.device:
    """``"cuda"`` where there is one under ``"auto"``, else ``"cpu"``.

    Raises:
        ValueError: when ``"cuda"`` is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ValueError("device cuda: torch finds no CUDA device here; use device=cpu, or auto to take what there is")
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"unknown device {name!r}: choose auto, cpu or cuda")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def choose_precision(name: str, device: torch.device) -> Precision:
    """The precision called ``name``; ``"auto"`` is float32 on a CPU, elsewhere bfloat16 or, failing that, float16.

    Raises:
        ValueError: when the device has no instructions for it; an emulation would be slower than float32.
    """
    if name not in NAMES:
        raise ValueError(f"unknown precision {name!r}: choose {', '.join(NAMES)}")
    if name == "auto":
        name = "float32" if device.type == "cpu" else "bfloat16" if _has_bfloat16(device) else "float16"
    if name == "float16" and device.type == "cpu":
        raise ValueError("precision float16 needs a CUDA device: on a CPU use float32 or bfloat16")
    if name == "bfloat16" and not _has_bfloat16(device):
        raise ValueError(f"precision bfloat16: this {device.type} has no bfloat16 instructions; use float32 or auto")
    return Precision(name, device)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
