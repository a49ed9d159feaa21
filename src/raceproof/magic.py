"""The IPython magic `%%raceproof`: explores the code of a cell.

The cell runs in the namespace of the notebook, which is put back after each interleaving: what the
cell defines is gone afterwards.
"""

from __future__ import annotations

import itertools
import linecache
import os
import tomllib
from collections.abc import Container, Iterable
from typing import Any, Final

from raceproof.functions import FunctionStage
from raceproof.instrument.loader import Loader
from raceproof.library import Report, explore_target
from raceproof.programs import Stage
from raceproof.settings import BadSetting, options_for
from raceproof.world.belongings import Root
from raceproof.world.record import Record

_numbers: Final = itertools.count(1)


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext raceproof`: makes `%%raceproof` known.

    What follows on its line are settings, separated by blanks.

    >>> from IPython.core.interactiveshell import InteractiveShell
    >>> shell = InteractiveShell()
    >>> result = shell.run_line_magic("load_ext", "raceproof")
    >>> report = shell.run_cell_magic("raceproof", "max_seconds=5", "print('hello')")
    >>> report.verdict
    'ok'
    """
    shell.register_magic_function(
        lambda line, cell: explore_cell(shell, line, cell), "cell", "raceproof"
    )


def explore_cell(shell: Any, line: str, cell: str) -> Report:
    """Explore a cell; `line` has settings, as `max_seconds=5 keep_going=true`."""
    target = CellTarget(shell.transform_cell(cell), shell.user_ns)
    return explore_target(target, options_for(target.directory, settings_in(line)))


def settings_in(line: str) -> dict[str, Any]:
    """Settings as text; values as in TOML, where words need no quotes."""
    found: dict[str, Any] = {}
    for part in line.split():
        name, equals, value = part.partition("=")
        if not equals:
            raise BadSetting(f"{part!r} is no setting: write name=value, as max_seconds=5")
        try:
            found[name.replace("-", "_")] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name.replace("-", "_")] = value
    return found


class CellTarget:
    """The code of a cell."""

    title = "cell"
    stem = "cell"
    roots: Iterable[Root] = ()
    unrelated: Container[str] = ()

    def __init__(self, source: str, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.directory = os.getcwd()
        self.values: dict[str, Any] = {}
        self._source = source
        self._file = f"<raceproof cell {next(_numbers)}>"
        lines = source.splitlines(keepends=True)
        linecache.cache[self._file] = (len(source), None, lines, self._file)

    @property
    def origin(self) -> dict[str, Any]:
        """The code of a cell is nowhere to be found again."""
        return {"script": None, "module": None, "arguments": [], "function": "__main__:cell"}

    def rerun_command(self, file: str) -> str:
        """The cell has to be run again."""
        return f"run the cell again ({file} is not of use without it)"

    def stage(self, loader: Loader) -> Stage:
        """Its stage."""
        return FunctionStage(self, loader)

    def begin(self) -> None:
        """Nothing has to be done."""

    def end(self, record: Record) -> None:
        """Nothing has to be done."""

    def call(self, loader: Loader) -> None:
        """Execute the cell."""
        module = str(self.namespace.get("__name__", "__main__"))
        exec(loader.code(self._source.encode(), self._file, module), self.namespace)
