"""Threads that count under one lock: counter_locked.py THREADS INCREMENTS."""

import sys
import threading


class Counter:
    def __init__(self):
        self.value = 0


counter = Counter()
lock = threading.Lock()


def count(times):
    for _ in range(times):
        with lock:
            counter.value += 1


number, increments = int(sys.argv[1]), int(sys.argv[2])
threads = [threading.Thread(target=count, args=(increments,)) for _ in range(number)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Counted to {counter.value}")
