"""A bounded buffer whose end of input is checked before the last item has been taken out.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Buffer:
    def __init__(self):
        self.items = []
        self.closed = False
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify()

    def close(self):
        self.closed = True
        with self.changed:
            self.changed.notify_all()

    def get(self):
        with self.changed:
            while not self.items and not self.closed:
                self.changed.wait()
            if self.closed:
                return None
            return self.items.pop(0)


def main():
    buffer = Buffer()
    got = []

    def produce():
        buffer.put(1)
        buffer.put(2)
        buffer.close()

    def consume():
        while (item := buffer.get()) is not None:
            got.append(item)

    run(produce, consume)
    assert got == [1, 2], got


if __name__ == "__main__":
    main()
