"""Every public name has a docstring with an example, and the examples are right."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import raceproof

FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE
DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


@pytest.mark.parametrize("name", raceproof.__all__)
def test_example(name: str) -> None:
    if name == "load_ipython_extension":
        pytest.importorskip("IPython")
    (example,) = doctest.DocTestFinder(recurse=False).find(
        getattr(raceproof, name), name, globs={"__name__": "example"}
    )
    assert example.examples
    ended = doctest.DocTestRunner(optionflags=FLAGS).run(example)
    assert ended.failed == 0


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_page(page: Path) -> None:
    ended = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS)
    assert ended.failed == 0
