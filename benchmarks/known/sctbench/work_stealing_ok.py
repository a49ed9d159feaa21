"""The work-stealing queue with one cell left free for a thief.

Expected: ok
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class WorkStealQueue:
    def __init__(self, size):
        self.lock = threading.Lock()
        self.head = self.tail = 0
        self.mask = size - 1
        self.cells = [None] * size

    def steal(self):
        with self.lock:
            h = self.head
            self.head = h + 1
            if h < self.tail:
                return self.cells[h & self.mask]
            self.head = h
            return None

    def pop(self):
        t = self.tail - 1
        self.tail = t
        if self.head <= t:
            return self.cells[t & self.mask]
        self.tail = t + 1
        with self.lock:
            if self.head <= t:
                self.tail = t
                return self.cells[t & self.mask]
            return None

    def push(self, item):
        t = self.tail
        assert t < self.head + self.mask
        self.cells[t & self.mask] = item
        self.tail = t + 1


def main():
    queue = WorkStealQueue(4)
    taken = []

    def thief():
        item = queue.steal()
        if item is not None:
            taken.append(item)

    def owner():
        queue.push("a")
        queue.push("b")
        for _ in range(2):
            item = queue.pop()
            if item is not None:
                taken.append(item)

    run(thief, owner)
    assert sorted(taken) == ["a", "b"], taken


if __name__ == "__main__":
    main()
