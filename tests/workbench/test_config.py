from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from workbench.config import ConfigError, Incidental, Section, config_hash, load_config, write_config


class Part(Section):
    weight: float = 1.0
    options: dict[str, Any] = Field(default_factory=dict)


class Stage(Section):
    name: str
    epochs: int = 1
    rates: tuple[float, ...] = ()


class Corpus(Section):
    root: str | None = None
    fps: int = 25


class Config(Section):
    title: str
    seed: int = 0
    out: Annotated[str, Incidental] = "runs"
    mode: Literal["fast", "slow"] = "fast"
    data: Corpus = Corpus()
    network: dict[str, Any] = Field(default_factory=dict)
    parts: dict[str, Part] = Field(default_factory=dict)
    stages: tuple[Stage, ...] = ()


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    folder = tmp_path / "configs"
    write(folder / "data" / "phoenix.yaml", "root: /phoenix\nfps: 25\n")
    write(folder / "data" / "csl.yaml", "root: /csl\nfps: 30\n")
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(path: Path, *words: str) -> Config:
    return load_config(path, words, schema=Config)


def faults(path: Path, *words: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, *words)
    return [str(fault) for fault in caught.value.faults]


FULL = """\
title: full
data: phoenix
network: {_target_: a.B, width: 8, depth: 2}
parts:
  one: {weight: 0.5, options: {kind: near, reach: 3}}
  two: {}
stages:
  - {name: first, epochs: 3}
  - {name: second, rates: [1e-3, 1e-4]}
"""


def test_a_file_becomes_an_object_with_defaults(configs: Path) -> None:
    config = load(write(configs / "full.yaml", FULL))
    assert (config.title, config.seed, config.mode) == ("full", 0, "fast")
    assert config.data == Corpus(root="/phoenix", fps=25)
    assert config.stages[1].rates == (1e-3, 1e-4)
    assert config.parts["one"].weight == 0.5


def test_a_configuration_cannot_be_changed(configs: Path) -> None:
    config = load(write(configs / "full.yaml", FULL))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


def test_a_file_is_laid_over_its_base_key_by_key(configs: Path) -> None:
    write(configs / "full.yaml", FULL)
    over = write(configs / "more" / "over.yaml", "base: ../full.yaml\ntitle: over\nparts: {one: {weight: 2}}\n")
    config = load(over)
    assert config.title == "over"
    assert config.parts["one"] == Part(weight=2, options={"kind": "near", "reach": 3})
    assert "two" in config.parts
    assert config.data.root == "/phoenix"


def test_a_base_may_have_a_base(configs: Path) -> None:
    write(configs / "a.yaml", "title: a\nseed: 1\nmode: slow\n")
    write(configs / "b.yaml", "base: a.yaml\nseed: 2\n")
    assert load(write(configs / "c.yaml", "base: b.yaml\ntitle: c\n")) == Config(title="c", seed=2, mode="slow")


def test_another_target_replaces_the_node_and_the_same_one_is_merged(configs: Path) -> None:
    write(configs / "full.yaml", FULL)
    other = load(write(configs / "other.yaml", "base: full.yaml\nnetwork: {_target_: a.C, depth: 5}\n"))
    same = load(write(configs / "same.yaml", "base: full.yaml\nnetwork: {_target_: a.B, depth: 5}\n"))
    silent = load(write(configs / "silent.yaml", "base: full.yaml\nnetwork: {depth: 5}\n"))
    assert other.network == {"_target_": "a.C", "depth": 5}
    assert same.network == silent.network == {"_target_": "a.B", "width": 8, "depth": 5}


def test_another_kind_replaces_the_mapping_too(configs: Path) -> None:
    write(configs / "full.yaml", FULL)
    over = write(configs / "over.yaml", "base: full.yaml\nparts: {one: {options: {kind: far}}}\n")
    assert load(over).parts["one"].options == {"kind": "far"}


def test_a_list_replaces_the_list_below(configs: Path) -> None:
    write(configs / "full.yaml", FULL)
    over = write(configs / "over.yaml", "base: full.yaml\nstages: [{name: only}]\n")
    assert [stage.name for stage in load(over).stages] == ["only"]


