from __future__ import annotations

from pathlib import Path

import numpy as np

from slr.data.isolated import StoredCorpus, inspect_isolated

from .made_up import MadeUp, made_store


def test_what_is_there_and_what_is_wrong_is_found(tmp_path: Path) -> None:
    source = MadeUp(lengths=(3, 1, 5, 2, 4, 6), classes=3)
    source.changed[3] = np.zeros((2, 2, 5, 3))
    source.parts = {"mine": {"train": [f"clip-{number}" for number in (0, 1, 3)], "test": ["clip-2", "clip-4"]}}
    shown = []
    findings = inspect_isolated(StoredCorpus(made_store(tmp_path, source)), progress=lambda *told: shown.append(told))
    told = {(finding.check, finding.split): finding for finding in findings}
    assert told["contents", "train"].message == "3 clips of 2 classes, 2 signers, 1 to 3 frames (2 on average)"
    assert "nothing is held out" in told["contents", "dev"].message
    assert told["empty", "train"].clips == ("clip-3",)
    assert told["single", "train"].clips == ("clip-1",)
    messages = [finding.message for finding in findings if finding.check == "classes"]
    assert messages == [
        "1 of 3 classes have no clip, such as 'sign 2'",
        "2 classes have fewer than 5 clips, such as 'sign 0'",
    ]
    assert "of the signers 1 are in train, too, s1" in told["signers", "test"].message
    assert shown == [("train", 1, 3), ("train", 2, 3), ("train", 3, 3), ("test", 1, 2), ("test", 2, 2)]
