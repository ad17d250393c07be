from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import students
import teachers
from slr.skeleton import SkeletonLayout, layout_names
from slr.types import NetOutput, Padded
from tests.workbench.running import ROOT, here
from workbench.networks import BEGIN, CLASSES, END, NetworkCost, cost_of, markdown, write_between_markers
from workbench.published import published_costs


class HandsOnly(nn.Module):
    """Four joints of three numbers -> 5 frozen features -> classes; refuses a skeleton with few joints."""

    input_stream = "pose"
    tap_widths: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, *, num_classes: int, layout: SkeletonLayout) -> None:
        super().__init__()
        if len(layout) < 100:
            raise ValueError(f"{layout.name} has too few joints")
        self.first = nn.Linear(3 * len(layout), 5, bias=False).requires_grad_(False)
        self.last = nn.Linear(5, num_classes, bias=False)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return lengths

    def forward(self, stream: Padded) -> NetOutput:
        return NetOutput(stream.map(lambda joints: self.last(self.first(joints.flatten(2)))))


class AnySize(HandsOnly):
    """Two numbers of every pixel, averaged over the frame -> classes; frames may have any size."""

    input_stream = "rgb"

    def __init__(self, *, num_classes: int) -> None:
        nn.Module.__init__(self)
        self.first = nn.Conv2d(3, 2, 1, bias=False)
        self.last = nn.Linear(2, num_classes, bias=False)

    def forward(self, stream: Padded) -> NetOutput:
        return NetOutput(stream.map(lambda video: self.last(self.first(video.flatten(0, 1)).mean((2, 3)))[None]))


def export(monkeypatch: pytest.MonkeyPatch, package: Any, network: type) -> str:
    monkeypatch.setattr(network, "__module__", f"{package.__name__}.made_up")
    monkeypatch.setattr(package, network.__name__, network, raising=False)
    monkeypatch.setattr(package, "__all__", [*package.__all__, network.__name__])
    return f"{package.__name__}.{network.__name__}"


def test_the_cost_of_a_skeleton_network_is_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cost_of(export(monkeypatch, students, HandsOnly))
    assert found.layouts == ("coco-wholebody-133", "mediapipe-holistic-543")
    weights = 3 * 133 * 5 + 5 * CLASSES
    assert found == NetworkCost(
        "student", "HandsOnly", "pose 133 joints", found.layouts, weights, 5 * CLASSES, macs=25 * weights
    )


def test_the_cost_of_a_network_that_reads_frames_of_any_size_is_for_224_x_224(monkeypatch: pytest.MonkeyPatch) -> None:
    found = cost_of(export(monkeypatch, teachers, AnySize))
    assert (found.role, found.reads, found.layouts) == ("teacher", "rgb 224 x 224", ())
    assert found.macs == 25 * (224 * 224 * 3 * 2 + 2 * CLASSES)


def test_a_table_in_markdown_has_a_row_per_network() -> None:
    some = NetworkCost("student", "A", "pose 27 joints", ("ntu-25", "sign-27"), 1_500_000, 1_000, 2_000_000_000)
    every = NetworkCost("student", "B", "pose 27 joints", layout_names(), 1, 1, 1)
    frames = NetworkCost("teacher", "C", "rgb 80 x 100", (), 1, 1, 1)
    lines = markdown([some, every, frames]).splitlines()
    assert lines[0].count("|") == lines[1].count("|") == 8
    assert lines[2] == "| `A` | student | pose 27 joints | ntu-25, sign-27 | 1.50 M | 1.00 k | 2.00 G |"
    assert "| all |" in lines[3]
    assert "| - |" in lines[4]


def test_published_networks_come_with_the_weights_they_read(monkeypatch: pytest.MonkeyPatch) -> None:
    light, s8 = published_costs(["students.LightDKEGCN", "teachers.STSGNet", "students.STGT", "students.S8"])
    assert light.cells() == ("LightDKEGCN", "ntu-25", "2", "372,788", "780 M", "light-dke-gcn")
    assert s8.cells() == ("S8", "ntu-25", "2", "2,522,696", "3.22 G", "-")
    both = markdown([], [light, s8])
    assert both.startswith(markdown([]))
    assert both.endswith("| `S8` | ntu-25 | 2 | 2,522,696 | 3.22 G | - |\n")


@pytest.mark.slow
def test_the_readme_shows_the_table_that_the_command_prints() -> None:
    done = here("check", "networks", "--markdown")
    assert done.code == 0, done.err
    for package in (teachers, students):
        for name in package.__all__:
            assert f"| `{name}` | {package.__name__.removesuffix('s')} |" in done.out
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == done.out.strip(), "bring it up to date: python scripts/check.py networks --into README.md"


def test_a_table_goes_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        write_between_markers(path, "| new |\n")
        assert path.read_text() == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"
    for text in ("nothing", BEGIN, f"{END}\n{BEGIN}"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"page.md has no place for the table of networks: write <!-- networks"):
            write_between_markers(path, "| new |\n")
        assert path.read_text() == text


def test_its_options_belong_to_the_table_of_networks() -> None:
    assert here("check", "--markdown").sentence.startswith("--markdown and --into are for the table of networks")
    assert here("check", "phoenix2014", "--into", "x.md").sentence.startswith("--markdown and --into are for the table")


def test_the_table_on_a_terminal_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(students, "__all__", ["STGT"])
    monkeypatch.setattr(teachers, "__all__", [])
    out = here("check", "networks").out
    assert "STGT" in out
    assert "STGCN" not in out
    assert "1232 classes" in out
    assert torch.get_num_threads() == 1
