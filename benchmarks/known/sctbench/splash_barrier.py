"""A sense-reversing barrier whose sense is read after the counter was decremented.

Expected: bug
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
        with self.lock:
            self.left -= 1
            last = self.left == 0
        if last:
            self.left = self.parties
            self.sense = not self.sense
        else:
            mine = self.sense  # the bug: by now it may have been turned
            while self.sense == mine:
                pass


def main():
    barrier = Barrier(2)
    run(barrier.wait, barrier.wait)


if __name__ == "__main__":
    main()
