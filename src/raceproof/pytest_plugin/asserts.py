"""pytest rewrites assertions, raceproof rewrites accesses: first the one, then the other.

Both work on the syntax tree of the same module, so the code that is watched has assertions that
explain themselves.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

import pytest

from raceproof.instrument.loader import Preparation, Preparing


def preparing(config: pytest.Config) -> Preparing:
    """What pytest does to the trees of modules whose assertions it rewrites."""
    from _pytest.assertion.rewrite import AssertionRewritingHook, assertstate_key, rewrite_asserts

    passes = config.getini("enable_assertion_pass_hook")
    tag = f"pytest {pytest.__version__} {passes}"

    def prepare(module: str, file: str, source: bytes) -> Preparation | None:
        present = sys.modules.get(module)
        loader = getattr(getattr(present, "__spec__", None), "loader", None)
        state: Any = config.stash.get(assertstate_key, None)
        hook = getattr(state, "hook", None)
        rewrites = isinstance(loader, AssertionRewritingHook) or (
            present is None and hook is not None and hook._should_rewrite(module, file, state)
        )
        if not rewrites:
            return None

        def change(tree: ast.Module) -> None:
            rewrite_asserts(tree, source, file, config)
            _complete_locations(tree)

        return Preparation(tag, change)

    return prepare


def _complete_locations(tree: ast.Module) -> None:
    """What pytest has added begins somewhere, and ends there."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", None)
        if line is not None and getattr(node, "end_lineno", None) is None:
            place: Any = node
            place.end_lineno, place.end_col_offset = line, place.col_offset
