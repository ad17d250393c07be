from __future__ import annotations

from pathlib import Path

from tests.workbench.running import MAIN_CONFIG, here, tiny_words


def test_a_file_that_is_not_there_is_named_with_its_neighbours() -> None:
    done = here("distill", MAIN_CONFIG.parent / "stsg_to_stgtt.yaml")
    assert done.code == 2
    assert "stsg_to_stgtt.yaml does not exist; did you mean stsg_to_stgt.yaml" in done.err


def test_a_configuration_of_one_network_is_not_one_of_two() -> None:
    done = here("distill", MAIN_CONFIG.parent / "train_stsg.yaml")
    assert done.code == 2
    assert "teacher" in done.err
    assert "is missing" in done.err


def test_words_that_do_not_parse_are_named(simulated_root: Path) -> None:
    done = here("distill", MAIN_CONFIG, *tiny_words(simulated_root), "student.network.width=[1")
    assert done.code == 2
    assert "student.network.width" in done.err
    assert "not valid YAML" in done.err
