"""The plugin, one behaviour at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis  # noqa: F401 - imported here, and not anew in each of the runs
import pytest

import raceproof.magic
import raceproof.pytest_plugin.items
import raceproof.pytest_plugin.replaying
import raceproof.pytest_plugin.reports
import raceproof.pytest_plugin.summary  # noqa: F401

HELPERS = """
import threading
import pytest
import raceproof

class Account:
    def __init__(self):
        self.balance = 0
        self.lock = threading.Lock()

    def deposit(self):
        self.balance += 1

    def safe_deposit(self):
        with self.lock:
            self.balance += 1

def together(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
RACY = """
def test_racy():
    account = Account()
    together(account.deposit, account.deposit)
    assert account.balance == 2
"""
SAFE = """
def test_safe():
    account = Account()
    together(account.safe_deposit, account.safe_deposit)
    assert account.balance == 2
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run pytest on a module of tests, in this process."""
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)

    def run_pytest(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=HELPERS + source)
        return pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:cov", *options)

    yield run_pytest
    for name in [name for name in sys.modules if name == "test_it"]:
        del sys.modules[name]


def text(result: pytest.RunResult) -> str:
    return " ".join(" ".join(result.outlines).split())


# -- which tests ---------------------------------------------------------------------------------


def test_nothing_happens_without_flag_or_mark(run: Run) -> None:
    result = run(RACY)
    result.assert_outcomes(passed=1)
    assert "raceproof:" not in text(result)


def test_the_flag(run: Run) -> None:
    result = run(RACY + SAFE + "def test_none(): pass\n", "--raceproof")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["raceproof: 2 tests explored, 2 complete, 6 interleavings in *"])


