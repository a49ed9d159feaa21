"""The sample project under pytest: in one process and in two, with coverage, without the plugin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent.parent / "sample_project"
EXPLORED = 17
"""Tests that start threads and are not skipped on the way."""


class Sample:
    """A copy of the project, and how to run its tests."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "sample"
        shutil.copytree(SAMPLE, self.directory, ignore=shutil.ignore_patterns("__pycache__"))
        self.log = directory / "log"

    def run(self, *options: str) -> str:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "COV_", "CI"))
        }
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "--strict-markers", "-rA", "-p", "no:randomly",
             *options],
            cwd=self.directory, env={**environment, "SAMPLE_LOG": str(self.log), "COLUMNS": "80"},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert not ended.stderr, ended.stderr
        return ended.stdout

    def notes(self) -> Counter[str]:
        return Counter(self.log.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path)


def failed(output: str) -> set[str]:
    return {line.split()[1] for line in output.splitlines() if line.startswith("FAILED ")}


FAILURES = {"test_failing.py::test_lost_update", "test_failing.py::test_deadlock"}


def test_in_one_process(sample: Sample) -> None:
    output = sample.run("--raceproof")
    assert failed(output) == FAILURES
    assert f"raceproof: {EXPLORED} tests explored, " in output
    assert "2 failed, 15 passed, 1 skipped, 1 xfailed" in output
    notes = sample.notes()
    for scope in ("session", "package", "module", "class"):
        assert notes[f"set up {scope}"] == notes[f"tear down {scope}"] == 1
    # One in the test without threads, several in the others.
    assert notes["set up function"] == notes["tear down function"] > 20
    assert (
        "test_scopes.py::TestScopes::test_every_scope changes the module-scoped fixture "
        "'module_account'" in output
    )


def test_in_two_processes(sample: Sample) -> None:
    output = sample.run("--raceproof", "-n", "2")
    assert failed(output) == FAILURES
    assert f"raceproof: {EXPLORED} tests explored, " in output
    assert "lost update (RP101): the update of Account.balance" in output
    assert "2 failed, 15 passed, 1 skipped, 1 xfailed" in output


def test_with_coverage(sample: Sample) -> None:
    output = sample.run("--raceproof", "--cov=ledger", "--cov-branch", "--cov-report=json")
    assert failed(output) == FAILURES
    data = json.loads((sample.directory / "coverage.json").read_text(encoding="utf-8"))
    (ledger,) = data["files"].values()
    # The only line that no test comes to.
    source = (SAMPLE / "ledger.py").read_text(encoding="utf-8").splitlines()
    missing = [source[line - 1].strip() for line in ledger["missing_lines"]]
    assert missing == ['raise ValueError(f"{name} is there already")']


def test_without_the_flag_only_marked_tests_are_explored(sample: Sample) -> None:
    output = sample.run()
    assert "raceproof: 3 tests explored, " in output
    assert failed(output) == FAILURES


def test_without_the_plugin(sample: Sample) -> None:
    output = sample.run("-p", "no:raceproof", "--ignore", "test_failing.py")
    assert "raceproof:" not in output
    assert "15 passed, 1 skipped, 1 xfailed" in output


def test_failing_interleavings_are_run_first(sample: Sample) -> None:
    first = sample.run("test_failing.py")
    assert "complete: 4 of 4 interleavings" in first
    again = sample.run("--lf", "test_failing.py")
    assert "an interleaving that failed before still fails" in " ".join(again.split())
    source = sample.directory / "ledger.py"
    text = source.read_text(encoding="utf-8")
    mended = text.replace("self.balance += amount\n\n\n@data", "self.balance = 3\n\n\n@data")
    source.write_text(mended, encoding="utf-8")
    assert "FAILED test_failing.py::test_lost_update" not in sample.run("--lf")
