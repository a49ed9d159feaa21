"""A metrics library that counts by label, without a lock.

Expected: bug
"""

import threading
from collections import defaultdict


class Metrics:
    def __init__(self):
        self.counts = defaultdict(int)

    def increment(self, label):
        self.counts[label] += 1


def main():
    metrics = Metrics()
    threads = [threading.Thread(target=metrics.increment, args=("hits",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.counts["hits"] == 2


if __name__ == "__main__":
    main()
