"""No exported network escapes the tests that hold for all networks."""

from __future__ import annotations

import pytest
from torch import nn

import students
import teachers
from tests import nets


@pytest.mark.parametrize("package", [students, teachers], ids=["students", "teachers"])
def test_every_exported_network_has_a_row_in_the_table(package: object) -> None:
    exported = {name: getattr(package, name) for name in package.__all__}
    networks = {name for name, thing in exported.items() if isinstance(thing, type) and issubclass(thing, nn.Module)}
    assert networks, "the package exports no network"
    assert networks <= nets.ROWS.keys()
    assert all(nets.ROWS[name] for name in networks)
