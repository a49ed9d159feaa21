"""Two threads and two counters, each with its own lock: two_lock_counters.py ROUNDS.

Every thread keeps to a counter of its own until its last round, in which it also uses the other
one: a long execution with few orders to tell apart.
"""

import sys
import threading


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def increment(self):
        with self.lock:
            self.value += 1


def count(own, other, rounds):
    for _ in range(rounds):
        own.increment()
    other.increment()


rounds = int(sys.argv[1])
left, right = Counter(), Counter()
one = threading.Thread(target=count, args=(left, right, rounds))
other = threading.Thread(target=count, args=(right, left, rounds))
one.start()
other.start()
one.join()
other.join()

print(f"Counted to {left.value} and {right.value}")
