"""Threads that count without a lock: counter_racy.py THREADS INCREMENTS."""

import sys
import threading


class Counter:
    def __init__(self):
        self.value = 0


counter = Counter()


def count(times):
    for _ in range(times):
        counter.value += 1


number, increments = int(sys.argv[1]), int(sys.argv[2])
threads = [threading.Thread(target=count, args=(increments,)) for _ in range(number)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

print(f"Counted to {counter.value}")
