"""The cases of CPython's own tests that do not pass inside an execution, by the reason why.

Each is run all the same, for as long as it takes to see that it does not pass: one that does makes
the test suite fail, and so does one that is not there any more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why some cases are left out."""

    text: str
    cases: tuple[str, ...]
    """"Class.method", in whichever of the suites."""
    versions: tuple[tuple[int, int], tuple[int, int]] = ((3, 11), (3, 13))
    """The first and the last version that are sure to have these cases; others may."""


LEFT_OUT = (
    Reason(
        "copies the process, directly or for a pool of processes, which raceproof declines to do",
        (
            "ThreadJoinOnShutdown.test_clear_threads_states_after_fork",
            "ThreadJoinOnShutdown.test_reinit_tls_after_fork",
            "ThreadTests.test_is_alive_after_fork",
            "TestForkInThread.test_forkinthread",
            "ThreadPoolExecutorTest.test_hang_global_shutdown_lock",
        ),
    ),
    Reason(
        "a thread sends a signal, which interrupts the main thread wherever it is: declined",
        ("InterruptMainTests.test_interrupt_main_subthread",),
    ),
    Reason(
        "asks for a signal after real time, which raceproof declines",
        ("ThreadPoolShutdownTest.test_hang_gh94440",),
        ((3, 12), (3, 13)),
    ),
    Reason(
        "raises an exception in another thread by a function of the C interface, which does not "
        "know virtual threads",
        ("ThreadTests.test_PyThreadState_SetAsyncExc",),
    ),
    Reason(
        "replaces the private function by which `threading` starts threads; virtual threads are "
        "started otherwise",
        ("ThreadTests.test_limbo_cleanup",),
    ),
    Reason(
        "looks at the private lock that C code keeps for each real thread; virtual threads have "
        "none",
        ("ThreadTests.test_shutdown_locks", "ThreadTests.test_tstate_lock"),
        ((3, 11), (3, 12)),
    ),
    Reason(
        "goes round an empty loop until another thread has written; in code that is not watched "
        "raceproof cannot see that, and no sleep tells that it waits",
        ("InterruptMainTests.test_can_interrupt_tight_loops",),
    ),
    Reason(
        "wants some of the workers to have begun before the main thread has come to its next "
        "lines: one of the orders, and not the one that is run first",
        ("ThreadPoolShutdownTest.test_cancel_futures",),
    ),
)
