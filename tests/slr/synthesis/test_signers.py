"""Simulated signers are different people."""

from __future__ import annotations

import numpy as np

from slr.synthesis.signers import make_signers


def test_looks_repeat_only_after_the_palette_is_used_up() -> None:
    signers = make_signers(6, np.random.default_rng(0))
    assert len({signer.skin for signer in signers}) == 6
    assert len({signer.clothes for signer in signers}) == 6


def test_there_may_be_more_signers_than_colours() -> None:
    signers = make_signers(20, np.random.default_rng(0))
    assert [signer.name for signer in signers][::19] == ["Signer01", "Signer20"]
    assert len({signer.skin for signer in signers}) == 6
    assert len(set(signers)) == 20


def test_a_seed_makes_one_set_of_signers() -> None:
    assert make_signers(3, np.random.default_rng(1)) == make_signers(3, np.random.default_rng(1))
    assert make_signers(3, np.random.default_rng(1)) != make_signers(3, np.random.default_rng(2))


def test_colours_can_be_painted() -> None:
    for signer in make_signers(50, np.random.default_rng(0)):
        for colour in (signer.skin, signer.clothes, signer.hair, *signer.background):
            assert all(isinstance(channel, int) and 0 <= channel <= 255 for channel in colour)
