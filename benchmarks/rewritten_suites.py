"""Runs test suites as they are and with modules rewritten, and shows which tests fare differently.

Suites of packages run in an environment that is made for them, with pinned versions; those of the
standard library run as they come with the interpreter.  The exit status is 0 if no test differs.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from measure_suite import SuiteOutcome
from processes import HERE, machine_description
from suites import PACKAGES, Suite, standard_library
from tables import table

PATIENCE = 1_200
"""Seconds for one run of one suite."""
PIP = ("-m", "pip", "--disable-pip-version-check", "-q")
BASE = ("pytest==9.2.0", "greenlet", "click==8.5.1", "rich")


class Broken(Exception):
    """A suite cannot be run at all; the message says why."""


class Environment:
    """A virtual environment with the packages under test, and their tests beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.python = directory / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    def prepare(self, suites: Sequence[Suite]) -> None:
        """Install what the suites need, unless it is there."""
        wanted = sorted(
            {*BASE, *(s.package for s in suites), *(n for s in suites for n in s.needs)}
        )
        done = self.directory / "installed.json"
        if done.is_file() and set(wanted) <= set(json.loads(done.read_text())):
            return
        print(f"installing {len(wanted)} packages ...", file=sys.stderr, flush=True)
        if not self.python.exists():
            _call(sys.executable, "-m", "venv", str(self.directory / "venv"))
        _call(str(self.python), *PIP, "install", *wanted)
        done.write_text(json.dumps(wanted))

    def tests(self, suite: Suite) -> Path:
        """A directory with the tests of a package, and nothing else of it."""
        target = self.directory / "tests" / suite.name
        if not target.is_dir():
            with tempfile.TemporaryDirectory() as downloads:
                _call(str(self.python), *PIP, "download", "--no-deps", "--no-binary", ":all:",
                      "-d", downloads, suite.package)  # fmt: skip
                (archive,) = Path(downloads).iterdir()
                with tarfile.open(archive) as packed:
                    packed.extractall(downloads, filter="data")
                (tree,) = (p for p in Path(downloads).iterdir() if p.is_dir())
                fresh = target.with_name(target.name + ".new")
                shutil.rmtree(fresh, ignore_errors=True)
                fresh.mkdir(parents=True)
                for part in suite.parts:
                    if (tree / part).is_dir():
                        shutil.copytree(tree / part, fresh / part)
                    else:
                        shutil.copy(tree / part, fresh / part)
                fresh.rename(target)
        return target


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def run(
    suite: Suite, python: str, directory: Path, rewrite: Sequence[str], execute: bool = False
) -> SuiteOutcome:
    """One run of a suite in a process of its own."""
    command = [python, "-W", "ignore", str(HERE / "measure_suite.py"), f"--runner={suite.runner}",
               f"--directory={directory}", f"--rewrite={','.join(rewrite)}",
               *(["--execute"] if execute else []), "--", *suite.arguments]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parent / "src"),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise Broken(f"no answer within {PATIENCE} s") from None
    for line in reversed(done.stdout.splitlines()):
        if line.startswith('{"outcomes"'):
            return SuiteOutcome(**json.loads(line))
    raise Broken(f"no answer, exit status {done.returncode}\n{done.stderr[-2000:]}")


def different(one: SuiteOutcome, other: SuiteOutcome) -> list[str]:
    """The tests that fare differently."""
    names = sorted(one.outcomes.keys() | other.outcomes.keys())
    return [name for name in names if one.outcomes.get(name) != other.outcomes.get(name)]


def count(outcome: SuiteOutcome) -> str:
    """How many passed and failed."""
    results = list(outcome.outcomes.values())
    return f"{results.count('passed'):,} / {results.count('failed'):,}"


class Comparison:
    """All suites, each plain and rewritten."""

    def __init__(self, environment: Environment, details: bool, execute: bool) -> None:
        self._environment = environment
        self._details = details
        self._execute = execute
        self.rows: list[list[str]] = []
        self.failures = 0

    def add(self, suite: Suite) -> None:
        """Run a suite both ways."""
        try:
            self._compare(suite)
        except Broken as problem:
            self.failures += 1
            self.rows.append([suite.name, "-", "-", "-", "-", "BROKEN"])
            print(f"{suite.name}: {problem}", flush=True)

    def _compare(self, suite: Suite) -> None:
        start = perf_counter()
        if suite.package:
            python, directory = str(self._environment.python), self._environment.tests(suite)
        else:
            python, directory = sys.executable, self._environment.directory
        plain = run(suite, python, directory, ())
        changed = run(suite, python, directory, suite.rewrite, self._execute)
        if "passed" not in plain.outcomes.values():
            raise Broken("no test passes\n" + "\n".join(list(plain.details.values())[:3]))
        found = different(plain, changed)
        if found:  # some tests depend on more than the code
            again = run(suite, python, directory, ())
            found = [name for name in found if name not in different(plain, again)]
        expected = [n for n in found if any(fnmatch.fnmatch(n, p) for p in suite.different)]
        unexpected = [name for name in found if name not in expected]
        self.failures += len(unexpected)
        self.rows.append(
            [suite.name, str(len(changed.rewritten)), count(plain), count(changed),
             str(len(expected) or ""), str(len(unexpected) or "")]
        )  # fmt: skip
        print(f"{suite.name}: {perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        for name in unexpected:
            before, after = plain.outcomes.get(name), changed.outcomes.get(name)
            print(f"{suite.name}: {name}: {before} -> {after}", flush=True)
            if self._details:
                print(changed.details.get(name, ""), flush=True)


def has_tests(suite: Suite) -> bool:
    """Whether this interpreter comes with the tests."""
    try:
        return importlib.util.find_spec(suite.arguments[0]) is not None
    except ImportError:
        return False


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], help="suites with this in their name"
    )
    parser.add_argument("--no-packages", action="store_true", help="only the standard library")
    parser.add_argument("--no-library", action="store_true", help="only packages")
    parser.add_argument("--scratch", type=Path, help="a directory for the environment, to be kept")
    parser.add_argument("--details", action="store_true", help="show how tests fail")
    parser.add_argument("--execute", action="store_true", help="rewritten with hooks at work")
    given = parser.parse_args()

    suites = [] if given.no_library else list(filter(has_tests, standard_library()))
    suites += [] if given.no_packages else PACKAGES
    if given.only:
        suites = [s for s in suites if any(text in s.name for text in given.only)]
    with tempfile.TemporaryDirectory(prefix="raceproof-suites-") as temporary:
        directory = (given.scratch or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        environment = Environment(directory)
        packages = [suite for suite in suites if suite.package]
        if packages:
            environment.prepare(packages)
        comparison = Comparison(environment, given.details, given.execute)
        for suite in suites:
            comparison.add(suite)
    head = ["suite", "modules", "plain", "rewritten", "known", "different"]
    print()
    print(table("Tests passed / failed, plain and rewritten", head, comparison.rows))
    print(machine_description())
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
