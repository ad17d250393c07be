from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workbench import yaml_text
from workbench.faults import Fault
from workbench.yaml_text import dump_yaml, parse_word, parse_yaml, read_yaml


def parsed(text: str) -> Any:
    faults: list[Fault] = []
    node = parse_yaml(text, "file.yaml", faults)
    assert not faults
    assert node is not None
    return node.plain()


def word(text: str) -> Any:
    faults: list[Fault] = []
    node = parse_word(text, "command line", faults)
    assert not faults
    assert node is not None
    return node.plain()


def faults_of(text: str) -> list[str]:
    faults: list[Fault] = []
    parse_yaml(text, "file.yaml", faults)
    return [str(fault) for fault in faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("-2.5", -2.5),
        (".5", 0.5),
        ("3.", 3.0),
        ("-.inf", -math.inf),
        ("012", 12),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
    ],
)
def test_a_scalar_has_its_yaml_1_2_value(text: str, value: Any) -> None:
    for read in (parsed(f"a: {text}")["a"], word(text)):
        assert read == value
        assert type(read) is type(value)


@pytest.mark.parametrize(
    "text", ["NO", "no", "ON", "off", "yes", "y", "2001-12-14", "12:30:00", "1_000", "1e", "0b1", "="]
)
def test_what_only_yaml_1_1_takes_for_something_else_is_text(text: str) -> None:
    assert parsed(f"a: {text}") == {"a": text}
    assert word(text) == text


def test_not_a_number_is_read() -> None:
    assert math.isnan(parsed("a: .nan")["a"])


def test_a_key_such_as_no_stays_text() -> None:
    assert parsed("NO: 1\non: 2") == {"NO": 1, "on": 2}


def test_every_repeated_key_is_named_with_both_lines() -> None:
    found = faults_of("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert found == [
        "b.c (file.yaml:4): the key stands twice, first at file.yaml:3",
        "a (file.yaml:5): the key stands twice, first at file.yaml:1",
    ]


BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "not valid YAML"),
        ("a: *x", "found undefined alias"),
        ("a: &x [*x]", "this alias stands within what it stands for"),
        ("a: &x {b: {c: *x}}", "a.b.c (file.yaml:1): this alias stands within"),
        (BOMB, "it has more than 100000 values"),
        ("a: !!python/object/apply:os.system [ls]", "the tag tag:yaml.org,2002:python/object/apply:os.system is not"),
        ("a: !!timestamp 2001-12-14", "is not supported"),
        ("1: a", "a key must be a word"),
        ("? [1, 2]\n: a", "a key must be a word"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("", "file.yaml is empty"),
        ("# only a remark", "file.yaml is empty"),
        ("a: \x01", "special characters are not allowed"),
        ("[" * 3000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_a_fault_and_no_exception(text: str, message: str) -> None:
    found = faults_of(text)
    assert any(message in fault for fault in found), found


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("a: ä".encode("latin-1"))
    faults: list[Fault] = []
    for name in ("latin.yaml", "missing.yaml", "."):
        assert read_yaml(tmp_path / name, faults) is None
    reasons = ["is not UTF-8", "there is no such file", "it is a folder"]
    assert all(reason in str(fault) for reason, fault in zip(reasons, faults, strict=True)), faults


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("﻿a: 1".encode())
    node = read_yaml(path, [])
    assert node is not None
    assert node.plain() == {"a": 1}


def test_an_alias_stands_for_a_value_of_its_own() -> None:
    node = parse_yaml("a: &x {b: 1}\nc: *x\n", "file.yaml", [])
    assert node is not None
    assert node.plain() == {"a": {"b": 1}, "c": {"b": 1}}
    assert node.at(("a",)) is not node.at(("c",))


def test_every_value_knows_its_line() -> None:
    node = parse_yaml("a:\n  b: 1\n  c:\n    - 2\n    - 3\n", "file.yaml", [])
    assert node is not None
    origins = {place: found.origin for place in [("a", "b"), ("a", "c"), ("a", "c", 1)] if (found := node.at(place))}
    assert origins == {("a", "b"): "file.yaml:2", ("a", "c"): "file.yaml:3", ("a", "c", 1): "file.yaml:5"}


@pytest.mark.parametrize(
    "text", ["C:\\data", "a: b # c", "*star", "&amp", "@home", "- x", "100%", "|", "kd.losses.CTC"]
)
def test_a_plain_word_is_taken_as_it_stands(text: str) -> None:
    assert word(text) == text


def test_a_word_can_be_a_collection_or_quoted_text() -> None:
    assert word("[1, 1e-4, NO]") == [1, 1e-4, "NO"]
    assert word("{a: {b: true}, c: null}") == {"a": {"b": True}, "c": None}
    assert word("'12'") == "12"
    assert word('"true"') == "true"


def test_a_broken_collection_in_a_word_is_a_fault() -> None:
    faults: list[Fault] = []
    parse_word("[1, 2", "command line", faults)
    parse_word("{a: 1, a: 2}", "command line", faults)
    assert "not valid YAML" in str(faults[0])
    assert "the key stands twice" in str(faults[1])


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text
keys = text.filter(lambda key: key != "")
plain = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@given(st.text(alphabet="ab1~:- [],{}'\"\n#&*|>?.", max_size=24))
def test_libyaml_reads_what_the_reader_in_python_does(text: str) -> None:
    faults: list[Fault] = []
    with mock.patch.object(yaml_text, "_FastReader", yaml_text._Reader):
        slow = parse_yaml(text, "file.yaml", faults)
    if slow is not None:  # libyaml forgives a little more, such as a tab at the end of a line
        fast = parse_yaml(text, "file.yaml", [])
        assert fast is not None
        assert fast.plain() == slow.plain()


@given(st.dictionaries(keys, plain, min_size=1, max_size=4))
def test_what_is_written_is_read_back_the_same(value: dict[str, Any]) -> None:
    assert parsed(dump_yaml(value)) == value


@given(st.lists(text, max_size=5))
def test_text_is_written_so_that_a_yaml_1_1_reader_takes_it_for_text(words: list[str]) -> None:
    assert yaml.safe_load(dump_yaml({"a": words})) == {"a": words}


def test_a_number_and_the_text_that_looks_like_it_stay_apart() -> None:
    value = {"a": [1e-5, "1e-5", 12, "012", True, "true", None, "null", "", "~", "NO", "0o7"]}
    again = parsed(dump_yaml(value))
    assert again == value
    assert [type(item) for item in again["a"]] == [type(item) for item in value["a"]]
