"""What all scripts have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workbench.running import ROOT, here

SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
WITHOUT_ARGUMENTS = {"check"}


def test_scripts_were_found() -> None:
    assert {"check", "distill", "evaluate", "prepare", "train", "wer"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_shows_an_example_of_the_script_itself(script: str) -> None:
    done = here(script, "--help")
    assert done.code == 0
    assert f"python scripts/{script}.py" in done.out
    assert "example" in done.out
    for word in done.out.split():
        if word.startswith("configs/") and word.endswith(".yaml"):
            assert (ROOT / word).is_file(), word


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_is_refused_with_2(script: str) -> None:
    done = here(script, "--no-such-option")
    assert done.code == 2
    assert done.out == ""
    assert "usage: " in done.err


@pytest.mark.parametrize("script", sorted(set(SCRIPTS) - WITHOUT_ARGUMENTS))
def test_missing_arguments_are_named(script: str) -> None:
    done = here(script)
    assert done.code == 2
    assert "the following arguments are required" in done.err


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_a_short_one(script: str) -> None:
    lines = Path(ROOT / "scripts" / f"{script}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