def test_the_flag_in_pytests_configuration(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nraceproof = true\n")
    run(RACY).assert_outcomes(failed=1)


def test_mark_and_decorator(run: Run) -> None:
    result = run(
        f"@pytest.mark.raceproof(max_seconds=5){RACY}"
        f"@raceproof.explore(max_seconds=5){RACY.replace('racy', 'decorated')}"
    )
    result.assert_outcomes(failed=2)
    assert "raceproof: 2 tests explored" in text(result)


def test_a_mark_that_says_no(run: Run) -> None:
    result = run(f"@pytest.mark.raceproof(False, reason='x'){RACY}", "--raceproof")
    result.assert_outcomes(passed=1)


def test_a_test_without_threads_runs_once(run: Run) -> None:
    result = run(
        """
        import os, subprocess, sys
        def test_once(tmp_path):
            with open("count", "a") as stream:
                stream.write("x")
            subprocess.run([sys.executable, "-c", ""], check=True)
            assert open("count").read() == "x"
        """.replace("\n        ", "\n"),
        "--raceproof",
    )
    result.assert_outcomes(passed=1)
    assert "explored" not in text(result)


# -- reports -------------------------------------------------------------------------------------


def test_a_failure(run: Run) -> None:
    result = run(RACY, "--raceproof")
    result.stdout.fnmatch_lines(
        [
            ">       assert account.balance == 2",
            "E       assert 1 == 2",
            "E        +  where 1 = <test_it.Account object at *>.balance",
            "*- raceproof -*",
            "lost update (RP101): the update of Account.balance by *",
            "  Mend:   hold one Lock *",
            "  Replay: pytest test_it.py::test_racy --raceproof-replay *test_racy-*-1.json",
        ]
    )


def test_a_failure_without_an_exception(run: Run) -> None:
    source = """
        def test_silent():
            account = Account()
            together(account.deposit, account.deposit)
        """
    result = run(source.replace("\n        ", "\n"), "--raceproof", "--show-capture=no")
    result.assert_outcomes(failed=1)
    assert "lost update (RP101): the update of Account.balance" in text(result)
    assert "traceback entries are hidden" not in text(result)


def test_what_was_printed_is_shown_once(run: Run) -> None:
    result = run(RACY.replace("():\n", "():\n    print('here')\n"), "--raceproof")
    assert result.outlines.count("here") == 1


def test_a_thread_that_always_dies_is_left_to_pytest(run: Run) -> None:
    source = """
        def test_dies():
            def fail():
                raise ValueError("on purpose")
            together(fail)
        """
    run(source.replace("\n        ", "\n"), "--raceproof").assert_outcomes(passed=1)


def test_require_complete(run: Run) -> None:
    options = ("--raceproof", "--raceproof-max-interleavings=1", "--raceproof-require-complete")
    result = run(SAFE, *options)
    result.assert_outcomes(failed=1)
    assert "not all interleavings were run (1 interleavings)" in text(result)


# -- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (SAFE, ["--raceproof-max-seconds=x"], "--raceproof-max-seconds must be a number above 0"),
        (SAFE, ["--raceproof-profile=fast"], "no such profile (there is default, ci)"),
        (f"@pytest.mark.raceproof(seconds=1){SAFE}", [], "did you mean 'max_seconds'?"),
        (f"@pytest.mark.raceproof(max_seconds=0){SAFE}", [], "must be a number above 0, not 0"),
    ],
)
def test_a_wrong_setting(run: Run, source: str, options: list[str], message: str) -> None:
    result = run(source, "--raceproof", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in " ".join([*result.errlines, *result.outlines])


def test_profiles(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyprojecttoml(
        "[tool.raceproof]\nmax-seconds = 7\n[tool.raceproof.profiles.nightly]\nseed = 3\n"
    )
    result = run(SAFE, "--raceproof", "--raceproof-profile=nightly", "--raceproof-first")
    assert "raceproof: profile nightly, first=True, max_seconds=7.0, seed=3" in text(result)
    monkeypatch.setenv("CI", "true")
    assert "raceproof: profile ci, max_interleavings=10000, max_seconds=60.0" in text(
        run(SAFE, "--raceproof")
    )


def test_a_wrong_profile_in_the_file(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.raceproof.profiles.ci]\nmax-secs = 3\n")
    result = run(SAFE, "--raceproof")
    assert "'max-secs' is none (did you mean 'max-seconds'?)" in " ".join(
        [*result.errlines, *result.outlines]
    )


# -- recordings ----------------------------------------------------------------------------------


def test_replay(run: Run, pytester: pytest.Pytester) -> None:
    run(RACY + SAFE, "--raceproof")
    (file,) = pytester.path.glob(".pytest_cache/d/raceproof/*.json")
    result = run(RACY + SAFE, "--raceproof-replay", str(file))
    result.assert_outcomes(failed=1, deselected=1)
    assert "E       assert 1 == 2" in result.outlines
    assert "raceproof: 1 interleaving replayed" in result.outlines
    mended = RACY.replace("account.deposit", "account.safe_deposit")
    run(mended, "--raceproof-replay", str(file)).assert_outcomes(passed=1)
    other = run(SAFE, "--raceproof-replay", str(file))
    assert "which is not among the tests collected" in " ".join(other.errlines)


def test_on_ci_the_interleaving_is_in_the_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = run(RACY, "--raceproof")
    (line,) = [line for line in result.outlines if line.startswith("  Elsewhere: ")]
    recording = line.rpartition(" ")[2]
    run(RACY, "--raceproof-replay", recording).assert_outcomes(failed=1)
    result = run(RACY, "--raceproof-replay", recording[:-9])
    assert "this text is no recording" in " ".join(result.errlines)


# -- what cannot be explored ---------------------------------------------------------------------

BACKGROUND = """
@pytest.fixture(scope="module")
def server():
    stop = threading.Event()
    def serve():
        stop.wait(60)
    thread = threading.Thread(target=serve)
    thread.start()
    yield
    stop.set()
    thread.join()

{mark}
def test_with_server(server):
    account = Account()
    together(account.safe_deposit, account.safe_deposit)
    assert account.balance == 2
"""


def test_a_real_thread_is_out_of_control(run: Run) -> None:
    result = run(BACKGROUND.format(mark=""), "--raceproof")
    result.assert_outcomes(passed=1)
    assert "1 test run once only: Thread-" in text(result)
    result = run(BACKGROUND.format(mark="@pytest.mark.raceproof()"))
    result.assert_outcomes(failed=1)
    assert "raceproof cannot explore this test: Thread-" in text(result)


def test_real_time_is_no_race(run: Run) -> None:
    source = """
        import time
        def test_time():
            start = time.time()
            together(lambda: None)
            # In simulated time, as many years have not passed.
            assert start - START < 1

        START = time.time() - 0.5
        """
    source = source.replace("\n        ", "\n").replace("< 1", "> 0.6 or start > START + 0.4")
    run(source, "--raceproof").assert_outcomes(passed=1)


def test_a_failure_in_every_order_is_shown_as_usual(run: Run) -> None:
    result = run(SAFE.replace("== 2", "== 3"), "--raceproof")
    result.assert_outcomes(failed=1)
    assert "E       assert 2 == 3" in result.outlines
    assert "fails in every order" in text(result)


# -- fixtures ------------------------------------------------------------------------------------


def test_what_the_first_run_did_before_its_thread_is_undone(run: Run) -> None:
    source = """
        NAMES = []
        def test_register():
            assert "me" not in NAMES
            NAMES.append("me")
            together(lambda: None, lambda: None)
        """
    run(source.replace("\n        ", "\n"), "--raceproof").assert_outcomes(passed=1)


def test_a_test_that_differs_from_run_to_run(run: Run) -> None:
    source = """
        def endless():
            number = 0
            while True:
                number += 1
                yield number
        NUMBERS = endless()
        def test_draw():
            values = []
            def draw():
                if next(NUMBERS) % 2:
                    values.append(1)
            together(draw, draw, draw)
        """
    result = run(source.replace("\n        ", "\n"), "--raceproof")
    result.assert_outcomes(passed=1)
    assert "test_it.py::test_draw is not deterministic: " in text(result)
    assert "test_it.NUMBERS (generator): make it in the function" in text(result)


def test_threads_in_a_fixture(run: Run) -> None:
    source = """
        @pytest.fixture
        def worker():
            done = []
            thread = threading.Thread(target=lambda: done.append(1))
            thread.start()
            yield done
            thread.join()
            assert done == [1]

        def test_worker(worker):
            assert len(worker) in (0, 1)
        """
    result = run(source.replace("\n        ", "\n"), "--raceproof")
    result.assert_outcomes(passed=1)
    assert "raceproof: 1 test explored, 1 complete" in text(result)


def test_a_fixture_that_comes_to_a_standstill(run: Run) -> None:
    source = """
        @pytest.fixture
        def stuck():
            one, other = threading.Lock(), threading.Lock()
            def take(*locks):
                with locks[0], locks[1]:
                    pass
            together(lambda: take(one, other), lambda: take(other, one))

        def test_stuck(stuck, tmp_path):
            assert not list(tmp_path.iterdir())
        """
    result = run(source.replace("\n        ", "\n"), "--raceproof")
    result.assert_outcomes(failed=1)
    assert "deadlock: lambda() #1 holds Lock" in text(result)
    assert "complete: 3 of 3 interleavings" in text(result)


def test_subtests_report_once(run: Run) -> None:
    source = """
        import unittest
        class TestIt(unittest.TestCase):
            def test_numbers(self):
                for number in (1, 2):
                    with self.subTest(number=number):
                        account = Account()
                        together(account.safe_deposit, account.safe_deposit)
                        self.assertEqual(account.balance, 2)
            def test_wrong(self):
                with self.subTest():
                    account = Account()
                    together(account.deposit, account.deposit)
                    self.assertEqual(account.balance, 2)
        """
    result = run(source.replace("\n        ", "\n"), "--raceproof")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (1, 1)


def test_warnings_are_given_once(run: Run) -> None:
    source = """
        import warnings
        def test_warns():
            warnings.warn("look")
            together(lambda: None, lambda: None)
        """
    result = run(source.replace("\n        ", "\n"), "--raceproof")
    result.assert_outcomes(passed=1, warnings=1)


# -- the price -----------------------------------------------------------------------------------


def test_the_plugin_imports_next_to_nothing() -> None:
    code = """
import sys, pytest
before = set(sys.modules)
import raceproof.pytest_plugin
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['raceproof', 'raceproof.pytest_plugin']\n"


def test_failing_examples_of_hypothesis(run: Run) -> None:
    source = """
        from hypothesis import Phase, given, settings, strategies as st
        @settings(max_examples=5, database=None, phases=[Phase.generate, Phase.shrink])
        @given(st.integers(1, 5))
        def test_given(n):
            account = Account()
            together(*[account.deposit] * 2)
            assert account.balance == 2
        """
    result: Any = run(source.replace("\n        ", "\n"), "--raceproof")
    result.assert_outcomes(failed=1)
    assert "lost update (RP101): the update of Account.balance" in text(result)
    assert "n=1" in text(result)


def test_assertions_in_a_function_that_a_test_explores_explain_themselves(run: Run) -> None:
    source = RACY.replace("test_racy", "racy") + (
        "def test_exits():\n"
        "    report = raceproof.explore(racy)\n"
        "    print(sorted(outcome.exit for outcome in report.outcomes))\n"
        "    assert not report.findings\n"
    )
    result = run(source)
    result.assert_outcomes(failed=1)
    assert "'AssertionError: assert 1 == 2" in text(result)
