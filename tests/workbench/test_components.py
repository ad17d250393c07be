from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workbench import parts
from workbench import targets
from workbench.components import build, check, check_arguments
from workbench.faults import ConfigError

PARTS = "tests.workbench.parts"


@pytest.fixture(autouse=True)
def _tests_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "ALLOWED_ROOTS", (*targets.ALLOWED_ROOTS, "tests.workbench"))


def node(path: str, /, **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"{PARTS}.{path}", **arguments}


def faults(value: Any, *added: str) -> list[str]:
    return [str(fault) for fault in check(value, ("student", "network"), added=added)]


def only_fault(value: Any, *added: str) -> str:
    found = faults(value, *added)
    assert len(found) == 1, found
    return found[0]


def test_a_node_is_built_with_its_arguments_and_nodes_within_it() -> None:
    built = build(
        node(
            "Box", width=3, ratio=2, shape=[1, 2], where="a/b", inner=node("Box", width=4), pair=[node("Box", width=5)]
        )
    )
    assert built == parts.Box(3, 2.0, (1, 2), where=Path("a/b"), inner=parts.Box(4), pair=(parts.Box(5),))
    assert isinstance(built.ratio, float)
    assert isinstance(built.shape, tuple)


def test_only_added_arguments_that_the_signature_takes_are_passed_also_to_nodes_within() -> None:
    built = build(node("Open", part=node("Base", depth=1)), num_classes=7, layout="sign-27", params=[1])
    assert (built.rest["part"].num_classes, built.rest["part"].layout) == (7, "sign-27")
    assert set(built.rest) == {"part"}


def test_options_that_a_typed_dictionary_names_are_arguments_like_any_other() -> None:
    for name in ("Optioned", "InheritingOptions"):
        built = build(node(name, width=2, height=3), colour="red")
        assert (built.width, built.options) == (2, {"height": 3, "colour": "red"})
        assert only_fault(node(name, height=3, colours="red")).endswith("no such argument; did you mean colour?")
        assert "height: should be a whole number" in only_fault(node(name, height="tall"))
        assert only_fault(node(name, colour="red")).endswith("needs this argument")


def test_nodes_within_lists_and_mappings_are_built() -> None:
    built = build(node("Open", items=[node("Box", width=1), 2], table={"a": node("Box", width=3)}))
    assert built.rest == {"items": [parts.Box(1), 2], "table": {"a": parts.Box(3)}}


def test_a_component_of_torch_is_built() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = build(
        {"_target_": "torch.optim.AdamW", "lr": 1e-3, "betas": [0.8, 0.9]}, params=[weight], num_classes=3
    )
    assert optimizer.defaults["betas"] == (0.8, 0.9)
    assert optimizer.defaults["lr"] == 1e-3


def test_checking_calls_nothing() -> None:
    assert check(node("Exploding", fuse=1)) == []
    with pytest.raises(AssertionError, match="was called"):
        build(node("Exploding"))


def test_all_faults_of_a_node_and_of_nodes_within_it_are_listed_with_their_places() -> None:
    found = faults(node("Box", widht=3, ratio="wide", inner=node("Box", width=1.5), parts=[node("Bix")]))
    assert found == [
        "student.network.widht: tests.workbench.parts.Box has no such argument; did you mean width?",
        "student.network.ratio: should be a number, got 'wide'",
        "student.network.inner.width: should be a whole number, got 1.5",
        "student.network.parts.0._target_: tests.workbench.parts has no component 'Bix'; did you mean Box?",
        "student.network.width: tests.workbench.parts.Box needs this argument",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": "3"}, "width: should be a whole number, got '3'"),
        ({"width": True}, "width: should be a whole number, got True"),
        ({"width": 3.0}, "width: should be a whole number, got 3.0"),
        ({"width": None}, "width: should be a whole number, got None"),
        ({"width": 1, "ratio": True}, "ratio: should be a number, got True"),
        ({"width": 1, "flag": 1}, "flag: should be true or false, got 1"),
        ({"width": 1, "name": 5}, "name: should be text, got 5"),
        ({"width": 1, "shape": 5}, "shape: should be a list, got 5"),
        ({"width": 1, "shape": [1, "x"]}, "shape.1: should be a whole number, got 'x'"),
        ({"width": 1, "mode": "fats"}, "mode: should be 'fast' or 'slow', got 'fats'"),
        ({"width": 1, "inner": 3}, "inner: should be a component (a mapping with _target_), got 3"),
        ({"width": 1, "inner": {"width": 3}}, "inner: should be a component"),
        ({"width": 1, "parts": [3]}, "parts.0: should be a component"),
    ],
)
def test_an_argument_of_the_wrong_type_is_a_fault(arguments: dict[str, Any], message: str) -> None:
    assert message in only_fault(node("Box", **arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 1, "ratio": 2},
        {"width": 1, "name": None},
        {"width": 1, "shape": []},
        {"width": 1, "by_name": {"a": [1, {"b": None}]}},
        {"width": 1, "inner": None},
    ],
)
def test_an_argument_of_the_right_type_is_none(arguments: dict[str, Any]) -> None:
    assert faults(node("Box", **arguments)) == []


