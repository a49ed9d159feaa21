"""The examples are ordinary scripts: they compile, explain themselves, and stand in the index."""

import ast
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def indexed() -> list[str]:
    """The scripts that the index links to, in its order."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    return re.findall(r"\]\(([^)]+\.py)\)", text)


def imported_modules(tree: ast.Module) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    return modules


def test_there_are_examples() -> None:
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_compiles_and_says_what_to_expect(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    compile(source, str(script), "exec")
    assert ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_does_not_import_raceproof(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    assert "raceproof" not in imported_modules(tree)


def test_the_index_lists_every_example_once_in_order() -> None:
    assert indexed() == [script.name for script in SCRIPTS]
