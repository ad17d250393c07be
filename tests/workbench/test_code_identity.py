"""A network is another one when the code that decides what it says was edited."""

from __future__ import annotations

import ast

import pytest

from tests.workbench.running import edited
from workbench.code_identity import code_hash, without_docstrings

STUDENT = {"_target_": "students.STGT", "width": 8}
PROGRAM = '''
"""What it is for."""
class Loss:
    """A loss."""
    def compute(self, x):
        """Twice x."""
        return 2 * x
'''


def program(text: str) -> str:
    return ast.dump(without_docstrings(ast.parse(text)))


@pytest.mark.parametrize("same", [("Twice x", "Doubles"), ("2 * x", "(2 *  x)  # why"), ('"""A loss."""', "")])
def test_words_about_the_code_do_not_count(same: tuple[str, str]) -> None:
    assert program(PROGRAM.replace(*same)) == program(PROGRAM)


@pytest.mark.parametrize("other", [("2 * x", "3 * x"), ("2 * x", "'2 * x'"), ("self, x", "self, x, y=1")])
def test_what_the_code_does_counts(other: tuple[str, str]) -> None:
    assert program(PROGRAM.replace(*other)) != program(PROGRAM)


def test_a_function_that_is_only_a_docstring_is_left_empty() -> None:
    assert program('def f():\n    """Nothing."""') == program('def f():\n    """Still nothing."""')


@pytest.mark.parametrize("module", ["students.stgt", "slr.layers.temporal_conv", "slr.types"])
def test_an_edit_of_the_network_or_of_what_it_is_built_from_makes_another(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = code_hash(STUDENT)
    edited(monkeypatch, module)
    assert code_hash(STUDENT) != before


@pytest.mark.parametrize("module", ["students.st_gcn", "kd.losses.ctc", "slr.scoring.wer"])
def test_an_edit_elsewhere_leaves_the_network_what_it_is(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_hash(STUDENT)
    edited(monkeypatch, module)
    assert code_hash(STUDENT) == before


def test_components_are_found_at_any_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"losses": {"ctc": {"weight": 1, "loss": {"_target_": "kd.losses.CTC"}}}}]
    before = code_hash(STUDENT, stages)
    assert before != code_hash(STUDENT)
    edited(monkeypatch, "kd.losses.ctc")
    assert code_hash(STUDENT, stages) != before


def test_optimisers_of_torch_are_left_to_torch() -> None:
    assert code_hash({"_target_": "torch.optim.AdamW"}) == code_hash()
