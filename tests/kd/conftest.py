from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    """The tensors here are tiny: on a busy machine two threads wait for each other longer than they work."""
    torch.set_num_threads(1)
