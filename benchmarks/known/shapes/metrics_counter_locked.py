"""A metrics library with a lock for each counter, made under a lock.

Expected: ok
"""

import threading


class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def increment(self):
        with self.lock:
            self.value += 1


class Metrics:
    def __init__(self):
        self.lock = threading.Lock()
        self.counters = {}

    def increment(self, label):
        with self.lock:
            counter = self.counters.get(label)
            if counter is None:
                counter = self.counters[label] = Counter()
        counter.increment()


def main():
    metrics = Metrics()
    threads = [threading.Thread(target=metrics.increment, args=("hits",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.counters["hits"].value == 3


if __name__ == "__main__":
    main()
