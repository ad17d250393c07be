"""Records of finished runs: they say what the folders say, and nothing in them is taken on trust."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import os
import shutil
import stat
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import read_transcripts, score
from tests.workbench.study.made import STUDY, edit_json, make_all, make_run, planned, sentences, usual
from workbench.config import content_hash
from workbench.disk import NoRoomError
from workbench.lock import alone_with
from workbench.study import kept_file
from workbench.study.collect import Collected, collect
from workbench.study.estimate import estimate
from workbench.study.grid import Cell, Grid
from workbench.study.hypothesis_codes import decode, encode, occurring
from workbench.study.kept_file import KeptRuns, check_kept, default_file, keep_runs, read_kept
from workbench.study.kept_record import digest
from workbench.study.records import as_plain
from workbench.study.sheet import Sheet, make_sheet
from workbench.study.summary import Summary, summarise

KD = Cell("kd", 0)
ALL_COLUMNS = ["dev_wer", "test_wer", "test_ci95", "test_sdi", "difference", "p", "gap_closed", "pla_all"]
ALL_COLUMNS += ["pla_non_blank", "pla_dense", "teacher_wer", "alone_wer", "params", "macs", "epoch_seconds"]
ALL_COLUMNS += ["train_seconds"]


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    """A study whose runs are done."""
    study = copy.deepcopy(STUDY)
    study["columns"] = ALL_COLUMNS
    grid = planned(tmp_path, study)
    make_all(grid, usual)
    return grid


@pytest.fixture
def file(grid: Grid, tmp_path: Path) -> Path:
    """The records of its runs."""
    path = tmp_path / "records.json"
    keep_runs(path, collect(grid).finished)
    return path


def without_folders(grid: Grid, *records: Path) -> Collected:
    """What is found when the run folders are gone."""
    if grid.out.is_dir():
        shutil.rmtree(grid.out)
    return collect(grid, records=[read_kept(path) for path in records])


def shown(summary: Summary) -> dict[str, Any]:
    """All that a table says, but for where its runs are."""
    plain = as_plain(summary)
    for row in plain["rows"]:
        for run in row["runs"]:
            del run["folder"], run["record"]
    return plain


def sheet_without_origin(summary: Summary) -> Sheet:
    sheet = make_sheet(summary)
    sheet.remarks = [remark for remark in sheet.remarks if "known from records" not in remark]
    return sheet


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> KeptRuns:
    edit_json(path, change)
    return read_kept(path)


def entry_of(content: dict[str, Any], cell: Cell = KD) -> dict[str, Any]:
    return next(entry for entry in content["runs"].values() if (entry["row"], entry["seed"]) == (cell.row, cell.seed))


def test_the_table_of_the_records_is_that_of_the_folders_to_the_last_digit(grid: Grid, file: Path) -> None:
    of_folders = summarise(grid, collect(grid))
    plain, sheet = shown(of_folders), asdict(sheet_without_origin(of_folders))
    of_records = summarise(grid, without_folders(grid, file))
    assert not of_records.problems
    assert shown(of_records) == plain
    assert asdict(sheet_without_origin(of_records)) == sheet
    for ours, theirs in zip(of_records.rows, of_folders.rows, strict=True):
        assert (ours.figures, ours.dev, ours.test) == (theirs.figures, theirs.dev, theirs.test)
        assert (ours.comparison, ours.gap) == (theirs.comparison, theirs.gap)
    assert "6 of 6 runs are known from records alone." in make_sheet(of_records).remarks


def test_every_score_of_a_record_is_that_of_its_folder(grid: Grid, file: Path) -> None:
    networks = [(role, split) for role in ("teacher", "baseline", "student") for split in ("dev", "test")]
    folders = collect(grid).finished
    reports = {cell: [run.report(*network) for network in networks] for cell, run in folders.items()}
    told = {cell: (run.clips, run.commit, run.wall_seconds, run.finished) for cell, run in folders.items()}
    assert told[KD][1:] == ("0123456789abcdef", 65.0, "2026-01-01T00:00:00+00:00")
    for cell, run in without_folders(grid, file).finished.items():
        assert [run.report(*network) for network in networks] == reports[cell]
        assert (run.clips, run.commit, run.wall_seconds, run.finished) == told[cell]
        assert run.epoch_seconds("student") == 3.5
        assert run.place == f"the record of {cell} in {file}"


def test_uncommitted_changes_are_told_of_folders_and_records(grid: Grid, tmp_path: Path) -> None:
    edit_json(grid.out / grid.runs[KD].name / "environment.json", lambda found: found.update(uncommitted_changes=True))
    found = summarise(grid, collect(grid))
    sentence = "Made at commit 0123456789 with uncommitted changes, 0123456789."
    assert sentence in make_sheet(found).remarks
    keep_runs(tmp_path / "kept.json", collect(grid).finished)
    kept = summarise(grid, without_folders(grid, tmp_path / "kept.json"))
    assert sentence in make_sheet(kept).remarks
    assert as_plain(kept)["commits_with_uncommitted_changes"] == ["0123456789abcdef"]


def test_a_record_of_a_version_that_knew_nothing_of_uncommitted_changes_is_read(grid: Grid, file: Path) -> None:
    def without(found: dict[str, Any]) -> None:
        for content, entry in found["runs"].items():
            del entry["uncommitted_changes"]
            entry["digest"] = digest(content, entry)

    edit_json(file, without)
    assert [run.uncommitted_changes for run in without_folders(grid, file).finished.values()] == [None] * 6


def test_scores_of_records_and_folders_may_be_paired(grid: Grid, file: Path) -> None:
    """As where the other half of a study was made on another machine."""
    whole = shown(summarise(grid, collect(grid)))
    for cell, run in grid.runs.items():
        if cell.seed == 1:
            shutil.rmtree(grid.out / run.name)
    mixed = collect(grid, records=[read_kept(file)])
    assert [found.run.folder is None for found in mixed.cells.values() if found.run] == [False, True, False] * 2
    assert shown(summarise(grid, mixed)) == whole
    assert "2 of 6 runs are known from records alone." in make_sheet(summarise(grid, mixed)).remarks


def test_the_same_runs_give_the_same_bytes_in_any_order(grid: Grid, file: Path, tmp_path: Path) -> None:
    once = file.read_bytes()
    finished = collect(grid).finished
    for cell in reversed([*finished]):
        keep_runs(tmp_path / "singly.json", {cell: finished[cell]})
    assert (tmp_path / "singly.json").read_bytes() == once
    keep_runs(file, finished)
    assert file.read_bytes() == once
    keep_runs(tmp_path / "records.json.gz", finished)
    assert gzip.decompress((tmp_path / "records.json.gz").read_bytes()) == once
    assert read_kept(tmp_path / "records.json.gz").runs.keys() == read_kept(file).runs.keys()


def test_what_runs_share_is_there_once(grid: Grid, tmp_path: Path) -> None:
    """Both losses have the same teacher and the same student alone, as a store of networks gives them."""
    for run in grid.runs.values():
        for role in ("teacher", "baseline"):
            first = grid.out / grid.runs[Cell("kd", run.cell.seed)].name
            for split in ("dev", "test"):
                name = f"hypotheses.{role}.{split}.ctm"
                if first != grid.out / run.name:
                    shutil.copy(first / name, grid.out / run.name / name)
        _count_again(grid, run.cell)
    assert keep_runs(tmp_path / "shared.json", collect(grid).finished) == 6
    content = json.loads((tmp_path / "shared.json").read_text())
    assert len(content["networks"]) == 6 + 3 + 3
    assert len(content["references"]) == 1
    assert len(content["settings"]) < 12, "sections that rows and seeds share are there once"


def _count_again(grid: Grid, cell: Cell) -> None:
    """Let the ledger of a run agree with hypotheses that were put there."""
    folder = grid.out / grid.runs[cell].name
    steps, result = (json.loads((folder / name).read_text()) for name in ("steps.json", "result.json"))
    for role in ("teacher", "baseline"):
        for split in ("dev", "test"):
            name = f"hypotheses.{role}.{split}.ctm"
            steps["networks"]["outputs"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            sides = [
                {clip: one.glosses for clip, one in read_transcripts(folder / path).items()}
                for path in (f"references.{split}.stm", name)
            ]
            result[role][split] = score(*sides, "raw").counts.as_dict()
    (folder / "steps.json").write_text(json.dumps(steps))
    (folder / "result.json").write_text(json.dumps(result))


def test_runs_that_are_there_stay_and_the_same_run_is_replaced(grid: Grid, file: Path) -> None:
    before = read_kept(file)
    shutil.rmtree(grid.out)
    make_run(grid.runs[KD], {"teacher": 0.1, "baseline": 0.4, "student": 0.3})
    assert keep_runs(file, collect(grid).finished) == 6
    after = read_kept(file)
    changed = [content for content, run in after.runs.items() if run.entry != before.runs[content].entry]
    assert changed == [grid.runs[KD].content]
    assert len(json.loads(file.read_text())["networks"]) == 18, "what nothing refers to any more is not kept"


def test_files_of_two_machines_are_put_together(grid: Grid, tmp_path: Path) -> None:
    finished = collect(grid).finished
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    for row, path in zip(("kd", "crd"), files, strict=True):
        keep_runs(path, {cell: run for cell, run in finished.items() if cell.row == row})
    keep_runs(tmp_path / "both.json", finished)
    keep_runs(tmp_path / "merged.json", without_folders(grid, *files).finished)
    assert (tmp_path / "merged.json").read_bytes() == (tmp_path / "both.json").read_bytes()


def _lower(entry: dict[str, Any]) -> None:
    entry["counts"]["student"]["test"]["sub"] -= 1


@pytest.mark.parametrize(
    "change",
    [
        _lower,
        lambda entry: entry.update(seed=5),
        lambda entry: entry.update(corpus="RWTH-PHOENIX-Weather 2014"),
        lambda entry: entry["measured"]["params"].update(student=1),
        lambda entry: entry["epoch_seconds"].update(student=0.1),
        lambda entry: entry.update(machine=None),
        lambda entry: entry["networks"].update(student=entry["networks"]["teacher"]),
    ],
)
def test_an_edited_record_is_named_and_refused_and_the_others_are_not(
    grid: Grid, file: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    found = edited(file, lambda content: change(entry_of(content)))
    assert len(found.runs) == 5
    collected = without_folders(grid, file)
    assert [cell for cell, one in collected.cells.items() if one.status == "refused"] == [KD]
    assert collected.cells[KD].reason.startswith("the record of kd, seed ")
    assert "was edited: restore the file, or do the run again" in collected.cells[KD].reason
    with pytest.raises(ValueError, match="was edited"):
        check_kept(file)


def _better_reading(content: dict[str, Any]) -> None:
    network = content["networks"][entry_of(content)["networks"]["student"]]
    network["test"] = content["networks"][entry_of(content)["networks"]["teacher"]]["test"]


def _other_weight(content: dict[str, Any]) -> None:
    content["settings"][entry_of(content)["settings"]["distillation"]]["losses"]["kd"]["weight"] = 9.0


def _other_sentences(content: dict[str, Any]) -> None:
    references = content["references"][entry_of(content)["references"]]
    references["test"] = references["test"].replace("RAIN", "SUN")


@pytest.mark.parametrize(
    ("change", "kind", "refused"),
    [(_better_reading, "networks", 1), (_other_weight, "settings", 3), (_other_sentences, "references", 6)],
)
def test_an_edited_part_is_named_by_every_run_that_refers_to_it(
    file: Path, change: Callable[[dict[str, Any]], None], kind: str, refused: int
) -> None:
    found = edited(file, change)
    assert len(found.refused) == refused
    assert all("was edited, in " in sentence and f" of its {kind}" in sentence for sentence in found.refused.values())


def _signed(content: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> None:
    """An edit by somebody who knows how digests are made."""
    entry = entry_of(content)
    filed = next(key for key, one in content["runs"].items() if one is entry)
    change(entry)
    entry["digest"] = digest(filed, entry)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_lower, "does not hold together: it says student.test is "),
        (lambda entry: entry.update(protocol="phoenix2014"), "it says protocol phoenix2014, and its settings say raw"),
        (lambda entry: entry["counts"].pop("teacher"), "name other networks"),
        (lambda entry: entry.update(settings=dict(entry["settings"], run="0")), "0 is not among the settings"),
        (lambda entry: entry.pop("finished"), "is damaged (KeyError('finished'))"),
    ],
)
def test_counts_are_not_trusted_even_with_the_right_digest(
    file: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    (sentence,) = edited(file, lambda content: _signed(content, change)).refused.values()
    assert told in sentence


def test_a_record_under_the_wrong_settings_is_refused(file: Path) -> None:
    """As when a run of other settings is to pass for one of the study."""

    def refile(content: dict[str, Any]) -> None:
        entry, other = entry_of(content), entry_of(content, Cell("crd", 0))
        filed = next(key for key, one in content["runs"].items() if one is entry)
        content["runs"][filed] = other
        other["digest"] = digest(filed, other)

    sentences = [*edited(file, refile).refused.values()]
    assert any("its settings are not those that it is filed under" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("data.protocol=phoenix2014", "data.protocol: 'raw' instead of 'phoenix2014'"),
        ("data.corpus.profile=small", "data.corpus.profile: 'tiny' instead of 'small'"),
        ("evaluate.decoder=greedy", "evaluate.decoder: 'beam' instead of 'greedy'"),
    ],
)
def test_records_of_another_corpus_protocol_or_decoder_are_not_taken_and_told(
    grid: Grid, file: Path, tmp_path: Path, word: str, told: str
) -> None:
    other = planned(tmp_path / "other", words=[word])
    collected = collect(other, records=[read_kept(file)])
    assert not collected.finished
    assert collected.cells[KD].reason == (
        f"not run yet; the record of kd, seed 0 in {file} is another configuration, it has {told}"
    )
    (sentence,) = collected.strangers
    assert f"is no run of this study: from crd, seed 0 it differs in {told}; 5 more in this file" in sentence


def test_records_of_other_seeds_are_nothing_to_speak_of(grid: Grid, file: Path, tmp_path: Path) -> None:
    assert collect(planned(tmp_path, seeds=[0]), records=[read_kept(file)]).strangers == []


def test_a_record_of_other_clips_under_the_same_settings_is_refused(grid: Grid, file: Path) -> None:
    shutil.rmtree(grid.out)
    odd = Cell("crd", 1)
    make_run(grid.runs[odd], usual(odd), wanted={split: sentences(seed=9) for split in ("dev", "test")})
    collected = collect(grid, records=[read_kept(file)])
    assert [cell for cell, found in collected.cells.items() if found.status == "refused"] == [odd]
    assert "read other clips of simulated corpus" in collected.cells[odd].reason
    assert collected.cells[odd].reason.endswith(f"than the record of kd, seed 0 in {file}")


def test_a_damaged_folder_does_not_hide_behind_its_record(grid: Grid, file: Path) -> None:
    (grid.out / grid.runs[KD].name / "hypotheses.test.ctm").unlink()
    collected = collect(grid, records=[read_kept(file)])
    assert collected.cells[KD].status == "done"
    (sentence,) = collected.strangers
    assert "was copied by halves: it lacks hypotheses.test.ctm; the record of kd, seed 0 in " in sentence


def test_a_record_stays_one_when_the_workbench_has_learned_new_settings(grid: Grid, file: Path) -> None:
    """It is found by what it asks for now, and kept anew without its old self beside it."""

    def forget(content: dict[str, Any]) -> None:
        entry = entry_of(content)
        filed = next(key for key, one in content["runs"].items() if one is entry)
        plain = {name: content["settings"][part] for name, part in entry["settings"].items()}
        plain["data"] = {key: value for key, value in plain["data"].items() if key != "max_padding"}
        name = content_hash(plain["data"])[:20]
        content["settings"][name] = plain["data"]
        entry["settings"]["data"] = name
        del content["runs"][filed]
        content["runs"][content_hash(plain)] = entry
        entry["digest"] = digest(content_hash(plain), entry)

    assert edited(file, forget).refused == {}
    collected = without_folders(grid, file)
    assert collected.cells[KD].status == "done"
    assert keep_runs(file, collected.finished) == 6


def test_a_record_whose_settings_are_no_longer_known_is_refused_with_the_setting(file: Path) -> None:
    def unknown(content: dict[str, Any]) -> None:
        entry = entry_of(content)
        filed = next(key for key, one in content["runs"].items() if one is entry)
        plain = {name: dict(content["settings"][part]) for name, part in entry["settings"].items()}
        plain["evaluate"]["gone"] = 1
        name = content_hash(plain["evaluate"])[:20]
        content["settings"][name] = plain["evaluate"]
        entry["settings"]["evaluate"] = name
        del content["runs"][filed]
        content["runs"][content_hash(plain)] = entry
        entry["digest"] = digest(content_hash(plain), entry)

    (sentence,) = edited(file, unknown).refused.values()
    assert "has settings that this version does not take: evaluate.gone" in sentence


@pytest.mark.parametrize("content", ["", "{", "[]", '{"runs": {}}', '{"format": "other"}', "\x1f"])
@pytest.mark.parametrize("name", ["records.json", "records.json.gz"])
def test_a_file_that_is_none_of_records_is_named_and_left_alone(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=f"{name} "):
        read_kept(path)
    with pytest.raises(ValueError, match=f"{name} "):
        keep_runs(path, {})
    assert path.read_text() == content


def test_two_processes_that_keep_runs_lose_none(grid: Grid, tmp_path: Path) -> None:
    path, finished = tmp_path / "records.json", collect(grid).finished
    halves = [{cell: run for cell, run in finished.items() if cell.seed == seed} for seed in (0, 1)]
    other = threading.Thread(target=lambda: keep_runs(path, halves[1]))
    with alone_with(path):
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive()
        assert not path.exists()
        kept_file._add_runs(path, halves[0], {})
    other.join(timeout=60)
    assert {run.cell.seed for run in read_kept(path).runs.values()} == {0, 1}
    assert len(read_kept(path).runs) == len(halves[0]) + len(halves[1])


def test_a_file_is_never_written_by_halves(grid: Grid, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()
    shutil.rmtree(grid.out)
    make_run(grid.runs[KD], {"teacher": 0.1, "baseline": 0.4, "student": 0.3})
    finished = collect(grid).finished

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(NoRoomError, match="the disk is full"):
            keep_runs(file, finished)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir() if "part" in path.name] == []
    keep_runs(file, finished)
    assert file.read_bytes() != before
    assert stat.S_IMODE(file.stat().st_mode) & 0o400


def test_an_edited_record_is_not_written_on(grid: Grid, file: Path) -> None:
    edit_json(file, lambda content: _lower(entry_of(content)))
    text = file.read_text()
    finished = {cell: run for cell, run in collect(grid).finished.items() if cell != KD}
    with pytest.raises(ValueError, match=r"the record of kd, seed 0 in .* was edited"):
        keep_runs(file, finished)
    assert file.read_text() == text


def test_the_time_of_what_is_left_does_not_count_on_networks_of_another_machine(grid: Grid, file: Path) -> None:
    """The teacher of a recorded run is not in this store."""
    finished = without_folders(grid, file).finished
    pending = [Cell("crd", 0)]
    left = estimate(grid, {cell: run for cell, run in finished.items() if cell not in pending}, pending)
    assert left.seconds[pending[0]] == pytest.approx(60 + 1 + 60 + 60 + 5)


def test_machines_are_told_apart_where_there_are_several(grid: Grid, tmp_path: Path) -> None:
    for cell, run in grid.runs.items():
        environment = {"cpu": "Some CPU", "threads": 2, "packages": {"torch": "2.14.1"}}
        environment["cuda_devices"] = ["Some GPU"] if cell.row == "kd" else []
        edit_json(grid.out / run.name / "environment.json", lambda found, add=environment: found.update(add))
    summary = summarise(grid, collect(grid))
    machines = summary.machines
    told = "Made on 2 kinds of machine, between which seconds cannot be compared: Some GPU, torch 2.14.1; Some CPU, "
    assert any(remark.startswith(told) for remark in make_sheet(summary).remarks)
    keep_runs(tmp_path / "machines.json", collect(grid).finished)
    assert summarise(grid, without_folders(grid, tmp_path / "machines.json")).machines == machines


def test_the_records_of_a_study_lie_beside_it() -> None:
    assert default_file("experiments/losses.yaml") == Path("experiments/records/losses.json")
    assert kept_file.PARTS == ("settings", "references", "networks")


GLOSSES = st.lists(st.text("ABCÄß-+", min_size=1, max_size=3), unique=True, max_size=90)


@given(st.data())
def test_coded_hypotheses_come_back_as_they_were(data: st.DataObject) -> None:
    glosses = data.draw(GLOSSES)
    clips = [f"clip-{number}" for number in range(data.draw(st.integers(1, 6)))]
    sentence = st.lists(st.sampled_from(glosses), max_size=5).map(tuple) if glosses else st.just(())
    read = {clip: words for clip in clips if (words := data.draw(st.none() | sentence)) is not None}
    known = occurring([read])
    assert decode(encode(read, clips, known), clips, known) == read


@pytest.mark.parametrize(
    ("text", "told"), [("0 1", "hypotheses of 2 clips instead of 1"), ("5", "says no glosses"), ("", "of 0 clips")]
)
def test_a_code_of_nothing_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode(text, ["clip"], ["RAIN", "SUN"])


def test_a_code_has_as_many_signs_as_the_glosses_need() -> None:
    glosses = [f"G{number}" for number in range(65)]
    assert encode({"clip": ("G0", "G64")}, ["clip", "other"], glosses) == "0010 ~"
    assert encode({"clip": ("G0", "G63"), "other": ()}, ["clip", "other"], glosses[:64]) == "0_ ."
