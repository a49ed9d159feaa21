"""Event: a flag to wait for."""

import threading

import pytest
from world.driver import explore, run, start, together, value

from raceproof.world.primitives.event import Event
from raceproof.world.scheduler import machine


def test_waiting_lasts_until_it_is_set():
    def program():
        event = Event()
        order = []

        def waiter():
            event.wait()
            order.append("waiter")

        def setter():
            order.append("setter")
            event.set()

        together(waiter, setter)
        return tuple(order)

    assert explore(program).results == {("setter", "waiter"): 1}


def test_all_waiters_go_on_and_do_not_disturb_each_other():
    def program():
        event = Event()
        together(event.wait, event.wait, event.wait, event.set)

    assert explore(program).executions == 1


def test_looking_finds_both():
    def program():
        event = Event()
        return together(event.is_set, event.set)[0]

    assert explore(program).results == {False: 1, True: 1}


def test_clearing_takes_it_back():
    def program():
        event = Event()
        event.set()
        event.clear()
        return event.is_set(), event.wait(0), event.wait(-1)

    assert value(program) == (False, False, False)


def test_whoever_comes_after_the_clearing_waits_for_ever():
    def program():
        event = Event()

        def pulse():
            event.set()
            event.clear()

        together(event.wait, pulse)

    found = explore(program)
    assert found.ends == {"finished": 1, "stuck": 1}
    assert set(found.blocked) == {(("MainThread", "join"), ("t0", "wait"))}


def test_waiting_gives_up_only_when_nobody_can_go_on():
    def program():
        event = Event()
        return together(lambda: event.wait(0.01), event.set)[0]

    assert set(explore(program).results) == {True}


def test_waiting_gives_up_when_nobody_sets_it():
    def program():
        event = Event()
        start(lambda: None)
        return event.wait(3), machine.current.clock

    assert set(explore(program).results) == {(False, 3.0)}


def test_what_it_waits_for_is_told():
    _, execution = run(lambda: Event().wait())
    (blocked,) = execution.blocked
    assert blocked.operation.accesses[0][0].label == "Event"
    assert isinstance(blocked.thread.blocking_subject, Event)
    assert blocked.thread.blocking_subject.holder() is None


def test_it_looks_like_the_real_one():
    def program():
        event = Event()
        unset = repr(event)
        event.set()
        with pytest.warns(DeprecationWarning, match="isSet"):
            old = event.isSet()
        return unset.split(" at ")[0], unset.split()[-1], repr(event).split()[-1], old

    assert value(program) == ("<threading.Event", "unset>", "set>", True)


def test_it_can_be_subclassed_and_patched():
    """The recipe for waiting for either of two events: its attributes must be free to use."""

    class Named(Event):
        def __init__(self, name):
            super().__init__()
            self.name = name

    def program():
        event, either = Named("one"), Event()
        event._set = event.set

        def set_both():
            event._set()
            either.set()

        event.set = set_both
        together(event.set, either.wait)
        return event.name, event.is_set()

    assert value(program) == ("one", True)


def test_outside_of_an_execution_it_is_the_real_one():
    assert type(Event()) is threading.Event

    class Sub(Event):
        pass

    event = Sub()
    assert event.wait() is False
    event.set()
    assert event.is_set()


def test_those_who_wait_go_on_even_if_it_is_cleared_at_once():
    """A pulse wakes those who wait; the search tells what becomes of those who come later."""

    def program():
        event = Event()
        (waiter,) = start(event.wait)
        Event().wait(1)  # until it waits
        event.set()
        event.clear()
        machine.join(waiter)

    assert run(program)[1].end == "finished"
    assert explore(program).ends.keys() == {"finished", "stuck"}


def test_what_is_inside_can_be_looked_at():
    def program():
        event = Event()
        woken = []

        def wait_inside():
            with event._cond:
                woken.append(event._cond.wait(5))

        threads = start(wait_inside)
        Event().wait(1)
        event.set()
        machine.join(threads[0])
        event._at_fork_reinit()
        with event._cond:
            return woken, event._cond.acquire(False), event._cond is event._cond

    assert value(program) == ([True], False, True)