def test_null_replaces_a_value(configs: Path) -> None:
    write(configs / "full.yaml", FULL)
    assert load(write(configs / "over.yaml", "base: full.yaml\ndata: {root: null}\n")).data == Corpus(root=None, fps=25)


def test_a_base_that_leads_back_is_a_fault(configs: Path) -> None:
    write(configs / "a.yaml", "base: b.yaml\ntitle: a\n")
    path = write(configs / "b.yaml", "base: a.yaml\n")
    assert any("is its own base" in fault for fault in faults(path))


@pytest.mark.parametrize(
    ("base", "message"), [("missing.yaml", "does not exist"), ("[a, b]", "should be the path of one")]
)
def test_a_base_that_is_no_file_is_a_fault(configs: Path, base: str, message: str) -> None:
    assert message in faults(write(configs / "a.yaml", f"base: {base}\ntitle: a\n"))[0]


def test_a_missing_file_suggests_its_neighbours(configs: Path) -> None:
    write(configs / "synthetic.yaml", FULL)
    assert "did you mean synthetic.yaml?" in faults(configs / "synthetc.yaml")[0]


def test_data_by_name_replaces_the_section_of_the_base(configs: Path) -> None:
    write(configs / "full.yaml", FULL.replace("data: phoenix", "data: {root: /own, fps: 50}"))
    write(configs / "data" / "brief.yaml", "root: /brief\n")
    assert load(write(configs / "over.yaml", "base: full.yaml\ndata: brief\n")).data == Corpus(root="/brief", fps=25)
    assert load(configs / "full.yaml", "data=brief").data == Corpus(root="/brief", fps=25)


def test_a_mapping_of_data_is_laid_over_the_named_corpus_of_the_base(configs: Path) -> None:
    write(configs / "full.yaml", FULL)
    assert load(write(configs / "over.yaml", "base: full.yaml\ndata: {root: /mine}\n")).data == Corpus(
        root="/mine", fps=25
    )


def test_a_corpus_file_may_have_a_base(configs: Path) -> None:
    write(configs / "data" / "csl-small.yaml", "base: csl.yaml\nroot: /small\n")
    assert load(write(configs / "full.yaml", FULL), "data=csl-small").data == Corpus(root="/small", fps=30)


@pytest.mark.parametrize("words", [("data=csl", "data.root=/mine"), ("data.root=/mine", "data=csl")])
def test_data_by_name_comes_before_other_words_whatever_their_order(configs: Path, words: tuple[str, str]) -> None:
    assert load(write(configs / "full.yaml", FULL), *words).data == Corpus(root="/mine", fps=30)


def test_data_is_found_from_a_folder_below_the_configurations(configs: Path) -> None:
    assert load(write(configs / "studies" / "a.yaml", FULL), "data=csl").data.fps == 30


def test_data_may_be_the_path_of_a_file(configs: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "mine.yaml", "root: /mine\n")
    assert load(write(configs / "full.yaml", FULL), f"data={own}").data.root == "/mine"
    relative = write(configs / "relative.yaml", "title: a\ndata: ../mine.yaml\n")
    assert load(relative).data.root == "/mine"


def test_an_unknown_corpus_suggests_the_known_ones(configs: Path) -> None:
    found = faults(write(configs / "full.yaml", FULL.replace("title: full", "seed: x")), "data=phenix", "seed")
    assert len(found) == 4
    assert found[1].startswith("data (command line): no corpus is called 'phenix'; did you mean phoenix")


def test_a_fault_in_a_corpus_file_is_placed_under_data(configs: Path) -> None:
    write(configs / "data" / "twice.yaml", "fps: 1\nfps: 2\nrot: /x\n")
    found = faults(write(configs / "full.yaml", FULL), "data=twice")
    assert [fault.split(" ")[0] for fault in found] == ["data.fps", "data.rot"]
    assert "data/twice.yaml:2" in found[0].replace("\\", "/")
    assert "did you mean root?" in found[1]


