"""What it costs to include a large package: the first time, when all of it is rewritten, and every
further time, when the rewritten code is on disk.

Processor time of whole `raceproof run` processes, which execute a program twice that imports the
packages; next to it the same without including them, and the program as it is.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from processes import environment, machine_description
from tables import ratio, table

PACKAGES = "asyncio,unittest,email,http,xml,multiprocessing,logging,urllib,html,json,sqlite3"
"""Part of every standard library."""
ROUNDS = 3


def processor_time(command: list[str], directory: str, cache: str) -> float:
    """Seconds of processor time that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        env={**environment(), "RACEPROOF_CACHE": cache},
        cwd=directory,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def program(packages: list[str]) -> str:
    """Imports the packages with most of what is in them."""
    return f"""\
import importlib, pkgutil
for name in {packages!r}:
    package = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(package, "__path__", ())):
        if not found.name.startswith("__"):
            try:
                importlib.import_module(f"{{name}}.{{found.name}}")
            except ImportError:
                pass  # for another system
"""


def main() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", default=PACKAGES, help="packages, separated by commas")
    given = parser.parse_args()
    packages = given.include.split(",")
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "program.py"
        script.write_text(program(packages))
        cache = os.path.join(directory, "cache")
        run = [sys.executable, "-m", "raceproof", "run", "--max-seconds", "600"]
        including = [*run, "--include", given.include, str(script)]
        processor_time([sys.executable, str(script)], directory, cache)  # compiles what is plain
        cold = processor_time(including, directory, cache)
        kept = sum(file.stat().st_size for file in Path(cache).iterdir())
        modules = len(list(Path(cache).iterdir())) - 1
        measured = {
            "program as it is": [sys.executable, str(script)],
            "raceproof, nothing included": [*run, str(script)],
            "included, further times": including,
        }
        times = {
            what: median(processor_time(command, directory, cache) for _ in range(ROUNDS))
            for what, command in measured.items()
        }
    times["included, first time"] = cold
    warm = times["included, further times"]
    rows = [[what, f"{seconds:.2f} s", ratio(seconds, warm)] for what, seconds in times.items()]
    title = f"Processor time, {modules} modules included, {kept / 1e6:.1f} MB on disk"
    print(table(title, ["", "time", "to further times"], rows))
    print(machine_description())


if __name__ == "__main__":
    main()
