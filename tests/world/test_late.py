"""Copies of simulated modules are simulated, too."""

from __future__ import annotations

import importlib
import queue
import sys
import threading
from typing import Any

from world.simulation import value

from raceproof.world.primitives.queue import LifoQueue, Queue, SimpleQueue


def test_a_copy_of_a_module_has_the_simulated_names() -> None:
    def program() -> Any:
        del sys.modules["queue"]
        try:
            copy = importlib.import_module("queue")
        finally:
            sys.modules["queue"] = queue
        items = copy.Queue(1)
        thread = threading.Thread(target=items.put, args=(1,))
        thread.start()
        found = items.get()
        thread.join()
        assert copy is not queue
        return (
            copy.Queue is Queue, copy.LifoQueue is LifoQueue, copy.SimpleQueue is SimpleQueue,
            copy.Empty is queue.Empty, found, copy.__spec__.loader.get_source("queue") is not None,
        )  # fmt: skip

    assert value(program) == (True, True, True, True, 1, True)


def test_a_module_that_is_loaded_again_stays_simulated() -> None:
    def program() -> Any:
        return importlib.reload(queue).Queue is Queue, queue.Empty

    before = queue.Queue, queue.Empty
    assert value(program) == (True, queue.Empty)
    assert (queue.Queue, queue.Empty) == before
