"""A barrier that is used twice and knows no generations: a slow thread sees the next round.

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
        self.lock = threading.Lock()
        self.turned = threading.Condition(self.lock)
        self.arrived = 0
        self.open = False

    def wait(self):
        with self.lock:
            self.arrived += 1
            if self.arrived == self.parties:
                self.arrived = 0
                self.open = True
                self.turned.notify_all()
            else:
                self.open = False
                while not self.open:
                    self.turned.wait()


def main():
    barrier = Barrier(2)
    steps = []

    def worker(name):
        def body():
            for step in range(2):
                steps.append((step, name))
                barrier.wait()

        return body

    run(worker("a"), worker("b"))
    assert [step for step, _ in steps] == [0, 0, 1, 1], steps


if __name__ == "__main__":
    main()
