"""The same with a generation counter.

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
        self.lock = threading.Lock()
        self.turned = threading.Condition(self.lock)
        self.arrived = 0
        self.generation = 0

    def wait(self):
        with self.lock:
            generation = self.generation
            self.arrived += 1
            if self.arrived == self.parties:
                self.arrived = 0
                self.generation += 1
                self.turned.notify_all()
            while generation == self.generation:
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
