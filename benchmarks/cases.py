"""Programs with known verdicts: are the bugs found, and do the correct ones stay silent?

Usage: python benchmarks/cases.py DIRECTORY [--only TEXT]... [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from corpus import (
    BROKEN,
    FALSE_ALARM,
    FOUND,
    MISSED,
    NOT_RUN,
    SILENT,
    WRONG,
    Answer,
    BadCorpus,
    Case,
    judge,
    read_index,
)
from processes import HERE, environment, machine_description
from scratch import CannotInstall, Interpreters, environment_with, minor_of
from tables import table

CACHE = HERE / ".cache"
SLOW = 30.0
"""Seconds within which a bug has to be found."""
PATIENCE = 60.0
"""Seconds beyond the time of the search before a process counts as hanging."""


@dataclass
class Line:
    """One line of the table."""

    case: str
    python: str
    expected: str
    verdict: str
    seconds: float | None
    """Of the whole command; None if it was not run."""
    interleavings: int | None
    detail: str


def run_case(
    case: Case, interpreters: Interpreters, cache: Path, max_seconds: float, more: Sequence[str]
) -> Line:
    """One program, through the command line, in an environment of its own."""
    line = Line(case.label, case.minor or "", case.expected, NOT_RUN, None, None, "")
    interpreter = interpreters.find(case.python)
    if interpreter is None:
        line.detail = f"no Python {case.minor} on this machine (--interpreter PATH names one)"
        return line
    line.python = minor_of(interpreter.version)
    if not case.path.is_file():
        line.detail = f"no such file: {case.path}"
        return line
    try:
        python = environment_with(interpreter, case.pins, cache)
    except CannotInstall as error:
        line.detail = str(error)
        return line
    command = [str(python), "-m", "raceproof", "run", "--format", "json"]
    command += [f"--max-seconds={max_seconds}", *[f"--include={name}" for name in case.watch]]
    start = perf_counter()
    report, problem = explored([*command, *more, str(case.path)], max_seconds + PATIENCE)
    line.seconds = round(perf_counter() - start, 2)
    if report is None:
        answer = Answer(BROKEN, problem)
    else:
        line.interleavings = report["interleavings"]
        answer = judge(case, report)
        if answer.verdict == FOUND and line.seconds > SLOW:
            answer = Answer(MISSED, f"found after more than {SLOW:g} s only")
    line.verdict, line.detail = answer.verdict, answer.detail
    return line


def explored(command: Sequence[str], patience: float) -> tuple[dict[str, Any] | None, str]:
    """The report of a `raceproof run`; what is wrong if there is none."""
    # In a directory of its own: replay files go there, and whatever the program writes.
    with (
        tempfile.TemporaryDirectory() as directory,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=directory,
            start_new_session=True,
        ) as process,
    ):
        try:
            output, complaints = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, f"raceproof did not come back within {patience:g} s"
    try:
        report: dict[str, Any] = json.loads(output)
    except ValueError:
        said = complaints.strip().splitlines()
        return None, said[-1] if said else f"exit status {process.returncode}, no report"
    return report, ""


def shown(lines: Sequence[Line]) -> str:
    """All lines as a table, with a summary."""
    rows = [
        [
            line.case, line.python, line.expected, line.verdict,
            "-" if line.seconds is None else f"{line.seconds:.1f} s",
            "-" if line.interleavings is None else f"{line.interleavings:,}",
        ]
        for line in lines
    ]  # fmt: skip
    head = ["case", "Python", "expected", "verdict", "time", "interleavings"]
    text = table(machine_description(), head, rows)
    counts = Counter(line.verdict for line in lines)
    told = [line for line in lines if line.verdict in WRONG or line.verdict == NOT_RUN]
    text += "".join(f"{line.verdict}: {line.case} (Python {line.python}): {line.detail}\n"
                    for line in told)  # fmt: skip
    order = (FOUND, SILENT, MISSED, FALSE_ALARM, BROKEN, NOT_RUN)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict])
    return f"{text}{'' if not told else chr(10)}{len(lines)} cases: {summary or 'none'}"


def selected(cases: Sequence[Case], only: Sequence[str]) -> list[Case]:
    """The cases that have one of the texts in their label, Python version or expectation."""
    return [
        case
        for case in cases
        if not only
        or any(text in f"{case.label} {case.python or ''} {case.expected}" for text in only)
    ]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Run raceproof on programs with known verdicts. The exit status is 0 if every "
        "bug was found and every correct program stayed silent, 1 if not, 2 if nothing could be "
        "run.",
        epilog="DIRECTORY has an index.json: a list of objects with the keys file, expected "
        '("bug" or "ok"), symptom ("assertion", "deadlock" or null), pins (requirements to '
        "install), python (version or null) and watch (names for --include).",
    )
    parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="where index.json is")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT",
        help="only cases with TEXT in their name, pins, Python version or expected verdict; "
        "repeatable",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the lines as JSON")
    parser.add_argument(
        "--max-seconds", type=float, default=10.0, metavar="SECONDS",
        help="budget of each search (default: %(default)s, that of the command)",
    )  # fmt: skip
    parser.add_argument(
        "--interpreter", action="append", default=[], metavar="PATH",
        help="a Python to use for its minor version; repeatable (else: PATH and pyenv)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=CACHE, metavar="FOLDER",
        help="where environments are kept (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="programs at the same time (default: 1)"
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="OPTION",
        help="an option for `raceproof run`, as --option=--keep-going; repeatable",
    )  # fmt: skip
    return parser.parse_args()


def main() -> int:
    """Run them all, print the table."""
    given = arguments()
    try:
        cases = selected(read_index(given.directory.absolute()), given.only)
    except BadCorpus as error:
        print(f"cases.py: {error}", file=sys.stderr)
        return 2
    interpreters = Interpreters(given.interpreter)
    cache = given.cache.absolute()
    # Environments first and one after the other: two cases may want the same one.
    lines: list[Line] = []

    def run(case: Case) -> Line:
        return run_case(case, interpreters, cache, given.max_seconds, given.option)

    for case in cases:
        interpreter = interpreters.find(case.python)
        if interpreter is not None:
            try:
                environment_with(interpreter, case.pins, cache)
            except CannotInstall:
                pass  # said again, as the reason, where the case would be run
    with ThreadPoolExecutor(max(1, given.jobs)) as pool:
        for number, line in enumerate(pool.map(run, cases), 1):
            print(f"[{number}/{len(cases)}] {line.verdict}: {line.case}", file=sys.stderr)
            lines.append(line)
    print(json.dumps([asdict(line) for line in lines], indent=1) if given.json else shown(lines))
    if not any(line.verdict != NOT_RUN for line in lines):
        return 2
    return 1 if any(line.verdict in WRONG for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
