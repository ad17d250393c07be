from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slr.data import Clip
from slr.scoring import Transcript, write_stm
from tests.workbench.analysis.made_up import MadeUpCorpus, made_up
from workbench.analysis.run_folder import RunFolder


@pytest.fixture
def run() -> RunFolder:
    return made_up(MadeUpCorpus(2)).run


def test_teachers_come_first_and_the_main_network_last(run: RunFolder) -> None:
    assert [(entry.role, entry.title) for entry in run.entries] == [
        ("teacher", "teacher"), ("baseline", "student alone"), ("student", "student distilled")
    ]  # fmt: skip
    member = {"name": "STSGNet", "dev": None, "test": None}
    several = replace(run, result={**run.result, "teachers": {"one": member, "two": member}})
    assert [(entry.role, entry.title) for entry in several.entries][:3] == [
        ("teacher-one", "teacher one"), ("teacher-two", "teacher two"), ("teacher", "teachers together")
    ]  # fmt: skip
    assert not several.entries[0].was_read("test")
    alone = replace(run, result={"name": "x", "network": member})
    assert [(entry.role, entry.title) for entry in alone.entries] == [("network", "STSGNet")]


def clips(**glosses: str) -> list[Clip]:
    return [Clip(name, "test", "S1", tuple(text.split())) for name, text in glosses.items()]


def test_the_clips_have_to_be_those_that_were_scored(run: RunFolder, tmp_path: Path) -> None:
    run = replace(run, path=tmp_path)
    write_stm(tmp_path / "references.test.stm", {"a": Transcript(("A", "B")), "b": Transcript(())})
    run.check_clips("test", clips(a="A B", b=""), "a corpus")
    with pytest.raises(ValueError, match=r"clip 'a' of test is 'A C' in a corpus and 'A B' in .*references.test.stm"):
        run.check_clips("test", clips(a="A C", b=""), "a corpus")
    with pytest.raises(ValueError, match="clip 'b' of test is not there in a corpus and '' in"):
        run.check_clips("test", clips(a="A B"), "a corpus")
    with pytest.raises(ValueError, match="clip 'c' of test is 'D' in a corpus and not there in"):
        run.check_clips("test", clips(a="A B", b="", c="D"), "a corpus")
