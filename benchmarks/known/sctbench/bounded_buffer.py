"""One condition for producers and consumers, and notify(): a wakeup goes to the wrong one.

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
    def __init__(self, size):
        self.size = size
        self.items = []
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            while len(self.items) == self.size:
                self.changed.wait()
            self.items.append(item)
            self.changed.notify()

    def get(self):
        with self.changed:
            while not self.items:
                self.changed.wait()
            item = self.items.pop(0)
            self.changed.notify()
            return item


def main():
    buffer = Buffer(1)

    def produce():
        buffer.put(1)

    def consume():
        buffer.get()

    run(consume, consume, produce, produce)


if __name__ == "__main__":
    main()
