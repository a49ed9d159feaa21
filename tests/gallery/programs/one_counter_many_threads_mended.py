"""The mended twin of `one_counter_many_threads.py`."""

import threading


class Counter:
    def __init__(self):
        self.value = 0

    def count(self):
        for _ in range(3):
            self.value += 1


counters = [Counter() for _ in range(5)]
threads = [threading.Thread(target=counter.count) for counter in counters]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(counter.value for counter in counters))
