"""Queue: items go in while there is room, and come out while there are any."""

import queue
import sys

import pytest
from world.driver import explore, run, start, together, value

from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.queue import (
    Empty,
    Full,
    LifoQueue,
    PriorityQueue,
    Queue,
    ShutDown,
    SimpleQueue,
)
from raceproof.world.scheduler import machine

since_shutdown = pytest.mark.skipif(
    sys.version_info < (3, 13), reason="Queue.shutdown is new in Python 3.13"
)


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        (Queue, [3, 1, 2]),
        (LifoQueue, [2, 1, 3]),
        (PriorityQueue, [1, 2, 3]),
        (SimpleQueue, [3, 1, 2]),
    ],
)
def test_the_order_in_which_items_come_out(kind, order):
    def program():
        items = kind()
        for item in (3, 1, 2):
            items.put(item)
        return [items.get() for _ in range(3)], items.empty(), items.qsize()

    assert value(program) == (order, True, 0)


@pytest.mark.parametrize("kind", [Queue, LifoQueue, PriorityQueue, SimpleQueue])
def test_getting_waits_for_an_item(kind):
    def program():
        items = kind()
        return together(items.get, lambda: items.put(1))[0]

    assert explore(program).results == {1: 1}


def test_putting_waits_for_room():
    def program():
        items = Queue(1)
        got = []

        def produce():
            for n in range(3):
                items.put(n)

        def consume():
            for _ in range(3):
                got.append((items.get(), items.qsize() <= 1))

        together(produce, consume)
        return tuple(got)

    found = explore(program)
    assert set(found.results) == {((0, True), (1, True), (2, True))}


def test_two_consumers_share_the_items():
    def program():
        items = Queue()
        items.put("a")
        items.put("b")
        return tuple(together(items.get, items.get))

    assert explore(program).results == {("a", "b"): 1, ("b", "a"): 1}


def test_one_putting_and_getting_is_one_event_each():
    def program():
        items = Queue()
        together(lambda: items.put(1))
        items.get()

    _, execution = run(program)
    seen = [operation.kind for operation in execution.operations]
    assert seen == ["start", "begin", "put", "finish", "join", "get", "finish"]


def test_not_waiting():
    def program():
        items = Queue(1)
        with pytest.raises(Empty):
            items.get_nowait()
        with pytest.raises(Empty):
            items.get(timeout=0)
        items.put_nowait(1)
        with pytest.raises(Full):
            items.put_nowait(2)
        with pytest.raises(Full):
            items.put(2, timeout=0)
        return items.full(), items.get(block=False), items.full()

    assert value(program) == (True, 1, False)


def test_a_wait_gives_up_when_nobody_can_go_on():
    def program():
        items = Queue(1)
        start(lambda: None)
        with pytest.raises(Empty):
            items.get(timeout=1)
        items.put(1)
        with pytest.raises(Full):
            items.put(2, timeout=1)
        with pytest.raises(Empty):
            SimpleQueue().get(timeout=1)
        return machine.current.clock

    assert set(explore(program).results) == {3.0}


def test_errors_are_those_of_the_real_one():
    negative = r"^'timeout' must be a non-negative number$"

    def program():
        with pytest.raises(ValueError, match=negative):
            Queue().get(timeout=-1)
        with pytest.raises(ValueError, match=negative):
            Queue(1).put(1, timeout=-1)
        with pytest.raises(ValueError, match=negative):
            SimpleQueue().get(timeout=-1)
        Queue().put(1, timeout=-1)
        with pytest.raises(ValueError, match=r"^task_done\(\) called too many times$"):
            Queue().task_done()
        return True

    assert value(program) is True
    assert (Empty, Full) == (queue.Empty, queue.Full)


def test_join_waits_until_all_is_done():
    def program():
        items = Queue()
        done = []

        def work():
            for _ in range(2):
                items.get()
                done.append(1)
                items.task_done()

        items.put(1)
        items.put(2)
        start(work)
        items.join()
        return len(done), items.unfinished_tasks

    assert explore(program).results == {(2, 0): 1}


