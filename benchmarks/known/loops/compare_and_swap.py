"""A retry loop around a compare-and-swap.

Expected: ok
"""

import threading


class Atomic:
    def __init__(self):
        self._lock = threading.Lock()
        self._value = 0

    def load(self):
        return self._value

    def compare_and_swap(self, expected, new):
        with self._lock:
            if self._value != expected:
                return False
            self._value = new
            return True


def main():
    counter = Atomic()

    def add():
        while True:
            old = counter.load()
            if counter.compare_and_swap(old, old + 1):
                break

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.load() == 3


if __name__ == "__main__":
    main()
