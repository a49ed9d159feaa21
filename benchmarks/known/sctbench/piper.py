"""Waiting for room with `if` where it takes `while`: two producers fill the same place.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Pipe:
    def __init__(self):
        self.cell = None
        self.changed = threading.Condition()

    def fill(self, value):
        with self.changed:
            if self.cell is not None:
                self.changed.wait()
            self.cell = value
            self.changed.notify_all()

    def drain(self):
        with self.changed:
            if self.cell is None:
                self.changed.wait()
            value, self.cell = self.cell, None
            self.changed.notify_all()
            return value


def main():
    pipe = Pipe()
    got = []
    run(
        lambda: pipe.fill(1),
        lambda: pipe.fill(2),
        lambda: got.append(pipe.drain()),
        lambda: got.append(pipe.drain()),
    )
    assert sorted(got, key=str) == [1, 2], got


if __name__ == "__main__":
    main()
