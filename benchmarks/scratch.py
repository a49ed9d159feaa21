"""Environments with pinned packages: made once, kept in a cache folder, one for each interpreter
and set of packages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from processes import HERE, Interpreter

ROOT = HERE.parent
FACTS = """
import sys, sysconfig
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
print("%d.%d.%d" % sys.version_info[:3])
"""


class CannotInstall(Exception):
    """An environment could not be made; the message says why."""


def minor_of(version: str) -> str:
    """`3.12` of `3.12.1`."""
    return ".".join(version.split(".")[:2])


class Interpreters:
    """The interpreters of this machine, looked for when they are asked for."""

    def __init__(self, given: Sequence[str]) -> None:
        self._given = tuple(given)
        self._known: list[Interpreter] | None = None

    def find(self, version: str | None) -> Interpreter | None:
        """One of this minor version (None: of that which runs this), rather of the very version."""
        wanted = version or "{}.{}.{}".format(*sys.version_info)
        if self._known is None:
            self._known = list(self._look())
        fitting = [one for one in self._known if minor_of(one.version) == minor_of(wanted)]
        exact = [one for one in fitting if one.version == wanted]
        return next(iter([*exact, *fitting]), None)

    def _look(self) -> Iterator[Interpreter]:
        seen: set[str] = set()
        for path in [*self._given, sys.executable, *self._on_path(), *self._of_pyenv()]:
            real = os.path.realpath(path)
            # A shim stands for another file, so ask the interpreter itself.
            if real in seen:
                continue
            seen.add(real)
            try:
                asked = subprocess.run([path, "-c", FACTS], capture_output=True, text=True)
            except OSError:
                continue
            if asked.returncode == 0:
                yield Interpreter(path, asked.stdout.strip())

    @staticmethod
    def _on_path() -> Iterator[str]:
        for directory in os.get_exec_path():
            for minor in range(11, 16):
                path = os.path.join(directory, f"python3.{minor}")
                if os.access(path, os.X_OK):
                    yield path

    @staticmethod
    def _of_pyenv() -> Iterator[str]:
        for root in (os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")):
            if root:
                yield from map(str, sorted(Path(root).glob("versions/3.*/bin/python")))


def dependencies() -> list[str]:
    """What raceproof itself needs."""
    with open(ROOT / "pyproject.toml", "rb") as stream:
        found: list[str] = tomllib.load(stream)["project"]["dependencies"]
    return found


def environment_with(interpreter: Interpreter, pins: Sequence[str], cache: Path) -> Path:
    """The Python of an environment with `pins` and raceproof's dependencies.

    Raises `CannotInstall`.
    """
    wanted = [*sorted(pins), *dependencies()]
    text = "\n".join([interpreter.path, interpreter.version, *wanted])
    name = f"{minor_of(interpreter.version)}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    directory = cache / name
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = directory / "installed.txt"
    if finished.exists() and python.exists():
        return python
    # One that was interrupted is made anew.
    shutil.rmtree(directory, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    _run([interpreter.path, "-m", "venv", str(directory)])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, *wanted])
    finished.write_text(text + "\n", encoding="utf-8")
    return python


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise CannotInstall(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        what = " ".join(command[1:4])
        raise CannotInstall(f"{what} failed: {said[-1] if said else done.returncode}")
