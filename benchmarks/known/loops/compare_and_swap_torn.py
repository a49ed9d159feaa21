"""A compare-and-swap that is two steps.

Expected: bug
"""

import threading


class Atomic:
    def __init__(self):
        self.value = 0

    def compare_and_swap(self, expected, new):
        if self.value != expected:
            return False
        self.value = new
        return True


def main():
    counter = Atomic()

    def add():
        while True:
            old = counter.value
            if counter.compare_and_swap(old, old + 1):
                break

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value == 2


if __name__ == "__main__":
    main()
