"""scripts/report.py on a run that was really made, with relations learned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.workbench.report.conftest import Browser
from tests.workbench.running import distilled, here, read_json, sha256, stored, tiny_words
from workbench import report_command as command

pytestmark = pytest.mark.slow

TRKD = ("distillation.losses.trkd.weight=1", "distillation.losses.crd_frame.weight=0", "run.name=trkd")
ALWAYS = {"curves", "losses", "timelines", "errors", "spikes", "adjacency"}


@pytest.fixture
def _without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take seconds and are tested elsewhere."""
    monkeypatch.setattr(command, "draw_figures", lambda findings, folder: [])


@pytest.fixture(scope="module")
def run(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a distillation whose relations were learned."""
    out = tmp_path_factory.mktemp("report") / "runs"
    return distilled(out, tiny_words(simulated_root, *TRKD, teacher=1)).folder


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copied", ignore=shutil.ignore_patterns("figures")))


def test_what_the_relations_learned_lies_beside_the_student_and_not_in_it(run: Path) -> None:
    (store,) = stored(run.parent, "student-distilled")
    kept = store / "objective.safetensors"
    assert sha256(kept) == sha256(run / "student.objective.safetensors")
    assert "student.objective.safetensors" in read_json(run / "steps.json")["networks"]["outputs"]
    with safe_open(kept, framework="pt") as file:
        names = set(file.keys())
    assert names
    assert all("/trkd.graphs." in name for name in names)
    with safe_open(run / "student.safetensors", framework="pt") as file:
        assert not [name for name in file.keys() if "graphs" in name]  # noqa: SIM118
    for label in ("teacher", "student-alone"):
        assert not (stored(run.parent, label)[0] / "objective.safetensors").exists()


def test_figures_go_into_the_run_and_nothing_else_changes(copied: Path) -> None:
    before = {path.name: sha256(path) for path in copied.iterdir() if path.name != ".lock"}
    done = here("report", copied)
    assert done.code == 0, done.err
    assert done.folder == copied / "figures"
    drawn = {path.name for path in done.folder.iterdir()}
    assert {f"{name}.{ending}" for name in ALWAYS for ending in ("png", "svg")} <= drawn
    after = {path.name: sha256(path) for path in copied.iterdir() if path.is_file() and path.name != ".lock"}
    assert after == before


@pytest.mark.usefixtures("_without_figures")
def test_the_page_opens_and_shows_the_run(run: Path, tmp_path: Path, browser: Browser) -> None:
    path = tmp_path / "page.html"
    done = here("report", run, "--html", path, "--figures", tmp_path / "figures")
    assert done.code == 0, done.err
    assert done.folder == path
    assert "page of 0." in done.out
    browser.open(path.read_text(encoding="utf-8"))
    assert browser.find("h1").text == "trkd"
    assert browser.find(".corpus").text.startswith("simulated corpus (tiny, seed 0)")
    result = read_json(run / "result.json")
    cells = browser.ask("[...document.querySelectorAll('#result tbody tr')].map((row) => row.cells[3].textContent)")
    assert cells == [f"{100 * result[role]['test']['wer']:.1f}" for role in ("teacher", "baseline", "student")]
    browser.until("player.motion !== null && player.bitmap !== null")
    assert browser.ask("Object.keys(player.clip.related)") == ["trkd"]
    assert browser.ask("data.clips.length") == 8


@pytest.mark.usefixtures("_without_figures")
def test_a_split_and_a_page_without_frames_can_be_asked_for(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "dev.html"
    done = here("report", run, "--split", "dev", "--no-frames", "--html", path, "--figures", tmp_path / "figures")
    assert done.code == 0, done.err
    content = path.read_text(encoding="utf-8")
    assert "dev split, 6 clips" in content
    assert '"picture":' not in content


def test_a_network_trained_alone_has_a_page_too(simulated_root: Path, tmp_path: Path) -> None:
    from tests.workbench.running import student_config

    done = here("train", student_config(tmp_path, tiny_words(simulated_root, student=1)), "--out", tmp_path / "runs")
    page = tmp_path / "alone.html"
    done = here("report", done.folder, "--html", page)
    assert done.code == 0, done.err
    drawn = {path.stem for path in (tmp_path / "runs" / "alone" / "figures").iterdir()}
    assert {"curves", "losses", "errors"} <= drawn
    assert not {"spikes", "adjacency"} & drawn
    assert "This run learned no relations" in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("_without_figures")
def test_the_corpus_may_have_moved(copied: Path, simulated_root: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(simulated_root, tmp_path / "moved")
    done = here("report", copied, f"data.root={moved}", "--figures", tmp_path / "figures")
    assert done.code == 0, done.err
    path = moved / "tiny-seed0" / "annotations" / "manual" / "test.corpus.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("MAZA", "BUDA"), encoding="utf-8")
    assert "name the corpus that the run was made on" in sentence(copied, f"data.root={moved}")


def test_without_the_weights_of_the_teacher_what_is_left_is_shown_and_the_rest_explained(
    copied: Path, tmp_path: Path
) -> None:
    for path in copied.glob("teacher.*"):
        path.unlink()
    page = tmp_path / "page.html"
    done = here("report", copied, "--html", page)
    assert done.code == 0, done.err
    assert "No weights of the teacher lie in the run folder" in done.err
    assert "The relations between steps cannot be shown without the network that taught." in page.read_text("utf-8")
    drawn = {path.stem for path in (copied / "figures").iterdir()}
    assert not {"spikes", "adjacency"} & drawn
    assert "timelines" in drawn


@pytest.mark.usefixtures("_without_figures")
def test_relations_that_were_not_kept_are_explained(copied: Path) -> None:
    (copied / "student.objective.safetensors").unlink()
    done = here("report", copied)
    assert done.code == 0, done.err
    assert "a run with the loss TemporalRelation at a weight above 0 keeps them" in done.err


def sentence(folder: Path, *words: str) -> str:
    return here("report", folder, *words).sentence


def test_what_is_no_finished_run_is_refused(copied: Path, tmp_path: Path) -> None:
    assert "is no run folder: it has no config.yaml" in sentence(tmp_path)
    (copied / "result.json").unlink()
    assert "holds no result.json: its run has not finished" in sentence(copied)
    (copied / "result.json").write_text("{")
    assert "result.json is damaged" in sentence(copied)
    assert not (copied / "figures").exists()


def test_a_folder_copied_by_halves_or_changed_is_refused(copied: Path) -> None:
    result = read_json(copied / "result.json")
    result["student"]["test"]["wer"] = 0.01
    (copied / "result.json").write_text(json.dumps(result))
    assert "result.json was edited: it says student.test is" in sentence(copied)
    path = copied / "hypotheses.baseline.test.ctm"
    path.write_text(path.read_text() + "\n")
    assert "hypotheses.baseline.test.ctm is not as the run left it" in sentence(copied)
    path.unlink()
    assert "was copied by halves: it lacks hypotheses.baseline.test.ctm" in sentence(copied)


def test_damaged_relations_are_refused(copied: Path) -> None:
    path = copied / "student.objective.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    assert "student.objective.safetensors is damaged or cut short" in sentence(copied)