def test_words_override_values_of_every_type(configs: Path) -> None:
    path = write(configs / "full.yaml", FULL)
    config = load(
        path,
        "seed=012",
        "parts.one.weight=1e-4",
        "title=NO",
        "data.root=null",
        "stages.0.epochs=7",
        "stages.second.epochs=9",
    )
    assert (config.seed, config.parts["one"].weight, config.title, config.data.root) == (12, 1e-4, "NO", None)
    assert [stage.epochs for stage in config.stages] == [7, 9]


def test_the_last_of_two_words_wins(configs: Path) -> None:
    assert load(write(configs / "full.yaml", FULL), "seed=1", "seed=2").seed == 2


def test_a_value_may_hold_an_equals_sign_or_a_colon(configs: Path) -> None:
    assert load(write(configs / "full.yaml", FULL), "title=a=b: c").title == "a=b: c"


def test_a_word_may_set_what_the_schema_knows_and_the_file_left_out(configs: Path) -> None:
    config = load(write(configs / "a.yaml", "title: a\n"), "data.fps=50", "mode=slow")
    assert (config.data.fps, config.mode) == (50, "slow")


def test_a_word_may_give_a_component_a_further_argument(configs: Path) -> None:
    path = write(configs / "full.yaml", FULL)
    assert load(path, "network.dropout=0.1").network["dropout"] == 0.1
    assert load(path, "parts.two.options.reach=3").parts["two"].options == {"reach": 3}


@pytest.mark.parametrize("swapped", [False, True])
def test_another_target_by_word_drops_the_arguments_of_the_old_one(configs: Path, swapped: bool) -> None:
    words = ["network._target_=a.C", "network.depth=9"]
    config = load(write(configs / "full.yaml", FULL), *(reversed(words) if swapped else words))
    assert config.network == {"_target_": "a.C", "depth": 9}


def test_the_same_target_by_word_keeps_the_arguments(configs: Path) -> None:
    assert load(write(configs / "full.yaml", FULL), "network._target_=a.B").network["width"] == 8


def test_a_new_entry_of_an_open_mapping_comes_whole(configs: Path) -> None:
    path = write(configs / "full.yaml", FULL)
    config = load(path, "parts.three.options.a=5", "parts.three={weight: 3}")
    assert config.parts["three"] == Part(weight=3, options={"a": 5})
    assert "parts.oen.weight (command line): no such key; did you mean one?" in faults(path, "parts.oen.weight=3")


def test_a_list_may_be_replaced_and_then_changed(configs: Path) -> None:
    config = load(write(configs / "full.yaml", FULL), "stages.0.epochs=4", "stages=[{name: x}]")
    assert config.stages == (Stage(name="x", epochs=4),)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sed=3", "sed (command line): no such key; did you mean seed?"),
        ("epochs=3", "no such key; did you mean stages.0.epochs?"),
        ("data.rot=3", "data.rot (command line): no such key; did you mean root?"),
        ("data.root.deeper=3", "data.root is '/phoenix', there is nothing in it to set"),
        ("stages.5.epochs=3", "the list has 2 items, none called '5'"),
        ("stages.frist.epochs=3", "did you mean first?"),
        ("stages.0.epoch=3", "did you mean epochs?"),
        ("seed", "is no override: write dotted.key=value"),
        ("=3", "is no override"),
        ("data..root=3", "is no override"),
        ("seed=", "has no value after the = sign: write null for none"),
        ("base=other.yaml", "base (command line): no such key"),
        ("seed=3.5", "seed (command line): should be a whole number, got 3.5"),
        ("seed='3'", "seed (command line): should be a whole number, got '3'"),
        ("mode=fats", "mode (command line): should be 'fast' or 'slow', got 'fats'"),
        ("stages=[1, 2", "not valid YAML"),
        ("network=5", "network (command line): should be a mapping, got 5"),
        ("parts.one=5", "parts.one (command line): should be a mapping"),
    ],
)
def test_a_word_that_does_not_fit_is_a_fault_with_its_remedy(configs: Path, word: str, message: str) -> None:
    assert any(message in fault for fault in faults(write(configs / "full.yaml", FULL), word))


