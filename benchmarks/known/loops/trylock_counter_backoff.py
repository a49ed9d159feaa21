"""Tries are counted and the pause doubles; the numbers are only statistics.

Expected: ok
"""

import threading
import time


class Lock:
    def __init__(self):
        self._lock = threading.Lock()
        self.collisions = 0

    def __enter__(self):
        delay = 0.001
        tries = 0
        while not self._lock.acquire(blocking=False):
            tries += 1
            time.sleep(delay)
            delay *= 2
        self.collisions += tries

    def __exit__(self, *details):
        self._lock.release()


def main():
    lock = Lock()
    total = 0

    def add():
        nonlocal total
        with lock:
            total += 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == 2


if __name__ == "__main__":
    main()
