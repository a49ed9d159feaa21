"""Every module of the standard library that has Python source: is it rewritten and compiled without
an error, and does a program that includes it go on as it did?

The first is done for all modules in one process; the second takes a `raceproof run` for each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from processes import SOURCE, environment, machine_description

sys.path.insert(0, str(SOURCE))

from raceproof.instrument.inclusion import objection
from raceproof.instrument.rewriting import rewrite

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
NOT_THE_LIBRARY = {
    "site-packages",
    "test",
    "tests",
    "idle_test",
    "lib2to3",
    "idlelib",
    "turtledemo",
}
"""Folders of programs and of tests, some of which are not meant to be valid."""
HARMFUL = {
    "antigravity": "opens a browser",
    "this": "prints",
    "turtle": "needs a display",
    "tkinter": "needs a display",
    "__phello__": "prints",
    "__hello__": "prints",
    "_ios_support": "needs another system",
    "sitecustomize": "belongs to whoever installed it",
    "usercustomize": "belongs to the user",
}
"""Modules that do something when they are imported, and what."""
INNER = [
    "collections.abc", "email.message", "email.mime.text", "encodings.idna", "http.client",
    "http.server", "importlib.metadata", "importlib.resources", "json.decoder", "logging.handlers",
    "multiprocessing.dummy", "unittest.mock", "urllib.parse", "urllib.request",
    "xml.etree.ElementTree",
]  # fmt: skip
"""Modules in packages, which are included without the package around them."""
PROGRAM = """\
import importlib, sys, threading
module = importlib.import_module(sys.argv[1])
seen = []
def work(n):
    seen.append(n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(seen), module.__name__)
"""
EXPECTED_INTERLEAVINGS = 2


def files() -> Iterator[tuple[str, Path]]:
    """The names and files of all modules."""
    for file in sorted(LIBRARY.rglob("*.py")):
        parts = file.relative_to(LIBRARY).with_suffix("").parts
        if NOT_THE_LIBRARY.isdisjoint(parts) and not parts[0].startswith(("config-", "lib-")):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def blocks(code: types.CodeType) -> list[tuple[str, int, int]]:
    """What can be seen of the code objects in a module."""
    found = [(code.co_qualname, code.co_firstlineno, code.co_flags)]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += blocks(constant)
    return found


def compile_all() -> list[str]:
    """What goes wrong when the modules are rewritten and compiled."""
    problems, number, start = [], 0, perf_counter()
    for name, file in files():
        source = file.read_bytes()
        number += 1
        try:
            plain = compile(source, str(file), "exec", dont_inherit=True)
            tree = rewrite(source, str(file), name, 1 << 61).tree
            changed = compile(tree, str(file), "exec", dont_inherit=True)
        except Exception as error:
            problems.append(f"{name}: {type(error).__name__}: {error}")
            continue
        if blocks(plain) != blocks(changed):
            problems.append(f"{name}: not the same functions and classes")
    print(f"{number} modules rewritten and compiled in {perf_counter() - start:.0f} s", flush=True)
    return problems


def import_all(only: list[str]) -> list[str]:
    """What goes wrong when a program includes the modules, one at a time."""
    problems, refused, start = [], [], perf_counter()
    names = [name for name, _ in files() if "." not in name and name not in HARMFUL] + INNER
    names = [name for name in names if not only or name in only]
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "program.py"
        script.write_text(PROGRAM)
        for name in names:
            reason = objection(name, sys.path)
            if reason:
                refused.append(name)
                continue
            problem = included(script, name)
            if problem:
                problems.append(f"{name}: {problem}")
                print(problems[-1], flush=True)
    number = len(names) - len(refused)
    print(f"{number} modules included in {perf_counter() - start:.0f} s; refused: {refused}")
    return problems


def included(script: Path, name: str) -> str:
    """What is unusual about a program that includes the module; "" if nothing is."""
    command = [sys.executable, "-m", "raceproof", "run", "--format", "json", "--no-cache",
               "--max-seconds", "120", "--include", name, str(script), name]  # fmt: skip
    done = subprocess.run(
        command, env=environment(), cwd=script.parent, capture_output=True, text=True
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return f"no report, status {done.returncode}: {done.stderr.strip()[-500:]}"
    printed = [outcome["lines"] for outcome in report["outcomes"]]
    if report["verdict"] != "ok" or not report["complete"]:
        return f"{report['verdict']} {printed} {report.get('error')} {report.get('notes')}"
    if len(printed) != 1 or len(printed[0]) != 1 or not printed[0][0].startswith("[0, 1]"):
        return f"prints {printed}"
    if report["interleavings"] != EXPECTED_INTERLEAVINGS:
        return f"{report['interleavings']} interleavings, not {EXPECTED_INTERLEAVINGS}"
    return ""


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="include this module alone")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    problems = [] if given.only else compile_all()
    problems += import_all(given.only)
    print(machine_description())
    print("\n".join(problems) or "nothing went wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