def test_every_fault_is_listed_with_place_line_and_value(configs: Path) -> None:
    text = "titel: x\nseed: many\ndata:\n  fps: 2.5\n  rot: /x\nstages:\n  - {name: a, epochs: yes}\n  - {epochs: 2}\n"
    path = write(configs / "bad.yaml", text)
    found = [fault.replace(f"{path}", "bad.yaml") for fault in faults(path, "mode=x", "sed=1")]
    assert found == [
        "titel (bad.yaml:1): unknown key; did you mean title?",
        "seed (bad.yaml:2): should be a whole number, got 'many'",
        "data.fps (bad.yaml:4): should be a whole number, got 2.5",
        "data.rot (bad.yaml:5): unknown key; did you mean root?",
        "stages.0.epochs (bad.yaml:7): should be a whole number, got 'yes'",
        "stages.1.name (bad.yaml:8): is missing",
        "mode (command line): should be 'fast' or 'slow', got 'x'",
        "sed (command line): no such key; did you mean seed?",
        "title (bad.yaml): is missing",
    ]


def test_the_error_reads_as_a_list(configs: Path) -> None:
    path = write(configs / "bad.yaml", "title: a\nseed: x\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path} has 1 fault:\n  seed ({path}:2): should be a whole number, got 'x'"


def test_an_unreadable_corpus_hides_no_faults_elsewhere_and_causes_none(configs: Path) -> None:
    write(configs / "data" / "broken.yaml", "root: [\n")
    found = faults(write(configs / "bad.yaml", "title: a\nseed: x\ndata: broken\n"))
    assert len(found) == 2
    assert found[0].startswith("seed ")
    assert "not valid YAML" in found[1]


def test_an_unreadable_file_is_not_followed_by_a_hail_of_missing_keys(configs: Path) -> None:
    assert len(faults(write(configs / "bad.yaml", "title: [a\n"))) == 1


def test_a_repeated_key_is_reported_beside_other_faults(configs: Path) -> None:
    found = faults(write(configs / "bad.yaml", "title: a\ntitle: b\nseed: x\n"))
    assert ["stands twice" in found[0], "seed" in found[1]] == [True, True]


def test_a_written_configuration_is_read_back_equal(configs: Path, tmp_path: Path) -> None:
    config = load(write(configs / "full.yaml", FULL), "title=NO", "seed=3", "parts.one.weight=1e-9")
    write_config(config, tmp_path / "run" / "config.yaml")
    again = load(tmp_path / "run" / "config.yaml")
    assert again == config
    assert config_hash(again) == config_hash(config)


def test_the_hash_follows_every_setting_except_incidental_ones(configs: Path) -> None:
    path = write(configs / "full.yaml", FULL)
    before = config_hash(load(path))
    assert config_hash(load(path, "out=elsewhere")) == before
    changes = [
        "seed=1",
        "data.fps=1",
        "network.width=9",
        "parts.two.weight=3",
        "stages.0.epochs=9",
        "stages.0.rates=[1]",
    ]
    assert len({before, *(config_hash(load(path, word)) for word in changes)}) == len(changes) + 1


def test_the_hash_does_not_depend_on_how_a_value_is_written(configs: Path) -> None:
    one = write(configs / "one.yaml", "title: a\nparts: {x: {weight: 1e-1}, y: {}}\n")
    two = write(configs / "two.yaml", "parts: {y: {weight: 1}, x: {weight: 0.1}}\ntitle: a\nseed: 0\n")
    assert config_hash(load(one)) == config_hash(load(two))


def test_a_number_that_is_not_finite_is_a_fault_wherever_it_stands(configs: Path) -> None:
    path = write(
        configs / "endless.yaml",
        "title: a\nnetwork: {width: .inf}\nparts:\n  x: {weight: .nan}\nstages: [{name: s, rates: [0.1, -.inf]}]\n",
    )
    assert faults(path, "parts.x.options={deep: {er: .inf}}") == [
        f"network.width ({path}:2): should be a finite number, got inf",
        f"parts.x.weight ({path}:4): should be a finite number, got nan",
        "parts.x.options.deep.er (command line): should be a finite number, got inf",
        f"stages.0.rates.1 ({path}:5): should be a finite number, got -inf",
    ]
