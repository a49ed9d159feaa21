"""The test suites of two libraries, run as they are under `pytest --raceproof`: no false alarms.

    python benchmarks/libraries.py [--only NAME] [--keep DIRECTORY]

The interpreter needs raceproof and pytest.  The source packages are fetched with pip, in the
versions that stand below, and unpacked; nothing in them is changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Library:
    """A library, and which of its tests start threads or stand beside such tests."""

    name: str
    version: str
    tests: tuple[str, ...]
    path: str
    """Where its package lies, for the import path."""
    left_out: tuple[str, ...] = ()
    """Tests that raceproof is right about: they take a sleep for an order."""


LIBRARIES = (
    Library("cachetools", "8.0.2", ("tests/test_threading.py", "tests/test_cached.py"), "src"),
    Library(
        "prometheus_client",
        "0.26.0",
        ("tests/test_core.py", "tests/test_graphite_bridge.py"),
        ".",
        # Waits for a worker by sleeping for 0.7 s; if the worker is late, the test fails.
        ("tests/test_core.py::TestGauge::test_function_decorator_multithread",),
    ),
)


def fetch(library: Library, directory: Path) -> Path:
    """Download and unpack the source package; returns its directory."""
    found = list(directory.glob(f"{library.name}-{library.version}"))
    if found:
        return found[0]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary",
         library.name, "--dest", str(directory), f"{library.name}=={library.version}"],
        check=True,
    )  # fmt: skip
    (archive,) = directory.glob(f"{library.name}-{library.version}.tar.gz")
    with tarfile.open(archive) as package:
        package.extractall(directory, filter="data")
    return directory / f"{library.name}-{library.version}"


def run(library: Library, directory: Path) -> int:
    """Run its tests; returns pytest's exit status."""
    root = fetch(library, directory)
    tests = [test for test in library.tests if (root / test).exists()]
    left_out = [f"--deselect={test}" for test in library.left_out]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--raceproof",
            "-p",
            "no:cacheprovider",
            *left_out,
            *tests,
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / library.path)},
        check=False,
    ).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of a library's name")
    parser.add_argument("--keep", help="where the packages go, and stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(options.keep or temporary)
        directory.mkdir(exist_ok=True)
        results = {
            library.name: run(library, directory)
            for library in LIBRARIES
            if options.only in library.name
        }
    for name, status in results.items():
        print(f"{name}: {'no false alarm' if status == 0 else f'pytest ended with {status}'}")
    return int(any(results.values()))


if __name__ == "__main__":
    sys.exit(main())
