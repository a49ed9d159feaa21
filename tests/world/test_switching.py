"""How often the interpreter switches between threads."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from world.simulation import value


def test_a_program_gets_what_it_sets_and_nothing_is_really_set() -> None:
    real = sys.getswitchinterval  # of the interpreter, whatever it is called in an execution

    def program() -> Any:
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        return before, sys.getswitchinterval(), functions[0]()

    usual = sys.getswitchinterval()
    functions = [real]
    for _ in range(2):
        before, after, really = value(program)
        assert before == really == usual
        assert after == pytest.approx(1e-6)
    assert sys.getswitchinterval() == usual


@pytest.mark.parametrize("interval", [0, -1, "often"])
def test_misuse(interval: Any) -> None:
    def program() -> None:
        with pytest.raises((ValueError, TypeError)):
            sys.setswitchinterval(interval)

    value(program)
