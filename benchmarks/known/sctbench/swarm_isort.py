"""Workers meet at a hand-made barrier whose counter is read after the lock was given back.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


WORKERS = 2


class Barrier:
    def __init__(self, parties):
        self.parties = parties
        self.lock = threading.Lock()
        self.ready = threading.Condition(self.lock)
        self.count = 0

    def wait(self):
        with self.lock:
            self.count += 1
        if self.count == self.parties:  # the bug: two may see the last count, or the reset one
            with self.lock:
                self.count = 0
                self.ready.notify_all()
        else:
            with self.lock:
                self.ready.wait()


def main():
    barrier = Barrier(WORKERS)
    data = [3, 1, 2, 0]
    halves = [data[:2], data[2:]]

    def worker(number):
        def body():
            halves[number].sort()
            barrier.wait()

        return body

    run(*[worker(number) for number in range(WORKERS)])
    assert [sorted(half) for half in halves] == halves


if __name__ == "__main__":
    main()
