"""A sense-reversing barrier.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Barrier:
    def __init__(self, parties):
        self.parties = parties
        self.left = parties
        self.sense = False
        self.lock = threading.Lock()

    def wait(self):
        mine = self.sense
        with self.lock:
            self.left -= 1
            last = self.left == 0
        if last:
            self.left = self.parties
            self.sense = not self.sense
        else:
            while self.sense == mine:
                pass


def main():
    barrier = Barrier(3)
    log = []

    def work(name):
        def body():
            for step in range(2):
                log.append(step)
                barrier.wait()

        return body

    run(*[work(name) for name in "abc"])
    assert log == [0, 0, 0, 1, 1, 1], log


if __name__ == "__main__":
    main()
