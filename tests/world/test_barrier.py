"""Barrier: nobody leaves before everybody has come."""

import sys
import threading

import pytest
from world.driver import explore, run, start, together, value

from raceproof.world.primitives.barrier import Barrier, BrokenBarrierError
from raceproof.world.scheduler import machine


def kinds(results):
    return tuple(r if not isinstance(r, Exception) else type(r).__name__ for r in results)


def test_nobody_leaves_before_everybody_has_come():
    def program():
        barrier = Barrier(3)
        came, early = [], []

        def work():
            came.append(1)
            barrier.wait()
            early.append(len(came) < 3)

        together(work, work, work)
        return any(early)

    found = explore(program)
    assert set(found.results) == {False}
    assert found.executions == 6  # the order of arrival, and nothing else


def test_each_gets_a_number():
    def program():
        barrier = Barrier(2)
        return tuple(together(barrier.wait, barrier.wait))

    assert explore(program).results == {(0, 1): 1, (1, 0): 1}


def test_it_can_be_used_again():
    def program():
        barrier = Barrier(2)
        rounds = []

        def work():
            for n in range(3):
                barrier.wait()
                rounds.append(n)
                barrier.wait()

        together(work, work)
        return tuple(rounds)

    assert set(explore(program).results) == {(0, 0, 1, 1, 2, 2)}


def test_the_action_runs_once_before_anybody_leaves():
    def program():
        ran = []
        barrier = Barrier(2, action=lambda: ran.append(1))

        def work():
            barrier.wait()
            return len(ran)

        return tuple(together(work, work))

    assert explore(program).results == {(1, 1): 2}


def test_an_action_that_raises_breaks_it():
    def fail():
        raise LookupError

    def program():
        barrier = Barrier(2, fail)
        return kinds(together(barrier.wait, barrier.wait)), barrier.broken

    assert explore(program).results == {
        (("BrokenBarrierError", "LookupError"), True): 1,
        (("LookupError", "BrokenBarrierError"), True): 1,
    }


def test_too_few_threads_wait_for_ever():
    def program():
        barrier = Barrier(3)
        together(barrier.wait, barrier.wait)

    found = explore(program)
    assert set(found.blocked) == {(("MainThread", "join"), ("t0", "pass"), ("t1", "pass"))}


def test_a_wait_that_gives_up_breaks_it_for_all():
    def program():
        barrier = Barrier(3)
        results = together(lambda: barrier.wait(1), barrier.wait)
        return kinds(results), barrier.broken, machine.clock

    broken = ("BrokenBarrierError", "BrokenBarrierError")
    assert explore(program).results == {(broken, True, 1.0): 2}


def test_a_default_timeout():
    def program():
        barrier = Barrier(2, timeout=2)
        start(lambda: None)
        with pytest.raises(BrokenBarrierError):
            barrier.wait()
        return machine.clock

    assert set(explore(program).results) == {2.0}


def test_a_wait_of_no_length_breaks_it_unless_all_have_come():
    def program():
        barrier = Barrier(2)
        return kinds(together(lambda: barrier.wait(0), barrier.wait))

    assert set(explore(program).results) == {
        (1, 0),
        (0, 1),
        ("BrokenBarrierError", "BrokenBarrierError"),
    }


def test_aborting_breaks_it():
    def program():
        barrier = Barrier(2)
        first = kinds(together(barrier.wait, barrier.abort))[0]
        with pytest.raises(BrokenBarrierError):
            barrier.wait()
        return first

    assert explore(program).results == {"BrokenBarrierError": 2}


def test_aborting_reaches_those_who_have_not_left_yet():
    def program():
        barrier = Barrier(2)

        def last():
            barrier.wait()
            barrier.abort()

        return kinds(together(barrier.wait, last))

    assert {result[0] for result in explore(program).results} == {0, 1, "BrokenBarrierError"}


def test_resetting_lets_those_who_wait_go():
    def program():
        barrier = Barrier(2)

        def resetting():
            while not barrier.n_waiting:
                machine.join(start(lambda: None)[0])
                if len(machine.everyone) > 3:
                    return
            barrier.reset()

        return kinds(together(lambda: barrier.wait(9), resetting))[0], barrier.broken

    results = set(explore(program).results)
    assert ("BrokenBarrierError", False) in results


def test_resetting_mends_it():
    def program():
        barrier = Barrier(1)
        barrier.abort()
        barrier.reset()
        return barrier.wait(), barrier.broken

    assert value(program) == (0, False)


def test_its_properties():
    def program():
        barrier = Barrier(2)
        waiting = together(lambda: barrier.n_waiting, lambda: barrier.wait(1))[0]
        return barrier.parties, waiting

    assert explore(program).results == {(2, 0): 1, (2, 1): 1}


def test_it_needs_a_party():
    def program():
        if sys.version_info < (3, 13):
            return Barrier(0).parties == 0
        with pytest.raises(ValueError, match=r"^parties must be >"):
            Barrier(0)
        return True

    assert value(program)


def test_it_looks_like_the_real_one():
    def program():
        barrier = Barrier(2)
        fine = repr(barrier)
        barrier.abort()
        return fine, repr(barrier)

    fine, broken = value(program)
    assert fine.startswith("<threading.Barrier at 0x")
    assert fine.endswith(": waiters=0/2>")
    assert broken.endswith(": broken>")


def test_what_it_waits_for_is_told():
    _, execution = run(lambda: Barrier(2).wait())
    (blocked,) = execution.blocked
    assert blocked.operation.kind == "pass"
    assert blocked.operation.accesses[0][0].owner.label == "Barrier"
    assert isinstance(blocked.thread.blocking_subject, Barrier)


def test_outside_of_an_execution_it_is_the_real_one():
    assert type(Barrier(2)) is threading.Barrier
    assert BrokenBarrierError is threading.BrokenBarrierError
