"""Processes that a program starts."""

from __future__ import annotations

import concurrent.futures
import faulthandler
import multiprocessing.pool
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from world.simulation import explore, run, value

from raceproof.world import exits

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes as POSIX has them")


def detail(program: Callable[[], Any]) -> str:
    """Why `program` cannot be controlled."""
    ran = run(program)
    assert ran.execution.end == exits.UNCONTROLLED
    return ran.execution.detail


def test_waiting_for_a_process_is_a_single_step() -> None:
    def program() -> None:
        def work(number: int) -> None:
            text = subprocess.run(["echo", str(number)], capture_output=True, text=True).stdout
            print(text, end="")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert explore(program).lines == {("0", "1"): 1}


def test_the_usual_ways_to_run_a_process() -> None:
    def program() -> Any:
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with os.popen("echo popen") as stream:
            text = stream.read()
        return (
            subprocess.check_output(["echo", "output"]), subprocess.call(["false"]),
            process.communicate(b"communicate"), text, os.system("exit 3"),
            subprocess.getoutput("echo get"),
        )  # fmt: skip

    output = (b"output\n", 1, (b"communicate", None), "popen\n", 3 << 8, "get")
    assert value(program) == output


def test_a_process_that_takes_too_long_is_ended_by_who_waits_for_it() -> None:
    def program() -> str:
        try:
            subprocess.run(["sleep", "1000"], timeout=0.01)
        except subprocess.TimeoutExpired:
            return "too long"
        return "over"

    assert value(program) == "too long"


def test_a_process_that_nobody_waits_for() -> None:
    def program() -> None:
        pids.append(subprocess.Popen(["sleep", "1000"]).pid)

    pids: list[int] = []
    assert "without having waited for the process 'sleep'" in detail(program)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_processes_of_the_program_beyond_that() -> None:
    def pool() -> None:
        with concurrent.futures.ProcessPoolExecutor(1) as executor:
            executor.submit(print)

    assert detail(multiprocessing.Process(target=print).start).startswith("multiprocessing makes")
    context = multiprocessing.get_context("spawn")
    assert detail(context.Process(target=print).start).startswith("multiprocessing makes")
    assert detail(pool).startswith("multiprocessing makes processes")
    assert detail(lambda: os.execlp("true", "true")).startswith("os.execv")
    assert detail(lambda: os.posix_spawn("/bin/true", ["true"], {})).startswith("os.posix_spawn()")
    assert detail(lambda: os.spawnlp(os.P_WAIT, "true", "true")).startswith("os.fork()")


def test_pools_of_multiprocessing() -> None:
    assert detail(lambda: multiprocessing.Pool(1)).startswith("the pools of processes")
    value(lambda: multiprocessing.Lock().acquire())


def test_fault_handlers_are_raceproofs_own() -> None:
    def program() -> None:
        faulthandler.enable()
        faulthandler.dump_traceback_later(0.001, exit=True)
        faulthandler.cancel_dump_traceback_later()
        faulthandler.disable()

    before = faulthandler.is_enabled()
    assert run(program).record.exit == "ok"
    assert faulthandler.is_enabled() is before


def test_what_is_done_at_a_fork_is_never_done() -> None:
    def program() -> None:
        os.register_at_fork(before=lambda: print("fork"))

    value(program)
    assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
