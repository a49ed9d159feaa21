"""A spin lock that is given back without the guard: between test and set, that is lost.

Expected: bug
"""

import threading
import time


class SpinLock:
    def __init__(self):
        self._guard = threading.Lock()
        self._held = False

    def _test_and_set(self):
        with self._guard:
            before, self._held = self._held, True
            return before

    def __enter__(self):
        while self._test_and_set():
            time.sleep(0)

    def __exit__(self, *details):
        self._held = False


def main():
    lock = SpinLock()
    total = 0

    def add():
        nonlocal total
        with lock:
            total += 1

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == 3


if __name__ == "__main__":
    main()
