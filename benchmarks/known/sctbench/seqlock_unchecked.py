"""A sequence lock whose reader looks at the number before only.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class SeqLock:
    def __init__(self):
        self.sequence = 0
        self.lock = threading.Lock()
        self.x = self.y = 0

    def write(self, value):
        with self.lock:
            self.sequence += 1
            self.x = value
            self.y = value
            self.sequence += 1

    def read(self):
        while self.sequence % 2:
            pass
        return (self.x, self.y)


def main():
    shared = SeqLock()

    def reader():
        x, y = shared.read()
        assert x == y, (x, y)

    run(lambda: shared.write(1), reader)


if __name__ == "__main__":
    main()
