"""What `--include` says of modules that cannot be watched."""

from __future__ import annotations

import importlib
import py_compile
import sys
import zipfile
from pathlib import Path

import pytest

from raceproof.instrument.inclusion import objection


@pytest.mark.parametrize(
    "name",
    ["json", "json.decoder", "unittest.mock", "random", "linecache", "typing", "enum", "asyncio",
     "email", "http", "decimal", "importlib.metadata", "click", "rich"],
)  # fmt: skip
def test_python_source_can_be_watched(name: str) -> None:
    assert objection(name, sys.path) == ""


def test_nothing_is_imported_to_find_out(tmp_path: Path) -> None:
    package = tmp_path / "loudly"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "inner.py").touch()
    assert objection("loudly.inner", [str(tmp_path)]) == ""
    assert "loudly" not in sys.modules


def test_namespace_package_can_be_watched(tmp_path: Path) -> None:
    (tmp_path / "space" / "inner").mkdir(parents=True)
    (tmp_path / "space" / "inner" / "leaf.py").touch()
    assert objection("space", [str(tmp_path)]) == ""
    assert objection("space.inner.leaf", [str(tmp_path)]) == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("threading", "stands in for it"),
        ("concurrent.futures", "stands in for it"),
        ("os", "stands in for it"),
        ("os.path", "stands in for it"),
        ("importlib", "the interpreter itself works with it"),
        ("importlib.machinery", "the interpreter itself works with it"),
        ("encodings.utf_8", "the interpreter itself works with it"),
        ("raceproof.events", "does not watch itself"),
        ("greenlet", "does not watch itself"),
        ("itertools", "part of the interpreter"),
        ("jsonn", "there is no module jsonn (did you mean json?)"),
        ("json.decodr", "there is no module json.decodr (did you mean decoder?)"),
        ("json.decoder.deeper", "json.decoder is a module, not a package"),
        ("no-module", "not the name of a module"),
        ("json.py", "(a file goes by the module it is: json)"),
        ("json.", "not the name of a module"),
    ],
)
def test_reason_why_a_module_cannot_be_watched(name: str, reason: str) -> None:
    assert reason in objection(name, sys.path)


def test_compiled_module_has_no_source() -> None:
    compiled = [
        name
        for name in ("_json", "_random", "_elementtree", "_ctypes")
        if hasattr(importlib.import_module(name), "__file__")
    ]
    if not compiled:
        pytest.skip("everything is built in here")
    assert "compiled code" in objection(compiled[0], sys.path)


def test_module_without_source_is_named_as_such(tmp_path: Path) -> None:
    source = tmp_path / "bare.py"
    source.write_text("x = 1")
    py_compile.compile(str(source), cfile=str(tmp_path / "bare.pyc"))
    source.unlink()
    assert "only its compiled form" in objection("bare", [str(tmp_path)])


def test_module_in_an_archive_is_named_as_such(tmp_path: Path) -> None:
    archive = tmp_path / "packed.egg"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("packed/__init__.py", "")
        packed.writestr("packed/inner.py", "")
    assert "archive" in objection("packed", [str(archive)])
    assert "archive" in objection("packed.inner", [str(archive)])
