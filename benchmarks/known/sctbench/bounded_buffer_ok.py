"""The same with notify_all().

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Buffer:
    def __init__(self, size):
        self.size = size
        self.items = []
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            while len(self.items) == self.size:
                self.changed.wait()
            self.items.append(item)
            self.changed.notify_all()

    def get(self):
        with self.changed:
            while not self.items:
                self.changed.wait()
            item = self.items.pop(0)
            self.changed.notify_all()
            return item


def main():
    buffer = Buffer(1)
    got = []
    run(
        lambda: buffer.put(1),
        lambda: buffer.put(2),
        lambda: got.append(buffer.get()),
        lambda: got.append(buffer.get()),
    )
    assert sorted(got) == [1, 2]


if __name__ == "__main__":
    main()
