"""The tests of the primitives, as the script of somebody who does not know of raceproof."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("test.lock_tests")  # not every distribution has CPython's tests

SCRIPT = """
import sys, threading, unittest
from test import lock_tests

suite = unittest.TestSuite()
for base, name, attribute in (
    ("LockTests", "Lock", "locktype"), ("RLockTests", "RLock", "locktype"),
    ("EventTests", "Event", "eventtype"), ("ConditionTests", "Condition", "condtype"),
    ("SemaphoreTests", "Semaphore", "semtype"),
    ("BoundedSemaphoreTests", "BoundedSemaphore", "semtype"),
    ("BarrierTests", "Barrier", "barriertype"),
):
    make = staticmethod(getattr(threading, name))
    cases = type(base, (getattr(lock_tests, base),), {attribute: make})
    suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(cases))
result = unittest.TextTestRunner(stream=sys.stdout).run(suite)
sys.exit(not result.wasSuccessful())
"""


def test_one_interleaving_of_them_passes(tmp_path: Path) -> None:
    script = tmp_path / "tests_of_locks.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "raceproof", "run", "--format", "json", "--max-seconds", "120"]
    ran = subprocess.run(
        [*command, "--max-interleavings", "1", str(script)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    report = json.loads(ran.stdout)
    assert (report["verdict"], report["interleavings"]) == ("ok", 1), report
    assert report["outcomes"][0]["lines"][-1] == "OK"
    assert ran.returncode == 0, ran.stderr
