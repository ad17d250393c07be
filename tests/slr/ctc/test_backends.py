from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch

from slr.ctc import BeamDecoder, CtcdecodeDecoder, FlashlightDecoder, decoder_by_name
from slr.types import Padded


def clear_logits() -> Padded:
    """Two clips that leave little doubt: glosses 1 2 and 3 3, some steps of blank between."""
    rows = [[1, 1, 0, 2, 0], [3, 0, 3, 3]]
    return Padded.from_list([6.0 * torch.eye(5)[torch.tensor(row)] for row in rows])


def test_flashlight_reads_what_we_read():
    pytest.importorskip("flashlight.lib.text.decoder", reason="flashlight-text is not installed")
    decoder = FlashlightDecoder(width=5)
    assert decoder.name == "flashlight-5"
    ours, theirs = (d.decode(clear_logits()) for d in (BeamDecoder(5), decoder))
    for one, other in zip(ours, theirs, strict=True):
        assert one.best.glosses == other.best.glosses
        assert (one.best.starts, one.best.ends) == (other.best.starts, other.best.ends)
        assert one.best.log_probability == pytest.approx(other.best.log_probability, abs=0.02)
    nothing = decoder.decode(Padded(torch.zeros(1, 0, 5), torch.tensor([0])))
    assert nothing[0].best.glosses == ()


class StandIn:
    """What ctcdecode returns, as its own README describes it: beams, costs, steps and lengths."""

    def __init__(self, labels: list[str], *, beam_width: int, blank_id: int, log_probs_input: bool, num_processes: int):
        assert len(labels) == len(set(labels)) == 5
        assert (beam_width, blank_id, log_probs_input, num_processes) == (4, 0, True, 2)

    def decode(self, log_probs: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, ...]:
        assert log_probs.shape == (2, 5, 5)
        assert lengths.tolist() == [5, 4]
        glosses = torch.tensor([[[1, 2, 9]], [[3, 3, 9]]])
        steps = torch.tensor([[[0, 3, 9]], [[0, 2, 9]]])
        return glosses, torch.tensor([[0.5], [0.25]]), steps, torch.tensor([[2], [2]])


def test_ctcdecode_is_read_through_its_own_interface(monkeypatch: pytest.MonkeyPatch):
    module = ModuleType("ctcdecode")
    module.CTCBeamDecoder = StandIn
    monkeypatch.setitem(sys.modules, "ctcdecode", module)
    decoder = decoder_by_name("beam", 4, backend="ctcdecode")
    assert isinstance(decoder, CtcdecodeDecoder)
    assert decoder.name == "ctcdecode-4"
    first, second = (decoding.best for decoding in decoder.decode(clear_logits()))
    assert (first.glosses, first.starts, first.ends, first.log_probability) == ((1, 2), (0, 3), (0, 3), -0.5)
    assert (second.glosses, second.starts, second.log_probability) == ((3, 3), (0, 2), -0.25)


@pytest.mark.parametrize(
    ("backend", "module"), [("flashlight", "flashlight.lib.text.decoder"), ("ctcdecode", "ctcdecode")]
)
def test_a_backend_that_is_not_installed_says_so_and_auto_needs_none(
    backend: str, module: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match="not installed: install it, or leave the choice to 'auto'"):
        decoder_by_name("beam", backend=backend)
    assert decoder_by_name("beam", backend="auto").name == "beam-10"


@pytest.mark.parametrize("setting", [{"width": 0}, {"top_classes": 0}])
def test_impossible_settings_are_refused(setting: dict[str, int]):
    pytest.importorskip("flashlight.lib.text.decoder", reason="flashlight-text is not installed")
    with pytest.raises(ValueError, match="is 0: it starts at 1"):
        FlashlightDecoder(**setting)