def test_an_annotation_that_cannot_be_evaluated_checks_nothing() -> None:
    assert faults(node("Odd", typed_elsewhere="anything", rate=0.5)) == []


def test_of_a_union_the_members_that_yaml_can_write_are_checked() -> None:
    assert "rate: should be a number, got 'fast'" in only_fault(node("Odd", typed_elsewhere=1, rate="fast"))


def test_a_function_to_be_called_cannot_be_written_as_text() -> None:
    assert "call: should be a component" in only_fault(node("Odd", typed_elsewhere=1, call="len"))


def test_an_inherited_constructor_is_checked_too() -> None:
    assert "depth: should be a whole number" in only_fault(node("Inheriting", depth="deep"), "num_classes")


def test_an_argument_that_is_added_is_neither_missing_nor_to_be_given() -> None:
    assert faults(node("Base", depth=1), "num_classes") == []
    assert only_fault(node("Base", depth=1)).startswith("student.network.num_classes: ")
    assert "leave it out" in only_fault(node("Base", depth=1, num_classes=3), "num_classes")


def test_a_signature_with_open_names_takes_any_argument() -> None:
    assert faults(node("Open", anything=3)) == []
    assert "first: should be a whole number" in only_fault(node("Open", first="x"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("os.system", "os.system is not allowed: components live under slr, kd, "),
        ("builtins.eval", "is not allowed"),
        ("torch.load", "is not allowed"),
        ("torch.nnn.Linear", "is not allowed"),
        (f"{PARTS}.os.system", "has no component 'os'"),
        (f"{PARTS}.system", "comes from posix"),
        (f"{PARTS}._Private", "is private"),
        (f"{PARTS}.Box.__init__", "is private"),
        (f"{PARTS}.number", "is a int and cannot be called"),
        (f"{PARTS}.unexported", "does not export"),
        (f"{PARTS}.Holder.method", "does not export"),
        (f"{PARTS}.Abstract", "is abstract"),
        (f"{PARTS}.Missing", "has no component 'Missing'"),
        ("tests.workbench.prats.Box", "has no component 'prats'; did you mean parts?"),
        (PARTS, "is a module: name something in it"),
        ("torch.nn.Liner", "did you mean Linear"),
        ("torch.optim.adamw.AdamW", "write torch.optim.AdamW instead of torch.optim.adamw.AdamW"),
        ("", "should be a dotted path"),
        ("torch.nn.Linear()", "should be a dotted path"),
        (3, "should be a dotted path such as students.SomeNetwork, got 3"),
    ],
)
def test_a_target_that_may_not_be_called_is_a_fault(path: Any, message: str) -> None:
    found = only_fault({"_target_": path})
    assert found.startswith("student.network._target_: ")
    assert message in found


def test_exported_functions_and_class_methods_may_build() -> None:
    assert build(node("make_box", width=2)) == parts.Box(2)
    assert build(node("Holder.of", width=2)) == parts.Box(2)


def test_a_module_that_lacks_a_package_is_a_fault_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lacking.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(targets, "ALLOWED_ROOTS", ("lacking",))
    assert "lacking cannot be imported: No module named 'no_such_package_at_all'" in only_fault(
        {"_target_": "lacking.X"}
    )


def test_a_class_of_the_wrong_kind_is_a_fault() -> None:
    found = check({"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}, kind=torch.optim.Optimizer)
    assert "torch.nn.Linear cannot stand here: it is no torch.optim.optimizer.Optimizer" in str(found[0])


@pytest.mark.parametrize("value", [None, 3, "students.STGT", {"width": 3}, []])
def test_what_is_no_node_is_a_fault(value: Any) -> None:
    assert "should be a component" in only_fault(value)


def test_options_of_a_known_class_are_checked_like_a_node() -> None:
    assert check_arguments(f"{PARTS}.Box", {"width": 1}) == []
    assert "did you mean width" in str(check_arguments(f"{PARTS}.Box", {"widht": 1})[0])
    assert "leave _target_ out" in str(check_arguments(f"{PARTS}.Box", {"_target_": "x"})[0])
    assert "should be a mapping" in str(check_arguments(f"{PARTS}.Box", 3)[0])


def test_building_a_faulty_node_raises_all_its_faults() -> None:
    with pytest.raises(ConfigError, match="2 faults") as caught:
        build(node("Box", widht=3))
    assert len(caught.value.faults) == 2