def test_nobody_to_get_for_is_told():
    def program():
        items = Queue()
        together(items.get)

    _, execution = run(program)
    blocked = {b.thread.name: b for b in execution.blocked}["t0"]
    assert blocked.operation.kind == "get"
    assert blocked.operation.accesses[0][0].label == "Queue"
    assert isinstance(blocked.thread.blocking_subject, Queue)


@since_shutdown
def test_shutting_down_ends_the_waiting():
    def program():
        items = Queue()
        return type(together(items.get, items.shutdown)[0]).__name__

    assert explore(program).results == {"ShutDown": 1}


@since_shutdown
def test_what_is_in_can_be_taken_out_after_shutting_down():
    def program():
        items = Queue()
        items.put(1)
        items.shutdown()
        with pytest.raises(ShutDown):
            items.put(2)
        got = items.get()
        with pytest.raises(ShutDown):
            items.get_nowait()
        return got, items.is_shutdown

    assert value(program) == (1, True)


@since_shutdown
def test_shutting_down_at_once_throws_items_away():
    def program():
        items = Queue()
        items.put(1)
        items.shutdown(immediate=True)
        items.join()
        with pytest.raises(ShutDown):
            items.get()
        return items.qsize()

    assert value(program) == 0


def test_a_subclass_may_keep_its_items_elsewhere():
    class Unique(Queue):
        def _init(self, maxsize):
            self.queue = set()

        def _put(self, item):
            with Lock():
                pass  # a place at which the others could come in
            self.queue.add(item)

        def _get(self):
            return self.queue.pop()

    def program():
        items = Unique()
        together(lambda: items.put("same"), lambda: items.put("same"))
        return items.qsize(), items.get(), items.empty(), items.unfinished_tasks

    assert explore(program).results == {(1, "same", True, 2): 2}


def test_items_that_compare_by_code_of_the_program():
    class Job:
        def __init__(self, rank):
            self.rank = rank

        def __lt__(self, other):
            with Lock():
                pass  # a place at which the others could come in
            return self.rank < other.rank

    def program():
        jobs = PriorityQueue()
        jobs.put(Job(2))
        together(lambda: jobs.put(Job(1)), lambda: jobs.put(Job(3)))
        return tuple(jobs.get().rank for _ in range(3))

    assert set(explore(program).results) == {(1, 2, 3)}


def test_the_mutex_keeps_others_out():
    def program():
        items = Queue()

        def clear():
            with items.mutex:
                before = len(items.queue)
                with Lock():
                    pass  # a place at which the others could come in
                same = before == len(items.queue)
                items.queue.clear()
                return same

        same = together(clear, lambda: items.put(1))[0]
        return same, items.qsize()

    assert set(explore(program).results) == {(True, 0), (True, 1)}


def test_waiting_on_the_conditions_of_a_queue():
    """The known recipe for a `join` that takes a timeout."""

    def program():
        items = Queue()
        items.put(1)

        def work():
            items.get()
            items.task_done()

        def patient():
            with items.all_tasks_done:
                while items.unfinished_tasks:
                    if not items.all_tasks_done.wait(5):
                        return False
            return True

        return together(work, patient)[1]

    assert set(explore(program).results) == {True}


def test_it_looks_like_the_real_one():
    for ours, real in ((Queue, queue.Queue), (SimpleQueue, queue.SimpleQueue)):
        public = {name for name in dir(real()) if not name.startswith("__")}
        assert public - set(dir(ours)) <= {"maxsize", "queue"}
        assert ours[int].__args__ == (int,)
    text = value(lambda: repr(Queue()))
    assert text.startswith("<queue.Queue object at 0x")


def test_outside_of_an_execution_it_is_the_real_one():
    for ours in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"):
        assert type(globals()[ours]()) is getattr(queue, ours)


def test_one_that_is_left_over_blocks_nobody():
    left = []

    def program():
        left.append(Queue(1))
        left[0].put(1)

    run(program)
    (items,) = left
    items.put(None)
    assert items.get() == 1
    assert items.get() is None
    with pytest.raises(Empty):
        items.get()
